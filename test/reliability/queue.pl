# Rows 8, 9 and 10: what sending costs the tables and the memory, also while another
# session holds a snapshot.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/../t/lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use Promises;
use Test::More;
use Time::HiRes qw(sleep time);

my $RATE = 800;
my $HELD_SECONDS = scaled(60);
my $HOT_MESSAGES = scaled(20_000);
my $MEMORY_MESSAGES = scaled(50_000);

my $node = new_node('queue', conf => "shared_buffers = 256MB\nmax_wal_size = 8GB\nautovacuum_naptime = 5s");
my $sink = start_http_sink();

sub query { return $node->safe_psql('postgres', $_[0]); }

sub send_all
{
	my ($count, $first) = @_;
	my $before = sink_count($sink);

	# Nothing tells the dispatcher of rows that no call has written.
	query("SELECT group_api.pause('sms')");
	fill($node, $count, 'MOBILE', $first);
	query("SELECT group_api.resume('sms')");
	poll_until(sub { sink_count($sink) >= $before + $count && !deliveries($node)->{queued} && !deliveries($node)->{sending} }, "$count are sent") or diag(query('SELECT * FROM group_api.health()'));
	return;
}

# ---- row 9: updates

add_sms($node, $sink->{http}, max_connections => 64);
# By the first call the data are this database's.
invite($node, sa_number(1));
all_are($node, 'sent', 'it sends');
send_all(scaled(1000), 0);
query('SELECT pg_stat_force_next_flush()');
sub updates { return split /\|/, query("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'invitations'"); }
my ($all_before, $hot_before) = updates();
send_all($HOT_MESSAGES, 2_000_000);
my ($all, $hot);
poll_until(sub { ($all, $hot) = updates(); $all - $all_before >= 2 * $HOT_MESSAGES }, 'the updates are counted');
$all -= $all_before;
$hot -= $hot_before;
figure(9, $hot >= 0.45 * $all && $all <= 2.02 * $HOT_MESSAGES, '%.0f %% of updates are HOT, %.2f updates an invitation, of %d',
	100 * $hot / $all, $all / $HOT_MESSAGES, $HOT_MESSAGES);

# ---- row 10: memory

# What is kept for the next messages is there after as many.
send_all($MEMORY_MESSAGES, 6_000_000);
my ($dispatcher, $courier) = @{ dispatcher($node) }{qw(pid courier_pid)};
sub memory { return memory_kb($dispatcher) + memory_kb($courier); }
my $before = memory();
send_all($MEMORY_MESSAGES, 3_000_000);
my $after = memory();
my $peak = $after > $before ? $after : $before;
is(dispatcher($node)->{pid}, $dispatcher, 'by the same dispatcher');
figure(10, ($after - $before) * 1024 <= 10 * $MEMORY_MESSAGES && $peak <= 48 * 1024, '%.1f bytes a send over %d, at most %d MB',
	($after - $before) * 1024 / $MEMORY_MESSAGES, $MEMORY_MESSAGES, $peak / 1024);

# ---- row 8: a snapshot that is held

query("SELECT group_api.pause('sms')");
fill($node, 2 * $RATE * ($HELD_SECONDS + 30), 'MOBILE', 4_000_000);
query("ALTER SERVER sms OPTIONS (ADD rate '$RATE')");
query("SELECT group_api.resume('sms')");

sub rate
{
	my ($seconds) = @_;
	my ($began, $count) = (time, sink_count($sink));

	sleep $seconds;
	return (sink_count($sink) - $count) / (time - $began);
}

my $size = query("SELECT pg_table_size('group_api_private.invitations')");
rate(2);
my $free = rate(scaled(10));
my $session = psql_in_background($node, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM group_api_private.groups;");
rate($HELD_SECONDS - scaled(10));
my $held = rate(scaled(10));
$session->{finish}->();
query('VACUUM group_api_private.invitations');
my $grown = query("SELECT pg_table_size('group_api_private.invitations')") / $size;
figure(8, $held >= 0.95 * $free && $grown <= 2, '%.0f a second instead of %.0f after a snapshot was held for %d s; the table is %.2f times as large',
	$held, $free, $HELD_SECONDS, $grown);

$node->stop('immediate');
done_testing();
