#!/bin/bash
# What fails is told again at the end of script/test, with its name and what it said, however
# it failed; and briefly, however much did.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
make_tree
ROOT=$(cd "$HERE/../.." && pwd)

# told DIALECT: what the end of a run tells of the programs planted in $TREE
told() {
	: >"$TREE/failures"
	"$ROOT/script/lib/run-tests" --stage stage --logs "$TREE/log" --tally "$TREE/tally" --timeout 20 \
		--failures "$TREE/failures" --dialect "$1" bash :: "$TREE"/*.sh >"$TREE/output" 2>&1
	"$ROOT/script/lib/failures" logs=the-logs "$TREE/failures"
	rm -f "$TREE"/*.sh
}

# says WHAT LINE...: the lines of $TOLD that are to be there, by their beginnings
says() {
	local what=$1 line
	shift
	report "$what" "$(for line; do
		grep -qF -- "$line" <<<"$TOLD" || printf 'not there: %s\nbut: %s\n' "$line" "$TOLD"
	done)"
}

cat >"$TREE/001_one.sh" <<'END'
echo 'ok 1 - good'; echo 'not ok 2 - it holds'
echo "#   Failed test 'it holds'"; echo '#   at x.pl line 7.'; echo "#          got: '1'"; echo '1..2'; exit 1
END
echo 'echo "ok 1 - good"; echo "1..1"' >"$TREE/002_fine.sh"
TOLD=$(told tap)
says "a failed assertion is told with what it said" '  stage 001_one: it holds' '#   at x.pl line 7.' "got: '1'"
report "and nothing of what passed" "$(grep -E 'good|002_fine' <<<"$TOLD")"

echo 'echo "ok 1 - good"; echo "1..2"; echo "Connection refused" >&2; exit 3' >"$TREE/003_died.sh"
TOLD=$(told tap)
says "a program that died is told with its last words" '  stage 003_died: exit status 3' 'Connection refused'

cat >"$TREE/courier.sh" <<'END'
echo 'not ok 1 - descriptors'
for i in 1 2 3 4 5 6 7 8 9; do echo "# File line $i"; done; echo '# FileNotFoundError: fd/7'
echo 'not ok 2 - another'
END
TOLD=$(told lines)
says "of a traceback both ends are told" '  stage courier: descriptors' 'File line 1' 'FileNotFoundError: fd/7' '  stage courier: another'

for i in $(seq 12); do printf 'not ok %d - case %d\n# why %d\n# and %d\n# but %d\n# yet %d\n' $i $i $i $i $i $i; done |
	sed "s/.*/echo '&'/" >"$TREE/many.sh"
TOLD=$(told lines)
says "of a dozen each is told" "stage many: case 1" "stage many: case 12" "why 12"
report "in forty lines" "$([ "$(sed 1,2d <<<"$TOLD" | wc -l)" -le 40 ] || echo "$TOLD")"

for i in $(seq 50); do echo "echo 'not ok $i - case $i'; echo '# why'"; done >"$TREE/most.sh"
TOLD=$(told lines)
says "of fifty it is told how many more there are" "stage most: case 39" "and 11 more, see the-logs"
report "in forty lines too" "$([ "$(sed 1,2d <<<"$TOLD" | wc -l)" -le 40 ] || echo "$TOLD")"

echo 'echo "ok 1 - good"; echo "1..1"' >"$TREE/004_fine.sh"
report "where nothing failed nothing is told" "$(told tap)"
report "a run passes the failures on to the end" "$(grep -q -- '--failures "\$FAILURES"' "$ROOT/script/test" &&
	grep -q 'lib/failures" .*"\$FAILURES"' "$ROOT/script/test" || echo "script/test does not")"
finish
