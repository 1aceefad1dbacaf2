# Rows 4 and 12: the ends and beginnings of servers.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/../t/lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Cluster;
use Promises;
use Test::More;
use Time::HiRes qw(sleep time);

my $STOPS = scaled(20);
my $PROMOTIONS = scaled(10);
my $IN_FLIGHT = 32;
my $next = 0;

sub some { return map { sa_number(++$next) } 1 .. $_[0]; }

# ---- row 4: a fast stop while sends hang

my $node = new_node('stops', conf => "group_api.retry_base = 1");
my $gateway = start_script_server(http => { rules => [ { replies => ['hang'] } ] });
my @took;

add_sms($node, $gateway->{http}, max_connections => $IN_FLIGHT, timeout => 300);
invite($node, some($IN_FLIGHT));
for (1 .. $STOPS)
{
	poll_until(sub { deliveries($node)->{sending} == $IN_FLIGHT }, 'sends hang');
	push @took, seconds(sub { $node->stop('fast') });
	$node->start;
}
figure(4, longest(@took) <= 1, 'longest %.2f s, median %.2f s of %d fast stops while %d sends hang',
	longest(@took), percentile(0.5, @took), scalar @took, $IN_FLIGHT);
$node->stop('immediate');

# ---- row 12: a standby is silent, and sends when it is promoted

set_rules($gateway, http => {});
my $primary = new_node('first', init => [ allows_streaming => 1 ], conf => "group_api.retry_base = 1");
my ($on_standby, @until_first) = (0);
add_sms($primary, $gateway->{http});
for my $i (1 .. $PROMOTIONS)
{
	my $standby = PostgreSQL::Test::Cluster->new("standby$i");

	$primary->backup("base$i");
	$standby->init_from_backup($primary, "base$i", has_streaming => 1);
	$standby->start;
	$primary->safe_psql('postgres', "SELECT group_api.pause('sms')");
	invite($primary, some(20));
	my $before = recipients($gateway);
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	$on_standby += $standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'group_api %'");
	$primary->stop('immediate');
	$on_standby += recipients($gateway) - $before;
	$standby->promote;
	my $promoted = time;
	$standby->safe_psql('postgres', "SELECT group_api.resume('sms')");
	poll_until(sub { recipients($gateway) == $before + 20 }, 'the promoted standby sends what waits');
	push @until_first, (map { $_->{at} } read_log($gateway, 'request'))[$before] - $promoted;
	$primary = $standby;
}
figure(12, $on_standby == 0 && longest(@until_first) <= 2, '%d sends and workers on a standby; first message %.2f s after %d promotions at the latest',
	$on_standby, longest(@until_first), scalar @until_first);

$primary->stop('immediate');
done_testing();
