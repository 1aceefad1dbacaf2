# backlog.sh: what it costs that much is waiting. Two databases of one server, each with
# a dispatcher of its own: "small" and "large", in which 1 000 000 wait. Sourced by
# script/bench.
# shellcheck shell=bash disable=SC2034,SC2153 # names of the other files of bench/

LARGE=1000000
SAMPLE=8000

# ready_for_backlog: the databases, of which both have a paused provider of SMS
ready_for_backlog() {
	local database
	[ -z "${BACKLOG_READY:-}" ] || return 0
	start_sink backlog || return
	for database in small large; do
		new_database "$database" && add_http "$database" sms MOBILE ", prefixes '+27'" && pause "$database" sms || return
	done
	fill large "$LARGE" MOBILE 0 && BACKLOG_READY=1
}

# --- the rate ------------------------------------------------------------------------

# backlog_rate DATABASE: messages a second until SAMPLE of them are recorded; notes the
# dispatcher's CPU a message as rate_DATABASE_cpu
backlog_rate() {
	local pid before sent
	read -r pid _ <<<"$(processes "$1")"
	before=$(cpu_us "$pid") sent=$(recorded "$1")
	send "$1" "$SAMPLE" sms | awk -v n="$SAMPLE" '{ print n / $1 }'
	pause "$1" sms
	until_idle "$1"
	figure "rate_$1_cpu" "$(quotient $(($(cpu_us "$pid") - before)) $(($(recorded "$1") - sent)))"
}
# Without the dead rows of what was sent in the rounds before, which "snapshot" is about: a provider that
# is resumed reads from the front.
sample_rate_large() {
	query 'VACUUM group_api_private.invitations' -d large
	backlog_rate large
}
sample_rate_small() {
	empty_tables small
	fill small 10000 MOBILE 0
	backlog_rate small
}

row_waiting() {
	ready_for_backlog && in_turn rate_large rate_small || return
	compare 'SMS while 1 000 000 wait' rate_large rate_small /s 'while 10 000 wait' '>=0.9'
	compare '  CPU of the dispatcher a message' rate_large_cpu rate_small_cpu ' us' 'while 10 000 wait' ''
}

# --- with a snapshot held, and memory ---------------------------------------------------

HOLD=60
WINDOW=2
WINDOWS=5
# What each database sends meanwhile, and somewhat more.
TOP_UP=1300000

# windows NAME COUNT: notes as many rates of both databases, of WINDOW seconds each, and the CPU a message as
# NAME_DATABASE_cpu. Nobody holds a snapshot meanwhile: a session that sleeps in a statement does.
windows() {
	local i database
	local -A before after
	for database in large small; do after[$database]=$(moment "$database"); done
	for ((i = 0; i < $2; i++)); do
		for database in large small; do before[$database]=${after[$database]}; done
		sleep "$WINDOW"
		for database in large small; do
			after[$database]=$(moment "$database")
			figure "$1_$database" "$(slope 2 1 "${before[$database]}" "${after[$database]}")"
			figure "$1_${database}_cpu" "$(slope 3 2 "${before[$database]}" "${after[$database]}")"
		done
	done
}

# moment DATABASE: the time, what its dispatcher has recorded, and the CPU of it and its courier
moment() {
	local pids
	read -r -a pids <<<"$(processes "$1")"
	echo "$(query "SELECT extract(epoch FROM clock_timestamp()) || ' ' || recorded FROM group_api_private.dispatcher_state()" -d "$1")" \
		"$(cpu_us "${pids[@]}")"
}

# slope Y X BEFORE AFTER: by how much word Y has grown for each by which word X has
slope() {
	awk -v y="$1" -v x="$2" -v before="$3" -v after="$4" 'BEGIN {
		split(before, b); split(after, a); print (a[y] - b[y]) / (a[x] - b[x]) }'
}

# hold_snapshot DATABASE, and let_go: it keeps back only what is dead in its own database
hold_snapshot() {
	helper snapshot "$PG_BIN/psql" -X -q -d "$1" -c 'BEGIN ISOLATION LEVEL REPEATABLE READ' -c 'SELECT count(*) FROM pg_class' \
		-c 'SELECT pg_sleep(600)'
}
let_go() {
	query "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'" >/dev/null
}

