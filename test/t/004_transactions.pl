# An invitation leaves when, and only when, its transaction is committed; and no
# transaction is open while the network is waited for.
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
max_prepared_transactions = 10
group_api.retry_base = 1");
my $sink = start_http_sink(log => 1);
my $next = 0;

add_sms($node, $sink->{http});
sub number { return sa_number(++$next); }
sub create { return 'SELECT group_api.create_group(' . group_body(@_) . ');'; }
sub got { my %got = map { $_ => 1 } recipients($sink); return scalar grep { $got{$_} } @_; }

# Whatever was sent before it is there when this has arrived.
sub nothing_for
{
	my ($what, @numbers) = @_;
	my $last = number();
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	invite($node, $last);
	poll_until(sub { got($last) }, 'a later invitation arrives');
	is(got(@numbers), 0, $what);
	return;
}

# ---- the ends of a transaction

my @never = map { number() } 1 .. 5;
$node->safe_psql('postgres', 'BEGIN; ' . create(@never) . ' ROLLBACK;');
nothing_for('ROLLBACK sends nothing', @never);
my ($before, $within, $after) = map { number() } 1 .. 3;
$node->safe_psql('postgres', 'BEGIN; ' . create($before) . ' SAVEPOINT s; ' . create($within)
	. ' ROLLBACK TO s; ' . create($after) . ' COMMIT;');
