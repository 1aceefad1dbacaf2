# Outcomes that cannot be written down for a while are kept, not sent again.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;
use GroupApiTest;

my $node = new_node('record');
my $sink = start_http_sink(log => 1, status => 201, body => '{"id":"%n"}');

sub query { return $node->safe_psql('postgres', $_[0]); }

# Whatever keeps an outcome from being written: a trigger of the owner's here.
query(q{
	CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
		'BEGIN RAISE EXCEPTION $$the history is full$$; END';
	CREATE TRIGGER refuse BEFORE UPDATE ON group_api_private.invitations
		FOR EACH ROW WHEN (NEW.delivery = 'sent') EXECUTE FUNCTION refuse();
});
query("CREATE SERVER sms FOREIGN DATA WRAPPER group_api_http
	OPTIONS (channel 'MOBILE', url '$sink->{http}/', id_path 'id')");
my $members = join ',', map { qq({"nickName":"m","contact":{"type":"MOBILE","value":"+2770123$_"}}) } 1000 .. 1019;
query(qq{SELECT group_api.create_group('{"productId":"00000000-0000-0000-0000-000000000000","name":"n",
	"description":"d","image":"https://a.example/b","message":"m","members":[$members]}')});

poll_until(sub { slurp_file($node->logfile) =~ /the history is full/ }, 'recording fails and says so');
my $pid = query('SELECT pid FROM group_api_private.dispatcher_state()');
poll_until(sub { (() = slurp_file($node->logfile) =~ /ERROR:  the history is full/g) >= 2 },
	'it is tried again');
is(query('SELECT pid FROM group_api_private.dispatcher_state()'), $pid, 'by the same dispatcher');
my $before = sink_count($sink);
cmp_ok($before, '<=', 20, 'nothing is sent twice meanwhile');

query('DROP TRIGGER refuse ON group_api_private.invitations');
poll_until(sub { query(q{SELECT count(*) FROM group_api.deliveries WHERE delivery = 'sent'}) == 20 },
	'once it works again all is recorded and sent');
is(sink_count($sink), 20, 'each message once');
is(query('SELECT count(*) FROM group_api.attempts'), 20, 'with its line in the history');

query("SELECT pg_cancel_backend(pid) FROM group_api_private.dispatcher_state()");
query('SELECT 1');
is(query('SELECT pid FROM group_api_private.dispatcher_state()'), $pid, 'a cancel does not end the dispatcher');

# ---- what was set aside is known to the next dispatcher

# What is refused is in no journal, as what was taken over is.
my $strict = start_http_sink(status => 400, body => '{"message":"no such number"}');
query("ALTER SERVER sms OPTIONS (SET url '$strict->{http}/')");
# Its second wait is longer than a dispatcher with nothing to do stays.
$node->append_conf('postgresql.conf', "group_api.dispatcher_idle_timeout = '1s'");
$node->reload;

# The update of one row fails, as long as the dispatcher that met it lives.
sub fails_until_it_retires
{
	my ($condition, $step, $begin) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	poll_until(sub { dispatcher($node)->{state} eq 'idle' }, 'a dispatcher with nothing to do ends');
	query("CREATE TRIGGER refuse BEFORE UPDATE ON group_api_private.invitations
		FOR EACH ROW WHEN ($condition) EXECUTE FUNCTION refuse()");
	$begin->();
	poll_until(sub { query("SELECT count(*) FROM group_api_private.set_aside WHERE step = '$step' AND tries > 1") == 1 },
		"a row is set aside at the step $step");
	poll_until(sub { dispatcher($node)->{state} eq 'idle' }, 'and its dispatcher ends');
	query('DROP TRIGGER refuse ON group_api_private.invitations');
	query('SELECT group_api.retry_failed()');
	invite($node, sa_number(1));
	return;
}

my $lone = sa_number(2);
fails_until_it_retires("NEW.contact = '$lone' AND NEW.delivery = 'failed'", 'record', sub { invite($node, $lone) });
poll_until(sub { delivery_of($node, $lone)->{delivery} ne 'sending' }, 'the next one ends what could not be recorded')
  or diag(explain(delivery_of($node, $lone)));

# As one that died leaves it.
fails_until_it_retires("NEW.contact = '$lone' AND OLD.delivery = 'sending'", 'take back', sub {
	query("UPDATE group_api_private.invitations SET delivery = 'sending', due = now(), incarnation = 0 WHERE contact = '$lone'");
	$node->restart;
});
poll_until(sub { delivery_of($node, $lone)->{delivery} ne 'sending' }, 'the next one ends what could not be taken back')
  or diag(explain(delivery_of($node, $lone)));

$node->stop;
done_testing();
