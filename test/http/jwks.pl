# Tokens of an identity provider: signed by one of the keys it publishes, for this API,
# with the role in a claim of its own.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use Digest::SHA qw(hmac_sha256);
use GroupApiTest;
use Gateway;
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'npm package pg not found' unless node_modules();
plan skip_all => 'nginx not found' unless peer('nginx/usr/sbin/nginx');

my $ROLE = 'https://groups.example/role';
my $AUDIENCE = 'https://groups.example';
# Makes keys and signs with them, by node's own crypto.
my $SIGNER = q{
	const { generateKeyPairSync, sign } = require('crypto');
	const made = { r1: generateKeyPairSync('rsa', { modulusLength: 2048 }), r2: generateKeyPairSync('rsa', { modulusLength: 2048 }),
		e1: generateKeyPairSync('ec', { namedCurve: 'P-256' }), foreign: generateKeyPairSync('rsa', { modulusLength: 2048 }) };
	const alg = (kid) => (kid === 'e1' ? 'ES256' : 'RS256');
	const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
	const tokens = JSON.parse(process.argv[1]).map(([kid, claims, head]) => {
		const text = `${part({ alg: alg(kid), typ: 'JWT', kid, ...head })}.${part(claims)}`;
		return `${text}.${sign('sha256', Buffer.from(text), { key: made[kid].privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
	});
	const keys = ['r1', 'r2', 'e1'].map((kid) => ({ ...made[kid].publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: alg(kid) }));
	console.log(JSON.stringify({ jwks: { keys }, pem: made.r1.publicKey.export({ type: 'spki', format: 'pem' }), tokens }));
};
my %good = (sub => 'u1', name => 'Ann', aud => $AUDIENCE, iss => 'https://login.example', exp => time + 3600, $ROLE => 'web');
my @cases = (
	[ 200, 'RS256', r1 => \%good ], [ 200, 'another key of the set', r2 => \%good ], [ 200, 'ES256', e1 => \%good ],
	[ 200, 'a list of audiences', r1 => { %good, aud => [ 'https://other.example', $AUDIENCE ] } ],
	[ 200, 'an empty list', r1 => { %good, aud => [] } ], [ 401, 'an audience that is no text', r1 => { %good, aud => 7 } ],
	[ 401, 'a key that is not of the set', foreign => \%good ], [ 401, 'a foreign key with a known name', foreign => \%good, { kid => 'r1' } ],
	[ 401, 'another audience', r1 => { %good, aud => 'https://other.example' } ], [ 401, 'another of a list', r1 => { %good, aud => ['x'] } ],
	[ 401, 'a token that is over', r1 => { %good, exp => time - 3600 } ], [ 401, 'no signature', r1 => \%good, { alg => 'none' } ],
	[ 401, 'a role that PostgREST may not become', r1 => { %good, $ROLE => 'postgres' } ],
	[ 401, 'a role in another claim', r1 => { map({ $_ => $good{$_} } qw(sub aud exp)), role => 'web' } ]);
open(my $run, '-|', 'node', '-e', $SIGNER, to_json([ map { [ @$_[ 2 .. $#$_ ] ] } @cases ])) or die "node: $!";
my $signed = from_json(join '', <$run>);
my $node = new_api_node('main', conf => "group_api.token_issuers = 'https://login.example'");

for my $gateway (gateways($node, secret => to_json($signed->{jwks}), audience => $AUDIENCE, role_claim => qq(."$ROLE")))
{
	my $front = front_of($gateway, rate => '1000r/s');
	my $ask = sub { $front->ask('GET', '/api/v2/group/', headers => { Accept => '*/*', Authorization => "Bearer $_[0]" })->{status} };

	for my $at (0 .. $#cases)
	{
		my ($status, $what) = @{ $cases[$at] };
		my $got = $ask->($signed->{tokens}[$at]);
		# Who may not become a role hears 403 or 401, by what the database says.
		$got = 401 if $got == 403 && $what =~ /may not become/;
		is($got, $status, "$front->{name}: $what");
	}
	# The public key is known to everybody, and no secret.
	my $text = join '.', map { encode_base64url(to_json($_)) } { alg => 'HS256', typ => 'JWT', kid => 'r1' }, \%good;
	is($ask->("$text." . encode_base64url(hmac_sha256($text, $signed->{pem}))), 401, 'signed with the public key as a secret');
	is($ask->((Gateway::bearer(%good))[1] =~ s/^Bearer //r), 401, 'or with another secret');
	my $made = $front->ask('POST', '/api/v2/group/', content => to_json({ name => "By $gateway->{name}" }), headers => { Accept => '*/*', Authorization => "Bearer $signed->{tokens}[2]" });
	is(from_json($made->{content})->{created_by}{username}, 'Ann', 'the claims fill the directory');
}
done_testing();
