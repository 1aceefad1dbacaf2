#!/bin/bash
# How C functions treat the call that SQL made, and how they find out what it is.
#
# The executor sets the arguments of constants once for all rows: who writes to
# them writes into the next row's. A call's expression is not always there, so
# nothing may be decided by it.
#
#   test/lint/calls.sh [DIRECTORY that holds src/]
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

# found PATTERN: comments do not count
found() {
	find src -name '*.[ch]' -print | sort | xargs grep -nE "$1" /dev/null |
		grep -vE '^[^:]+:[0-9]+:[[:space:]]*(/\*|\*)' | cut -c 1-90
}

report "there are sources to look at" "$(find src -name '*.c' 2>/dev/null | grep -q . || echo none)"
report "no function writes to the arguments of the call it was given" \
	"$(found 'fcinfo->(args\[[^]]*\]\.(value|isnull)|nargs|flinfo|fncollation|args) *(=[^=]|\+\+|--|[-+|&]=)|[^&]&fcinfo->args|(memset|memcpy|memmove) *\( *(&? *fcinfo->|fcinfo *,)')"
# But in call_as(), which is how a proxy's callers call: whatever function they name.
report "no SQL function of ours is called as if SQL called it" \
	"$(found 'LOCAL_FCINFO|InitFunctionCallInfoData|FunctionCallInvoke|(Direct|Oid)FunctionCall[0-9]\(group_api_' |
		grep -v '^src/api/shard/call_as\.c:')"
report "nothing is decided by the calling expression" \
	"$(found 'get_fn_expr_|get_call_expr_|fn_expr|get_fn_opclass_options')"
finish
