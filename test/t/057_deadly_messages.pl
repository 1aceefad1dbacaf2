# A message, or the answer to a question about one, that kills the courier is found
# by trying alone what the courier had taken up when it died. It is set aside;
# everybody else's goes out.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $CONNECTIONS = 8;
my $node = new_node('deadly', conf => "
group_api.retry_base = 1");
# The kernel kills the courier the moment the gateway has such a message.
my @deadly = map { sa_number(9_000_000 + $_) } 1 .. 3;
my $gateway = start_script_server(http => deadly(@deadly), smtp => {});
my $next = 0;

sub deadly
{
	my $pattern = join '|', map { quotemeta } @_;
	return { rules => [
		(@_ ? { match => $pattern, replies => ['kill'] } : ()),
		{ match => '', replies => [ { delay => 0.01 } ], count => 'rule' } ] };
}

sub query { return $node->safe_psql('postgres', $_[0]); }
sub kills { return scalar read_log($gateway, 'kill'); }
sub set_aside { return query('SELECT step, member, reason FROM group_api.set_aside ORDER BY since, member'); }
sub fact { return query("SELECT fact FROM group_api.health() WHERE \"check\" = '$_[0]' AND NOT ok"); }

# Who got how many.
sub copies
{
	my %count;
	$count{$_}++ for sms_recipients($gateway);
	return \%count;
}

sub all_get_theirs
{
	my ($others, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	my $in = join ',', map { "'$_'" } @$others;
	poll_until(sub {
		@$others == query("SELECT count(*) FROM group_api.deliveries WHERE delivery = 'sent' AND contact IN ($in)");
	}, $what) or diag(explain(deliveries($node)));
	my $copies = copies();
	is_deeply([ grep { !$copies->{$_} } @$others ], [], 'nobody got none');
	is_deeply([ grep { $copies->{$_} > 2 } @$others ], [], 'nobody got more than one further copy');
	my @twice = grep { $copies->{$_} > 1 } @$others;
	note(scalar(@twice) . ' of ' . @$others . ' got two');
	return scalar @twice;
}

# ---- one among some hundreds

add_sms($node, $gateway->{http}, max_connections => $CONNECTIONS);
my @others = map { sa_number(++$next) } 1 .. 600;
my $group = invite($node, @others[0 .. 299], $deadly[0], @others[300 .. 599]);
my $twice = all_get_theirs(\@others, '600 others are sent beside one that kills the courier');
cmp_ok($twice, '<', $CONNECTIONS, 'only what the courier had taken up when it died went out again');
poll_until(sub { delivery_of($node, $deadly[0])->{delivery} eq 'failed' }, 'the one has failed');
cmp_ok(kills(), '<=', 3, 'of it no more than three couriers died');
is(copies()->{ $deadly[0] }, kills(), 'one for each time it was sent');
like(delivery_of($node, $deadly[0])->{reason}, qr/set aside.*courier died.*3 times/, 'the reason says so');
like(set_aside(), qr/^send\|302\|.*the courier died/, 'it is set aside, with the reason');
like(fact('errors'), qr/member 302 of group \Q$group\E at the step "send": .*the courier died/, 'health() names the row');
is(query('SELECT count(*) FROM group_api_private.invitations WHERE crashes > 0'), 1, 'nobody else is suspected any more');
is(query("SELECT until FROM group_api.set_aside"), 'infinity', 'it is not tried again by itself');

# ---- retry_failed()

query("SELECT group_api.retry_failed(channel => 'EMAIL')");
like(set_aside(), qr/^send\|302\|/, 'having others tried again leaves it aside');
my $before = kills();
query('SELECT group_api.retry_failed()');
poll_until(sub { kills() == $before + 1 }, 'retry_failed() has it tried again');
poll_until(sub { set_aside() =~ /^send\|302\|/ }, 'it is set aside again at once');
is(kills(), $before + 1, 'after one courier');
set_rules($gateway, http => deadly(@deadly[ 1, 2 ]), smtp => {});
query('SELECT group_api.retry_failed()');
poll_until(sub { delivery_of($node, $deadly[0])->{delivery} eq 'sent' }, 'with its cause gone it is sent');
is(set_aside(), '', 'and no longer set aside');
is(query('SELECT count(*) FROM group_api_private.invitations WHERE crashes > 0'), 0, 'nor suspected');
is(fact('errors'), '', 'health() is content');

# ---- two of them, and a slow provider beside

my $slow = start_script_server(http => { rules => [ { match => '', replies => [ { delay => 0.2 } ] } ] });
add_sms($node, $slow->{http}, name => 'slow', prefixes => '+49', max_connections => 2);
$before = kills();
@others = map { sa_number(++$next) } 1 .. 300;
my @slow = map { german_number($_) } 1 .. 20;
invite($node, @others[0 .. 99], @deadly[ 1, 2 ], @others[100 .. 299]);
invite($node, @slow);
all_get_theirs(\@others, '300 others are sent beside two that kill the courier');
poll_until(sub { 2 == query("SELECT count(*) FROM group_api.set_aside") }, 'both are set aside') or diag(set_aside());
cmp_ok(kills() - $before, '<=', 6, 'of each no more than three couriers died');
poll_until(sub { @slow == query("SELECT count(*) FROM group_api.deliveries WHERE delivery = 'sent' AND server = 'slow'") }, 'what another provider has is sent');
my %slow;
$slow{$_}++ for sms_recipients($slow);
cmp_ok((sort { $b <=> $a } values %slow)[0], '<=', 3, 'and went out again no oftener than couriers died among others');

# ---- a deleted group takes what was set aside along

query("DELETE FROM group_api_private.groups WHERE id IN (SELECT \"group\" FROM group_api.set_aside)");
is(set_aside(), '', 'when their group is deleted nothing is set aside any more');

# ---- kills by others set nothing aside

set_rules($gateway, http => { rules => [ { match => '', replies => [ { delay => 0.1 } ] } ] }, smtp => {});
my @many = map { sa_number(++$next) } 1 .. 1000;
my ($killed, $last, $recorded) = (0, 0, dispatcher($node)->{recorded});
invite($node, @many);
poll_until(sub {
	my $state = dispatcher($node);
	my $pid = $state->{courier_pid};
	if ($pid && $pid != $last && $state->{recorded} >= $recorded + 20)
	{
		kill 'KILL', $pid;
		($last, $recorded) = ($pid, $state->{recorded});
		$killed++;
	}
	return $killed == 10;
}, 'the courier is killed ten times by somebody else') or diag($killed);
poll_until(sub { @many == query("SELECT count(*) FROM group_api.deliveries WHERE delivery = 'sent' AND contact = ANY ('{@{[ join ',', @many ]}}')") },
	'all are sent') or diag(explain(deliveries($node)));
is(set_aside(), '', 'and none was set aside');

# ---- the suspects outlive their dispatcher

# The first time it kills, the second time nothing comes.
set_rules($gateway, http => { rules => [ { match => quotemeta $deadly[0], replies => [ 'kill', 'hang' ] }, { match => '', replies => [ { delay => 0.2 } ] } ] }, smtp => {});
$before = kills();
my $asked = copies()->{ $deadly[0] };
$group = invite($node, $deadly[0], map { sa_number(++$next) } 1 .. 40);
poll_until(sub { kills() == $before + 1 }, 'one killed the courier');
poll_until(sub { query('SELECT count(*) FROM group_api_private.invitations WHERE crashes > 0') > 0 }, 'what it had taken up is suspected');
poll_until(sub { copies()->{ $deadly[0] } == $asked + 2 }, 'it is tried alone');
set_rules($gateway, http => deadly($deadly[0]), smtp => {});
$node->restart;
poll_until(sub { 41 == query("SELECT count(*) FROM group_api.deliveries WHERE group_id = '$group' AND delivery IN ('sent', 'failed')") },
	'after a restart all but it are sent') or diag(explain(deliveries($node)));
is(delivery_of($node, $deadly[0])->{delivery}, 'failed', 'and it has failed');
is(kills() - $before, 3, 'after no more than three couriers');
query('DELETE FROM group_api_private.groups');

# ---- sending is switched off while suspects wait

sub switch
{
	my ($value) = @_;
	$node->append_conf('postgresql.conf', "group_api.dispatch = $value");
	$node->reload;
	return;
}

my @suspects = map { sa_number(++$next) } 1 .. 3;
my ($first, @later) = @suspects;
set_rules($gateway, http => { rules => [ { match => quotemeta $first, replies => [ { hold => JSON::PP::true() } ] }, @{ deadly()->{rules} } ] }, smtp => {});
query("SELECT group_api.pause('sms')");
$group = invite($node, @suspects);
query("UPDATE group_api_private.invitations SET crashes = 1 WHERE group_id = '$group' AND channel IS NOT NULL");
query("SELECT group_api.resume('sms')");
poll_until(sub { copies()->{$first} }, 'one of three suspects is tried alone');
poll_until(sub { (deliveries($node)->{sending} // 0) == 3 }, 'the others wait for it');
# While its providers cannot be read again, which would send the others back to the queue.
my $owner = psql_in_background($node, 'BEGIN; LOCK TABLE group_api_private.templates;');
switch('off');
poll_until(sub { (dispatcher($node)->{reason} // '') =~ /dispatch is off/ }, 'sending is switched off meanwhile');
set_rules($gateway, http => deadly(), smtp => {});
poll_until(sub { delivery_of($node, $first)->{delivery} eq 'sent' }, 'what was under way ends well');
poll_until(sub { (deliveries($node)->{sending} // 0) == 0 }, 'no other is under way');
is_deeply([ map { delivery_of($node, $_)->{delivery} } @later ], [qw(queued queued)], 'they wait in the queue');
is_deeply([ map { copies()->{$_} // 0 } @later ], [ 0, 0 ], 'and were not sent');
$owner->{finish}->();
switch('on');
all_are($node, 'sent', 'switched on they are');
query('DELETE FROM group_api_private.groups');

# ---- an answer to a question that kills the courier

set_rules($gateway, http => { rules => [ { match => '^GET .*SMbad', replies => ['kill'] },
	{ match => '^GET', replies => [ { body => { status => 'delivered' } } ] },
	{ match => '', replies => [ { status => 201, body => { sid => 'SMgood' } } ] } ] }, smtp => {});
add_twilio($node, $gateway->{http}, poll => 'true', prefixes => '+44');
$group = invite($node, uk_number(1));
poll_until(sub { delivery_of($node, uk_number(1))->{delivery} eq 'sent' }, 'one is sent by a provider that is polled');
$before = kills();
query("INSERT INTO group_api_private.polls (group_id, number, link_version, server, message_id, next_at)
	SELECT group_id, number, link_version, 'twilio', 'SMbad', now() FROM group_api_private.invitations
	 WHERE group_id = '$group' AND channel IS NOT NULL
	ON CONFLICT (group_id, number) DO UPDATE SET message_id = 'SMbad', next_at = now()");
query('SELECT group_api.resume(server) FROM group_api.providers');
poll_until(sub { kills() > $before }, 'asking about it kills the courier');
for my $time (2, 3)
{
	query("UPDATE group_api_private.polls SET next_at = now()");
	query('SELECT group_api.resume(server) FROM group_api.providers');
	poll_until(sub { kills() >= $before + $time }, "and again, the ${time}. time");
}
poll_until(sub { query('SELECT count(*) FROM group_api_private.polls') == 0 }, 'then it is not asked about any more');
is(kills(), $before + 3, 'after three couriers');
is(delivery_of($node, uk_number(1))->{delivery}, 'sent', 'the message is what it was');

$node->stop;
done_testing();
