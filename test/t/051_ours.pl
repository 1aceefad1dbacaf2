# What is the extension's is asked of the extension: schemas, tables and
# functions that bear its names are nothing to it, in a database without it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main');

$node->safe_psql('postgres', 'CREATE ROLE planter LOGIN; CREATE DATABASE plain; GRANT CREATE ON DATABASE plain TO planter');

# Everything that C looks for by name, with what would tell that it was touched.
$node->safe_psql('plain', q(
	SET ROLE planter;
	CREATE SCHEMA group_api; CREATE SCHEMA group_api_v2; CREATE SCHEMA group_api_private;
	CREATE FUNCTION group_api_private.touched() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN RAISE EXCEPTION 'the planted code runs as %', current_user; END $$;
	CREATE FUNCTION group_api_private.touched_row(text) RETURNS boolean LANGUAGE plpgsql AS
		$$ BEGIN RAISE EXCEPTION 'the planted code runs as %', current_user; END $$;
	CREATE TABLE group_api_private.invitations (id int);
	CREATE TABLE group_api_private.pauses (server name PRIMARY KEY, by_dispatcher boolean, fingerprint text, reason text, since timestamptz);
	INSERT INTO group_api_private.pauses (server) VALUES ('a'), ('b'), ('c');
	CREATE TRIGGER touched BEFORE INSERT OR UPDATE OR DELETE ON group_api_private.pauses
		FOR EACH STATEMENT EXECUTE FUNCTION group_api_private.touched();
	ALTER TABLE group_api_private.pauses ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
	CREATE POLICY touched ON group_api_private.pauses USING (group_api_private.touched_row(server::text));
	CREATE FUNCTION group_api.adopt() RETURNS bigint LANGUAGE sql RETURN 1;
	CREATE VIEW group_api.providers AS SELECT 1 AS x;));

my @commands = (
	'CREATE FOREIGN DATA WRAPPER group_api_smtp', 'CREATE SERVER a FOREIGN DATA WRAPPER group_api_smtp',
	'CREATE USER MAPPING FOR PUBLIC SERVER a', "ALTER SERVER a OPTIONS (ADD url 'x')", 'ALTER SERVER a RENAME TO b',
	'ALTER SERVER b OWNER TO planter', 'DROP USER MAPPING FOR PUBLIC SERVER b', 'DROP SERVER b',
	'CREATE SERVER c FOREIGN DATA WRAPPER group_api_smtp', 'DROP FOREIGN DATA WRAPPER group_api_smtp CASCADE',
	'CREATE ROLE gone', 'DROP OWNED BY gone', 'DROP ROLE gone');
for my $command (@commands)
{
	my ($status, undef, $error) = $node->psql('plain', $command);
	is($status, 0, "$command is left alone where somebody planted our schemas") or diag($error);
}
is($node->safe_psql('plain', 'SET ROLE planter; ALTER TABLE group_api_private.pauses DISABLE ROW LEVEL SECURITY; SELECT string_agg(server, \',\' ORDER BY server) FROM group_api_private.pauses'),
	'a,b,c', 'and what was planted is as it was');

# C functions of ours, made by hand: there is no extension that they could serve.
$node->safe_psql('plain', q(CREATE FUNCTION public.create_group(jsonb) RETURNS json LANGUAGE c AS '$libdir/group_api', 'group_api_create_group'));
my ($status, undef, $error) = $node->psql('plain', q(SELECT public.create_group('{"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "name": "n",
	"description": "d", "message": "m", "image": "https://example.com/p.png", "members": [{"nickName": "Ann", "contact": {"type": "EMAIL", "value": "ann@example.com"}}]}')));
like($error, qr/extension group_api is not installed in this database/, 'nor are they taken for the tables of the extension');

# What is found goes with the extension, in a session that has looked before.
$node->safe_psql('postgres', 'CREATE ROLE app; SELECT group_api.grant_access(\'app\', \'caller\')');
my $body = q('{"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "name": "n", "description": "d", "message": "m", "image": "https://example.com/p.png",
	"members": [{"nickName": "Ann", "contact": {"type": "EMAIL", "value": "ann@example.com"}}]}');
is($node->safe_psql('postgres', qq(
	SELECT count(group_api.create_group($body)) FROM generate_series(1, 2);
	DROP EXTENSION group_api CASCADE;
	CREATE EXTENSION group_api;
	SELECT count(group_api.create_group($body)) FROM generate_series(1, 2);
	SELECT count(*) FROM group_api_private.groups;)), "2\n2\n2", 'an extension made anew is found by a session that knew the old one');
is($node->safe_psql('postgres', qq(
	SELECT count(group_api.create_group($body));
	BEGIN; DROP EXTENSION group_api; CREATE EXTENSION group_api; SELECT count(group_api.create_group($body)); ROLLBACK;
	SELECT count(group_api.create_group($body));
	SELECT count(*) FROM group_api_private.groups;)), "1\n1\n1\n4", 'also where that is rolled back');
is($node->safe_psql('postgres', qq(
	SELECT count(group_api.create_group($body));
	ALTER TABLE group_api_private.groups OWNER TO app;
	ALTER TABLE group_api_private.groups OWNER TO postgres;
	SELECT count(group_api.create_group($body));)), "1\n1", 'and other owners of tables do no harm');

# A wrapper with a name like ours is no provider.
$node->safe_psql('postgres', q(CREATE FOREIGN DATA WRAPPER group_api_mine; CREATE SERVER mine FOREIGN DATA WRAPPER group_api_mine OPTIONS (channel 'EMAIL')));
is($node->safe_psql('postgres', 'SELECT count(*) FROM group_api.providers'), '0', 'a wrapper of somebody else with a name like ours makes no provider');
for my $call (q(receipt_url('mine')), q(pause('mine')), q(test_provider('mine', 'a@example.com')))
{
	($status, undef, $error) = $node->psql('postgres', "SELECT group_api.$call");
	like($error, qr/provider "mine" does not exist/, "$call says so");
}

# A table or a schema that somebody moved is missed by its name, not the extension.
for my $move ([ 'TABLE group_api_private.invitations SET SCHEMA public', 'TABLE public.invitations SET SCHEMA group_api_private' ],
	[ 'TABLE group_api_private.invitations RENAME TO old', 'TABLE group_api_private.old RENAME TO invitations' ],
	[ 'SCHEMA group_api_private RENAME TO old', 'SCHEMA old RENAME TO group_api_private' ])
{
	$node->safe_psql('postgres', "ALTER $move->[0]");
	($status, undef, $error) = $node->psql('postgres', q(SELECT group_api.pause('none')));
	like($error, qr/group_api_private\.invitations, a table of extension group_api, was moved or renamed.*HINT:  ALTER/s,
		"after ALTER $move->[0] an error names the table");
	$node->safe_psql('postgres', "ALTER $move->[1]");
	($status, undef, $error) = $node->psql('postgres', q(SELECT group_api.pause('none')));
	like($error, qr/provider "none" does not exist/, 'and moved back it is found');
}

unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC:|TRAP:/, 'no process ended by a signal');
$node->stop;
done_testing();
