# A copy sends nothing and answers no link of its origin until somebody says that
# it is meant to: by template, by dump, by a dump that lacks a row, by logical
# replication, and by the files of a cluster that got a new identity.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use Copies;
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $main = new_node('main', init => [ allows_streaming => 'logical' ], conf => "max_worker_processes = 24");
my $scratch = PostgreSQL::Test::Utils::tempdir();
my $sent = sa_number(1);
my $suppressed = sa_number(2);
my @waiting = map { sa_number($_) } 11 .. 15;
my $next = 100;

# ---- the origin: one invitation sent, five wait, and one to a suppressed number

$main->safe_psql('postgres', 'CREATE DATABASE origin');
$main->safe_psql('origin', 'CREATE EXTENSION group_api');
add_capture($main, 'origin');
invite($main, \'origin', $sent);
all_are($main, 'sent', 'the origin sends', database => 'origin');
my $token = token_of($main, 'origin', $sent);
ok(accepts($main, 'origin', $token), 'and answers its link');
$main->safe_psql('origin', "SELECT group_api.pause('sms')");
invite($main, \'origin', @waiting, $suppressed);
$main->safe_psql('origin', "SELECT group_api.suppress('$suppressed')");

# What is right of every copy before anybody adopts it.
sub is_silent
{
	my ($node, $database, $how) = @_;
	my $new = sa_number(++$next);

	poll_until(sub { (dispatcher($node, $database)->{reason} // '') =~ /adopt/ }, "$how: the dispatcher waits for adopt()");
	$node->psql($database, "SELECT group_api.resume('sms')");
	my ($status) = $node->psql($database, 'SELECT group_api.create_group(' . group_body($new) . ')');
	my $turns = dispatcher($node, $database)->{turns};
	$node->reload;
	poll_until(sub { dispatcher($node, $database)->{turns} > $turns }, "$how: the dispatcher looks again");
	is(captured($node, $database, @waiting, $new), 0, "$how: nothing is sent, old or new");
	is(accepts($node, $database, $token), 0, "$how: the origin's link answers nothing");
	is($node->safe_psql($database, "SELECT ok || ' ' || hint FROM group_api.health() WHERE \"check\" = 'adopted'") =~ /^false .*dry_run/, 1,
		"$how: health() says what to do");
	return;
}

sub says
{
	my ($node, $database, $call) = @_;
	my ($status, $out, $error) = $node->psql($database, "SELECT group_api.adopt($call)");

	return "$status $error";
}

# The columns: link answered after adopt(), or the error of adopt().
sub is_adopted
{
	my ($node, $database, $how, $call, $link) = @_;

	like(says($node, $database, 'dry_run => true'), qr/^0 .*adopt\(\) would let \d+ invitations be sent to \d+ contacts/, "$how: adopt(dry_run) says what would be sent");
	is(captured($node, $database, @waiting), 0, "$how: and sends nothing");
	like(says($node, $database, $call), qr/^0 .*\d+ invitations will be sent/, "$how: adopt($call)");
	poll_until(sub { captured($node, $database, @waiting) == 5 }, "$how: what waited is sent");
	is(accepts($node, $database, $token), $link, $link ? "$how: the origin's link is answered, as was asked for" : "$how: the origin's link is not answered");
	my $own = token_of($node, $database, $waiting[0]);
	is(accepts($node, $database, $own), 1, "$how: its own links are");
	is(accepts($main, 'origin', $own), $link, $link ? "$how: in the origin as well" : "$how: in the origin they are nothing")
	  if $node eq $main || $link == 0;
	return;
}

sub suppression_holds
{
	my ($node, $database, $how) = @_;

	poll_until(sub { delivery_of($node, $suppressed, $database)->{delivery} eq 'suppressed' }, "$how: nothing goes to who is on the suppression list");
	return;
}

# ---- by template

for my $keep (0, 1)
{
	my $how = $keep ? 'template, links kept' : 'template';
	my $copy = "by_template$keep";

	$main->safe_psql('postgres', "CREATE DATABASE $copy TEMPLATE origin");
	is_silent($main, $copy, $how);
	is_adopted($main, $copy, $how, $keep ? 'keep_links => true' : '', $keep);
	suppression_holds($main, $copy, $how);
}

# ---- of a template that never was in use: two tenants

$main->safe_psql('postgres', 'CREATE DATABASE tenants');
$main->safe_psql('tenants', 'CREATE EXTENSION group_api');
add_capture($main, 'tenants');
$main->safe_psql('postgres', "CREATE DATABASE tenant$_ TEMPLATE tenants") for 1, 2;
invite($main, \"tenant$_", $sent) for 1, 2;
all_are($main, 'sent', "tenant $_ sends without further ado", database => "tenant$_") for 1, 2;
my $tenant = token_of($main, 'tenant1', $sent);
is(accepts($main, 'tenant1', $tenant), 1, 'a tenant answers its own link');
is(accepts($main, 'tenant2', $tenant), 0, 'but not that of another tenant of the same template');
# One that was in use and is empty again.
$main->safe_psql('tenant1', 'DELETE FROM group_api_private.groups');
$main->safe_psql('postgres', 'CREATE DATABASE tenant3 TEMPLATE tenant1');
invite($main, \'tenant3', sa_number(77));
poll_until(sub { captured($main, 'tenant3', sa_number(77)) == 1 }, 'a copy without groups is ours by its first one');
is(accepts($main, 'tenant3', $tenant), 0, 'with a key of its own');

# ---- by dump

my $dump = "$scratch/dump";
$main->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $main->connstr('origin') ], 'pg_dump');

sub restore
{
	my ($database, @without) = @_;
	my $list = "$scratch/list";

	$main->safe_psql('postgres', "CREATE DATABASE $database");
	my ($out) = run_command([ 'pg_restore', '-l', $dump ]);
	my $pattern = join '|', map { "TABLE DATA group_api_private $_ " } @without;
	$out = join "\n", grep { !@without || !/$pattern/ } split /\n/, $out;
	append_to_file($list, '') unless -e $list;
	open(my $file, '>', $list) or die $!;
	print $file "$out\n";
	close($file);
	$main->command_ok([ 'pg_restore', '-L', $list, '--exit-on-error', '-d', $main->connstr($database), $dump ], "pg_restore of $database");
	return;
}

restore('dumped');
is_silent($main, 'dumped', 'dump');
like(says($main, 'dumped', 'keep_links => true'), qr/55000|the key of the links did not come along/, 'dump: links cannot be kept without their key');
is(captured($main, 'dumped', @waiting), 0, 'dump: and nothing was adopted then');
is_adopted($main, 'dumped', 'dump', '', 0);
suppression_holds($main, 'dumped', 'dump');

# A dump that is restored where it was made: what happened since is unknown here, too.
$main->safe_psql('postgres', 'CREATE DATABASE again');
$main->safe_psql('again', 'CREATE EXTENSION group_api');
add_capture($main, 'again');
invite($main, \'again', $sent);
all_are($main, 'sent', 'a database that is in use', database => 'again');
$main->safe_psql('again', "SELECT group_api.pause('sms')");
invite($main, \'again', @waiting);
$main->command_ok([ 'pg_dump', '-Fc', '-f', "$scratch/again", '-d', $main->connstr('again') ], 'pg_dump of it');
$main->command_ok([ 'pg_restore', '--clean', '--if-exists', '--exit-on-error', '-d', $main->connstr('again'), "$scratch/again" ], 'pg_restore into the very same database');
is_silent($main, 'again', 'restored in place');
is_adopted($main, 'again', 'restored in place', '', 0);

# A dump that is restored over a database in use: the row that tells whose data these are is there.
for my $what ([], ['--data-only'])
{
	my $how = "restored over one in use @$what";
	my $copy = 'in_use' . @$what;

	$main->safe_psql('postgres', "CREATE DATABASE $copy");
	$main->safe_psql($copy, 'CREATE EXTENSION group_api');
	add_capture($main, $copy);
	invite($main, \$copy, $sent);
	all_are($main, 'sent', "$how: it sends", database => $copy);
	$main->safe_psql($copy, "SELECT group_api.pause('sms')");
	my (undef, $said) = run_command([ 'pg_restore', @$what, '-d', $main->connstr($copy), $dump ]);
	is($main->safe_psql($copy, 'SELECT count(*) FROM group_api_private.invitations'), 8, "$how: the invitations are there");
	is_silent($main, $copy, $how);
	like(says($main, $copy, ''), qr/^3 .*the suppression list cannot be read/s, "$how: adopt() does not pass over the list, whose salt was refused");
}

restore('with_key');
my $row = $main->safe_psql('origin', 'COPY group_api_private.link_secret TO STDOUT');
$main->psql('with_key', "COPY group_api_private.link_secret FROM STDIN;\n$row\n\\.\n");
is_silent($main, 'with_key', 'dump and the copied key');
is_adopted($main, 'with_key', 'dump and the copied key', 'keep_links => true', 1);
suppression_holds($main, 'with_key', 'dump and the copied key');

restore('other_key');
my $other = $main->safe_psql('tenant1', 'COPY group_api_private.link_secret TO STDOUT');
$main->psql('other_key', "COPY group_api_private.link_secret FROM STDIN;\n$other\n\\.\n");
like(says($main, 'other_key', 'keep_links => true'), qr/the key of the links is not the one of these data/, 'another database\'s key is no key of these data');

# Without its groups there is nothing that anybody could adopt.
poll_until(sub { (dispatcher($main, 'other_key')->{reason} // '') =~ /adopt/ }, 'a copy is foreign');
$main->safe_psql('other_key', "DELETE FROM group_api_private.groups; SELECT group_api.resume('sms')");
invite($main, \'other_key', sa_number(78));
poll_until(sub { captured($main, 'other_key', sa_number(78)) == 1 }, 'one that was emptied is ours by its next group');

restore('without_row', 'installation');
is_silent($main, 'without_row', 'dump without the installation');
is_adopted($main, 'without_row', 'dump without the installation', '', 0);
suppression_holds($main, 'without_row', 'dump without the installation');

# The salt is missing: who is on the list cannot be told, so it is not passed over.
for my $too (0, 1)
{
	my $how = $too ? 'dump without salt and installation' : 'dump without the salt';
	my $copy = "without_salt$too";

	restore($copy, 'suppression_salt', $too ? 'installation' : ());
	is_silent($main, $copy, $how);
	like(says($main, $copy, ''), qr/^3 .*the suppression list cannot be read/s, "$how: adopt() does not pass over the list");
	is(captured($main, $copy, @waiting), 0, "$how: and nothing is sent");
	like(says($main, $copy, 'forget_suppressions => true'), qr/^0 /, "$how: unless asked to give the list up");
	poll_until(sub { captured($main, $copy, @waiting, $suppressed) == 6 }, "$how: then all are sent");
}
# Another list's salt is none of this one.
restore('late_salt', 'suppression_salt');
my ($status, undef, $error) = $main->psql('late_salt', "SELECT group_api.suppress('" . sa_number(5) . "')");
like($error, qr/the salt of the suppression list is missing/, 'no new salt is made beside old entries');

# ---- what was being sent when the dump was made

my $hangs = start_script_server(http => { rules => [ { replies => ['hang'] } ] });
$main->safe_psql('postgres', 'CREATE DATABASE busy');
$main->safe_psql('busy', 'CREATE EXTENSION group_api');
add_sms($main, $hangs->{http}, database => 'busy', timeout => 300);
my @under_way = map { sa_number($_) } 31 .. 38;
invite($main, \'busy', @under_way);
poll_until(sub { (deliveries($main, 'busy')->{sending} // 0) == 8 }, 'eight are under way');
$main->command_ok([ 'pg_dump', '-Fc', '-f', "$scratch/busy", '-d', $main->connstr('busy') ], 'pg_dump of them');
$main->safe_psql('postgres', 'CREATE DATABASE busy_copy');
# The dispatcher comes with the extension and looks before the rows are there.
$main->command_ok([ 'pg_restore', '-d', $main->connstr('busy_copy'), '--section=pre-data', "$scratch/busy" ], 'pg_restore of the schema');
wait_for_dispatcher($main, 'its dispatcher is there', database => 'busy_copy');
$main->command_ok([ 'pg_restore', '-d', $main->connstr('busy_copy'), "--section=$_", "$scratch/busy" ], "pg_restore, $_") for 'data', 'post-data';
$main->safe_psql('busy_copy', 'DROP SERVER sms CASCADE');
add_capture($main, 'busy_copy');
like(says($main, 'busy_copy', 'dry_run => true'), qr/8 of them were being sent/, 'adopt(dry_run) says how many were being sent');
$main->safe_psql('busy_copy', 'SELECT group_api.adopt()');
poll_until(sub { captured($main, 'busy_copy', @under_way) == 8 }, 'what was under way is sent after adopt()');

# ---- by logical replication

for my $keep (0, 1)
{
	my $how = $keep ? 'logical replication, links kept' : 'logical replication';
	my $copy = "logical$keep";

	$main->safe_psql('postgres', "CREATE DATABASE $copy");
	$main->safe_psql($copy, 'CREATE EXTENSION group_api');
	add_capture($main, $copy);
	$main->safe_psql('origin', "CREATE PUBLICATION $copy FOR " . ($keep
		? 'TABLES IN SCHEMA group_api_private'
		: join ', ', map { "TABLE group_api_private.$_" } qw(users groups members invitations suppressions suppression_salt)));
	$main->safe_psql('origin', "SELECT pg_create_logical_replication_slot('$copy', 'pgoutput')");
	$main->safe_psql($copy, "CREATE SUBSCRIPTION $copy CONNECTION \$\$" . $main->connstr('origin') . "\$\$ PUBLICATION $copy WITH (create_slot = false, slot_name = '$copy')");
	poll_until(sub { $main->safe_psql($copy, "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'") eq '0' }, "$how: the rows are there");
	$main->reload;
	is_silent($main, $copy, $how);
	is_adopted($main, $copy, $how, $keep ? 'keep_links => true' : '', $keep);
	suppression_holds($main, $copy, $how);
	$main->safe_psql($copy, "ALTER SUBSCRIPTION $copy DISABLE; ALTER SUBSCRIPTION $copy SET (slot_name = NONE); DROP SUBSCRIPTION $copy");
	$main->safe_psql('origin', "SELECT pg_drop_replication_slot('$copy'); DROP PUBLICATION $copy");
}

# ---- by pg_basebackup, with a new identity

$main->backup('files');
my %clone;
for my $keep (0, 1)
{
	my $how = $keep ? 'files with a new identity, links kept' : 'files with a new identity';
	my $clone = PostgreSQL::Test::Cluster->new("clone$keep");

	$clone->init_from_backup($main, 'files');
	$clone->start;
	$clone->safe_psql('postgres', 'CHECKPOINT');
	$clone->stop;
	give_new_identity($clone);
	$clone->start;
	is_silent($clone, 'origin', $how);
	is_adopted($clone, 'origin', $how, $keep ? 'keep_links => true' : '', $keep);
	suppression_holds($clone, 'origin', $how);
	is(says($clone, 'origin', '') =~ /nothing is changed/, 1, "$how: adopt() once more changes nothing");
	$clone->stop;
}

# ---- the origin never minded

is(captured($main, 'origin', @waiting), 0, 'the origin still holds its own');
is(accepts($main, 'origin', $token), 1, 'and answers its link');
is($main->safe_psql('origin', 'SELECT group_api.adopt()'), 6, 'adopt() in the origin says how many wait');
is(accepts($main, 'origin', $token), 1, 'and ends no link there');

$main->stop;
done_testing();
