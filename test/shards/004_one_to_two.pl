# A server that has groups becomes the first of two shards: no id and no link changes.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib", "$FindBin::RealBin/../t/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Shards;
use Test::More;

need_plproxy();

my $old = new_node('old', init => [ allows_streaming => 'logical' ], conf => "max_worker_processes = 24\nwal_retrieve_retry_interval = '200ms'");
$old->safe_psql('postgres', q{CREATE SERVER sms FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE')});
my $suppressed = sa_number(99);
$old->safe_psql('postgres', "SELECT group_api.suppress('$suppressed')");
$old->safe_psql('postgres', slurp_file(project_root() . '/docs/http/roles.sql'));

sub as { my ($node, $subject, $sql) = @_; return $node->safe_psql('postgres', as_caller($subject) . $sql); }
my @ids = map { from_json(as($old, 'zoe', 'SELECT group_api.create_group(' . group_body(sa_number($_)) . ')'))->{group}{id} } 1 .. 3;
my $number = from_json(as($old, 'zoe', q{SELECT group_api_v2.create_group('{"name": "Choir"}'::jsonb)}))->{id};
is($number, 4, 'numbers of one server are counted from 1');
all_are($old, 'sent', 'the server sends') for 1;
my ($token) = $old->safe_psql('postgres', 'SELECT message FROM group_api.captured ORDER BY captured_at LIMIT 1') =~ /([A-Za-z0-9_-]{24,})/;
my %before = map { $_ => as($old, 'zoe', "SELECT group_api.get_group('$_')") } @ids;
my $list = as($old, 'zoe', 'SELECT group_api.list_groups()');
my $link = $old->safe_psql('postgres', "SELECT group_api.invitation('$token')");

# ---- as docs/scaling.md tells

$old->safe_psql('postgres', q{CREATE ROLE ops LOGIN; SELECT group_api.grant_access('ops', 'operator')});
Shards::run_file($old, project_root() . '/docs/scaling/shard.sql');
$old->safe_psql('postgres', 'GRANT anon, web, ops TO group_api_proxy');
my $new = new_shard(1, $old);
connect_shards($old, $new);
my $proxy = new_proxy($old, $new);

is(as($proxy, 'zoe', "SELECT group_api.get_group('$_')"), $before{$_}, "$_ is found by its id") for @ids;
is(as($proxy, 'zoe', 'SELECT group_api.list_groups()'), $list, 'the list is the same');
is($proxy->safe_psql('postgres', "SET ROLE anon; SELECT group_api.invitation('$token')"), $link, 'an old link opens');
is(from_json($proxy->safe_psql('postgres', "SET ROLE anon; SELECT group_api.accept_invitation('$token')"))->{invitation}{status}, 'accepted', 'and answers');
is(from_json(as($proxy, 'zoe', "SELECT group_api_v2.get_group($number)"))->{name}, 'Choir', 'a group of contract B keeps its number');
is(from_json(as($proxy, 'zoe', q{SELECT group_api_v2.create_group('{"name": "Band"}'::jsonb)}))->{id}, 5, 'and the next one has the next');
poll_until(sub { $new->safe_psql('postgres', "SELECT count(*) FROM group_api_private.suppressions") == 1 }, 'the new server knows who was suppressed before');
my %shard;
$shard{ hex(substr(from_json(as($proxy, "caller $_", 'SELECT group_api.create_group(' . group_body(sa_number(100 + $_)) . ')'))->{group}{id}, 19, 3)) & 1023 }++ for 1 .. 12;
is(join(' ', sort keys %shard), '0 1', 'new groups go to both');

# ---- a link of the second

my $id = $new->safe_psql('postgres', 'SELECT id FROM group_api_private.groups LIMIT 1');
my $contact = $new->safe_psql('postgres', "SELECT contact FROM group_api_private.invitations WHERE group_id = '$id'");
poll_until(sub { $new->safe_psql('postgres', "SELECT count(*) FROM group_api.captured WHERE recipient = '$contact'") == 1 }, 'the new server sends');
($token) = $new->safe_psql('postgres', "SELECT c.message FROM group_api.captured c WHERE recipient = '$contact'") =~ /([A-Za-z0-9_-]{24,})/;
cmp_ok(length $token, '<=', 29, "its token names the shard in one byte more: $token");
is(from_json($proxy->safe_psql('postgres', "SET ROLE anon; SELECT group_api.accept_invitation('$token')"))->{invitation}{status}, 'accepted', 'a link of the second server is answered');
is($old->safe_psql('postgres', "SELECT count(*) FROM group_api_private.groups WHERE id = '$id'"), 0, 'which the first has not heard of');

# ---- what is refused

my ($status, undef, $error) = $old->psql('postgres', 'SELECT group_api.adopt(shard => 1)');
like($error, qr/the groups of this database are those of shard 0/, 'a server with groups keeps its number');
is($old->safe_psql('postgres', 'SELECT shard FROM group_api_private.installation'), 0, 'and has it');
(undef, undef, $error) = $old->psql('postgres', 'SELECT group_api.adopt(shard => 1024)');
like($error, qr/shard must be 0 to 1023, not 1024/, 'there are 1024 numbers');
(undef, undef, $error) = $proxy->psql('postgres', "SELECT group_api_proxy.add_shard('" . connection_to($old) . "')");
like($error, qr/the server is not shard 2.*it says that it is shard 0/s, 'a server is added as what it is');
is($proxy->safe_psql('postgres', 'SELECT group_api_proxy.shards()'), 2, 'and as nothing else');

done_testing();
