# writing.sh: create_group beside the same job in PL/pgSQL, and beside what storing the
# very same rows takes. Sourced by script/bench.
# shellcheck shell=bash disable=SC2034,SC2153 # names of the other files of bench/

# Providers that are ready, as an app has them, and a dispatcher that sends nothing meanwhile: without
# a provider each call would look for one.
with_silent_providers() {
	local status
	query "CREATE SERVER silent_sms FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE')"
	query "CREATE SERVER silent_mail FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL', sender 'a@example.com')"
	query 'ALTER SYSTEM SET group_api.dispatch = off' && query 'SELECT pg_reload_conf()' >/dev/null
	"$@"
	status=$?
	query 'ALTER SYSTEM RESET group_api.dispatch'
	empty_tables postgres
	query 'DROP SERVER silent_sms' && query 'DROP SERVER silent_mail' && query 'SELECT pg_reload_conf()' >/dev/null
	return $status
}

# --- two members: many calls ---------------------------------------------------------

SMALL_SECONDS=2

# small_tps STATEMENT [SECONDS]: what two clients do of it
small_tps() {
	echo "$1;" >"$WORK/statement.sql"
	PGOPTIONS='-c synchronous_commit=off' as_server "$PG_BIN/pgbench" -n -M prepared \
		-c 2 -T "${2:-$SMALL_SECONDS}" -f "$WORK/statement.sql" 2>"$WORK/pgbench.log" |
		sed -n 's/^tps = \([0-9.]*\).*/\1/p'
}

sample_small_ours() { small_tps "SELECT group_api.create_group('$(body 2 BOTH)'::jsonb)"; }
sample_small_plpgsql() { small_tps "SELECT bench.create_group('$(body 2 BOTH)'::jsonb)"; }
sample_small_empty() { small_tps "SELECT bench.empty('$(body 2 BOTH)'::jsonb)" 1; }

row_create_2() {
	query "CREATE FUNCTION bench.empty(jsonb) RETURNS json LANGUAGE c STRICT AS '$WORK/empty.so', 'bench_empty'"
	with_silent_providers in_turn small_ours small_plpgsql small_empty || return
	compare 'create_group, 2 members, synchronous_commit off, 2 clients' small_ours small_plpgsql /s PL/pgSQL '>=2'
	compare '  the same call of an empty C function' small_ours small_empty /s 'empty function' ''
}

# --- many members: one call ----------------------------------------------------------

TABLES='group_api_private.invitations, group_api_private.members, group_api_private.groups,
	bench.invitations, bench.members, bench.groups'

# timed BEFORE STATEMENT: milliseconds of the statement on empty tables, in a session
# that BEFORE has warmed up: it has its plans, and has read the catalogs
timed() {
	sql postgres <<-SQL | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -1
		\set body \`cat $WORK/large.json\`
		TRUNCATE $TABLES;
		$1;
		CHECKPOINT;
		\timing on
		$2;
	SQL
}

# timed_call SCHEMA TYPE: of the request in large.json
timed_call() {
	timed "SELECT length($1.create_group('$(body 2 BOTH 9000000)'::$2)::text) FROM generate_series(1, 6)" \
		"SELECT length($1.create_group(:'body'::$2)::text)"
}

sample_large_ours() { timed_call group_api jsonb; }
sample_large_text() { timed_call group_api text; }
sample_large_plpgsql() { timed_call bench jsonb; }
sample_large_select() { timed "SELECT bench.insert_rows(); TRUNCATE $TABLES" 'SELECT bench.insert_rows()'; }
sample_large_read() { timed 'SELECT 1' "SELECT pg_column_size(:'body'::jsonb)"; }
sample_large_copy() { timed "SELECT bench.copy_rows(); TRUNCATE $TABLES" 'SELECT bench.copy_rows()'; }

# keep_rows COUNT: the rows that a call of ours wrote, for bench.insert_rows() and copy_rows()
keep_rows() {
	body "$1" BOTH >"$WORK/large.json"
	query "TRUNCATE $TABLES" && invite postgres "$1" BOTH 0 &&
		query "SELECT bench.keep_rows('$WORK')" >/dev/null
}

# measure_large COUNT
measure_large() {
	local words
	words="create_group, $(human "$1" '') members, e-mail and phones"
	keep_rows "$1" || return
	with_silent_providers in_turn large_ours large_plpgsql large_text large_select large_copy large_read || return
	paste "$WORK/figures/large_read" "$WORK/figures/large_select" | awk '{ print $1 + $2 }' >"$WORK/figures/large_least"
	compare_speed "$words" large_ours large_plpgsql ' ms' PL/pgSQL '>=4'
	compare_speed '  given as text, as over HTTP' large_text large_plpgsql ' ms' PL/pgSQL '>=4'
	compare '  the same rows by COPY' large_ours large_copy ' ms' COPY '<=1.3'
	compare '  the same rows by INSERT ... SELECT' large_ours large_select ' ms' 'INSERT ... SELECT' ''
	compare '  the same, and PostgreSQL reading the literal as jsonb' large_ours large_least ' ms' 'both' ''
}

row_create_1000() { measure_large 1000; }
row_create_10000() { measure_large 10000; }

# peak_of STATEMENT: in a session of its own, what it took at the most, but for pages it shares
peak_of() {
	sql postgres <<-SQL | tail -1
		\set body \`cat $WORK/large.json\`
		$1;
		SELECT 1024 * (f[1]::bigint - f[2]::bigint) FROM (SELECT regexp_match(pg_read_file('/proc/self/status'),
			'VmHWM:\s+(\d+).*RssShmem:\s+(\d+)') AS f) AS s;
	SQL
}
sample_memory_text() { peak_of "SELECT length(group_api.create_group(:'body'::text)::text)"; }
sample_memory_jsonb() { peak_of "SELECT length(group_api.create_group(:'body'::jsonb)::text)"; }
sample_memory_parsed() { peak_of "SELECT length(:'body'::jsonb::text)"; }

# print_memory WORDS SAMPLE GOAL: beside the size of the request
print_memory() {
	local size
	size=$(stat -c %s "$WORK/large.json")
	print_line "$1" "$(human "$(quotient "$(median "$2")" 1e6)" ' MB')" \
		"$(human "$(quotient "$size" 1e6)" ' MB') request" "$(quotient "$(median "$2")" "$size")" "$3"
}

sample_members_1000() { body 1000 BOTH >"$WORK/large.json"; timed_each 1000; }
sample_members_100000() { body 100000 BOTH >"$WORK/large.json"; timed_each 100000; }
# timed_each COUNT: microseconds a member
timed_each() { sample_large_ours | awk -v n="$1" '{ print $1 * 1000 / n }'; }

row_create_100000() {
	with_silent_providers in_turn members_100000 members_1000 || return
	compare 'create_group, 100 000 members, time a member' members_100000 members_1000 ' us' 'with 1 000' '<=1.2'
	body 100000 BOTH >"$WORK/large.json"
	with_silent_providers in_turn memory_text memory_jsonb memory_parsed || return
	print_memory '  the backend at its peak, given text' memory_text '<=10'
	print_memory '  given jsonb' memory_jsonb '<=10'
	print_memory '  PostgreSQL alone: the request as jsonb and back' memory_parsed ''
}
