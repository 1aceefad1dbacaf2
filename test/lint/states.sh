#!/bin/bash
# The two states of an invitation move in one place, src/store/invitation_events.h, and
# docs/ARCHITECTURE.md tells the same moves. Their words are written and read in
# src/store/invitation_state.[ch] alone.
#
#   test/lint/states.sh [DIRECTORY that holds src/, sql/ and docs/]
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

STATES=src/store/invitation_state
EVENTS=src/store/invitation_events.h
TOLD=src/store/events/event_moves.c

# Who has such words for something else: the program that knows no invitation, what
# providers and that program say, a caller's body, a column of what webhooks are told.
OTHERS='src/(courier|base|request)/|src/api/inbound/bounce_report\.c:|src/store/events/due_events\.c:'

# moves: "delivery claim queued sending", as the preprocessor expands the events
moves() {
	local kind
	{
		sed '/^#include/d' "$EVENTS"
		echo '#define SHOWN(from, to, when) @ from to'
		for kind in DELIVERY RESPONSE; do
			sed -n "s/^#define GA_${kind}_ON_\([A-Z_]*\)(MOVE).*/%${kind} #\1# GA_${kind}_ON_\1(SHOWN)/p" "$EVENTS"
		done
	} | "${CC:-cc}" -E -P -xc - 2>&1 | tr '\n' ' ' | tr '%' '\n' | perl -ne '
		my ($kind, $event, $moves) = /^(\w+) #\s*(\w+)\s*# (.*)/ or next;
		print lc "$kind $event $1 $2\n" while $moves =~ /@\s*(\w+)\s+(\w+)/g;' | sort -u
}

