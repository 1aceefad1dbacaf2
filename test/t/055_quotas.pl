# The daily caps of a caller, in every dialect; one caller's transactions do not wait
# for each other by them, and operators have none.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use List::Util qw(sum0);
use MIME::Base64 qw(encode_base64);
use Test::More;

keep_clear_of_midnight();
my $node = new_node('main', conf => "group_api.groups_daily_cap = 2\ngroup_api.pictures_daily_cap = 1kB");
my $made = 0;
my $png = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0" . "\x1f\x15\xc4\x89" . "x" x 700;
my $picture = 'data:image/png;base64,' . encode_base64($png, '');

$node->safe_psql('postgres', "CREATE ROLE $_ LOGIN; SELECT group_api.grant_access('$_', 'caller')") for qw(ann bob cid dan eve fay);
$node->safe_psql('postgres', "CREATE ROLE chief LOGIN; SELECT group_api.grant_access('chief', 'operator')");

sub body_a { return "group_api.create_group('{\"productId\": \"3f2504e0-4f89-41d3-9a0c-0305e82c3301\", \"name\": \"Fans\", \"description\": \"d\", \"message\": \"m\",
	\"image\": \"https://example.com/a.png\", \"members\": [{\"nickName\": \"Ann\", \"contact\": {\"type\": \"EMAIL\", \"value\": \"a\@example.com\"}}]}')"; }
