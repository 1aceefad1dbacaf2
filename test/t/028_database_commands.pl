# What is done to databases reaches their dispatchers however it is said: in one
# transaction or a prepared one, by ALTER DATABASE or behind everybody's back; and
# what goes wrong in one of them is no other's trouble.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_node('main', extension => 0, conf => "
fsync = off
max_prepared_transactions = 10
restart_after_crash = on
group_api.retry_base = 1");
my $sink = start_http_sink(log => 1, delay_ms => 5);
my $next = 0;

sub sql { my ($database, $sql) = @_; return $node->safe_psql($database, $sql); }
sub answers { return eval { sql('postgres', 'SELECT 1') }; }

sub make_database
{
	my ($name) = @_;

	sql('postgres', "CREATE DATABASE $name");
	sql($name, 'CREATE EXTENSION group_api');
	add_sms($node, $sink->{http}, database => $name);
	return;
}

sub sends
{
	my ($database, $what, $seconds) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	invite($node, \$database, sa_number(++$next));
	return all_are($node, 'sent', $what, database => $database, seconds => $seconds);
}

# Runs SQL in a transaction that is prepared, and ends it in another session.
sub two_phase
{
	my ($database, $sql, $end) = @_;

	sql($database, "BEGIN; $sql; PREPARE TRANSACTION 'x'");
	sql($database, ($end // 'COMMIT') . " PREPARED 'x'");
	return;
}

# ---- ten names rotated in one transaction while all of them send

my @names = map { "d$_" } 0 .. 9;
make_database($_) for @names;
my %oid = map { split /\|/ } split /\n/, sql('postgres', "SELECT datname, oid FROM pg_database WHERE datname ~ '^d[0-9]'");
for my $name (@names)
{
	invite($node, \$name, map { sa_number(++$next) } 1 .. 40);
}
my $rotation = 'ALTER DATABASE d0 RENAME TO spare;'
  . join('', map { "ALTER DATABASE d$_ RENAME TO d" . ($_ - 1) . ';' } 1 .. 9)
  . 'ALTER DATABASE spare RENAME TO d9;';
takes_at_most(4, 'ten names are rotated in one transaction', sub { sql('postgres', "BEGIN; $rotation COMMIT") });
is(sql('postgres', "SELECT oid FROM pg_database WHERE datname = 'd9'"), $oid{d0}, 'as it says');
takes_at_most(2, 'and two swapped in another', sub {
	sql('postgres', 'BEGIN; ALTER DATABASE d0 RENAME TO spare; ALTER DATABASE d1 RENAME TO d0; ALTER DATABASE spare RENAME TO d1; COMMIT');
});
takes_at_most(4, 'all of them send again', sub {
	for my $name (@names)
	{
		sends($name, "$name sends under its new name");
	}
});
my @got = recipients($sink);
is(scalar(@got), 410, 'nothing is missing');
is_deeply(twice(@got), {}, 'and nothing is sent twice');
sql('postgres', "DROP DATABASE d$_") for 2 .. 9;

# ---- names in a prepared transaction

for my $end (qw(ROLLBACK COMMIT))
{
	sends('d0', "it sends before $end PREPARED");
	sql('postgres', "BEGIN; ALTER DATABASE d0 RENAME TO moved; PREPARE TRANSACTION 'x'");
	sends('d1', 'while the name of one is in doubt, another sends');
	takes_at_most(1, 'nothing is left to wait for', sub { sql('postgres', "$end PREPARED 'x'") });
	sends($end eq 'COMMIT' ? 'moved' : 'd0', "after $end PREPARED it sends", 4);
}
sql('postgres', 'ALTER DATABASE moved RENAME TO d0');
sql('postgres', "BEGIN; ALTER DATABASE d0 RENAME TO moved; PREPARE TRANSACTION 'x'");
$node->restart;
sends('d1', 'after a restart with a name in doubt, another one sends');
sql('postgres', "ROLLBACK PREPARED 'x'");
sends('d0', 'and the one in doubt when that is over');

# ---- what operators say in a prepared transaction

two_phase('d0', "SELECT group_api.pause('sms')");
my $waits = sa_number(++$next);
invite($node, \'d0', $waits);
# A dispatcher that had not heard it would have sent it before.
sends('d1', 'another database sends');
is(delivery_of($node, $waits, 'd0')->{delivery}, 'queued', 'pause() is heard at COMMIT PREPARED');
two_phase('d0', "SELECT group_api.resume('sms')", 'ROLLBACK');
is(sql('d0', 'SELECT state FROM group_api.providers'), 'paused', 'resume() is not at ROLLBACK PREPARED');
two_phase('d0', "SELECT group_api.resume('sms')");
all_are($node, 'sent', 'but at COMMIT PREPARED', database => 'd0', seconds => 4);
# It ends in a session of another database than the one that it is about.
two_phase('d1', 'ALTER DATABASE d0 SET group_api.dispatch = off');
poll_until(sub { (dispatcher($node, 'd0')->{reason} // '') eq 'group_api.dispatch is off' }, 'a setting of another database is heard at COMMIT PREPARED', 10);
two_phase('d1', 'ALTER DATABASE d0 RESET group_api.dispatch');
sends('d0', 'and that it is gone', 10);
sql('d0', 'DROP SERVER sms');
invite($node, \'d0', sa_number(++$next));
two_phase('d0', "CREATE SERVER other FOREIGN DATA WRAPPER group_api_http OPTIONS (url '$sink->{http}', channel 'MOBILE')");
all_are($node, 'sent', 'so is CREATE SERVER', database => 'd0', seconds => 4);
sql('postgres', 'CREATE DATABASE late');
two_phase('late', "CREATE EXTENSION group_api; CREATE SERVER sms FOREIGN DATA WRAPPER group_api_http OPTIONS (url '$sink->{http}', channel 'MOBILE')");
poll_until(sub { (dispatcher($node, 'late')->{reason} // '') =~ /first group/ }, 'and CREATE EXTENSION', 4);
sends('late', 'it sends');
sql('postgres', 'CREATE DATABASE copy TEMPLATE late');
invite($node, \'copy', sa_number(++$next));
two_phase('copy', 'SELECT group_api.adopt()');
all_are($node, 'sent', 'and adopt()', database => 'copy', seconds => 4);

# ---- closed for a while, with something waiting for its time

sub wait_with_work
{
	my ($database) = @_;

	sql($database, "SELECT group_api.pause('sms')");
	invite($node, \$database, sa_number(++$next));
	sql($database, "UPDATE group_api_private.invitations SET due = now() + interval '4 s', start_tag = NULL WHERE due IS NOT NULL;
		SELECT group_api.resume('sms')");
	return;
}

my %closing = (
	'ALLOW_CONNECTIONS' => [ 'ALTER DATABASE d1 ALLOW_CONNECTIONS false', 'ALTER DATABASE d1 ALLOW_CONNECTIONS true' ],
	'IS_TEMPLATE' => [ 'ALTER DATABASE d1 IS_TEMPLATE true', 'ALTER DATABASE d1 IS_TEMPLATE false' ],
	'a prepared ALTER DATABASE' => [ 'ALTER DATABASE d1 ALLOW_CONNECTIONS false',
		"BEGIN; ALTER DATABASE d1 ALLOW_CONNECTIONS true; PREPARE TRANSACTION 'x'", "COMMIT PREPARED 'x'" ],
	'an UPDATE and a reload' => [ "UPDATE pg_database SET datallowconn = false WHERE datname = 'd1'",
		"UPDATE pg_database SET datallowconn = true WHERE datname = 'd1'", 'SELECT pg_reload_conf()' ]);
for my $how (sort keys %closing)
{
	my ($close, @open) = @{ $closing{$how} };

	wait_with_work('d1');
	sql('postgres', $close);
	sql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'd1'");
	poll_until(sub { sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE datname = 'd1'") eq '0' }, 'nobody is connected');
	sends('d0', "a database is closed by $how, another sends");
	sql('postgres', $_) for @open;
	all_are($node, 'sent', 'opened again, it sends what was waiting', database => 'd1', seconds => 10);
}

# ---- the deaths of others are not the dispatcher's fault

# Held up by a lock that outlives crashes, it does not get to its first turn.
sql('d1', "BEGIN; LOCK TABLE group_api_private.pauses; PREPARE TRANSACTION 'lock'");
sub held_up
{
	return sql('postgres', "SELECT pid FROM pg_stat_activity
		WHERE backend_type = 'group_api dispatcher' AND datname = 'd1'");
}
sql('d1', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'd1' AND backend_type = 'group_api dispatcher'");
$node->reload;
for my $crash (1 .. 4)
{
	my $session = psql_in_background($node, 'SELECT pg_backend_pid();');
	my ($victim) = $session->{output}->() =~ /(\d+)/;

	poll_until(\&held_up, 'a dispatcher is about to start', 10);
	kill 'KILL', $victim;
	$session->{finish}->();
	poll_until(sub { !is_alive($victim) && answers() }, "the server recovers from the death of a session, crash $crash", 10);
}
poll_until(\&held_up, 'a dispatcher is started after each of them', 10);
unlike(dispatcher($node, 'd1')->{reason} // '', qr/crashed/, 'it is not called a crash of its own');

# ---- its own are; and one database's trouble is no other's

my $killed = 0;
for my $crash (1 .. 3)
{
	my $starting;
	# What was killed is shown until the server has noticed.
	poll_until(sub { ($starting = held_up()) =~ /^\d+$/ && $starting != $killed }, "one is about to start, crash $crash", 10) or last;
	kill 'KILL', $killed = $starting;
	poll_until(sub { !is_alive($starting) && answers() }, 'the server recovers from its crash', 10);
}
poll_until(sub { (dispatcher($node, 'd1')->{reason} // '') =~ /crashed at its last 3 starts; it is tried again at 2/ }, 'after three crashes of its own it is left off and says until when', 10);
sql('d1', "ROLLBACK PREPARED 'lock'");
like(sql('d1', "SELECT hint FROM group_api.health() WHERE \"check\" = 'dispatcher'"), qr/pg_reload_conf/, 'and what helps');
sql('postgres', 'CREATE DATABASE later');
my $launcher = sql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'group_api launcher'");
kill 'TERM', $launcher;
poll_until(sub { sql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'group_api launcher' AND pid <> $launcher") }, 'another launcher comes', 10);
sends('d0', 'with one database left off, others are served');
sql('later', 'CREATE EXTENSION group_api');
add_sms($node, $sink->{http}, database => 'later');
sends('later', 'new ones as well');
invite($node, \'d1', sa_number(++$next));
$node->reload;
all_are($node, 'sent', 'a reload lets it try again', database => 'd1', seconds => 10);

$node->stop;
done_testing();
