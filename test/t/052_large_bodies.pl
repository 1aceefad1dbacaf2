# Bodies of megabytes cost a backend a few times their size, whatever they are
# made of, and are refused in the words of the contract; what is honest passes.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use PostgreSQL::Test::Utils;
use Test::More;

# Far below what the same bodies cost as jsonb: up to 50 times their size.
my $LIMIT_MB = 192;

my $node = new_node('main', conf => 'group_api.dispatch = off');

# SQL expressions of about 16 MB, that is of 16 000 000 characters.
my %hostile = (
	'numbers' => q('[' || repeat('1,', 7999999) || '1]'),
	'strings' => q('[' || repeat('"",', 5300000) || '1]'),
	'empty lists' => q('[' || repeat('[],', 5300000) || '1]'),
	'empty objects' => q('[' || repeat('{},', 5300000) || '1]'),
	'truths' => q('{"members":[' || repeat('true,', 3100000) || 'true]}'),
	'numbers of 64 digits' => q('{"members":[' || repeat(repeat('1', 64) || ',', 240000) || '1]}'),
	'one key again and again' => q('{' || repeat('"a":1,', 2600000) || '"b":1}'),
	'keys' => q('{' || (SELECT string_agg(format('"k%s":1', i), ',') FROM generate_series(1, 1200000) i) || '}'),
	'one text' => q('{"name":"' || repeat('x', 15999900) || '"}'),
	'one text of escapes' => q('{"name":"' || repeat('\u00fc', 2600000) || '"}'),
	'one key' => q('{"' || repeat('x', 15999900) || '":1}'),
	'depth' => q(repeat('[', 15999900)),
	'depth by turns' => q(repeat('{"a":[', 2600000)),
	'blanks' => q('{' || repeat(' ', 15999900) || '}'),
	'a quotation mark' => q('"' || repeat('x', 15999900)),
	'fields of a form' => q('a=1' || repeat('&a=1', 3999900)),
	'one field of a form' => q('name=' || repeat('%41', 5300000)),
	'brackets of a form' => q('a' || repeat('[a]', 5300000) || '=1'),
	'parts of a form' => q(E'--b\r\n' || repeat(E'Content-Disposition: form-data; name="a"\r\n\r\n1\r\n--b\r\n', 260000)),
	'a file' => q(E'--b\r\nContent-Disposition: form-data; name="image_original"; filename="a.png"\r\n\r\n' || repeat('x', 15999900) || E'\r\n--b--\r\n'),
	'a picture' => q('{"name":"p","image_original":"data:image/png;base64,' || repeat('A', 15999900) || '"}'),
	'twice as much' => q('{"name":"' || repeat('x', 32000000) || '"}'),
);
my @functions = ([ 'group_api.create_group', 'bytea' ], [ 'group_api_v2.create_group', 'text' ], [ 'group_api_v2.invite_users', 'text' ]);

