# Locks that others hold, for however long, hold up neither the delivery of
# other invitations nor the end of the server.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_node('main', conf => "
max_prepared_transactions = 10
group_api.retry_base = 1");
my $gateway = start_script_server(http => {});
my $other = start_http_sink(log => 1);
my $next = 0;

add_sms($node, $gateway->{http}, prefixes => '+27');
add_sms($node, $other->{http}, name => 'other', prefixes => '+49');

sub others_are_sent
{
	my ($what) = @_;
	my @numbers = map { german_number(++$next) } 1 .. 5;
	my %wanted = map { $_ => 1 } @numbers;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	invite($node, @numbers);
	return poll_until(sub { 5 == grep { $wanted{$_} } recipients($other) }, $what, 5);
}

others_are_sent('all is well');

# ---- a row that was under way when the dispatcher ended

set_rules($gateway, http => { rules => [ { replies => ['hang'] } ] });
my $hung = sa_number(1);
invite($node, $hung);
poll_until(sub { recipients($gateway) == 1 }, 'a send hangs');
my $session = psql_in_background($node, "BEGIN; SELECT FROM group_api_private.invitations WHERE contact = '$hung' FOR UPDATE;");
my $before = dispatcher($node)->{pid};
kill 'TERM', $before;
wait_for_dispatcher($node, 'the next dispatcher starts although a row of the last one is locked', not => $before, seconds => 5);
others_are_sent('and sends others');
set_rules($gateway, http => {});
$session->{say}->('COMMIT;');
poll_until(sub { delivery_of($node, $hung)->{delivery} eq 'sent' }, 'released, the row is taken back and sent', 5);
$session->{finish}->();

# ---- an operator who pauses or resumes, and thinks about it

set_rules($gateway, http => { rules => [ { replies => [ { status => 401 } ] } ] });
$session = psql_in_background($node, "BEGIN; SELECT group_api.pause('sms');");
invite($node, sa_number(2));
poll_until(sub { recipients($gateway) >= 3 }, 'a gateway refuses us while an operator is about to pause it');
others_are_sent('others are sent meanwhile');
my $asked = recipients($gateway);
others_are_sent('and still');
is(scalar(recipients($gateway)), $asked, 'the gateway that refused us is left alone');
$session->{say}->('ROLLBACK;');
$session->{finish}->();
poll_until(sub { $node->safe_psql('postgres', "SELECT state FROM group_api.providers WHERE server = 'sms'") eq 'paused' },
	'when the operator gave up, the pause is recorded', 5);
$session = psql_in_background($node, "BEGIN; SELECT group_api.resume('sms');");
set_rules($gateway, http => {});
$node->safe_psql('postgres', "ALTER SERVER sms OPTIONS (ADD timeout '5')");
others_are_sent('others are sent while an operator is about to resume what was put right');
$session->{say}->('COMMIT;');
$session->{finish}->();
poll_until(sub { delivery_of($node, sa_number(2))->{delivery} eq 'sent' }, 'resumed, it is sent', 5);

# ---- somebody who drops the extension, and thinks better of it

my $waiting = german_number(++$next);
invite($node, $waiting);
$session = psql_in_background($node, 'BEGIN; DROP EXTENSION group_api CASCADE;');
my $here = $node->safe_psql('template1', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'group_api dispatcher'");
my $log_start = -s $node->logfile;
my $until = time + 1;
poll_until(sub { time > $until && $node->safe_psql('template1', 'SELECT 1') }, 'a second passes');
poll_until(sub { $node->safe_psql('template1', "SELECT pid, wait_event_type FROM pg_stat_activity WHERE backend_type = 'group_api dispatcher'") eq "$here|Extension" },
	'the dispatcher waits for no lock of a DROP EXTENSION');
kill 'TERM', $here;
poll_until(sub { !is_alive($here) }, 'it can be ended meanwhile', 3);
$session->{say}->('ROLLBACK;');
$session->{finish}->();
others_are_sent('rolled back, all goes on');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile, $log_start) =~ s/.*statement: .*//gr, qr/ERROR|FATAL|WARNING/, 'without a complaint in the log');

# ---- a table that is locked for good

$node->safe_psql('postgres', "BEGIN; LOCK TABLE group_api_private.invitations; PREPARE TRANSACTION 'lock';");
$node->safe_psql('postgres', "BEGIN; LOCK TABLE group_api_private.attempts; PREPARE TRANSACTION 'lock too';");
# The next dispatcher begins with what it finds in flight.
kill 'TERM', dispatcher($node)->{pid};
poll_until(sub { $node->safe_psql('postgres', 'SELECT held_up_while IS NOT NULL FROM group_api_private.dispatcher_state()') eq 't' },
	'the dispatcher meets a lock that nobody will release');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'group_api dispatcher' AND wait_event_type = 'Lock'"), '0',
	'and does not wait for it');
my $began = time;
my $stopped = eval { local $SIG{ALRM} = sub { die }; alarm $GroupApiTest::PATIENCE; $node->stop('fast'); alarm 0; time - $began };
alarm 0;
at_most($stopped // 1e6, 2, 'the server stops all the same') or do {
	my $pid = (split /\n/, PostgreSQL::Test::Utils::slurp_file($node->data_dir . '/postmaster.pid'))[0];
	kill 'QUIT', $pid;
	poll_until(sub { !-e $node->data_dir . '/postmaster.pid' }, 'it is gone');
	$node->_update_pid(0);
};
$node->start;
$node->safe_psql('postgres', "ROLLBACK PREPARED '$_'") for 'lock', 'lock too';
others_are_sent('and sends again when the lock is gone');

$node->stop;
done_testing();