sub body_b { my ($more) = @_; $made++; return "group_api_v2.create_group('{\"name\": \"Group $made\"" . ($more // '') . "}')"; }
sub ask { my ($role, $call, $set) = @_; my (undef, $out, $err) = $node->psql('postgres', ($set // '') . "\\set VERBOSITY verbose\nSELECT $call", extra_params => [ '-U', $role ]); return $out . $err; }
my $http = "SET request.method = 'POST'; ";

like(ask('ann', body_a()), qr/"code":0/, 'a first group');
like(ask('ann', body_b()), qr/"name"/, 'a second one, of the other contract');
like(ask('ann', body_a()), qr/54000: the caller has made as many groups today as group_api.groups_daily_cap allows/, 'a third is refused in SQL');
like(ask('ann', body_b()), qr/54000: the caller has made/, 'of contract B, too');
like(ask('ann', body_b(', "dry_run": true')), qr/54000/, 'so says a dry run');
my $status = "SELECT current_setting('response.status') || ' ' || current_setting('response.headers')";
like(ask('ann', body_a() . "; $status", "BEGIN; $http"), qr/"code":4002,.*429 \[\{"Retry-After":"\d+"\}\]/s, 'over HTTP by contract A');
like(ask('ann', body_b() . "; $status", "BEGIN; $http"), qr/"code":"quota_exceeded".*429 \[\{"Retry-After":"\d+"\}\]/s, 'over HTTP by contract B');
my ($wait) = ask('ann', body_b() . "; $status", "BEGIN; $http") =~ /"Retry-After":"(\d+)"/;
cmp_ok($wait, '<=', 24 * 60 * 60 + 1, 'the wait ends with the day');
like(ask('bob', body_b()), qr/"name"/, 'another caller has a cap of its own');
like(ask('chief', body_b()), qr/"name"/, "operators: $_") for 1 .. 4;
$node->safe_psql('postgres', "UPDATE group_api_private.usage SET day = day - 1");
like(ask('ann', body_b()), qr/"name"/, 'the next day it counts anew');
is($node->safe_psql('postgres', "SELECT count(*) FROM group_api_private.usage u JOIN group_api_private.users n ON n.id = u.user_id WHERE n.subject = 'role:ann'"),
	1, 'and nothing of the day before is kept');

# What is refused, rolled back or repeated does not count.
my $name = "Group $made";
like(ask('cid', "group_api_v2.create_group('{\"name\": \"$name\"}')"), qr/23505/, "a name that is taken") for 1 .. 3;
ask('cid', body_b(), 'BEGIN; ') for 1 .. 3;
my $again = body_b(', "idempotencyKey": "k"');
like(ask('cid', $again), qr/"name"/, 'a key makes a group once') for 1 .. 3;
like(ask('cid', body_b()), qr/"name"/, 'none of that was counted');
like(ask('cid', body_b(', "idempotencyKey": "l"')), qr/54000/, 'now the cap is reached');

# An open transaction holds nobody up who is in the directory.
$node->safe_psql("postgres", "SELECT group_api.put_user('role:dan')");
my $open = $node->background_psql('postgres', extra_params => [ '-U', 'dan' ]);
$open->query_safe("BEGIN; SELECT " . body_b());
like(ask('dan', body_b(), "SET lock_timeout = '100ms'; SET statement_timeout = '60s'; "), qr/"name"/, "the same caller's other transaction does not wait");
$open->query_safe('COMMIT');
$open->quit;
like(ask('dan', body_b()), qr/54000/, 'both are counted');
is($node->safe_psql('postgres', "SELECT string_agg(groups::text, '+') FROM group_api_private.usage u JOIN group_api_private.users n ON n.id = u.user_id WHERE n.subject = 'role:dan'"), '1+1', 'in two rows');

# ---- without a statement, and by one where somebody changed the table ----

sub rows_of { my ($role) = @_; return $node->safe_psql('postgres', "SELECT string_agg(groups::text, '+' ORDER BY u.id) FROM group_api_private.usage u JOIN group_api_private.users n ON n.id = u.user_id WHERE n.subject = 'role:$role'"); }
sub forget { $node->safe_psql('postgres', 'DELETE FROM group_api_private.usage'); return; }
$node->safe_psql('postgres', "ALTER ROLE fay SET $_") for "session_preload_libraries = 'auto_explain'", "auto_explain.log_min_duration = 0", "auto_explain.log_nested_statements = on", "auto_explain.log_level = 'notice'";

ask('fay', body_a());
my $told = ask('fay', body_a());
is(rows_of('fay'), '2', 'a second group is added to the row of the first');
unlike($told, qr/private\.usage/, 'for which no statement is run');
like(ask('fay', body_a()), qr/54000/, 'and is counted all the same');

$node->safe_psql('postgres', 'CREATE INDEX by_groups ON group_api_private.usage (groups)');
forget();
ask('fay', body_a()) for 1 .. 2;
is($node->safe_psql('postgres', 'SET enable_seqscan = off; SELECT (SELECT count(*) FROM group_api_private.usage WHERE groups = 1), (SELECT count(*) FROM group_api_private.usage WHERE groups = 2)'), '0|1', "an operator's index has what was counted");
forget();
$node->safe_psql('postgres', 'DROP INDEX group_api_private.by_groups; ALTER TABLE group_api_private.usage ADD CONSTRAINT one CHECK (groups < 2)');
like(ask('fay', body_a()), qr/"code":0/, 'with a check of an operator a first group');
like(ask('fay', body_a()), qr/23514/, 'that it refuses a second one');
is(rows_of('fay'), '1', 'and nothing of it stays');
$node->safe_psql('postgres', 'ALTER TABLE group_api_private.usage DROP CONSTRAINT one');

$node->safe_psql('postgres', q{CREATE FUNCTION public.double() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.groups := 10; RETURN NEW; END';
	CREATE TRIGGER double BEFORE UPDATE ON group_api_private.usage FOR EACH ROW EXECUTE FUNCTION public.double()});
like(ask('fay', body_a()), qr/private\.usage SET groups/, "with somebody's trigger a statement counts");
is(rows_of('fay'), '10', 'so that it is asked');
$node->safe_psql('postgres', 'DROP TRIGGER double ON group_api_private.usage');
forget();
unlike(ask('fay', body_a()) . ask('fay', body_a()), qr/private\.usage SET groups/, 'and without it none again');

# Several calls in one transaction and in one statement see each other's.
forget();
like(ask('fay', body_a() . "; SELECT " . body_a() . "; SELECT " . body_a(), 'BEGIN; '), qr/"code":0.*"code":0.*54000/s, 'in one transaction two groups, and no third');
forget();
ask('fay', body_a() . "; SELECT " . body_a() . "; COMMIT", 'BEGIN; ');
is(rows_of('fay'), '2', 'its two are one row');
forget();
like(ask('fay', body_a() . ' FROM generate_series(1, 3)'), qr/54000/, 'in one statement no third');
forget();
like(ask('fay', body_a() . '; SELECT ' . body_a() . '; SELECT ' . body_a(), 'BEGIN ISOLATION LEVEL REPEATABLE READ; '), qr/"code":0.*"code":0.*54000/s, 'nor in a transaction with a snapshot of its own');
like(ask('fay', body_a() . '; COMMIT', 'BEGIN ISOLATION LEVEL SERIALIZABLE; '), qr/"code":0/, 'a serializable one counts, too');

# A row that is held is passed by, and one that was changed meanwhile keeps both counts.
forget();
ask('fay', body_a());
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; UPDATE group_api_private.usage SET picture_bytes = 1');
unlike(ask('fay', body_a()), qr/private\.usage SET groups/, 'a row that another holds needs no statement');
$holder->query_safe('COMMIT');
$holder->quit;
is(rows_of('fay'), '1+1', 'but a row of its own');
like(ask('fay', body_a()), qr/54000/, 'which counts as well');

# Sessions of one caller at once, as a gateway has them.
$node->safe_psql('postgres', "ALTER ROLE fay RESET session_preload_libraries; ALTER ROLE fay SET group_api.groups_daily_cap = 1000");
forget();
$node->pgbench('-n -c 4 -t 25 -U fay', 0, [qr{actually processed: 100/100}], [], 'four sessions make groups at once', { '055_groups' => 'SELECT ' . body_a() });
my @counts = split /\+/, rows_of('fay');
is(sum0(@counts), 100, 'and each of them is counted');
cmp_ok(scalar(@counts), '<=', 8, 'in few rows');

# ---- pictures ----

my $number = ask('eve', body_b(qq{, "image_original": "$picture"}) . " ->> 'id'");
like($number, qr/^\d+$/, 'a picture');
like(ask('eve', "group_api_v2.patch_group($number, '{\"image_original\": \"$picture\"}')"), qr/54000: the caller's pictures of today are larger/, 'a second one is over the cap');
like(ask('eve', body_b(qq{, "image_original": "$picture"})), qr/54000/, 'also in a new group');
like(ask('eve', "group_api_v2.patch_group($number, '{\"image_original\": \"https://example.com/a.png\"}')"), qr/example.com/, 'an address is none');
like(ask('eve', body_b()), qr/"name"/, 'nor is a group without');

done_testing();
