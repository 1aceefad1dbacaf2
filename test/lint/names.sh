#!/bin/bash
# What a header exports says where it is from: ga_<module>_<verb>, the module a word
# of the file's name or of a folder above it, in the singular or the plural.
#
# What starts a background worker is named group_api_<module>_main, as PostgreSQL's
# lists show it.
#
#   test/lint/names.sh [DIRECTORY that holds src/]
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

# exported: a line "HEADER NAME" for each function that a header declares
exported() {
	find src -name '*.h' | sort | xargs -r perl -0777 -ne '
		s{/\*.*?\*/}{}gs;
		s/^[ \t]*#(?:[^\n]*\\\n)*[^\n]*//gm;
		while (/\bextern\s+(?!"C"\s*\{)(?:"C"\s+)?([^;{}()=]*?)(\w+)\s*\(/g) {
			print "$ARGV $2\n" unless $1 =~ /^\s*$/;
		}'
}

# strangers: those that do not begin with a word of where they are
strangers() {
	exported | perl -ne '
		sub one { my $word = shift; $word =~ s/ies$/y/ or $word =~ s/(?<!s)s$//; $word }
		my ($header, $name) = split;
		my $words = $header =~ s{^src/}{}r =~ s{\.h$}{}r;
		my %known = map { one($_) => 1 } split m{[/_]}, $words;
		my ($module) = $name =~ /^(?:ga|group_api)_([a-z0-9]+)/;
		print "$header $name\n" unless defined $module && $known{one($module)};'
}

report "there are names to look at" "$([ -n "$(exported)" ] || echo "none below $PWD/src")"
report "each exported name begins with where it is from" "$(strangers | sed 's/ /: /')"
finish
