# events.sh: what events cost where nobody listens and where a webhook does. Sourced by
# script/bench.
# shellcheck shell=bash disable=SC2034,SC2153 # names of the other files of bench/

EVENT_GROUPS=5000
EVENTS=$((5 * EVENT_GROUPS))
# Those of the mails that wait are among them.
WAITING_EVENTS="SELECT count(*) FROM group_api_private.event_deliveries WHERE listener = 'hook'"

ready_for_events() {
	[ -z "${EVENTS_READY:-}" ] || return 0
	start_sink hook
	sql postgres <<-SQL && EVENTS_READY=1
		CREATE SERVER hook FOREIGN DATA WRAPPER group_api_webhook OPTIONS (url '$SINK', events 'group.created, invitation.queued');
		CREATE USER MAPPING FOR PUBLIC SERVER hook OPTIONS (secret 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
		SELECT group_api.pause('hook');
	SQL
}

# make_events: the creations of EVENT_GROUPS groups, each with four invitations that no
# provider takes
make_events() {
	empty_tables postgres
	sql postgres >/dev/null <<-SQL
		TRUNCATE group_api_private.events, group_api_private.event_deliveries;
		SET synchronous_commit = off;
		SET client_min_messages = warning;
		SELECT count(group_api.create_group('$(body 4 MOBILE)'::jsonb)) FROM generate_series(1, $EVENT_GROUPS);
	SQL
}

# tell_events SERVER...: resumes these; seconds until the webhook was told all. Looked at each 10 ms.
tell_events() {
	local server list=
	for server in "$@"; do list+=" PERFORM group_api.resume('$server');"; done
	sql postgres 2>&1 <<-SQL | sed -n 's/.*NOTICE:  \([0-9.]*\).*/\1/p; /ERROR/w /dev/stderr'
		DO \$\$
		DECLARE
			began timestamptz := clock_timestamp();
		BEGIN
			$list
			COMMIT;
			WHILE EXISTS (SELECT FROM group_api_private.event_deliveries WHERE listener = 'hook') LOOP
				PERFORM pg_sleep(0.01);
				IF clock_timestamp() > began + interval '2 min' THEN
					RAISE EXCEPTION 'after 2 min events wait';
				END IF;
			END LOOP;
			RAISE NOTICE '%', extract(epoch FROM clock_timestamp() - began);
		END \$\$;
	SQL
}

# In the end the events a second; besides CPU an event.
sample_events_alone() {
	local pids before took
	make_events
	query 'VACUUM ANALYZE group_api_private.event_deliveries, group_api_private.events' && query CHECKPOINT
	read -r -a pids <<<"$(processes postgres)"
	before=$(cpu_us "${pids[@]}")
	took=$(tell_events hook)
	figure event_cpu "$(awk -v a="$before" -v b="$(cpu_us "${pids[@]}")" -v n="$EVENTS" 'BEGIN { print (b - a) / n }')"
	pause postgres hook
	awk -v n="$EVENTS" -v s="$took" 'BEGIN { print n / s }'
}

# Mail and the webhook begin at once; counted when two thirds of the mails are recorded. In
# the end the mails a second; besides the events that were told meanwhile.
sample_mail_beside() {
	local took
	make_events
	queue_up "$MAILS" EMAIL 2>/dev/null
	query 'VACUUM ANALYZE group_api_private.invitations, group_api_private.event_deliveries, group_api_private.events' && query CHECKPOINT
	query "$WAITING_EVENTS" >"$WORK/before"
	query "SELECT group_api.resume('hook')" >/dev/null
	took=$(send postgres $((MAILS * 2 / 3)) mail)
	query "$WAITING_EVENTS" >"$WORK/waiting"
	pause postgres mail
	pause postgres hook
	until_idle postgres
	figure events_beside "$(awk -v n="$(cat "$WORK/before")" -v s="$took" '{ print (n - $1) / s }' "$WORK/waiting")"
	awk -v n=$((MAILS * 2 / 3)) -v s="$took" 'BEGIN { print n / s }'
}

sample_two_thirds() {
	empty_tables postgres
	queue_up "$MAILS" EMAIL 2>/dev/null
	query 'VACUUM ANALYZE group_api_private.invitations' && query CHECKPOINT
	send postgres $((MAILS * 2 / 3)) mail | awk -v n=$((MAILS * 2 / 3)) '{ print n / $1 }'
	pause postgres mail
	until_idle postgres
}

row_events() {
	ready_for_events && in_turn events_alone || return
	print_line "events of $(human "$EVENT_GROUPS" '') groups to one webhook" "$(human "$(median events_alone)" /s)" '' "$(median events_alone)" '>=5000'
	print_line '  CPU of dispatcher and courier an event' "$(human "$(median event_cpu)" ' us')" '' "$(median event_cpu)" ''
	has_postfix '  beside mail: events' || return 0
	# What was measured before has warmed up both.
	ready_for_mail && FROM_ROUND=1 in_turn mail_beside two_thirds || return
	print_line '  beside mail: events' "$(human "$(median events_beside)" /s)" '' "$(median events_beside)" '>=5000'
	compare '  the mail meanwhile' mail_beside two_thirds /s alone '>=0.8'
	query 'DROP SERVER hook CASCADE' && empty_tables postgres && EVENTS_READY=
}
