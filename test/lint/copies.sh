#!/bin/bash
# What is written twice drifts apart: no six lines of code stand in two places.  Blank
# lines, comments, punctuation, brackets of a language ("END IF;", "esac") and lines that
# include others do not count, and how a line is indented does not matter.
#
#   test/lint/copies.sh [DIRECTORY]
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

sources() {
	find src sql test bench script docker docs -path test/mutants -prune -o -type f \
		! -name 'group_api--*' -print 2>/dev/null |
		grep -E '\.(c|h|cpp|sql|pl|pm|py|sh|js|html|mk)$|^script/[^.]*$|/Makefile$' | sort
}

# copies: "FILE:LINE ~ FILE:LINE" for each run of lines that stands twice
copies() {
	sources | perl -e '
		use strict;
		my $least = 6;
		my (%places, @runs);
		while (my $name = <STDIN>) {
			chomp $name;
			open(my $file, "<", $name) or next;
			my $text = do { local $/; <$file> };
			my $emptied = sub { (my $lines = shift) =~ s/[^\n]//g; $lines };
			$text =~ s{(/\*.*?\*/)}{$emptied->($1)}gse if $name =~ /\.(?:c|h|cpp|js)$/;
			my (@lines, $number);
			for (split /\n/, $text) {
				$number++;
				s/\s+/ /g;
				s/^ | $//g;
				next if !/\w/ || m{^(?://|--|#|use |import |require )};
				next if /^(?:end(?: \w+)?|begin|declare|loop|return next|else|fi|done|esac|shift|break|return);?$/i;
				push @lines, [ $number, $_ ];
			}
			for my $from (0 .. @lines - $least) {
				my $run = join "\n", map { $_->[1] } @lines[$from .. $from + $least - 1];
				push @{ $places{$run} }, [ $name, $lines[$from][0], $from ];
			}
		}
		# Of a longer run only the first six lines are told.
		my (%said, %twice);
		for my $run (grep { @{ $places{$_} } > 1 } keys %places) {
			$twice{"$_->[0] $_->[2]"} = 1 for @{ $places{$run} };
		}
		for my $run (grep { @{ $places{$_} } > 1 } keys %places) {
			my @at = @{ $places{$run} };
			next unless grep { my ($name, undef, $from) = @$_; !$twice{ "$name " . ($from - 1) } } @at;
			print join(" ~ ", map { "$_->[0]:$_->[1]" } @at), "\n";
		}' | sort
}

report "there are sources to look at" "$([ "$(sources | wc -l)" -gt 0 ] || echo "none below $PWD")"
report "no six lines stand in two places" "$(copies)"
finish
