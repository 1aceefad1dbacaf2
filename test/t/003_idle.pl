# With nothing to do the extension does nothing: no query, no transaction, no
# turn of the dispatcher.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use Test::More;
use Time::HiRes qw(sleep time);

my $WINDOW = $ENV{GROUP_API_IDLE_WINDOW} || 60;    # seconds

my $node = new_node('main', extension => 0, conf => "
autovacuum = off
group_api.retry_base = 1");
my $sink = start_http_sink(log => 1);
my $gateway = start_script_server(http => { rules => [ { replies => [ { status => 401 } ] } ] });

# One that is done with everything, one whose provider is paused, one without a
# provider, one with an invitation that is due in an hour.
my @databases = qw(done paused without later);
for my $name (@databases)
{
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, 'CREATE EXTENSION group_api');
	add_sms($node, $sink->{http}, database => $name);
	invite($node, \$name, map { sa_number($_) } 1 .. 20);
	all_are($node, 'sent', "everything of $name is sent", database => $name);
}
$node->safe_psql('paused', "ALTER SERVER sms OPTIONS (SET url '$gateway->{http}')");
invite($node, \'paused', sa_number(30));
poll_until(sub { $node->safe_psql('paused', 'SELECT state FROM group_api.providers') eq 'paused' }, 'one provider is paused');
$node->safe_psql('without', 'DROP SERVER sms');
invite($node, \'without', sa_number(30));
$node->safe_psql('later', "SELECT group_api.pause('sms')");
invite($node, \'later', sa_number(30));
$node->safe_psql('later', "UPDATE group_api_private.invitations SET due = now() + interval '1 hour', start_tag = NULL WHERE due IS NOT NULL");
$node->safe_psql('later', "SELECT group_api.resume('sms')");
poll_until(sub { courier_pid($node, 'later') }, 'one has an invitation due in an hour');

# ---- the figures, asked for in another database

sub transactions
{
	return $node->safe_psql('postgres', "SELECT datname, xact_commit + xact_rollback FROM pg_stat_database
		WHERE datname IN ('done', 'paused', 'without', 'later') ORDER BY 1");
}

sub queries
{
	return $node->safe_psql('postgres', "SELECT datname, query_start, state_change FROM pg_stat_activity
		WHERE backend_type IN ('group_api dispatcher', 'group_api launcher') ORDER BY 1");
}

# Settled: the counters have been flushed and a second look finds the same.
my ($last, $since) = ('', time);
poll_until(sub {
	my $now = transactions() . queries();
	($last, $since) = ($now, time) if $now ne $last;
	return time - $since > 4;
}, 'the last work is done');

my @turns = map { dispatcher($node, $_)->{turns} } @databases;
# Asking for the turns was work in those databases itself.
($last, $since) = ('', time);
poll_until(sub {
	my $now = transactions();
	($last, $since) = ($now, time) if $now ne $last;
	return time - $since > 4;
}, 'asking for the turns is counted');
my ($transactions, $queries) = (transactions(), queries());
my $cpu = cpu_of(worker_pids());
my $end = time + $WINDOW;
my $seen_at_work = 0;
poll_until(sub {
	$seen_at_work += $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity
		WHERE backend_type LIKE 'group_api %' AND (xact_start IS NOT NULL OR backend_xmin IS NOT NULL OR state = 'active')");
	sleep 0.5;
	return time > $end;
}, "$WINDOW seconds pass");
is(transactions(), $transactions, 'not one transaction was run');
is(queries(), $queries, 'not one query');
is($seen_at_work, 0, 'nobody was seen at work');
my $spent = cpu_of(worker_pids()) - $cpu;
# The couriers' idle threads end in this minute; to look round ten times a second
# would take twice as long.
cmp_ok($spent, '<=', 10, 'no time of the processor was used');
note("clock ticks of launcher, dispatchers and couriers in $WINDOW s: $spent");
is_deeply([ map { dispatcher($node, $_)->{turns} } @databases ], \@turns, 'no dispatcher took a turn');

invite($node, \'done', sa_number(31));
all_are($node, 'sent', 'and all the same the next invitation is sent', database => 'done', seconds => 5);

sub worker_pids
{
	my @dispatchers = split /\n/, $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'group_api %'");
	my @children = map { split ' ', slurp_children($_) } @dispatchers;
	return (@dispatchers, @children);
}

sub slurp_children
{
	my ($pid) = @_;
	open(my $file, '<', "/proc/$pid/task/$pid/children") or return '';
	return <$file> // '';
}

$node->stop;
done_testing();
