# A courier or a dispatcher that is there and does nothing is noticed by that. A
# courier is replaced; a slow provider is no reason for it, nor a dispatcher that
# was stopped itself.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('progress', conf => "
group_api.retry_base = 1");
my $gateway = start_script_server(http => { rules => [ { match => '', replies => [ { delay => 0.1 } ] } ] }, smtp => {});
my $next = 0;

sub query { return $node->safe_psql('postgres', $_[0]); }
sub dispatcher_check { return query("SELECT ok || ': ' || fact FROM group_api.health() WHERE \"check\" = 'dispatcher'"); }
sub some { return map { sa_number(++$next) } 1 .. $_[0]; }
sub logged { my ($pattern) = @_; return scalar(() = slurp_file($node->logfile) =~ /$pattern/g); }

add_sms($node, $gateway->{http}, max_connections => 4);
invite($node, some(1));
all_are($node, 'sent', 'all is well');

# ---- a slow provider is no reason

my $courier = courier_pid($node);
set_rules($gateway, http => { rules => [ { match => '', replies => [ { delay => 8 } ] } ] }, smtp => {});
invite($node, some(2));
all_are($node, 'sent', 'a provider that takes eight seconds for each message');
is(courier_pid($node), $courier, 'has the courier it had');
is(dispatcher_check(), 'true: running', 'and health() is content');

# ---- a courier that is stopped while it sends

set_rules($gateway, http => { rules => [ { match => '', replies => [ { delay => 0.1 } ] } ] }, smtp => {});
my @people = some(300);
invite($node, @people);
poll_until(sub { (deliveries($node)->{sent} // 0) > 20 }, 'some are sent');
kill 'STOP', $courier;
takes_at_most(5, 'it is noticed and replaced in time', sub {
	poll_until(sub { my $now = courier_pid($node); $now && $now != $courier }, 'a courier that was stopped is replaced');
});
like(dispatcher_check(), qr/^true: running; a courier that made no progress was replaced at \d{4}-/, 'health() tells that');
all_are($node, 'sent', 'and everything is sent');
is(logged('the courier of group_api makes no progress; it is replaced'), 1, 'the log says so once');
poll_until(sub { !-e "/proc/$courier" }, 'of the old one nothing is left');
my $copies = twice(sms_recipients($gateway));
cmp_ok(scalar(keys %$copies), '<=', 4, 'no more than were under way went out twice');
is((sort { $b <=> $a } values %$copies, 0)[0] > 2, '', 'and none of them three times');
is(query('SELECT count(*) FROM group_api.set_aside'), 0, 'nothing is set aside');

# ---- one that was stopped while it had nothing to do

# It is told for two seconds before it is replaced: a slow machine may look too late.
my $told = 0;
for my $round (1 .. 5)
{
	$courier = courier_pid($node);
	kill 'STOP', $courier;
	invite($node, some(3));
	poll_until(sub {
		$told ||= dispatcher_check() =~ /^false: .*the courier has not answered for \d s/;
		return deliveries($node)->{sent} == $next;
	}, 'with one that was stopped before it got anything all are sent');
	isnt(courier_pid($node), $courier, 'by another one');
	last if $told;
}
ok($told, 'and while it owed an answer health() told');

# ---- a dispatcher that is stopped, with its courier or without

my $pid = dispatcher($node)->{pid};
kill 'STOP', $pid;
invite($node, some(20));
takes_at_most(5, 'it is noticed in time', sub {
	poll_until(sub { dispatcher_check() =~ /^false: it has made no progress for \d+ s/ }, 'health() tells of a dispatcher that was stopped');
});
is(dispatcher($node)->{state}, 'not responding', 'so does the view');
like(query("SELECT hint FROM group_api.health() WHERE \"check\" = 'dispatcher'"), qr/kill -CONT $pid/, 'and what to do');
kill 'CONT', $pid;
all_are($node, 'sent', 'when it goes on all are sent');
is(dispatcher($node)->{pid}, $pid, 'by the same one');
poll_until(sub { dispatcher_check() =~ /^true: running/ }, 'and health() is content');

$courier = courier_pid($node);
invite($node, some(200));
poll_until(sub { deliveries($node)->{sent} > $next - 150 }, 'in the middle of its work');
kill 'STOP', $pid;
poll_until(sub { dispatcher_check() =~ /^false: it has made no progress/ }, 'it is told, too');
my $since = time;
poll_until(sub { time - $since > 6 }, 'and it stays like that for a while');
kill 'CONT', $pid;
all_are($node, 'sent', 'when it goes on all are sent');
is(courier_pid($node), $courier, 'by the same courier, which had done nothing wrong');

# ---- both at once

invite($node, some(200));
poll_until(sub { deliveries($node)->{sent} > $next - 150 }, 'in the middle of their work');
kill 'STOP', $pid, $courier;
$since = time;
poll_until(sub { time - $since > 6 }, 'both are stopped for a while');
kill 'CONT', $courier, $pid;
all_are($node, 'sent', 'when they go on all are sent');
is(courier_pid($node), $courier, 'by the same courier');

# ---- nobody is late while there is nothing to do

my $turns = settled(sub { dispatcher($node)->{turns} }, 'all is done');
$since = time;
poll_until(sub { time - $since > 6 }, 'nothing is to be done for a while');
is(dispatcher_check() =~ s/;.*//r, 'true: running', 'that is no lack of progress');
is(dispatcher($node)->{turns}, $turns, 'and nobody woke up for it');

# ---- the one that tries a suspect alone

my $suspect = sa_number(9_000_001);
set_rules($gateway, http => { rules => [ { match => quotemeta $suspect, replies => [ 'kill', 'hang' ] },
	{ match => '', replies => [ { delay => 0.1 } ] } ] }, smtp => {});
invite($node, $suspect);
my $alone;
poll_until(sub {
	# It is the dispatcher's child, too.
	($alone) = grep { $_ != courier_pid($node) } split ' ', slurp_file("/proc/$pid/task/$pid/children");
	return $alone && 2 == grep { $_ eq $suspect } sms_recipients($gateway);
}, 'a message that killed a courier is tried alone');
invite($node, some(5));
poll_until(sub { deliveries($node)->{sent} == $next }, 'others are sent meanwhile');
set_rules($gateway, http => { rules => [ { match => '', replies => [ { delay => 0.1 } ] } ] }, smtp => {});
kill 'STOP', $alone;
takes_at_most(5, 'it is noticed in time', sub {
	poll_until(sub { !is_alive($alone) }, 'the courier that has it alone is replaced when it is stopped');
});
all_are($node, 'sent', 'and the message is sent');

# ---- a server stops although one is stopped

$courier = courier_pid($node);
invite($node, some(20));
kill 'STOP', $courier;
takes_at_most(6, 'the server stops with a courier that hangs', sub { $node->stop });
done_testing();
