# Whatever is killed, and however often: what was committed arrives, what was
# rolled back does not, and only what was under way at a kill may arrive twice.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use Test::More;
use Time::HiRes qw(sleep time);

my $CONNECTIONS = 4;
my $IN_FLIGHT = 16;
my $MAILS = 1000;
my $SMS = 500;    # by each of two gateways
my $COURIER_KILLS = 10;
my $DISPATCHER_KILLS = 5;

my $node = new_node('main', init => [ allows_streaming => 0 ], conf => "
restart_after_crash = on
group_api.max_in_flight = $IN_FLIGHT
group_api.retry_base = 1
max_connections = 20");
my %sink = (
	mail => start_script_server(
		smtp => { rules => [ { at => 'dot', replies => [ { reply => '250 2.0.0 taken', delay => 0.004 } ] } ] }),
	sms => start_http_sink(delay_ms => 8, log => 1),
	twilio => start_http_sink(delay_ms => 8, log => 1, status => 201, body => '{"sid":"SM%n"}'));

add_mail($node, $sink{mail}{smtp}, max_connections => $CONNECTIONS);
add_sms($node, $sink{sms}{http}, max_connections => $CONNECTIONS, prefixes => '+27');
add_twilio($node, $sink{twilio}{http}, max_connections => $CONNECTIONS, prefixes => '+49');

# ---- the invitations, in groups of 100; each has a twin that is rolled back

my %expected = (
	mail => [ map { mail_address($_) } 1 .. $MAILS ],
	sms => [ map { sa_number($_) } 1 .. $SMS ],
	twilio => [ map { german_number($_) } 1 .. $SMS ]);
my @everybody = map { my $i = $_; map { $expected{$_}[$i] // () } qw(mail sms twilio) } 0 .. $MAILS - 1;
my @groups;
push @groups, [ splice @everybody, 0, 100 ] while @everybody;
my $created = 0;

sub create_some
{
	my ($count) = @_;
	for (1 .. $count)
	{
		my $group = shift @groups or return;
		my @never = (mail_address(++$created, 'never'), sa_number(9_000_000 + $created));
		$node->safe_psql('postgres', 'BEGIN; SELECT group_api.create_group('
			. group_body(@never) . '); ROLLBACK; SELECT group_api.create_group(' . group_body(@$group) . ')');
	}
	return;
}

# ---- the kills, spread evenly over what arrives

sub arrived
{
	my $lines = 0;
	for my $server (values %sink)
	{
		open(my $file, '<', $server->{log}) or next;
		while (<$file>) { $lines++ if /"event": "message"|"number"/; }
	}
	return $lines;
}

sub victim
{
	my ($kind) = @_;
	my $state = eval { dispatcher($node) } or return 0;
	return $state->{ $kind eq 'courier' ? 'courier_pid' : 'pid' } || 0;
}

# Another one after each crash; dies while the server recovers.
sub launcher
{
	return $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'group_api launcher'") || die "no launcher\n";
}

my @kills = map { $_ % 3 == 2 ? 'dispatcher' : 'courier' } 0 .. $COURIER_KILLS + $DISPATCHER_KILLS - 1;
my %last = (courier => 0, dispatcher => 0);
my @killed;    # [what, when]
my $share = ($MAILS + 2 * $SMS) / (@kills + 1);

create_some(8);
my $give_up = time + 2 * $GroupApiTest::PATIENCE;
for my $i (0 .. $#kills)
{
	my $kind = $kills[$i];
	my $pid = 0;

	sleep 0.01 while arrived() < $share * ($i + 1) && time < $give_up;
	while (($pid = victim($kind)) == 0 || $pid == $last{$kind})
	{
		last if time > $give_up;
		sleep 0.01;
	}
	my $launcher = $kind eq 'dispatcher' ? launcher() : 0;
	next unless $pid && kill 'KILL', $pid;
	$last{$kind} = $pid;
	push @killed, [ $kind, time ];
	# A crash of the cluster ends sessions; afterwards more groups are made.
	poll_until(sub { launcher() != $launcher }, "SQL is answered after kill $i, of the $kind, by a server that began anew")
	  if $kind eq 'dispatcher';
	eval { create_some(1); 1 } or fail("creating a group after kill $i: $@");
}
is(scalar(grep({ $_->[0] eq 'courier' } @killed)), $COURIER_KILLS, 'the courier was killed ten times');
is(scalar(grep({ $_->[0] eq 'dispatcher' } @killed)), $DISPATCHER_KILLS, 'the dispatcher was killed five times');
create_some(scalar @groups);

# ---- the account

all_are($node, 'sent', 'every invitation ends as sent');
is(deliveries($node)->{sent}, $MAILS + 2 * $SMS, 'all 2000 of them');

my %in_doubt = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', "SELECT DISTINCT i.contact
	FROM group_api_private.attempts a JOIN group_api_private.invitations i ON (i.group_id, i.number) = (a.group_id, a.member)
	WHERE a.outcome = 'uncertain' AND a.code IN ('courier', 'crash')");
is($node->safe_psql('postgres', "SELECT code FROM group_api_private.attempts
	WHERE outcome = 'uncertain' AND code NOT IN ('courier', 'crash')"), '',
	'nothing but the kills left anything uncertain');

# The courier has one message under way on each connection; what a dispatcher
# had not recorded yet is what it may have in flight.
my %limit = (courier => $COURIER_KILLS * $CONNECTIONS, crash => $DISPATCHER_KILLS * $IN_FLIGHT);
my $all_twice = 0;
for my $name (qw(mail sms twilio))
{
	my @got = recipients($sink{$name});
	my %got = map { $_ => 1 } @got;
	my %expect = map { $_ => 1 } @{ $expected{$name} };
	my $twice = twice(@got);
	my $surplus = @got - keys %got;

	is_deeply([ grep { !$got{$_} } @{ $expected{$name} } ], [], "nothing for $name is lost");
	is_deeply([ grep { !$expect{$_} } keys %got ], [], "nothing rolled back reaches $name");
	is_deeply([ grep { !$in_doubt{$_} } keys %$twice ], [],
		"only what was under way at a kill reaches $name twice");
	for my $code (sort keys %limit)
	{
		my $doubts = $node->safe_psql('postgres', "SELECT count(*) FROM group_api_private.attempts
			WHERE server = '$name' AND outcome = 'uncertain' AND code = '$code'");
		cmp_ok($doubts, '<=', $limit{$code}, "kills of kind $code leave no more of $name in doubt than was under way");
	}
	note("$name: $surplus duplicates of " . @got);
	$all_twice += $surplus;
}
note("duplicates in all: $all_twice; in doubt: " . keys(%in_doubt));

# ---- how long what was in doubt waited

my %seen;
my @waits;
for my $entry (map { read_log($_) } values %sink)
{
	my $to = $entry->{recipients} ? $entry->{recipients}[0]
	  : defined $entry->{body} ? Invitations::recipient_of($entry->{body}) : next;
	if ($seen{$to}++)
	{
		my ($last_kill) = grep { $_->[1] < $entry->{at} } reverse @killed;
		push @waits, [ $entry->{at} - $last_kill->[1], $last_kill->[0] ] if $last_kill;
	}
}
for my $kind (qw(courier dispatcher))
{
	my @sorted = sort { $a <=> $b } map { $_->[0] } grep { $_->[1] eq $kind } @waits;
	note(sprintf 'from a kill of the %s to the redelivery: %d, median %.3f s, longest %.3f s',
		$kind, scalar @sorted, $sorted[ @sorted / 2 ], $sorted[-1]) if @sorted;
}

$node->stop;
done_testing();
