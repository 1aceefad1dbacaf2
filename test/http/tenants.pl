# Nobody gets at the groups of somebody else, whichever way they come: 2 tenants,
# 6 kinds of things, 4 things to do with each, 3 ways in.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Gateway;
use Test::More;

plan skip_all => 'npm package pg not found' unless node_modules();
plan skip_all => 'nginx not found' unless peer('nginx/usr/sbin/nginx');

my $node = new_api_node('main');
my @tenants = qw(ann bob);
my $secret = 0;

$node->safe_psql('postgres', q{CREATE ROLE ann LOGIN; CREATE ROLE bob LOGIN; CREATE ROLE stranger; GRANT stranger TO authenticator;
	SELECT group_api.grant_access('ann', 'caller'), group_api.grant_access('bob', 'caller'), group_api.put_user('guest', 'guest')});
my $guest = $node->safe_psql('postgres', q{SELECT id FROM group_api_private.users WHERE subject = 'guest'});

sub token { return (Gateway::bearer(role => 'web', sub => $_[0]))[1]; }

# [whether it was done, what was answered]
sub in_sql
{
	my ($user, $sql) = @_;
	my $code = $node->psql('postgres', $sql, stdout => \my $out, stderr => \my $error,
		extra_params => [ '-U', $user ], on_error_stop => 1);
	return [ $code == 0, "$out\n$error" ];
}

my %way = (
	# The session claims to be the other: nobody believes it.
	'as a role' => sub {
		my ($who, $other, $call) = @_;
		return in_sql($who, qq{SET request.jwt.claims = '{"sub": "$other", "role": "web"}'; SELECT $call->{sql};});
	},
	'by a trusted gateway' => sub {
		my ($who, $other, $call) = @_;
		return in_sql('authenticator', qq{BEGIN; SET LOCAL ROLE web; SET LOCAL request.jwt.claims = '{"sub": "$who", "role": "web"}';
			SELECT $call->{sql}; COMMIT;});
	});

sub over_http
{
	my ($front, $who, $call) = @_;
	my ($method, $path, $body) = @{ $call->{http} };
	my $answer = $front->ask($method, $path, content => defined $body ? to_json($body) : '',
		headers => { Accept => 'application/json', 'Content-Type' => 'application/json', Authorization => token($who) });
	return [ $answer->{status} < 400, "$answer->{status} $answer->{content}" ];
}

# What a tenant has: a group of contract A and a hidden one of contract B.
sub furnish
{
	my ($make, $who) = @_;
	my $mark = "SECRET$who" . ++$secret;
	my $a = to_json({ productId => '00000000-0000-0000-0000-000000000001', name => $mark, description => $mark, message => $mark,
		image => 'https://example.com/p.jpg', sendInvitations => \0,
		members => [ { nickName => $mark, contact => { type => 'EMAIL', value => lc("$mark\@example.com") } } ] });
	my $b = to_json({ name => $mark, description => $mark, visible => \0, privacy => 'private', invite_users => [ 0 + $guest ] });

	ok($make->($_)->[0], 'something to hide is there')
	  for { sql => "group_api.create_group('$a')", http => [ 'POST', '/group/create', from_json($a) ] },
	  { sql => "group_api_v2.create_group('$b')", http => [ 'POST', '/api/v2/group/', from_json($b) ] };
	my ($id, $number) = split /\|/, $node->safe_psql('postgres',
		"SELECT string_agg(CASE contract WHEN 'A' THEN id::text ELSE number::text END, '|' ORDER BY contract) FROM group_api_private.groups WHERE name = '$mark'");
	return { mark => $mark, id => $id, number => $number };
}

# Six kinds of things, four things to do with each.
sub attacks_on
{
	my ($prey) = @_;
	my ($id, $n) = @$prey{qw(id number)};
	my $rpc = sub { my ($name, %with) = @_; return { sql => "group_api.$name('$id'" . (exists $with{number} ? ', 2' : '') . ')',
		http => [ 'POST', "/rpc/$name", { (exists $with{group_id} ? 'group_id' : 'id') => $id, exists $with{number} ? (number => 2) : () } ] } };
	my $v2 = sub { my ($sql, @http) = @_; return { sql => "group_api_v2.$sql", http => [ $http[0], "/api/v2/group/$n/$http[1]", $http[2] ] } };
	my $users = { users => [ 0 + $guest ] };

	return {
		group => [ map { $rpc->($_) } qw(get_group archive_group send_invitations delete_group) ],
		invitation => [ map({ $rpc->($_, number => 2) } qw(preview_invitation revoke_invitation resend_invitation)), $rpc->('retry_failed', group_id => 1) ],
		'hidden group' => [ $v2->("get_group($n)", 'GET', ''), $v2->("put_group($n, '{\"name\": \"mine\"}')", 'PUT', '', { name => 'mine' }),
			$v2->("patch_group($n, '{\"visible\": true}')", 'PATCH', '', { visible => \1 }), $v2->("delete_group($n)", 'DELETE', '') ],
		members => [ $v2->("list_members($n)", 'GET', 'subscribe/'), $v2->("subscribe($n)", 'POST', 'subscribe/'),
			$v2->("subscribe($n, '{$guest}')", 'POST', 'subscribe/', $users), $v2->("unsubscribe($n, $guest)", 'DELETE', "subscribe/?user=$guest") ],
		invited => [ $v2->("list_invited_users($n)", 'GET', 'invite/'), $v2->("invite_users($n, '{$guest}')", 'POST', 'invite/', $users),
			$v2->("withdraw_invitations($n, '{$guest}')", 'DELETE', 'invite/', $users), $v2->("suggest_users($n)", 'GET', 'user/') ],
		requests => [ $v2->("list_requests($n)", 'GET', 'request_subscribe/'), $v2->("get_status($n)", 'GET', 'status/'),
			$v2->("unsubscribe($n)", 'DELETE', 'subscribe/'), $v2->("unsubscribe($n, 1)", 'DELETE', 'subscribe/1/') ] };
}

