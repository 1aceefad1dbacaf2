# What stands around the answers: headers for pages of other origins, for caches and
# for tools; who is turned away before PostgreSQL is asked; whose rate is not counted.
use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Gateway;
use HTTP::Tiny;
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'npm package pg not found' unless node_modules();
plan skip_all => 'nginx not found' unless peer('nginx/usr/sbin/nginx');

my $B = '/api/v2/group/';
my $PNG = "\x89PNG\r\n\x1a\n" . 'x' x 2000;
my $node = new_api_node('main', conf => "group_api.picture_url = 'https://groups.example/p/{id}'");
my %own = (Gateway::bearer(role => 'web', sub => 'u1'), Accept => '*/*', 'Content-Type' => 'application/json');
my $serial = 0;

sub create
{
	my ($front, %fields) = @_;
	my $answer = $front->ask('POST', $B, headers => {%own}, content => to_json({ name => 'Edge ' . ++$serial, %fields }));

	return from_json($answer->{content});
}

sub picture_of
{
	my ($front) = @_;
	my $group = create($front, image_original => 'data:image/png;base64,' . encode_base64($PNG, ''));
	return $group->{image_big} =~ s{^https://groups\.example}{}r;
}

# nginx takes several slashes for one, and reads what is percent-encoded.
sub check_spelling
{
	my ($front) = @_;
	for my $path ($B, "/$B", '/api%2Fv2/group/', '/./api/v2/group/', '/x/../api/v2//group/', '///api/v2/group/no/such')
	{
		like($front->ask('GET', $path, headers => { Accept => '*/*' })->{content}, qr/^\{"errors":/, "$front->{name}: $path is told in contract B's words");
	}
	like($front->ask('GET', '/x/../group/create', headers => { Accept => '*/*' })->{content}, qr/^\{"error":/, "and others in contract A's");
	return;
}

# A cache that keeps an answer without it breaks the next page that asks.
sub check_origins
{
	my ($front) = @_;
	my $picture = picture_of($front);

	for my $path ($B, "${B}search/", '/group/create', '/rpc/get_group', $picture, "/p/" . '0' x 8 . '-0000-0000-0000-' . '0' x 12, '/i/x', '/receipt', '/nothing', '/api/v2')
	{
		my $answer = $front->ask('GET', $path, headers => { Accept => '*/*' });
		is($answer->{headers}{'access-control-allow-origin'}, '*', "$front->{name}: $path may be read from anywhere, asked by no page ($answer->{status})");
		unlike($answer->{headers}{vary} // '', qr/Origin/, 'and varies by no origin');
	}
	my $asked = sub { $front->ask('OPTIONS', $_[0], headers => { Origin => 'https://app.example', 'Access-Control-Request-Method' => 'GET' })->{headers} };
	like($asked->($B)->{'access-control-allow-headers'}, qr/\b$_\b/i, "$_ may be sent along") for qw(authorization traceparent tracestate baggage sentry-trace b3 x-request-id if-none-match);
	like($asked->($B)->{'access-control-allow-headers'}, qr/, \*$/, 'and whatever else');
	for ([ $B => 'GET, HEAD, POST, OPTIONS' ], [ "${B}7/" => 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS' ], [ '/group/create' => 'POST, OPTIONS' ], [ '/api/v2/user/me/' => 'GET, HEAD, OPTIONS' ],
		[ '/rpc/get_group' => 'GET, HEAD, POST, OPTIONS' ], [ $picture => 'GET, HEAD, OPTIONS' ])
	{
		is($asked->($_->[0])->{allow}, $_->[1], "OPTIONS says what $_->[0] takes");
	}
	for ([ POST => $picture => 'GET, HEAD, OPTIONS' ], [ PUT => $B => 'GET, HEAD, POST, OPTIONS' ], [ GET => '/group/create' => 'POST, OPTIONS' ], [ PUT => '/i/x' => 'GET, HEAD, POST, OPTIONS' ])
	{
		my ($method, $path, $allowed) = @$_;
		my $answer = $front->ask($method, $path, headers => { Accept => '*/*' });
		is("$answer->{status} $answer->{headers}{allow}", "405 $allowed", "$method is told what $path takes");
	}
	return;
}

sub check_pictures
{
	my ($front) = @_;
	my $path = picture_of($front);
	my $got = HTTP::Tiny->new->get("$front->{url}$path");
	my $headers = $got->{headers};
	my $asked = sub { HTTP::Tiny->new->get("$front->{url}$path", { headers => {@_} }) };

	is($got->{content}, $PNG, "$front->{name}: a picture");
	like($headers->{etag}, qr/^"[0-9a-f-]{36}"$/, 'has a tag');
	like($headers->{'last-modified'}, qr/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT$/, 'and a date');
	is($headers->{'last-modified'}, $node->safe_psql('postgres', q{SELECT to_char(created_at AT TIME ZONE 'UTC', 'Dy, DD Mon YYYY HH24:MI:SS "GMT"')
		FROM group_api_private.pictures WHERE id = '} . ($path =~ s{.*/}{}r) . q{'}), 'which is when it came');
	is($headers->{'cache-control'}, 'public, max-age=86400, immutable', 'and may be kept');
	my $tag = $headers->{etag};
	for ([ 'If-None-Match' => $tag ], [ 'If-None-Match' => "W/$tag" ], [ 'If-None-Match' => qq("x", $tag) ], [ 'If-None-Match' => '*' ], [ 'If-Modified-Since' => $headers->{'last-modified'} ])
	{
		my $known = $asked->(@$_);
		is("$known->{status} [$known->{content}]", '304 []', "who has it is told so: $_->[0] $_->[1]");
		is($known->{headers}{etag}, $tag, 'with its tag');
		is($known->{headers}{'access-control-allow-origin'}, '*', 'for any page');
	}
	for ([ 'If-None-Match' => '"x"' ], [ 'If-Modified-Since' => 'Thu, 01 Jan 1970 00:00:00 GMT' ], [ 'If-None-Match' => '' ])
	{
		is($asked->(@$_)->{status}, 200, "who has another gets it: $_->[0] $_->[1]");
	}
	is($asked->('If-None-Match' => '"x"', 'If-Modified-Since' => $headers->{'last-modified'})->{status}, 200, 'the tag goes before the date');
	is($front->get('/rpc/picture', { Accept => '*/*' }, id => $path =~ s{.*/}{}r)->{headers}{etag}, $tag, 'by its function, too');
	return;
}

sub check_headers
{
	my ($front) = @_;
	create($front) for 1 .. 3;
	my $list = $front->ask('GET', $B, headers => { %own, 'Accept-Encoding' => 'gzip' });

	is($list->{headers}{'cache-control'}, 'no-store', "$front->{name}: an answer is kept by no cache");
	is($list->{headers}{'content-encoding'}, 'gzip', 'and is packed');
	is($list->{headers}{vary}, 'Accept-Encoding', 'for who can unpack it');
	is($front->ask('GET', $B, headers => {%own})->{headers}{'content-encoding'}, undef, 'and for nobody else');
	is($front->ask('GET', "${B}999999/", headers => {%own})->{headers}{'cache-control'}, 'no-store', 'nor is a fault kept');
	for ([ GET => $B ], [ POST => $B, '{}' ], [ GET => "${B}999/" ], [ POST => '/group/create', '{}' ], [ GET => '/groups' ])
	{
		my ($method, $path, $body) = @$_;
		my $answer = $front->ask($method, $path, headers => {%own}, content => $body // '');
		is_deeply([ grep { /^(content-range|content-profile|content-location|proxy-status)$/ } keys %{ $answer->{headers} } ], [],
			"$method $path tells nothing of what stands behind ($answer->{status})");
	}
	my $by_name = $front->ask('GET', '/rpc/get_group?id=1', headers => { %own, 'Accept-Profile' => 'group_api_v2' });
	is($by_name->{headers}{'content-profile'}, 'group_api_v2', "PostgREST's own way tells it");
	is_deeply([ grep { ref } @{ $by_name->{headers} }{qw(access-control-allow-origin cache-control)} ], [], 'and nothing twice');
	is($front->ask('GET', "/rest/v1/rpc/get_group?id=1", headers => { %own, 'Accept-Profile' => 'group_api_v2' })->{content}, $by_name->{content}, "at Supabase's address, too");
	return;
}

sub check_hosts
{
	my ($front) = @_;
	my $next = sub { from_json(qx(curl -sS '$front->{url}$B?limit=1' -H 'Authorization: $own{Authorization}' -H 'Host: $_[0]'))->{next} };

	create($front) for 1 .. 2;
	is($next->('groups.example'), "http://groups.example$B?limit=1&offset=1", "$front->{name}: links name our host");
	is($next->('groups.example:8443'), "http://groups.example:8443$B?limit=1&offset=1", 'with its port');
	is($next->($_), "http://groups.example$B?limit=1&offset=1", "and no other one: $_") for 'evil.example', 'groups.example.evil.example', '127.0.0.1';
	return;
}

# PostgreSQL logs each call that may not be made; strangers can make any number.
sub check_strangers
{
	my ($front) = @_;
	my $size = -s $node->logfile;
	my %strange = (Accept => '*/*', 'Content-Type' => 'application/json');

	for ([ POST => $B ], [ GET => $B ], [ PUT => "${B}1/" ], [ PATCH => "${B}1/" ], [ DELETE => "${B}1/" ], [ GET => "${B}invite/" ], [ GET => '/api/v2/user/me/' ],
		[ POST => '/group/create' ], [ GET => '/groups' ], [ GET => '/group/00000000-0000-0000-0000-000000000001' ], [ POST => '/group/00000000-0000-0000-0000-000000000001/members' ])
	{
		my ($method, $path) = @$_;
		my $answer = $front->ask($method, $path, headers => {%strange}, content => $method eq 'GET' ? '' : '{}');
		is($answer->{status}, 401, "$front->{name}: without a token $method $path is 401");
		is($answer->{headers}{'www-authenticate'}, 'Bearer', 'which says what is missing');
		like($answer->{content}, $path =~ /v2/ ? qr/^\{"errors":\[\{"code":"not_authenticated"/ : qr/^\{"error":\{"code":2001/, 'in the words of the contract');
	}
	is($front->ask('GET', $_, headers => {%strange})->{status}, 200, "but $_ is for everybody") for "${B}search/", $node->safe_psql('postgres', 'SELECT max(number) FROM group_api_private.groups') =~ s{^(.*)$}{$B$1/}r;
	is($front->ask('GET', '/nothing', headers => {%strange})->{status}, 404, 'where there is nothing no token is asked for');
	unlike(substr(slurp_file($node->logfile), $size), qr/ERROR/, 'and none of it reaches the log of PostgreSQL');
	return;
}

sub check_rate
{
	my ($gateway) = @_;
	my $text = slurp_file(project_root() . '/docs/http/nginx.conf');
	my $asks = sub { my ($front) = @_; my %seen; $seen{ $front->ask('GET', "${B}search/")->{status} }++ for 1 .. 230; return join ' ', sort keys %seen };

	is($asks->(front_of($gateway, rate => '1r/m')), '200 429', "$gateway->{name}: who asks too often is turned away");
	is($asks->(front_of($gateway, rate => '1r/m', own => '127.0.0.1')), '200', "but not the app's own server");
	return;
}

for my $gateway (gateways($node))
{
	my $front = front_of($gateway, rate => '1000r/s');
	check_spelling($front);
	check_origins($front);
	check_pictures($front);
	check_headers($front);
	check_hosts($front);
	check_strangers($front);
	check_rate($gateway);
	$node->safe_psql('postgres', 'DELETE FROM group_api_private.groups');
}
done_testing();
