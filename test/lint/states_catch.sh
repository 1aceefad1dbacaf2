#!/bin/bash
# The check of states itself: a move that is told wrongly or not at all, a word and an
# assignment elsewhere are caught.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
make_tree

# afresh: a copy of what the check reads
afresh() {
	rm -rf "${TREE:?}"/*
	mkdir "$TREE/src" "$TREE/sql" "$TREE/docs"
	cp -r "$HERE/../../src/store" "$HERE/../../src/api" "$HERE/../../src/dispatch" "$TREE/src"
	cp "$HERE/../../sql/group_api.sql" "$TREE/sql"
	cp "$HERE/../../docs/ARCHITECTURE.md" "$TREE/docs"
}

# caught WHAT FILE SED-SCRIPT TEXT: with the file changed the check fails and says TEXT
caught() {
	cp "$TREE/$2" "$TREE/before"
	sed -i "$3" "$TREE/$2"
	if cmp -s "$TREE/before" "$TREE/$2"; then
		report "$1 is caught" "$3 changes nothing in $2"
	else
		caught_by states "$1" "$4"
	fi
	cp "$TREE/before" "$TREE/$2"
}

EVENTS=src/store/invitation_events.h
STATE=src/store/invitation_state

afresh
report "the states as they are pass" "$(bash "$HERE/states.sh" "$TREE" | grep '^not ok')"
caught "a move that is new" $EVENTS 's/\(_ON_CLAIM(MOVE)\) MOVE(/\1 MOVE(HELD, SENDING, "true") MOVE(/' \
	'> delivery claim held sending'
caught "a move that is gone" $EVENTS 's/^\tMOVE(UNCERTAIN, QUEUED, "true")$/\t/' \
	'< delivery retry uncertain queued'
caught "a move to another state" $EVENTS 's/MOVE(PENDING, DECLINED, "true")/MOVE(PENDING, REVOKED, "true")/' \
	'> response decline pending revoked'
caught "an event that is not told" docs/ARCHITECTURE.md 's/`take_back`/`taken`/' \
	'> delivery take_back sending queued'
caught "a state that is told wrongly" docs/ARCHITECTURE.md 's/^| `failed` \(.*\)`delivered`/| `failed` \1`sent`/' \
	'< delivery receipt_delivered failed sent'
caught "a label without a name" sql/group_api.sql "s/('held', 'queued'/('held', 'lost', 'queued'/" '< lost'
caught "a name with another's word" $STATE.h "s/\(GA_SQL_SENT \"'\)sent/\1failed/" 'GA_SQL_SENT is failed'
caught "a word with another's name" $STATE.c 's/DELIVERY_HELD\] = "held"/DELIVERY_HELD] = "sent"/' 'HELD is sent'
caught "a word in C" src/api/preview.c \
	's/return member->delivery == GA_DELIVERY_QUEUED/return strcmp(word, "queued") == 0/' src/api/preview.c
caught "a word in a statement" src/store/queue/due_store.c \
	"s/GA_FROM_QUEUED/\"i.delivery = 'queued'\"/" src/store/queue/due_store.c
caught "an UPDATE that writes a state" src/store/group/lifecycle_store.c \
	's/invitations i" GA_SET_WITHDRAWN/invitations i SET reason = NULL," " due = NULL"/' 'lifecycle_store.c: '
caught "a SET of its own" src/store/queue/claim_store.c \
	's/^\(#define SET_CLAIMED\) .*/\1 " SET delivery = $8"/' 'claim_store.c: '
caught "an INSERT that writes a state" src/store/group/member_insert.c 's/GA_DELIVERY_CREATED/"$7"/' \
	'member_insert.c: INSERT'
caught "an event that listeners are not told" src/store/events/event_moves.c 's/GA_RESPONSE_ON_EXPIRE(R_EXPIRE)//' \
	'GA_RESPONSE_ON_EXPIRE'
caught "a statement that does not tell listeners" src/store/group/deadline_store.c 's/ga_event_write_moved(GA_MOVE_EXPIRE);//' \
	'deadline_store.c: GA_SET_EXPIRED without GA_MOVE_EXPIRE'
caught "a row that is written and not told" src/store/queue/record_rows.c 's/GA_MOVE_RECORD/GA_MOVE_CLAIM/' \
	'record_rows.c: without GA_MOVE_RECORD'
caught "an UPDATE in the script" sql/group_api.sql \
	'$a UPDATE group_api_private.invitations SET due = NULL;' 'sql/group_api.sql'
finish
