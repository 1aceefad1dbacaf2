# latency.sh: from COMMIT to the first byte at the provider. Sourced by script/bench.
# shellcheck shell=bash disable=SC2034,SC2153 # names of the other files of bench/

LATENCY_COUNT=50
LATENCY_PAUSE=50

# latency DATABASE COUNT CHANNEL PREFIX [OPTIONS [DIRECTORY]]: sets P50, P99, LIMIT50, LIMIT99 and, with a
# directory, LEAST50 and LEAST99, in ms, CPU and SETTLING, in us
latency() {
	as_server "$WORK/latency" "dbname=$1" "$2" "$LATENCY_PAUSE" "${@:3}" >"$WORK/latency.told" || return
	read -r P50 P99 LIMIT50 LIMIT99 LEAST50 LEAST99 CPU SETTLING <"$WORK/latency.told"
}

sample_latency() {
	latency postgres "$LATENCY_COUNT" MOBILE +2782 '' ${BAREST:+"$BAREST"} || return
	figure latency_p99 "$P99"
	figure limit_p50 "$LIMIT50"
	figure limit_p99 "$LIMIT99"
	figure least_p50 "$LEAST50"
	figure least_p99 "$LEAST99"
	echo "$P50"
}

ready_for_latency() {
	[ -z "${SMS_READY:-}" ] || drop_providers postgres
	SMS_READY='' MAIL_READY=''
	empty_tables postgres
}

row_latency() {
	ready_for_latency && in_turn latency || return
	compare 'COMMIT to first byte, nothing else under way: p50' latency limit_p50 ' ms' 'commit and round trip' '<=2'
	compare '  p99' latency_p99 limit_p99 ' ms' 'commit and round trip' '<=4'
}

# Not in the table: beside the least that a queue with durable claims does (barest.c).
row_latency_least() {
	local BAREST=$WORK/barest
	as_server mkdir -p "$BAREST"
	sql postgres <<-SQL || return
		SET client_min_messages = warning;
		DROP ROUTINE IF EXISTS bench.wake, bench.dispatch;
		CREATE FUNCTION bench.wake(fifo text, id bigint) RETURNS void LANGUAGE c STRICT AS '$WORK/barest.so', 'bench_wake';
		CREATE PROCEDURE bench.dispatch(commits text, claims text) LANGUAGE c AS '$WORK/barest.so', 'bench_dispatch';
	SQL
	ready_for_latency && in_turn latency || return
	compare 'COMMIT to first byte: p50' latency least_p50 ' ms' 'the least' ''
	compare '  p99' latency_p99 least_p99 ' ms' 'the least' ''
	compare '  the least: p50' least_p50 limit_p50 ' ms' 'commit and round trip' ''
	compare '  p99' least_p99 limit_p99 ' ms' 'commit and round trip' ''
}