# told: the same of the tables in ARCHITECTURE: a row a state, a column an event
told() {
	perl -ne '
		$inside = /^### The events of an invitation/ if /^#/;
		next unless $inside && /^\|/;
		my @cells = split /\|/, s/^\|//r;
		my ($first, @rest) = map { s/^\s+|\s+$//gr } @cells;
		if ($first =~ /^(delivery|response)$/) {
			$kind = $1;
			@events = map { /`(\w+)`/ ? $1 : "?" } @rest;
			next;
		}
		my ($from) = $first =~ /`(\w+)`/ or next;
		for my $at (0 .. $#rest) {
			print "$kind $events[$at] $from $1\n" while $rest[$at] =~ /`(\w+)`/g;
		}' docs/ARCHITECTURE.md | sort -u
}

# labels TYPE: those of the type in SQL
labels() {
	perl -0ne "print join(\"\n\", \$1 =~ /'(\w+)'/g), \"\n\" if /CREATE TYPE group_api\.$1 AS ENUM\s*\((.*?)\);/s" sql/group_api.sql | sort
}

# in_statements TYPE, in_c TYPE: the words that the header and the file have for it
in_statements() { sed -n "s/^#define GA_SQL_[A-Z]* \"'\([a-z]*\)'::group_api\.$1\"$/\1/p" "$STATES.h" | sort; }
in_c() {
	grep -o "\[GA_${1^^}_[A-Z]*\] = \"[a-z]*\"" "$STATES.c" | sed 's/.*"\(.*\)"/\1/' | sort
}

# misnamed: a word that is not that of its name
misnamed() {
	sed -n "s/^#define GA_SQL_\([A-Z]*\) \"'\([a-z]*\)'.*/\1 \2/p" "$STATES.h" |
		while read -r name word; do [ "${name,,}" = "$word" ] || echo "GA_SQL_$name is $word"; done
	grep -o '\[GA_[A-Z]*_[A-Z]*\] = "[a-z]*"' "$STATES.c" |
		sed 's/\[GA_[A-Z]*_\([A-Z]*\)\] = "\(.*\)"/\1 \2/' |
		while read -r name word; do [ "${name,,}" = "$word" ] || echo "$name is $word"; done
}

# elsewhere: states by their words; a line that says outcome speaks of an attempt
elsewhere() {
	local pattern=$( { labels delivery; labels response; } | paste -sd '|')
	grep -rnE --include='*.[ch]' --include='*.cpp' "[\"']($pattern)[\"']" src |
		grep -vE "^($OTHERS|$STATES\.[ch]:|$EVENTS:)" | grep -v outcome |
		grep -vE '^[^:]+:[0-9]+:[[:space:]]*(/\*|\*)'
}

# writes: assignments of a state, or of the place in the queue, in other statements
writes() {
	find src -name '*.[ch]' | grep -v "^$EVENTS$" | sort | xargs perl -0777 -ne '
		s{/\*.*?\*/}{}gs;
		s/"[ \t]*(?:\\\n|\n)?[ \t]*"//g;
		while (/"((?:[^"\\]|\\.)*)"/g) {
			my $sql = $1;
			next if $sql =~ /(UPDATE|INTO) group_api_private\.event_deliveries/;
			print "$ARGV: $&\n" if $sql =~ /(?:\bSET|,)\s*(?:delivery|response|due|start_tag)\s*=.{0,20}/;
		}'
	find src -name '*.c' | xargs grep -l 'INSERT INTO group_api_private.invitations ' | while read -r file; do
		grep -q GA_DELIVERY_CREATED "$file" && grep -q GA_RESPONSE_CREATED "$file" || echo "$file: INSERT"
	done
	grep -HnE '(UPDATE|INSERT INTO) group_api_private\.invitations\b' sql/*.sql
}

# untold: a part of the state machine of which listeners are not told
untold() {
	local event set file moved
	grep -ohE '^#define GA_(DELIVERY|RESPONSE)_ON_[A-Z_]+' "$EVENTS" | sed 's/#define //' |
		while read -r event; do grep -q "\b$event(" "$TOLD" || echo "$TOLD: $event"; done
	# Each SET by the event it is of; those of which nothing is told need no word.
	perl -0777 -ne '
		s/\\\n//g;
		my %body = /^#define GA_SET_(\w+)(?:\([^)]*\))?[ \t]+(.*)$/mg;
		for my $set (sort keys %body) {
			my ($event) = $body{$set} =~ /GA_(?:RESPONSE|DELIVERY)_AFTER\((\w+)\)/;
			($event) = $body{$set} =~ /GA_SET_\w+\((\w+)\)/ unless $event && $event ne "event";
			$event = "RECEIPT" if $set eq "BY_RECEIPT";
			print "$set $event\n" if $event && $event ne "event";
		}' "$EVENTS" | while read -r set event; do
		grep -qE "^#define TOLD_${event}_[A-Z]+ \(?(TOLD|GA_EVENT_BIT|\\\\)|^#define TOLD_${event}_[A-Z]+ +\\\\$" "$TOLD" || continue
		grep -rl --include='*.c' "\bGA_SET_$set\b" src | while read -r file; do
			grep -q "GA_MOVE_$event\b" "$file" || echo "$file: GA_SET_$set without GA_MOVE_$event"
		done
	done
	# What is written without a statement, and new rows.
	grep -rl --include='*.c' 'ga_row_writer_set(.*GA_INVITATION_DELIVERY' src | while read -r file; do
		grep -q 'rows->sent\b' "$file" && ! grep -q GA_MOVE_RECORD "$file" && echo "$file: without GA_MOVE_RECORD"
	done
	grep -rlE --include='*.c' '\bga_(members|group)_insert\(' src/api | while read -r file; do
		grep -q GA_MOVE_CREATE "$file" || echo "$file: without GA_MOVE_CREATE"
	done
}

report "there are moves to look at" "$([ "$(moves | wc -l)" -gt 60 ] || moves)"
report "ARCHITECTURE tells the moves of the code" "$(diff <(told) <(moves))"
for type in delivery response; do
	report "statements have a name for each label of $type" "$(diff <(labels $type) <(in_statements $type))"
	report "C reads and writes each label of $type" "$(diff <(labels $type) <(in_c $type))"
done
report "each name has its own word" "$(misnamed)"
report "no other source says a state by its word" "$(elsewhere)"
report "no other statement writes a state or a place in the queue" "$(writes)"
report "listeners are told of each move" "$(untold)"
finish
