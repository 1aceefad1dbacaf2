#!/bin/bash
# What a header exports says where it is from: ga_<module>_<verb>, the module a word
# of the file's name or of a folder above it, in the singular or the plural.
#
# names_older.txt lists names that were there before this rule. It can only shrink:
# a name that is right or gone must be taken off it, no room but those below may have
# one, and there may be no more than MOST.
#
# What starts a background worker is named group_api_<module>_main, as PostgreSQL's
# lists show it.
#
#   test/lint/names.sh [DIRECTORY that holds src/ and test/lint/names_older.txt]
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

OLDER=test/lint/names_older.txt
MOST=62
ROOMS='^src/(base|courier|dispatch|message|request/callback|request/contact|store/queue)/|^src/store/[^/]*$'

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

older() { grep -hv '^#' "$OLDER" 2>/dev/null | grep .; }

found=$(strangers)
report "there are names to look at" "$([ -n "$(exported)" ] || echo "none below $PWD/src")"
report "each exported name begins with where it is from" \
	"$(grep -vwFf <(older; echo no-such-name) <<<"$found" | grep . | sed 's/ /: /')"
report "the list of older names holds only such names" \
	"$(older | while read -r name; do grep -qw -- "$name" <<<"$found" || echo "$name: take it off $OLDER"; done)"
report "older names are left in the rooms that had them only" \
	"$(grep -wFf <(older; echo no-such-name) <<<"$found" | grep -vE "$ROOMS" | sed 's/ /: /')"
report "there are at most $MOST older names" \
	"$([ "$(older | wc -l)" -le "$MOST" ] || echo "$OLDER has $(older | wc -l)")"
finish