# The answer, and the most that its backend ever had, in megabytes.
sub call
{
	my ($call, %settings) = @_;
	my $set = join '', map { "SELECT set_config('$_', '$settings{$_}', false) AS set \\gset\n" } sort keys %settings;
	my ($status, $out, $error) = $node->psql('postgres', "$set\\set VERBOSITY verbose\nSELECT $call, current_setting('response.status', true);
		SELECT 'VmHWM ' || (substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\\s+(\\d+)'))::int / 1024;", on_error_stop => 0);
	my ($memory) = $out =~ s/VmHWM (\d+)\s*\z// ? $1 : 1e6;
	return ($error =~ /ERROR:\s+(\w+):/ ? $1 : $out, $memory);
}

for my $what (sort keys %hostile)
{
	for my $function (@functions)
	{
		my ($name, $type) = @$function;
		my $body = $type eq 'bytea' ? "convert_to($hostile{$what}, 'UTF8')" : "($hostile{$what})";
		my ($said, $memory) = call("$name($body)");
		ok($said =~ /^(54000|22023|P0002)$/ && $memory < $LIMIT_MB, "16 MB of $what cost little, $name($type)") or diag("$said, $memory MB");
		note("$what, $name($type): $said, $memory MB");
	}
}

# As jsonb they were parsed by who made them; of that no more is made.
for my $function (qw(group_api.create_group group_api_v2.create_group group_api_v2.invite_users))
{
	is((call("$function((SELECT jsonb_agg(i) FROM generate_series(1, 2000000) i))"))[0], '54000', "$function(jsonb) takes no more");
}

# In each dialect.
my %http = ('request.method' => 'POST', 'request.jwt.claims' => '{"sub": "ann"}', 'request.headers' => '{"x-group-id": "1"}');
my $large = "convert_to($hostile{'twice as much'}, 'UTF8')";
my $many = "convert_to($hostile{numbers}, 'UTF8')";
my ($said) = call("group_api.create_group($large)", %http);
is_deeply([ $said =~ /"error":\{"code":(\d+).*"name":"(\w+)".*\|(\d+)/s ], [ 1301, 'too_large', 413 ], 'contract A: too large') or diag($said);
($said) = call("group_api_v2.create_group($large)", %http);
is_deeply([ $said =~ /"errors":\[\{.*"code":"(\w+)".*\|(\d+)/s ], [ 'too_large', 413 ], 'contract B: too large') or diag($said);
($said) = call("group_api.create_group($many)", %http);
is_deeply([ $said =~ /"error":\{"code":(\d+).*"name":"(\w+)".*\|(\d+)/s ], [ 1010, 'too_many', 400 ], 'contract A: too many') or diag($said);
($said) = call("group_api_v2.patch_group($many)", %http);
is_deeply([ $said =~ /"errors":\[\{.*"code":"(\w+)".*\|(\d+)/s ], [ 'max_length', 400 ], 'contract B: too many') or diag($said);

# What is honest passes: as many members as may be, two pictures of five megabytes.
my $members = q((SELECT string_agg(format('{"nickName": "%s %s", "contact": {"type": "EMAIL", "value": "person%s@example.com"}}', repeat('n', 30), i, i), E',\n    ') FROM generate_series(1, 10000) i));
my $body = q('{"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "name": "n", "description": "d", "message": "m", "image": "https://example.com/p.png", "members": [' || ) . $members . q( || ']}');
like((call("json_array_length(group_api.create_group(($body))::json #> '{group,members}')"))[0], qr/^10001\b/m, 'ten thousand members are taken as text');
like((call("json_array_length(group_api.create_group(($body)::jsonb)::json #> '{group,members}')"))[0], qr/^10001\b/m, 'and as jsonb');
my $picture = q(E'\\\\x89504e470d0a1a0a'::bytea || convert_to(repeat('a', 5242872), 'UTF8'));
my $url = "'data:image/png;base64,' || translate(encode($picture, 'base64'), E'\\n', '')";
like((call("group_api_v2.create_group(('{\"name\": \"two\", \"image_original\": \"' || $url || '\", \"emotional_image_original\": \"' || $url || '\"}'))"))[0],
	qr/"name":"two"/, 'two pictures of 5 MB pass in JSON');
my $part = sub { return qq(convert_to(E'--b\\r\\nContent-Disposition: form-data; name="$_[0]"; filename="a.png"\\r\\n\\r\\n', 'UTF8') || $picture || convert_to(E'\\r\\n', 'UTF8')) };
my $name_part = q(convert_to(E'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nfiles\r\n', 'UTF8'));
my $form = join ' || ', $name_part, $part->('image_original'), $part->('emotional_image_original'), q(convert_to(E'--b--\r\n', 'UTF8'));
like((call("group_api_v2.create_group($form)"))[0], qr/"name":"files"/, 'and as files');

# More members may be asked for by more bytes.
$node->safe_psql('postgres', 'ALTER SYSTEM SET group_api.max_members = 30000');
$node->safe_psql('postgres', 'SELECT pg_reload_conf()');
poll_until(sub { $node->safe_psql('postgres', 'SHOW group_api.max_members') eq '30000' }, 'the setting is in force');
like((call("json_array_length(group_api.create_group(('{\"productId\": \"3f2504e0-4f89-41d3-9a0c-0305e82c3301\", \"name\": \"n\", \"description\": \"d\", \"message\": \"m\", \"image\": \"https://example.com/p.png\", \"members\": [' || "
	. ($members =~ s/10000/30000/r) . " || ']}'))::json #> '{group,members}')"))[0], qr/^30001\b/m, 'the bounds grow with group_api.max_members');

# What a creation takes beside its body: the body is there before, and its text is not kept.
$node->safe_psql('postgres', 'ALTER SYSTEM SET group_api.max_members = 100000');
$node->safe_psql('postgres', 'SELECT pg_reload_conf()');
poll_until(sub { $node->safe_psql('postgres', 'SHOW group_api.max_members') eq '100000' }, 'the setting is in force');
$node->safe_psql('postgres', q(CREATE TABLE bodies AS SELECT '{"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "name": "n", "description": "d",
	"message": "m", "image": "https://example.com/p.png", "members": [' || string_agg(format('{"nickName": "Member %s", "contact": {"type": "EMAIL",
	"value": "m%s@example.com"}}', i, i), ',') || ']}' AS body FROM generate_series(1, 100000) i));
my $kilobytes = q((SELECT f[1]::int - f[2]::int FROM regexp_match(pg_read_file('/proc/self/status'), 'VmHWM:\s+(\d+).*RssShmem:\s+(\d+)') AS f));
my $used = $node->safe_psql('postgres', "SELECT length(body) AS length, $kilobytes AS before FROM bodies \\gset
	SELECT length(group_api.create_group(body)::text) > 100000 FROM bodies \\g /dev/null
	SELECT round(1024.0 * ($kilobytes - :before) / :length, 1)");
cmp_ok($used, '<', 14, "a hundred thousand members cost a few times their text: $used");

unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC:|TRAP:/, 'no process ended by a signal');
$node->stop;
done_testing();
