#!/bin/bash
# The check of names itself: each kind of violation, planted alone, is caught.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
make_tree

plant_clean_tree() {
	rm -rf "$TREE/src"
	mkdir -p "$TREE"/src/{api/contract_b,store,dispatch}
	printf '%s\n' '/* extern void ga_other_name(void); */' '#define GA_MAKE(name) \' '	extern int name(int)' \
		'extern int ga_caller_count;' 'extern const char *ga_caller_name(const GaCaller *caller);' \
		'extern void (*ga_on_call)(void);' >"$TREE/src/api/caller.h"
	printf '%s\n' 'extern Datum ga_write_group(' '	int64 number);' 'extern int64 *ga_contract_b_ids(void);' \
		>"$TREE/src/api/contract_b/writes.h"
	printf '%s\n' 'extern bool ga_entry_find(void);' 'extern pg_noreturn void group_api_entries_main(Datum arg);' \
		>"$TREE/src/dispatch/entries.h"
}

# caught WHAT TEXT: with what was planted the check fails and says TEXT
caught() {
	caught_by names "$@"
	plant_clean_tree
}

plant_clean_tree
report "a clean tree passes" "$(bash "$HERE/names.sh" "$TREE" | grep -A 9 '^not ok')"
echo 'extern void ga_call_name(void);' >>"$TREE/src/api/caller.h"
caught "a name of another module" 'src/api/caller.h: ga_call_name'
printf '%s\n' 'extern GaUser *' 'ga_users_of(' '	int64 id);' >>"$TREE/src/api/caller.h"
caught "one that stands in a line of its own" 'src/api/caller.h: ga_users_of'
echo 'extern "C" bool phone_check(const char *text);' >>"$TREE/src/api/caller.h"
caught "one without our prefix" 'src/api/caller.h: phone_check'
finish
