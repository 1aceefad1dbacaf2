# server.sh: the throwaway server of script/bench, what runs beside it, and what its
# rows have in common. Sourced by script/bench.
# shellcheck shell=bash disable=SC2034,SC2153 # names of the other files of bench/

# build_program NAME LIBRARY...: of bench/, or of test/lib/
build_program() {
	local name=$1 source=$ROOT/bench/$1.c
	shift
	[ -e "$source" ] || source=$ROOT/test/lib/$name.c
	cc -O2 -I"$("$PG_CONFIG" --includedir)" -o "$WORK/$name" "$source" "$@" || exit 1
	chmod 755 "$WORK/$name"
}

# build_module NAME: what the server loads of bench/
build_module() {
	cc -O2 -shared -fPIC -I"$("$PG_CONFIG" --includedir-server)" -o "$WORK/$1.so" "$ROOT/bench/$1.c" || exit 1
}

build_programs() {
	build_program http_sink
	build_program http_load
	build_program latency -lpq -lpthread
	build_program bare_http -lcurl -lpthread
	build_program bare_smtp -lcurl -lpthread
	build_module empty
	build_module barest
}

prepare() {
	find_postgres || die 'PostgreSQL with its headers is missing; run script/setup'
	install_checkout
	make_work
	mkdir "$WORK/figures"
	build_programs
	# No checkpoint comes by itself in the middle of what is measured.
	start_server 'fsync = on' 'shared_buffers = 256MB' 'max_wal_size = 16GB' 'checkpoint_timeout = 1h' \
		'maintenance_work_mem = 256MB' 'max_worker_processes = 16' 'group_api.max_dispatchers = 8' \
		'group_api.max_members = 200000' 'group_api.groups_daily_cap = 10000000' \
		"$(pg_net_settings)" || exit 1
	set_up postgres
}

# set_up DATABASE: the extension, the peers, and data that are known to be ours
set_up() {
	sql_file "$1" "$ROOT/bench/peer.sql" 'CREATE EXTENSION group_api' || exit 1
	query "SELECT length(group_api.create_group('$(body 1 EMAIL 9999999)'::jsonb)::text)" -d "$1" >/dev/null || exit 1
}

# new_database NAME: does nothing when it is there already
new_database() {
	[ -z "$(query "SELECT 1 FROM pg_database WHERE datname = '$1'")" ] || return 0
	query "CREATE DATABASE $1" && set_up "$1"
}

# sql_file DATABASE FILE STATEMENT: the statement, and the file after it
sql_file() {
	{ echo "$3;"; cat "$2"; } | as_server "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -d "$1" >/dev/null
}

# sql DATABASE [PSQL OPTION...]: what standard input says; bare output
sql() {
	local database=$1
	shift
	as_server "$PG_BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d "$database" "$@"
}

# body COUNT MOBILE|EMAIL|BOTH [FIRST]: a request of contract A, its contacts numbered from FIRST
body() {
	awk -v n="$1" -v channel="$2" -v first="${3:-0}" 'BEGIN {
		printf "{\"productId\":\"00000000-0000-0000-0000-000000000000\",\"name\":\"Bench\",\"description\":\"d\",\"image\":\"https://a.example/b.png\",\"message\":\"Come and play\",\"members\":["
		for (i = 0; i < n; i++) {
			mobile = channel == "MOBILE" || (channel == "BOTH" && i % 2)
			printf "%s{\"nickName\":\"Member %d\",\"contact\":{\"type\":\"%s\",\"value\":\"%s\"}}",
				i ? "," : "", i, mobile ? "MOBILE" : "EMAIL",
				mobile ? sprintf("+27%d", 710000000 + first + i) : sprintf("m%d@example.com", first + i)
		}
		print "]}"
	}'
}

