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

# How many were sent to, and how many of them more than once.
sub reached { return scalar keys %{ { map { $_ => 1 } recipients($sink) } }; }
sub repeated { return scalar keys %{ twice(recipients($sink)) }; }

sub answers { return eval { $node->safe_psql('postgres', 'SELECT 1') }; }

add_sms($node, $sink->{http}, max_connections => 4);

# ---- SIGTERM, again and again

# What is under way gets 0.7 s to end; a machine that stalls just then may need more.
my $clean = 0;
for my $round (1 .. 8)
{
	my $before = wait_for_dispatcher($node, "a dispatcher is there before round $round");
	my $began = sink_count($sink);
	my $known = repeated();

	invite_many(100);
	poll_until(sub { sink_count($sink) >= $began + 20 }, 'it sends');
	kill 'TERM', $before->{pid};
	takes_at_most(3, "a dispatcher told to end is back within 3 s, round $round", sub {
		wait_for_dispatcher($node, 'another one comes', not => $before->{pid});
	});
	all_are($node, 'sent', 'everything is sent over the end of a dispatcher');
	$clean++ if repeated() == $known;
	last if $clean == 2;
}
is($clean, 2, 'and nothing twice: what was under way could end');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM group_api_private.attempts WHERE outcome = 'uncertain'"), '>=', repeated(),
	'else it is on record');
is(reached(), $next, 'nor is anything missing');

# ---- a backend dies

my $began = sink_count($sink);
my $known = repeated();
invite_many(100);
my $session = psql_in_background($node, 'SELECT pg_backend_pid();');
my ($backend) = $session->{output}->() =~ /(\d+)/;
poll_until(sub { sink_count($sink) >= $began + 20 }, 'sending goes on');
kill 'KILL', $backend;
$session->{finish}->();
poll_until(\&answers, 'the server recovers from the death of a backend');
all_are($node, 'sent', 'what was queued when a backend died is sent');
my $recovered = repeated() - $known;
cmp_ok($recovered, '<=', 32, 'no more than what was in flight is sent twice');
note("$recovered sent twice after the death of a backend");
is(reached(), $next, 'all of it');

# ---- immediate shutdown

$began = sink_count($sink);
$known = repeated();
invite_many(100);
poll_until(sub { sink_count($sink) >= $began + 20 }, 'sending goes on again');
$node->stop('immediate');
$node->start;
all_are($node, 'sent', 'what was queued at an immediate shutdown is sent after the start');
is(reached(), $next, 'all of it, without a hand being moved');
cmp_ok(repeated() - $known, '<=', 32, 'no more than what was in flight is sent twice');

# ---- fast stop while sends hang

$node->safe_psql('postgres', "DROP SERVER sms");
set_rules($gateway, http => { rules => [ { replies => ['hang'] } ] });
add_sms($node, $gateway->{http}, max_connections => 32, timeout => 300);
my $hung_after = sa_number($next);
invite_many(64);
poll_until(sub { scalar(recipients($gateway)) == 32 }, '32 sends hang');
takes_at_most(1.5, 'a fast stop takes at most 1.5 s while 32 sends hang', sub { $node->stop('fast') });
set_rules($gateway, http => {});
takes_at_most(10, 'the server starts again', sub { $node->start });
all_are($node, 'sent', 'what hung or waited is sent after the start');
is(scalar(recipients($gateway)), 32 + 64, 'what hung once more, what waited once');
is($node->safe_psql('postgres', "SELECT count(*) FROM group_api_private.attempts a
	JOIN group_api_private.invitations i ON (i.group_id, i.number) = (a.group_id, a.member)
	WHERE a.outcome = 'uncertain' AND i.contact > '$hung_after'"), '32',
	'what hung is on record as uncertain');

# ---- what is about to be answered is waited for

my $again;
for my $round (1 .. 5)
{
	my $before = recipients($gateway);

	set_rules($gateway, http => { rules => [ { replies => [ { delay => 0.3 } ] } ] });
	invite($node, map { sa_number(++$next) } 1 .. 8);
	poll_until(sub { recipients($gateway) == $before + 8 }, 'eight are under way');
	takes_at_most(1.5, 'a fast stop waits a little for their answers', sub { $node->stop('fast') });
	$node->start;
	all_are($node, 'sent', 'they are sent');
	$again = recipients($gateway) - $before - 8;
	last if $again == 0;
	note("$again were answered too late in round $round");
}
is($again, 0, 'and not once more after the start');

# ---- a smart stop does not wait for the gateway either

set_rules($gateway, http => { rules => [ { replies => ['hang'] } ] });
my $asked = recipients($gateway);
invite_many(4);
poll_until(sub { recipients($gateway) == $asked + 4 }, 'four more hang');
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
# What the gateway had not read yet is read before this is answered.
system("curl -sS -d last '$gateway->{http}'") == 0 or die 'curl';
my $had = read_log($gateway, 'request');
# Long enough for the courier to have sent a dozen, were it alive.
poll_until(sub { time - $gone > 0.5 }, 'half a second passes');
is(scalar(read_log($gateway, 'request')), $had, 'nothing is sent after that');
# A zombie nobody reaps would pass for a running postmaster.
unlink $node->data_dir . '/postmaster.pid', $node->host . '/.s.PGSQL.' . $node->port . '.lock';
takes_at_most(10, 'the server starts again after its death', sub { $node->start });
set_rules($gateway, http => {});
all_are($node, 'sent', 'and sends the rest');

$node->stop;
done_testing();
