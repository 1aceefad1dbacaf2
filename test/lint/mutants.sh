#!/bin/bash
# Each fault of test/mutants can still be planted: its lines stand in the sources once,
# and its tests are there.
#
#   test/lint/mutants.sh [DIRECTORY that holds src/, sql/, test/ and script/]
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

report "there are faults to plant" "$([ "$(script/mutants --list | wc -l)" -gt 20 ] || echo "hardly any in test/mutants")"
report "each can be planted" "$(script/mutants --check)"
finish
