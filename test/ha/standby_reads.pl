# What only reads answers on a hot standby as on the primary, and later by what the standby lags;
# what writes says that it cannot.
use strict;
use warnings;

use FindBin;
use lib map { "$FindBin::RealBin/$_" } qw(../lib ../t/lib lib);
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Cluster;
use Test::More;

my $primary = new_node('primary', init => [ allows_streaming => 1 ], conf => <<'END');
group_api.invitation_url = 'https://example.com/i/{token}'
group_api.anonymous_load = on
END
my $sink = start_http_sink(log => 1);

add_sms($primary, $sink->{http});
$primary->safe_psql('postgres', <<'END');
CREATE ROLE gateway LOGIN;
SELECT group_api.grant_access('gateway', 'gateway');
SELECT group_api.grant_access('gateway', 'caller');
ALTER SYSTEM SET group_api.trusted_roles = 'gateway';
SELECT pg_reload_conf();
END
poll_until(sub { $primary->safe_psql('postgres', 'SHOW group_api.trusted_roles') eq 'gateway' }, 'the gateway is trusted');
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

# ---- what there is to read

# as(NODE, USER, SQL, [CLAIMS]): what a token's holder is answered through a gateway: rows, or the error
sub as
{
	my ($node, $user, $sql, %claims) = @_;
	my $claims = to_json({ sub => $user, %claims });
	my ($status, $out, $error) = $node->psql('postgres', "SET SESSION AUTHORIZATION gateway; SET request.jwt.claims = '$claims'; $sql");
	return $status == 0 ? $out : $error =~ s/^psql:.*?: //r;
}

sub caught_up { return $primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert')); }

my $number = sa_number(1);
my $id = from_json(as($primary, 'anna', 'SELECT group_api.create_group(' . group_body($number, sa_number(2)) . ')'))->{group}{id};
ok($id, 'anna makes a group of contract A');
my $pianists = from_json(as($primary, 'anna', q{SELECT group_api_v2.create_group('{"name": "Pianists", "privacy": "private"}')}))->{id};
my $bert = from_json(as($primary, 'bert', 'SELECT group_api_v2.get_me()'))->{id};
as($primary, 'anna', "SELECT group_api_v2.invite_users($pianists, '{$bert}')");
as($primary, 'carl', "SELECT group_api_v2.subscribe($pianists)");
as($primary, 'anna', "SELECT group_api_v2.create_group(jsonb_build_object('name', 'Choir ' || n)) FROM generate_series(1, 30) n");
poll_until(sub { deliveries($primary)->{sent} == 2 }, 'its invitations are sent');
my ($token) = map { $_->{body} =~ m{example\.com/i/([\w-]+)} } grep { $_->{body} =~ /\Q$number/ } read_log($sink);
ok($token, 'with a link');
caught_up();

# ---- the same answers

my @reads = (
	"group_api.get_group('$id')", "group_api.load_group('{\"groupId\": \"$id\"}'::jsonb)", 'group_api.list_groups()', "group_api.list_groups(1, 1)",
	"group_api.preview_invitation('$id')",
	"group_api.invitation('$token')", "convert_from(group_api.invitation_page('$token')::bytea, 'UTF8')",
	"group_api_v2.get_group($pianists)", 'group_api_v2.list_groups()', 'group_api_v2.list_groups(5, 10)', "group_api_v2.list_groups(search => 'choir')",
	'group_api_v2.list_invitations()', "group_api_v2.search_groups('choir')", "group_api_v2.search_groups('pian', 1, 0)",
	"group_api_v2.user_groups($bert)", "group_api_v2.get_user($bert)", 'group_api_v2.get_me()', 'group_api_v2.get_permission()', 'group_api_v2.get_avatar()',
	"group_api_v2.list_members($pianists)", "group_api_v2.list_feed($pianists)", "group_api_v2.list_invited_users($pianists)",
	"group_api_v2.list_requests($pianists)", "group_api_v2.get_status($pianists)",
	"group_api.get_group('00000000-0000-7000-8000-000000000000')", "group_api.invitation('wrong')", 'group_api_v2.get_group(99999)');

for my $read (@reads)
{
	# A caller who was here before, who never was, and whose claims are news.
	for my $who ([ 'anna' ], [ 'bert' ], [ 'nobody' ], [ 'anna', name => 'Anna Lee', email => 'anna@example.com', email_verified => JSON::PP::true ])
	{
		my ($name, @claims) = @$who;
		for my $method ('', "SET request.method = 'GET'; ")
		{
			my $sql = "${method}SELECT $read";
			my ($there, $here) = map { as($_, $name, $sql, @claims) } $standby, $primary;
			is($there, $here, "$name" . (@claims ? ' with news' : '') . ($method ? ' over HTTP' : '') . ": $read");
		}
	}
}
done_testing();
