#!/bin/bash
# The check of the walk itself: each way in which page and code can differ is caught.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
make_tree

# afresh: a copy of what the check reads
afresh() {
	rm -rf "${TREE:?}"/*
	cp -r "$HERE/../../src" "$HERE/../../docs" "$TREE"
}

# caught WHAT TEXT: the check fails and says TEXT
caught() {
	caught_by walk "$@"
	afresh
}

# told LINE: one more step of the walk, at its end
told() { sed -i "/^[0-9]*\. \`move\`/a $1" "$TREE/docs/ARCHITECTURE.md"; }

afresh
report "the walk as it is passes" "$(bash "$HERE/walk.sh" "$TREE" | grep '^not ok')"
sed -i 's/\bfill_receipt\b/put_receipt/' "$TREE/src/api/inbound/receipts.c"
caught "a function of another name" 'has no function fill_receipt'
told '19. `is_there` (src/store/queue/receipt_store.c): nothing.'
caught "a function that is not called" 'nothing above it calls is_there'
for number in 19 20 21; do told "$number. \`status_name\` (src/store/queue/receipt_store.c): nothing."; done
caught "a long walk" '21 functions'
told '19. `ga_wake_at_end` (src/dispatch/wake.c): nothing.'
caught "one file more" '9 files'
sed -i '/^### The walk/d' "$TREE/docs/ARCHITECTURE.md"
caught "a page that does not tell it" '0 steps'
finish
