#!/bin/bash
# A stranger finds the way: files say where they are, and no room is crowded.
#
#   test/lint/places.sh [DIRECTORY that holds src/]
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

MOST_FILES=37
MOST_LINES=600

sources() { find src -name '*.[ch]' -o -name '*.cpp' | sort; }

nameless() {
	local file
	sources | while read -r file; do
		sed -n '2s/^ \* //p' "$file" | grep -qx "$(basename "$file")" ||
			echo "$file:2 does not begin with the file's name"
	done
}

unguarded() {
	local file guard
	sources | grep '\.h$' | while read -r file; do
		guard=GA_$(sed 's,^src/,,; s,[/.],_,g' <<<"$file" | tr '[:lower:]' '[:upper:]')
		grep -qx "#define $guard" "$file" || echo "$file is not guarded by $guard"
	done
}

long() {
	local file lines
	sources | while read -r file; do
		lines=$(wc -l <"$file")
		[ "$lines" -le "$MOST_LINES" ] || echo "$file has $lines lines"
	done
}

crowded() {
	sources | xargs -r -n 1 dirname | sort | uniq -c |
		awk -v most="$MOST_FILES" '$1 > most { print $2 " holds " $1 " files" }'
}

report "there are sources to look at" "$(sources | grep -q . || echo "none below $PWD/src")"
report "each file begins with its name" "$(nameless)"
report "each header is guarded by its path" "$(unguarded)"
report "no folder holds more than $MOST_FILES files" "$(crowded)"
report "no file has more than $MOST_LINES lines" "$(long)"
report "no file's name carries a version" "$(sources | grep -E '_v[0-9]')"
finish
