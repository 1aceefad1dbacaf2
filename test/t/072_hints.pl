# What PostgreSQL itself refuses of the extension's has a hint that helps: a right that
# is missing, a word that an enum does not have.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use GroupApiTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('hints');

sub query { return $node->safe_psql('postgres', $_[0]); }

# The error of the last statement; those before it succeed.
sub refused
{
	my ($sql) = @_;
	my ($status, $out, $error) = $node->psql('postgres', $sql);

	isnt($status, 0, "refused: $sql");
	return $error;
}

query(q{
	CREATE ROLE nobody; CREATE ROLE "Some One"; CREATE ROLE watcher; CREATE ROLE op;
	SELECT group_api.grant_access('"Some One"', 'anonymous'), group_api.grant_access('watcher', 'monitor'),
		group_api.grant_access('op', 'operator');
	CREATE SCHEMA mine; GRANT USAGE ON SCHEMA mine TO PUBLIC;
	CREATE FUNCTION mine.health() RETURNS int LANGUAGE sql AS 'SELECT 1';
	REVOKE EXECUTE ON FUNCTION mine.health() FROM PUBLIC;
	CREATE TABLE mine.group_api (id int); CREATE TABLE mine.secrets (id int);
	CREATE TYPE mine.channel AS ENUM ('MOBILE');
	CREATE FUNCTION mine.indirect() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM group_api.pause_all(); END';
	CREATE FUNCTION mine.as_nobody() RETURNS json LANGUAGE sql SECURITY DEFINER AS $$SELECT group_api.create_group('{}'::jsonb)$$;
	ALTER FUNCTION mine.as_nobody() OWNER TO nobody});

# ---- rights

my $grant = qr/HINT:  The owner of extension group_api gives the right: SELECT group_api\.grant_access/;

for ([ nobody => q{SELECT group_api.create_group('{}')} ], [ nobody => 'SELECT * FROM group_api.health()' ],
	[ nobody => 'TABLE group_api.queue' ], [ nobody => 'SELECT group_api_v2.get_me()' ], [ nobody => 'CALL group_api.in_batches($$retry$$)' ],
	[ '"Some One"' => q{SELECT group_api.create_group('{}')} ], [ '"Some One"' => 'SELECT "group_api"."create_group"($${}$$)' ],
	[ '"Some One"' => 'SELECT Group_API . Health()' ], [ '"Some One"' => 'TABLE group_api.queue' ],
	[ '"Some One"' => 'SELECT group_api_v2.list_groups()' ], [ '"Some One"' => 'SELECT mine.indirect()' ],
	[ watcher => q{SELECT group_api.pause('x')} ], [ watcher => 'TABLE group_api.captured' ],
	[ '"Some One"' => 'CREATE SERVER x FOREIGN DATA WRAPPER group_api_capture' ])
{
	my ($role, $sql) = @$_;
	my $name = $role =~ s/'/''/gr;

	like(refused("SET ROLE $role; $sql"), qr/permission denied for .*\n(?:LINE.*\n.*\n)?$grant\('\Q$name\E', /, "the hint names grant_access and $role");
}
like(refused(q{SET SESSION AUTHORIZATION watcher; SELECT group_api.pause_all()}), qr/$grant\('watcher', /, 'also of who the session is');
like(refused('SET ROLE watcher; CREATE SERVER x FOREIGN DATA WRAPPER group_api_capture'), qr/$grant\('watcher', 'operator'\)/,
	'providers are for operators');
like(refused('SELECT mine.as_nobody()'), qr/$grant\('ROLE', /, 'nobody is named where a function has its owner\'s rights');
for my $function ('grant_access($$nobody$$, $$caller$$)', 'revoke_access($$nobody$$)')
{
	like(refused("SET ROLE op; SELECT group_api.$function"), qr/HINT:  Only the owner of extension group_api may call it\./,
		"what no level has is not promised: $function");
}
for ('SELECT mine.health()', 'TABLE mine.group_api', 'TABLE mine.secrets',
	'SELECT * FROM group_api.queue, mine.secrets', 'SELECT * FROM group_api_private.users', 'CREATE DATABASE group_api')
{
	unlike(refused("SET ROLE op; $_"), qr/grant_access/, 'it is not told of what it does not help with');
}

# ---- words

my @enums = split /\n/, query(q{
	SELECT format('%s|%s', t.oid::regtype, string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder))
	FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid
	JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'
	JOIN pg_extension x ON x.oid = d.refobjid AND x.extname = 'group_api' GROUP BY t.oid});
cmp_ok(@enums, '>', 4, 'the extension has enums');
for (@enums)
{
	my ($type, $labels) = split /\|/;

	like(refused("SELECT 'no such word'::$type"), qr/HINT:  The values are \Q$labels\E\.$/m, "the hint lists the values of $type");
}
like(refused(q{SELECT group_api.pause_channel('SMS')}), qr/HINT:  The values are MOBILE, EMAIL\./, 'so it does for an argument');
like(refused(q{SELECT * FROM group_api.deliveries WHERE delivery = 'send'}), qr/HINT:  The values are held, /, 'and in a question to a view');
unlike(refused(q{SELECT 'no such word'::mine.channel}), qr/HINT/, 'others\' enums are theirs');

# ---- deferred triggers

# As a framework makes its foreign keys.
my $id = query(q{SELECT group_api.create_group('{"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "name": "n", "description": "d", "message": "m",
	"image": "https://example.com/p.png", "members": [{"nickName": "A", "contact": {"type": "EMAIL", "value": "a@example.com"}}]}') #>> '{group,id}'});
query('CREATE TABLE mine.album (group_id uuid CONSTRAINT album_group REFERENCES group_api_private.groups (id) DEFERRABLE INITIALLY DEFERRED)');
my $deferred = refused("SELECT group_api.delete_group('$id')");
like($deferred, qr/cannot fire deferred trigger.*\n(?:.*\n)*HINT:  A deferrable constraint that is not the extension's is in the way: SELECT .*; names it\..*NOT DEFERRABLE/,
	'the hint tells how to find the constraint, and what helps');
my ($ask) = $deferred =~ /(SELECT c\.conrelid.*?;) names it/;
is(query($ask // 'SELECT 0'), 'mine.album|album_group', 'its question names it');
query('ALTER TABLE mine.album ALTER CONSTRAINT album_group NOT DEFERRABLE');
is(query("SELECT group_api.delete_group('$id') #>> '{error,code}'"), '0', 'and without it the group is deleted');
query(q{CREATE TABLE mine.parent (id int PRIMARY KEY); INSERT INTO mine.parent VALUES (1);
	CREATE TABLE mine.child (id int REFERENCES mine.parent DEFERRABLE INITIALLY DEFERRED);
	CREATE FUNCTION mine.writes() RETURNS int LANGUAGE sql AS 'INSERT INTO mine.child VALUES (1) RETURNING id';
	CREATE MATERIALIZED VIEW mine.writer AS SELECT mine.writes() WITH NO DATA});
unlike(refused('REFRESH MATERIALIZED VIEW mine.writer'), qr/HINT/, 'others\' deferred triggers are theirs');

# ---- where it stands

like(slurp_file($node->logfile), qr/permission denied for schema group_api.*\n(?:.*\n)?.*HINT:  The owner of extension group_api/, 'the log has it, too');
is(query(q{DO $$BEGIN PERFORM set_config('role', 'nobody', true); PERFORM group_api.create_group('{}');
	EXCEPTION WHEN insufficient_privilege THEN NULL; END$$; SELECT 1}), 1, 'who catches the error goes on');

$node->stop;
done_testing();
