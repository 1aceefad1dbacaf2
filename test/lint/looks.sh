#!/bin/bash
# A message under way has another state a moment later, so no test expects of one look
# what another look tells: it names the states that may be, or waits until one stays.
#
#   test/lint/looks.sh [DIRECTORY that holds test/]
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

# What tells the states of messages.
LOOK='\b(call|said|member_of|delivery_of|deliveries)\('

report "there are tests that look" "$(grep -rqE --include='*.pl' "$LOOK" test || echo "none below $PWD/test")"
report "no test compares two looks at what is under way" \
	"$(grep -rnE --include='*.pl' "\b(is|is_deeply)\(.*$LOOK.*$LOOK" test)"
finish
