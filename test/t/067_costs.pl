# What the statements inside a call are thought to cost, in a database nobody has
# analysed: a misjudged one is compiled (jit), which takes a tenth of a second each time.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('costs', conf => "
autovacuum = off
session_preload_libraries = 'auto_explain'
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on");

sub query { return $node->safe_psql('postgres', $_[0]); }

query("CREATE SERVER sms FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE', callback_url 'https://groups.example/receipts')");
my $group = invite($node, map { sa_number($_) } 1 .. 5);
all_are($node, 'sent', 'some are invited');
my ($token) = query("SELECT message FROM group_api.captured WHERE recipient = '" . sa_number(1) . "'") =~ /token=([A-Za-z0-9_~.-]+)/;
ok($token, 'and got links');
for my $call ("group_api.get_group('$group')", "group_api.invitation('$token')", "group_api.invitation_page('$token')",
	"group_api.resend_invitation('$group', 3)", "group_api.revoke_invitation('$group', 4)", "group_api.accept_invitation('$token')",
	"group_api.preview_invitation('$group', 3)", 'group_api_v2.list_groups()', "group_api_v2.create_group('{\"name\": \"Two\"}')",
	"group_api_v2.search_groups('two')", "group_api.receipt_url('sms')", "group_api.unsubscribe('$token')", "group_api.archive_group('$group')")
{
	my ($status, undef, $error) = $node->psql('postgres', "SELECT $call IS NOT NULL");
	is($status, 0, "$call is called") or diag($error);
}
query('SELECT count(*) FROM group_api.health()');
$node->stop;

my $limit = 100_000;    # jit_above_cost
my ($seen, @dear) = (0);
for my $entry (split /^(?=\d{4}-\d\d-\d\d )/m, slurp_file($node->logfile))
{
	# A session's; the dispatcher's own plans are made without sequential scans and jit.
	my ($text, $cost) = $entry =~ /067_costs\.pl LOG:  duration: .*?Query Text: (.*?)\n\t?[A-Z][^\n]*?cost=[\d.]+?\.\.([\d.]+)/s or next;
	next unless $text =~ /group_api_private\./;
	$seen++;
	push @dear, "$cost: $text" if $cost >= $limit;
}
cmp_ok($seen, '>', 50, 'the plans inside the calls are in the log');
is(join("\n", @dear), '', 'and none is thought to be worth compiling');

done_testing();
