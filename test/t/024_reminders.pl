# Reminders: whom they are for, when the setting changes, and what becomes of those
# that are not sent.
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
group_api.inviter_recipient_daily_cap = 0
group_api.invitation_expiry = '10 d'");
my $servers = start_script_server(http => {});
my $next = 0;

add_sms($node, $servers->{http});

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub state_of { return sql("SELECT delivery, response FROM group_api_private.invitations WHERE group_id = '$_[0]' AND number = 2"); }
sub wake { return invite($node, sa_number(++$next)); }
sub copies_of { my ($number) = @_; return scalar grep { $_ eq $number } sms_recipients($servers); }
sub deadline_of { return sql("SELECT round(extract(epoch FROM next_deadline - now()) / 3600) FROM group_api_private.groups WHERE id = '$_[0]'"); }

sub set_reminder
{
	sql("ALTER SYSTEM SET group_api.reminder_before = '$_[0]'");
	$node->reload;
	return;
}

sub reaches
{
	my ($group, $state, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll_until(sub { state_of($group) eq $state }, $what, 10);
}

# As if it were sent long ago: its reminder is due.
sub age
{
	my ($group) = @_;
	sql("UPDATE group_api_private.invitations SET expires_at = now() + interval '20 h' WHERE group_id = '$group'");
	sql("UPDATE group_api_private.groups SET next_deadline = now() WHERE id = '$group'");
	$node->reload;
	return wake();
}

# ---- the setting changes

my $far = invite($node, sa_number(++$next));
my $locked = invite($node, sa_number(++$next));
reaches($far, 'sent|pending', 'an invitation is sent');
is(deadline_of($far), '240', 'without reminders it is looked at when it expires');
my $holder = psql_in_background($node, "BEGIN; SELECT FROM group_api_private.groups WHERE id = '$locked' FOR UPDATE;");
set_reminder('1 d');
poll_until(sub { deadline_of($far) <= 216 }, 'with the setting it is looked at in time for its reminder', 10);
reaches(wake(), 'sent|pending', 'a group somebody holds locked keeps nobody waiting');
$holder->{finish}->();
my $version = sql("SELECT xmin FROM group_api_private.groups WHERE id = '$far'");
my $old = dispatcher($node)->{pid};
kill 'TERM', $old;
wait_for_dispatcher($node, 'the dispatcher starts again', not => $old);
reaches(wake(), 'sent|pending', 'and works');
is(sql("SELECT xmin FROM group_api_private.groups WHERE id = '$far'"), $version, 'an unchanged setting moves no group');

# ---- many groups follow it

sql("INSERT INTO group_api_private.groups (id, contract, name, created_by, created_at, next_deadline)
	SELECT gen_random_uuid(), 'A', 'many', 0, now(), now() + interval '9 d' FROM generate_series(1, 12000)");
set_reminder('2 d');
poll_until(sub { sql("SELECT count(*) FROM group_api_private.groups WHERE name = 'many' AND next_deadline < now() + interval '8.5 d'") eq '12000' },
	'all of many groups follow the setting');
cmp_ok(sql("SELECT count(DISTINCT xmin::text) FROM group_api_private.groups WHERE name = 'many'"), '>=', 3, 'some at a time');
reaches(wake(), 'sent|pending', 'and others are sent');
poll_until(sub { sql("SELECT reminder_before FROM group_api_private.installation") eq 2 * 24 * 60 }, 'that is remembered');
sql("DELETE FROM group_api_private.groups WHERE name = 'many'");
set_reminder('1 d');

# ---- who is suppressed meanwhile

my $number = sa_number(++$next);
my $group = invite($node, $number);
reaches($group, 'sent|pending', 'an invitation is sent');
sql("SELECT group_api.suppress('$number')");
age($group);
poll_until(sub { deadline_of($group) >= 19 }, 'its group is looked at', 10);
is(state_of($group), 'sent|pending', 'who is suppressed gets no reminder, and has got the invitation');

# ---- reminders that are not sent in time

$number = sa_number(++$next);
$group = invite($node, $number);
reaches($group, 'sent|pending', 'an invitation is sent');
sql("SELECT group_api.pause('sms')");
age($group);
reaches($group, 'queued|pending', 'its reminder waits');
sql("UPDATE group_api_private.invitations SET expires_at = now() WHERE group_id = '$group'");
sql("UPDATE group_api_private.groups SET next_deadline = now() WHERE id = '$group'");
$node->reload;
poll_until(sub { state_of($group) =~ /expired/ }, 'and expires', 10);
is(state_of($group), 'sent|expired', 'an invitation without its reminder was sent all the same');
sql("SELECT group_api.resume('sms')");
is(sql("SELECT group_api.retry_failed('$group')"), '0', 'so that it is not tried again');

# ---- longer than an invitation lives

set_reminder('20 d');
sql("DO \$\$ BEGIN FOR i IN 1..150 LOOP PERFORM group_api.create_group(" . group_body({ name => 'Short' }, sa_number(++$next)) . "); END LOOP; END \$\$");
poll_until(sub { sql("SELECT count(*) FROM group_api_private.groups g WHERE name = 'Short' AND next_deadline > now()") == 150 },
	'all groups are looked at', 20);
sql("SELECT group_api.wait_until_idle()");
is(copies_of(sa_number($next)), 150, 'nobody is reminded of what was sent a moment ago');

# ---- with nobody to send

sql("SELECT group_api.pause('sms')");
poll_until(sub { sql("SELECT state FROM group_api.providers") eq 'paused' }, 'the only provider is paused');
$group = wake();
poll_until(sub { deadline_of($group) == 240 }, 'groups are looked at while no provider may send', 10);

done_testing();
