# table.sh: figures of runs in turn, and the lines of the table. Sourced by script/bench.
#
# A figure is a number of one run; those of one name stand in $WORK/figures/NAME, one a
# line, in the order of the rounds. So the n-th lines of two names are of one round.
# shellcheck shell=bash disable=SC2034,SC2153 # names of the other files of bench/

ROUNDS=5
QUICK=
TOOK=()

be_quick() { QUICK=1 ROUNDS=2; }

# figure NAME VALUE
figure() { echo "$2" >>"$WORK/figures/$1"; }

# forget NAME...: figures of a row that is measured again, or of a round that does not count
forget() {
	local name
	for name in "$@"; do rm -f "$WORK/figures/$name"; done
}

# in_turn NAME...: runs sample_NAME, which prints its figure, of each in turn: once
# without counting (not with FROM_ROUND=1), then $ROUNDS times, every second time in the other order
in_turn() {
	local round name names=("$@") turned=()
	for name in "$@"; do turned=("$name" "${turned[@]}"); done
	for ((round = ${FROM_ROUND:-0}; round <= ROUNDS; round++)); do
		if ((round % 2)); then names=("${turned[@]}"); else names=("$@"); fi
		for name in "${names[@]}"; do
			"sample_$name" >"$WORK/figure" || return 1
			grep -qE '^[0-9.]+$' "$WORK/figure" || {
				warn "sample_$name told $(head -c 200 "$WORK/figure") instead of a figure"
				return 1
			}
			figure "$name" "$(cat "$WORK/figure")"
		done
		# What the samples told beside their figures begins anew, too.
		((round)) || rm -f "$WORK/figures"/*
	done
}

# median NAME
median() {
	sort -n "$WORK/figures/$1" | awk '{ a[NR] = $1 } END {
		print NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2 }'
}

# ratio A B: the median of A's figures divided by B's of the same round
ratio() {
	paste "$WORK/figures/$1" "$WORK/figures/$2" | awk '{ print $1 / $2 }' >"$WORK/figures/ratio"
	median ratio
	rm "$WORK/figures/ratio"
}

# quotient A B
quotient() { awk -v a="$1" -v b="$2" 'BEGIN { print a / b }'; }

# human NUMBER UNIT: as many digits as say something
human() {
	awk -v x="$1" -v unit="$2" 'BEGIN {
		text = x >= 100 ? sprintf("%.0f", x) : x >= 10 ? sprintf("%.1f", x) : sprintf("%.2f", x)
		if (x >= 10000)
			text = substr(text, 1, length(text) - 3) " " substr(text, length(text) - 2)
		print text unit }'
}

FORMAT='| %-62s | %-15s | %-26s | %-6s | %-8s | %-4s |\n'

print_head() {
	# shellcheck disable=SC2059 # the format is ours
	{
		printf "$FORMAT" what ours 'peer or limit' ratio goal met
		printf "$FORMAT" --- --- --- --- --- ---
	}
}

# print_line WHAT OURS OTHER NUMBER GOAL: the number is what the goal (>=N, <=N or
# nothing) is about; texts without a number have none
print_line() {
	local met='' shown=${4:-}
	if [ -n "${5:-}" ]; then
		met=$(awk -v x="$4" -v goal="$5" 'BEGIN {
			limit = substr(goal, 3) + 0
			print (substr(goal, 1, 2) == ">=" ? x + 0 >= limit : x + 0 <= limit) ? "yes" : "no" }')
	fi
	[ -z "$shown" ] || shown=$(human "$shown" '')
	# shellcheck disable=SC2059 # the format is ours
	printf "$FORMAT" "$1" "$2" "$3" "$shown" "${5:-}" "$met"
}

# print_note WHAT WORDS
print_note() { print_line "$1" - "$2" '' ''; }

# compare WHAT OURS OTHER UNIT WORDS GOAL: ours / other; WORDS name the other
compare() {
	print_line "$1" "$(human "$(median "$2")" "$4")" "$(human "$(median "$3")" "$4") $5" "$(ratio "$2" "$3")" "$6"
}

# compare_speed: the same of times, as how many times faster ours is
compare_speed() {
	print_line "$1" "$(human "$(median "$2")" "$4")" "$(human "$(median "$3")" "$4") $5" "$(ratio "$3" "$2")" "$6"
}

print_times() {
	printf '\n%s cores, load %s, PostgreSQL %s, %s rounds; took' "$(nproc)" "$(cut -d ' ' -f 1 /proc/loadavg)" \
		"$("$PG_CONFIG" --version | cut -d ' ' -f 2)" "$ROUNDS"
	printf ' %s,' "${TOOK[@]}"
	printf ' in all %s s\n' "$SECONDS"
}
