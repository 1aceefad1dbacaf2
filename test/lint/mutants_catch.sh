#!/bin/bash
# The check of the mutants itself: each way in which one can be out of date is caught.
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/tap.sh"

TREE=$(mktemp -d)
trap 'rm -rf "$TREE"' EXIT

# afresh: a copy of what the check reads
afresh() {
	rm -rf "${TREE:?}"/*
	mkdir "$TREE/test" "$TREE/script"
	cp -r "$HERE/../../src" "$HERE/../../sql" "$TREE"
	cp "$HERE/../../script/mutants" "$TREE/script"
	cp -r "$HERE"/../{mutants,sql,t,unit,specs,fuzz,http,attack,peers,regress} "$TREE/test"
}

# caught WHAT TEXT: the check fails and says TEXT
caught() {
	caught_by mutants "$@"
	afresh
}

list=$TREE/test/mutants/base.mutants
afresh
report "the list as it is passes" "$(bash "$HERE/mutants.sh" "$TREE" | grep '^not ok')"
sed -i 's/int length = 0;/int length = 0, other = 0;/; s/RLIMIT_CPU, (uint64)/RLIMIT_CPU, (uint32)/' "$TREE/src/base/courier_process.c"
caught "a line that is gone" 'stand nowhere'
printf '\n# twice\nin src/base/digest.c\n- return false;\n+ return true;\nby sql/receipts\n' >>"$list"
caught "a line that is not unique" 'places of the file'
sed -i 's/^by 017_courier_call/by 017_no_such/' "$list"
caught "a test that is gone" 'no test 017_no_such'
sed -i 's,^in src/base/digest.c,in src/base/digests.c,' "$list"
caught "a file that is gone" 'no src/base/digests.c'
printf '\n# no test\nin src/base/digest.c\n- uint8 difference = 0;\n+ uint8 difference = 1;\n' >>"$list"
caught "one without a test" 'names no test'
finish
