# However many wait, the first message after a crash does not wait for a look at all of
# them: what was in flight is searched for in slices, while others leave.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

my $library = qx(pg_config --pkglibdir);
chomp $library;
plan skip_all => 'needs auto_explain' unless -e "$library/auto_explain.so";

# Rows that wait, and what one statement may read of them.
my $waiting = 20_000;
my $slice = 2_000;

my $node = new_node('long', conf => "
group_api.max_members = $waiting
group_api.max_sends_per_contact = 0");
my $sink = start_script_server(http => { rules => [ { replies => ['hang'] } ] });

sub query { return $node->safe_psql('postgres', $_[0]); }
sub sending { return query("SELECT count(*) FROM group_api_private.invitations WHERE delivery = 'sending'"); }

add_sms($node, $sink->{http});
query("SELECT group_api.pause('sms')");
my $group = invite($node, map { sa_number($_) } 1 .. $waiting - 1);
query("SELECT group_api.resume('sms')");
poll_until(sub { sending() > 0 }, 'messages are under way');
# And some far behind, as those of a provider that had read further.
query("UPDATE group_api_private.invitations SET delivery = 'sending', attempts = 1, incarnation = 0, server = 'sms'
	WHERE group_id = '$group' AND number > $waiting - 10");
$node->append_conf('postgresql.conf', "
shared_preload_libraries = 'group_api, auto_explain'
auto_explain.log_min_duration = 0
auto_explain.log_analyze = on
auto_explain.log_timing = off
auto_explain.log_nested_statements = on
group_api.inviter_daily_cap = 1000000");
$node->stop('immediate');
my $since = -s $node->logfile;
my $before = () = sms_recipients($sink);
set_rules($sink, http => {});
$node->start;
poll_until(sub { sms_recipients($sink) > $before }, 'after a crash messages leave again');
poll_until(sub { slurp_file($node->logfile) =~ /took back (\d+) invitations that were in flight/ && $1 > 10 }, 'what was in flight is taken back');
poll_until(sub { query("SELECT count(*) FROM group_api_private.invitations WHERE incarnation = 0 AND delivery = 'sending'") == 0 },
	'that far behind in the queue, too');
$node->stop;

# What each statement of the dispatcher read, until the first claim and in all.
my (@statements, $claims_at);
my $log = substr(slurp_file($node->logfile), $since);
while ($log =~ /duration: [\d.]+ ms  plan:\n\tQuery Text: (.*?)\n((?:\t.*\n)*)/g)
{
	my ($text, $plan) = ($1, $2);
	# A claim reads the queue without a statement; this one counts what it took against the cap.
	$claims_at //= @statements if $text =~ /FROM group_api_private\.sends s/;
	next unless $text =~ /group_api_private\.invitations/;
	my ($rows) = sort { $b <=> $a } map { $_ // 0 } $plan =~ /(?:actual rows=|Removed by Filter: )(\d+)/g;
	push @statements, [ $rows // 0, $text ];
}
ok(defined $claims_at, 'the first claim is in the log');
my ($most) = sort { $b->[0] <=> $a->[0] } @statements[ 0 .. ($claims_at // 0) - 1 ];
cmp_ok($most->[0], '<=', $slice, 'up to the first claim no statement reads more of the queue than a slice') or diag($most->[1]);
my @searches = grep { $_->[1] =~ /i\.delivery = 'sending'/ && $_->[0] == $slice } @statements;
cmp_ok(scalar(@searches), '>=', $waiting / $slice - 2, 'and the search goes on in slices');

done_testing();
