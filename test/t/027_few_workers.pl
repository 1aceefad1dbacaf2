# Background workers are few: databases share them, one that has nothing to do
# needs none, and all the same everything is sent, once and when it is due.
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
max_prepared_transactions = 2
group_api.retry_base = 1");
my $sink = start_http_sink(log => 1);
my $next = 0;

sub sql { my ($database, $sql) = @_; return $node->safe_psql($database, $sql); }

sub dispatchers
{
	return sql('postgres', "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_stat_activity
		WHERE backend_type = 'group_api dispatcher'");
}

sub configure
{
	my (%settings) = @_;

	$node->append_conf('postgresql.conf', "group_api.$_ = $settings{$_}") for sort keys %settings;
	$node->reload;
	return;
}

sub make_database
{
	my ($name, $url) = @_;

	sql('postgres', "CREATE DATABASE $name");
	sql($name, 'CREATE EXTENSION group_api');
	add_sms($node, $url, database => $name);
	return;
}

sub is_idle_without_worker
{
	my ($database) = @_;
	my $state = dispatcher($node, $database);
	return $state->{state} eq 'idle' && !$state->{pid};
}

# ---- ten databases, and a parallel query, with eight worker processes

my @ten = map { "ten$_" } 0 .. 9;
make_database($_, $sink->{http}) for @ten;
is(sql('postgres', 'SHOW max_worker_processes'), '8', 'there are eight worker processes');
for my $round (1, 2)
{
	invite($node, \$_, sa_number(++$next)) for @ten;
	all_are($node, 'sent', "what is queued in $_ is sent, round $round", database => $_) for @ten;
}
is_deeply([ sort(recipients($sink)) ], [ map { sa_number($_) } 1 .. 20 ], 'all of them once');
is_deeply([ grep { sql($_, "SELECT ok FROM group_api.health() WHERE \"check\" = 'dispatcher'") ne 't' } @ten ], [],
	'and health() is content with each of them');
cmp_ok(scalar(split / /, dispatchers()), '<=', 4, 'by no more than four dispatchers');
sql('postgres', 'CREATE TABLE numbers AS SELECT generate_series(1, 100000) AS n; ANALYZE numbers');
# A dispatcher that ends has its process for a moment beside the one that comes.
poll_until(sub { sql('postgres', 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	EXPLAIN (ANALYZE, COSTS off, TIMING off) SELECT count(*) FROM numbers') =~ /Workers Launched: 2/ }, 'a parallel query gets its workers');
sql('postgres', "DROP DATABASE $_") for @ten;
poll_until(sub { sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'group_api dispatcher'") eq '0' },
	'what is dropped has no dispatcher');

# ---- who has nothing to do makes room at once

configure(max_dispatchers => 1, dispatcher_idle_timeout => -1);
make_database('one', $sink->{http});
make_database('two', $sink->{http});
for my $round (1, 2)
{
	for my $database (qw(one two))
	{
		invite($node, \$database, sa_number(++$next));
		all_are($node, 'sent', "with one dispatcher for all $database is served, round $round", database => $database, seconds => 5);
	}
	poll_until(sub { is_idle_without_worker('one') && dispatchers() eq 'two' }, 'the other one has given its worker back');
}
my $idle = dispatcher($node, 'two')->{pid};
ok($idle, 'where nobody waits it stays');

# ---- else after a while

configure(dispatcher_idle_timeout => "'1s'");
poll_until(sub { dispatchers() eq '' }, 'with a time-out it goes after that', 5);
poll_until(sub { dispatcher($node, 'two')->{state} eq 'idle' }, 'and its database is idle');
is(sql('two', "SELECT count(*) FROM group_api.health() WHERE severity = 'critical'"), '0', 'which is no trouble');
is(sql('two', "SELECT group_api.wait_until_idle('0 s')"), 't', 'nothing is waited for');
invite($node, \'two', sa_number(++$next));
all_are($node, 'sent', 'the next commit starts another', database => 'two', seconds => 5);

# ---- a time in the future

configure(dispatcher_idle_timeout => 0);
sql('two', "SELECT group_api.pause('sms')");
invite($node, \'two', sa_number(++$next));
my $due = time + 12;
sql('two', "UPDATE group_api_private.invitations SET due = to_timestamp($due), start_tag = NULL WHERE due IS NOT NULL");
sql('two', "SELECT group_api.resume('sms')");
poll_until(sub { is_idle_without_worker('two') }, 'one that is due later needs no dispatcher meanwhile');
is(deliveries($node, 'two')->{queued}, 1, 'it waits');
all_are($node, 'sent', 'when it is due it is sent', database => 'two');
my ($sent) = map { $_->{at} } grep { ($_->{body} // '') =~ /\Q${\ sa_number($next)}/ } read_log($sink);
cmp_ok($sent, '>=', $due, 'not earlier');
at_most($sent - $due, 0.5, 'and not much later');

# ---- a provider that wants to be left alone

my $gateway = start_script_server(http => { rules => [ { replies => [ { status => 429, headers => { 'Retry-After' => '3600' } } ] } ] });
make_database('resting', $gateway->{http});
invite($node, \'resting', sa_number(++$next));
poll_until(sub { recipients($gateway) == 1 && is_idle_without_worker('resting') }, 'a provider says when to come again, and the dispatcher goes');
my $turns = dispatcher($node, 'resting')->{turns};
invite($node, \'resting', sa_number(++$next));
poll_until(sub { dispatcher($node, 'resting')->{turns} > $turns && is_idle_without_worker('resting') }, 'the next commit starts another');
is(scalar(recipients($gateway)), 1, 'which keeps to that');
sql('resting', "ALTER SERVER sms OPTIONS (SET url '$sink->{http}')");
poll_until(sub { $sink->{seen} = grep { $_ eq sa_number($next) } recipients($sink) }, 'until the provider is changed');

# ---- copies need none

sql('one', "SELECT group_api.pause('sms')");
invite($node, \'one', map { sa_number(++$next) } 1 .. 5);
poll_until(sub { is_idle_without_worker('one') }, 'one with a paused provider needs no dispatcher');
sql('postgres', "CREATE DATABASE copy$_ TEMPLATE one") for 1 .. 3;
sql("copy$_", "SELECT group_api.resume('sms')") for 1 .. 3;
for my $copy (map { "copy$_" } 1 .. 3)
{
	poll_until(sub { (dispatcher($node, $copy)->{reason} // '') =~ /adopt/ && is_idle_without_worker($copy) }, "$copy says that it is to be adopted and has no dispatcher");
	is(sql($copy, "SELECT ok FROM group_api.health() WHERE \"check\" = 'adopted'"), 'f', 'so does health()');
	my $before = dispatcher($node, $copy)->{turns};
	invite($node, \$copy, sa_number(++$next)) for 1 .. 3;
	# One that is started takes a turn.
	invite($node, \'two', sa_number(++$next));
	all_are($node, 'sent', 'another database is served meanwhile', database => 'two');
	is(dispatcher($node, $copy)->{turns}, $before, 'its commits start none');
}
is(sql('copy1', 'SELECT group_api.adopt()'), '8', 'adopt() does');
all_are($node, 'sent', 'and what waits is sent', database => 'copy1');
is(deliveries($node, 'copy2')->{queued}, 8, 'the other copies are silent');
sql('postgres', "DROP DATABASE copy$_") for 1 .. 3;

# ---- who is busy hands over when others wait

my $slow = start_http_sink(delay_ms => 50, log => 1);
sql($_, "ALTER SERVER sms OPTIONS (SET url '$slow->{http}', ADD max_connections '1')") for qw(one two);
sql('one', "DELETE FROM group_api_private.invitations WHERE due IS NOT NULL; SELECT group_api.resume('sms')");
my @many = map { sa_number(++$next) } 1 .. 150;
invite($node, \'one', @many[0 .. 74]);
invite($node, \'one', @many[75 .. 149]);
poll_until(sub { sink_count($slow) >= 5 }, 'one database has much to do');
my $single = sa_number(++$next);
invite($node, \'two', $single);
poll_until(sub { grep { $_ eq $single } recipients($slow) }, 'the message of another one is sent');
cmp_ok(sink_count($slow), '<', 150, 'before the first one is through');
all_are($node, 'sent', 'which is served to the end all the same', database => 'one');
my %mine = map { $_ => 1 } @many;
is_deeply(twice(grep { $mine{$_} } recipients($slow)), {}, 'nothing is sent twice');
is(scalar(grep { $mine{$_} } recipients($slow)), 150, 'nothing is missing');
is(sql('one', "SELECT count(*) FROM group_api_private.attempts WHERE outcome <> 'accepted' AND server = 'sms'"), '0', 'and no try is spent');

# ---- one that waits for an answer keeps nobody waiting

my $silent = start_script_server(http => { rules => [ { replies => [ { hold => 1 } ] } ] });
sql('one', "ALTER SERVER sms OPTIONS (SET url '$silent->{http}', ADD timeout '300')");
my $hangs = sa_number(++$next);
invite($node, \'one', $hangs);
poll_until(sub { recipients($silent) == 1 }, 'a provider does not answer');
invite($node, \'two', sa_number(++$next));
all_are($node, 'sent', 'another database is served', database => 'two', seconds => 10);
is(delivery_of($node, $hangs, 'one')->{delivery}, 'sending', 'while the first one waits');
set_rules($silent, http => {});
all_are($node, 'sent', 'for its answer', database => 'one');
is(scalar(recipients($silent)), 1, 'and nothing is sent twice');

# ---- one that cannot write down that its provider is paused makes room, too, and is served again

my $strict = start_script_server(http => { rules => [ { replies => [ { status => 401 } ] } ] });
sql('one', "ALTER SERVER sms OPTIONS (SET url '$strict->{http}'); CREATE SERVER other FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL')");
my $operator = psql_in_background($node, "BEGIN; SELECT group_api.pause('other');", 'one');
my $log_start = -s $node->logfile;
invite($node, \'one', sa_number(++$next));
poll_until(sub { PostgreSQL::Test::Utils::slurp_file($node->logfile, $log_start) =~ /provider "sms" of group_api is paused/ }, 'a provider is paused while somebody pauses another');
invite($node, \'two', sa_number(++$next));
all_are($node, 'sent', 'another database is served meanwhile', database => 'two', seconds => 20);
invite($node, \'one', 'mail@example.com');
poll_until(sub { delivery_of($node, 'mail@example.com', 'one')->{delivery} eq 'sent' }, 'and so is what others in the first one may send', 20);
$operator->{finish}->();
sql('one', "ALTER SERVER sms OPTIONS (SET url '$silent->{http}'); SELECT group_api.resume('sms')");
all_are($node, 'sent', 'and the first one when it is put right', database => 'one');
sql('one', 'DROP SERVER other CASCADE');

# ---- a server that has just started looks at every database once

configure(dispatch => 'off');
poll_until(sub { (dispatcher($node, 'one')->{reason} // '') =~ /dispatch is off/ && is_idle_without_worker('one') }, 'told to send nothing, a database needs no dispatcher');
invite($node, \'one', sa_number(++$next));
is(delivery_of($node, sa_number($next), 'one')->{delivery}, 'queued', 'what is queued waits');
$node->stop;
$node->append_conf('postgresql.conf', 'group_api.dispatch = on');
$node->start;
all_are($node, 'sent', 'what waited over a restart is sent with nobody doing anything', database => 'one');
poll_until(sub { dispatchers() eq '' && is_idle_without_worker('two') && is_idle_without_worker('resting') }, 'and nobody is kept');

# ---- no worker at all

$node->append_conf('postgresql.conf', 'max_worker_processes = 2');
$node->restart;
poll_until(sub { (dispatcher($node, 'one')->{reason} // '') =~ /max_worker_processes/ }, 'where others have all the workers it is said');
is(sql('one', "SELECT ok, hint FROM group_api.health() WHERE \"check\" = 'dispatcher'"), 'f|increase max_worker_processes and restart', 'by health(), too');
invite($node, \'one', sa_number(++$next));
is(delivery_of($node, sa_number($next), 'one')->{delivery}, 'queued', 'groups are created as ever');
$node->append_conf('postgresql.conf', 'max_worker_processes = 3');
$node->restart;
all_are($node, 'sent', 'one worker is enough', database => 'one');

$node->stop;
done_testing();
