# latency.sh: from COMMIT to the first byte at the provider. Sourced by script/bench.
# shellcheck shell=bash disable=SC2034,SC2153 # names of the other files of bench/

LATENCY_COUNT=50
LATENCY_PAUSE=60

# latency DATABASE COUNT CHANNEL PREFIX [OPTIONS]: sets P50, P99, LIMIT50 and LIMIT99, in ms, CPU and
# SETTLING, in us
latency() {
	as_server "$WORK/latency" "dbname=$1" "$2" "$LATENCY_PAUSE" "$3" "$4" "${5:-}" >"$WORK/latency.told" || return
	read -r P50 P99 LIMIT50 LIMIT99 CPU SETTLING <"$WORK/latency.told"
}

sample_latency() {
	latency postgres "$LATENCY_COUNT" MOBILE +2782 || return
	figure latency_p99 "$P99"
	figure limit_p50 "$LIMIT50"
	figure limit_p99 "$LIMIT99"
	echo "$P50"
}

row_latency() {
	[ -z "${SMS_READY:-}" ] || drop_providers postgres
	SMS_READY='' MAIL_READY=''
	empty_tables postgres
	in_turn latency || return
	compare 'COMMIT to first byte, nothing else under way: p50' latency limit_p50 ' ms' 'commit and round trip' '<=2'
	compare '  p99' latency_p99 limit_p99 ' ms' 'commit and round trip' '<=4'
}
