# The primary of two servers is killed five times, while 5000 invitations go out and callers go on
# writing: nothing committed is lost, and nobody hears twice but of what was in flight.
use strict;
use warnings;

use FindBin;
use lib map { "$FindBin::RealBin/$_" } qw(../lib ../t/lib lib);
use Callers;
use Failover;
use GroupApiTest;
use Invitations qw(add_sms sms_recipients);
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'skipped: pg_autoctl not found' unless have_pg_autoctl();

my ($INVITATIONS, $MEMBERS, $IN_FLIGHT) = (5000, 20, 64);
my $cluster = start_cluster(conf => <<"END");
group_api.max_in_flight = $IN_FLIGHT
group_api.invitation_url = 'https://example.com/i/{token}'
END
my $sink = start_http_sink(log => 1, delay_ms => 100);

$cluster->query('CREATE EXTENSION group_api');
$cluster->query("CREATE SERVER sms FOREIGN DATA WRAPPER group_api_http
	OPTIONS (url '$sink->{http}', channel 'MOBILE', rate '120', max_connections '32')");

# ---- the primary dies five times

my @callers = (start_creators($cluster, $sink, 2, $INVITATIONS / $MEMBERS, $MEMBERS), start_answerer($cluster, $sink));
my $killed = 0;
my @rounds;
for my $round (1 .. 5)
{
	poll_until(sub { sink_count($sink) >= $round * $INVITATIONS / 7 }, "round $round: invitations go out");
	$cluster->await_states('primary, secondary', 'and both servers are there');
	push @rounds, one_round($round);
}

sub one_round
{
	my ($round) = @_;
	my ($old, $new) = ($cluster->primary, $cluster->standby);
	my $killed = $cluster->kill_node($old, $round % 2 ? 'all' : 'postmaster');

	poll_until(sub { $cluster->primary eq $new }, "$new takes over from $old");
	my ($promoted) = grep { $_ > $killed } $cluster->log_times($new, 'database system is ready to accept connections');
	my ($first) = poll_until(sub { [ arrivals_after($promoted) ] }, "$new sends")->[0];
	my ($writable) = grep { $_ > $killed } $cluster->log_times($new, 'parameter "default_transaction_read_only" (changed|removed)');
	note sprintf 'killed; promoted after %.2f s, writable %.2f, first message %.2f s after promotion', $promoted - $killed, ($writable//0) - $killed,
	  $first - $promoted;
	is_deeply([ $cluster->remains_of($old) ], [], "nothing of $old is left");
	$cluster->run_node($old);
	return { killed => $killed, promoted => $promoted, first => $first, old => $old };
}

sub arrivals_after
{
	my ($time) = @_;
	return grep { $_ > $time } map { $_->{at} } read_log($sink);
}

my %told = finish_callers(@callers);
poll_until(sub { $cluster->query("SELECT count(*) FROM group_api.queue") eq '0' }, 'all is sent');
diag explain [map { [ $_->{promoted} - $_->{killed}, $_->{first} - $_->{promoted}] } @rounds];
diag $cluster->query('SELECT delivery, count(*) FROM group_api_private.invitations group by 1');
diag scalar(sms_recipients($sink));
diag scalar(@{$told{groups}}), ' ', scalar(@{$told{answers}});
$cluster->stop;
done_testing();
