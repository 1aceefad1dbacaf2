#!/bin/bash
# The check of the layers itself: each kind of violation, planted alone in a
# small clean tree, is caught, and the clean tree passes.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
make_tree

plant_clean_tree() {
	rm -rf "$TREE/src"
	mkdir -p "$TREE"/src/{api,request,store,message,dispatch,base,courier}
	echo '#include "api/call.h"' >"$TREE/src/group_api.c"
	echo '#include "dispatch/wake.h"' >"$TREE/src/api/call.c"
	echo '#include "store/rows.h"' >"$TREE/src/dispatch/turn.c"
	echo '#include "base/plain.h"' >"$TREE/src/message/words.h"
	echo '#include "message/words.h"' >>"$TREE/src/dispatch/turn.c"
	echo '#include "base/wire.h"' >"$TREE/src/courier/main.c"
	echo '#include "base/plain.h"' >"$TREE/src/base/wire.h"
	touch "$TREE"/src/{api/call,request/field,store/rows,message/words,base/plain}.h
	touch "$TREE"/src/dispatch/{wake,turn}.h
}

check() { bash "$HERE/layers.sh" "$TREE" 2>&1; }

# caught WHAT FILE LINES: with LINES planted in FILE the check fails naming it
caught() {
	local output
	plant_clean_tree
	printf '%b\n' "$3" >>"$TREE/src/$2"
	if output=$(check); then
		report "$1 is caught" "the check passed"
	elif ! grep -q "^# .*src/${4:-$2}" <<<"$output"; then
		report "$1 is caught" "$output"
	else
		report "$1 is caught"
	fi
}

long_function() {
	printf 'int\\nlong_one(void)\\n{\\n'
	for ((i = 0; i < 79; i++)); do printf '\\tstep();\\n'; done
	printf '}'
}

plant_clean_tree
if output=$(check); then output=; fi
report "a clean tree passes" "$output"

caught "base including store" base/wire.h '#include "store/rows.h"'
caught "store including api" store/rows.h '#include "api/call.h"'
caught "store including request" store/rows.h '#include "request/field.h"'
caught "request including store" request/field.h '#include "store/rows.h"'
caught "message including store" message/words.h '#include "store/rows.h"'
caught "SPI in message" message/words.h '#include "executor/spi.h"'
caught "JSON in message" message/words.h '#include "utils/json.h"'
caught "dispatch including api" dispatch/turn.c '#  include "api/call.h"'
caught "api including the inside of dispatch" api/call.c '#include "dispatch/turn.h"'
caught "the courier including store" courier/main.c '#include "store/rows.h"'
caught "an include relative to its file" api/call.c '#include "../base/wire.h"'
caught "the courier reaching postgres.h by way of base" base/plain.h \
	'#include "postgres.h"'
caught "libcurl outside the courier" dispatch/turn.c '#include <curl/curl.h>'
caught "a number of libcurl's outside the courier" dispatch/turn.c 'if (strcmp(code, "curl 7") == 0)'
caught "store including message" store/rows.h '#include "message/words.h"'
caught "SPI in request" request/field.h '#include "executor/spi.h"'
caught "JSON in store" store/rows.h '#include "utils/jsonb.h"'
caught "PG_VERSION_NUM outside compat.h" api/call.c '#if PG_VERSION_NUM > 150000'
caught "LIBCURL_VERSION_NUM outside compat.h" courier/main.c '#if LIBCURL_VERSION_NUM'
caught "a function of 81 lines" api/call.c "$(long_function)"
finish
