# tap.sh: a lint's way to speak TAP. Sourced by the lints, never run.

TAP_COUNT=0 TAP_FAILED=0

# report WHAT [PROBLEMS]: passes when PROBLEMS, a line each, is empty
report() {
	TAP_COUNT=$((TAP_COUNT + 1))
	if [ -z "${2:-}" ]; then
		echo "ok $TAP_COUNT - $1"
	else
		TAP_FAILED=$((TAP_FAILED + 1))
		echo "not ok $TAP_COUNT - $1"
		printf '%s\n' "$2" | sed 's/^/#   /'
	fi
}

# make_tree: an empty directory $TREE to plant things in, for as long as the script runs
make_tree() {
	HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
	TREE=$(mktemp -d)
	trap 'rm -rf "$TREE"' EXIT
}

# caught_by LINT WHAT TEXT: run on what was planted in $TREE the check fails and says TEXT
caught_by() {
	local output
	if output=$(bash "$HERE/$1.sh" "$TREE" 2>&1); then
		report "$2 is caught" "the check passed"
	else
		report "$2 is caught" "$(grep -qF -- "$3" <<<"$output" || echo "$output")"
	fi
}

finish() {
	echo "1..$TAP_COUNT"
	[ "$TAP_FAILED" -eq 0 ]
}
