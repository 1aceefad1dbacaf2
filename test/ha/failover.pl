# The primary of two servers is killed five times, while 5000 invitations go out and callers go on
# writing: nothing committed is lost, and only what was in flight arrives twice.
use strict;
use warnings;

use FindBin;
use lib map { "$FindBin::RealBin/$_" } qw(../lib ../t/lib lib);
use Callers;
use Failover;
use GroupApiTest;
use Invitations qw(sa_number);
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'skipped: pg_autoctl not found' unless have_pg_autoctl();

my ($INVITATIONS, $MEMBERS, $IN_FLIGHT, $ROUNDS) = (5000, 20, 64, 5);
my $cluster = start_cluster(conf => <<"END");
group_api.max_in_flight = $IN_FLIGHT
group_api.invitation_url = 'https://example.com/i/{token}'
END
my $sink = start_http_sink(log => 1, delay_ms => 100);
my %standby = (looks => 0, heard => []);

$cluster->query('CREATE EXTENSION group_api');
$cluster->query("CREATE SERVER sms FOREIGN DATA WRAPPER group_api_http
	OPTIONS (url '$sink->{http}', channel 'MOBILE', rate '100', max_connections '32')");

# ---- the primary dies, again and again

my @callers = (start_creators($cluster, 2, $INVITATIONS / $MEMBERS, $MEMBERS),
	start_answerer($cluster, $sink));
my @rounds = map { one_round($_) } 1 .. $ROUNDS;
my %told = finish_callers(@callers);

sub one_round
{
	my ($round) = @_;

	$cluster->await_states('primary, secondary', "round $round: both servers are there");
	my ($old, $new) = ($cluster->primary, $cluster->standby);
	my $before = sink_count($sink);
	allow($INVITATIONS / $MEMBERS * $round / $ROUNDS);
	poll_until(sub { listen_at($new); sink_count($sink) >= $before + 300 },
		"$old sends while $new stands by");
	my $killed = $cluster->kill_node($old, $round % 2 ? 'machine' : 'postmaster');
	poll_until(sub { $cluster->primary eq $new }, "$old is killed, $new takes over");
	my $promoted = time_of($new, $killed, 'database system is ready to accept connections');
	my $first = poll_until(sub { first_arrival($promoted) }, "$new sends");
	is_deeply([ $cluster->remains_of($old) ], [], "nothing of $old is left");
	$cluster->run_node($old);
	return report({
		killed => $killed, promoted => $promoted, first => $first, new => $new,
		writable => time_of($new, $promoted, 'parameter "default_transaction_read_only" changed to "off"')
	});
}

sub time_of
{
	my ($name, $after, $pattern) = @_;
	my ($time) = grep { $_ > $after } $cluster->log_times($name, $pattern);
	return $time // $after;
}

sub first_arrival
{
	my ($after) = @_;
	my ($first) = grep { $_->[0] > $after } arrivals($sink);
	return $first && $first->[0];
}

sub report
{
	my ($round) = @_;
	diag sprintf '%s: promoted %.1f s after the kill, writable %.2f s after that, first message %.2f s after that', $round->{new},
	  $round->{promoted} - $round->{killed}, $round->{writable} - $round->{promoted}, $round->{first} - $round->{writable};
	at_most($round->{first} - $round->{promoted}, 2, 'its first message leaves within two seconds of the promotion');
	at_most($round->{first} - $round->{writable}, 1, 'and within one of being let write');
	return $round;
}

# A standby has neither launcher nor dispatcher nor courier.
sub listen_at
{
	my ($name) = @_;
	$standby{looks}++;
	push @{ $standby{heard} }, grep { /group_api/ } $cluster->programs_of($name);
	return;
}

# ---- what became of everything

poll_until(sub { listen_at($cluster->standby); $cluster->query('SELECT count(*) FROM group_api.queue') eq '0' },
	'all is sent');
$cluster->await_states('primary, secondary', 'both servers are there in the end');
is_deeply($standby{heard}, [], 'nothing that could send ever ran on a standby');
cmp_ok($standby{looks}, '>', $ROUNDS, "which was looked at $standby{looks} times");
is($cluster->query("SELECT ok, fact FROM group_api.health() WHERE \"check\" = 'dispatcher'", $cluster->standby),
	't|this server is a standby: nothing is sent here, the primary sends', 'and health() says so there');

my @groups = sort split /\n/, $cluster->query('SELECT id FROM group_api_private.groups');
is_deeply(\@groups, [ sort @{ $told{groups} } ], 'every group whose caller was answered is there, once, and no other');
is($cluster->query("SELECT count(*), count(*) FILTER (WHERE delivery IN ('sent', 'delivered')) FROM group_api.deliveries"),
	"$INVITATIONS|$INVITATIONS", 'with all its invitations, sent');
my $accepted = { map { $_ => 1 } split /\n/, $cluster->query("SELECT contact FROM group_api.deliveries WHERE response = 'accepted'") };
is_deeply([ grep { !$accepted->{$_} } @{ $told{answers} } ], [], 'every answer that was taken is there');
cmp_ok(scalar @{ $told{answers} }, '>', 0, scalar(@{ $told{answers} }) . ' were');

my %arrivals;
push @{ $arrivals{ $_->[1] } }, $_->[0] for arrivals($sink);
is_deeply([ grep { !$arrivals{ sa_number($_) } } 1 .. $INVITATIONS ], [], 'everybody got the message');

# Between its two arrivals the primary died. Where the postmaster alone was killed, the dispatcher and its
# courier end as soon as they see that.
my @twice = grep { @$_ > 1 } values %arrivals;
my %in_flight;
my @others = grep { !was_in_flight($_) } @twice;
is_deeply([ map { [ map { $_ - $rounds[0]{killed} } @$_ ] } @others ], [], 'twice came only what was in flight when a primary died');
diag scalar(@twice), ' of them twice: ', join ', ', map { $in_flight{$_} // 0 } 0 .. $#rounds;
cmp_ok($_ // 0, '<=', 2 * $IN_FLIGHT, 'which is bounded by group_api.max_in_flight') for values %in_flight;

sub was_in_flight
{
	my ($times) = @_;
	for my $index (1 .. $#$times)
	{
		my ($round) = grep { $times->[ $index - 1 ] <= $rounds[$_]{promoted} && $rounds[$_]{promoted} <= $times->[$index] } 0 .. $#rounds;
		return 0 unless defined $round && $rounds[$round]{killed} - $times->[ $index - 1 ] < 2 * $GroupApiTest::SLACK;
		$in_flight{$round}++;
	}
	return 1;
}

$cluster->stop;
done_testing();
