# Row 18: at each point where the dispatcher writes, an error, a cancel, a delay and a SIGKILL;
# and at the hand-over to the courier its end and its standstill. A SIGKILL makes the server
# begin anew, at a moment that the test does not choose: whatever it asks, it asks until it is answered.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/../t/lib", "$FindBin::RealBin/lib";
use GroupApiTest qw(:DEFAULT which_died);
use Invitations;
use PostgreSQL::Test::Utils;
use Promises;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_node('points', conf => "
restart_after_crash = on
group_api.retry_base = 1
group_api.max_in_flight = 16
group_api.attempts_retention = 1d");
my $gateway = start_script_server(http => {});
my $next = 0;
# While this file is there the next fault has not struck.
my $armed = PostgreSQL::Test::Utils::tempdir() . '/armed';
my ($consistent, $tried) = (0, 0);

sub query { return answer_of($node, $_[0]); }
sub some { return map { sa_number(++$next) } 1 .. $_[0]; }

# ---- the faults: a trigger of the owner's, in the very transaction of the dispatcher

my %action = (
	error => q(RAISE EXCEPTION 'a fault'),
	cancel => q(PERFORM pg_cancel_backend(pg_backend_pid()), pg_sleep(1)),
	delay => q(PERFORM pg_sleep(2)),
	SIGKILL => q(COPY (SELECT 1) TO PROGRAM 'kill -9 $PPID'; PERFORM pg_sleep(5)));

# [table, event, condition]
my %point = (
	claim => [ 'invitations', 'UPDATE', q(NEW.delivery = 'sending') ],
	record => [ 'invitations', 'UPDATE', q(NEW.delivery = 'sent') ],
	look => [ 'invitations', 'UPDATE', q(NEW.response = 'expired') ],
	trim => [ 'attempts', 'DELETE', 'true' ],
	poll => [ 'polls', 'UPDATE OR DELETE', 'true' ]);

sub arm
{
	my ($where, $what) = @_;
	my ($table, $event, $condition) = @{ $point{$where} };

	query(qq{
		CREATE OR REPLACE FUNCTION public.fault() RETURNS trigger LANGUAGE plpgsql AS \$fault\$
		BEGIN
			IF (pg_stat_file('$armed', true)).size IS NOT NULL THEN
				COPY (SELECT 1) TO PROGRAM 'rm -f $armed';
				$action{$what};
			END IF;
			RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
		END \$fault\$;
		CREATE OR REPLACE TRIGGER fault BEFORE $event ON group_api_private.$table FOR EACH ROW
			@{[ $condition eq 'true' ? '' : "WHEN ($condition)" ]} EXECUTE FUNCTION public.fault()});
	append_to_file($armed, 'x');
	return;
}

sub disarm { query('DROP FUNCTION IF EXISTS public.fault() CASCADE'); return; }

# Whether something comes true, without failing the test: the figure counts.
sub comes_true
{
	my ($sub) = @_;
	my $end = time + $GroupApiTest::PATIENCE;

	while (time < $end && !which_died())
	{
		return 1 if eval { $sub->() };
		sleep 0.05;
	}
	return 0;
}

sub try_at
{
	my ($where, $what, $begin, $is_done) = @_;
	my $began = time;

	arm($where, $what);
	$begin->();
	my $struck = comes_true(sub { !-e $armed });
	my $done = comes_true($is_done);
	disarm();
	my $alive = comes_true(sub { dispatcher($node)->{state} eq 'running' });
	account_for("$where, $what", $began, $struck, $done, $alive);
	return;
}

sub account_for
{
	my ($name, $began, $struck, $done, $alive) = @_;

	$tried++;
	$consistent++ if $struck && $done && $alive;
	ok($struck && $done && $alive, $name) or diag("struck: $struck, done: $done, a dispatcher runs: $alive");
	note(sprintf '%.1f s', time - $began);
	return;
}

# ---- claim and record: each is sent, and once but for a kill between gateway and record

sub all_arrived
{
	my ($is_twice_allowed, @people) = @_;
	my %got;

	$got{$_}++ for sms_recipients($gateway);
	return 0 if grep { !$got{$_} } @people;
	return 0 if query("SELECT count(*) FROM group_api_private.invitations WHERE delivery <> 'sent'") != 0;
	return $is_twice_allowed || !grep { $got{$_} > 1 } @people;
}

add_sms($node, $gateway->{http}, max_connections => 4);
invite($node, some(1));
all_are($node, 'sent', 'it sends');
for my $where (qw(claim record))
{
	for my $what (sort keys %action)
	{
		my @people = some(20);
		try_at($where, $what, sub { invite_all($node, @people) }, sub { all_arrived($where eq 'record' && $what eq 'SIGKILL', @people) });
	}
}

# ---- hand-over: the courier ends, or stands still, with messages in its hands

for my $signal (qw(KILL STOP))
{
	my @people = some(20);
	my ($began, $before) = (time, scalar sms_recipients($gateway));

	set_rules($gateway, http => { rules => [ { replies => ['hang'] } ] });
	invite_all($node, @people);
	my $struck = comes_true(sub { sms_recipients($gateway) > $before });
	my $courier = courier_pid($node) || BAIL_OUT('there is no courier');
	set_rules($gateway, http => {});
	kill $signal, $courier;
	my $done = comes_true(sub { all_arrived(1, @people) });
	account_for("hand-over, SIG$signal", $began, $struck, $done, comes_true(sub { courier_pid($node) != $courier }));
}

# ---- look: each invitation expires

for my $what (sort keys %action)
{
	my $group = invite_all($node, some(20));
	all_are($node, 'sent', "20 are sent before $what");
	try_at('look', $what,
		sub {
			query("UPDATE group_api_private.invitations SET expires_at = now() WHERE group_id = '$group';
				UPDATE group_api_private.groups SET next_deadline = now() WHERE id = '$group'");
			query('SELECT pg_terminate_backend(pid) FROM group_api_private.dispatcher_state()');
		},
		sub { query("SELECT count(*) FROM group_api_private.invitations WHERE group_id = '$group' AND response = 'expired'") == 20 });
}

# ---- trim: what is old goes, what is new stays

for my $what (sort keys %action)
{
	my $group = query('SELECT max(group_id::text) FROM group_api_private.invitations');
	query("INSERT INTO group_api_private.attempts (group_id, member, attempt, outcome, started_at, elapsed)
		SELECT '$group', n, 1, 'accepted', now() - interval '2 days', '0' FROM generate_series(1, 100) n;
		INSERT INTO group_api_private.attempts (group_id, member, attempt, outcome, started_at, elapsed)
		VALUES ('$group', 777, 1, 'accepted', now(), '0')");
	# The history is trimmed once an hour, and after a start, while there is work.
	try_at('trim', $what, sub { $node->restart; invite_all($node, some(1)) },
		sub {
			invite($node, some(1));
			# The row at which an error struck is left alone until the next hour, and named.
			query("SELECT count(*) FILTER (WHERE started_at < now() - interval '1 day' AND NOT EXISTS (SELECT FROM group_api.set_aside s
					WHERE s.\"group\" = group_id AND s.member = a.member AND s.step = 'trim'))
				|| ' ' || count(*) FILTER (WHERE member = 777) FROM group_api_private.attempts a") eq '0 1';
		});
	query('DELETE FROM group_api_private.attempts');
}

# ---- poll: the provider is asked about each message

add_twilio($node, $gateway->{http}, poll => 'true', prefixes => '+999');
for my $what (sort keys %action)
{
	try_at('poll', $what,
		sub {
			query("INSERT INTO group_api_private.polls (group_id, number, link_version, server, message_id, next_at)
				SELECT group_id, number, link_version, 'twilio', 'm$what' || row_number() OVER (), now()
				  FROM (SELECT * FROM group_api_private.invitations WHERE response = 'pending' AND delivery = 'sent'
				         ORDER BY group_id, number LIMIT 10) i
				ON CONFLICT DO NOTHING");
			query('SELECT pg_terminate_backend(pid) FROM group_api_private.dispatcher_state()');
		},
		sub { my %asked = map { ($_->{path} // '') =~ m{Messages/m$what(\d+)} ? ($1 => 1) : () } read_log($gateway); keys %asked == 10 });
	query('DELETE FROM group_api_private.polls');
}

figure(18, $consistent == $tried && $tried >= 20, '%d of %d faults end consistently', $consistent, $tried);
$node->stop('immediate');
done_testing();
