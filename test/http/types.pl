# Contract B judged by the types that its own client, from npm and unchanged,
# declares: no value that they reject, no parameter that is ignored.
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
plan skip_all => "npm package $_ not found" for grep { !-e "$modules/$_" } '@selfcommunity/api-services', 'typescript';
plan skip_all => 'nginx not found' unless peer('nginx/usr/sbin/nginx');

my $node = new_api_node('main');
# One with a name, one with a picture and a number of the app's, one with nothing.
my %ids = (
	manager => $node->safe_psql('postgres', q{SELECT group_api.put_user('manager', 'manager', 'Mia Manager', ext_id => '4711')}),
	guest => $node->safe_psql('postgres', q{SELECT group_api.put_user('guest', NULL, 'Guest', 'https://example.com/g.png', 'guest@example.com')}),
	other => $node->safe_psql('postgres', q{SELECT group_api.put_user('other')}));
my $plan = PostgreSQL::Test::Utils::tempdir() . '/tokens.json';

open(my $file, '>', $plan) or die "$plan: $!";
print $file to_json({ ids => { map { $_ => 0 + $ids{$_} } keys %ids },
	map { $_ => (Gateway::bearer(role => 'web', sub => $_))[1] =~ s/^Bearer //r } keys %ids });
close $file;

for my $gateway (gateways($node))
{
	my $front = front_of($gateway, rate => '1000r/s');
	my $errors = "$PostgreSQL::Test::Utils::log_path/types.log";
	local $ENV{NODE_PATH} = $modules;
	my @lines = qx(node '@{[ project_root() ]}/test/http/types.js' '$front->{url}' '$plan' 2>'$errors');

	is($?, 0, "$front->{name}: the life came to its end") or diag(slurp_file($errors));
	for (map { from_json($_) } grep { /^\{"what"/ } @lines)
	{
		is_deeply($_->{is}, $_->{wanted}, $_->{what}) or diag(to_json($_));
	}
	$node->safe_psql('postgres', 'DELETE FROM group_api_private.groups');
}
done_testing();
