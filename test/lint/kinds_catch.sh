#!/bin/bash
# The check of kinds itself: a kind that is named elsewhere, or in one list alone, is
# caught.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
make_tree

# afresh: a copy of what the check reads
afresh() {
	rm -rf "${TREE:?}"/*
	cp -r "$HERE/../../src" "$TREE"
	mkdir "$TREE/sql"
	cp "$HERE/../../sql/group_api.sql" "$TREE/sql"
}

# caught WHAT TEXT: the check fails and says TEXT
caught() {
	caught_by kinds "$@"
	afresh
}

afresh
report "the lists as they are pass" "$(bash "$HERE/kinds.sh" "$TREE" | grep '^not ok')"
echo 'static bool is_dear = strcmp(kind, "plivo") == 0;' >>"$TREE/src/api/inbound/receipts.c"
caught "a kind that a source names" 'src/api/inbound/receipts.c'
sed -i "/('sns', 'MOBILE'/d" "$TREE/sql/group_api.sql"
caught "a kind without a row in SQL" 'sns'
echo 'GRANT USAGE ON FOREIGN DATA WRAPPER group_api_sns TO somebody;' >>"$TREE/sql/group_api.sql"
caught "a kind that SQL names twice" 'group_api_sns'
finish
