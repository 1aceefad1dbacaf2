# Contract A at its own addresses, behind nginx as it is shipped: a group is loaded,
# listed, sent, added to, withdrawn from and deleted.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Gateway;
use Test::More;

my $NONE = '00000000-0000-4000-8000-000000000000';

plan skip_all => 'npm package pg not found' unless node_modules();
plan skip_all => 'nginx not found' unless peer('nginx/usr/sbin/nginx');

my $node = new_api_node('main', conf => "group_api.resend_cooldown = '0'");
# A leader sends one contact a message every ten minutes: each gateway has contacts of its own.
my ($front, $domain);

sub call
{
	my ($method, $path, $who, $body, %headers) = @_;
	my $answer = $front->ask($method, $path, content => ref $body ? to_json($body) : $body // '',
		headers => { Accept => '*/*', $body ? ('Content-Type' => 'application/json') : (),
			$who ? (Gateway::bearer(role => 'web', sub => $who, name => ucfirst $who)) : (), %headers });
	$answer->{json} = eval { from_json($answer->{content}) } // {};
	return $answer;
}

# {status} and what was said: the first fault's name, or the members' names and deliveries.
sub said
{
	my $answer = call(@_);
	my $json = $answer->{json};

	return "$answer->{status} $json->{error}{details}[0]{name}" if ($json->{error}{code} // 0) != 0;
	return "$answer->{status}" unless $json->{group}{members};
	return "$answer->{status} " . join ' ', map { join ':', grep { defined } $_->{name}, $_->{delivery}{status}, $_->{response}{status} } @{ $json->{group}{members} };
}

sub member { my ($name) = @_; return { nickName => $name, contact => { type => 'EMAIL', value => lc "$name\@$domain" } }; }

sub make_group
{
	my (%changed) = @_;
	return call('POST', '/group/create', 'zoe', { productId => '00000000-0000-0000-0000-000000000001', name => 'Fans', description => 'd', message => 'm',
		image => 'https://example.com/p.jpg', sendInvitations => JSON::PP::false, members => [ member('Ann') ], %changed })->{json}{group}{id};
}

sub check_looking
{
	my $id = make_group();
	my $whole = call('GET', "/group/$id", 'zoe');

	is(said('GET', "/group/$id", 'zoe'), '200 Zoe Ann:held', "$front->{name}: GET shows a group");
	like($whole->{headers}{'content-type'}, qr{^application/json}, 'as JSON');
	is(call('GET', "/group/$id/?a=b", 'zoe')->{content}, $whole->{content}, 'with a slash and a query, too');
	is(call('GET', '/group/' . uc $id, 'zoe')->{content}, $whole->{content}, 'and in capitals');
	is(call('HEAD', "/group/$id", 'zoe')->{headers}{'content-length'}, $whole->{headers}{'content-length'}, 'HEAD has the same length');
	is(call('POST', '/group/load', 'zoe', { groupId => $id })->{content}, $whole->{content}, 'load answers the same');
	is(call('POST', '/group/load/', 'zoe', "groupId=$id", 'Content-Type' => 'application/x-www-form-urlencoded')->{content}, $whole->{content}, 'to a form, too');
	for ([ 'another', 'max' ], [ 'nobody', undef ])
	{
		my ($who, $sub) = @$_;
		my $refused = $sub ? '404 not_found' : '401 not_authenticated';
		for my $of ($id, $NONE)
		{
			is(said('GET', "/group/$of", $sub), $refused, "$who is not shown it");
			is(said('POST', '/group/load', $sub, { groupId => $of }), $refused, 'and cannot load it');
		}
	}
	is(said('POST', '/group/load', 'zoe', { groupId => 'x' }), '400 invalid_guid', 'what is no GUID is a fault');
	is(said('POST', '/group/load', 'zoe', {}), '400 required', 'as is none');
	is(said('POST', '/group/load', 'zoe', '<a/>', 'Content-Type' => 'application/xml'), '415 unsupported_media_type', 'and another type');
	return;
}

# What who is not signed in is told where the operator lets them.
sub check_anonymous
{
	my $id = make_group();
	my $outline;

	call('POST', "/group/$id/send", 'zoe');
	$node->safe_psql('postgres', 'ALTER SYSTEM SET group_api.anonymous_load = on');
	$node->reload;
	poll_until(sub { said('POST', '/group/load', undef, { groupId => $id }) =~ /^200/ }, 'the setting counts');
	$outline = call('POST', '/group/load', undef, { groupId => $id });
	is_deeply([ sort keys %{ $outline->{json}{group} } ], [qw(createdAt id image members name product status)], "$front->{name}: nobody is told the group");
	is_deeply($outline->{json}{group}{members}, [ { name => 'Zoe', profilePicture => '', isLeader => JSON::PP::true } ], 'and its leader alone');
	is(call('POST', '/group/load', 'max', { groupId => $id })->{content}, $outline->{content}, 'who is in no way part of it the same');
	is(said('POST', '/group/load', undef, { groupId => $NONE }), '404 not_found', 'there is no other');
	is(said('GET', "/group/$id", undef), '401 not_authenticated', 'GET is for who is signed in');
	like(said('POST', '/group/load', 'zoe', { groupId => $id }), qr/^200 Zoe Ann:(queued|sending|sent)$/, 'the leader is told all');
	$node->safe_psql('postgres', 'ALTER SYSTEM RESET group_api.anonymous_load');
	$node->reload;
	poll_until(sub { said('POST', '/group/load', undef, { groupId => $id }) =~ /^401/ }, 'the setting counts no more');
	return;
}

sub check_listing
{
	my @ids = map { make_group(name => "List $_") } 1 .. 3;
	my $first = call('GET', '/groups?limit=2', 'zoe');
	my $total = $first->{json}{count};

	is_deeply([ $first->{status}, $first->{json}{error}{code}, map { $_->{id} } @{ $first->{json}{groups} } ], [ 200, 0, @ids[ 2, 1 ] ], "$front->{name}: groups are listed");
	like($first->{json}{next}, qr{^http://127\.0\.0\.1:\d+/groups\?limit=2&offset=2$}, 'with an address of the next');
	is($first->{json}{previous}, undef, 'but none before');
	is_deeply([ map { @$_{qw(name memberCount)} } $first->{json}{groups}[0] ], [ 'List 3', 2 ], 'with how many they are');
	my ($path) = $first->{json}{next} =~ m{(/groups.*)};
	is(call('GET', $path, 'zoe')->{json}{groups}[0]{id}, $ids[0], 'which leads on');
	is(call('GET', '/groups/', 'max')->{json}{count}, 0, 'others have none');
	is(said('GET', '/groups', undef), '401 not_authenticated', 'nobody has to sign in');
	return;
}

sub check_changing
{
	my $id = make_group();
	my $bob = { members => [ member('Bob') ], sendInvitations => JSON::PP::false };

	is(said('POST', "/group/$id/members", 'zoe', $bob), '201 Zoe Ann:held Bob:held', "$front->{name}: a member is added");
	is(said('POST', "/group/$id/members/", 'zoe', $bob), '400 duplicate', 'once');
	my %key = ('Idempotency-Key' => "k $front->{name}");
	is(said('POST', "/group/$id/members", 'zoe', { %$bob, members => [ member('Cid') ] }, %key), '201 Zoe Ann:held Bob:held Cid:held', 'with a key') for 1, 2;
	is(said('POST', "/group/$id/members", 'zoe', { %$bob, members => [ member('Cid') ], idempotencyKey => $key{'Idempotency-Key'} }), '201 Zoe Ann:held Bob:held Cid:held', 'in either place');
	is(said('POST', "/group/$id/members", 'zoe', { %$bob, members => [ member('Dan') ], dryRun => JSON::PP::true }), '200 Zoe Ann:held Bob:held Cid:held Dan:held', 'or tried');
	is(said('POST', "/group/$id/members", 'zoe', { %$bob, groupId => $NONE }), '400 duplicate', 'the body may not name another group');
	is(said('DELETE', "/group/$id/members/4/invitation", 'zoe'), '200 Zoe Ann:held Bob:held Cid:canceled:revoked', 'an invitation is withdrawn');
	like(said('POST', "/group/$id/send", 'zoe'), qr/^200 Zoe Ann:(queued|sending|sent) Bob:(queued|sending|sent) Cid:canceled:revoked$/, 'the others are sent');
	$node->safe_psql('postgres', "SELECT group_api.wait_until_idle('30s')");
	is(said('GET', "/group/$id", 'zoe'), '200 Zoe Ann:sent Bob:sent Cid:canceled:revoked', 'and arrive');
	like(said('POST', "/group/$id/members/4/resend", 'zoe', { any => 'body' }), qr/^200 Zoe Ann:sent Bob:sent Cid:(queued|sending|sent)$/, 'one is sent again');
	is(said('POST', "/group/$id/members/9/resend", 'zoe'), '404 not_found', 'of a member there is');
	is(said('DELETE', "/group/$id/members/1/invitation", 'zoe'), '404 not_found', 'who was invited');
	for ([ POST => 'send' ], [ POST => 'members/2/resend' ], [ DELETE => 'members/2/invitation' ], [ DELETE => '' ], [ POST => 'members', $bob ])
	{
		my ($method, $rest, $body) = @$_;
		is(said($method, "/group/$id/$rest", 'max', $body), '404 not_found', "another may not $method $rest");
		is(said($method, "/group/$NONE/$rest", 'max', $body), '404 not_found', 'as if it were not there');
		is(said($method, "/group/$id/$rest", undef, $body), '401 not_authenticated', 'nobody has to sign in');
	}
	my $done = call('DELETE', "/group/$id", 'zoe');
	is_deeply([ $done->{status}, $done->{json} ], [ 200, { error => { code => 0, message => '' }, group => {} } ], 'a group is deleted');
	is(said('DELETE', "/group/$id", 'zoe'), '404 not_found', 'and gone');
	return;
}

sub check_addresses
{
	my $id = make_group();

	for ([ PUT => "/group/$id", 'GET, HEAD, DELETE' ], [ POST => "/group/$id", 'GET, HEAD, DELETE' ], [ GET => '/group/load', 'POST' ], [ POST => '/groups', 'GET, HEAD' ],
		[ GET => "/group/$id/members", 'POST' ], [ GET => "/group/$id/send", 'POST' ], [ GET => "/group/$id/members/2/resend", 'POST' ],
		[ POST => "/group/$id/members/2/invitation", 'DELETE' ])
	{
		my ($method, $path, $allowed) = @$_;
		my $answer = call($method, $path, 'zoe');
		is("$answer->{status} $answer->{headers}{allow}", "405 $allowed, OPTIONS", "$front->{name}: $method at $path");
		is($answer->{json}{error}{details}[0]{name}, 'method_not_allowed', 'in the contract\'s words');
	}
	is(said('GET', $_, 'zoe'), '404 not_found', "nothing is at $_")
	  for '/group', '/group/', '/group/x', "/group/$id/x", "/group/$id/members/x/resend", "/group/$id/members/2", '/group/1', "/group/{$id}", '/groups/1',
	  "/group/$id/members/2/resend/x", "/group/$id'", "/group/$id/members/99999999999/resend";
	is(call('OPTIONS', "/group/$id/members", undef)->{status}, 204, 'a browser may ask beforehand');
	return;
}

for my $gateway (gateways($node))
{
	$front = front_of($gateway, rate => '1000r/s', name => '127.0.0.1');
	$domain = "$gateway->{name}.example.com";
	check_looking();
	check_listing();
	check_changing();
	check_addresses();
	check_anonymous();
	$node->safe_psql('postgres', 'DELETE FROM group_api_private.groups');
	stop_program($gateway);
}
done_testing();
