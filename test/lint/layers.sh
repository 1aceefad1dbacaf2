#!/bin/bash
# Imports point downwards, and functions stay short.
#
#   test/lint/layers.sh [DIRECTORY that holds src/]
#
#   group_api.c -> api -> request | store | message | dispatch/{wake,stats,progress,provider/counters} -> base
#   dispatch -> store | message -> base       request -> base
#   courier -> those files of base that know no PostgreSQL
#
# Speaks TAP; test/lint/layers_catch.sh plants one violation of each kind.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

LONGEST=80

sources() { find src -name '*.[ch]' -o -name '*.cpp' -o -name '*.cc' | sort; }

# ours: "FILE LAYER INCLUDED" for every include of a file of our own
ours() {
	sources | xargs awk '
		/^[ \t]*#[ \t]*include[ \t]*"/ {
			split(FILENAME, path, "/")
			layer = path[3] == "" ? "top" : path[2]
			split($0, quoted, "\"")
			print FILENAME, layer, quoted[2]
		}' | while read -r file layer included; do
		case $included in
		../* | ./*) echo "$file $layer $included" ;;
		*) [ -e "src/$included" ] && echo "$file $layer $included" ;;
		esac
	done
}

# upward: includes that the rules do not allow
upward() {
	ours | while read -r file layer included; do
		case $layer:$included in
		*:../* | *:./*) echo "$file includes \"$included\", not from src/" ;;
		top:courier/*) echo "$file includes $included" ;;
		top:*) ;;
		api:api/* | api:request/* | api:store/* | api:message/* | api:base/*) ;;
		api:dispatch/wake.h | api:dispatch/stats.h | api:dispatch/provider/counters.h | api:dispatch/progress.h) ;;
		dispatch:dispatch/* | dispatch:store/* | dispatch:message/* | dispatch:base/*) ;;
		store:store/* | store:base/*) ;;
		request:request/* | request:base/*) ;;
		message:message/* | message:base/*) ;;
		courier:courier/* | courier:base/*) ;;
		base:base/*) ;;
		*) echo "$file includes $included" ;;
		esac
	done
}

# reach FILE: the file and all of ours that it includes, directly or not
reach() {
	local waiting=("$1") seen=' ' file
	while [ ${#waiting[@]} -gt 0 ]; do
		file=${waiting[0]}
		waiting=("${waiting[@]:1}")
		[[ $seen == *" $file "* ]] && continue
		seen+="$file "
		echo "$file"
		while read -r _ _ included; do
			[ -e "src/$included" ] && waiting+=("src/$included")
		done < <(grep "^$file " "$INCLUDES")
	done
}

includes_of_system() { # FILES on stdin; pattern
	xargs -r grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($1)" /dev/null |
		sed -E 's/:[[:space:]]*#[[:space:]]*include[[:space:]]*/ includes /'
}

courier_knows_postgres() {
	local file
	for file in $(sources | grep '^src/courier/'); do
		reach "$file" | includes_of_system 'postgres|c\.h|fmgr|utils/|executor/|libpq'
	done | sort -u
}

mentions() { # PATTERN ALLOWED-FILE
	sources | grep -v -x "$2" | xargs -r grep -nE "$1" /dev/null | cut -c 1-70
}

# long_functions: counted from brace to brace; our style puts both at the
# margin, the closing parenthesis of the parameters on the line before
long_functions() {
	sources | xargs awk -v longest="$LONGEST" '
		FNR == 1 { start = 0 }
		/^\{/ { start = before ~ /\)( const)?[ \t]*$/ ? FNR : 0; name = before }
		/^\}/ && start {
			if (FNR - start + 1 > longest)
				printf "%s:%d: %d lines: %s\n", FILENAME, start,
					FNR - start + 1, name
			start = 0
		}
		{ before = $0 }'
}

in_layer() { sources | grep -E "^src/($1)/"; }

INCLUDES=$(mktemp)
trap 'rm -f "$INCLUDES"' EXIT
ours >"$INCLUDES"

if [ -z "$(sources)" ]; then
	report "there are sources to look at" "none below $PWD/src"
fi
report "no include points upwards" "$(upward)"
report "the courier knows no PostgreSQL" "$(courier_knows_postgres)"
report "only the courier knows the network" \
	"$(in_layer 'api|request|store|message|dispatch|base' | includes_of_system 'curl/|gmime/|netdb\.h|openssl/ssl')"
report "only the courier knows libcurl's numbers" \
	"$(in_layer 'api|request|store|message|dispatch' | xargs grep -nE '"curl [0-9]|CURLE_')"
report "request knows no SQL" \
	"$(in_layer request | includes_of_system 'executor/spi\.h|libpq')"
report "store knows no JSON" \
	"$(in_layer store | includes_of_system 'utils/json|jansson\.h|common/jsonapi')"
report "message knows neither SQL nor JSON" \
	"$(in_layer message | includes_of_system 'executor/spi\.h|libpq|utils/json|jansson\.h|common/jsonapi')"
report "only compat.h names PostgreSQL's version" \
	"$(mentions 'PG_VERSION_NUM' src/base/compat.h)"
report "only compat.h names libcurl's version" \
	"$(mentions 'LIBCURL_VERSION_NUM' src/base/compat.h)"
report "no function is longer than $LONGEST lines" "$(long_functions)"
finish
