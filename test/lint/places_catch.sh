#!/bin/bash
# The check of places itself: each kind of violation, planted alone, is caught.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
make_tree

# plant FILE [NAME [GUARD]]
plant() {
	mkdir -p "$(dirname "$TREE/src/$1")"
	printf '/*\n * %s\n */\n#define %s\n' "${2:-$(basename "$1")}" "${3:-GA_API_CALL_H}" >"$TREE/src/$1"
}

# caught WHAT TEXT: with what was planted the check fails and says TEXT
caught() {
	caught_by places "$@"
	rm -rf "$TREE/src"
	plant api/call.h
}

plant api/call.h
report "a clean tree passes" "$(bash "$HERE/places.sh" "$TREE" | grep '^not ok')"
plant api/other.c call.c
caught "a file under another one's name" 'src/api/other.c:2'
plant api/call.h call.h GA_CALL_H
caught "a guard of another path" 'src/api/call.h is not guarded by GA_API_CALL_H'
for one in $(seq 38); do plant "store/file$one.c"; done
caught "a crowded folder" 'src/store holds 38 files'
for one in $(seq 38); do plant "store/file$one.c"; done
plant store/file20/inner.c
caught "a crowded folder whose subfolder stands in the midst of its files" 'src/store holds 38 files'
plant api/long.c
seq -f '/* %g */' 598 >>"$TREE/src/api/long.c"
caught "a long file" 'src/api/long.c has 60'
plant api/call_v2.c
caught "a version in a name" 'src/api/call_v2.c'
finish
