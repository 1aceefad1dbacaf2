# docs/openapi.yaml describes the API that is there.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Gateway;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $modules = node_modules();
plan skip_all => 'npm package pg not found' unless $modules;
plan skip_all => 'npm packages ajv and @apidevtools/swagger-parser not found'
  unless -e "$modules/ajv" && -e "$modules/\@apidevtools/swagger-parser";
plan skip_all => 'nginx not found' unless peer('nginx/usr/sbin/nginx');

my $root = project_root();
my $seed = $ENV{GROUP_API_SEED} // int(rand(2**31));
my $node = new_api_node('main');
my $plan = PostgreSQL::Test::Utils::tempdir() . '/tokens.json';
my @users = qw(manager guest other);

$node->safe_psql('postgres', "SELECT group_api.put_user('$_', '$_')") for @users;
open(my $file, '>', $plan) or die "$plan: $!";
print $file to_json({ map { $_ => (Gateway::bearer(role => 'web', sub => $_))[1] =~ s/^Bearer //r } @users });
close $file;

note("GROUP_API_SEED=$seed");
for my $gateway (gateways($node))
{
	my $front = front_of($gateway, rate => '1000r/s');
	my $errors = "$PostgreSQL::Test::Utils::log_path/description.log";
	local $ENV{NODE_PATH} = $modules;
	my @lines = qx(node '$root/test/http/description.js' '$front->{url}' '$root/docs/openapi.yaml' '$plan' $seed 1000 2>'$errors');

	is($?, 0, "$front->{name}: a thousand requests, GROUP_API_SEED=$seed") or diag(slurp_file($errors));
	for (map { from_json($_) } grep { /^\{"what"/ } @lines)
	{
		is_deeply($_->{is}, $_->{wanted}, $_->{what}) or diag("GROUP_API_SEED=$seed\n", explain($_->{is}));
	}
}

# Two judges have nothing to say of it, and would of one that is not clean.
SKIP:
{
	skip 'npm packages @redocly/openapi-core and @stoplight/spectral-core not found', 4
	  unless -e "$modules/\@redocly/openapi-core" && -e "$modules/\@stoplight/spectral-core";
	local $ENV{NODE_PATH} = $modules;
	my $dirty = PostgreSQL::Test::Utils::tempdir() . '/openapi.yaml';
	my $text = slurp_file("$root/docs/openapi.yaml");
	my $judge = sub { return qx(node '$root/test/http/rules.js' '$_[0]' '$root/redocly.yaml' '$root/.spectral.yaml' 2>&1); };

	is($judge->("$root/docs/openapi.yaml"), '', 'Redocly and Spectral find nothing in it');
	is($?, 0, 'which they have looked at');
	$text =~ s/^      operationId: getMe\n//m;
	$text =~ s/\bcode: 0, message: ''/code: none/;
	open(my $out, '>', $dirty) or die "$dirty: $!";
	print $out $text;
	close $out;
	my $found = $judge->($dirty);
	like($found, qr/^Redocly: operation-operationId\b/m, 'Redocly would say that an operation has no name');
	like($found, qr/^Spectral: oas3-valid-media-example\b/m, 'Spectral that an example is none');
}

# A mock server can be had from it.
my $prism = peer('node_modules/.bin/prism');
SKIP:
{
	skip 'Prism not found', 3 unless $prism;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $child = start_program('prism', $prism, 'mock', '--host', '127.0.0.1', '--port', $port, "$root/docs/openapi.yaml");
	my $mock = bless { name => 'Prism', url => "http://127.0.0.1:$port" }, 'Gateway';
	poll_until(sub { $mock->ask('GET', '/')->{status} == 404 }, 'Prism serves the description');
	my $made = $mock->post_json('/api/v2/group/', { name => 'x' }, Authorization => 'Bearer x');
	is("$made->{status} " . from_json($made->{content})->{name}, '201 Pianists', 'and makes the group of its example');
	$made = $mock->post_json('/group/create', { productId => '3f2504e0-4f89-11d3-9a0c-0305e82c3301', name => 'x', description => 'x',
		image => 'https://example.com/x.png', message => 'x', members => [ { nickName => 'x', contact => { type => 'EMAIL', value => 'x@example.com' } } ] },
		Authorization => 'x');
	is("$made->{status} " . from_json($made->{content})->{group}{name}, '201 Pletnev Super Fans', 'of either contract');
}
done_testing();
