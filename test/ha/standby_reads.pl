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

# as(NODE, USER, SQL, [CLAIMS]): what a token's holder is answered through a gateway, the error included
sub as { return (answers(shift, shift, [ shift ], '', @_))[0]; }

# answers(NODE, USER, [SQL...], SETTINGS, [CLAIMS]): the same for many, in one session
sub answers
{
	my ($node, $user, $asked, $settings, %claims) = @_;
	my $claims = to_json({ sub => $user, %claims });
	my $sql = join '', map { "$_;\n\\echo :ERROR :SQLSTATE :LAST_ERROR_MESSAGE\n\\echo ----\n" } @$asked;
	my (undef, $out) = $node->psql('postgres', "SET SESSION AUTHORIZATION gateway;\nSET request.jwt.claims = '$claims';\n$settings\n$sql",
		on_error_stop => 0);

	return map { s/^false .*\n?\z//mr =~ s/^true (\w+) (.*)\n/ERROR $1 $2/mr =~ s/\n\z//r } split /^----\n?/m, $out;
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
	"group_api.get_group('$id')", "group_api.load_group('{\"groupId\": \"$id\"}'::jsonb)", 'group_api.list_groups()',
	'group_api.list_groups(1, 1)', "group_api.preview_invitation('$id')", "group_api.invitation('$token')",
	"convert_from(group_api.invitation_page('$token')::bytea, 'UTF8')",
	"group_api_v2.get_group($pianists)", 'group_api_v2.list_groups()', 'group_api_v2.list_groups(5, 10)',
	"group_api_v2.list_groups(search => 'choir')", 'group_api_v2.list_invitations()',
	"group_api_v2.search_groups('choir')", "group_api_v2.search_groups('pian', 1, 0)", "group_api_v2.user_groups($bert)",
	"group_api_v2.get_user($bert)", 'group_api_v2.get_me()', 'group_api_v2.get_permission()', 'group_api_v2.get_avatar()',
	"group_api_v2.list_members($pianists)", "group_api_v2.list_feed($pianists)",
	"group_api_v2.list_invited_users($pianists)", "group_api_v2.list_requests($pianists)",
	"group_api_v2.get_status($pianists)");
my @refused = ("group_api.get_group('00000000-0000-7000-8000-000000000000')", "group_api.invitation('wrong')",
	'group_api_v2.get_group(99999)');
my @news = (name => 'Anna Lee', email => 'anna@example.com', email_verified => JSON::PP::true);

# Who was here before, who is asked about by others, who never was, and whose claims are news.
for my $who ([ 'anna' ], [ 'bert' ], [ 'nobody' ], [ 'anna', @news ])
{
	my ($name, @claims) = @$who;
	my @asked = map { "SELECT $_" } grep { $name ne 'nobody' || !/get_me/ } @reads, @refused;
	for my $settings ('', "SET request.method = 'GET';")
	{
		my ($there, $here) = map { [ answers($_, $name, \@asked, $settings, @claims) ] } $standby, $primary;
		is($there->[$_], $here->[$_], "$name" . (@claims ? ' with news' : '') . ($settings ? ' over HTTP' : '') . ": $asked[$_]") for 0 .. $#asked;
	}
}
my @answers = answers($standby, 'anna', [ map { "SELECT $_" } @reads ], '');
unlike($answers[$_], qr/^(ERROR.*|)$/, "an answer: $reads[$_]") for 0 .. $#reads;

my @views = split /\n/, $primary->safe_psql('postgres', "SELECT format('group_api.%I', relname) FROM pg_class
	WHERE relnamespace = 'group_api'::regnamespace AND relkind = 'v' ORDER BY 1");
cmp_ok(scalar @views, '>', 10, 'operators have views');
like($standby->safe_psql('postgres', "SELECT count(*) FROM $_"), qr/^\d+$/, "which are there on the standby: $_") for @views;
for my $view (qw(deliveries attempts queue suppressions providers))
{
	is(rows_of($standby, $view), rows_of($primary, $view), "those of tables with the same rows: $view");
}

sub rows_of { return $_[0]->safe_psql('postgres', "SELECT v FROM group_api.$_[1] v ORDER BY 1"); }

like(as($standby, 'nobody', 'SELECT group_api_v2.get_me()'), qr/^ERROR P0002 there is no such user/,
	'get_me() of somebody new writes them down, which a standby cannot');

# ---- what only the primary can do

for my $write ('group_api.create_group(' . group_body(sa_number(9)) . ')', "group_api.accept_invitation('$token')",
	"group_api.revoke_invitation('$id', 2)", "group_api_v2.create_group('{\"name\": \"Late\"}'::jsonb)",
	"group_api_v2.subscribe($pianists)")
{
	like(as($standby, 'anna', "SELECT $write"), qr/^ERROR 25006 .*read-only/, "on the standby $write says that it cannot write");
}
like(as($standby, 'anna', "SELECT convert_from(group_api.invitation_page('$token', 'accept')::bytea, 'UTF8')"), qr/Choir/,
	'the page only shows the invitation, as in every transaction that only reads');
is(as($standby, 'anna', "SELECT group_api.get_group('$id')"), as($primary, 'anna', "SELECT group_api.get_group('$id')"),
	'nothing came of it');

# ---- how far it lags

sub replay { return $standby->safe_psql('postgres', "SELECT severity, fact, command FROM group_api.health() WHERE \"check\" = 'replay'"); }

like(replay(), qr/^ok\|what is read here is what was received/, 'health() tells on the standby that it keeps up');
is($primary->safe_psql('postgres', "SELECT count(*) FROM group_api.health() WHERE \"check\" = 'replay'"), '0', 'which the primary is not asked');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
poll_until(sub { $standby->safe_psql('postgres', 'SELECT pg_get_wal_replay_pause_state()') eq 'paused' }, 'replay is paused');
as($primary, 'anna', "SELECT group_api.archive_group('$id')");
like(as($primary, 'anna', "SELECT group_api.get_group('$id')"), qr/ARCHIVED|archived/, 'what the primary has archived');
unlike(as($standby, 'anna', "SELECT group_api.get_group('$id')"), qr/ARCHIVED|archived/, 'the standby shows as it was');
is(replay(), 'warning|replay is paused: what is read here gets older|SELECT pg_wal_replay_resume();', 'and health() says why');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
caught_up();
is(as($standby, 'anna', "SELECT group_api.get_group('$id')"), as($primary, 'anna', "SELECT group_api.get_group('$id')"),
	'once it goes on both answer the same');
$standby->stop;
done_testing();
