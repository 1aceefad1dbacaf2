#!/bin/bash
# .ci/run fails where a test does, and only there: what cannot be had on a machine, or does not
# fit into its time, is skipped, and its last lines say so. Seen with a script/test that is planted.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
make_tree
mkdir -p "$TREE/.ci" "$TREE/script/lib"
echo 'find_postgres() { PG_MAJOR=15; }' >"$TREE/script/lib/common.sh"
cp "$HERE/../../.ci/run" "$TREE/.ci/run"

# ci STATUS TEXT [SETTING...]: TOLD and STATUS of a run in which other PostgreSQL than the machine's
# end with STATUS, after TEXT
ci() {
	local status=$1 text=$2
	shift 2
	{
		echo '#!/bin/bash'
		echo '[ "${1:-}" = --pg ] || { sleep "${OWN:-0}"; echo "7 passed, 0 failed"; exit "${OWN_STATUS:-0}"; }'
		echo '[ $# -eq 2 ] || { echo "2 passed, ${AGAIN:-0} failed"; exit "${AGAIN:-0}"; }'
		printf 'printf "%%b\\n" %q\n' "$text"
		echo "exit $status"
	} >"$TREE/script/test"
	chmod +x "$TREE/script/test"
	TOLD=$(env GROUP_API_CI_MAJORS=17 "$@" "$TREE/.ci/run" 2>&1)
	STATUS=$?
}

# ends STATUS WHAT LINE: such was the run's end, and LINE its last
ends() {
	report "$2" "$([ "$STATUS" -eq "$1" ] || echo "status $STATUS"
		[ "$(tail -n 1 <<<"$TOLD")" = "$3" ] || echo "$TOLD")"
}

ci 0 '9 passed, 0 failed'
ends 0 "all passed" 'PostgreSQL 17: 9 passed, 0 failed'
ci 1 '8 passed, 1 failed'
ends 1 "a failure on another PostgreSQL is one" 'PostgreSQL 17: 8 passed, 1 failed'
ONE='  failed tests\n  server 001_start: it starts\n      not ok\n\n8 passed, 1 failed'
ci 1 "$ONE"
ends 0 "but not where a file passes the second time, which is said" \
	'PostgreSQL 17: 8 passed, 1 failed; 001_start once more: 2 passed, 0 failed'
ci 1 "$ONE" AGAIN=1
ends 1 "one that fails twice is a failure" 'PostgreSQL 17: 8 passed, 1 failed'
ci 1 "  failed tests\n  sql a: x\n  sql b: x\n  sql c: x\n  sql d: x\n\n5 passed, 4 failed"
ends 1 "and so are many at once" 'PostgreSQL 17: 5 passed, 4 failed'
ci 0 '9 passed, 0 failed' OWN_STATUS=1
ends 1 "a failure on the machine's own is one" 'PostgreSQL 17: 9 passed, 0 failed'
ci 77 'skipped: Debian trixie cannot be made here'
ends 0 "a Debian that cannot be made is skipped" 'PostgreSQL 17: skipped: Debian trixie cannot be made here'
CUT='skipped: no end within the 85 minutes for all'
ci 137 '  server   001_start ... 51.2 s  68 passed'
ends 0 "what is cut short is skipped" "PostgreSQL 17: $CUT; 0 files had failed"
ci 137 '  server   001_start ... 51.2 s  1 failed, 67 passed'
ends 1 "unless it had failed by then" "PostgreSQL 17: $CUT; 1 files had failed"
ci 0 '9 passed, 0 failed' OWN=1 GROUP_API_CI_MINUTES=0
ends 0 "what would not end in time is not begun" \
	'PostgreSQL 17: skipped: too little is left of the 0 minutes for all'
ci 1 '8 passed, 1 failed' GROUP_API_CI_MAJORS=15
ends 0 "what the machine has is not tried twice" "the machine's PostgreSQL: 7 passed, 0 failed"
ci 0 '9 passed, 0 failed' GROUP_API_CI_MAJORS=
ends 0 "no other PostgreSQL need be tried" "the machine's PostgreSQL: 7 passed, 0 failed"
finish
