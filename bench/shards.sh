# shards.sh: what a call costs through a proxy database, beside the same call of the shard
# itself. Sourced by script/bench.
# shellcheck shell=bash disable=SC2016,SC2034,SC2153 # names of the other files of bench/, and SQL

SHARD_CALLS=1000

# The proxy is a database of the same server, so both hops are of one machine.
make_proxy() {
	local shared="host=$WORK port=$PGPORT dbname=postgres"
	sql postgres >/dev/null <"$ROOT/docs/scaling/shard.sql" 2>"$WORK/shard.log" || return 1
	query 'CREATE ROLE bench_caller LOGIN' && query "SELECT group_api.grant_access('bench_caller', 'caller')" >/dev/null &&
		query 'GRANT bench_caller TO group_api_proxy' && query 'CREATE DATABASE proxy' || return 1
	sql proxy -v "shard0=$shared" >/dev/null <"$ROOT/docs/scaling/proxy.sql" &&
		sql postgres <"$ROOT/docs/scaling/proxy_functions.sql" >"$WORK/functions.sql" &&
		sql proxy >/dev/null <"$WORK/functions.sql" &&
		query "SELECT group_api.grant_access('bench_caller', 'caller')" -d proxy >/dev/null
}

# What PL/Proxy itself takes: its own hop to a function that does nothing.
make_empty() {
	query 'CREATE FUNCTION public.bench_empty(json) RETURNS json LANGUAGE sql AS $$SELECT $1$$' &&
		query "CREATE FUNCTION public.bench_empty(json) RETURNS json LANGUAGE plproxy SECURITY DEFINER AS \$\$CLUSTER 'group_api_shards'; RUN ON 0;\$\$" -d proxy
}

# CPU of the server's processes that have ended, in microseconds, to 10 ms
ended_us() {
	sed 's/.*) //' "/proc/$(head -1 "$SERVER_DATA/postmaster.pid")/stat" | awk '{ print ($14 + $15) * 10000 }'
}

# A session of the proxy ends first, then the one it has on the shard.
until_ended() {
	until [ "$(query "SELECT count(*) FROM pg_stat_activity WHERE usename IN ('bench_caller', 'group_api_proxy')")" = 0 ]; do sleep 0.05; done
}

# call_ms DATABASE STATEMENT [PROTOCOL]: the median of the milliseconds of a call, of one client,
# each a commit of its own; what else the machine does meanwhile makes outliers. The protocol is
# "prepared", or "simple" as of who sends each call as a text, which is planned anew. Of
# sample_NAME it notes NAME_cpu besides, the microseconds of CPU of all sessions of a call.
call_ms() {
	local before
	rm -f "$WORK"/calls.*
	echo "$2;" >"$WORK/statement.sql"
	until_ended
	before=$(ended_us)
	as_server "$PG_BIN/pgbench" -n -M "${3:-prepared}" -U bench_caller -c 1 -t "$SHARD_CALLS" -l --log-prefix="$WORK/calls" \
		-f "$WORK/statement.sql" "$1" >"$WORK/pgbench.log" 2>&1 || return 1
	until_ended
	figure "${FUNCNAME[1]#sample_}_cpu" "$((($(ended_us) - before) / SHARD_CALLS))"
	cut -d ' ' -f 3 "$WORK"/calls.* | sort -n | awk '{ us[NR] = $1 } END { print us[int((NR + 1) / 2)] / 1000 }'
}

# What is held back makes no work for a dispatcher, nor a NOTICE that there is no provider.
held() { body 2 BOTH | sed 's/^{/{"sendInvitations": false, /'; }

sample_create_direct() { call_ms postgres "SELECT group_api.create_group('$(held)'::jsonb)"; }
sample_create_proxied() { call_ms proxy "SELECT group_api.create_group('$(held)'::jsonb)"; }
sample_create_simple() { call_ms postgres "SELECT group_api.create_group('$(held)'::jsonb)" simple; }
sample_empty_direct() { call_ms postgres "SELECT public.bench_empty('{}')"; }
sample_empty_proxied() { call_ms proxy "SELECT public.bench_empty('{}')"; }
sample_big_direct() { call_ms postgres "SELECT group_api.get_group('$BIG_GROUP')"; }
sample_big_simple() { call_ms postgres "SELECT group_api.get_group('$BIG_GROUP')" simple; }
sample_big_proxied() { call_ms proxy "SELECT group_api.get_group('$BIG_GROUP')"; }
sample_small_direct() { call_ms postgres "SELECT group_api.get_group('$SMALL_GROUP')"; }
sample_small_simple() { call_ms postgres "SELECT group_api.get_group('$SMALL_GROUP')" simple; }
sample_small_proxied() { call_ms proxy "SELECT group_api.get_group('$SMALL_GROUP')"; }

made_by_caller() {
	sql postgres -U bench_caller 2>/dev/null <<-SQL
		SELECT group_api.create_group('$(body "$1" EMAIL 5000000)'::jsonb) #>> '{group,id}';
	SQL
}

# measure_hop NAME WORDS: beside a direct call that is prepared, and one sent as a text
measure_hop() {
	in_turn "$1_proxied" "$1_direct" "$1_simple" || return
	compare "$2" "$1_proxied" "$1_direct" ' ms' 'direct, prepared' '<=1.5'
	compare '    CPU of the sessions' "$1_proxied_cpu" "$1_direct_cpu" ' us' 'direct, prepared' '<=1.5'
	compare '    beside a call sent as a text' "$1_proxied" "$1_simple" ' ms' 'direct, as text' '<=1.5'
	compare '    CPU of the sessions' "$1_proxied_cpu" "$1_simple_cpu" ' us' 'direct, as text' '<=1.5'
}

row_shards() {
	[ -e "$("$PG_CONFIG" --sharedir)/extension/plproxy.control" ] || {
		print_note 'calls through a proxy' 'PL/Proxy is not installed'
		return
	}
	make_proxy && make_empty || return
	SMALL_GROUP=$(made_by_caller 2) BIG_GROUP=$(made_by_caller 100)
	measure_hop create 'create_group, 2 members, through a proxy' &&
		measure_hop big '  get_group, 100 members' && measure_hop small '  get_group, 2 members' &&
		in_turn empty_proxied empty_direct || return
	compare '  a function that does nothing, by PL/Proxy alone' empty_proxied empty_direct ' ms' 'direct, prepared' ''
	compare '    CPU of the sessions' empty_proxied_cpu empty_direct_cpu ' us' 'direct, prepared' ''
}
