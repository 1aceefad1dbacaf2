# hostile.sh: the rate beside sessions that hold what a role without rights, a visitor, a
# caller or a monitor can lock. Sourced by script/bench.
# shellcheck shell=bash disable=SC2034,SC2153 # names of the other files of bench/

HOSTILE_SMS=5000

# hold_all SECONDS: twenty sessions begin to hold what they can
hold_all() {
	local one
	for one in $(seq 20); do
		"$ROOT/test/lib/hostile.sh" session "$one" "$1" >"$WORK/hostile.$one.sql"
		helper "hostile.$one" "$PG_BIN/psql" -X -q -f "$WORK/hostile.$one.sql"
	done
	sleep 3
}

# Tables are not emptied: that would wait for those sessions.
sample_hostile_alone() {
	queue_up "$HOSTILE_SMS" MOBILE
	send postgres "$HOSTILE_SMS" sms | awk -v n="$HOSTILE_SMS" '{ print n / $1 }'
	pause postgres sms
}
sample_hostile_beside() {
	hold_all 8
	sample_hostile_alone
	wait "${CHILDREN[@]: -20}"
}

row_hostile() {
	ready_for_sms || return
	query "CREATE SERVER kept FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL')"
	"$ROOT/test/lib/hostile.sh" setup | sql postgres >/dev/null || return
	query "SELECT group_api.wait_until_idle('1 min')" >/dev/null
	in_turn hostile_beside hostile_alone || return
	compare "$(human "$HOSTILE_SMS" '') SMS beside 20 hostile sessions" hostile_beside hostile_alone /s alone ''
	print_line '  of them sent' "$(query "SELECT count(*) FROM group_api_private.invitations WHERE channel = 'MOBILE' AND delivery = 'sent'")" \
		"$(query "SELECT count(*) FROM group_api_private.invitations WHERE channel = 'MOBILE'")" '' ''
	query 'DROP SERVER kept CASCADE'
}
