# What callers do to groups and invitations at the same time as each other and as
# the dispatcher: nothing deadlocks, and nothing is queued for a group that ended.
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
group_api.resend_cooldown = 0");
my $servers = start_script_server(http => {});
my $next = 0;

add_sms($node, $servers->{http});

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub state_of { return sql("SELECT delivery, response FROM group_api_private.invitations WHERE group_id = '$_[0]' AND number = 2"); }
sub held_group { return invite($node, { sendInvitations => JSON::PP::false() }, sa_number(++$next)); }

sub reaches
{
	my ($group, $state, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll_until(sub { state_of($group) eq $state }, $what, 10);
}

# Starts a session and waits until it waits for a lock.
my $waiting = 0;

sub start_waiting
{
	my ($command) = @_;
	my ($in, $out, $error) = ("$command;\n\\q\n", '', '');
	my $run = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ],
		'<', \$in, '>', \$out, '2>', \$error, IPC::Run::timeout(5 * $GroupApiTest::PATIENCE));

	++$waiting;
	poll_until(sub { $run->pump_nb; sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") >= $waiting },
		"$waiting wait");
	return sub { eval { $run->finish }; --$waiting; return $error; };
}

# Both want the group while somebody has it; then both go on.
sub both
{
	my ($group, $first, $second, $refusal, $what) = @_;
	my $holder = psql_in_background($node,
		"BEGIN; SELECT FROM group_api_private.groups WHERE id = '$group' FOR UPDATE;");
	my @ends = map { start_waiting($_) } $first, $second;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$holder->{finish}->();
	like(join('', map { $_->() } @ends), $refusal, $what);
	return;
}

my $group = held_group();
both($group, "SELECT group_api.archive_group('$group')", "SELECT group_api.send_invitations('$group')",
	qr/^ERROR:  the group is archived\n.*\n\z/,
	'archiving a group and releasing its invitations do not deadlock');
is(state_of($group), 'canceled|revoked', 'what is archived first is not sent');

$group = held_group();
both($group, "SELECT group_api.archive_group('$group')", "SELECT group_api.resend_invitation('$group', 2)",
	qr/^ERROR:  the group is archived\n.*\n\z/,
	'archiving a group and resending an invitation do not deadlock');
is(state_of($group), 'canceled|revoked', 'nothing of an archived group is resent');

$group = held_group();
sql("UPDATE group_api_private.invitations SET delivery = 'failed' WHERE group_id = '$group' AND number = 2");
both($group, "SELECT group_api.archive_group('$group')", "SELECT group_api.retry_failed()", qr/^\z/,
	'archiving a group and retrying what failed do not deadlock');
is(state_of($group), 'failed|revoked', 'what failed in an archived group is not tried again');

$group = held_group();
both($group, "SELECT group_api.delete_group('$group')", "SELECT group_api.resend_invitation('$group', 2)",
	qr/^ERROR:  there is no such group\n.*\n\z/,
	'deleting a group and resending an invitation do not deadlock');
is(sql("SELECT count(*) FROM group_api_private.invitations WHERE group_id = '$group'"), '0', 'what is deleted is gone');

# A receipt holds the invitation and then takes what is asked about it.
$group = invite($node, sa_number(++$next));
reaches($group, 'sent|pending', 'an invitation is sent');
sql("INSERT INTO group_api_private.polls VALUES ('$group', 2, 1, 0, now() + interval '1 h', 'sms', 'SM1')");
my $receipt = psql_in_background($node,
	"BEGIN; SELECT FROM group_api_private.invitations WHERE group_id = '$group' AND number = 2 FOR NO KEY UPDATE;");
my $delete = start_waiting("SELECT group_api.delete_group('$group')");
my $answer = $receipt->{say}->("DELETE FROM group_api_private.polls WHERE group_id = '$group' RETURNING message_id;");
like($answer, qr/SM1/, 'a receipt is not kept waiting by whoever deletes the group');
$receipt->{finish}->();
is($delete->(), '', 'deleting a group and moving its deliveries do not deadlock');

# ---- the first entry of a list, not yet committed

sql("ALTER SYSTEM SET group_api.recipient_daily_cap = 1000");
$node->reload;
$receipt = psql_in_background($node, "BEGIN; SELECT group_api.suppress('+27829999999');");
reaches(invite($node, sa_number(++$next)), 'sent|pending', 'the first entry of a list, uncommitted, keeps no message waiting');
$receipt->{finish}->();

# ---- revoked and out of time at once

set_rules($servers, http => { rules => [ { replies => [ { hold => 1, status => 503 } ] } ] });
my $is_asked = sub { scalar grep { $_ eq sa_number($next) } sms_recipients($servers) };
# It must leave before its time is up: a slow machine needs more of it.
for my $seconds (2, 10, 60)
{
	sql("SELECT group_api.pause('sms')");
	$group = invite($node, sa_number(++$next));
	sql("UPDATE group_api_private.invitations SET expires_at = clock_timestamp() + interval '$seconds s' WHERE group_id = '$group'");
	sql("SELECT group_api.resume('sms')");
	poll_until(sub { $is_asked->() || state_of($group) =~ /^failed/ }, 'an invitation leaves, or is too late');
	last if $is_asked->();
}
sql("SELECT group_api.revoke_invitation('$group', 2)");
poll_until(sub { sql("SELECT expires_at < clock_timestamp() FROM group_api_private.invitations WHERE group_id = '$group' AND number = 2") eq 't' },
	'the time of one that is under way is up');
set_rules($servers, http => {});
poll_until(sub { state_of($group) !~ /sending/ }, 'its provider wants it later', 10);
is(state_of($group), 'failed|revoked', 'what was revoked stays so, although its time is up');
is(sql("SELECT group_api.retry_failed('$group')"), '0', 'and is not tried again');
done_testing();
