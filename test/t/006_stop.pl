# The ways a server and its processes end, and what that does to what is being
# sent: a clean end sends nothing twice, a violent one sends nothing after it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_node('main', conf => "
restart_after_crash = on
group_api.retry_base = 1
group_api.max_in_flight = 32");
my $sink = start_http_sink(delay_ms => 15, log => 1);
my $gateway = start_script_server(http => {});
my $next = 0;

sub invite_many
{
	my ($count) = @_;
	my @numbers = map { sa_number(++$next) } 1 .. $count;

	invite($node, splice @numbers, 0, 100) while @numbers;
	return;
}

sub answers { return eval { $node->safe_psql('postgres', 'SELECT 1') }; }

add_sms($node, $sink->{http}, max_connections => 4);

# ---- SIGTERM, again and again

invite_many(200);
for my $round (1 .. 2)
{
	my $before = wait_for_dispatcher($node, "a dispatcher is there before round $round");
	my $began = sink_count($sink);

	poll_until(sub { sink_count($sink) >= $began + 20 }, 'it sends');
	kill 'TERM', $before->{pid};
	takes_at_most(3, "a dispatcher told to end is back within 3 s, round $round", sub {
		wait_for_dispatcher($node, 'another one comes', not => $before->{pid});
	});
}
all_are($node, 'sent', 'everything is sent over two ends of the dispatcher');
is_deeply(twice(recipients($sink)), {}, 'and nothing twice: what was under way could end');
is(scalar(recipients($sink)), 200, 'nor is anything missing');

# ---- a backend dies

invite_many(100);
my $session = psql_in_background($node, 'SELECT pg_backend_pid();');
my ($backend) = $session->{output}->() =~ /(\d+)/;
poll_until(sub { sink_count($sink) >= 220 }, 'sending goes on');
kill 'KILL', $backend;
$session->{finish}->();
poll_until(\&answers, 'the server recovers from the death of a backend');
all_are($node, 'sent', 'what was queued when a backend died is sent');
my $recovered = keys %{ twice(recipients($sink)) };
cmp_ok($recovered, '<=', 32, 'no more than what was in flight is sent twice');
note("$recovered sent twice after the death of a backend");
is(keys %{ { map { $_ => 1 } recipients($sink) } }, 300, 'all of it');

# ---- immediate shutdown

invite_many(100);
poll_until(sub { sink_count($sink) >= 320 + $recovered }, 'sending goes on again');
$node->stop('immediate');
$node->start;
all_are($node, 'sent', 'what was queued at an immediate shutdown is sent after the start');
is(keys %{ { map { $_ => 1 } recipients($sink) } }, 400, 'all of it, without a hand being moved');
cmp_ok(scalar(keys %{ twice(recipients($sink)) }) - $recovered, '<=', 32,
	'no more than what was in flight is sent twice');

# ---- fast stop while sends hang

$node->safe_psql('postgres', "DROP SERVER sms");
set_rules($gateway, http => { rules => [ { replies => ['hang'] } ] });
add_sms($node, $gateway->{http}, max_connections => 32, timeout => 300);
invite_many(64);
poll_until(sub { scalar(recipients($gateway)) == 32 }, '32 sends hang');
takes_at_most(1.5, 'a fast stop takes at most 1.5 s while 32 sends hang', sub { $node->stop('fast') });
set_rules($gateway, http => {});
takes_at_most(10, 'the server starts again', sub { $node->start });
all_are($node, 'sent', 'what hung or waited is sent after the start');
is(scalar(recipients($gateway)), 32 + 64, 'what hung once more, what waited once');
is($node->safe_psql('postgres', "SELECT count(*) FROM group_api_private.attempts a
	JOIN group_api_private.invitations i USING (group_id, number)
	WHERE a.outcome = 'uncertain' AND i.contact > '" . sa_number(400) . "'"), '32',
	'what hung is on record as uncertain');

# ---- what is about to be answered is waited for

set_rules($gateway, http => { rules => [ { replies => [ { delay => 0.3 } ] } ] });
my @slow = map { sa_number(++$next) } 1 .. 8;
invite($node, @slow);
poll_until(sub { scalar(recipients($gateway)) == 96 + 8 }, 'eight are under way');
takes_at_most(1.5, 'a fast stop waits a little for their answers', sub { $node->stop('fast') });
$node->start;
all_are($node, 'sent', 'they are sent');
is(scalar(recipients($gateway)), 96 + 8, 'and not once more after the start');

# ---- a smart stop does not wait for the gateway either

set_rules($gateway, http => { rules => [ { replies => ['hang'] } ] });
invite_many(4);
poll_until(sub { scalar(recipients($gateway)) == 96 + 8 + 4 }, 'four more hang');
takes_at_most(1.5, 'a smart stop takes at most 1.5 s while sends hang', sub { $node->stop('smart') });
set_rules($gateway, http => {});
$node->start;
all_are($node, 'sent', 'they are sent after the start');

# ---- the postmaster dies

set_rules($gateway, http => { rules => [ { replies => [ { delay => 0.05 } ] } ] });
$node->safe_psql('postgres', "ALTER SERVER sms OPTIONS (SET max_connections '2')");
invite_many(200);
my $enough = scalar(recipients($gateway)) + 20;
poll_until(sub { scalar(recipients($gateway)) >= $enough }, 'a long queue is being sent');
my $state = dispatcher($node);
ok(is_alive($state->{pid}) && is_alive($state->{courier_pid}), 'dispatcher and courier are at work');
$node->kill9;
my $killed = time;
poll_until(sub { !is_alive($state->{pid}) && !is_alive($state->{courier_pid}) },
	'the death of the postmaster ends dispatcher and courier');
my $gone = time;
at_most($gone - $killed, 2, 'within 2 s');
# Long enough for the courier to have sent a dozen, were it alive.
poll_until(sub { time - $gone > 0.5 }, 'half a second passes');
is(scalar(grep { $_->{at} > $gone + 0.05 } read_log($gateway, 'request')), 0, 'nothing is sent after that');
# A zombie nobody reaps would pass for a running postmaster.
unlink $node->data_dir . '/postmaster.pid', $node->host . '/.s.PGSQL.' . $node->port . '.lock';
takes_at_most(10, 'the server starts again after its death', sub { $node->start });
set_rules($gateway, http => {});
all_are($node, 'sent', 'and sends the rest');

$node->stop;
done_testing();
