# docs/reference tells the truth: its pages are what script/reference writes, every
# public function has its text and an example that runs as it stands, and nothing that
# is public lacks a word.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use GroupApiTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $reference = project_root() . '/docs/reference';
my $node = new_node('main');
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{PGDATABASE} = 'postgres';

# ---- the pages

my $written = PostgreSQL::Test::Utils::tempdir();
run_log([ '/usr/bin/python3', project_root() . '/script/lib/reference.py', "$reference/examples.sql", $written ]);
for my $page (qw(functions views types settings))
{
	is(slurp_file("$reference/$page.md"), slurp_file("$written/$page.md"),
		"docs/reference/$page.md is what script/reference writes");
}

# ---- what lacks a word

my $public = q{pronamespace = ANY ('{group_api,group_api_v2}'::regnamespace[])};
for my $lack (
	[ 'function has a comment', "SELECT oid::regprocedure FROM pg_proc WHERE $public AND obj_description(oid, 'pg_proc') IS NULL" ],
	[ 'view has a comment', q{SELECT oid::regclass FROM pg_class WHERE relkind = 'v'
		AND relnamespace = ANY ('{group_api,group_api_v2}'::regnamespace[]) AND obj_description(oid, 'pg_class') IS NULL} ],
	[ 'column of a view has a comment', q{SELECT attrelid::regclass || '.' || attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
		WHERE relkind = 'v' AND relnamespace = ANY ('{group_api,group_api_v2}'::regnamespace[]) AND attnum > 0
		AND col_description(attrelid, attnum) IS NULL} ],
	[ 'label of a type is explained', q{SELECT enumtypid::regtype || ' ' || enumlabel FROM pg_enum JOIN pg_type t ON t.oid = enumtypid
		WHERE typnamespace = 'group_api'::regnamespace
		AND obj_description(t.oid, 'pg_type') !~ ('(^|\n)' || enumlabel || ': ')} ],
	[ 'setting has a description', q{SELECT name FROM pg_settings WHERE name LIKE 'group_api.%' AND coalesce(short_desc, '') = ''} ])
{
	is($node->safe_psql('postgres', "SELECT string_agg(lack::text, ' ') FROM ($lack->[1]) AS l (lack)"), '', "each $lack->[0]");
}

# ---- the examples

my $examples = slurp_file("$reference/examples.sql");
my %has = map { $_ => 1 } $examples =~ /^-- (group_api\w*\.\w+)$/mg;
is(join(' ', grep { !$has{$_} } split /\n/,
		$node->safe_psql('postgres', "SELECT DISTINCT oid::regproc::text FROM pg_proc WHERE $public ORDER BY 1")),
	'', 'each function has an example');

my ($out, $error);
$node->psql('postgres', $examples, stdout => \$out, stderr => \$error, on_error_stop => 0);
$error =~ s/^(psql:\S+ )?(NOTICE|DETAIL):.*\n?//mg;
is($error, '', 'the examples run from first to last');
unlike($out, qr/"code":[1-9]/, 'and none is refused');

$node->stop;
done_testing();
