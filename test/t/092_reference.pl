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

# Words that a text column of a view may hold, by the constraint of its table; A and B are the contracts' names.
is($node->safe_psql('postgres', q{
	WITH words AS (
		SELECT (SELECT attname FROM pg_attribute WHERE attrelid = conrelid AND attnum = conkey[1]) AS part,
		       (regexp_matches(pg_get_constraintdef(oid), $$'([^']+)'$$, 'g'))[1] AS word
		FROM pg_constraint WHERE connamespace = 'group_api_private'::regnamespace AND contype = 'c'
			AND pg_get_constraintdef(oid) ~ '= ANY \(+ARRAY\[' AND cardinality(conkey) = 1)
	SELECT string_agg(part || ' ' || word, ', ') FROM words WHERE part <> 'contract' AND NOT EXISTS (
		SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE relkind = 'v' AND relnamespace = 'group_api'::regnamespace AND attname = part
			AND col_description(attrelid, attnum) ~ ('\m' || word || '\M'))}), '', 'each word of a column is explained');

# Findings of health(), states of the dispatcher and of providers: as their sources name them.
my $root = project_root();
my $script = slurp_file("$root/sql/group_api.sql");
my %of = (
	'health()' => [ "SELECT obj_description('group_api.health()'::regprocedure, 'pg_proc')",
		map { s/\s+$//r } $script =~ /"check" := '([^']+)'/g ],
	'dispatcher.state' => [ "SELECT replace(col_description('group_api.dispatcher'::regclass, attnum), ', ', E'\n')
			FROM pg_attribute WHERE attrelid = 'group_api.dispatcher'::regclass AND attname = 'state'",
		slurp_file("$root/src/dispatch/stats.c") =~ /\btell\(\s*stats,\s*"([^"]+)"/g ],
	'stat_progress.action' => [ "SELECT replace(replace(col_description('group_api.stat_progress'::regclass, attnum), ' or ', E'\n'), ', ', E'\n')
			FROM pg_attribute WHERE attrelid = 'group_api.stat_progress'::regclass AND attname = 'action'",
		slurp_file("$root/src/dispatch/steps/deadlines.c") =~ /ga_progress_report\([^"]*"(\w+)"/g ]);
for my $what (sort keys %of)
{
	my ($query, @words) = @{ $of{$what} };
	my $text = $node->safe_psql('postgres', $query);
	my %seen;

	@words = grep { !$seen{$_}++ } @words;
	ok(@words > 0, "$what has " . @words . ' words');
	is(join(', ', grep { $text !~ /^\Q$_\E\b/m } @words), '', 'each of them explained');
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
