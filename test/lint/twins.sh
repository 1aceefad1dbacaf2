#!/bin/bash
# A name stands for one thing: no type is defined twice in src, be it in two files that
# no program compiles together, and no function is exported by two headers.  And a thing
# has one name: no function's body stands in two files.
#
#   test/lint/twins.sh [DIRECTORY that holds src/]
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

files() { find src -name "$1" | sort; }

# types: a line "NAME FILE" for each definition; "typedef struct Name Name;" only announces one
types() {
	{ files '*.c'; files '*.h'; files '*.cpp'; } | xargs -r perl -0777 -ne '
		s{/\*.*?\*/}{}gs;
		s{//[^\n]*}{}g;
		my %here;
		$here{$1} = 1 while /\b(?:struct|enum|union|class)\s+(\w+)\s*(?::[^{;()]*)?\{/g;
		$here{$1} = 1 while /^\}\s*(\w+)\s*;/gm;
		$here{$1} = 1 while /^typedef\b(?!\s+(?:struct|enum|union)\s+\w+\s+\w+\s*;)[^;{}()]*?\b(\w+)\s*(?:\[[^\]]*\])?;/gm;
		$here{$1} = 1 while /^typedef\b[^;{}]*?\(\*\s*(\w+)\)\s*\(/gm;
		print map { "$_ $ARGV\n" } sort keys %here;'
}

# functions: a line "NAME FILE" for each one that a header exports
functions() {
	files '*.h' | xargs -r perl -0777 -ne '
		s{/\*.*?\*/}{}gs;
		s/^[ \t]*#(?:[^\n]*\\\n)*[^\n]*//gm;
		my %here;
		$here{$1} = 1 while /\bextern\s+(?!"C"\s*\{)(?:"C"\s+)?[^;{}()=]*?(\w+)\s*\(/g;
		print map { "$_ $ARGV\n" } sort keys %here;'
}

# bodies: a line "BODY FILE:NAME" for each function of two lines and more; of its text only a digest
bodies() {
	{ files '*.c'; files '*.cpp'; } | xargs -r perl -MDigest::MD5=md5_hex -0777 -ne '
		s{/\*.*?\*/}{}gs;
		while (/^(\w+)\([^;{}]*\)\n\{\n(.*?)^\}/gms) {
			my ($name, $body) = ($1, $2);
			next if ($body =~ tr/\n//) < 2;
			$body =~ s/\s+/ /g;
			print md5_hex($body), " $ARGV:$name\n";
		}'
}

# twice: those names of "NAME FILE" that stand in more than one file, with the files
twice() { sort -u | awk '{ files[$1] = files[$1] " " $2; many[$1]++ } END { for (n in many) if (many[n] > 1) print n ":" files[n] }' | sort; }

report "there are types to look at" "$([ "$(types | wc -l)" -gt 2 ] || echo "none below $PWD/src")"
report "each type is defined once" "$(types | twice)"
report "each function is exported once" "$(functions | twice)"
report "each function is written once" "$(bodies | twice | sed 's/^[0-9a-f]*: /the same body: /')"
finish
