#!/bin/bash
# The check of copies itself: what stands twice is found, and what only looks like it is not.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
make_tree

# lines FROM TO INDENT: statements, one a line
lines() { seq -f "$3call(%g);" "$1" "$2"; }

plant_clean_tree() {
	rm -rf "$TREE"/*
	mkdir -p "$TREE/src" "$TREE/sql" "$TREE/test"
	{ printf '#include "%s.h"\n' a b c d e f && lines 1 9 '	'; } >"$TREE/src/first.c"
	{ printf '#include "%s.h"\n' a b c d e f && lines 5 14 ''; } >"$TREE/src/second.c"
	printf '%s\n' 'SELECT 1;' '-- said once more' 'END IF;' 'BEGIN' '' '$$;' >"$TREE/sql/schema.sql"
	printf '%s\n' 'SELECT 2;' '-- said once more' 'END IF;' 'BEGIN' '' '$$;' >"$TREE/test/one.sql"
}

# caught WHAT TEXT: with what was planted the check fails and says TEXT
caught() {
	caught_by copies "$@"
	plant_clean_tree
}

plant_clean_tree
report "five lines pass, and comments, includes and brackets" "$(bash "$HERE/copies.sh" "$TREE" | grep -A 9 '^not ok')"
lines 4 4 '' >>"$TREE/src/second.c"
lines 5 9 '' >>"$TREE/src/second.c"
caught "six lines of two files" 'src/first.c:10 ~ src/second.c:17'
{ lines 30 36 '' && lines 30 36 '		'; } >>"$TREE/test/one.sql"
caught "a run of one file, however it is indented" 'test/one.sql:7 ~ test/one.sql:14'
{ lines 4 6 '' && printf '/*\n * why\n */\n\n' && lines 7 9 ''; } >"$TREE/src/third.c"
caught "one with a comment and a blank in between" 'src/first.c:10 ~ src/third.c:1'
finish
