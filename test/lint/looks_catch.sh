#!/bin/bash
# The check of looks itself: what compares two of them is caught.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
make_tree
mkdir "$TREE/test"

# plant LINE: the test's only one
plant() { echo "$1" >"$TREE/test/one.pl"; }

plant "like(said('GET', \$id), qr/^200 (queued|sent)\$/, 'one look');"
report "a clean tree passes" "$(bash "$HERE/looks.sh" "$TREE" | grep '^not ok')"
plant "is(said('POST', \$id), '200 ' . call('GET', \$id)->{json}{delivery}, 'two looks');"
caught_by looks "a comparison of two looks" 'test/one.pl:1'
plant 'plan skip_all => "nothing";'
caught_by looks "a tree without a test" 'none below'
finish
