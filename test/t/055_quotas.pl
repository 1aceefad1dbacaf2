# The daily caps of a caller, in every dialect; one caller's transactions do not wait
# for each other by them, and operators have none.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use MIME::Base64 qw(encode_base64);
use Test::More;

keep_clear_of_midnight();
my $node = new_node('main', conf => "group_api.groups_daily_cap = 2\ngroup_api.pictures_daily_cap = 1kB");
my $made = 0;
my $png = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0" . "\x1f\x15\xc4\x89" . "x" x 700;
my $picture = 'data:image/png;base64,' . encode_base64($png, '');

$node->safe_psql('postgres', "CREATE ROLE $_ LOGIN; SELECT group_api.grant_access('$_', 'caller')") for qw(ann bob cid dan eve);
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

# ---- pictures ----

my $number = ask('eve', body_b(qq{, "image_original": "$picture"}) . " ->> 'id'");
like($number, qr/^\d+$/, 'a picture');
like(ask('eve', "group_api_v2.patch_group($number, '{\"image_original\": \"$picture\"}')"), qr/54000: the caller's pictures of today are larger/, 'a second one is over the cap');
like(ask('eve', body_b(qq{, "image_original": "$picture"})), qr/54000/, 'also in a new group');
like(ask('eve', "group_api_v2.patch_group($number, '{\"image_original\": \"https://example.com/a.png\"}')"), qr/example.com/, 'an address is none');
like(ask('eve', body_b()), qr/"name"/, 'nor is a group without');

done_testing();