# Two databases send at once and share the processors, and in one of them a snapshot is held: its part tells what that
# costs. A rate before and one after would tell of the machine, whose speed changes by a quarter within a minute.
row_snapshot() {
	local pids memory sent
	[ -z "$QUICK" ] || HOLD=10 WINDOWS=4 TOP_UP=500000
	ready_for_backlog && empty_tables small && fill large "$TOP_UP" MOBILE 3000000 &&
		fill small "$TOP_UP" MOBILE 0 && resume large sms && resume small sms || return
	forget {warm,without,with}_{large,small}{,_cpu}
	windows warm 2
	read -r -a pids <<<"$(processes large)"
	memory=$(memory_kb "${pids[@]}") sent=$(recorded large)
	windows without "$WINDOWS"
	hold_snapshot large
	windows warm $((HOLD / WINDOW))
	windows with "$WINDOWS"
	let_go
	sent=$(($(recorded large) - sent))
	print_line "SMS while 1 000 000 wait, a snapshot held for $HOLD s" "$(human "$(median with_large)" /s)" \
		"$(human "$(median with_small)" /s) another database" \
		"$(quotient "$(ratio with_large with_small)" "$(ratio without_large without_small)")" '>=0.95'
	print_line '  CPU of dispatcher and courier a message' "$(human "$(median with_large_cpu)" ' us')" \
		"$(human "$(median with_small_cpu)" ' us') another database" \
		"$(quotient "$(ratio with_large_cpu with_small_cpu)" "$(ratio without_large_cpu without_small_cpu)")" ''
	memory=$(($(memory_kb "${pids[@]}") - memory))
	print_line "  memory of dispatcher and courier over $(human "$sent" '') sends" \
		"$(human "$(quotient $((memory * 1024)) "$sent")" ' B a send')" '' "$(quotient $((memory * 1024)) "$sent")" '<=10'
	memory=$(quotient "$(($(memory_kb "${pids[@]}")))" 1024)
	print_line '  in the end' "$(human "$memory" ' MB')" '' "$memory" '<=64'
	pause large sms && pause small sms
	until_idle large
	until_idle small
}

# --- a healthy provider beside a paused one -----------------------------------------------

# beside DATABASE NAME CHANNEL CONTACT [OPTIONS]: p50 of a healthy provider; notes its
# dispatcher's CPU a message as NAME_cpu, and once, from the definition of the provider
# until all that waits for others is read, as NAME_settling
beside() {
	latency "$1" "$BESIDE_COUNT" "$3" "$4" "${5:-}" || return
	figure "$2_cpu" "$CPU"
	figure "$2_settling" "$SETTLING"
	echo "$P50"
}
BESIDE_COUNT=10

sample_mail_large() { beside large mail_large EMAIL latency; }
sample_mail_small() { beside small mail_small EMAIL latency; }
sample_prefix_large() { beside large prefix_large MOBILE +4415 ", prefixes '+44'"; }
sample_prefix_small() { beside small prefix_small MOBILE +4415 ", prefixes '+44'"; }

# measure_beside NAME WORDS
measure_beside() {
	ready_for_backlog || return
	empty_tables small
	in_turn "$1_large" "$1_small" || return
	compare "$2: COMMIT to first byte" "$1_large" "$1_small" ' ms' 'nothing waits' '<=1.7'
	compare '  CPU of the dispatcher a message' "$1_large_cpu" "$1_small_cpu" ' us' 'nothing waits' '<=1.7'
	print_line '  CPU once, when the provider is defined' "$(human "$(median "$1_large_settling")" ' us')" '' '' ''
}

row_paused() { measure_beside mail 'Another channel while 1 000 000 wait for a paused one'; }
row_paused_prefix() { measure_beside prefix 'The same channel, other prefixes'; }

# --- a server that comes back ----------------------------------------------------------

