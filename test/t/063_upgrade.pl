# A later version takes over what an earlier one made: upgraded and fresh databases are
# alike, data and rights are kept, and whatever a script of an upgrade forgets is noticed.
# While library and SQL are of different versions each call answers one line that says what
# to do, nothing is sent, and health() has the command.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use Copies;
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;
use Upgrades;

my $tree;    # a copy of the sources, in which versions are released and begun
my $node;

sub query { return $node->safe_psql($_[1] // 'postgres', $_[0]); }

# What psql says of a statement that fails.
sub error_of
{
	my ($database, $sql) = @_;
	my ($status, $out, $error) = $node->psql($database, $sql);

	return $error;
}

# With the data of that version, as script/release kept them.
sub old_database
{
	my ($version, $name, $kept) = @_;

	query("CREATE DATABASE $name");
	query("CREATE EXTENSION group_api VERSION '$version'", $name);
	$node->safe_psql($name, slurp_file("$kept/$version.data.sql"));
	return;
}

sub counts_of
{
	my ($database) = @_;

	return query(q{SELECT string_agg(c.oid::regclass || ' ' || (xpath('//n/text()', query_to_xml(
		format('SELECT count(*) AS n FROM %s', c.oid::regclass), false, false, '')))[1]::text, ', ' ORDER BY c.relname)
		FROM pg_extension, unnest(extconfig) t (part) JOIN pg_class c ON c.oid = t.part AND c.relkind = 'r' AND c.relname <> 'installation'
		WHERE extname = 'group_api'}, $database);
}

# Upgrades a database with data of each version there is.
sub upgrade_all
{
	my ($kept, @versions) = @_;
	my $fresh = catalog_of($node, 'fresh');

	for my $version (@versions)
	{
		my $name = 'from_' . $version =~ tr/./_/r;
		old_database($version, $name, $kept);
		my $before = counts_of($name);
		query('ALTER EXTENSION group_api UPDATE', $name);
		is(join("\n", catalog_differences($fresh, catalog_of($node, $name))), '', "from $version: upgraded and fresh are alike");
		is(join(', ', grep { my ($table) = /^(\S+)/; $before =~ /\b\Q$table\E / } split /, /, counts_of($name)), $before, "from $version: all data are there");
		like($before, qr/\bgroup_api_private\.$_ [1-9]/, "from $version: among them $_") for qw(groups members invitations users);
		query('SELECT group_api.adopt()', $name);
		query("SELECT group_api.get_group(id) FROM group_api_private.groups WHERE contract = 'A' LIMIT 1", $name);
		invite($node, \$name, sa_number(1));
		pass("from $version: its groups are read and new ones made");
	}
	return;
}

# What grant_access() gave a role of each level.
my $granted = q{SELECT string_agg(concat_ws(' ', p.oid::regprocedure, a.grantee::regrole, a.privilege_type), E'\n' ORDER BY p.oid, a.grantee::regrole::text)
	FROM pg_proc p, aclexplode(p.proacl) a WHERE a.grantee::regrole::text LIKE 'kept\_%'};

sub rights_are_kept
{
	my (@versions) = @_;
	my @levels = qw(anonymous caller monitor listener mailer gateway proxy operator);

	query("CREATE ROLE kept_$_") for @levels;
	query(q{SELECT group_api.grant_access('kept_monitor', 'monitor')}, 'fresh');
	for my $version (@versions)
	{
		my $name = 'rights_of_' . $version =~ tr/./_/r;
		query("CREATE DATABASE $name");
		query("CREATE EXTENSION group_api VERSION '$version'", $name);
		query("SELECT group_api.grant_access('kept_$_', '$_')", $name) for @levels;
		my $before = query($granted, $name);
		query('ALTER EXTENSION group_api UPDATE', $name);
		is(join("\n", grep { my $right = $_; !grep { $_ eq $right } split /\n/, query($granted, $name) } split /\n/, $before), '',
			"from $version: what roles were granted is kept");
		my $refused = 'SET ROLE kept_monitor; SELECT string_agg("check", $$, $$) FROM group_api.health() WHERE fact LIKE $$%permission denied%$$';
		is(query($refused, $_), '', "$_: a monitor is told all that health() looks at") for 'fresh', $name;
		# What a script grants, no dump has.
		is(query(q{SELECT string_agg(DISTINCT a.grantee::regrole::text, ', ') FROM pg_init_privs p, aclexplode(p.initprivs) a
			WHERE a.grantee::regrole::text LIKE 'kept\_%'}, $name), '', "from $version: the upgrade grants nothing by itself");
	}
	return;
}

# ---- the versions that were released, by the library that is installed

my @released = released_versions(project_root());
if (@released)
{
	$node = new_node('released', extension => 0);
	query('CREATE DATABASE fresh');
	query('CREATE EXTENSION group_api', 'fresh');
	upgrade_all(project_root() . '/sql/released', @released);
	rights_are_kept(@released);
	$node->stop;
}

# ---- a release, and the next version, in a copy of the sources

my $scratch = PostgreSQL::Test::Utils::tempdir_short();
my $installation = private_installation("$scratch/installed");
my ($old) = slurp_file(project_root() . '/group_api.control') =~ /^default_version = '(.*)'/m;
my $new = $old =~ s/(\d+)$/$1 + 1/er;

$tree = "$scratch/tree";
mkdir $tree;
system("cd '" . project_root() . "' && tar --exclude=./build/peers --exclude=./.git --exclude=./build/log -cf - . | tar -xf - -C '$tree'");
my $is_fixed = -e "$tree/sql/released/group_api--$old.sql";

sub make
{
	my ($what) = @_;
	my $said = qx(make -s -j2 -C '$tree' PG_CONFIG='$ENV{PG_CONFIG}' DESTDIR='$scratch/installed' $what 2>&1);

	is($?, 0, "make $what") or diag($said);
	return;
}

# script/release with these arguments; what it says.
sub release
{
	my (@arguments) = @_;
	my $said = qx(cd '$tree' && script/release @{[ map { "'$_'" } @arguments ]} 2>&1);

	return $? == 0 ? $said : "failed: $said";
}

make('install');
$node = new_node('main', install_path => $installation);
query('CREATE DATABASE living');
query('CREATE EXTENSION group_api', 'living');
add_capture($node, 'living');
invite($node, \'living', sa_number(1));
all_are($node, 'sent', 'the old version sends', database => 'living');
query('CREATE ROLE app');
query("SELECT group_api.grant_access('app', 'caller')", 'living');

like(release('next', $new), qr/^failed: .*was not released/s, 'the next version begins when this one is released') unless $is_fixed;
like(release('freeze', $node->connstr('postgres') . " user=$ENV{PGUSER}"), $is_fixed ? qr/^failed: .* is released/ : qr/^\Q$old\E is recorded/m,
	'a version is released once');
unlike(release('check'), qr/^failed|^not ok/m, 'what was released passes the check');
my $dump = slurp_file("$tree/sql/released/$old.data.sql");
like($dump, qr/^COPY group_api_private\.groups/m, 'with data made by it');
like(release('next', $_), qr/^failed/, "$_ does not come next") for $old, '0.1', 'x', '1.1b';
like(release('next', $new), qr/^\Q$new\E begins/, 'the next one begins');
unlike(release('check'), qr/^failed|^not ok/m, 'and passes the check');

# What changes, as sql/group_api.sql has it in the end and as an old database gets it; [word
# of what the comparison has to name, statement].
my @changes = (
	[ 'groups', 'ALTER TABLE group_api_private.groups ADD COLUMN note text NOT NULL DEFAULT $$$$;' ],
	[ 'groups_note_idx', 'CREATE INDEX groups_note_idx ON group_api_private.groups (note);' ],
	[ 'noted', 'CREATE FUNCTION group_api.noted() RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT $a$x$a$ $$;' ],
	[ 'FUNCTION noted', 'COMMENT ON FUNCTION group_api.noted() IS $$Says x.$$;' ],
	[ 'ACL', 'REVOKE ALL ON FUNCTION group_api.noted() FROM PUBLIC;' ],
	[ 'notes', 'CREATE TABLE group_api_private.notes (id integer PRIMARY KEY, note text CHECK (note <> $$$$));' ],
	[ 'what is dumped', 'SELECT pg_extension_config_dump($$group_api_private.notes$$, $$$$);' ],
	[ 'response', 'ALTER TYPE group_api.response ADD VALUE $$unsure$$;' ]);
my $script = "$tree/sql/group_api--$old--$new.sql";
my $beginning = slurp_file($script);

sub write_script
{
	my (@statements) = @_;

	open(my $file, '>', $script) or die "$script: $!";
	print $file $beginning, map { "$_->[1]\n" } @statements;
	close $file;
	return;
}

write_script(@changes);
open(my $whole, '>>', "$tree/sql/group_api.sql") or die $!;
print $whole map { "$_->[1]\n" } @changes;
close $whole;
my $library = "$scratch/installed" . qx($ENV{PG_CONFIG} --pkglibdir) =~ s/\n\z//r . '/group_api.so';
system('cp', $library, "$scratch/old.so");
make('all');
make('install');

# ---- the new SQL, and a server that loaded the old library

my $refused = qr/^psql:.*ERROR:  the library of group_api that the server loaded is of version \Q$old\E, older than version \Q$new\E of the extension\nHINT:  Restart the server, then repeat this command\.$/m;
like(error_of('living', 'ALTER EXTENSION group_api UPDATE'), $refused, 'an upgrade before the restart says so');
query('CREATE DATABASE early');
like(error_of('early', 'CREATE EXTENSION group_api'), $refused, 'so does a new database');
invite($node, \'living', sa_number(2));
all_are($node, 'sent', 'the old version goes on until then', database => 'living');

# ---- the new library, and the old SQL

$node->restart;
my $older = qr/^psql:.*ERROR:  the library of group_api is of version \Q$new\E, the extension in this database of version \Q$old\E\nHINT:  ALTER EXTENSION group_api UPDATE;$/m;
like(error_of('living', 'SELECT group_api.list_groups()'), $older, 'after the restart a call says what to do');
like(error_of('living', "SET ROLE app; SELECT group_api.list_groups()"), $older, 'to whoever calls');

is(error_of('living', q{CREATE FOREIGN DATA WRAPPER elsewhere; CREATE SERVER other FOREIGN DATA WRAPPER elsewhere; DROP SERVER other;
	DROP FOREIGN DATA WRAPPER elsewhere}), '', "others' servers come and go meanwhile");

sub finding
{
	my ($check) = @_;

	return query(qq{SELECT severity || '|' || fact || '|' || command FROM group_api.health() WHERE "check" = '$check'}, 'living');
}

poll_until(sub { finding('version') eq "critical|the library is of version $new, newer than the extension in this database, $old|ALTER EXTENSION group_api UPDATE TO '$new';" },
	'health() has the command') or diag(finding('version'));
like(finding('dispatcher'), qr/^critical\|the library is of version \Q$new\E, the extension in this database of version \Q$old\E\|ALTER EXTENSION group_api UPDATE;$/,
	'and that nothing is sent');
query('ALTER EXTENSION group_api UPDATE', 'living');
poll_until(sub { query(q{SELECT count(*) FROM group_api.health() WHERE severity = 'critical'}, 'living') == 0 }, 'typed, it helps')
  or diag(query('SELECT h::text FROM group_api.health() h', 'living'));
invite($node, \'living', sa_number(3));
all_are($node, 'sent', 'the new version sends', database => 'living');
query("SET ROLE app; SELECT group_api.list_groups()", 'living');

# ---- fresh and upgraded

query('CREATE DATABASE fresh');
query('CREATE EXTENSION group_api', 'fresh');
upgrade_all("$tree/sql/released", $old);

my $fresh = catalog_of($node, 'fresh');
chomp(my $share = qx($ENV{PG_CONFIG} --sharedir));
for my $i (0 .. $#changes)
{
	my @others = @changes;
	my ($left_out) = splice @others, $i, 1;

	# What needs what was left out is left out, too.
	@others = grep { $left_out->[0] ne 'groups' || $_->[0] ne 'groups_note_idx' } @others;
	@others = grep { $left_out->[0] ne 'noted' || $_->[1] !~ /noted\(\)/ } @others;
	@others = grep { $left_out->[0] ne 'notes' || $_->[1] !~ /private\.notes\b/ } @others;
	write_script(@others);
	system('cp', $script, "$scratch/installed$share/extension");
	query('DROP DATABASE IF EXISTS forgetful');
	query('CREATE DATABASE forgetful');
	query("CREATE EXTENSION group_api VERSION '$old'", 'forgetful');
	query('ALTER EXTENSION group_api UPDATE', 'forgetful');
	like(join("\n", catalog_differences($fresh, catalog_of($node, 'forgetful'))), qr/\Q$left_out->[0]\E/,
		"a script that forgets it is noticed: $left_out->[1]");
}

# ---- the old library again

system('cp', "$scratch/old.so", "$library.older");
rename("$library.older", $library);
$node->restart;
like(error_of('living', 'SELECT group_api.list_groups()'),
	qr/^psql:.*ERROR:  the library of group_api is of version \Q$old\E, the extension in this database of version \Q$new\E\nHINT:  Install the library of version \Q$new\E and restart the server\.$/m,
	'an older library says what to do');
is(finding('version'), "critical|the library is of version $old, older than the extension in this database, $new|\\! pg_ctl restart -D \"\$PGDATA\"",
	'so does health()');
is(error_of('fresh', 'DROP EXTENSION group_api CASCADE'), '', 'and it can be dropped');

$node->stop;
done_testing();
