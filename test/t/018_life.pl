# What the dispatcher does with invitations as time passes: it ends what is past
# its expiry, reminds, keeps to the daily caps, and skips who is suppressed.
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
group_api.retry_base = 1
group_api.invitation_cooldown = 0
group_api.recipient_daily_cap = 2");
my $servers = start_script_server(http => {}, smtp => {});
my $next = 0;

add_sms($node, $servers->{http});
add_mail($node, $servers->{smtp});

sub sql { return $node->safe_psql('postgres', $_[0]); }

sub state_of
{
	my ($group, $number) = @_;
	return sql("SELECT delivery, response FROM group_api_private.invitations
		WHERE group_id = '$group' AND number = " . ($number // 2));
}

sub reaches
{
	my ($group, $state, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll_until(sub { state_of($group) eq $state }, $what, 10);
}

# Moves a group's expiry; the next commit makes the dispatcher look.
sub expire_in
{
	my ($group, $seconds, $ahead) = @_;
	sql("UPDATE group_api_private.invitations SET expires_at = clock_timestamp() + interval '$seconds s'
		WHERE group_id = '$group'");
	sql("UPDATE group_api_private.groups SET next_deadline = clock_timestamp() + interval '$seconds s'
			- interval '" . ($ahead // 0) . " s' WHERE id = '$group'");
	return;
}

sub wake { return invite($node, sa_number(++$next)); }

sub copies_of
{
	my ($number) = @_;
	return scalar grep { $_ eq $number } sms_recipients($servers);
}

# ---- expiry

my $sent = invite($node, sa_number(++$next));
reaches($sent, 'sent|pending', 'an invitation is sent');
expire_in($sent, 1);
wake();
reaches($sent, 'sent|expired', 'and expires by itself when nobody answers');
is(sql("SELECT next_deadline IS NULL FROM group_api_private.groups WHERE id = '$sent'"), 't',
	'its group is not looked at again');

sql("SELECT group_api.pause('sms')");
my $unsent = invite($node, sa_number(++$next));
expire_in($unsent, 1);
wake();
reaches($unsent, 'failed|expired', 'what could not be sent in time fails');
is(sql("SELECT reason FROM group_api_private.invitations WHERE group_id = '$unsent' AND number = 2"),
	'expired before it could be sent', 'and says why');
sql("SELECT group_api.resume('sms')");

my $held = invite($node, { sendInvitations => JSON::PP::false() }, sa_number(++$next));
is(sql("SELECT expires_at IS NULL FROM group_api_private.invitations WHERE group_id = '$held' AND number = 2"), 't',
	'what is held back does not expire');
is(sql("SELECT next_deadline IS NULL FROM group_api_private.groups WHERE id = '$held'"), 't',
	'nor is it looked at');
sql("SELECT group_api.send_invitations('$held')");
reaches($held, 'sent|pending', 'once released it is sent');
is(sql("SELECT next_deadline BETWEEN now() + interval '6 days' AND now() + interval '8 days'
	FROM group_api_private.groups WHERE id = '$held'"), 't', 'and expires from then on');

# A caller holds one of the rows: the others expire, that one a little later.
my $two = invite($node, sa_number(++$next), sa_number(++$next));
poll_until(sub { state_of($two, 2) eq 'sent|pending' and state_of($two, 3) eq 'sent|pending' }, 'two are sent');
sql("UPDATE group_api_private.invitations SET expires_at = clock_timestamp() WHERE group_id = '$two'");
my $holder = psql_in_background($node,
	"BEGIN; SELECT FROM group_api_private.invitations WHERE group_id = '$two' AND number = 2 FOR UPDATE;");
sql("UPDATE group_api_private.groups SET next_deadline = clock_timestamp() WHERE id = '$two'");
wake();
poll_until(sub { state_of($two, 3) eq 'sent|expired' }, 'a locked invitation does not keep its neighbours from expiring', 10);
is(state_of($two, 2), 'sent|pending', 'it is left alone itself');
$holder->{finish}->();
poll_until(sub { state_of($two, 2) eq 'sent|expired' }, 'until it is free', 20);

# ---- reminders

my $number = sa_number(++$next);
my $reminded = invite($node, $number);
reaches($reminded, 'sent|pending', 'an invitation waits for its answer');
expire_in($reminded, 3600, 0);
wake();
is(copies_of($number), 1, 'without the setting there is no reminder');
sql("ALTER SYSTEM SET group_api.reminder_before = '2 h'");
$node->reload;
poll_until(sub { copies_of($number) == 2 }, 'the setting reminds those who are near their expiry');
reaches($reminded, 'sent|pending', 'a reminded invitation is sent again');
is(sql("SELECT link_version, reminders FROM group_api_private.invitations WHERE group_id = '$reminded' AND number = 2"),
	'1|1', 'under the same link');
wake();
sql("SELECT group_api.wait_until_idle()");
is(copies_of($number), 2, 'one reminder is all');
sql("ALTER SYSTEM RESET group_api.reminder_before");
$node->reload;
expire_in($reminded, 0);
wake();
reaches($reminded, 'sent|expired', 'in the end it expires all the same');

# ---- caps

keep_clear_of_midnight();
my $popular = sa_number(++$next);
my @groups = map { invite($node, $popular) } 1 .. 3;
poll_until(sub { 2 == grep { state_of($_) eq 'sent|pending' } @groups }, 'a contact gets two invitations a day');
my ($later) = grep { state_of($_) ne 'sent|pending' } @groups;
reaches($later, 'queued|pending', 'the third waits');
is(sql("SELECT due = date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '1 day'
	FROM group_api_private.invitations WHERE group_id = '$later' AND number = 2"), 't', 'for the next day');
like(sql("SELECT group_api.get_group('$later') #>> '{group,members,1,delivery,reason}'"),
	qr/^later: this contact has had as many invitations today/, 'and says so');
is(sql("SELECT attempts FROM group_api_private.invitations WHERE group_id = '$later' AND number = 2"), '0',
	'that was no try');
sql("UPDATE group_api_private.sends SET at = at - interval '1 day'");
sql("UPDATE group_api_private.invitations SET due = now() WHERE group_id = '$later' AND number = 2");
wake();
reaches($later, 'sent|pending', 'the next day it is sent');
is(copies_of($popular), 3, 'and none is lost');

sql("ALTER SYSTEM SET group_api.recipient_daily_cap = 0");
sql("ALTER SYSTEM SET group_api.inviter_daily_cap = 5");
$node->reload;
my $large = invite($node, map { sa_number(++$next) } 1 .. 8);
poll_until(sub { sql("SELECT count(*) FROM group_api_private.invitations WHERE group_id = '$large' AND delivery = 'sent'") == 5 },
	'the groups of a leader send five a day');
poll_until(sub { sql("SELECT count(*) FROM group_api_private.invitations WHERE group_id = '$large'
	AND delivery = 'queued' AND due > now() AND reason LIKE 'later: the leader%'") == 3 }, 'the others wait');
sql("ALTER SYSTEM RESET group_api.inviter_daily_cap");
$node->reload;

# ---- revoked while it is under way

set_rules($servers, http => { rules => [ { replies => [ { hold => 1, status => 503 } ] } ] }, smtp => {});
my $under_way = invite($node, sa_number(++$next));
poll_until(sub { grep { $_ eq sa_number($next) } sms_recipients($servers) }, 'an invitation is under way');
sql("SELECT group_api.revoke_invitation('$under_way', 2)");
is(state_of($under_way), 'sending|revoked', 'revoking does not wait for the provider');
set_rules($servers, http => {}, smtp => {});
reaches($under_way, 'canceled|revoked', 'what fails for now after that is not tried again');
is(sql("SELECT count(*) FROM group_api_private.invitations WHERE due IS NOT NULL AND response <> 'pending'"), '0',
	'nothing lingers in the queue');

# ---- ended while it is under way, and then a crash

set_rules($servers, http => { rules => [ { replies => ['hang'] } ] }, smtp => {});
my %ended = map { $_ => invite($node, sa_number(++$next)) } qw(revoked expired pending);
poll_until(sub { keys %{ { map { $_ => 1 } grep { $_ gt sa_number($next - 3) } sms_recipients($servers) } } == 3 }, 'three invitations are under way');
sql("SELECT group_api.revoke_invitation('$ended{revoked}', 2)");
sql("UPDATE group_api_private.invitations SET expires_at = now() WHERE group_id = '$ended{expired}'");
sql("UPDATE group_api_private.groups SET next_deadline = now() WHERE id = '$ended{expired}'");
$node->reload;
reaches($ended{$_}, "sending|$_", "one is $_ meanwhile") for sort keys %ended;
$node->stop('immediate');
set_rules($servers, http => {}, smtp => {});
$node->start;
reaches($ended{pending}, 'sent|pending', 'after a crash of the server what is open is sent again');
reaches($ended{$_}, "uncertain|$_", "what was $_ is not: whether it arrived is not known") for qw(revoked expired);
is(sql("SELECT count(*) FROM group_api_private.invitations WHERE due IS NOT NULL AND response <> 'pending'"), '0', 'and neither lingers in the queue');

# ---- a contact that an operator is just about to suppress

my $dead = mail_address(++$next);
set_rules($servers, http => {}, smtp => { rules => [ { at => 'rcpt', match => $dead, replies => ['550 5.1.1 no such user'] } ] });
$holder = psql_in_background($node, "BEGIN; SELECT group_api.suppress('$dead');");
my $refused = invite($node, $dead);
reaches($refused, 'failed|pending', 'a mailbox that is gone is recorded while somebody is about to suppress it');
$under_way = invite($node, sa_number(++$next));
reaches($under_way, 'sent|pending', 'and nobody waits for them', 5);
$holder->{say}->('COMMIT;');
$holder->{finish}->();
is(state_of(invite($node, $dead)), 'suppressed|pending', 'the contact is suppressed');
$dead = mail_address(++$next);
set_rules($servers, http => {}, smtp => { rules => [ { at => 'rcpt', match => $dead, replies => ['550 5.1.1 no such user'] } ] });
reaches(invite($node, $dead), 'failed|pending', 'another mailbox that is gone');
poll_until(sub { sql("SELECT count(*) FROM group_api.suppressions WHERE reason = 'bounced'") }, 'is suppressed by its bounce');

done_testing();
