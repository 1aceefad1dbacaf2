# Attackers of every level try what they can think of, one line of *.cases each.
# docs/security.md says what each level may do, and README.md beside this file
# how a case is written. After each one nothing has crashed, nothing secret was
# told, and the next invitation leaves.
#
#   perl attack.pl              all
#   perl attack.pl caller       those of a file, or whose name holds the word; likewise
#   GROUP_API_ATTACK=caller script/test attack
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/../t/lib", "$FindBin::RealBin/lib";
use Attack;
use GroupApiTest;
use PostgreSQL::Test::Utils;
use Test::More;

my @wanted = @ARGV ? @ARGV : split ' ', $ENV{GROUP_API_ATTACK} // '';
my @cases = read_cases(@wanted);

plan skip_all => 'skipped: libpq not found' unless find_libpq();
prepare();
run_case($_) for @cases;
clean_up();
if (!@wanted)
{
	my %count;
	$count{ $_->{by} }++ for @cases;
	cmp_ok(scalar @cases, '>=', 150, 'there are that many cases: ' . join ', ', map { "$_ $count{$_}" } sort keys %count);
	is(scalar keys %count, 10, 'of all ten levels');
	my %is_case = map { $_->{id} => 1 } @cases;
	my @named = slurp_file(project_root() . '/docs/security.md') =~ /`((?:none|anonymous|caller|monitor|mailer|operator|owner|provider|sender|link)-[\w-]+)`/g;
	cmp_ok(scalar @named, '>', 50, 'docs/security.md names the cases that show what it says');
	is_deeply([ grep { !$is_case{$_} } @named ], [], 'and there is each of them');
}
done_testing();
