# group_api.synchronous_claims: no byte of a message leaves before the synchronous standby knows that
# it is under way. So after a failover on_uncertain = hold is kept: nothing is sent twice.
use strict;
use warnings;

use FindBin;
use lib map { "$FindBin::RealBin/$_" } qw(../lib ../t/lib lib);
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Cluster;
use Test::More;
use Time::HiRes qw(sleep time);

my $primary = new_node('primary', init => [ allows_streaming => 1 ], conf => 'group_api.synchronous_claims = on');
my $gateway = start_script_server(http => {});

add_sms($primary, $gateway->{http}, on_uncertain => 'hold', max_connections => 2);

my $standby = make_standby('standby');

# A standby that this primary waits for.
sub make_standby
{
	my ($name) = @_;
	$primary->backup("for_$name");
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init_from_backup($primary, "for_$name", has_streaming => 1);
	$node->start;
	$primary->safe_psql('postgres', "ALTER SYSTEM SET synchronous_standby_names = '$name'");
	$primary->reload;
	poll_until(sub { $primary->safe_psql('postgres', 'SELECT string_agg(sync_state, $$ $$) FROM pg_stat_replication') eq 'sync' },
		'a synchronous standby is there');
	return $node;
}

sub receiver { return $standby->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walreceiver'"); }

# Callers wait for the standby; an operator who does not want to says so.
sub at_once { return $primary->safe_psql('postgres', "SET synchronous_commit = local; $_[0]"); }

sub waits_for_standby
{
	return $primary->safe_psql('postgres',
		"SELECT wait_event FROM pg_stat_activity WHERE backend_type = 'group_api dispatcher'") eq 'SyncRep';
}

# ---- the standby hears nothing any more

my @waiting = map { sa_number($_) } 1 .. 20;
$primary->safe_psql('postgres', "SELECT group_api.pause('sms')");
invite($primary, @waiting);
my $receiver = receiver();
kill 'STOP', $receiver;
at_once("SELECT group_api.resume('sms')");
poll_until(\&waits_for_standby, 'the dispatcher waits for the standby to know what it has claimed');
is(scalar(recipients($gateway)), 0, 'and nothing has left');
poll_until(sub { $primary->safe_psql('postgres', "SELECT severity, fact, command FROM group_api.health() WHERE \"check\" = 'dispatcher'")
	=~ /^critical\|it has waited for a synchronous standby for \d+ s\|SELECT .* FROM pg_stat_replication;$/ }, 'which health() tells');
kill 'CONT', $receiver;
all_are($primary, 'sent', 'once it knows, all is sent');

# ---- the primary dies while nobody answers

set_rules($gateway, http => { rules => [ { count => 'rule', replies => [ { hold => 1 } ] } ] });
invite($primary, map { sa_number($_) } 101 .. 120);
poll_until(sub { recipients($gateway) == 22 }, 'messages are under way');
$primary->stop('immediate');
set_rules($gateway, http => {});
$standby->promote;
$standby->safe_psql('postgres', "ALTER SYSTEM SET synchronous_standby_names = ''; SELECT pg_reload_conf()");
poll_until(sub { my $states = deliveries($standby); !$states->{queued} && !$states->{sending} }, 'the standby takes over');
my @recipients = recipients($gateway);
is_deeply(twice(@recipients), {}, 'nobody gets a second message');
my $uncertain = $standby->safe_psql('postgres', "SELECT count(*) FROM group_api.deliveries WHERE delivery = 'uncertain'");
cmp_ok($uncertain, '>=', 2, "what was under way is uncertain, $uncertain of them");
my %got = map { $_ => 1 } @recipients;
is($standby->safe_psql('postgres', "SELECT count(*) FROM group_api.deliveries WHERE delivery = 'sent'"),
	scalar(grep { $got{ sa_number($_) } } 1 .. 20, 101 .. 120) - 2, 'and the others are sent');

# ---- a stop does not wait for a standby that is gone

$primary = $standby;
$standby = make_standby('third');
$primary->safe_psql('postgres', "SELECT group_api.pause('sms')");
invite($primary, sa_number(200));
$receiver = receiver();
kill 'STOP', $receiver;
at_once("SELECT group_api.resume('sms')");
poll_until(\&waits_for_standby, 'the dispatcher waits again');
my $pid = dispatcher($primary)->{pid};
at_once("SELECT pg_terminate_backend($pid)");
poll_until(sub { !is_alive($pid) }, 'and ends when it is told to');
$standby->stop('immediate');
$primary->stop('immediate');
done_testing();
