# sending.sh: messages that wait until all outcomes are recorded, beside a program of
# libcurl alone before the same sink. Sourced by script/bench.
# shellcheck shell=bash disable=SC2034,SC2153 # names of the other files of bench/

SMS=20000
MAILS=10000
THREADS=16
FIRST=0

# queue_up COUNT CHANNEL: of a paused provider, to contacts that nobody was sent to before
queue_up() {
	invite postgres "$1" "$2" "$FIRST" && FIRST=$((FIRST + $1))
}

# --- SMS -----------------------------------------------------------------------------

ready_for_sms() {
	[ -z "${SMS_READY:-}" ] || return 0
	start_sink sms && add_http postgres sms MOBILE && pause postgres sms && queue_up 500 MOBILE &&
		send postgres 500 sms >/dev/null && pause postgres sms && SMS_READY=1
}

# In the end the messages a second; besides CPU a message.
sample_sms_ours() {
	local pids before took
	empty_tables postgres
	queue_up "$SMS" MOBILE
	query 'VACUUM ANALYZE group_api_private.invitations' && query CHECKPOINT
	read -r -a pids <<<"$(processes postgres)"
	before=$(cpu_us "${pids[@]}")
	took=$(send postgres "$SMS" sms)
	figure sms_cpu "$(awk -v a="$before" -v b="$(cpu_us "${pids[@]}")" -v n="$SMS" 'BEGIN { print (b - a) / n }')"
	pause postgres sms
	awk -v n="$SMS" -v s="$took" 'BEGIN { print n / s }'
}

# The same; besides the share of HOT updates, which the dispatcher tells the server once a second.
sample_sms_and_hot() {
	hot >"$WORK/hot"
	sample_sms_ours
	sleep 1.1
	figure hot_share "$(hot | paste -d ' ' - "$WORK/hot" | awk '{ print 100 * ($2 - $4) / ($1 - $3) }')"
}

# hot: updates of invitations so far, and how many of them were HOT
hot() {
	query "SELECT n_tup_upd || ' ' || n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'group_api_private.invitations'::regclass"
}

# bare PROGRAM COUNT URL: messages a second; notes its CPU a message as NAME_cpu
bare() {
	"$WORK/$1" "$3" "$2" "$THREADS" >"$WORK/bare" || return
	figure "$1_cpu" "$(sed 's/.*, \([0-9.]*\) us of CPU.*/\1/' "$WORK/bare")"
	sed 's/ messages.*//' "$WORK/bare"
}
sample_bare_http() { bare bare_http $((2 * SMS)) "http://127.0.0.1:$(cat "$WORK/sms.port")/"; }

row_sms() {
	ready_for_sms || return
	in_turn sms_and_hot bare_http || return
	compare 'SMS, queue to all recorded' sms_and_hot bare_http /s "libcurl, $THREADS threads" '>=0.35'
	print_line '  the same, a second' "$(human "$(median sms_and_hot)" /s)" '' "$(median sms_and_hot)" '>=17000'
	print_line '  CPU of dispatcher and courier a message' "$(human "$(median sms_cpu)" ' us')" \
		"$(human "$(median bare_http_cpu)" ' us') libcurl" "$(median sms_cpu)" '<=80'
	print_line '  HOT updates of invitations, of a hundred' "$(human "$(median hot_share)" ' %')" '' "$(median hot_share)" '>=45'
}

# --- e-mail --------------------------------------------------------------------------

ready_for_mail() {
	[ -z "${MAIL_READY:-}" ] || return 0
	MAIL_PORT=$(free_port)
	cp -r "$PEERS/postfix" "$WORK/postfix"
	helper smtp_sink env "LD_LIBRARY_PATH=$WORK/postfix/usr/lib/postfix" \
		"$WORK/postfix/usr/sbin/smtp-sink" "127.0.0.1:$MAIL_PORT" 1000
	query "CREATE SERVER mail FOREIGN DATA WRAPPER group_api_smtp
		OPTIONS (url 'smtp://127.0.0.1:$MAIL_PORT', sender 'Groups <hello@example.com>')" &&
		pause postgres mail && queue_up 500 EMAIL && send postgres 500 mail >/dev/null && pause postgres mail && MAIL_READY=1
}