# requests: how many the sink has got
requests() { curl -s "${SINK}.count" | sed 's/.*"requests": \([0-9]*\).*/\1/'; }

# await_request COUNT: until the sink has got more
await_request() {
	local end=$((SECONDS + 60))
	until [ "$(requests)" -gt "$1" ]; do
		[ "$SECONDS" -lt "$end" ] || { warn 'nothing was sent within a minute'; return 1; }
		sleep 0.005
	done
}

start_again() {
	(cd "$WORK" && as_server "$PG_BIN/pg_ctl" -D "$SERVER_DATA" -W -l "$WORK/server.log" start) >/dev/null
}

# kill_server: with SIGKILL, and all its children
kill_server() {
	local postmaster children
	postmaster=$(head -1 "$SERVER_DATA/postmaster.pid")
	children=$(ps -o pid= --ppid "$postmaster")
	kill -KILL "$postmaster"
	for postmaster in $children; do
		while grep -qs '^State:.[^ZX]' "/proc/$postmaster/status"; do sleep 0.05; done
	done
	rm -f "$SERVER_DATA/postmaster.pid"
}

# start_until_ready: until it takes connections
start_until_ready() {
	local i
	while true; do
		start_again
		# It ends again where some process of the old server is still there.
		for ((i = 0; i < 100; i++)); do
			"$PG_BIN/pg_isready" -q && return
			[ "$i" -lt 50 ] || [ -e "$SERVER_DATA/postmaster.pid" ] || break
			[ "$i" -lt 99 ] || i=50
			sleep 0.01
		done
	done
}

# ms_until_sent: kills the server; milliseconds from when connections are taken until the sink gets something
ms_until_sent() {
	local before ready
	kill_server
	before=$(requests)
	start_until_ready
	ready=$(date +%s%N)
	await_request "$before" || return
	echo $((($(date +%s%N) - ready) / 1000000))
}

# take_over DATABASE OTHER: a message is with its provider when the server is killed;
# milliseconds from when connections are taken until it is sent again
take_over() {
	local before
	query "ALTER DATABASE $2 ALLOW_CONNECTIONS false"
	before=$(requests)
	query CHECKPOINT
	query "SELECT length(group_api.create_group('$(body 1 EMAIL $((8000000 + RANDOM)))'::jsonb)::text)" -d "$1" >/dev/null
	await_request "$before" || return
	ms_until_sent || return
	query "ALTER DATABASE $2 ALLOW_CONNECTIONS true"
	until [ "$(query "SELECT count(*) FROM group_api_private.invitations WHERE channel = 'EMAIL' AND due IS NOT NULL" -d "$1")" = 0 ]; do sleep 0.1; done
}
sample_takeover_large() { take_over large small; }
sample_takeover_small() { take_over small large; }

row_takeover() {
	local database
	# The server is back by when this answers; an answer that a courier noted is not asked for again.
	ready_for_backlog && start_sink slow_mail --delay-ms 2000 || return
	for database in small large; do add_http "$database" mail EMAIL || return; done
	# Each begins with a start of the server.
	FROM_ROUND=1 in_turn takeover_large takeover_small || return
	compare 'SIGKILL: until what was in flight is sent again, 1 000 000 wait' takeover_large takeover_small ' ms' 'nothing waits' '<=3'
	for database in small large; do query 'DROP SERVER mail CASCADE' -d "$database"; done
}

# one_restart: milliseconds; kills the server with messages under way
one_restart() {
	resume large sms
	until [ "$(query "SELECT count(*) FROM (SELECT FROM group_api_private.invitations
			WHERE delivery = 'sending' LIMIT 1) AS one" -d large)" = 1 ]; do sleep 0.1; done
	sleep 2
	ms_until_sent
}

# Not in the table: of the messages under way themselves, which are many.
row_restart() {
	ready_for_backlog && start_sink backlog || return
	for _ in 1 2 3; do
		print_line 'SIGKILL while 1 000 000 are being sent, until the first leaves' "$(one_restart) ms" '' '' ''
	done
	pause large sms
}
