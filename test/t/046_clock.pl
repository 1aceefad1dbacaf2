# The wall clock is set by an hour, back and forward: waits are waits all the same.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use Test::More;
use Time::HiRes qw(time);

keep_clear_of_midnight();
my %clock = settable_clock();
my $node;
{
	local @ENV{ keys %clock } = values %clock;
	$node = new_node('main', conf => "
group_api.recipient_daily_cap = 0
group_api.retry_base = 8
group_api.retry_cap = 8
group_api.dispatcher_idle_timeout = -1");
}

sub query { return $node->safe_psql('postgres', $_[0]); }
sub count_of { return query("SELECT count(*) FROM group_api.deliveries WHERE group_id = '$_[0]' AND delivery = '$_[1]'"); }
sub provider { return query("SELECT $_[1] FROM group_api.providers WHERE server = '$_[0]'"); }


sub stop_and_start
{
	my ($between) = @_;
	local @ENV{ keys %clock } = values %clock;
	$node->stop;
	$between->();
	$node->start;
	return;
}

sub busy_for
{
	my ($seconds, $times) = @_;
	return [ { count => 'rule', replies => [ ({ status => 429, headers => { 'Retry-After' => $seconds } }) x ($times // 1),
		{ status => 200, body => {} } ] } ];
}

my $gateway = start_script_server(http => { rules => busy_for(12) });
my $number = 0;

# One invitation by the gateway, which says that it is to be left alone.
sub invite_while_busy
{
	my ($seconds, $times) = @_;
	set_rules($gateway, http => { rules => busy_for($seconds, $times) });
	my $group = invite($node, sa_number(++$number));
	poll_until(sub { provider('sms', 'state') eq 'resting' }, "a gateway rests for $seconds s", 60);
	return $group;
}

# Those below must not be answered by what an hour brings about.
my $hour = 3600;

# ---- a rest ------------------------------------------------------------------------

add_sms($node, $gateway->{http});
my $group = invite_while_busy(12);
my $before = query('SELECT now()');
set_clock(-$hour);
is(query("SELECT now() < timestamptz '$before' - interval '50 min'"), 't', 'the clock is set back by an hour');
poll_until(sub { count_of($group, 'sent') == 1 }, 'the gateway is tried when its rest of seconds is over', 60);
my ($first, $second) = map { $_->{at} } read_log($gateway, 'request');
cmp_ok($second - $first, '>=', 12, 'and no earlier');
is(provider('sms', 'state'), 'ready', 'the view of providers says so');

$group = invite_while_busy(3000);
set_clock(0);
my $other = invite($node, sa_number(++$number));
poll_until(sub { provider('sms', "until > now() + interval '45 min' AND until < now() + interval '51 min'") eq 't' },
	'a clock set forward by an hour leaves a rest as long as it was', 60);
my $turns = dispatcher($node)->{turns};
$node->reload;
poll_until(sub { dispatcher($node)->{turns} > $turns }, 'the dispatcher looks again', 60);
is(provider('sms', 'state'), 'resting', 'the rest goes on');
is(count_of($group, 'sent') + count_of($other, 'sent'), 0, 'and nothing was sent');
like(query("SELECT fact FROM group_api.health() WHERE \"check\" = 'provider for MOBILE'"), qr/sms rests until/, 'health() says until when');
set_clock(-$hour);
$node->reload;
poll_until(sub { provider('sms', "until > now() + interval '45 min' AND until < now() + interval '51 min'") eq 't' },
	'set back it moves back', 60);
is(query("SELECT group_api.resume('sms')"), 't', 'resume() ends it');
poll_until(sub { count_of($group, 'sent') + count_of($other, 'sent') == 2 }, 'then all is sent', 60);
set_clock(0);

# ---- rows that wait for their next try ----------------------------------------------

my $relay = start_script_server(smtp => { rules => [ { at => 'rcpt', count => 'rule', replies => [ ('451 4.3.0 try later') x 2, '250 ok' ] } ] });
add_mail($node, $relay->{smtp});
$group = invite($node, mail_address(1));
poll_until(sub { query("SELECT count(*) FROM group_api_private.attempts WHERE group_id = '$group'") >= 1 }, 'a relay asks for another try', 60);
set_clock(-$hour);
poll_until(sub { count_of($group, 'sent') == 1 }, 'which comes, though the clock was set back', 60);


# ---- the token bucket ----------------------------------------------------------------

set_rules($gateway, http => { rules => [] });
query("ALTER SERVER sms OPTIONS (ADD rate '2')");
set_clock(0);
$group = invite($node, map { sa_number(++$number) } 1 .. 8);
poll_until(sub { count_of($group, 'sent') >= 2 }, 'a gateway with a rate takes the first', 60);
set_clock(-$hour);
poll_until(sub { count_of($group, 'sent') == 8 }, 'and the others, though the clock was set back', 60);
query("ALTER SERVER sms OPTIONS (DROP rate)");

# ---- a dispatcher that gave its process back -------------------------------------------

set_clock(0);
$node->append_conf('postgresql.conf', 'group_api.dispatcher_idle_timeout = 0');
$node->reload;
$group = invite_while_busy(15);
poll_until(sub { !defined dispatcher($node)->{pid} }, 'while its provider rests the dispatcher gives its process back', 60);
set_clock(-$hour);
poll_until(sub { count_of($group, 'sent') == 1 }, 'it is started when the rest is over, though the clock was set back', 60);
$node->append_conf('postgresql.conf', 'group_api.dispatcher_idle_timeout = -1');
$node->reload;

# ---- while the server is down ------------------------------------------------------------

set_clock(0);
wait_for_dispatcher($node, 'a dispatcher is there again');
$group = invite_while_busy(20);
set_rules($relay, smtp => { rules => [ { at => 'rcpt', count => 'rule', replies => [ '451 4.3.0 try later', '250 ok' ] } ] });
my $mail = invite($node, mail_address(2));
poll_until(sub { query("SELECT count(*) FROM group_api_private.attempts WHERE group_id = '$mail'") >= 1 }, 'a row waits for its next try', 60);
query("INSERT INTO group_api_private.polls VALUES ('$mail', 1, 1, 0, now() + interval '1 h', 'sms', 'x')");
query("INSERT INTO group_api_private.set_aside VALUES ('$mail', 99, 'poll', now(), now() + interval '1 h', 1, 'planted')");
query("UPDATE group_api_private.invitations SET due = changed_at + interval '9 s' WHERE group_id = '$mail' AND due IS NOT NULL");
stop_and_start(sub { set_clock(-$hour) });
poll_until(sub { count_of($mail, 'sent') == 1 }, 'set back while the server was down: the row is tried', 60);
poll_until(sub { count_of($group, 'sent') == 1 }, 'and the provider, when its rest is over', 60);
is(query("SELECT next_at <= now() + interval '1 min' FROM group_api_private.polls WHERE message_id = 'x'"), 't', 'no question waits longer than its turn');
is(query("SELECT until <= now() + interval '1 min' FROM group_api_private.set_aside WHERE number = 99"), 't', 'and no row is set aside for longer');

# ---- dates remain dates --------------------------------------------------------------------

set_clock(0);
query("SELECT group_api.pause('mail', 'wait')");
my $expiring = invite($node, mail_address(3));
query("UPDATE group_api_private.invitations SET expires_at = now() + interval '30 min' WHERE group_id = '$expiring'");
query("UPDATE group_api_private.groups SET next_deadline = now() + interval '30 min' WHERE id = '$expiring'");
set_clock($hour);
$node->reload;
poll_until(sub { count_of($expiring, 'failed') == 1 }, 'what expires by the calendar has expired an hour later', 60);
like($node->safe_psql('postgres', "SELECT reason FROM group_api.deliveries WHERE group_id = '$expiring'"), qr/expired/, 'and says so');
like(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/noticed that the clock was set back by 3600 s/, 'the log tells of it');
done_testing();