# invite DATABASE COUNT CHANNEL FIRST: one group by a call of ours
invite() {
	body "$2" "$3" "$4" >"$WORK/body.json"
	sql "$1" >/dev/null <<-SQL
		-- That nobody takes these yet is meant.
		SET client_min_messages = warning;
		\set body \`cat $WORK/body.json\`
		SELECT length(group_api.create_group(:'body'::jsonb)::text);
	SQL
}

# fill DATABASE COUNT MOBILE|EMAIL FIRST: as many rows that wait, in groups of 1 000
# members, written straight into the tables: what a call checks, hashes or counts is left out
fill() {
	sql "$1" -v "count=$2" -v "channel=$3" -v "first=$4" <"$ROOT/bench/fill.sql"
}

# empty_tables DATABASE: nothing waits and nothing was sent to anybody
empty_tables() {
	query 'TRUNCATE group_api_private.invitations, group_api_private.members, group_api_private.groups,
		group_api_private.attempts, group_api_private.sends' -d "$1"
}

# --- the dispatcher and its courier -------------------------------------------------

# recorded DATABASE: how many outcomes its dispatcher has recorded
recorded() { query 'SELECT recorded FROM group_api_private.dispatcher_state()' -d "$1"; }

# processes DATABASE: the ids of its dispatcher and courier
processes() { query "SELECT pid || ' ' || courier_pid FROM group_api_private.dispatcher_state()" -d "$1"; }

# cpu_us PID...: microseconds of CPU they have taken; exact for one thread, else to 10 ms
cpu_us() {
	local pid sum=0 one
	for pid in "$@"; do
		if [ "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ]; then
			one=$(awk '{ printf "%d", $1 / 1000 }' "/proc/$pid/schedstat")
		else
			one=$(sed 's/.*) //' "/proc/$pid/stat" | awk '{ print ($12 + $13) * 10000 }')
		fi
		sum=$((sum + one))
	done
	echo "$sum"
}

# memory_kb PID...: what is theirs alone and of files; not the shared buffers
memory_kb() {
	local pid
	for pid in "$@"; do cat "/proc/$pid/status"; done | awk '/^Rss(Anon|File):/ { sum += $2 } END { print sum }'
}

# pause DATABASE SERVER, resume DATABASE SERVER
pause() { query "SELECT group_api.pause('$2')" -d "$1" >/dev/null; }
resume() { query "SELECT group_api.resume('$2')" -d "$1" >/dev/null; }

# until_idle DATABASE: nothing is in flight any more
until_idle() {
	until [ "$(query 'SELECT claimed = recorded FROM group_api_private.dispatcher_state()' -d "$1")" = t ]; do sleep 0.02; done
}

# send DATABASE COUNT SERVER...: resumes the providers; seconds until as many outcomes
# are recorded.  A figure of a process that sleeps for 2 ms at a time.
send() {
	local database=$1 count=$2 server list=
	shift 2
	for server in "$@"; do list+=" PERFORM group_api.resume('$server');"; done
	sql "$database" 2>&1 <<-SQL | sed -n 's/.*NOTICE:  \([0-9.]*\).*/\1/p; /ERROR/w /dev/stderr'
		DO \$\$
		DECLARE
			began timestamptz := clock_timestamp();
			before bigint := (SELECT recorded FROM group_api_private.dispatcher_state());
		BEGIN
			$list
			COMMIT;
			WHILE (SELECT recorded - before < $count FROM group_api_private.dispatcher_state()) LOOP
				PERFORM pg_sleep(0.002);
				IF clock_timestamp() > began + interval '2 min' THEN
					RAISE EXCEPTION 'after 2 min % of $count are recorded', (SELECT recorded - before FROM group_api_private.dispatcher_state());
				END IF;
			END LOOP;
			RAISE NOTICE '%', extract(epoch FROM clock_timestamp() - began);
		END \$\$;
	SQL
}

# --- what runs beside the server ----------------------------------------------------

# start_sink NAME [OPTION...]: an HTTP sink; sets SINK to its address. Once for each name.
start_sink() {
	local name=$1 file=$WORK/$1.port
	shift
	if [ ! -s "$file" ]; then
		helper "$name" "$WORK/http_sink" --port-file "$file" --status 201 --body '{"id":"%n"}' "$@"
		wait_for_file "$file" 'the HTTP sink' || return 1
	fi
	SINK=http://127.0.0.1:$(cat "$file")/
}

# add_http DATABASE NAME CHANNEL [OPTIONS]: a provider before the sink SINK
add_http() {
	query "CREATE SERVER $2 FOREIGN DATA WRAPPER group_api_http
		OPTIONS (channel '$3', url '$SINK', id_path 'id' ${4:-})" -d "$1"
}

# drop_providers DATABASE
drop_providers() {
	sql "$1" <<-'SQL'
		SELECT format('DROP SERVER %I CASCADE', server) FROM group_api.providers \gexec
	SQL
}
