# Both contracts at their documented addresses, behind nginx as it is shipped:
# whatever their clients send is understood, and whatever is wrong is told in
# the contract's own words.
use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Gateway;
use PostgreSQL::Test::Utils;
use Test::More;

my $A = '/group/create';
my $B = '/api/v2/group/';
my $FORM = 'application/x-www-form-urlencoded';
my $serial = 0;

plan skip_all => 'npm package pg not found' unless node_modules();
plan skip_all => 'nginx not found' unless peer('nginx/usr/sbin/nginx');

my $node = new_api_node('main', conf => "group_api.picture_url = 'https://groups.example/p/{id}'");
$node->safe_psql('postgres', q{SELECT group_api.put_user('u2', 'bob'), group_api.put_user('u3', 'eve');
	CREATE ROLE stranger; GRANT stranger TO authenticator});

sub body_a
{
	my (%changed) = @_;
	return { productId => '00000000-0000-0000-0000-000000000001', name => 'Fans', description => 'd', message => 'm',
		image => 'https://example.com/p.jpg',
		members => [ { nickName => 'Ann', contact => { type => 'EMAIL', value => 'ann@example.com' } } ], %changed };
}

sub name_b { return 'Group ' . ++$serial; }
sub token { return (Gateway::bearer(role => 'web', sub => 'u1', @_))[1] =~ s/^Bearer //r; }

# Sends a body with these headers; undef is a header that is not sent.
sub post
{
	my ($front, $path, $body, %headers) = @_;
	my %all = (Accept => '*/*', 'Content-Type' => 'application/json', Authorization => token(), %headers);

	delete @all{ grep { !defined $all{$_} } keys %all };
	return $front->ask('POST', $path, headers => \%all, content => ref $body ? to_json($body) : $body);
}

# What a fault says: its code in either dialect.
sub fault_of
{
	my ($answer) = @_;
	my $said = eval { from_json($answer->{content}) } // {};

	return "$answer->{status} $said->{error}{details}[0]{name}" if ref $said->{error} && $said->{error}{code};
	my $first = ($said->{errors} // [])->[0] // return "$answer->{status} $answer->{content}";
	return "$answer->{status} " . ($first->{code} // "$first->{field} $first->{messages}[0]{code}");
}

sub check_documented
{
	my ($front) = @_;
	my $answer = post($front, $A, body_a());
	my $said = from_json($answer->{content});

	is($answer->{status}, 201, "$front->{name}: contract A is 201") or diag($answer->{content});
	is_deeply([ $said->{error}, map { $_->{name} } @{ $said->{group}{members} } ], [ { code => 0, message => '' }, 'u1', 'Ann' ], 'with the envelope');
	is(post($front, "$A/", body_a())->{status}, 201, 'with a slash behind it too');
	is(post($front, "$A?a=b", body_a())->{status}, 201, 'or a query');

	my $name = name_b();
	$answer = post($front, $B, { name => $name, invite_users => [2] }, 'Content-Type' => $FORM);
	is($answer->{status}, 201, 'contract B is 201 with the documented Content-Type');
	is(from_json($answer->{content})->{name}, $name, 'and answers the Group');
	is(post($front, '/api/v2/group', { name => name_b() })->{status}, 201, 'without the slash too');
	return;
}

sub check_types
{
	my ($front) = @_;

	for my $type ('application/json', 'application/json; charset=utf-8', 'Application/JSON;charset=UTF-8', $FORM,
		"$FORM; charset=UTF-8", 'text/plain', 'application/vnd.api+json', 'application/octet-stream')
	{
		is(post($front, $A, body_a(), 'Content-Type' => $type)->{status}, 201, "$front->{name}: JSON declared as $type, A");
		is(post($front, $B, { name => name_b() }, 'Content-Type' => $type)->{status}, 201, 'and B');
	}
	my $body = to_json(body_a());
	is(qx(curl -sS -o /dev/null -w '%{http_code}' '$front->{url}$A' -H 'Content-Type:' -H 'Authorization: @{[ token() ]}' -d '$body'), 201,
		'JSON declared as nothing');
	for my $type ('multipart/mixed; boundary=x', 'application/xml', 'application/jsonx', 'image/png')
	{
		is(fault_of(post($front, $A, body_a(), 'Content-Type' => $type)), '415 unsupported_media_type', "$type is refused, A");
		is(fault_of(post($front, $B, { name => 'x' }, 'Content-Type' => $type)), '415 unsupported_media_type', 'and B');
	}
	for my $coding (qw(gzip br))
	{
		is(fault_of(post($front, $A, body_a(), 'Content-Encoding' => $coding)), '415 unsupported_media_type', "a body packed by $coding, A");
		is(fault_of(post($front, $B, { name => 'x' }, 'Content-Encoding' => $coding)), '415 unsupported_media_type', 'and B');
	}
	return;
}

sub check_no_content
{
	my ($front) = @_;
	my $id = from_json(post($front, $B, { name => name_b() })->{content})->{id};
	my $answer = $front->ask('DELETE', "$B$id/", headers => { Authorization => token() });

	is($answer->{status}, 204, "$front->{name}: a group is deleted");
	is($answer->{headers}{'content-length'} || 0, 0, 'without a body there is no length');
	return;
}

# As browsers and axios send a FormData.
sub multipart
{
	my (@fields) = @_;
	my $body = '';

	while (my ($name, $value) = splice @fields, 0, 2)
	{
		my ($text, $more) = ref $value ? ($value->[1], qq{; filename="$value->[0]"\r\nContent-Type: image/png}) : ($value, '');
		$body .= qq{------WebKitFormBoundaryX\r\nContent-Disposition: form-data; name="$name"$more\r\n\r\n$text\r\n};
	}
	return "$body------WebKitFormBoundaryX--\r\n";
}

sub check_multipart
{
	my ($front) = @_;
	my @type = ('Content-Type' => 'multipart/form-data; boundary=----WebKitFormBoundaryX');
	my $name = name_b();
	my $answer = post($front, $B, multipart(name => $name, visible => 'true', products => '[]', image_original => [ '', '' ]), @type);

	is($answer->{status}, 201, "$front->{name}: a multipart form makes a group") or diag($answer->{content});
	$answer = $front->ask('PUT', $B . from_json($answer->{content})->{id} . '/', content => multipart(name => $name, color => 'red'),
		headers => { Accept => '*/*', Authorization => token(), @type });
	is(from_json($answer->{content})->{color}, 'red', 'and changes it');
	is(fault_of(post($front, $B, multipart(name => name_b(), image_original => [ 'a.png', "\x89PNG\x00\xFF" x 1000 ]), @type)),
		'400 image_original invalid_image', 'a file that is no picture is a fault of its field');
	is(fault_of(post($front, $B, 'no parts', @type)), '400 parse_error', 'what is none, too, B');
	is(fault_of(post($front, $A, 'no parts', @type)), '400 invalid_body', 'and A');
	return;
}

sub check_forms
{
	my ($front) = @_;
	my $invited = sub {
		return $node->safe_psql('postgres', "SELECT string_agg(user_id::text, ' ' ORDER BY user_id) FROM group_api_private.members m
			JOIN group_api_private.groups g ON g.id = m.group_id WHERE g.name = '$_[0]' AND m.number > 1");
	};
	my $ids = join ' ', my @id = split /\n/, $node->safe_psql('postgres', "SELECT id FROM group_api_private.users WHERE subject IN ('u2', 'u3') ORDER BY id");

	for my $keys ([ 'invite_users[0]', 'invite_users[1]' ], [ 'invite_users[]', 'invite_users[]' ],
		[ 'invite_users[7]', 'invite_users[3]' ], [ 'invite_users', 'invite_users' ])
	{
		my $name = name_b();
		my $answer = post($front, $B, form_encoded(name => $name, visible => 'true', privacy => 'private', products => '[]', map { $keys->[$_] => $id[$_] } 0, 1),
			'Content-Type' => $FORM);
		is($answer->{status}, 201, "$front->{name}: a form with @$keys") or diag($answer->{content});
		is($invited->($name), $ids, 'invites both') if $answer->{status} == 201;
	}
	my $name = name_b() . ' + 100 % é';
	like(post($front, $B, form_encoded(name => $name), 'Content-Type' => $FORM)->{content}, qr/"name":"\Q$name\E"/, 'a name is decoded');
	my $form = form_encoded(%{ body_a(members => '') }{qw(productId name description image message)},
		'members[0][nickName]' => 'Ann', 'members[0][contact][type]' => 'EMAIL', 'members[0][contact][value]' => 'ann@example.com');
	is(post($front, $A, $form, 'Content-Type' => $FORM)->{status}, 201, 'contract A takes a form, too');
	return;
}

# A picture's bytes are no text, and too large for contract A.
sub check_pictures
{
	my ($front) = @_;
	my $png = "\x89PNG\r\n\x1a\n\x00\xFF--x\r\n" . "\x00" x 4_300_000;
	my $part = sub { return "--x\r\nContent-Disposition: form-data; name=\"$_[0]\"" . ($_[2] ? "; filename=\"$_[2]\"" : '') . "\r\n\r\n$_[1]\r\n" };
	my $form = $part->(name => name_b()) . $part->(image_original => $png, 'a.svg') . $part->(emotional_image_original => '', '') . '--x--';
	my $answer = post($front, $B, $form, 'Content-Type' => 'multipart/form-data; boundary=x');
	my $url = eval { from_json($answer->{content})->{image_small} } // '';

	is($answer->{status}, 201, "$front->{name}: a form with a file") or diag($answer->{content});
	like($url, qr{^https://groups\.example/p/[0-9a-f-]{36}$}, 'has an address');
	my ($path) = $url =~ m{(/p/.*)};
	$answer = $front->ask('GET', $path);
	is_deeply([ $answer->{status}, $answer->{content} eq $png, @{ $answer->{headers} }{qw(content-type x-content-type-options content-security-policy)} ],
		[ 200, 1, 'image/png', 'nosniff', "default-src 'none'; sandbox" ], 'where it is shown, and is nothing else');
	is($front->ask('HEAD', $path)->{status}, 200, 'to HEAD, too');
	is($front->ask('GET', '/p/00000000-0000-4000-8000-000000000000')->{status}, 404, 'another there is not');
	is(fault_of($front->ask('POST', $path)), '405 method_not_allowed', 'nothing else can be done with it');
	is(fault_of(post($front, $B, $part->(name => 'x') . $part->(image_original => '<svg/>', 'a.png') . '--x--', 'Content-Type' => 'multipart/form-data; boundary=x')),
		'400 image_original invalid_image', 'what is no picture is refused');
	is(fault_of(post($front, $A, $part->(name => 'x') . $part->(image => $png, 'a.png') . '--x--', 'Content-Type' => 'multipart/form-data; boundary=x')),
		'413 too_large', 'contract A takes none');
	return;
}

sub check_broken
{
	my ($front) = @_;
	my $deep = '[' x 100_000;

	for (
		[ 'nothing', '' => 'parse_error', 'invalid_body' ],
		[ 'white space', " \n" => 'parse_error', 'invalid_body' ],
		[ 'null', 'null' => 'parse_error', 'invalid_body' ],
		[ 'a list', '[]' => 'parse_error', 'invalid_body' ],
		[ 'a word', 'name' => 'parse_error', 'invalid_body' ],
		[ 'half an object', '{"name": ' => 'parse_error', 'invalid_body' ],
		[ 'two objects', '{} {}' => 'parse_error', 'invalid_body' ],
		[ 'depth', $deep => 'parse_error', 'invalid_body' ],
		[ 'a lone surrogate', '{"name": "\ud800"}' => 'name invalid', 'invalid_characters' ],
		[ 'an escaped zero', '{"name": "\u0000"}' => 'name invalid', 'invalid_characters' ],
		[ 'a key twice', '{"name": "a", "name": "a"}' => 'name invalid', 'duplicate' ],
		[ 'a number without end', '{"name": ' . '9' x 200_000 . '}' => 'parse_error', 'invalid_body' ],
		[ 'deep brackets', 'name' . '[a]' x 50 . '=x' => 'parse_error', 'invalid_body' ],
		[ 'too many fields', join('&', map { "a$_=1" } 1 .. 2000) => 'max_length', 'too_many' ],
		[ 'a percent sign', 'name=100%' => 'invalid', 'invalid_characters' ],
		[ 'half a byte', 'name=%4' => 'invalid', 'invalid_characters' ],
		[ 'no digits', 'name=%zz' => 'invalid', 'invalid_characters' ],
		[ 'no UTF-8', 'name=%FF' => 'name invalid', 'invalid_characters' ],
		[ 'a zero byte', 'name=a%00b' => 'name invalid', 'invalid_characters' ],
		[ 'no UTF-8 in a name', '%FF=a' => 'invalid', 'invalid_characters' ],
		[ 'a field twice', 'name=a&name=b' => 'name invalid', 'duplicate' ],
		[ 'a text and a list', 'name=a&name[]=b' => 'name invalid', 'duplicate' ],
		[ 'a list and an object', 'name[]=a&name[x]=b' => 'name invalid', 'duplicate' ],
		[ 'an element twice', 'name[0]=a&name[0]=b' => 'name invalid', 'duplicate' ])
	{
		my ($what, $body, $code_b, $code_a) = @$_;
		is(fault_of(post($front, $B, $body, 'Content-Type' => $FORM)), "400 $code_b", "$front->{name}: $what, B");
		is(fault_of(post($front, $A, $body)), "400 $code_a", 'and A');
	}
	for my $bytes ("{\"name\": \"\xFF\"}", "\x00", "\xFF\xFE{\x00}\x00")
	{
		is(fault_of(post($front, $A, $bytes)), '400 invalid_body', 'raw bytes that are no UTF-8, A');
		is(fault_of(post($front, $B, $bytes)), '400 parse_error', 'and B');
	}
	is(fault_of(post($front, $A, '{"name": ' . '"' . 'x' x 4_200_000 . '"}')), '413 too_large', 'too large a body, A');
	is(fault_of(post($front, $B, '{"name": ' . '"' . 'x' x 16_800_000 . '"}')), '413 too_large', 'and B');
	is(fault_of(post($front, '/rpc/create_group', '{"name": ' . '"' . 'x' x 2_200_000 . '"}')), '413 too_large', 'by the name of the function half as much is too large');
	is(fault_of(post($front, $A, '[' . '1,' x 1_900_000 . '1]')), '400 too_many', 'too many values, A');
	is(fault_of(post($front, $B, '[' . '1,' x 8_000_000 . '1]')), '400 max_length', 'and B');
	return;
}

sub check_callers
{
	my ($front) = @_;
	my $token = token();

	for my $habit ('', 'Bearer ', 'bearer ', 'Token ')
	{
		is(post($front, $A, body_a(), Authorization => "$habit$token")->{status}, 201, "$front->{name}: a token after '$habit', A");
		is(post($front, $B, { name => name_b() }, Authorization => "$habit$token")->{status}, 201, 'and B');
	}
	# Contract A's document writes both headers with quotation marks.
	for ([ '"', '"' ], [ 'Bearer "', '"' ])
	{
		is(post($front, $A, body_a(), 'Content-Type' => '"application/json"', Authorization => "$_->[0]$token$_->[1]")->{status}, 201,
			"$front->{name}: a token in $_->[0]$_->[1]");
	}
	my $status = qx(printf 'Authorization: \342\200\234%s\342\200\235' '$token' | curl -sS -o /dev/null -w '%{http_code}' -H \@- '$front->{url}$B');
	is($status, 200, 'or in those of print');
	for ([ 'no token', undef ], [ 'an empty one', '' ], [ 'quotation marks', '""' ], [ 'a word', 'secret' ], [ 'a word as Bearer', 'Bearer secret' ],
		[ 'another scheme', 'Basic dXNlcjpwYXNz' ], [ 'another signature', $token . 'x' ],
		[ 'one that has expired', token(exp => time - 3600) ], [ 'one without role', (Gateway::bearer(sub => 'u1'))[1] ])
	{
		my ($what, $authorization) = @$_;
		for my $path ($A, $B)
		{
			my $answer = post($front, $path, $path eq $A ? body_a() : { name => name_b() }, Authorization => $authorization);
			is(fault_of($answer), '401 not_authenticated', "$front->{name}: $what at $path");
			like($answer->{headers}{'www-authenticate'} // '', qr/^Bearer/, 'and is told how to authenticate');
		}
	}
	for my $path ($A, $B)
	{
		is(fault_of(post($front, $path, body_a(), Authorization => (Gateway::bearer(role => 'stranger', sub => 'u1'))[1])),
			'403 permission_denied', "a role without rights at $path");
	}
	return;
}

sub check_methods
{
	my ($front) = @_;

	for my $method (qw(GET HEAD PUT PATCH DELETE))
	{
		my $answer = $front->ask($method, $A);
		is($answer->{status}, 405, "$front->{name}: $method at $A");
		is($answer->{headers}{allow}, 'POST, OPTIONS', 'says what is taken');
		is(fault_of($answer), '405 method_not_allowed', 'in its own words') if $method ne 'HEAD';
	}
	is($front->ask('PUT', $B)->{headers}{allow}, 'GET, HEAD, POST, OPTIONS', 'contract B says so, too');
	is(fault_of($front->ask('PUT', $B)), '405 method_not_allowed', 'in its own words');
	is($front->ask('PUT', '/rpc/get_group')->{headers}{allow}, 'GET, HEAD, POST, OPTIONS', 'a function by its name is also read');
	is(fault_of($front->ask('GET', '/api/v2/group/none/')), '404 not_found', 'an unknown address of contract B');
	is(fault_of($front->ask('GET', $_)), '404 not_found', "and $_") for '/group', '/api/v2', '/rpc';
	like($front->ask('GET', '/api/v2/group/999/', headers => { Authorization => token() })->{content}, qr/there is no such group/,
		'what is not there is told by the function');
	return;
}

# PostgREST calls no stable function for HEAD, whose answer is then 200 to anybody.
sub check_head
{
	my ($front) = @_;
	my %caller = (Authorization => token());
	my $id = from_json(post($front, $B, { name => name_b() })->{content})->{id};

	for ([ "$B$id/", %caller ], ["$B$id/"], [ "${B}999/", %caller ], [ $B, %caller ], [ "$B?limit=x", %caller ],
		[ '/rpc/get_group?id=' . '0' x 8 . '-0000-0000-0000-' . '0' x 12, %caller ], ['/rpc/get_group?id=x'])
	{
		my ($path, %headers) = @$_;
		my ($get, $head) = map { $front->ask($_, $path, headers => { Accept => 'application/json', %headers }) } qw(GET HEAD);
		my $who = %headers ? 'a caller' : 'nobody';
		is($head->{status}, $get->{status}, "$front->{name}: HEAD of $path by $who is what GET is");
		is_deeply([ @{ $head->{headers} }{qw(content-type content-length www-authenticate)} ],
			[ @{ $get->{headers} }{qw(content-type content-length www-authenticate)} ], 'with its headers');
		is($head->{content}, '', 'and no body');
	}
	return;
}

sub check_cross_origin
{
	my ($front) = @_;
	my %origin = (Origin => 'https://app.example');

	for my $path ($A, $B, '/rpc/get_group')
	{
		my $answer = $front->ask('OPTIONS', $path, headers => { %origin, 'Access-Control-Request-Method' => 'POST',
			'Access-Control-Request-Headers' => 'authorization,content-type' });
		my $headers = $answer->{headers};
		is($answer->{status}, 204, "$front->{name}: a browser may ask beforehand at $path");
		is($headers->{'access-control-allow-origin'}, '*', 'for any origin');
		like($headers->{'access-control-allow-methods'}, qr/POST/, 'for POST');
		like($headers->{'access-control-allow-headers'}, qr/Authorization, Content-Type/, 'with a token');
	}
	is(post($front, $A, body_a(), %origin)->{headers}{'access-control-allow-origin'}, '*', 'an answer may be read');
	is(post($front, $A, {}, %origin)->{headers}{'access-control-allow-origin'}, '*', 'a fault, too');
	is(post($front, $A, {}, %origin, Authorization => undef)->{headers}{'access-control-allow-origin'}, '*', 'and a missing token');
	return;
}

sub check_keys
{
	my ($front, $gateway) = @_;
	my $key = "key of $front->{name}";
	my @children;
	my %seen;

	pipe(my $read, my $write) or die "pipe: $!";
	for my $n (1 .. 50)
	{
		my $child = fork // die "fork: $!";
		if ($child == 0)
		{
			close $read;
			my $answer = post($front, $A, body_a(name => 'Once'), 'Idempotency-Key' => $key);
			my $id = eval { from_json($answer->{content})->{group}{id} } // '';
			syswrite $write, "$answer->{status} $id\n";
			require POSIX;
			POSIX::_exit(0);
		}
		push @children, $child;
	}
	close $write;
	$seen{$_}++ while <$read>;
	waitpid $_, 0 for @children;
	is(join(',', values %seen), 50, "$front->{name}: fifty at once with one key hear of one group") or diag(explain(\%seen));
	like((keys %seen)[0], qr/^201 [0-9a-f-]{36}$/, 'which was made');
	return;
}

sub check_rate
{
	my ($front) = @_;
	my %seen;
	my %called;

	# A gateway on the same machine as the app's server brings many at once.
	$called{ $front->ask('GET', '/receipt?server=sms&status=sent')->{status} }++ for 1 .. 250;
	is_deeply(\%called, { 403 => 250 }, "$front->{name}: callbacks may come in a burst, and are counted apart");
	for (1 .. 240)
	{
		my $answer = post($front, $B, {}, Authorization => 'Bearer x.y.z');
		$seen{ fault_of($answer) . ($answer->{headers}{'retry-after'} // '') }++;
	}
	ok($seen{'429 throttled1'}, "$front->{name}: too many requests are 429 with Retry-After") or diag(explain(\%seen));
	ok($seen{'401 not_authenticated'} >= 200, 'after two hundred at once');
	return;
}

# What nginx itself refuses before it knows whose address it is.
sub check_unread
{
	my ($front) = @_;
	my $long = 'x' x 9000;

	is(fault_of($front->ask('GET', "${B}search/?search=$long")), '414 too_large', "$front->{name}: too long an address");
	is(fault_of($front->ask('GET', $B, headers => { 'X-Long' => $long })), '400 parse_error', 'too long a header, B');
	is(fault_of($front->ask('GET', $A, headers => { 'X-Long' => $long })), '400 invalid_body', 'and A');
	is(fault_of($front->ask('TRACE', $B)), '405 method_not_allowed', 'a method of no use');
	return;
}

# PostgREST breaks off at bytes that are no UTF-8 in what heads a request: 500.
sub check_bytes
{
	my ($front) = @_;
	my $status = sub {
		my ($path, @options) = @_;
		open(my $curl, '-|', 'curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', @options, "$front->{url}$path") or die "curl: $!";
		return join '', <$curl>;
	};
	my @caller = ('-H', 'Authorization: ' . token());

	for my $header ('User-Agent', 'Referer', 'Cookie')
	{
		is($status->($B, @caller, '-H', "$header: a=\xFF"), 200, "$front->{name}: any bytes may stand in $header");
		is($status->('/i/' . 'x' x 34, '-H', "$header: a=\xFF"), 404, 'for the pages, too');
		is($status->('/receipt?server=sms', '-d', 'a=b', '-H', "$header: a=\xFF"), 403, 'and for callbacks');
	}
	for my $path ($B, '/i/' . 'x' x 34, '/receipt?server=sms', '/rpc/invitation?token=x')
	{
		isnt($status->($path, @caller, '-H', "X-Any: a=\xFF"), 500, "$front->{name}: any bytes may stand in a header nobody knows: $path");
		for my $header ('Authorization', 'Accept-Language', 'Accept', 'Idempotency-Key', 'Content-Type', 'Prefer', 'Range', 'Accept-Profile',
			'X-Group-Id', 'X-Twilio-Signature', 'MessageBird-Signature-JWT', 'Svix-Id', 'X-Plivo-Signature-V3')
		{
			cmp_ok($status->($path, '-H', "$header: a=\xFF"), '<', 500, "and in $header they are no error of ours");
			cmp_ok($status->($path, '-d', 'a=b', '-H', "$header: \xC3\xA9\xC3"), '<', 500, 'nor of a write');
		}
	}
	is($status->($B, '-H', "Host: a\xFF"), 400, 'a host has none either');
	is($status->($_, '-H', "Host: a/\xFF"), 400, "nor one that is none anyway: $_") for $A, $B, '/i/' . 'x' x 34, '/receipt?server=sms';
	is($status->($B, @caller, '-H', "Idempotency-Key: \xC3\xA9"), 200, 'UTF-8 may stand in a header');
	is($status->("${B}search/?search=\xC3\xA9\xF0\x9F\x98\x80", @caller), 200, 'an address may be raw UTF-8');
	for my $bytes ("\xFF", "\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80")
	{
		is($status->("${B}search/?search=$bytes", @caller), 400, 'and no other bytes');
	}
	is($status->("$A?a=\xFF", '-d', '{}'), 400, 'at contract A either');
	is($status->("/receipt?server=sms&a=\xFF", '-d', 'a=b'), 400, 'nor for callbacks');
	my $said = $front->ask('GET', "${B}search/?search=\xFF");
	is(fault_of($said), '400 parse_error', 'which is said in the words of the contract');
	return;
}

sub check_retry_after
{
	my ($front) = @_;
	my $id = from_json(post($front, $A, body_a(members => [ { nickName => 'Ann', contact => { type => 'EMAIL', value => 'again@example.com' } } ]))->{content})->{group}{id};
	my $resend = sub { post($front, '/rpc/resend_invitation', { id => $id, number => 2 }, 'Content-Profile' => 'group_api', Authorization => 'Bearer ' . token()) };
	my $answer;

	poll_until(sub { $answer = $resend->(); $answer->{status} == 429 }, 'a resend comes too soon');
	like($answer->{headers}{'retry-after'}, qr/^\d{2,}$/, "$front->{name}: Retry-After is what the function says, once");
	return;
}

# Before a server that answers what it was sent.
sub check_handed_over
{
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $echo = start_nginx($port, "server { listen 127.0.0.1:$port; location / { return 200 '\$http_prefer|\$http_range|\$http_x_group_id|\$http_x_user_id|\$http_x_request_uri|\$http_x_receipt_query'; } }", 'echo');
	my $front = front_of($echo);
	my %own = (Range => '1-5', 'X-Group-Id' => 7, 'X-User-Id' => 7, 'X-Request-Uri' => '/evil', 'X-Receipt-Query' => 'evil', Authorization => token());

	for ([ 'handling=strict, none=such', '' ], [ 'return=minimal, tx=rollback; x', 'tx=rollback' ], [ 'params=single-object', '' ])
	{
		is($front->ask('GET', $B, headers => { %own, Prefer => $_->[0] })->{content}, "$_->[1]||||$B|", "contract B's gateway hears no header of the client's own: $_->[0]");
		is($front->ask('POST', $A, content => '{}', headers => { %own, Prefer => $_->[0] })->{content}, "$_->[1]|||||", 'nor does A\'s');
	}
	is($front->ask('GET', '/rpc/get_group', headers => { Prefer => 'count=exact', Range => '1-5' })->{content}, 'count=exact|1-5||||', 'PostgREST\'s own way does');
	return;
}

# nginx.conf names what it hands over: a proof that it does not know would be lost.
sub check_proofs
{
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $signatures = join '', map { slurp_file($_) } glob project_root() . '/src/request/callback/signature_*.c';
	my @names = grep { $_ ne 'authorization' } $signatures =~ /\bga_callback_header\(\s*callback, "([a-z0-9-]+)"\)/g;
	push @names, map { ("svix-$_", "webhook-$_") } $signatures =~ /svix_header\(callback, "([a-z]+)"\)/g;
	my $echo = start_nginx($port, "server { listen 127.0.0.1:$port; location / { return 200 '" . join('|', map { '$http_' . tr/-/_/r } @names) . "'; } }", 'echo');
	my $front = front_of($echo);
	my %headers = map { ($_ => "is $_") } grep { $_ ne 'x-receipt-authorization' } @names;

	cmp_ok(@names, '>', 15, 'there are headers that prove a receipt');
	is($front->ask('POST', '/receipt?server=sms', content => 'a=b', headers => { %headers, Authorization => 'is x-receipt-authorization' })->{content},
		join('|', map { "is $_" } @names), 'and each is handed over');
	return;
}

sub check_receipts
{
	my ($front) = @_;
	my $answer = $front->post_form('/receipt?server=sms&receipt=none', MessageSid => 'SM1', Unheard => 'of', 'a[]' => 'b');

	is($answer->{status}, 403, "$front->{name}: a callback with unknown fields reaches receive_receipt");
	is(from_json($answer->{content})->{result}, 'refused', 'which judges it');
	is(from_json($front->ask('GET', '/receipt?server=sms&status=sent')->{content})->{result}, 'refused', 'by GET, too');
	my $count = sub { $node->safe_psql('postgres', q{SELECT coalesce(sum(receipts), 0) FROM group_api.receipt_counts WHERE result = 'refused'}) };
	my $before = $count->();
	my @bytes = ("text=caf\xE9", "\xFF\xFE\0", "{\"a\": \"\xC3\"}");
	for (@bytes)
	{
		$answer = $front->ask('POST', '/receipt?server=sms&receipt=none', content => $_, headers => { 'Content-Type' => $FORM });
		is("$answer->{status} " . (from_json($answer->{content})->{result} // $answer->{content}), '403 refused', 'bytes that are no text are judged');
	}
	is($count->(), $before + @bytes, 'and counted');
	return;
}

check_handed_over();
check_proofs();
for my $gateway (gateways($node))
{
	my $front = front_of($gateway, rate => '1000r/s');
	check_documented($front);
	check_types($front);
	check_forms($front);
	check_pictures($front);
	check_multipart($front);
	check_no_content($front);
	check_broken($front);
	check_callers($front);
	check_methods($front);
	check_head($front);
	check_cross_origin($front);
	check_keys($front);
	check_receipts($front);
	check_unread($front);
	check_bytes($front);
	check_retry_after($front);
	# So slow that a slow machine cannot keep below it.
	check_rate(front_of($gateway, rate => '1r/m'));
	stop_program($gateway);
	is(fault_of(post($front, $A, body_a())), '500 unavailable' =~ s/500/502/r, "$front->{name}: without PostgREST, A");
	is(fault_of(post($front, $B, {})), '502 unavailable', 'and B');
}
done_testing();
