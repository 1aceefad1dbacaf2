# Who waits too long for what another request holds is answered 503 with
# Retry-After, in the words of the contract, and the roles of docs/http/roles.sql
# keep requests from holding anything for long.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib", "$FindBin::RealBin/../t/lib";
use Gateway;
use GroupApiTest;
use Invitations;
use Test::More;

my $node = new_api_node('main', conf => "
group_api.lock_timeout = '200ms'
group_api.invitation_url = 'https://example.com/i/{token}'");
my %token = Gateway::bearer(role => 'web', sub => 'ann');
my %json = ('Content-Type' => 'application/json');

is($node->safe_psql('postgres', "SELECT string_agg(c, ' ' ORDER BY c) FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole, unnest(setconfig) c WHERE rolname = 'authenticator'"),
	'idle_in_transaction_session_timeout=10s lock_timeout=3s statement_timeout=30s', 'the role of the gateway gives up in time');

for my $gateway (gateways($node))
{
	my %v2 = (%token, 'Content-Profile' => 'group_api_v2');
	my $create = sub { return $gateway->post_json('/rpc/create_group', { name => $_[0] }, %v2); };
	my $number = from_json($create->("Held $gateway->{name}")->{content})->{id};
	my $front = front_of($gateway);
	my $holder = psql_in_background($node, "BEGIN; SELECT FROM group_api_private.groups FOR UPDATE;
		SELECT length(group_api_v2.create_group('{\"name\": \"Taken $gateway->{name}\"}')::text);
		INSERT INTO group_api_private.idempotency_keys (user_id, contract, key, body_hash, group_id)
		SELECT id, 'A', 'k', 'x', gen_random_uuid() FROM group_api_private.users;");
	my $answer = $create->("Taken $gateway->{name}");

	is_deeply([ $answer->{status}, $answer->{headers}{'retry-after'} ], [ 503, [ 0, 1 ] ], "$gateway->{name}: who waits too long is told to come back");
	is(from_json($answer->{content})->{code}, 'unavailable', 'in a word');
	SKIP:
	{
		skip 'no nginx', 4 unless $front;
		$answer = $front->ask('PATCH', "/api/v2/group/$number/", content => '{"description": "x"}', headers => { %token, %json });
		is("$answer->{status} $answer->{headers}{'retry-after'}", '503 1', "$front->{name}: contract B");
		is(from_json($answer->{content})->{errors}[0]{code}, 'unavailable', 'in its words');
		$answer = $front->ask('POST', '/group/create', content => to_json({ productId => '00000000-0000-0000-0000-000000000001',
			name => 'A', description => 'd', image => 'https://example.com/x.png', message => 'm', members => [ { nickName => 'B', contact => { type => 'EMAIL', value => 'b@example.com' } } ] }),
			headers => { %token, %json, 'Idempotency-Key' => 'k' });
		is("$answer->{status} $answer->{headers}{'retry-after'}", '503 1', "$front->{name}: contract A");
		is(from_json($answer->{content})->{error}{code}, 5001, 'in its words');
	}
	$holder->{say}->('ROLLBACK;');
	$holder->{finish}->();
	is($create->("Taken $gateway->{name}")->{status}, 201, 'afterwards it works');
}

$node->stop;
done_testing();
