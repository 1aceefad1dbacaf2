# What is older than it is to be kept goes by itself, also where nothing is sent any
# more, and also after its deletion failed.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use Test::More;

my $node = new_node('retention', conf => "
group_api.attempts_retention = 1min
group_api.events_retention = 1min");

sub query { return $node->safe_psql('postgres', $_[0]); }
sub kept { return query('SELECT count(*) FROM group_api_private.events'); }

# As if all that is kept had happened earlier.
sub grow_old
{
	return query(q{UPDATE group_api_private.events SET at = at - interval '2 min';
		UPDATE group_api_private.invitations SET accepted_at = accepted_at - interval '2 min'});
}

query(q{CREATE SERVER cap FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL'); SELECT group_api.create_consumer('never')});
invite($node, map { mail_address($_) } 1 .. 3);
all_are($node, 'sent', 'messages are sent');
cmp_ok(kept(), '>', 3, 'a consumer that acknowledges nothing has events');
is(query('SELECT count(*) FROM group_api.attempts'), 3, 'and there is a history of tries');
grow_old();
poll_until(sub { kept() == 0 }, 'its events go when they are old, though nothing is sent');
poll_until(sub { query('SELECT count(*) FROM group_api_private.invitations WHERE accepted_at IS NOT NULL') == 0 }, 'and so do the tries');
is(query('SELECT waiting FROM group_api.consumers'), 0, 'none waits for the consumer');

# Nothing is left to trim but what a consumer may still be told.
query(q{UPDATE group_api_private.groups SET name = 'again'; SELECT group_api.archive_group(id) FROM group_api_private.groups});
cmp_ok(kept(), '>', 0, 'something happens without a message');
grow_old();
poll_until(sub { kept() == 0 }, 'and goes as well');

# ---- after an error

query(q{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no deletion here''; END';
	CREATE TRIGGER refuse BEFORE DELETE ON group_api_private.events FOR EACH STATEMENT EXECUTE FUNCTION refuse()});
invite($node, mail_address(10));
all_are($node, 'sent', 'messages are sent beside it');
grow_old();
poll_until(sub { query(q{SELECT count(*) FROM group_api.health() WHERE NOT ok AND fact ~ 'no deletion here'}) > 0 }, 'health() says that the trimming fails');
query('DROP TRIGGER refuse ON group_api_private.events');
poll_until(sub { kept() == 0 }, 'it is tried again by time, without any work');
poll_until(sub { query(q{SELECT count(*) FROM group_api.health() WHERE NOT ok AND fact ~ 'no deletion here'}) == 0 }, 'and health() is well again');

# ---- what a restart does not know

query('SELECT group_api.drop_consumer($$never$$)');
invite($node, mail_address(11));
all_are($node, 'sent', 'another one is sent');
query('ALTER SYSTEM SET group_api.attempts_retention = $$30d$$; ALTER SYSTEM SET group_api.events_retention = $$30d$$');
$node->restart;
wait_for_dispatcher($node);
query(q{UPDATE group_api_private.invitations SET accepted_at = accepted_at - interval '40 days'});
$node->restart;
poll_until(sub { query('SELECT count(*) FROM group_api_private.invitations WHERE accepted_at IS NOT NULL') == 0 }, 'a server that starts looks for what is old');

$node->stop;
done_testing();
