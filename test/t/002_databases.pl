# Commands on whole databases are not held up by a dispatcher, and copies of a
# database send nothing until somebody says that they are meant to.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_node('main', extension => 0, conf => "group_api.retry_base = 1\ngroup_api.max_dispatchers = 12\nmax_worker_processes = 24");
my $gateway = start_script_server(http => {});
my $next = 0;

sub sql { my ($database, $sql) = @_; return $node->safe_psql($database, $sql); }

# A database with a running dispatcher and a courier.
sub make_database
{
	my ($name, $busy) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	sql('postgres', "CREATE DATABASE $name");
	sql($name, 'CREATE EXTENSION group_api');
	add_sms($node, $gateway->{http}, database => $name, timeout => 300);
	set_rules($gateway, http => {});
	invite($node, \$name, sa_number(++$next));
	all_are($node, 'sent', "a dispatcher works in $name", database => $name);
	return unless $busy;
	set_rules($gateway, http => { rules => [ { replies => ['hang'] } ] });
	my $number = sa_number(++$next);
	invite($node, \$name, $number);
	poll_until(sub { grep { $_ eq $number } recipients($gateway) }, "a send hangs in $name");
	return;
}

for my $busy (0, 1)
{
	my $how = $busy ? 'with a send that hangs' : 'with an idle dispatcher';

	make_database('one', $busy);
	takes_at_most(2, "CREATE DATABASE TEMPLATE succeeds $how", sub { sql('postgres', 'CREATE DATABASE copy TEMPLATE one') });
	takes_at_most(3, 'and the dispatcher of the original is back', sub {
		wait_for_dispatcher($node, 'it runs', database => 'one');
	});
	takes_at_most(2, "ALTER DATABASE RENAME succeeds $how", sub { sql('postgres', 'ALTER DATABASE one RENAME TO other') });
	takes_at_most(3, 'and the dispatcher of the renamed one is back', sub {
		wait_for_dispatcher($node, 'it runs', database => 'other');
	});
	takes_at_most(2, "DROP DATABASE succeeds $how", sub { sql('postgres', 'DROP DATABASE other') });
	sql('postgres', 'DROP DATABASE copy');
	poll_until(sub { sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'group_api dispatcher'") eq '0' },
		'no dispatcher is left of what is dropped');
}
set_rules($gateway, http => {});

# ---- another database than that where sends hang

make_database('one', 1);
sql('postgres', 'CREATE DATABASE unrelated');
takes_at_most(1, 'a database is dropped while a send hangs in another', sub { sql('postgres', 'DROP DATABASE unrelated') });
set_rules($gateway, http => {});

# ---- a command that fails gives the dispatcher back

my $before = dispatcher($node, 'one')->{pid};
my ($status) = $node->psql('postgres', 'ALTER DATABASE one RENAME TO postgres');
isnt($status, 0, 'a rename to a name that is taken fails');
takes_at_most(3, 'and the dispatcher is back', sub { wait_for_dispatcher($node, 'it runs', database => 'one') });
$node->psql('postgres', 'BEGIN; ALTER DATABASE one RENAME TO gone; ROLLBACK');
takes_at_most(4, 'after a rename that is rolled back too', sub { wait_for_dispatcher($node, 'it runs', database => 'one') });
my $session = psql_in_background($node, 'SELECT 1;', 'one');
($status) = $node->psql('postgres', 'DROP DATABASE one');
isnt($status, 0, 'DROP DATABASE fails while somebody else is connected');
$session->{finish}->();
takes_at_most(4, 'and the dispatcher is back', sub { wait_for_dispatcher($node, 'it runs', database => 'one') });
invite($node, \'one', sa_number(++$next));
all_are($node, 'sent', 'it sends', database => 'one');
($status) = $node->psql('one', 'SET ROLE pg_monitor; DROP DATABASE one');
isnt($status, 0, 'who may not drop a database does not');
# The dispatcher of a database that nobody may take is not even asked to leave.
sql('postgres', 'CREATE ROLE visitor LOGIN; CREATE ROLE maker LOGIN CREATEDB');
my $stays = wait_for_dispatcher($node, 'a dispatcher works', database => 'one')->{pid};
for my $attempt (['visitor', 'DROP DATABASE one'], ['visitor', 'DROP DATABASE one WITH (FORCE)'],
	['visitor', 'ALTER DATABASE one RENAME TO mine'], ['visitor', 'ALTER DATABASE one SET TABLESPACE pg_default'],
	['visitor', 'CREATE DATABASE mine TEMPLATE one'], ['maker', 'CREATE DATABASE mine TEMPLATE one'])
{
	my ($role, $command) = @$attempt;
	($status, undef, my $error) = $node->psql('postgres', $command, extra_params => [ '-U', $role ]);
	like($error, qr/must be owner of database|permission denied/, "a $role may not say $command");
	is(dispatcher($node, 'one')->{pid}, $stays, 'and the dispatcher stays the one it was');
}
sql('postgres', 'DROP ROLE visitor, maker');

# ---- again and again

for my $round (1 .. 5)
{
	takes_at_most(2, "a copy is made, round $round", sub { sql('postgres', "CREATE DATABASE copy$round TEMPLATE one") });
}
sql('postgres', "DROP DATABASE copy$_") for 1 .. 5;
takes_at_most(3, 'after five copies in a row the dispatcher is back as soon as after one', sub {
	wait_for_dispatcher($node, 'it runs', database => 'one');
});

# ---- right after the start, when dispatchers are just connecting

for my $round (1 .. 4)
{
	$node->restart;
	takes_at_most(2, "a copy is made right after a start, round $round", sub { sql('postgres', "CREATE DATABASE early TEMPLATE one") });
	sql('postgres', 'DROP DATABASE early');
}

# ---- a copy is silent until it is adopted

wait_for_dispatcher($node, 'the original has its dispatcher', database => 'one');
sql('one', "SELECT group_api.pause('sms')");
my @waiting = map { sa_number(++$next) } 1 .. 20;
invite($node, \'one', @waiting);
sql('postgres', 'CREATE DATABASE copy TEMPLATE one');
sql('copy', "SELECT group_api.resume('sms')");
invite($node, \'copy', sa_number(++$next));
poll_until(sub { (dispatcher($node, 'copy')->{reason} // '') =~ /adopt/ }, 'a copy says that it is to be adopted');
is(sql('copy', "SELECT ok FROM group_api.health() WHERE \"check\" = 'adopted'"), 'f', 'so does health()');
poll_until(sub { !dispatcher($node, 'copy')->{pid} }, 'and has no dispatcher then');
my $turns = dispatcher($node, 'copy')->{turns};
invite($node, \'copy', sa_number(++$next));
my %got = map { $_ => 1 } recipients($gateway);
is(scalar(grep { $got{$_} } @waiting, sa_number($next), sa_number($next - 1)), 0, 'but sends nothing, old or new');
is(deliveries($node, 'copy')->{queued}, 22, 'all is queued');
is(dispatcher($node, 'copy')->{turns}, $turns, 'its commits start no dispatcher');
is(sql('copy', 'SELECT group_api.adopt()'), '22', 'adopt() says how many wait');
all_are($node, 'sent', 'and then they are sent', database => 'copy');
my %new = map { $_ => 1 } @waiting;
is_deeply(twice(grep { $new{$_} } recipients($gateway)), {}, 'by the copy alone');
is(deliveries($node, 'one')->{queued}, 20, 'the original still holds its own');

# ---- dump and restore

sql('postgres', 'CREATE DATABASE restored');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('one') ], 'pg_dump');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], 'pg_restore');
for my $table (qw(users groups members invitations attempts pauses installation))
{
	my $sum = "SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM group_api_private.$table t";
	is(sql('restored', $sum), sql('one', $sum), "$table is the same after pg_dump and pg_restore");
}
sql('restored', "SELECT group_api.resume('sms')");
poll_until(sub { (dispatcher($node, 'restored')->{reason} // '') =~ /adopt/ }, 'the restored database says that it is to be adopted');
is(deliveries($node, 'restored')->{queued}, 20, 'and sends nothing');
is(sql('restored', 'SELECT group_api.adopt()'), '20', 'adopt() says how many wait');
all_are($node, 'sent', 'and then they are sent', database => 'restored');
ok(invite($node, \'restored', sa_number(++$next)), 'new groups find free keys');
all_are($node, 'sent', 'and are sent', database => 'restored');

# ---- databases that are born with the extension

sql('template1', 'CREATE EXTENSION group_api');
takes_at_most(2, 'CREATE DATABASE works with the extension in template1', sub { sql('postgres', 'CREATE DATABASE born') });
add_sms($node, $gateway->{http}, database => 'born');
invite($node, \'born', sa_number(++$next));
all_are($node, 'sent', 'a database made from template1 sends without further ado', database => 'born');
is(sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'group_api dispatcher' AND datname = 'template1'"), '0',
	'template1 itself has no dispatcher');

$node->stop;
done_testing();
