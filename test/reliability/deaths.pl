# Row 6: a dispatcher that dies at its start, each time.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/../t/lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use PostgreSQL::Test::Utils;
use Promises;
use Test::More;
use Time::HiRes qw(sleep time);

# Until the first of the pauses, which last a minute and more, is over.
my $DEATH_SECONDS = scaled(50);

my $fault = PostgreSQL::Test::Utils::tempdir() . '/die_at_start.so';
system_or_bail('cc', '-O2', '-shared', '-fPIC', '-o', $fault, "$FindBin::RealBin/lib/die_at_start.c", '-ldl');
my ($slowest, $node) = (0);
{
	local $ENV{LD_PRELOAD} = $fault;
	$node = new_node('deaths', extension => 0, conf => "restart_after_crash = on");
	poll_until(sub { $node->safe_psql('postgres', 'CREATE EXTENSION IF NOT EXISTS group_api; SELECT 1') }, 'the extension is there');
	my $end = time + $DEATH_SECONDS;
	while (time < $end)
	{
		my $took = seconds(sub { poll_until(sub { $node->safe_psql('postgres', 'SELECT 1') }, 'SQL is answered') });
		$slowest = $took if $took > $slowest;
		sleep 0.5;
	}
}
my $restarts = () = slurp_file($node->logfile) =~ /all server processes terminated; reinitializing/g;
figure(6, $restarts > 0 && $restarts <= 3 && $slowest <= 5, '%d restarts of the server in %d s for a dispatcher that dies at each start; SQL within %.1f s',
	$restarts, $DEATH_SECONDS, $slowest);

$node->stop('immediate');
done_testing();
