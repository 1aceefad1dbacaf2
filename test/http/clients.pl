# Clients of others, unchanged: every call of contract B's from npm, and
# postgrest-js by the functions' names.
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
plan skip_all => 'npm package @selfcommunity/api-services not found' unless -e "$modules/\@selfcommunity/api-services";
plan skip_all => 'nginx not found' unless peer('nginx/usr/sbin/nginx');

my $node = new_api_node('main');
my %ids = map { $_ => 0 + $node->safe_psql('postgres', "SELECT group_api.put_user('$_', '$_')") } qw(manager guest other);
my $plan = PostgreSQL::Test::Utils::tempdir() . '/tokens.json';

open(my $file, '>', $plan) or die "$plan: $!";
print $file to_json({ ids => \%ids, map { $_ => (Gateway::bearer(role => 'web', sub => $_))[1] =~ s/^Bearer //r } keys %ids });
close $file;

for my $gateway (gateways($node))
{
	my $front = front_of($gateway, rate => '1000r/s');
	my $errors = "$PostgreSQL::Test::Utils::log_path/clients.log";
	local $ENV{NODE_PATH} = $modules;
	my @lines = qx(node '@{[ project_root() ]}/test/http/clients.js' '$front->{url}' '$plan' 2>'$errors');

	is($?, 0, "$front->{name}: the clients came to their end") or diag(slurp_file($errors));
	for (map { from_json($_) } grep { /^\{"what"/ } @lines)
	{
		is_deeply($_->{is}, $_->{wanted}, $_->{what}) or diag(to_json($_));
	}
	$node->safe_psql('postgres', 'DELETE FROM group_api_private.groups');
}
done_testing();
