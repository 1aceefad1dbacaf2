# Which provider gets what, and when: priority, prefixes, rates, pauses, and
# what waits while there is none.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('main', conf => "
group_api.retry_base = 1
group_api.max_attempts = 5");

sub sent
{
	my ($contact, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	poll_until(sub { delivery_of($node, $contact)->{delivery} eq 'sent' }, $what, 15);
	return delivery_of($node, $contact)->{server};
}

# ---- no provider

my $orphan = invite($node, sa_number(1), 'orphan@example.com');
wait_for_dispatcher($node, 'a dispatcher is there');
is(deliveries($node)->{queued}, 2, 'without a provider invitations are queued');
like($_->{delivery}{reason}, qr/no provider for (MOBILE|EMAIL)/, "the group says why: $_->{name}")
  for grep { !$_->{isLeader} } @{ group_of($node, $orphan)->{members} };
is($node->safe_psql('postgres', "SELECT count(*) FROM group_api.health() WHERE NOT ok AND fact LIKE '1 waiting; no provider'"), '2',
	'health() says it of both channels');
like($node->safe_psql('postgres', "SELECT hint FROM group_api.health() WHERE NOT ok LIMIT 1"), qr/CREATE SERVER/, 'and what to do');
my $first = start_script_server(http => {});
takes_at_most(1, 'CREATE SERVER sends what waited at once', sub {
	add_sms($node, $first->{http}, name => 'first', priority => 1);
	sent(sa_number(1), 'it is sent');
});

# ---- priority

my $second = start_script_server(http => {});
add_sms($node, $second->{http}, name => 'second', priority => 2);
invite($node, map { sa_number($_) } 10 .. 29);
sent(sa_number($_), "message $_ is sent") for 10, 29;
is(scalar(recipients($second)), 0, 'the second provider gets nothing while the first is well');
$node->safe_psql('postgres', "SELECT group_api.pause('first', 'contract ended')");
is($node->safe_psql('postgres', "SELECT state, reason FROM group_api.providers WHERE server = 'first'"), 'paused|contract ended',
	'pause() is visible with its reason');
invite($node, sa_number(30));
is(sent(sa_number(30), 'while the first is paused, invitations are sent'), 'second', 'by the second');
$node->safe_psql('postgres', "SELECT group_api.resume('first')");
invite($node, sa_number(31));
is(sent(sa_number(31), 'after resume() too'), 'first', 'by the first again');
set_rules($first, http => { rules => [ { replies => [ { status => 401 } ] } ] });
my @failover = map { sa_number($_) } 40 .. 59;
invite($node, @failover);
all_are_sent(@failover);
is_deeply([ sort(recipients($second)) ], [ sort(sa_number(30), @failover) ], 'what a misconfigured provider refuses goes to the second, once');
set_rules($first, http => {});
$node->safe_psql('postgres', "SELECT group_api.resume('first')");
my $closed = dead_port();
$node->safe_psql('postgres', "ALTER SERVER first OPTIONS (SET url 'http://127.0.0.1:$closed')");
takes_at_most(1, 'one message does not wait for a dead provider', sub {
	invite($node, sa_number(80));
	is(sent(sa_number(80), 'it is sent'), 'second', 'by the second');
});
cmp_ok(delivery_of($node, sa_number(80))->{attempts}, '<=', 2, 'at the second try');
my @dead = map { sa_number($_) } 60 .. 79;
invite($node, @dead);
all_are_sent(@dead);
is(scalar(grep { delivery_of($node, $_)->{server} eq 'second' } @dead), 20, 'what a dead provider cannot take goes to the second');
$node->safe_psql('postgres', "ALTER SERVER first OPTIONS (SET url '$first->{http}')");

sub all_are_sent
{
	my %wanted = map { $_ => 1 } @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll_until(sub {
		my @rows = split /\n/, $node->safe_psql('postgres',
			"SELECT contact FROM group_api_private.invitations WHERE delivery = 'sent'");
		return keys(%wanted) == grep { $wanted{$_} } @rows;
	}, scalar(@_) . ' invitations are sent', 20);
}

# ---- prefixes

$node->safe_psql('postgres', 'DROP SERVER second');
my $german = start_script_server(http => {});
my $mail = start_script_server(smtp => {});
my $school = start_script_server(smtp => {});
add_sms($node, $german->{http}, name => 'german', priority => 0, prefixes => '+49,+43');
add_mail($node, $mail->{smtp}, priority => 5);
add_mail($node, $school->{smtp}, name => 'school', priority => 1, prefixes => 'school.example, uni.example');
invite($node, german_number(1), sa_number(100), uk_number(1), 'a@school.example', 'b@example.com', 'c@uni.example', 'd@notschool.example');
is(sent(german_number(1), 'a German number is sent'), 'german', 'by the provider for its prefix');
is(sent($_, "$_ is sent"), 'first', 'by the provider for all') for sa_number(100), uk_number(1);
is(sent($_, "$_ is sent"), 'school', 'by the provider for its domain') for 'a@school.example', 'c@uni.example';
is(sent($_, "$_ is sent"), 'mail', 'by the provider for all') for 'b@example.com', 'd@notschool.example', 'orphan@example.com';
$node->safe_psql('postgres', "SELECT group_api.pause('german')");
invite($node, german_number(2));
is(sent(german_number(2), 'while the provider for a prefix is paused its numbers are sent'), 'first', 'by the provider for all');

# What none of them takes must not wait unseen, although others are ready.
sub health_of
{
	my ($channel) = @_;
	return $node->safe_psql('postgres', "SELECT ok, fact, hint FROM group_api.health() WHERE \"check\" = 'provider for $channel'");
}

$node->safe_psql('postgres', q{SELECT group_api.resume('german'), group_api.pause('first', 'moving')});
invite($node, uk_number(50));
is(health_of('MOBILE'), "f|1 waiting, 1 of them for no provider that is ready; first is paused: moving|SELECT group_api.resume('first');",
	'health() tells of what waits for a paused provider');
$node->safe_psql('postgres', q{SELECT group_api.resume('first')});
is(sent(uk_number(50), 'then it is sent'), 'first', 'by it');
is(health_of('MOBILE'), 't|0 waiting|', 'and health() says that all is well');
$node->safe_psql('postgres', q{ALTER SERVER first OPTIONS (ADD prefixes '+27'); ALTER SERVER mail OPTIONS (ADD prefixes 'a_b.example')});
invite($node, uk_number(51), 'e@axb.example', 'f@school.example');
is(sent('f@school.example', 'what one takes is sent'), 'school', 'by it');
is(health_of('MOBILE'), 'f|1 waiting, 1 of them for no provider that is ready|give one of the providers these prefixes, or none: SELECT * FROM group_api.providers;',
	'health() tells of what no provider takes');
like(health_of('EMAIL'), qr/^f\|1 waiting, 1 of them for no provider/, 'in mail, too');
$node->safe_psql('postgres', 'ALTER SERVER first OPTIONS (DROP prefixes); ALTER SERVER mail OPTIONS (DROP prefixes)');
all_are_sent(uk_number(51), 'e@axb.example');

# ---- a refusal that comes late, of settings that were put right meanwhile

my $late = start_script_server(http => { rules => [ { match => substr(uk_number(60), 1),
	replies => [ { status => 401, body => 'wrong password', hold => 1 } ] } ] });
add_sms($node, $late->{http}, name => 'late', priority => 0, prefixes => '+44');
$node->safe_psql('postgres', "CREATE USER MAPPING FOR PUBLIC SERVER late OPTIONS (username 'me', password 'wrong')");
invite($node, uk_number(60));
poll_until(sub { recipients($late) }, 'a provider is about to refuse our password');
$node->safe_psql('postgres', "ALTER USER MAPPING FOR PUBLIC SERVER late OPTIONS (SET password 'right')");
# Read by the dispatcher: the next message shows it.
invite($node, uk_number(61));
poll_until(sub { recipients($late) == 2 }, 'which is put right');
set_rules($late, http => {});
is(sent(uk_number(60), 'what was refused by the old password is sent'), 'late', 'by the very same provider');
is($node->safe_psql('postgres', "SELECT state FROM group_api.providers WHERE server = 'late'"), 'ready', 'which was not paused for it');
$node->safe_psql('postgres', 'DROP SERVER late CASCADE');
all_are_sent(uk_number(61));

# ---- rate

my $slow = start_script_server(http => {});
add_sms($node, $slow->{http}, name => 'slow', priority => 0, prefixes => '+44', rate => 10);
my @paced = map { uk_number($_) } 101 .. 120;
my $asked = time;
invite($node, @paced);
my $began = time;
invite($node, map { sa_number($_) } 101 .. 120);
all_are_sent(map { sa_number($_) } 101 .. 120);
at_most(time - $began, 1, 'a slow rate delays no other provider');
all_are_sent(@paced);
my @at = map { $_->{at} } read_log($slow, 'request');
is_deeply([ grep { $at[$_] - $asked < ($_ - 2) / 10 } 0 .. $#at ], [], 'at rate 10 none of twenty messages comes before its tenth of a second');
at_most($at[-1] - $asked, 3.5, 'and the last not much later');

# ---- dispatch off, and on again

$node->append_conf('postgresql.conf', 'group_api.dispatch = off');
$node->reload;
poll_until(sub { $node->safe_psql('postgres', 'SHOW group_api.dispatch') eq 'off' }, 'group_api.dispatch is off');
my $before = scalar(recipients($first));
invite($node, sa_number(200));
poll_until(sub { (dispatcher($node)->{reason} // '') =~ /dispatch is off/ }, 'the dispatcher says that it is off');
like($node->safe_psql('postgres', "SELECT fact FROM group_api.health() WHERE \"check\" = 'dispatcher'"), qr/dispatch is off/, 'so does health()');
is(deliveries($node)->{queued}, 1, 'invitations are queued');
$node->append_conf('postgresql.conf', 'group_api.dispatch = on');
takes_at_most(1.5, 'switched on again they are sent at once', sub {
	$node->reload;
	sent(sa_number(200), 'it is sent');
});
is(scalar(recipients($first)), $before + 1, 'once');
is(dispatcher($node)->{reason}, undef, 'and nothing is said to be off');
$node->append_conf('postgresql.conf', 'group_api.dispatch = off');
$node->reload;
poll_until(sub { (dispatcher($node)->{reason} // '') =~ /dispatch is off/ }, 'off once more, with nothing waiting');
$node->append_conf('postgresql.conf', 'group_api.dispatch = on');
$node->reload;
poll_until(sub { !defined dispatcher($node)->{reason} }, 'on again, it says so although nothing waits', 5);

# ---- a provider that is dropped while it sends, and comes back

set_rules($first, http => { rules => [ { replies => [ { hold => 1 } ] } ] });
invite($node, map { sa_number($_) } 301 .. 320);
poll_until(sub { scalar(recipients($first)) > $before + 1 }, 'a provider is sending');
$node->safe_psql('postgres', 'DROP SERVER first');
poll_until(sub { deliveries($node)->{queued} }, 'dropped, it gives back what was not taken up');
set_rules($first, http => {});
poll_until(sub { !grep { $_ eq 'sending' } keys %{ deliveries($node) } }, 'what is under way it finishes');
my $waiting = deliveries($node)->{queued} // 0;
cmp_ok($waiting, '>', 0, 'the rest waits');
add_sms($node, $first->{http}, name => 'first');
all_are($node, 'sent', 'made again, it sends the rest');
is_deeply(twice(grep { $_ gt sa_number(300) } recipients($first)), {}, 'and nothing twice');

# ---- a provider that is resumed before its pause is on the record

sub times_paused { return scalar(() = slurp_file($node->logfile) =~ /provider "strict" of group_api is paused/g); }

my $strict = start_script_server(http => { rules => [ { replies => [ { status => 401 } ] } ] });
$node->safe_psql('postgres', "DROP SERVER $_ CASCADE") for qw(first german slow);
add_sms($node, $strict->{http}, name => 'strict');
my $operator = psql_in_background($node, "BEGIN; SELECT group_api.pause('mail');");
invite($node, sa_number(401));
poll_until(sub { times_paused() == 1 }, 'one that refuses us is paused while somebody pauses another');
is($node->safe_psql('postgres', "SELECT state FROM group_api.providers WHERE server = 'strict'"), 'ready', 'of which nothing is on the record yet');
set_rules($strict, http => {});
$node->safe_psql('postgres', "SELECT group_api.resume('strict')");
sent(sa_number(401), 'resumed it sends');
$operator->{finish}->();
invite($node, sa_number(402));
sent(sa_number(402), 'and goes on when the record is free');
is(times_paused(), 1, 'it was paused once');

# ---- and when the providers cannot be read then

sub turns { return $node->safe_psql('postgres', 'SELECT turns FROM group_api_private.dispatcher_state()'); }

set_rules($strict, http => { rules => [ { replies => [ { status => 401 } ] } ] });
$operator = psql_in_background($node, "BEGIN; SELECT group_api.resume('strict');");
invite($node, sa_number(403));
poll_until(sub { times_paused() == 2 }, 'one that refuses us is paused while somebody resumes it');
my $locker = psql_in_background($node, 'BEGIN; LOCK TABLE group_api_private.templates IN SHARE MODE;');
set_rules($strict, http => {});
$operator->{say}->('COMMIT;');
my $turns = turns();
poll_until(sub { turns() > $turns + 5 }, 'the dispatcher goes on, though a lock keeps it from reading the providers');
is($node->safe_psql('postgres', 'SELECT count(*) FROM group_api_private.pauses'), '0', 'and records no pause that was before');
$locker->{finish}->();
sent(sa_number(403), 'resumed it sends');
$operator->{finish}->();

$node->stop;
done_testing();
