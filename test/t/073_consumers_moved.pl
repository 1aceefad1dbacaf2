# A consumer that is for one role moves with its database: by the role's name to another
# cluster, and to nobody where there is no such role.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use GroupApiTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('consumers');
my $dump = "$PostgreSQL::Test::Utils::tmp_check/consumers.dump";

sub query { return $node->safe_psql($_[1] // 'postgres', $_[0]); }

# What next_events() says to a role in the restored database.
sub said
{
	my ($role) = @_;
	my ($status, $out, $error) = $node->psql('restored', "SET ROLE $role; SELECT count(*) FROM group_api.next_events('crm')");

	return $status == 0 ? "$out events" : $error;
}

query(q{
	CREATE ROLE app; CREATE ROLE other;
	SELECT group_api.grant_access('app', 'listener'), group_api.grant_access('other', 'listener'), group_api.create_consumer('crm', role => 'app')});
is(query(q{SELECT role FROM group_api.consumers}), 'app', 'a consumer is for a role');
$node->command_ok([ 'pg_dump', '-Fc', '--no-acl', '-f', $dump, '-d', $node->connstr('postgres') ], 'pg_dump');
query(q{SELECT group_api.revoke_access('app'); DROP ROLE app});
is(query(q{SELECT role FROM group_api.consumers}), 'app', 'operators read whose it was, also when the role is gone');
query('CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], 'it is restored where there is no such role');
query(q{SELECT group_api.grant_access('other', 'listener')}, 'restored');
like(said('other'), qr/It is for role "app", which is not there\..*\n.*drop_consumer/, 'and goes to nobody');
query(q{CREATE ROLE app});
query(q{SELECT group_api.grant_access('app', 'listener')}, 'restored');
like(said('app'), qr/which is not there/, 'nor to another role that takes the name in the same cluster');

# As if the dump came from another cluster.
query('UPDATE group_api_private.consumers SET role_cluster = role_cluster - 1', 'restored');
is(said('app'), '0 events', 'in another cluster the name counts');
like(said('other'), qr/It is for role "app"\./, 'and others are refused');
query('ALTER ROLE app RENAME TO renamed; CREATE ROLE app');
query(q{SELECT group_api.grant_access('app', 'listener'), group_api.adopt()}, 'restored');
query('ALTER ROLE app RENAME TO crm_app; CREATE ROLE app');
is(said('crm_app'), '0 events', 'until the data are adopted, which ties it to the role of the name');
query(q{SELECT group_api.grant_access('app', 'listener')}, 'restored');
like(said('app'), qr/It is for role "crm_app"\./, 'so that it goes to nobody who takes the name later');
is(query(q{SELECT role FROM group_api.consumers}, 'restored'), 'crm_app', 'and is shown under its new name');

$node->stop;
done_testing();
