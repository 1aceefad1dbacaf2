#!/bin/bash
# calls.sh and ours.sh themselves: each kind of violation, planted alone, is
# caught, and a clean tree passes.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
make_tree

plant_clean_tree() {
	rm -rf "$TREE/src"
	mkdir -p "$TREE"/src/{api,base}
	echo 'Oid here = get_namespace_oid("group_api", true);' >"$TREE/src/base/extension.c"
	printf '%s\n' '/* fcinfo->nargs = 0 would be wrong */' 'fcinfo->isnull = true;' \
		'if (fcinfo->nargs == 1)' 'call = DirectFunctionCall1(jsonb_in, text);' >"$TREE/src/api/call.c"
}

# caught LINT WHAT LINE
caught() {
	local output
	plant_clean_tree
	echo "$3" >>"$TREE/src/api/call.c"
	if output=$(bash "$HERE/$1.sh" "$TREE" 2>&1); then
		report "$2 is caught" "the check passed"
	elif ! grep -q "^#  *src/api/call.c:5:" <<<"$output"; then
		report "$2 is caught" "$output"
	else
		report "$2 is caught"
	fi
}

for lint in calls ours; do
	plant_clean_tree
	if output=$(bash "$HERE/$lint.sh" "$TREE" 2>&1); then output=; fi
	report "a clean tree passes $lint.sh" "$output"
done
caught calls "a written argument" 'fcinfo->args[0].value = JsonbPGetDatum(body);'
caught calls "an argument made null" 'fcinfo->args[0].isnull = true;'
caught calls "another number of arguments" 'fcinfo->nargs = 0;'
caught calls "an argument's address" 'NullableDatum *first = &fcinfo->args[0];'
caught calls "a call made up" 'LOCAL_FCINFO(call, 2);'
caught calls "a function of ours called by its C name" 'DirectFunctionCall1(group_api_v2_delete_group, id);'
caught calls "a question to the calling expression" 'type = get_fn_expr_argtype(fcinfo->flinfo, 0);'
caught ours "a schema by its name" 'Oid s = get_namespace_oid("group_api_private", false);'
caught ours "a table by its name" 'relation = get_relname_relid("invitations", s);'
caught ours "a function by its name" 'GetSysCacheOid3(PROCNAMEARGSNSP, oid, name, types, s);'
caught ours "a wrapper by its name" '" WHERE w.fdwname IN (1)"'
finish