sample_mail_ours() {
	empty_tables postgres
	queue_up "$MAILS" EMAIL
	query 'VACUUM ANALYZE group_api_private.invitations' && query CHECKPOINT
	send postgres "$MAILS" mail | awk -v n="$MAILS" '{ print n / $1 }'
	pause postgres mail
}
sample_bare_smtp() { bare bare_smtp "$MAILS" "smtp://127.0.0.1:$MAIL_PORT"; }

# Postfix's own: each session one connection, which carries all its mails.
sample_smtp_source() {
	local began
	began=$(date +%s%N)
	LD_LIBRARY_PATH=$WORK/postfix/usr/lib/postfix "$WORK/postfix/usr/sbin/smtp-source" \
		-d -s "$THREADS" -m "$MAILS" -l 1500 -f hello@example.com -t b@example.com "127.0.0.1:$MAIL_PORT" >/dev/null || return
	awk -v n="$MAILS" -v ns=$(($(date +%s%N) - began)) 'BEGIN { print n * 1e9 / ns }'
}

has_postfix() {
	[ -x "$SMTP_SINK" ] || {
		print_note "$1" "skipped: smtp-sink not found; script/setup --peers brings it"
		return 1
	}
}

row_mail() {
	has_postfix 'e-mail, queue to all recorded' || return 0
	ready_for_mail || return
	in_turn mail_ours bare_smtp smtp_source || return
	compare 'e-mail, queue to all recorded' mail_ours bare_smtp /s "libcurl, $THREADS threads" '>=0.6'
	compare "  Postfix's smtp-source, $THREADS sessions" mail_ours smtp_source /s smtp-source ''
}

# --- both, and one beside another -----------------------------------------------------

# Both begin at once; counted when two thirds are recorded, so that neither is through.
sample_both() {
	local took
	empty_tables postgres
	queue_up "$SMS" MOBILE
	queue_up "$MAILS" EMAIL
	query 'VACUUM ANALYZE group_api_private.invitations' && query CHECKPOINT
	took=$(send postgres $(((SMS + MAILS) * 2 / 3)) sms mail)
	query "SELECT count(*) FILTER (WHERE channel = 'MOBILE') / $took, count(*) FILTER (WHERE channel = 'EMAIL') / $took
		FROM group_api_private.invitations WHERE due IS NULL" -F ' ' >"$WORK/both"
	pause postgres sms
	pause postgres mail
	until_idle postgres
	figure both_mail "$(cut -d ' ' -f 2 "$WORK/both")"
	cut -d ' ' -f 1 "$WORK/both"
}

row_both() {
	has_postfix 'SMS and e-mail at once' || return 0
	ready_for_sms && ready_for_mail && in_turn sms_ours mail_ours both || return
	compare 'SMS and e-mail at once: SMS' both sms_ours /s alone '>=0.45'
	compare '  e-mail' both_mail mail_ours /s alone '>=0.45'
}

# A second provider takes 2 s for each of its messages, of which enough wait to keep all
# its connections busy.
sample_beside_slow() {
	resume postgres slow
	sleep 1
	sample_fast_alone
	pause postgres slow
}
sample_fast_alone() {
	queue_up $((SMS / 2)) MOBILE
	send postgres $((SMS / 2)) sms | awk -v n=$((SMS / 2)) '{ print n / $1 }'
	pause postgres sms
}

row_slow_provider() {
	ready_for_sms && start_sink slow --delay-ms 2000 || return
	empty_tables postgres
	add_http postgres slow EMAIL && pause postgres slow && queue_up 5000 EMAIL || return
	in_turn beside_slow fast_alone || return
	compare 'SMS beside a provider that takes 2 s for each message' beside_slow fast_alone /s alone '>=0.95'
	query 'DROP SERVER slow CASCADE' && empty_tables postgres
}
