# Rows 1 and 2: processes are killed 200 times while three writers create groups, and
# an account is made of what was committed and what arrived.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/../t/lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use List::Util qw(sum);
use PostgreSQL::Test::Utils;
use Promises;
use Test::More;
use Time::HiRes qw(sleep time);

my $KILLS = scaled(200);
my $SECONDS = scaled(150);
my $TRANSACTIONS = scaled(555);    # of 45 people; each fifth is rolled back
my $IN_FLIGHT = 32;

my $node = new_node('course', conf => "
restart_after_crash = on
group_api.max_in_flight = $IN_FLIGHT
group_api.retry_base = 1
max_connections = 20");
my $sink = start_http_sink(delay_ms => 2, log => 1);
my $calm_directory = PostgreSQL::Test::Utils::tempdir();
my $directory = PostgreSQL::Test::Utils::tempdir();

add_sms($node, $sink->{http}, max_connections => 16);

# ---- without a crash

waitpid $_, 0 for start_writers($node, 3, scaled(60), scaled(5), 45, $calm_directory);
all_are($node, 'sent', 'all is sent');
my $calm = account(journal($calm_directory), sms_recipients($sink));
is($calm->{lost}, 0, 'none is lost');
cmp_ok($calm->{committed}, '>', 0, 'there are some');

# ---- kills

# A killed dispatcher or session makes the server begin anew; an immediate stop is what a lost machine does.
my @kinds = ((map { $_ % 2 ? 'courier' : 'dispatcher' } 1 .. 10), ('session') x 6, ('stop') x 4);
my %killed;

sub session_of_writer
{
	return $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() LIMIT 1");
}

sub victim
{
	my ($kind) = @_;
	return eval {
		return session_of_writer() if $kind eq 'session';
		my $state = dispatcher($node);
		return $kind eq 'courier' ? $state->{courier_pid} : $state->{pid};
	} || 0;
}

# Whether it is done; a session to be killed is a writer's, which are there for moments.
sub strike
{
	my ($kind) = @_;

	if ($kind eq 'stop')
	{
		$node->stop('immediate');
		$node->start;
		return 1;
	}
	my $process = victim($kind) or return 0;
	return kill 'KILL', $process;
}

my $seen_before = sms_recipients($sink);
my $began = time;
my @writers = start_writers($node, 3, $TRANSACTIONS, $SECONDS, 45, $directory);
for my $i (0 .. $KILLS - 1)
{
	my $kind = $kinds[ $i % @kinds ];
	my $give_up = time + $GroupApiTest::PATIENCE;
	my $ahead = $began + ($i + 1) * $SECONDS / ($KILLS + 1) - time;

	sleep $ahead if $ahead > 0;
	my $is_dead;
	sleep 0.01 until ($is_dead = strike($kind)) || time > $give_up;
	$killed{$kind}++ if $is_dead;
}
waitpid $_, 0 for @writers;
is(sum(values %killed), $KILLS, 'each kill has found its process');
note(sprintf '%d kills in %.0f s: %s', $KILLS, time - $began, join ', ', map { "$_ $killed{$_}" } sort keys %killed);

# ---- the account

poll_until(sub { my $states = deliveries($node); return !grep { !/^(sent|uncertain)$/ } keys %$states; }, 'all is sent over the kills')
  or diag(explain(deliveries($node)));
my @received = sms_recipients($sink);
my $account = account(journal($directory), @received[ $seen_before .. $#received ]);

# A gateway that knows a message by its key takes each once.
my %keys;
$keys{ Invitations::recipient_of($_->{body}) }{ $_->{idempotency_key} } = 1 for grep { defined $_->{body} } (read_log($sink))[ $seen_before .. $#received ];
my $unlike = grep { $_ > 1 } map { scalar keys %$_ } values %keys;

note(explain($account));
figure(1, $account->{lost} == 0 && $account->{unexpected} == 0 && $account->{committed} >= scaled(19_000),
	'%d lost, %d unexpected, %d recovered of %d committed; %d kills',
	$account->{lost}, $account->{unexpected}, $account->{recovered}, $account->{committed}, $KILLS);
figure(2, $calm->{duplicated} == 0 && $account->{duplicated} <= 0.01 * $account->{received} && $account->{duplicated} <= $IN_FLIGHT * $KILLS && $unlike == 0,
	'%d of %d without a crash, %.2f %% of %d with %d kills, %d of these with a key of its own',
	$calm->{duplicated}, $calm->{received}, 100 * $account->{duplicated} / ($account->{received} || 1), $account->{received}, $KILLS, $unlike);

$node->stop;
done_testing();
