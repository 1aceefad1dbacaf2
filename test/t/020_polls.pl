# Where no callback can reach the database, the dispatcher asks the provider how
# its messages fare.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_node('main', conf => 'group_api.retry_base = 1');
my $next = 0;
my @states = ({ match => '^POST', replies => [ { status => 201, body => { sid => 'SM1', status => 'queued' } } ] });
my $twilio = start_script_server(http => { rules => \@states });

sub sql { return $node->safe_psql('postgres', $_[0]); }

# What the gateway says when it is asked: one answer after the other.
sub gateway_says
{
	set_rules($twilio, http => { rules => [ { match => '^GET', count => 'rule', replies => [@_] }, @states ] });
	return;
}

sub status { return { status => 200, body => { sid => 'SM1', status => $_[0], error_code => $_[1], error_message => $_[2] } }; }

sub ask_now
{
	sql("UPDATE group_api_private.polls SET next_at = now()");
	invite($node, mail_address(++$next));
	return;
}

sub state_of { return sql("SELECT delivery FROM group_api_private.invitations WHERE group_id = '$_[0]' AND number = 2"); }
sub questions { return scalar grep { ($_->{method} // '') eq 'GET' } read_log($twilio); }
sub polls { return sql("SELECT count(*) FROM group_api_private.polls"); }

add_twilio($node, $twilio->{http}, poll => 'true');
gateway_says(status('sent'));

# ---- delivered

my $group = invite($node, sa_number(++$next));
poll_until(sub { state_of($group) eq 'sent' }, 'a message is sent');
is(sql("SELECT p.server, p.message_id, p.next_at - a.started_at - a.elapsed BETWEEN '15 s' AND '45 s' FROM group_api_private.polls p, group_api.attempts a"),
	'twilio|SM1|t', 'and will be asked for some seconds later');
is(questions(), 0, 'not before');
my $then = sql('SELECT now()');
ask_now();
poll_until(sub { questions() > 0 }, 'when it is time the gateway is asked');
poll_until(sub { sql("SELECT tries > 0 FROM group_api_private.polls WHERE next_at > timestamptz '$then' + '30 s'") eq 't' },
	'under way: the next question comes later');
is(state_of($group), 'sent', 'and nothing changes');
gateway_says(status('delivered'));
ask_now();
poll_until(sub { state_of($group) eq 'delivered' }, 'delivered: the delivery says so');
is(polls(), 0, 'and the questions end');
is(sql("SELECT way, result, status FROM group_api.receipts"), 'poll|moved|delivered', 'the answer is a receipt');

# ---- failed

gateway_says(status('undelivered', 30005, 'Unknown destination handset'));
my $number = sa_number(++$next);
$group = invite($node, $number);
poll_until(sub { state_of($group) eq 'sent' }, 'another message is sent');
ask_now();
poll_until(sub { state_of($group) eq 'failed' }, 'undelivered: the delivery has failed');
like(sql("SELECT group_api.get_group('$group') #>> '{group,members,1,delivery,reason}'"),
	qr/^the number is unknown or no longer in service/, 'with a reason a person understands');
is(sql("SELECT reason FROM group_api.suppressions"), 'bounced', 'a dead number is suppressed');
$group = invite($node, $number);
is(state_of($group), 'suppressed', 'and is not written to again');

# ---- trouble

gateway_says({ status => 500 }, { status => 429, headers => { 'Retry-After' => 1 } }, status('delivered'));
$group = invite($node, sa_number(++$next));
poll_until(sub { state_of($group) eq 'sent' }, 'one more is sent');
my $asked = questions();
for my $try (1 .. 3)
{
	ask_now();
	poll_until(sub { questions() >= $asked + $try }, "question $try is asked", 20);
}
poll_until(sub { state_of($group) eq 'delivered' }, 'a gateway in trouble is asked again');

gateway_says({ status => 404 });
$group = invite($node, sa_number(++$next));
poll_until(sub { state_of($group) eq 'sent' && polls() == 1 }, 'a message that the gateway will deny');
ask_now();
poll_until(sub { polls() == 0 }, 'a message the gateway does not know is asked for once');
is(state_of($group), 'sent', 'its delivery stays as it was');

# ---- others

gateway_says(status('delivered'));
$group = invite($node, sa_number(++$next));
poll_until(sub { state_of($group) eq 'sent' && polls() == 1 }, 'a message of which the question is lost');
sql("SELECT group_api.pause('twilio')");
$asked = questions();
ask_now();
sql("SELECT group_api.wait_until_idle('2 s')");
is(questions(), $asked, 'a paused provider is not asked');
sql("SELECT group_api.resume('twilio')");
poll_until(sub { state_of($group) eq 'delivered' }, 'once resumed it is');
$group = invite($node, sa_number(++$next));
poll_until(sub { state_of($group) eq 'sent' && polls() == 1 }, 'a message that is resent');
sql("SELECT group_api.resend_invitation('$group', 2)");
poll_until(sub { sql("SELECT link_version FROM group_api_private.polls") eq '2' }, 'is asked for under its new link');
ask_now();
poll_until(sub { state_of($group) eq 'delivered' }, 'and delivered');
sql("SELECT group_api.delete_group('" . invite($node, sa_number(++$next)) . "')");
is(sql("SELECT count(*) FROM group_api_private.polls p WHERE NOT EXISTS (SELECT FROM group_api_private.groups g WHERE g.id = p.group_id)"), '0',
	'a deleted group is not asked for');

# ---- what is off, and a copy: nothing at all is asked of a provider

# A turn of the dispatcher in which it could have asked.
sub takes_a_turn
{
	my ($database) = @_;
	my $turns = dispatcher($node, $database)->{turns};

	$node->reload;
	poll_until(sub { dispatcher($node, $database)->{turns} > $turns || dispatcher($node, $database)->{state} eq 'idle' }, "the dispatcher of $database looks again");
	return;
}

# What the gateway has heard since then, a line each.
sub since
{
	my ($count) = @_;
	my @heard = map { "$_->{method} $_->{path} $_->{body}" } read_log($twilio, 'request');

	return @heard[ $count .. $#heard ];
}

gateway_says(status('delivered'));
$group = invite($node, sa_number(++$next));
poll_until(sub { state_of($group) eq 'sent' && polls() == 1 }, 'a message that will be asked for');
$node->append_conf('postgresql.conf', 'group_api.dispatch = off');
$node->reload;
poll_until(sub { (dispatcher($node)->{reason} // '') =~ /dispatch is off/ }, 'dispatch is off');
sql("UPDATE group_api_private.polls SET next_at = now() - interval '1 h'");
is(sql("SELECT count(*) FROM group_api_private.invitations WHERE delivery IN ('queued', 'sending') AND channel = 'MOBILE'"), '0', 'nothing is under way');
my $heard = () = read_log($twilio, 'request');
my $held = invite($node, sa_number(++$next));
takes_a_turn('postgres') for 1, 2;
is_deeply([ since($heard) ], [], 'with dispatch off the gateway is asked nothing');
$node->safe_psql('template1', 'CREATE DATABASE copy TEMPLATE postgres');
# The original is not to ask either, while others may.
sql("SELECT group_api.pause('twilio')");
$node->append_conf('postgresql.conf', 'group_api.dispatch = on');
$node->reload;
poll_until(sub { (dispatcher($node, 'copy')->{reason} // '') =~ /adopt/ }, 'a copy waits for adopt()');
takes_a_turn('copy') for 1, 2;
is($node->safe_psql('copy', 'SELECT count(*) FROM group_api_private.polls WHERE next_at < now()'), '1', 'in it a question is due, too');
is_deeply([ since($heard) ], [], 'but the gateway is asked nothing, and told nothing');
$node->safe_psql('template1', 'DROP DATABASE copy');
sql("SELECT group_api.resume('twilio')");
poll_until(sub { state_of($group) eq 'delivered' }, 'once the original may, the question that was due is asked');
poll_until(sub { state_of($held) eq 'sent' && polls() == 1 }, 'and what waited is sent');
sql('DELETE FROM group_api_private.polls');

# A caller's open transaction holds the row: nobody else waits for it.
gateway_says(status('delivered'));
$group = invite($node, sa_number(++$next));
poll_until(sub { state_of($group) eq 'sent' && polls() == 1 }, 'a message whose row a caller holds');
my $holder = psql_in_background($node,
	"BEGIN; SELECT FROM group_api_private.invitations WHERE group_id = '$group' AND number = 2 FOR UPDATE;");
$asked = questions();
ask_now();
poll_until(sub { questions() > $asked }, 'is asked for all the same');
my $other = invite($node, sa_number(++$next));
poll_until(sub { state_of($other) eq 'sent' }, 'others are sent meanwhile', 5);
is(state_of($group), 'sent', 'the answer cannot be applied');
$holder->{finish}->();
ask_now();
poll_until(sub { state_of($group) eq 'delivered' }, 'the next one is');

# The dispatcher sleeps between two questions.
my $before = dispatcher($node)->{turns};
sleep 2;
cmp_ok(dispatcher($node)->{turns} - $before, '<', 20, 'waiting for the next question costs nothing');

done_testing();
