# A standby sends nothing; promoted, it sends what waits. A copy with an
# identity of its own sends nothing until it is adopted.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Cluster;
use Test::More;
use Time::HiRes qw(sleep time);

my $primary = new_node('primary', init => [ allows_streaming => 1 ], conf => "group_api.retry_base = 1");
my $sink = start_http_sink(log => 1);

add_sms($primary, $sink->{http});
invite($primary, map { sa_number($_) } 1 .. 20);
all_are($primary, 'sent', 'the primary sends');
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

# ---- the standby is silent

$primary->safe_psql('postgres', "SELECT group_api.pause('sms')");
my @waiting = map { sa_number($_) } 101 .. 120;
invite($primary, @waiting);
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
is(deliveries($standby)->{queued}, 20, 'a standby has the invitations');
is($standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'group_api %'"), '0',
	'but neither launcher nor dispatcher');
my ($status, undef, $error) = $standby->psql('postgres', 'SELECT group_api.create_group(' . group_body(sa_number(900)) . ')');
isnt($status, 0, 'create_group fails there');
like($error, qr/read-only|recovery/, 'and says why');
ok(scalar(group_of($standby, $primary->safe_psql('postgres', 'SELECT id FROM group_api_private.groups LIMIT 1'))), 'get_group works there');
is($standby->safe_psql('postgres', "SELECT ok, fact, hint FROM group_api.health() WHERE \"check\" = 'dispatcher'"),
	't|this server is a standby: nothing is sent here, the primary sends|',
	'health() works there and says that nothing is sent, as it should be');

poll_until(sub { $standby->safe_psql('postgres', 'SELECT state FROM group_api.dispatcher') eq 'stopped' }, 'its dispatcher is stopped');
is($standby->safe_psql('postgres', 'SELECT reason, hint, command FROM group_api.dispatcher'), 'this server is a standby: the primary sends||', 'for which there is nothing to do');

# ---- the primary dies while it sends; the standby takes over

my $slow = start_script_server(http => { rules => [ { count => 'rule', replies => [ ({}) x 6, { hold => 1 } ] } ] });
$primary->safe_psql('postgres', "ALTER SERVER sms OPTIONS (SET url '$slow->{http}', ADD max_connections '2')");
$primary->safe_psql('postgres', "SELECT group_api.resume('sms')");
poll_until(sub { recipients($slow) == 8 && deliveries($primary)->{sent} == 26 }, 'the primary is sending');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
$primary->stop('immediate');
my $before = scalar(recipients($slow));
set_rules($slow, http => {});
my $promoted = time;
$standby->promote;
poll_until(sub { recipients($slow) > $before }, 'the promoted standby sends');
my ($first) = map { $_->{at} } (read_log($slow, 'request'))[$before];
at_most($first - $promoted, 2, 'within two seconds');
all_are($standby, 'sent', 'it sends the rest');
my %got = map { $_ => 1 } recipients($slow);
is(scalar(grep { $got{$_} } @waiting), 20, 'nothing is lost');
my $twice = keys %{ twice(recipients($slow)) };
cmp_ok($twice, '<=', 2, 'no more than what was under way is sent twice');
$standby->stop;
done_testing();