sub everything
{
	return $node->safe_psql('postgres', join ' UNION ALL ', map { "SELECT '$_', md5(string_agg(t::text, ',' ORDER BY t::text)) FROM group_api_private.$_ t" }
		qw(groups members invitations requests idempotency_keys));
}

sub check_way
{
	my ($name, $go) = @_;
	my %of = map { my $who = $_; ($who => furnish(sub { $go->($who, $who, $_[0]) }, $who)) } @tenants;
	my $cases = 0;

	for my $who (@tenants)
	{
		my ($other) = grep { $_ ne $who } @tenants;
		my $attacks = attacks_on($of{$other});
		my $before = everything();
		for my $thing (sort keys %$attacks)
		{
			for my $call (@{ $attacks->{$thing} })
			{
				my ($done, $said) = @{ $go->($who, $other, $call) };
				my $changed = everything() ne $before;
				ok(!$done && !$changed && $said !~ /$of{$other}{mark}/i, "$name: $who, $thing of $other: $call->{sql}") or diag($said);
				$cases++;
			}
		}
	}
	is($cases, 48, "$name: all cases were tried");
	for my $who (@tenants)
	{
		my $own = attacks_on($of{$who});
		for my $thing (sort keys %$own)
		{
			my ($done, $said) = @{ $go->($who, $who, $own->{$thing}[0]) };
			ok($done, "$name: $who sees the own: $own->{$thing}[0]{sql}") or diag($said);
		}
		ok($go->($who, $who, $own->{'hidden group'}[2])->[0], 'and may change it');
		ok($go->($who, $who, $own->{group}[3])->[0], 'and delete it');
	}
	return;
}

sub check_claims
{
	my $claims = q{SET request.jwt.claims = '{"sub": "bob", "role": "web"}'; SET request.method = 'POST';};
	my $answer = in_sql('ann', qq{$claims SELECT group_api_v2.create_group('{"name": "Whose?"}')});

	my ($id) = $answer->[1] =~ /"created_by":\{"id":(\d+)/;
	is($node->safe_psql('postgres', 'SELECT role_oid::regrole FROM group_api_private.users WHERE id = ' . ($id // 0)), 'ann',
		'claims of a session that is not trusted are not believed');
	return;
}

# On one connection, by one prepared statement, whatever ran before.
sub check_revoked
{
	my ($front) = @_;
	my @calls = ( "group_api_v2.create_group('{}'::bytea)", "group_api.get_group('00000000-0000-0000-0000-000000000000')", "group_api.create_group('{}'::jsonb)", "group_api.create_group('{}'::text)",
		'group_api_v2.list_groups()', "group_api_v2.create_group('{}'::jsonb)", 'group_api_v2.get_status(1)', 'group_api.sms_segments($$x$$)' );

	for my $call (@calls)
	{
		my $answer = in_sql('authenticator', "PREPARE p AS SELECT $call; SET request.method = 'POST'; SET request.jwt.claims = '{\"sub\": \"ann\"}';"
			  . 'SET ROLE web; ' . 'EXECUTE p; ' x 7 . 'SET ROLE stranger; EXECUTE p;');
		like($answer->[1], qr/permission denied for (function|schema)/, "a prepared statement of another role: $call");
	}
	my $post = sub { $front->ask('POST', '/api/v2/group/', content => '{}', headers => { 'Content-Type' => 'application/json',
		Authorization => (Gateway::bearer(role => $_[0], sub => 'ann'))[1] }) };
	my %seen;
	for (1 .. 20) { $seen{ $post->('web')->{status} . $post->('stranger')->{status} }++; }
	is_deeply(\%seen, { '400403' => 20 }, "$front->{name}: a role without rights is 403 on connections that another role used");
	for my $type (qw(text jsonb bytea))
	{
		$node->safe_psql('postgres', "REVOKE EXECUTE ON FUNCTION group_api_v2.create_group($type) FROM web");
		my $answer = $post->('web');
		is($answer->{status}, 403, "a right that was revoked is gone at once: create_group($type)");
		is(from_json($answer->{content})->{errors}[0]{code}, 'permission_denied', "in the contract's own words");
		$node->safe_psql('postgres', "GRANT EXECUTE ON FUNCTION group_api_v2.create_group($type) TO web");
	}
	for ([ DELETE => '1/', 'delete_group(bigint)' ], [ POST => '1/subscribe/', 'subscribe(bigint, bigint[])' ], [ PATCH => '1/', 'patch_group(bigint, jsonb)' ])
	{
		my ($method, $path, $function) = @$_;
		$node->safe_psql('postgres', "REVOKE EXECUTE ON FUNCTION group_api_v2.$function FROM web");
		is($front->ask($method, "/api/v2/group/$path", headers => { Gateway::bearer(role => 'web', sub => 'ann') })->{status}, 403, "and $function");
		$node->safe_psql('postgres', "GRANT EXECUTE ON FUNCTION group_api_v2.$function TO web");
	}
	return;
}

check_way($_, $way{$_}) for sort keys %way;
check_claims();
for my $gateway (gateways($node))
{
	my $front = front_of($gateway, rate => '1000r/s');
	check_way("by HTTP, $front->{name}", sub { my ($who, $other, $call) = @_; return over_http($front, $who, $call); });
	check_revoked($front);
}
done_testing();
