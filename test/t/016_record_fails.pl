# Outcomes that cannot be written down for a while are kept, not sent again.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
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

done_testing();
