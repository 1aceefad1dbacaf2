# Every command of docs/postgrest.md runs and does what is said there.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Gateway;
use PostgreSQL::Test::Utils;
use Test::More;

my $modules = node_modules();
plan skip_all => 'npm package pg not found' unless $modules;
plan skip_all => 'nginx not found' unless peer('nginx/usr/sbin/nginx');

my $root = project_root();
my $directory = PostgreSQL::Test::Utils::tempdir();
my $document = slurp_file("$root/docs/postgrest.md");
my @sh = $document =~ /^```sh\n(.*?)^```\n/msg;
my @js = $document =~ /^```js\n(.*?)^```\n/msg;
my $node = new_node('main');

# The commands as they stand, but for where things lie.
sub run_commands
{
	my ($text, %changed) = @_;
	my $script = "$directory/commands.sh";

	$text =~ s{\Q$_\E}{$changed{$_}}g for keys %changed;
	open(my $file, '>', $script) or die "$script: $!";
	# Root may become anybody; whoever tests is everybody already.
	print $file "set -e\ncd '$root'\nuseradd() { :; }\nchown() { :; }\nsudo() { shift 2; \"\$@\"; }\ncurl() { command curl -sS -w ' %{http_code}\\n' \"\$@\"; }\n$text";
	close $file;
	local @ENV{qw(PGHOST PGPORT PGUSER NODE_PATH)} = ($node->host, $node->port, 'postgres', $modules);
	my $said = qx(bash '$script' 2>&1);
	is($?, 0, 'the commands end well: ' . ($text =~ /^(\S+)/)[0]) or diag($said);
	return $said;
}

sub run_javascript
{
	my ($text, $url, $token, $end) = @_;
	my $script = "$directory/example.js";

	$text =~ s{https://groups\.example}{$url}g;
	open(my $file, '>', $script) or die "$script: $!";
	print $file "const token = '$token';\n(async () => {\n$text\n$end\n})();\n";
	close $file;
	local $ENV{NODE_PATH} = $modules;
	return qx(node '$script' 2>&1);
}

# That of an identity provider is tried by jwks.pl, which is one.
@sh = grep { !/login\.example/ } @sh;
is(@sh, 6, 'six pieces of shell are tested');
is(@js, 2, 'and two of JavaScript');
$node->safe_psql('postgres', 'CREATE DATABASE groups');
$node->safe_psql('groups', 'CREATE EXTENSION group_api');

# What it starts is started below.
ok($sh[0] =~ s/^sudo -u postgrest .*\n//m, 'PostgREST is started');
run_commands($sh[0], '/etc/postgrest' => $directory);
ok($sh[1] =~ s/^nginx -t\nnginx -s reload\n//m, 'nginx is asked about its configuration');
run_commands($sh[1], '/etc/nginx/conf.d' => $directory, '/etc/ssl' => $directory);
ok(-s "$directory/groups.example.$_", "the certificate to try with is made: $_") for qw(pem key);
my ($password) = slurp_file("$directory/pgpass") =~ /^localhost:5432:groups:authenticator:(\w{48})$/;
is($node->safe_psql('postgres', "SELECT rolpassword LIKE 'SCRAM-SHA-256%' FROM pg_authid WHERE rolname = 'authenticator'"), 't',
	'authenticator has a password') if ok($password, 'which PostgREST is told');
is(slurp_file("$directory/group_api.conf"), slurp_file("$root/docs/http/nginx.conf"), 'and given ours');

for my $gateway (gateways($node, database => 'groups', secret => slurp_file("$directory/jwt-secret")))
{
	my $front = front_of($gateway);
	my %where = ('https://groups.example' => $front->{url}, '/etc/postgrest' => $directory);
	my $said = run_commands($sh[2] . "printf 'TOKEN %s\\n' \"\$TOKEN\"\n$sh[3]$sh[4]", %where);
	my ($token) = $said =~ /^TOKEN (\S+)$/m;

	like($said, qr/"group":\{"id":.*"name":"Pletnev Super Fans".*\} 201$/m, "$front->{name}: contract A as documented");
	like($said, qr/^\{"id":.*"name":"Chess club".*\} 201$/m, 'contract B as documented');
	my $group = $node->safe_psql('groups', q{SELECT id FROM group_api_private.groups WHERE name = 'Pletnev Super Fans'});
	like(run_javascript($js[0], $front->{url}, $token, 'console.log(group.slug);'), qr/^rowers$/m, 'the client of npm');
	is(run_javascript("const id = '$group';\n$js[1]", $front->{url}, $token, 'console.log(status, error, data.group.name);'),
		"200 null Pletnev Super Fans\n", 'postgrest-js');
  SKIP:
	{
		skip $gateway->{name} . ' describes nothing', 2 unless $gateway->{name} eq 'PostgREST';
		my $described = run_commands($sh[5], 'http://127.0.0.1:3000' => $gateway->{url}, '$TOKEN' => $token);
		like($described, qr{/rpc/create_group.*Creates a group}s, 'PostgREST describes the functions');
	}
	$node->safe_psql('groups', 'DELETE FROM group_api_private.groups');
}
done_testing();
