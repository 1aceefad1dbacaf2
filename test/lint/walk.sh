#!/bin/bash
# The walk of a callback that docs/ARCHITECTURE.md tells is the code's: each function is
# in its file and is called from one above it, by name or through the table of kinds.
# And it stays short.
#
#   test/lint/walk.sh [DIRECTORY that holds src/ and docs/]
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

FUNCTIONS=20 FILES=8 CLIMBS=4

# steps: "FUNCTION FILE" for each line of the list
steps() {
	sed -n '/^### The walk of a callback/,/^##* [^T]/s/^[0-9]*\. `\([a-z0-9_]*\)` (\([^)]*\)).*/\1 \2/p' docs/ARCHITECTURE.md
}

# walked WHAT: problems, or "climbs N"
walked() {
	steps | perl -e '
		my ($what) = @ARGV;
		my %rank = (api => 3, dispatch => 2, store => 1, request => 1, message => 1, base => 0);
		my (@steps, @problems);
		my $climbs = 0;
		sub text { open(my $file, "<", $_[0]) or return ""; local $/; return scalar <$file>; }
		sub layer { return $rank{ (split m{/}, $_[0])[1] } // 0; }
		my $table = text("src/request/callback/callback_kind.c");
		while (<STDIN>) {
			my ($name, $file) = split;
			my ($body) = text($file) =~ /^\Q$name\E\((.*?)^\}/ms;
			if (!defined $body) { push @problems, "$file has no function $name"; next; }
			my ($caller) = grep { $_->{body} =~ /\b\Q$name\E\(/ ||
				($table =~ /\.check = \Q$name\E,/ && $_->{body} =~ /->check\(/) } reverse @steps;
			push @problems, "nothing above it calls $name" if @steps && !$caller;
			$climbs++ if @steps && $caller && layer($caller->{file}) > layer($steps[-1]{file});
			push @steps, { name => $name, file => $file, body => $body };
		}
		print $what eq "climbs" ? "$climbs\n" : map { "$_\n" } @problems;
	' "$1"
}

# most NUMBER LIMIT WHAT
most() { [ "$1" -le "$2" ] || echo "$1 $3"; }

report "the walk is told" "$([ "$(steps | wc -l)" -gt 10 ] || echo "$(steps | wc -l) steps")"
report "each function is there and called" "$(walked problems)"
report "at most $FUNCTIONS functions" "$(most "$(steps | wc -l)" "$FUNCTIONS" functions)"
report "in at most $FILES files" "$(most "$(steps | cut -d' ' -f2 | sort -u | wc -l)" "$FILES" files)"
report "at most $CLIMBS climbs" "$(most "$(walked climbs)" "$CLIMBS" climbs)"
finish
