# Rows that nobody foresaw, written or deleted by hand, neither stop the
# dispatcher nor hold up the others.
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
group_api.max_in_flight = 16
group_api.max_attempts = 3");
my $gateway = start_script_server(http => {}, smtp => {});
my $next = 0;

add_sms($node, $gateway->{http}, max_connections => 4);
add_mail($node, $gateway->{smtp}, max_connections => 4);
invite($node, sa_number(++$next));
all_are($node, 'sent', 'all is well');
my $pid = dispatcher($node)->{pid};

sub others_are_sent
{
	my ($what) = @_;
	my @numbers = map { sa_number(++$next) } 1 .. 40;
	my $mail = mail_address(++$next);
	my %wanted = map { $_ => 1 } @numbers;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	invite($node, @numbers, $mail);
	poll_until(sub { 40 == grep { $wanted{$_} } sms_recipients($gateway) and grep { $_ eq $mail } mail_recipients($gateway) }, $what, 10);
	is(dispatcher($node)->{pid}, $pid, 'by the same dispatcher');
	return;
}

sub insert_by_hand
{
	my ($number, $columns, $values) = @_;
	$node->safe_psql('postgres', "WITH g AS (SELECT id FROM group_api_private.groups ORDER BY id LIMIT 1),
		m AS (INSERT INTO group_api_private.members (group_id, number, name) SELECT id, $number, 'Odd' FROM g)
		INSERT INTO group_api_private.invitations (group_id, number, channel, delivery, $columns)
		SELECT id, $number, $values FROM g");
	return;
}

sub odd { return $node->safe_psql('postgres', "SELECT delivery, reason FROM group_api_private.invitations WHERE number = $_[0]"); }

# ---- a group that is deleted

$node->safe_psql('postgres', "SELECT group_api.pause('sms')");
my $doomed = invite($node, map { sa_number(++$next) } 1 .. 20);
$node->safe_psql('postgres', "DELETE FROM group_api_private.groups WHERE id = '$doomed'");
my $before = sms_recipients($gateway);
$node->safe_psql('postgres', "SELECT group_api.resume('sms')");
others_are_sent('a group that is deleted while it waits stops nothing');
is(scalar(sms_recipients($gateway)), $before + 40, 'nothing of it is sent');
set_rules($gateway, http => { rules => [ { replies => [ { delay => 1 } ] } ] }, smtp => {});
my @under_way = map { sa_number(9_910_000 + $_) } 1 .. 4;
$doomed = invite($node, @under_way);
poll_until(sub { grep { $_ eq $under_way[0] } sms_recipients($gateway) }, 'a group is under way');
$node->safe_psql('postgres', "DELETE FROM group_api_private.groups WHERE id = '$doomed'");
set_rules($gateway, http => {}, smtp => {});
others_are_sent('a group that is deleted while it is under way stops nothing');
poll_until(sub { !$node->safe_psql('postgres', "SELECT count(*) FROM group_api_private.invitations WHERE due IS NOT NULL") }, 'nothing is left in the queue');
is($node->safe_psql('postgres', "SELECT count(*) FROM group_api_private.attempts WHERE group_id = '$doomed'"), '0',
	'of a group that is gone no history is kept');

# ---- invitations without a member

$node->safe_psql('postgres', "SELECT group_api.pause('sms')");
my $orphaned = invite($node, map { sa_number(++$next) } 1 .. 50);
$node->safe_psql('postgres', "DELETE FROM group_api_private.members WHERE group_id = '$orphaned' AND number > 1");
$node->safe_psql('postgres', "SELECT group_api.resume('sms')");
others_are_sent('fifty invitations without a member, first in the queue, stop nothing');
is($node->safe_psql('postgres', "SELECT DISTINCT delivery, reason FROM group_api_private.invitations WHERE group_id = '$orphaned' AND contact IS NOT NULL"),
	'failed|the group or its member was deleted', 'they have failed, with the reason');
$node->safe_psql('postgres', "DELETE FROM group_api_private.groups WHERE id = '$orphaned'");

# ---- values no caller could write

insert_by_hand(1001, 'due, contact', "'EMAIL', 'queued', now(), E'a\@example.com\\r\\nBcc: b\@example.com'");
insert_by_hand(1002, 'due, contact', "'EMAIL', 'queued', now(), repeat('x', 100000) || '\@example.com'");
insert_by_hand(1003, 'due, contact', "'EMAIL', 'queued', now(), ''");
insert_by_hand(1004, 'due, contact', "'MOBILE', 'queued', now(), E'+27\\n'");
insert_by_hand(1005, 'due, contact, attempts', "'MOBILE', 'queued', now(), '+27820000005', 32767");
insert_by_hand(1006, 'due, contact', "'MOBILE', 'queued', '-infinity', '+27830000006'");
insert_by_hand(1007, 'due, contact, expires_at', "'MOBILE', 'queued', now(), '+27830000007', 'infinity'");
insert_by_hand(1008, 'due, contact, expires_at', "'MOBILE', 'queued', now(), '+27830000008', '-infinity'");
others_are_sent('odd contacts stop nothing');
for my $case ([ 1001, 'a line break in an address' ], [ 1002, 'an address of 100 kB' ], [ 1003, 'an empty address' ],
	[ 1004, 'a line break in a number' ], [ 1008, 'what expired in the beginning of time' ])
{
	poll_until(sub { odd($case->[0]) =~ /^failed\|./ }, "$case->[1] has failed, with a reason", 10) or diag(odd($case->[0]));
}
poll_until(sub { odd(1006) =~ /^sent/ }, 'what is due since the beginning of time is sent', 5);
poll_until(sub { odd(1007) =~ /^sent/ }, 'what never expires is sent', 5);
poll_until(sub { odd(1005) =~ /^failed/ }, 'what was tried 32767 times has failed', 5) or diag(odd(1005));
is(scalar(grep { /Bcc/ } map { $_->{data} =~ /^Bcc: b@/m ? 'Bcc' : () } read_log($gateway, 'message')), 0, 'no line was smuggled into a mail');
is(scalar(grep { $_ eq 'b@example.com' } mail_recipients($gateway)), 0, 'nor a recipient');

# ---- and then it is quiet

$node->safe_psql('postgres', "DELETE FROM group_api_private.invitations WHERE number > 1000");
my ($turns, $since) = (0, time);
poll_until(sub {
	my $now = dispatcher($node)->{turns};
	($turns, $since) = ($now, time) if $now != $turns;
	return time - $since > 3;
}, 'when all is done the dispatcher sleeps', 20);
is_deeply([ grep { /ERROR:|FATAL:|PANIC:/ } split /\n/, slurp_file($node->logfile) ], [], 'there was no error in the log');

$node->stop;
done_testing();
