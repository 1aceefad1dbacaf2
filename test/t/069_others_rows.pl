# Thousands that wait for a paused provider are read once by another one of the same
# channel, and cost its messages nothing from then on.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use Test::More;

# More than a claim reads of others' rows.
my $waiting = 12_000;

my $node = new_node('main', conf => "group_api.max_members = $waiting");
my $paused = start_http_sink(log => 1);
my $sink = start_http_sink(log => 1);
my $next = 0;

sub query { return $node->safe_psql('postgres', $_[0]); }
sub number { return german_number(++$next); }
sub is_sent
{
	my ($number, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return poll_until(sub { grep { $_ eq $number } sms_recipients($sink) }, $what);
}

# Rows of the queue that were fetched for all so far.
sub rows_read
{
	query('SELECT pg_stat_force_next_flush()');
	return query(q{SELECT idx_tup_fetch FROM pg_stat_user_indexes WHERE indexrelname = 'invitations_start_tag'});
}

add_sms($node, $paused->{http}, name => 'paused', prefixes => '+27');
query("SELECT group_api.pause('paused')");
my $group = invite($node, map { sa_number($_) } 1 .. $waiting - 1);
my $first = number();
invite($node, $first);
add_sms($node, $sink->{http}, name => 'well', prefixes => '+49');
is_sent($first, 'one that was there before its provider is found among thousands for another');
my $number = number();
invite($node, $number);
is_sent($number, 'and so is a new one');

my $before = rows_read();
for (1 .. 20)
{
	invite($node, $number = number());
	is_sent($number, "message $_");
}
my $read = rows_read() - $before;
note("$read rows of the queue were read for 20 messages");
cmp_ok($read, '<', 20 * $waiting / 4, 'for which not all that waits was read each time');

# ---- rows that a lock hides

query("SELECT group_api.pause('well')");
my @two = (number(), number());
invite($node, @two);
my $session = psql_in_background($node, "BEGIN; SELECT FROM group_api_private.invitations WHERE contact = '$two[0]' FOR UPDATE;");
query("SELECT group_api.resume('well')");
is_sent($two[1], 'beside a row that somebody holds the other one is sent');
ok(!grep({ $_ eq $two[0] } sms_recipients($sink)), 'the row is not');
$session->{say}->('ROLLBACK;');
is_sent($two[0], 'it is as soon as it is free');
$session->{finish}->();

# ---- whose rows they are may change

query("ALTER SERVER well OPTIONS (SET prefixes '+49, +2782000000')");
poll_until(sub { 9 == grep { /^\+2782000000/ } sms_recipients($sink) }, 'those that it takes by a change of its prefixes are found');
query("SELECT group_api.resume('paused')");
poll_until(sub { recipients($paused) == $waiting - 10 }, 'the others leave by their own once that is resumed');
is_deeply(twice(sms_recipients($sink), sms_recipients($paused)), {}, 'nothing was sent twice');

$node->stop;
done_testing();
