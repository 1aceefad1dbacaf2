# One row at which a step of the dispatcher fails stops no other, and is named.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('bad', conf => "
wal_level = logical
group_api.retry_base = 1
group_api.attempts_retention = 1d");
my $sink = start_script_server(http => {});
my $next = 0;

sub query { return $node->safe_psql('postgres', $_[0]); }

add_sms($node, $sink->{http});
invite($node, sa_number(++$next));
all_are($node, 'sent', 'all is well');
my $pid = dispatcher($node)->{pid};

sub set_aside { return query(q{SELECT step || ': ' || member || ': ' || reason FROM group_api.set_aside ORDER BY 1}); }
sub errors { return query(q{SELECT fact FROM group_api.health() WHERE "check" = 'errors' AND NOT ok}); }

# The view and health() name the row, with the step and the reason.
sub is_named
{
	my ($step, $member, $reason) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$reason //= 'the auditor says no';
	poll_until(sub { set_aside() =~ /^\Q$step\E: $member: $reason/m }, "the row is set aside at the step $step, with the reason", 30)
	  or diag(set_aside());
	like(errors(), qr/member $member of group [0-9a-f-]+ at the step "\Q$step\E": $reason/, 'health() names the row');
	return;
}

# It fails at rows that hold for the condition, as an audit trigger would.
sub refuse
{
	my ($table, $event, $condition) = @_;
	my $row = $event eq 'DELETE' ? 'OLD' : 'NEW';

	query("CREATE OR REPLACE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
		'BEGIN IF $condition THEN RAISE EXCEPTION \$\$the auditor says no\$\$; END IF; RETURN NULL; END'");
	query("CREATE TRIGGER refuse AFTER $event ON group_api_private.$table FOR EACH ROW EXECUTE FUNCTION public.refuse()");
	return;
}

sub allow { query("DROP TRIGGER refuse ON group_api_private.$_[0]"); query('SELECT group_api.retry_failed()'); return; }

# 300 beside the bad one, which stands in the middle.
sub others_go_out
{
	my ($what, $bad) = @_;
	my @others = map { sa_number(++$next) } 1 .. 300;
	my @all = (@others[0 .. 149], $bad, @others[150 .. 299]);
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	my $group = invite($node, @all);
	my %wanted = map { $_ => 1 } @others;
	poll_until(sub { 300 == query("SELECT count(*) FROM group_api.deliveries WHERE group_id = '$group' AND delivery = 'sent' AND contact <> '$bad'") },
		"300 others are sent beside one that fails $what", 30);
	my %count;
	$count{$_}++ for grep { $wanted{$_} } sms_recipients($sink);
	is(scalar(keys %count), 300, 'every one of them');
	is(scalar(grep { $_ > 1 } values %count), 0, 'once');
	is(dispatcher($node)->{pid}, $pid, 'by the same dispatcher');
	return $group;
}

sub sent_times { my ($number) = @_; return scalar grep { $_ eq $number } sms_recipients($sink); }

# ---- claim

my $bad = sa_number(9_000_001);
refuse('invitations', 'UPDATE', "NEW.contact = ''$bad'' AND NEW.delivery = ''sending''");
others_go_out('when it is claimed', $bad);
is_named('claim', 152);
is(sent_times($bad), 0, 'it is not sent');
allow('invitations');
poll_until(sub { sent_times($bad) == 1 }, 'after the cause is gone retry_failed() has it sent', 20);
poll_until(sub { errors() eq '' }, 'and health() is content', 20);

# ---- hand-over: no message can be made of it

$bad = sa_number(9_000_002);
query("SELECT group_api.pause('sms')");
my $huge = invite($node, $bad);
# Written as JSON it is larger than a string may be.
query("UPDATE group_api_private.invitations SET contact = repeat(E'\\x01', 200000000) WHERE group_id = '$huge' AND number = 2");
query("SELECT group_api.resume('sms')");
others_go_out('when it is handed over', sa_number(9_000_003));
poll_until(sub { query("SELECT delivery || ': ' || reason FROM group_api_private.invitations WHERE group_id = '$huge' AND number = 2") =~ /^failed: the message/ },
	'what no message can be made of has failed, with the reason', 30)
  or diag(query("SELECT delivery, reason FROM group_api_private.invitations WHERE group_id = '$huge' AND number = 2"));
is(sent_times($bad), 0, 'and is not sent');
is_named('send', 2, 'the message');
query("SELECT group_api.delete_group('$huge')");
poll_until(sub { errors() eq '' }, 'which is content when the group is gone', 20);

# ---- record

$bad = sa_number(9_000_004);
refuse('invitations', 'UPDATE', "NEW.contact = ''$bad'' AND NEW.delivery = ''sent''");
others_go_out('when its outcome is recorded', $bad);
is_named('record', 152);
is(sent_times($bad), 1, 'it is sent once');
allow('invitations');
poll_until(sub { query("SELECT delivery FROM group_api.deliveries WHERE contact = '$bad'") eq 'sent' }, 'and recorded when the cause is gone', 20);
is(sent_times($bad), 1, 'it was sent once');
poll_until(sub { errors() eq '' }, 'and health() is content', 20);

# ---- look

$bad = sa_number(9_000_005);
my $group = others_go_out('not yet', $bad);
refuse('invitations', 'UPDATE', "NEW.contact = ''$bad'' AND NEW.response = ''expired''");
query("UPDATE group_api_private.invitations SET expires_at = now() WHERE group_id = '$group'");
query("UPDATE group_api_private.groups SET next_deadline = now() WHERE id = '$group'");
others_go_out('when it expires', sa_number(9_000_006));
poll_until(sub { query("SELECT count(*) FROM group_api.deliveries WHERE group_id = '$group' AND response = 'expired'") == 300 },
	'300 others expire beside one that fails then', 30);
is_named('deadline', 152);
allow('invitations');
poll_until(sub { query("SELECT response FROM group_api.deliveries WHERE contact = '$bad'") eq 'expired' }, 'it expires when the cause is gone', 70);

# ---- what is due: a next try

$bad = sa_number(9_000_007);
query("SELECT group_api.pause('sms')");
$group = invite($node, $bad, map { sa_number(++$next) } 1 .. 50);
refuse('invitations', 'UPDATE', "NEW.contact = ''$bad'' AND NEW.start_tag IS NOT NULL");
query("UPDATE group_api_private.invitations SET start_tag = NULL WHERE group_id = '$group' AND due IS NOT NULL");
query("SELECT group_api.resume('sms')");
poll_until(sub { query("SELECT count(*) FROM group_api.deliveries WHERE group_id = '$group' AND delivery = 'sent'") == 50 },
	'50 others get their place in the queue beside one that fails then', 30);
is_named('place', 2);
allow('invitations');
poll_until(sub { sent_times($bad) == 1 }, 'it is sent when the cause is gone', 20);

# ---- trim

query("INSERT INTO group_api_private.attempts (group_id, member, attempt, outcome, started_at, elapsed)
	SELECT id, n, 1, 'accepted', now() - interval '2 days', '0' FROM group_api_private.groups, generate_series(1, 20) n WHERE id = '$group'");
refuse('attempts', 'DELETE', 'OLD.member = 7 AND OLD.server IS NULL');
$node->restart;
$pid = undef;
wait_for_dispatcher($node);
$pid = dispatcher($node)->{pid};
others_go_out('when the history is trimmed', sa_number(9_000_008));
poll_until(sub { query('SELECT string_agg(member::text, $$,$$) FROM group_api_private.attempts WHERE server IS NULL') eq '7' },
	'the history is trimmed but for the line that fails', 30);
is_named('trim', 7);
query('DROP TRIGGER refuse ON group_api_private.attempts');
query('DELETE FROM group_api_private.set_aside');

# ---- poll

query("UPDATE group_api_private.set_aside SET until = now()");
add_twilio($node, $sink->{http}, poll => 'true', prefixes => '+999');
refuse('polls', 'UPDATE', 'NEW.number = 3');
query("INSERT INTO group_api_private.polls (group_id, number, link_version, server, message_id, next_at)
	SELECT group_id, number, link_version, 'twilio', 'm' || number, now() FROM group_api_private.invitations
	 WHERE group_id = '$group' AND channel IS NOT NULL");
others_go_out('when it is asked about', sa_number(9_000_009));
poll_until(sub { query("SELECT count(*) FROM group_api_private.polls WHERE tries = 0") eq '1' }, 'the others are asked about', 30);
is_named('poll', 3);

# ---- all tables

query('DROP TRIGGER refuse ON group_api_private.polls');
is(query("SELECT string_agg(c.oid::regclass::text, ', ') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname = 'group_api_private' AND c.relkind = 'r' AND c.relreplident <> 'f'
	  AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND (i.indisprimary OR i.indisreplident))"), '',
	'every table has a primary key or a replica identity');
query('CREATE PUBLICATION everything FOR ALL TABLES');
others_go_out('not at all, under a publication for all tables', sa_number(9_000_010));
is(query("SELECT group_api.delete_group('$group') IS NOT NULL"), 't', 'and a group can be deleted');

$node->stop;
done_testing();
