#!/bin/bash
# What newer PostgreSQL keeps in headers of their own is asked of base/compat.h, and not
# left to what some other header happens to include in the version at hand.
#
#   test/lint/varlena.sh [DIRECTORY that holds src/]
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

WORDS='\b(SET_)?VAR(DATA|SIZE)(_[A-Z]+)*\('

without_header() {
	find src -name '*.c' ! -path 'src/courier/*' | sort | xargs grep -lE "$WORDS" |
		while read -r file; do
			grep -qx '#include "base/compat.h"' "$file" ||
				echo "$file uses a varlena without base/compat.h (varatt.h from 16 on)"
		done
}

report "nothing is named that PostgreSQL 18 took away" \
	"$(grep -rn 'pg_attribute_noreturn' src | grep -v '^src/base/compat.h:')"
report "whoever looks into a varlena includes base/compat.h" "$(without_header)"
finish
