# How the extension comes and goes: dispatchers start by themselves where it is
# installed, end where it is dropped, and nobody ever restarts the server for it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

sub dispatchers
{
	my ($node) = @_;
	return $node->safe_psql('postgres', "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_stat_activity
		WHERE backend_type = 'group_api dispatcher'");
}

# ---- without the preload

my $plain = PostgreSQL::Test::Cluster->new('plain');
$plain->init(extra => ["--username=$ENV{PGUSER}"]);
$plain->start;
my ($status, undef, $error) = $plain->psql('postgres', '\set VERBOSITY verbose
	CREATE EXTENSION group_api');
isnt($status, 0, 'without shared_preload_libraries CREATE EXTENSION fails');
like($error, qr/ERROR:\s+55000/, 'with SQLSTATE 55000');
like($error, qr/HINT:.*shared_preload_libraries/, 'and the hint what to set');
is($plain->safe_psql('postgres', "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'group_api%'"), '0', 'it leaves nothing behind');
$plain->append_conf('postgresql.conf', "shared_preload_libraries = 'group_api'");
$plain->restart;
is(dispatchers($plain), '', 'preloaded, but not created: no database has a dispatcher');

# ---- CREATE, DROP, CREATE

my $node = $plain;
takes_at_most(2, 'CREATE EXTENSION starts a dispatcher, without a restart', sub {
	$node->safe_psql('postgres', 'CREATE EXTENSION group_api');
	wait_for_dispatcher($node, 'the dispatcher runs');
});
my $sink = start_http_sink(log => 1);
add_sms($node, $sink->{http});
invite($node, sa_number(1));
all_are($node, 'sent', 'it sends');
my ($dispatcher, $courier) = @{ dispatcher($node) }{qw(pid courier_pid)};
$node->psql('postgres', 'BEGIN; DROP EXTENSION group_api CASCADE; ROLLBACK');
is(dispatcher($node)->{pid}, $dispatcher, 'a DROP that is rolled back leaves the dispatcher alone');
invite($node, sa_number(2));
all_are($node, 'sent', 'it goes on sending');
takes_at_most(1, 'DROP EXTENSION ends dispatcher and courier', sub {
	$node->safe_psql('postgres', 'DROP EXTENSION group_api CASCADE');
	poll_until(sub { !is_alive($dispatcher) && !is_alive($courier) }, 'both are gone');
});
for my $round (1 .. 4)
{
	takes_at_most(2, "CREATE EXTENSION starts another, round $round", sub {
		$node->safe_psql('postgres', 'CREATE EXTENSION group_api');
		wait_for_dispatcher($node, 'the dispatcher runs');
	});
	$node->safe_psql('postgres', 'DROP EXTENSION group_api CASCADE');
}
$node->safe_psql('postgres', 'BEGIN; CREATE EXTENSION group_api; ROLLBACK');
poll_until(sub { dispatchers($node) eq '' }, 'a CREATE that is rolled back starts none');
$node->safe_psql('postgres', 'CREATE EXTENSION group_api');
wait_for_dispatcher($node, 'one that is committed does');

# ---- DROP EXTENSION while sends hang

my $gateway = start_script_server(http => { rules => [ { replies => ['hang'] } ] });
add_sms($node, $gateway->{http}, name => 'hanging', max_connections => 32, timeout => 300);
invite($node, map { sa_number($_) } 1 .. 64);
poll_until(sub { recipients($gateway) == 32 }, '32 sends hang');
($dispatcher, $courier) = @{ dispatcher($node) }{qw(pid courier_pid)};
my $log_start = -s $node->logfile;
takes_at_most(1, 'DROP EXTENSION takes at most a second while 32 sends hang', sub {
	$node->safe_psql('postgres', 'DROP EXTENSION group_api CASCADE');
	poll_until(sub { !is_alive($dispatcher) && !is_alive($courier) }, 'dispatcher and courier are gone');
});
$node->safe_psql('postgres', 'SELECT 1') for 1 .. 5;
unlike(substr(slurp_file($node->logfile), $log_start) =~ s/.*statement: .*//gr, qr/ERROR|FATAL|WARNING|PANIC/, 'the log has no complaint');
takes_at_most(2, 'CREATE EXTENSION works again at once', sub {
	$node->safe_psql('postgres', 'CREATE EXTENSION group_api');
	wait_for_dispatcher($node, 'the dispatcher runs');
});

# ---- two databases, and one without

$node->safe_psql('postgres', "CREATE DATABASE $_") for qw(one two bare);
for my $name (qw(one two))
{
	$node->safe_psql($name, 'CREATE EXTENSION group_api');
	wait_for_dispatcher($node, "a dispatcher for $name runs", database => $name);
}
is(dispatchers($node), 'one postgres two', 'each database with the extension has one dispatcher, the others none');
my %sink = map { $_ => start_http_sink(log => 1) } qw(one two);
add_sms($node, $sink{$_}{http}, database => $_) for qw(one two);
invite($node, \'one', map { sa_number($_) } 1 .. 50);
invite($node, \'two', map { sa_number($_) } 51 .. 100);
all_are($node, 'sent', "everything of $_ is sent", database => $_) for qw(one two);
is_deeply([ sort(recipients($sink{one})) ], [ map { sa_number($_) } 1 .. 50 ], 'by its own provider, and only that, once');
is_deeply([ sort(recipients($sink{two})) ], [ map { sa_number($_) } 51 .. 100 ], 'of the other database as well');

# ---- what waits when the server stops is sent after the start

$node->safe_psql('one', "SELECT group_api.pause('sms')");
invite($node, \'one', sa_number(200));
$node->safe_psql('two', "ALTER SERVER sms OPTIONS (SET url '$gateway->{http}')");
invite($node, \'two', sa_number(201));
poll_until(sub { grep { $_ eq sa_number(201) } recipients($gateway) }, 'one hangs');
set_rules($gateway, http => {});
$node->restart;
poll_until(sub { dispatchers($node) eq 'one postgres two' }, 'a restart brings all dispatchers back', 5);
all_are($node, 'sent', 'what hung when the server stopped is sent, with nobody doing anything', database => 'two', seconds => 5);
is(delivery_of($node, sa_number(200), 'one')->{delivery}, 'queued', 'what is paused stays paused over a restart');
$node->safe_psql('one', "SELECT group_api.resume('sms')");
all_are($node, 'sent', 'until it is resumed', database => 'one');

# ---- the launcher ends and comes back

my $launcher = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'group_api launcher'";
for my $round (1 .. 3)
{
	my $old = $node->safe_psql('postgres', $launcher);
	my $worker = dispatcher($node, 'one')->{pid};
	kill 'TERM', $worker;
	kill 'TERM', $old;
	poll_until(sub { my $new = $node->safe_psql('postgres', $launcher); $new ne '' && $new ne $old }, "another launcher comes, round $round", 5);
	wait_for_dispatcher($node, 'and a dispatcher', database => 'one', not => $worker, seconds => 5);
}
is(dispatchers($node), 'one postgres two', 'each database has exactly one dispatcher');

# ---- a dispatcher that crashes at every start

# Held up by a lock that outlives crashes, it is killed before its first turn.
$node->append_conf('postgresql.conf', "max_prepared_transactions = 2\nrestart_after_crash = on");
$node->restart;
wait_for_dispatcher($node, 'a dispatcher is there', database => 'one');
$node->safe_psql('one', "BEGIN; LOCK TABLE group_api_private.pauses; PREPARE TRANSACTION 'lock'");
$dispatcher = dispatcher($node, 'one')->{pid};
kill 'TERM', $dispatcher;
my $held_up = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'group_api dispatcher' AND datname = 'one' AND wait_event_type = 'Extension'";
# The one that was just told to end is none that starts.
my $killed = $dispatcher;
for my $crash (1 .. 3)
{
	my $starting;
	# What was killed is shown until the server has noticed.
	poll_until(sub { ($starting = $node->safe_psql('postgres', $held_up)) =~ /^\d+$/ && $starting != $killed }, "one is about to start, crash $crash", 10) or last;
	kill 'KILL', $killed = $starting;
	poll_until(sub { !is_alive($starting) && $node->safe_psql('postgres', 'SELECT 1') }, 'the server recovers from its crash', 10);
}
poll_until(sub { (dispatcher($node, 'one')->{reason} // '') =~ /crashed/ }, 'after three crashes it is left off and says so', 10);
$node->safe_psql('one', "ROLLBACK PREPARED 'lock'");
is($node->safe_psql('one', "SELECT ok FROM group_api.health() WHERE \"check\" = 'dispatcher'"), 'f', 'so does health()');
wait_for_dispatcher($node, 'other databases have theirs', database => 'two', seconds => 5);
ok(invite($node, \'one', sa_number(250)), 'groups are created as ever');
is(delivery_of($node, sa_number(250), 'one')->{delivery}, 'queued', 'and queued');
$node->reload;
all_are($node, 'sent', 'a reload lets it try again, and all is sent', database => 'one');

# What failed before a restart of the server says nothing of the server of today.
my $one = $node->safe_psql('postgres', "SELECT oid FROM pg_database WHERE datname = 'one'");
$node->stop;
my $starts = $node->data_dir . "/group_api.starts.$one";
my ($uptime) = slurp_file('/proc/uptime') =~ /^(\d+)/;
append_to_file($starts, pack('qq', 4711, $uptime * 1_000_000) x 12);
$node->start;
wait_for_dispatcher($node, 'twelve failed starts before a restart do not keep a dispatcher away', database => 'one', seconds => 3);
poll_until(sub { !-e $starts }, 'and are forgotten once it works');

# ---- more databases than workers

$node->append_conf('postgresql.conf', 'max_worker_processes = 4');
$node->restart;
my @all = qw(one two postgres);
add_sms($node, $sink{one}{http}) unless $node->safe_psql('postgres', 'SELECT count(*) FROM group_api.providers');
$node->safe_psql('two', "ALTER SERVER sms OPTIONS (SET url '$sink{two}{http}')");
invite($node, \$_, sa_number(300)) for @all;
all_are($node, 'sent', "with too few worker processes $_ is served in turn", database => $_) for @all;
is(join(' ', map { $node->safe_psql($_, "SELECT ok FROM group_api.health() WHERE \"check\" = 'dispatcher'") } @all), 't t t', 'health() has nothing against it');
unlike(slurp_file($node->logfile), qr/no background worker left/, 'nor has the log');
$node->append_conf('postgresql.conf', 'max_worker_processes = 8');
$node->restart;
poll_until(sub { dispatchers($node) eq 'one postgres two' }, 'with enough of them all run', 5);

$node->stop;
done_testing();
