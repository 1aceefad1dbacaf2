#!/bin/bash
# Every C and C++ file is as clang-format 14 writes it with .clang-format;
# other versions of it disagree among each other, so they are not asked.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2

FORMAT=$(command -v clang-format-14 || command -v clang-format)
if [ -z "$FORMAT" ] || ! "$FORMAT" --version | grep -q 'version 14\.'; then
	echo "1..0 # SKIP clang-format 14 not found"
	exit 0
fi

for directory in src test bench; do
	[ -d "$directory" ] || continue
	files=$(find "$directory" -name node_modules -prune -o \
		\( -name '*.[ch]' -o -name '*.cpp' -o -name '*.cc' \) -print | sort)
	[ -n "$files" ] || continue
	report "$directory is formatted" "$(xargs "$FORMAT" --dry-run -Werror <<<"$files" 2>&1 |
		sed -n 's/:[0-9]*:[0-9]*: error: code should be.*//p' | sort | uniq -c |
		awk '{ print $2 ": " $1 " places" }')"
done
finish
