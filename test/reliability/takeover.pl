# Row 3: how soon what was under way is sent again after a kill, also while 1 000 000 wait.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/../t/lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use Promises;
use Test::More;
use Time::HiRes qw(sleep time);

my $KILLS = scaled(24);
my $WAITING = scaled(1_000_000);
my $IN_FLIGHT = 32;

my $node = new_node('takeover', conf => "
restart_after_crash = on
shared_buffers = 256MB
max_wal_size = 8GB
group_api.max_in_flight = $IN_FLIGHT
group_api.retry_base = 1
group_api.invitation_cooldown = 0");
my $gateway = start_script_server(http => {});
my $next = 0;

add_sms($node, $gateway->{http}, prefixes => '+27');
add_sms($node, $gateway->{http}, name => 'german', prefixes => '+49', max_connections => $IN_FLIGHT);

# Who is among the requests and when, since the first COUNT of them.
sub arrivals
{
	my ($count) = @_;
	my @requests = grep { defined $_->{body} } read_log($gateway);
	return map { [ Invitations::recipient_of($_->{body}), $_->{at} ] } @requests[ $count .. $#requests ];
}

# From a kill while 32 messages are with their gateway until each of them is there again.
sub redeliveries
{
	my ($kind) = @_;
	my @people = map { german_number(++$next) } 1 .. $IN_FLIGHT;
	my $before = arrivals(0);
	my %at;

	set_rules($gateway, http => { rules => [ { replies => ['hang'] } ] });
	invite($node, @people);
	poll_until(sub { arrivals($before) == $IN_FLIGHT }, 'all are under way');
	my $victim = dispatcher($node)->{ $kind eq 'courier' ? 'courier_pid' : 'pid' } || BAIL_OUT("there is no $kind");
	my $first = arrivals(0);
	set_rules($gateway, http => {});
	kill 'KILL', $victim;
	my $killed = time;
	poll_until(sub { %at = map { @$_ } reverse arrivals($first); keys %at == $IN_FLIGHT }, "all are sent again after the $kind was killed");
	return map { $_ - $killed } values %at;
}

sub measure { return map { redeliveries($_ % 2 ? 'courier' : 'dispatcher') } 1 .. $_[0]; }

wait_for_dispatcher($node, 'the dispatcher is there');
my @empty = measure($KILLS);
$node->safe_psql('postgres', "SELECT group_api.pause('sms')");
fill($node, $WAITING, 'MOBILE', 0);
my @full = measure($KILLS);
figure(3, percentile(0.99, @empty) <= 2 && percentile(0.99, @full) <= 2 && longest(@empty, @full) <= 5,
	'p99 %.2f s, longest %.2f s of %d; p99 %.2f s, longest %.2f s of %d while %d wait',
	percentile(0.99, @empty), longest(@empty), scalar @empty, percentile(0.99, @full), longest(@full), scalar @full, $WAITING);

$node->stop('immediate');
done_testing();
