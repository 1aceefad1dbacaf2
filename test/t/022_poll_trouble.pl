# The dispatcher asks a provider how its messages fare: no answer, lock or odd row
# stops it, keeps it busy, or keeps invitations from being sent.
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
my $gateway = start_script_server(http => {});
my $next = 0;
my $sid = 0;

# What the gateway says of new messages, and of those it is asked about.
sub answers
{
	my ($status) = @_;
	set_rules($gateway, http => { rules => [
		{ match => '^GET ', count => 'rule', replies => [ { status => 200, body => { status => $status } } ] },
		{ match => '^POST ', count => 'rule', replies => [ { status => 201, body => { sid => 'SM' . ++$sid } } ] } ] });
	return;
}

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub state_of { return sql("SELECT delivery, response FROM group_api_private.invitations WHERE group_id = '$_[0]' AND number = 2"); }
sub questions { return scalar grep { $_->{method} eq 'GET' } read_log($gateway, 'request'); }
sub turns { return dispatcher($node)->{turns}; }

sub reaches
{
	my ($group, $state, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll_until(sub { state_of($group) eq $state }, $what, 10);
}

# The next commit makes the dispatcher look.
sub ask_now
{
	sql("UPDATE group_api_private.polls SET next_at = now() - interval '1 s'");
	return invite($node, sa_number(++$next));
}

answers('sent');
add_twilio($node, $gateway->{http}, poll => 'true');

# ---- a row of polls that somebody holds

my $held = invite($node, sa_number(++$next));
reaches($held, 'sent|pending', 'a message is sent');
sql("UPDATE group_api_private.polls SET next_at = now() - interval '1 s'");
my $holder = psql_in_background($node, "BEGIN; SELECT FROM group_api_private.polls FOR UPDATE;");
my $other = invite($node, sa_number(++$next));
reaches($other, 'sent|pending', 'another goes out while its question cannot be taken');
my $before = turns();
my $end = time + 2;
poll_until(sub { time > $end }, 'two seconds pass');
cmp_ok(turns() - $before, '<', 50, 'a question somebody holds locked does not keep the dispatcher busy');
$holder->{finish}->();

# ---- an invitation that somebody holds

answers('delivered');
$holder = psql_in_background($node, "BEGIN; SELECT FROM group_api_private.invitations WHERE group_id = '$held' FOR UPDATE;");
my $asked = questions();
ask_now();
poll_until(sub { questions() > $asked }, 'it is asked about');
$end = time + 1;
poll_until(sub { time > $end }, 'a second passes');
my $behind = invite($node, sa_number(++$next));
reaches($behind, 'sent|pending', 'an answer about an invitation somebody holds locked stops nobody');
$holder->{finish}->();
ask_now();
reaches($held, 'delivered|pending', 'in the end it is delivered');

# ---- a counter that somebody holds

answers('delivered');
$holder = psql_in_background($node, "BEGIN; INSERT INTO group_api_private.receipt_counts (day, server, result, receipts)
	SELECT (now() AT TIME ZONE 'UTC')::date, 'twilio', result, 1 FROM unnest('{moved,known,stale,replayed}'::text[]) AS result;
	SELECT FROM group_api_private.receipt_counts FOR UPDATE;");
$asked = questions();
ask_now();
poll_until(sub { questions() > $asked }, 'others are asked about');
$behind = invite($node, sa_number(++$next));
reaches($behind, 'sent|pending', 'a counter somebody holds locked stops nobody either');
$holder->{finish}->();

# ---- the same answer about another message

sql("UPDATE group_api_private.invitations SET delivery = 'failed', reason = 'by hand' WHERE group_id = '$held' AND number = 2");
answers('delivered');
sql("SELECT group_api.retry_failed('$held')");
reaches($held, 'sent|pending', 'an invitation is tried again');
ask_now();
reaches($held, 'delivered|pending', 'the same answer about its new message counts as well');

# ---- many questions

set_rules($gateway, http => { rules => [
	{ match => '^GET ', count => 'rule', replies => [ { status => 200, delay => 1, body => { status => 'sent' } } ] },
	{ match => '^POST ', count => 'rule', replies => [ { status => 201, body => { sid => 'SMmany' } } ] } ] });
sql("INSERT INTO group_api_private.polls (group_id, number, link_version, next_at, server, message_id)
	SELECT gen_random_uuid(), 2, 1, now(), 'twilio', 'SMold' || n FROM generate_series(1, 2000) n");
$asked = questions();
invite($node, sa_number(++$next));
poll_until(sub { questions() > $asked + 20 }, 'there is a lot to ask');
reaches(invite($node, sa_number(++$next)), 'sent|pending', 'messages do not wait for all questions to be asked');
sql("DELETE FROM group_api_private.polls");

# ---- odd rows

answers('sent');
my $odd = invite($node, sa_number(++$next));
reaches($odd, 'sent|pending', 'a message is sent');
my $pid = dispatcher($node)->{pid};
sql("UPDATE group_api_private.polls SET tries = 32766 WHERE group_id = '$odd'");
ask_now();
poll_until(sub { sql("SELECT count(*) FROM group_api_private.polls WHERE group_id = '$odd'") eq '0' },
	'a question that was asked often enough is given up', 10);
is(dispatcher($node)->{pid}, $pid, 'and the dispatcher lives');

done_testing();
