# pg_upgrade moves data: they stay their database's own, and that is said loudly. What
# was foreign before, or is copied into the new cluster later, is foreign.
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

my ($hers, $upgraded);

sub as_role { my ($node, $role, $sql) = @_; my (undef, $out, $error) = $node->psql('postgres', $sql, extra_params => [ '-U', $role ]); return $out ne '' ? $out : $error; }

# What alicia, who was called alice, has after the upgrade, and the new alice has not.
sub roles_are_kept
{
	my ($when) = @_;
	my $group = "SELECT group_api_v2.get_group($hers) ->> 'name'";
	my $events = "SELECT count(*) FROM group_api.next_events('hers')";

	is(as_role($upgraded, 'alicia', $group), 'Hers', "a renamed role has its groups $when");
	like(as_role($upgraded, 'alice', $group), qr/there is no such group/, '... and who took its name has not');
	like(as_role($upgraded, 'alicia', $events), qr/^\d+$/, '... and its consumer');
	like(as_role($upgraded, 'alice', $events), qr/ERROR:/, '... which is for the role, not for the name');
	return;
}

my $old = new_node('old', extension => 0);
my $sent = sa_number(1);
my @waiting = map { sa_number($_) } 11 .. 15;

$old->safe_psql('postgres', "CREATE DATABASE $_") for qw(app copy);
$old->safe_psql($_, 'CREATE EXTENSION group_api') for qw(app postgres);
add_capture($old, $_) for qw(app postgres);
$old->safe_psql('postgres', 'DROP DATABASE copy');
invite($old, \'app', $sent);
all_are($old, 'sent', 'the old cluster sends', database => 'app');
my $token = token_of($old, 'app', $sent);
$old->safe_psql('app', "SELECT group_api.pause('sms')");
invite($old, \'app', @waiting);
# A copy that nobody adopted.
$old->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE app');
poll_until(sub { (dispatcher($old, 'copy')->{reason} // '') =~ /adopt/ }, 'a copy in it is foreign');
$old->stop;

my $new = upgrade_cluster($old, 'new');
$new->start;
$new->safe_psql($_, "SELECT group_api.resume('sms')") for qw(app copy);
poll_until(sub { captured($new, 'app', @waiting) == 5 }, 'after pg_upgrade what waited is sent');
is(accepts($new, 'app', $token), 1, 'links that were sent before are answered');
invite($new, \'app', sa_number(21));
poll_until(sub { captured($new, 'app', sa_number(21)) == 1 }, 'new invitations are sent');
like(slurp_file($new->logfile), qr/WARNING:  the data of database "app" were moved here by pg_upgrade/, 'the log says so');
like($new->safe_psql('app', "SELECT ok || ' ' || fact || ' ' || hint FROM group_api.health() WHERE \"check\" = 'adopted'"),
	qr/^true .*pg_upgrade moved them here.*both send/, 'so does health(), and what if the old cluster runs as well');
poll_until(sub { (dispatcher($new, 'copy')->{reason} // '') =~ /adopt/ }, 'what was foreign before pg_upgrade is foreign afterwards');
is(captured($new, 'copy', @waiting), 0, 'and sends nothing');

# Rows of the same database's identity that come later are copies, whatever they say.
my $identity = $new->safe_psql('app', 'COPY group_api_private.installation TO STDOUT');
$new->safe_psql('app', 'UPDATE group_api_private.installation SET system_identifier = system_identifier + 1');
$new->reload;
poll_until(sub { (dispatcher($new, 'app')->{reason} // '') =~ /adopt/ }, 'a row that was written after pg_upgrade says nothing of it');
is(accepts($new, 'app', $token), 0, 'nor are links answered by it');
$new->stop;

# The files of the new cluster under another identity are a copy again.
my $third = new_node('third', extension => 0);
$third->safe_psql('postgres', 'CREATE EXTENSION group_api');
add_capture($third, 'postgres');
invite($third, $sent);
all_are($third, 'sent', 'a third cluster sends');
# Right before it is upgraded a role is renamed, and another one takes its name.
$third->safe_psql('postgres', q{
	CREATE ROLE alice LOGIN;
	SELECT group_api.grant_access('alice', 'caller'), group_api.grant_access('alice', 'listener'),
		group_api.create_consumer('hers', role => 'alice')});
$hers = as_role($third, 'alice', q{SELECT group_api_v2.create_group('{"name": "Hers", "visible": false}') ->> 'id'});
$third->safe_psql('postgres', q{
	ALTER ROLE alice RENAME TO alicia;
	CREATE ROLE alice LOGIN;
	SELECT group_api.grant_access('alice', 'caller'), group_api.grant_access('alice', 'listener')});
$third->stop;
$upgraded = upgrade_cluster($third, 'upgraded');
# No process is left for a dispatcher that could note the upgrade.
$upgraded->append_conf('postgresql.conf', 'max_worker_processes = 1');
$upgraded->start;
roles_are_kept('before that is noted');
$upgraded->safe_psql('postgres', 'ALTER SYSTEM SET max_worker_processes = 8');
$upgraded->restart;
poll_until(sub { $upgraded->safe_psql('postgres', "SELECT group_api_private.data_origin()") eq 'moved' }, 'and is upgraded');
poll_until(sub { slurp_file($upgraded->logfile) =~ /moved here by pg_upgrade/ }, 'which is noted');
roles_are_kept('once that is noted');
is( $upgraded->safe_psql('postgres', q{
		SELECT count(*) FROM (SELECT role_cluster FROM group_api_private.users UNION ALL SELECT role_cluster FROM group_api_private.consumers) AS r
		WHERE role_cluster <> (SELECT system_identifier FROM pg_control_system())}),
	'0', 'so that another upgrade finds them');
$upgraded->stop;
give_new_identity($upgraded);
$upgraded->start;
poll_until(sub { (dispatcher($upgraded)->{reason} // '') =~ /adopt/ }, 'its files under a new identity are a copy');
$upgraded->stop;

# Files under a new identity that are upgraded afterwards, too.
give_new_identity($third);
$third->start;
poll_until(sub { (dispatcher($third)->{reason} // '') =~ /adopt/ }, 'files under a new identity are a copy');
$third->stop;
my $fourth = upgrade_cluster($third, 'fourth');
$fourth->start;
poll_until(sub { (dispatcher($fourth)->{reason} // '') =~ /adopt/ }, 'and stay one when they are upgraded');
$fourth->stop;

done_testing();
