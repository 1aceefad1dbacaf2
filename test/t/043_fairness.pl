# One leader's thousands do not go before everybody else's one: whatever waits,
# the invitation of another leader is among the next to leave.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', conf => "
group_api.retry_base = 1
group_api.max_attempts = 5
group_api.resend_cooldown = 0");
my $next = 0;

sub number { return sa_number(++$next); }
sub numbers { return map { number() } 1 .. $_[0]; }
sub as_leader { return "SET request.jwt.claims = '{\"sub\": \"$_[0]\"}'; "; }

# A group of this leader; the id of it.
sub lead
{
	my ($leader, @contacts) = @_;
	my $answer = $node->safe_psql('postgres', as_leader($leader) . 'SELECT group_api.create_group(' . group_body(@contacts) . ')');

	return from_json($answer)->{group}{id};
}

sub arrived
{
	my ($sink) = @_;
	return scalar(() = slurp_file($sink->{log}) =~ /\n/g);
}

sub place_of
{
	my ($sink, $contact) = @_;
	my @recipients = sms_recipients($sink);
	my ($place) = grep { $recipients[$_] eq $contact } 0 .. $#recipients;

	return $place;
}

# That at most so many others arrive after what CODE commits and before the contact.
sub goes_before
{
	my ($sink, $limit, $what, $contact, $code) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$code->();
	my $before = arrived($sink);
	poll_until(sub { defined place_of($sink, $contact) }, "$what: it arrives");
	my $others = (place_of($sink, $contact) // 1e6) - $before;
	note("$others others in between");
	return cmp_ok($others, '<=', $limit, "$what: $limit others at the most come in between");
}

# A new sink; what waits for the old one is forgotten.
sub new_sink
{
	my ($options, %provider) = @_;
	my $sink = start_http_sink(log => 1, %$options);

	$node->safe_psql('postgres', 'DROP SERVER IF EXISTS sms');
	$node->safe_psql('postgres', 'TRUNCATE group_api_private.groups, group_api_private.members, group_api_private.invitations');
	add_sms($node, $sink->{http}, %provider);
	return $sink;
}

sub waiting
{
	my ($leader) = @_;
	return $node->safe_psql('postgres', "SELECT count(*) FROM group_api_private.invitations i
		JOIN group_api_private.groups g ON g.id = i.group_id JOIN group_api_private.users u ON u.id = g.created_by
		WHERE u.subject = '$leader' AND i.delivery = 'queued'");
}

sub is_under_way
{
	my ($sink, $what) = @_;
	my $before = arrived($sink);
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return poll_until(sub { arrived($sink) > $before + 5 }, $what);
}

# ---- a slow gateway

my $sink = new_sink({ delay_ms => 100 });
lead('big', numbers(10_000));
is_under_way($sink, 'ten thousand of one leader are being sent');
my $one = number();
goes_before($sink, 160, 'the single invitation of another', $one, sub { lead('small', $one) });
$one = number();
goes_before($sink, 160, 'the next one of the same', $one, sub { lead('small', $one) });
my @held = numbers(2);
my $group = lead('patient', { sendInvitations => JSON::PP::false() }, @held);
goes_before($sink, 160, 'one that was held back', $held[1],
	sub { $node->safe_psql('postgres', as_leader('patient') . "SELECT group_api.send_invitations('$group')") });
my $again = place_of($sink, $held[1]);
poll_until(sub { delivery_of($node, $held[0])->{delivery} eq 'sent' }, 'it was sent');
# However long it took until here.
lead('big', numbers(10_000)) if waiting('big') < 9_000;
my $resent = arrived($sink);
$node->safe_psql('postgres', as_leader('patient') . "SELECT group_api.resend_invitation('$group', 2)");
poll_until(sub { (grep { $_ eq $held[0] } sms_recipients($sink)) == 2 }, 'one that is resent arrives');
my @recipients = sms_recipients($sink);
my ($last) = grep { $recipients[$_] eq $held[0] } reverse 0 .. $#recipients;
cmp_ok($last - $resent, '<=', 160, 'before the thousands, too');
cmp_ok(waiting('big'), '>', 0, 'of which some still wait');

# ---- what it costs

poll_until(sub { $node->safe_psql('postgres', "SELECT n_tup_hot_upd > 0 FROM pg_stat_user_tables WHERE relname = 'invitations'") eq 't' },
	'claims are HOT updates');
my $plan = $node->safe_psql('postgres', q{SET enable_seqscan = off; SET enable_sort = off; SET plan_cache_mode = force_generic_plan;
	EXPLAIN (COSTS OFF) SELECT ctid FROM group_api_private.invitations
	 WHERE channel = 'MOBILE' AND due IS NOT NULL AND (start_tag, group_id, number) > (1, '00000000-0000-0000-0000-000000000000', 1)
	   AND start_tag <= 9 AND due <= now() AND delivery = 'queued' ORDER BY start_tag, group_id, number LIMIT 10 FOR NO KEY UPDATE SKIP LOCKED});
like($plan, qr/Index Scan using invitations_start_tag/, 'the index gives the order of the queue');
unlike($plan, qr/Sort/, 'and nothing is sorted');

# ---- many groups of one leader

$sink = new_sink({ delay_ms => 100 });
$node->safe_psql('postgres', as_leader('big') . join ' ', map { 'SELECT group_api.create_group(' . group_body(number()) . ');' } 1 .. 1000);
is_under_way($sink, 'a thousand groups of one leader are being sent');
$one = number();
goes_before($sink, 160, 'the single invitation of another', $one, sub { lead('small', $one) });

# ---- a low rate, and several who have thousands

# Those who begin at one step of the virtual time have one turn each before whoever comes at it.
my $LEADERS = 10;
$sink = new_sink({}, rate => 2);
my %leader_of;
for my $leader (1 .. $LEADERS)
{
	my @people = numbers(500);

	lead("big $leader", @people);
	@leader_of{@people} = ($leader) x @people;
}
# A group's place is taken when its transaction begins: who writes five hundred members meanwhile
# has turns to make up for.  They are level when each had one since all are there.
my $all_there = arrived($sink);
is_under_way($sink, 'ten leaders share a gateway that takes two a second');
poll_until(sub {
	my @since = sms_recipients($sink);
	my %seen = map { $leader_of{$_} => 1 } @since[ $all_there .. $#since ];
	return keys %seen == $LEADERS;
}, 'each of them has a turn');
$all_there = arrived($sink);
for my $try (1 .. 3)
{
	$one = number();
	goes_before($sink, $LEADERS + 3, "single invitation $try", $one, sub { lead("small $try", $one) });
}
my @arrived = sms_recipients($sink);
my %of;
$of{ $leader_of{$_} // 'small' }++ for @arrived[ $all_there .. $#arrived ];
my @shares = sort { $a <=> $b } map { $of{$_} // 0 } 1 .. $LEADERS;
cmp_ok($shares[-1] - $shares[0], '<=', 2, 'they take turns') or diag("@shares");

# ---- what was rolled back does not count

$node->safe_psql('postgres', as_leader('careful') . 'BEGIN; SELECT group_api.create_group(' . group_body(numbers(500)) . '); ROLLBACK;');
$one = number();
goes_before($sink, $LEADERS + 3, 'one of a leader who rolled hundreds back', $one, sub { lead('careful', $one) });

# ---- places hoarded in an open transaction

my $hoarder = psql_in_background($node, as_leader('hoarder') . 'BEGIN; SELECT group_api.create_group(' . group_body(numbers(500)) . ');');
is_under_way($sink, 'meanwhile others are sent');
$hoarder->{say}->('COMMIT;');
$hoarder->{finish}->();
is_under_way($sink, 'what was committed late is sent');
$one = number();
goes_before($sink, $LEADERS + 3, 'a single invitation', $one, sub { lead('patient one', $one) });

# ---- after a restart

$node->restart;
wait_for_dispatcher($node, 'the server is started anew');
is_under_way($sink, 'the thousands go on');
$one = number();
goes_before($sink, $LEADERS + 3, 'a single invitation', $one, sub { lead('new', $one) });
lead('new and big', numbers(500));
is_under_way($sink, 'another one comes with hundreds');
$one = number();
goes_before($sink, $LEADERS + 3, 'the next single invitation', $one, sub { lead('newer', $one) });

# ---- what waited for its next try

my $gateway = start_script_server(http => { rules => [
	{ match => '2784\d+', replies => [ { status => 503 }, { status => 200 } ] } ] });
$node->safe_psql('postgres', 'DROP SERVER sms');
$node->safe_psql('postgres', 'TRUNCATE group_api_private.groups, group_api_private.members, group_api_private.invitations');
add_sms($node, $gateway->{http}, rate => 20);
lead('big', numbers(2_000));
my @failing = map { sprintf '+2784%07d', $_ } 1 .. 3;
lead('unlucky', @failing);
poll_until(sub { my %tries; $tries{$_}++ for sms_recipients($gateway); 3 == grep { ($tries{$_} // 0) == 2 } @failing },
	'what is tried again leaves although thousands are ready');
cmp_ok(waiting('big'), '>', 500, 'which still wait');
$node->safe_psql('postgres', "UPDATE group_api_private.invitations SET due = now() + interval '2 s', start_tag = NULL WHERE delivery = 'queued'");
$one = number();
lead('small', $one);
my $due = arrived($gateway);
poll_until(sub { arrived($gateway) > $due + 10 }, 'two thousand are due at the same moment');
$one = number();
goes_before($gateway, 40, 'a new one', $one, sub { lead('small', $one) });

# ---- one provider is slow, the other one is not

$sink = new_sink({}, prefixes => '+27', rate => 2);
my $fast = start_http_sink(log => 1);
add_sms($node, $fast->{http}, name => 'fast', prefixes => '+49');
lead('big', numbers(500));
is_under_way($sink, 'hundreds wait for a slow provider');
my @german = map { german_number($_) } 1 .. 2000;
lead('fast', @german);
poll_until(sub { arrived($fast) == 2000 }, 'thousands leave by another one');
$one = number();
goes_before($sink, 3, 'a single one for the slow provider', $one, sub { lead('small', $one) });
$one = number();
goes_before($sink, 3, 'one of the leader whose thousands have left', $one, sub { lead('fast', $one) });
# What begins with nothing for the slow one does not make a leader new again.
lead('greedy', numbers(200));
for my $turn (1 .. 20)
{
	lead('greedy', german_number(5000 + $turn), number());
}
poll_until(sub { arrived($fast) == 2020 }, 'those by the fast provider have left');
$one = number();
goes_before($sink, 4, 'one who mixes both gains nothing by it', $one, sub { lead('honest', $one) });

is_deeply(twice(sms_recipients($sink), sms_recipients($fast)), {}, 'nothing was sent twice');

# ---- thousands of reminders and expiries at the same moment

$node->append_conf('postgresql.conf', "group_api.reminder_before = '1d'");
$node->reload;
my $before = arrived($fast);
$node->safe_psql('postgres', "UPDATE group_api_private.invitations SET expires_at = now() + interval '1 hour' WHERE contact LIKE '+49%';
	UPDATE group_api_private.groups SET next_deadline = now()");
lead('small', german_number(9001));
poll_until(sub { arrived($fast) == $before + 2021 }, 'two thousand are reminded, and one is invited');
poll_until(sub { $node->safe_psql('postgres', "SELECT count(*) FROM group_api_private.invitations WHERE contact LIKE '+49%' AND reminders = 1") eq '2020' },
	'each once');
$node->safe_psql('postgres', "UPDATE group_api_private.invitations SET expires_at = now() - interval '1 s' WHERE contact LIKE '+49%';
	UPDATE group_api_private.groups SET next_deadline = now()");
lead('small', german_number(9002));
poll_until(sub { $node->safe_psql('postgres', "SELECT count(*) FROM group_api_private.invitations WHERE contact LIKE '+49%' AND response = 'expired'") eq '2021' },
	'and all expire');

$node->stop;
done_testing();
