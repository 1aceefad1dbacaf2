# What an owner of a database or a role may set does not reach the dispatcher,
# and what the server says in its log holds no secret.
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
jit = on
group_api.retry_base = 1
group_api.max_databases = 2
log_min_messages = debug5
log_min_duration_statement = 0
log_statement = all
debug_print_plan = on");
my $gateway = start_script_server(http => { rules => [ { replies => [ { status => 503 }, { status => 200 } ] } ] });
my $next = 0;

add_sms($node, $gateway->{http});
$node->safe_psql('postgres', "CREATE ROLE nobody; CREATE SCHEMA evil;
	CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz'");

# Each as it would be for every new session of the database.
my @settings = (
	"search_path = 'evil, pg_catalog'", "statement_timeout = '1ms'", "lock_timeout = '1ms'",
	'default_transaction_read_only = on', "default_transaction_isolation = 'serializable'",
	'default_transaction_deferrable = on', "session_replication_role = 'replica'",
	"role = 'nobody'", 'row_security = off', 'enable_indexscan = off', 'enable_nestloop = off',
	'enable_bitmapscan = off', "DateStyle = 'German, DMY'", "TimeZone = 'Asia/Kathmandu'",
	"IntervalStyle = 'iso_8601'", "bytea_output = 'escape'", 'extra_float_digits = -15',
	'standard_conforming_strings = off', 'transform_null_equals = on', 'quote_all_identifiers = on',
	'synchronous_commit = off', "client_encoding = 'LATIN1'", 'array_nulls = off',
	"idle_in_transaction_session_timeout = '1ms'", "idle_session_timeout = '1ms'", "work_mem = '64kB'",
	"default_tablespace = 'no_such'", "temp_tablespaces = ''", 'check_function_bodies = off',
	"xmloption = 'document'", "plan_cache_mode = 'force_custom_plan'", 'jit_above_cost = 0',
	"default_table_access_method = 'heap'", "constraint_exclusion = 'on'", 'max_stack_depth = 100');

# The pid of another dispatcher than OLD, asked for where the settings do not reach.
sub next_dispatcher
{
	my ($old) = @_;
	my $found = "backend_type = 'group_api dispatcher' AND datname = 'postgres' AND pid <> $old";

	$node->poll_query_until('template1', "SELECT count(*) = 1 FROM pg_stat_activity WHERE $found")
	  or die 'no dispatcher comes';
	return $node->safe_psql('template1', "SELECT pid FROM pg_stat_activity WHERE $found");
}

my $pid = next_dispatcher(0);
for my $setting (@settings)
{
	my $number = sa_number(++$next);

	$node->psql('template1', "ALTER DATABASE postgres SET $setting");
	kill 'TERM', $pid;
	$pid = next_dispatcher($pid);
	# The caller is to be spared what the dispatcher got.
	$node->psql('template1', 'ALTER DATABASE postgres RESET ALL');
	invite($node, $number);
	poll_until(sub { delivery_of($node, $number)->{delivery} eq 'sent' }, "ALTER DATABASE SET $setting stops nothing", 15);
}

# ---- what is not on the disk yet is not sent

# Nobody else writes the log of transactions in time, and what is not written is lost.
$node->append_conf('postgresql.conf', "autovacuum = off\nwal_writer_delay = '10s'\nwal_writer_flush_after = '1GB'");
$node->reload;
$node->safe_psql('template1', "ALTER DATABASE postgres SET synchronous_commit = off");
kill 'TERM', $pid;
$pid = next_dispatcher($pid);
my $flushed = sa_number(++$next);
set_rules($gateway, http => { rules => [ { match => $flushed =~ s/\+/./r, replies => ['hang'] } ] });
$node->safe_psql('postgres', 'CHECKPOINT');
$node->safe_psql('postgres', 'SET synchronous_commit = on; SELECT group_api.create_group(' . group_body($flushed) . ')');
poll_until(sub { grep { $_ eq $flushed } sms_recipients($gateway) }, 'the gateway has the first byte of a message');
$node->stop('immediate');
set_rules($gateway, http => {});
$node->start;
$node->safe_psql('template1', 'ALTER DATABASE postgres RESET ALL');
poll_until(sub { delivery_of($node, $flushed)->{delivery} eq 'sent' }, 'it is sent again after the crash', 15);
is(delivery_of($node, $flushed)->{attempts}, 2, 'as a second try, since the first was on the disk before the first byte left');

# ---- no secret in the log

$node->safe_psql('postgres', "SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_messages = 'panic'; SET debug_print_plan = off;
	CREATE USER MAPPING FOR PUBLIC SERVER sms OPTIONS (username 'me', password 'canary-password')");
invite($node, sa_number(++$next));
poll_until(sub { delivery_of($node, sa_number($next))->{delivery} eq 'sent' }, 'a message is sent with a password');
$node->safe_psql('postgres', 'SELECT group_api.pause($$sms$$)');
$node->reload;
my ($text) = map { from_json($_->{body})->{text} } grep { $_->{body} } reverse read_log($gateway, 'request');
my ($token) = $text =~ m{([A-Za-z0-9_.~-]+)\s*$};
my $secret = $node->safe_psql('postgres', "SET log_min_messages = 'panic'; SELECT encode(secret, 'hex') FROM group_api_private.link_secret");
my $log = slurp_file($node->logfile);
cmp_ok(length $log, '>', 100_000, 'the log is full of details');
ok(index($log, 'canary-password') < 0, 'but not of passwords');
ok(index($log, $token) < 0, 'nor of the tokens of links');
ok(index($log, $secret) < 0, 'nor of the secret they are made of');
my $process = $node->safe_psql('postgres', "SELECT string_agg(query, ' ') FROM pg_stat_activity WHERE backend_type LIKE 'group_api %'");
unlike($process, qr/canary|\+27/, 'pg_stat_activity shows neither passwords nor contacts');
my $courier = courier_pid($node);
unlike(slurp_file("/proc/$courier/cmdline"), qr/canary/, 'nor does the command line of the courier');

# ---- more databases than there is room for

$node->safe_psql('postgres', "CREATE DATABASE $_") for qw(two three);
# Both are tried while they have no extension; nobody looks at them again by itself.
for my $name (qw(two three)) {
	my $oid = $node->safe_psql('postgres', "SELECT oid FROM pg_database WHERE datname = '$name'");
	poll_until(sub { slurp_file($node->logfile) =~ /unregistering background worker "group_api dispatcher for database $oid"/ }, "database $name is tried");
}
$node->safe_psql($_, 'CREATE EXTENSION group_api') for qw(two three);
wait_for_dispatcher($node, 'the second database has a dispatcher', database => 'two');
poll_until(sub { (dispatcher($node, 'three')->{reason} // '') =~ /max_databases/ }, 'the third says that group_api.max_databases is used up');
is($node->safe_psql('three', "SELECT ok FROM group_api.health() WHERE \"check\" = 'dispatcher'"), 'f', 'so does health()');
ok(invite($node, \'three', sa_number(++$next)), 'groups can be created there all the same');
$node->safe_psql('postgres', 'DROP DATABASE two');
wait_for_dispatcher($node, 'when another database is dropped it gets its dispatcher, though it says nothing more', database => 'three', seconds => 10);

# ---- settings reach a dispatcher that has ended since it could send nothing

$node->append_conf('postgresql.conf', 'group_api.dispatcher_idle_timeout = 0');
$node->reload;
set_rules($gateway, http => {});
$node->safe_psql('postgres', "SELECT group_api.resume('sms')");
add_sms($node, $gateway->{http}, database => 'three');

sub has_ended
{
	my ($database) = @_;
	my $state = dispatcher($node, $database);
	return $state->{state} eq 'idle' && !$state->{pid};
}

# Both databases are sent from no more after OFF, and are again after ON, which is one transaction.
sub are_reached
{
	my ($what, $off, @on) = @_;
	my %number = map { $_ => sa_number(++$next) } qw(postgres three);
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	poll_until(sub { has_ended('postgres') && has_ended('three') }, "$what: both dispatchers have ended");
	$node->safe_psql('template1', $off);
	invite($node, \$_, $number{$_}) for sort keys %number;
	poll_until(sub { has_ended('postgres') && has_ended('three') }, "$what: switched off they end");
	is(delivery_of($node, $number{$_}, $_)->{delivery}, 'queued', "$what: in $_ nothing is sent") for sort keys %number;
	$node->safe_psql('template1', join ';', 'BEGIN', @on, 'COMMIT');
	poll_until(sub { delivery_of($node, $number{$_}, $_)->{delivery} eq 'sent' }, "$what: switched on it is, in $_", 15) for sort keys %number;
	return;
}

my @of_both = map { "ALTER DATABASE $_ RESET group_api.dispatch" } qw(postgres three);
are_reached('a setting of all roles', 'ALTER ROLE ALL SET group_api.dispatch = off', 'ALTER ROLE ALL RESET group_api.dispatch');
are_reached('settings of two databases at once', join(';', map { s/RESET (.*)/SET $1 = off/r } @of_both), @of_both);
are_reached('those of all roles and of a database at once', 'ALTER ROLE ALL SET group_api.dispatch = off',
	'ALTER ROLE ALL RESET group_api.dispatch', 'ALTER DATABASE three SET group_api.retry_base = 2');
poll_until(sub { has_ended('postgres') }, 'with nothing to do the dispatcher ends');
my $turns = dispatcher($node)->{turns};
$node->safe_psql('template1', "ALTER ROLE nobody SET work_mem = '1MB'");
ok(has_ended('postgres') && dispatcher($node)->{turns} == $turns, 'what a role has for itself starts none');

$node->stop;
done_testing();