poll_until(sub { got($before, $after) == 2 }, 'what was made before and after a savepoint is sent');
nothing_for('what was rolled back to the savepoint is not', $within);
my $only = number();
$node->safe_psql('postgres', 'BEGIN; SAVEPOINT s; ' . create($only) . ' RELEASE s; COMMIT;');
poll_until(sub { got($only) }, 'what was made within a savepoint is sent');
my ($caught, $kept) = (number(), number());
$node->safe_psql('postgres', "DO \$\$ BEGIN
	BEGIN PERFORM group_api.create_group(" . group_body($caught) . "); PERFORM 1/0; EXCEPTION WHEN division_by_zero THEN END;
	PERFORM group_api.create_group(" . group_body($kept) . "); END \$\$");
poll_until(sub { got($kept) }, 'what was made after a caught error is sent');
nothing_for('what the error undid is not', $caught);
my $open = number();
my $session = psql_in_background($node, 'BEGIN; ' . create($open));
nothing_for('an open transaction sends nothing', $open);
my $committed = time;
$session->{say}->('COMMIT;');
poll_until(sub { got($open) }, 'its commit sends');
note(sprintf 'from COMMIT to the gateway, as seen by polling: %.3f s', time - $committed);
$session->{finish}->();

my @steps = map { number() } 1 .. 3;
$node->safe_psql('postgres', 'DO $$ BEGIN ' . join(' COMMIT; ', map { 'PERFORM group_api.create_group(' . group_body($_) . ');' } @steps) . ' END $$');
poll_until(sub { got(@steps) == 3 }, 'what a procedure commits in steps is sent');

# ---- two phases

my ($first, $second) = (number(), number());
$node->safe_psql('postgres', "BEGIN; " . create($first) . " PREPARE TRANSACTION 'first';");
$node->safe_psql('postgres', "BEGIN; " . create($second) . " PREPARE TRANSACTION 'second';");
nothing_for('what is prepared is not sent', $first, $second);
takes_at_most(1, 'COMMIT PREPARED sends at once', sub {
	$node->safe_psql('postgres', "COMMIT PREPARED 'first'");
	poll_until(sub { got($first) }, 'it arrives');
});
$node->safe_psql('postgres', "ROLLBACK PREPARED 'second'");
nothing_for('ROLLBACK PREPARED never does', $second);
my $kept_over = number();
$node->safe_psql('postgres', "BEGIN; " . create($kept_over) . " PREPARE TRANSACTION 'third';");
$node->restart;
$node->safe_psql('postgres', "COMMIT PREPARED 'third'");
poll_until(sub { got($kept_over) }, 'a prepared transaction committed after a restart sends');

# ---- rows written by hand

my $by_hand = number();
takes_at_most(1, 'a plain INSERT by the owner is sent at once', sub {
	$node->safe_psql('postgres', "WITH g AS (SELECT id FROM group_api_private.groups LIMIT 1),
		m AS (INSERT INTO group_api_private.members (group_id, number, name) SELECT id, 1000, 'By hand' FROM g)
		INSERT INTO group_api_private.invitations (group_id, number, channel, delivery, due, contact)
		SELECT id, 1000, 'MOBILE', 'queued', now(), '$by_hand' FROM g");
	poll_until(sub { got($by_hand) }, 'it arrives');
});
my $later = number();
my $made = time;
$node->safe_psql('postgres', "WITH g AS (SELECT id FROM group_api_private.groups LIMIT 1),
	m AS (INSERT INTO group_api_private.members (group_id, number, name) SELECT id, 1001, 'Later' FROM g)
	INSERT INTO group_api_private.invitations (group_id, number, channel, delivery, due, contact)
	SELECT id, 1001, 'MOBILE', 'queued', now() + interval '2 s', '$later' FROM g");
poll_until(sub { got($later) }, 'one that is due in two seconds arrives');
cmp_ok(time - $made, '>=', 2, 'not before');
at_most(time - $made, 3, 'and not long after');

# ---- many at once

my @many = map { number() } 1 .. 100;
$node->safe_psql('postgres', 'BEGIN; ' . join(' ', map { create($_) } @many) . ' COMMIT;');
poll_until(sub { got(@many) == 100 }, 'a hundred groups of one transaction are all sent');
my @thousand = map { number() } 1 .. 1000;
invite($node, @thousand);
poll_until(sub { got(@thousand) == 1000 }, 'a group of a thousand is sent');
is($node->safe_psql('postgres', "SELECT group_api.wait_until_idle('5 min')"), 't', 'wait_until_idle() sees the end');
is_deeply(twice(recipients($sink)), {}, 'nothing was sent twice');

# ---- writers in parallel: nobody is overlooked

my @sessions = map { my $i = $_;
	psql_in_background($node, 'SELECT 1;') } 1 .. 4;
my @parallel;
for my $round (1 .. 10)
{
	# Transactions that overlap and end in another order than they began.
	my @numbers = map { number() } @sessions;
	$sessions[$_]{say}->('BEGIN; ' . create($numbers[$_])) for 0 .. $#sessions;
	$sessions[$_]{say}->('COMMIT;') for reverse 0 .. $#sessions;
	push @parallel, @numbers;
}
poll_until(sub { got(@parallel) == @parallel }, 'of overlapping transactions none is overlooked');
$_->{finish}->() for @sessions;

# ---- a locked row

my $slow = start_script_server(http => {});
$node->safe_psql('postgres', "ALTER SERVER sms OPTIONS (SET url '$slow->{http}')");
my $locked = number();
$node->safe_psql('postgres', "SELECT group_api.pause('sms')");
invite($node, $locked);
$session = psql_in_background($node, "BEGIN; SELECT FROM group_api_private.invitations WHERE contact = '$locked' FOR UPDATE;");
my @others = map { number() } 1 .. 3;
invite($node, @others);
$node->safe_psql('postgres', "SELECT group_api.resume('sms')");
poll_until(sub { my %got = map { $_ => 1 } recipients($slow); 3 == grep { $got{$_} } @others }, 'a row somebody holds locked does not hold up others');
ok(!grep({ $_ eq $locked } recipients($slow)), 'it is not sent itself');
my $released = time;
$session->{say}->('ROLLBACK;');
poll_until(sub { grep { $_ eq $locked } recipients($slow) }, 'released, it is sent');
at_most(time - $released, 2.5, 'soon');
$session->{finish}->();

# The invited person accepts while the message is still being sent.
my $answered = number();
set_rules($slow, http => { rules => [ { match => quotemeta $answered, replies => [ { hold => 1 } ] } ] });
my $group = invite($node, $answered);
poll_until(sub { grep { $_ eq $answered } recipients($slow) }, 'a message is under way');
my ($text) = map { from_json($_->{body})->{text} } grep { $_->{body} =~ /\Q$answered/ } read_log($slow, 'request');
my ($token) = $text =~ m{([A-Za-z0-9_.~-]+)\s*$};
$session = psql_in_background($node, "BEGIN; SELECT group_api.accept_invitation('$token');");
set_rules($slow, http => {});
my $while = number();
invite($node, $while);
poll_until(sub { delivery_of($node, $while)->{delivery} eq 'sent' }, 'an open transaction that accepts does not stop the delivery of others');
is(delivery_of($node, $answered)->{delivery}, 'sending', 'its own outcome waits');
$session->{say}->('COMMIT;');
$session->{finish}->();
poll_until(sub { delivery_of($node, $answered)->{response} eq 'accepted' }, 'the answer stands');
is(delivery_of($node, $answered)->{delivery}, 'delivered', 'and shows that the message was delivered');
my $undecided = number();
set_rules($slow, http => { rules => [ { match => quotemeta $undecided, replies => [ { hold => 1 } ] } ] });
invite($node, $undecided);
poll_until(sub { grep { $_ eq $undecided } recipients($slow) }, 'another is under way');
$session = psql_in_background($node, "BEGIN; SELECT FROM group_api_private.invitations WHERE contact = '$undecided' FOR UPDATE;");
set_rules($slow, http => {});
my $beside = number();
invite($node, $beside);
poll_until(sub { delivery_of($node, $beside)->{delivery} eq 'sent' }, 'another that came after it is sent');
is(delivery_of($node, $undecided)->{delivery}, 'sending', 'the row still says sending');
$session->{say}->('ROLLBACK;');
poll_until(sub { delivery_of($node, $undecided)->{delivery} eq 'sent' }, 'released, it is settled as sent', 3);
$session->{finish}->();
is_deeply(twice(recipients($slow)), {}, 'nothing was sent twice');

# ---- a commit while the dispatcher waits inside of PostgreSQL, which resets its latch

my ($slowly, $meanwhile) = (number(), number());
my $held = $node->data_dir . '/held';
$node->safe_psql('postgres', "
	CREATE FUNCTION public.dally() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
		WHILE (pg_stat_file('$held', true)).size IS NOT NULL LOOP PERFORM pg_sleep(0.05); END LOOP;
		RETURN NEW; END \$\$;
	CREATE TRIGGER dally BEFORE UPDATE ON group_api_private.invitations FOR EACH ROW
		WHEN (NEW.delivery = 'sent' AND NEW.contact = '$slowly') EXECUTE FUNCTION public.dally();");
append_to_file($held, 'x');
invite($node, $slowly);
poll_until(sub { $node->safe_psql('postgres', q(SELECT wait_event FROM pg_stat_activity WHERE backend_type = 'group_api dispatcher')) eq 'PgSleep' },
	'the dispatcher waits while it records');
invite($node, $meanwhile);
unlink $held;
poll_until(sub { grep { $_ eq $meanwhile } recipients($sink), recipients($slow) }, 'what was committed meanwhile is sent soon after', 2);
$node->safe_psql('postgres', 'DROP FUNCTION public.dally() CASCADE');

# ---- what the dispatcher does while the network hangs

set_rules($slow, http => { rules => [ { replies => ['hang'] } ] });
my @hung = map { number() } 1 .. 8;
invite($node, @hung);
poll_until(sub { my %got = map { $_ => 1 } recipients($slow); 8 == grep { $got{$_} } @hung }, 'eight sends hang');
settled(sub { dispatcher($node)->{turns} }, 'the dispatcher waits');
my $samples = $node->safe_psql('postgres', "
	CREATE TEMP TABLE sample (opened interval, horizon xid, state text);
	DO \$\$ BEGIN FOR i IN 1 .. 200 LOOP
		PERFORM pg_stat_clear_snapshot();
		INSERT INTO sample SELECT clock_timestamp() - xact_start, backend_xmin, state FROM pg_stat_activity
			WHERE backend_type = 'group_api dispatcher';
		PERFORM pg_sleep(0.01);
	END LOOP; END \$\$;
	SELECT count(*), count(opened), count(horizon), coalesce(max(opened), '0') FROM sample;");
my ($taken, $opened, $held, $longest) = split /\|/, $samples;
is($taken, 200, 'looked at 200 times while the network hangs');
# A look at what is due may fall into it; what waits for the network would be met each time.
cmp_ok($opened, '<', 20, 'no transaction of the dispatcher is open meanwhile');
cmp_ok($held, '<', 20, 'and no snapshot is held');
set_rules($slow, http => {});

$node->stop;
done_testing();
