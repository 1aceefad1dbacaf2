#!/bin/bash
# docs/vendor-codes.md says what the tables of codes say: script/vendor-codes made it.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2

report "docs/vendor-codes.md is what script/vendor-codes makes" \
	"$(script/vendor-codes | diff - docs/vendor-codes.md | head -5)"
report "each table of codes names the vendor's page" "$(script/vendor-codes --check)"
finish
