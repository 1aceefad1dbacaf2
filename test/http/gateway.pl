# The double of PostgREST does what PostgREST does: a double that lies would
# turn the other tests green for nothing. Where PostgREST is at hand it answers
# the same questions.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Gateway;
use Test::More;

my $node = new_api_node('main');
my %json = (Accept => 'application/json');

$node->safe_psql('postgres', q{
	CREATE SCHEMA probe; GRANT USAGE ON SCHEMA probe TO anon, web;
	CREATE SCHEMA other; GRANT USAGE ON SCHEMA other TO anon;
	CREATE DOMAIN probe."text/html" AS text;
	CREATE TABLE probe.marks (n int PRIMARY KEY); GRANT ALL ON probe.marks TO web, anon;
	CREATE FUNCTION probe.whole(jsonb) RETURNS json LANGUAGE sql AS 'SELECT $1::json';
	CREATE FUNCTION probe.whole(text) RETURNS json LANGUAGE sql AS 'SELECT json_build_object($$text$$, $1)';
	CREATE FUNCTION probe.whole(bytea) RETURNS json LANGUAGE sql AS 'SELECT json_build_object($$bytes$$, encode($1, $$hex$$))';
	CREATE DOMAIN probe."*/*" AS bytea;
	CREATE FUNCTION probe.bytes() RETURNS probe."*/*" LANGUAGE sql STABLE AS $$
		SELECT set_config('response.headers', '[{"Content-Type": "image/png"}]', true); SELECT '\xff00'::bytea $$;
	CREATE FUNCTION probe.either() RETURNS text LANGUAGE sql AS 'SELECT $$nothing$$::text';
	CREATE FUNCTION probe.either(jsonb) RETURNS text LANGUAGE sql AS 'SELECT $$jsonb$$::text';
	CREATE FUNCTION probe.either(text) RETURNS text LANGUAGE sql AS 'SELECT $$text$$::text';
	CREATE FUNCTION probe.named(a int, b text DEFAULT 'none') RETURNS json LANGUAGE sql STABLE AS 'SELECT json_build_object($$b$$, b, $$a$$, a)';
	CREATE FUNCTION probe.page(word text) RETURNS probe."text/html" LANGUAGE sql STABLE AS 'SELECT $$<p>$$ || word';
	CREATE FUNCTION probe.mark(n int) RETURNS void LANGUAGE sql AS 'INSERT INTO probe.marks VALUES (n)';
	CREATE FUNCTION probe.settle(status text, headers text) RETURNS text LANGUAGE sql AS
		'SELECT set_config($$response.status$$, status, true) || set_config($$response.headers$$, headers, true)';
	CREATE FUNCTION probe.fail(state text) RETURNS void LANGUAGE plpgsql AS
		'BEGIN RAISE EXCEPTION USING ERRCODE = state, MESSAGE = $$m$$, DETAIL = $$d$$, HINT = $$h$$; END';
	CREATE FUNCTION probe.answer(message text, detail text) RETURNS void LANGUAGE plpgsql AS
		'BEGIN RAISE EXCEPTION USING ERRCODE = $$PGRST$$, MESSAGE = message, DETAIL = detail; END';
	CREATE FUNCTION probe.secret() RETURNS int LANGUAGE sql AS 'SELECT 1';
	CREATE FUNCTION probe.rows() RETURNS TABLE (n int) LANGUAGE sql STABLE AS 'SELECT 1 UNION ALL SELECT 2';
	CREATE FUNCTION probe.none() RETURNS TABLE (n int) LANGUAGE sql STABLE AS 'SELECT 1 WHERE false';
	CREATE FUNCTION probe.told() RETURNS json LANGUAGE sql STABLE AS $$
		SELECT json_build_object('role', current_user, 'method', current_setting('request.method'),
			'path', current_setting('request.path'), 'claims', current_setting('request.jwt.claims')::json,
			'header', current_setting('request.headers')::json ->> 'x-probe', 'read_only', current_setting('transaction_read_only'),
			'cookie', nullif(current_setting('request.cookies', true), '')::json ->> 'c', 'search_path', current_setting('search_path')) $$;
	CREATE FUNCTION probe.headers() RETURNS json LANGUAGE sql STABLE AS 'SELECT current_setting($$request.headers$$)::json';
	CREATE FUNCTION probe.look() RETURNS int LANGUAGE plpgsql STABLE AS
		'BEGIN PERFORM set_config($$response.status$$, $$410$$, true); RETURN 1; END';
	CREATE SEQUENCE probe.tries; GRANT USAGE ON SEQUENCE probe.tries TO anon;
	CREATE FUNCTION probe.collide(state text) RETURNS bigint LANGUAGE plpgsql AS
		'BEGIN IF nextval($$probe.tries$$) % 3 > 0 THEN RAISE EXCEPTION USING ERRCODE = state; END IF; RETURN currval($$probe.tries$$); END';
	CREATE FUNCTION other.who() RETURNS text LANGUAGE sql AS 'SELECT $$other$$::text';
	REVOKE EXECUTE ON FUNCTION probe.secret() FROM PUBLIC});

sub check_arguments
{
	my ($g) = @_;

	is($g->post_json('/rpc/whole', '{"z": 1, "a": 2}')->{content}, '{"a": 2, "z": 1}', "$g->{name}: an unnamed jsonb gets the whole body");
	is($g->ask('POST', '/rpc/whole', content => 'a=b', headers => { %json, 'Content-Type' => 'text/plain' })->{content},
		'{"text" : "a=b"}', 'an unnamed text gets a plain one');
	is($g->ask('POST', '/rpc/whole', content => "\xFF\x00", headers => { %json, 'Content-Type' => 'application/octet-stream' })->{content},
		'{"bytes" : "ff00"}', 'an unnamed bytea gets bytes');
	is($g->post_json('/rpc/either', '')->{content}, '"nothing"', 'without a body a function without arguments is preferred');
	is($g->post_json('/rpc/either', '{"a": 1}')->{content}, '"jsonb"', 'with one, the one that takes it');
	is($g->ask('POST', '/rpc/either', headers => { %json, 'Content-Type' => 'text/plain' })->{content}, '"text"', 'an empty text is a text');
	is($g->get('/rpc/named', {%json}, a => 1, b => 'x y')->{content}, '{"b" : "x y", "a" : 1}', 'GET takes arguments by name');
	is($g->post_form('/rpc/named', {%json}, a => 1)->{content}, '{"b" : "none", "a" : 1}', 'so does a form, with defaults');
	is($g->post_json('/rpc/named', { a => 1, b => undef })->{content}, '{"b" : null, "a" : 1}', 'and JSON, with null');
	is($g->get('/rpc/named', {%json}, c => 1)->{status}, 404, 'an unknown name is an unknown function');
	is($g->post_json('/rpc/named', '{"a": ')->{status}, 400, 'broken JSON is refused');
	is($g->get('/rpc/no_such', {%json})->{status}, 404, 'as is a function that does not exist');
	is($g->ask('PUT', '/rpc/named', headers => {%json})->{status}, 405, 'and another method');
	return;
}

# What is neither taken nor handed over as it came.
sub check_bodies
{
	my ($g) = @_;

	for ([ 'null', '[]' ], [ '7', '[]' ], [ '[]', '[]' ], [ '[{"a": 1}, {"a": 2}]', '[{"a": 1}, {"a": 2}]' ])
	{
		is($g->post_json('/rpc/whole', $_->[0])->{content}, $_->[1], "$g->{name}: an unnamed jsonb gets $_->[1] for $_->[0]");
	}
	for ([ '[1]', 'All object keys must match' ], [ '[{"a": 1}, {"b": 1}]', 'All object keys must match' ],
		[ '{"a": 1} 2', 'Empty or invalid json' ], [ '{"a": "\ud800"}', 'Empty or invalid json' ], [ "{\"a\": \"\xFF\"}", 'Empty or invalid json' ])
	{
		my $answer = $g->post_json('/rpc/whole', $_->[0]);
		is("$answer->{status} " . from_json($answer->{content})->{message}, "400 $_->[1]", 'a body that is refused');
	}
	for my $type ('image/png', 'application/vnd.api+json')
	{
		my $answer = $g->ask('POST', '/rpc/whole', content => '{}', headers => { %json, 'Content-Type' => $type });
		is("$answer->{status} " . from_json($answer->{content})->{message}, "400 Content-Type not acceptable: $type", "$type is refused");
	}
	my $plain = sub { $g->ask('POST', '/rpc/whole', content => $_[0], headers => { %json, 'Content-Type' => 'text/plain' }) };
	is($plain->("a\0b")->{content}, '{"text" : "a"}', 'a text ends at a zero byte');
	is($plain->("a\xFF")->{status}, 400, 'and is UTF-8');
	my $form = sub { $g->ask('POST', '/rpc/named', content => $_[0], headers => { %json, 'Content-Type' => 'application/x-www-form-urlencoded' })->{status} };
	# PostgREST leaves a transaction open then, which the next request ends.
	is(join(' ', map { $form->("a=1&b=$_") } '%FF', "\xFF", '%C3%A9', '%'), '500 500 200 200', 'a form is UTF-8, or PostgREST breaks off');
	is(join(' ', map { $g->get("/rpc/named?a=1&$_", {%json})->{status} } 'b=%FF', 'select=%FF', 'b=%C3%A9', 'b=%'), '500 500 200 200', 'so is an address');
	is($g->ask('POST', '/rpc/named?a=1', content => '{"a": 1}', headers => {%json, 'Content-Type' => 'application/json'})->{status}, 400, 'POST takes no arguments in the query');
	return;
}

sub check_answers
{
	my ($g) = @_;
	my $page = $g->get('/rpc/page', word => 'hi');

	is(($page->{headers}{'content-type'} =~ s/;.*//r) . " $page->{content}", 'text/html <p>hi', "$g->{name}: a page is handed over as it is");
	is($g->get('/rpc/page', { Accept => '*/*' }, word => 'hi')->{content}, '"<p>hi"', 'as JSON to who asks for anything');
	is($g->get('/rpc/page', { Accept => 'text/html;q=0.5, application/json' }, word => 'hi')->{content}, '"<p>hi"', 'weights count');
	is($g->get('/rpc/page', { Accept => 'image/png' }, word => 'hi')->{status}, 406, 'what cannot be had is refused');
	is($g->head('/rpc/page', word => 'hi')->{content}, '', 'HEAD has no body');
	is($g->get('/rpc/page', { Accept => $_ }, word => 'hi')->{status}, 406, "a page is no $_") for 'text/plain', 'TEXT/HTML', 'text/html; charset=utf-8';
	is($g->get('/rpc/who', { Accept => 'text/plain', 'Accept-Profile' => 'other' })->{status}, 406, 'nor is a text');
	is($g->get('/rpc/look', {%json})->{status}, 410, 'a function says the status');
	is($g->head('/rpc/look', {%json})->{status}, 200, 'but is not called for HEAD when it only reads');
	is($g->post_json('/rpc/mark', { n => 1 })->{status}, 204, 'void is no content');
	is(join(',', map { $_->{n} } @{ from_json($g->post_json('/rpc/rows', '{}')->{content}) }), '1,2', 'rows are a list');
	my %one = (Accept => 'application/vnd.pgrst.object+json');
	is(from_json($g->get('/rpc/named', {%one}, a => 1)->{content})->{a}, 1, 'one object is one object');
	my $two = $g->post_json('/rpc/rows', '{}', %one);
	is("$two->{status} " . join(', ', @{ from_json($two->{content}) }{qw(code message details)}),
		'406 PGRST116, Cannot coerce the result to a single JSON object, The result contains 2 rows', 'and two are none');
	is($g->get('/rpc/rows', {%json})->{headers}{'content-range'}, '0-1/*', 'rows are counted');
	is($g->$_('/rpc/rows', { %json, Prefer => 'count=exact' })->{headers}{'content-range'}, '0-1/2', "of how many who asks is told, by $_") for qw(get head);
	is($g->get('/rpc/none', { %json, Prefer => 'count=exact' })->{headers}{'content-range'}, '*/0', 'none are none');
	# HTTP::Tiny sends no such bytes.
	my $raw = sub { my ($path, @headers) = @_;
		open(my $curl, '-|', 'curl', '-sS', map({ ('-H', $_) } @headers), "$g->{url}$path") or die "curl: $!";
		return join '', <$curl> };
	is($raw->("/rpc/page?word=\xC3\xA9", 'Accept: text/html'), "<p>\xC3\xA9", 'an address may be raw UTF-8');
	like($raw->('/rpc/told', 'Accept: application/json', "X-Probe: \xC3\xA9"), qr/"\xC3\xA9"/, 'a header, too');
	my $settled = $g->post_json('/rpc/settle', { status => '418', headers => '[{"X-A": "b"}]' });
	is("$settled->{status} $settled->{headers}{'x-a'}", '418 b', 'status and headers are what the function sets');
	is($g->post_json('/rpc/settle', { status => '200', headers => '{"X-A": "b"}' })->{status}, 500, 'headers that are no list are a fault');
	is($g->post_json('/rpc/settle', { status => 'x', headers => '[]' })->{status}, 500, 'as is a status that is none');
	is($g->post_json('/rpc/who', '{}', 'Content-Profile' => 'other')->{content}, '"other"', 'a header chooses the schema');
	is($g->get('/rpc/who', { %json, 'Accept-Profile' => 'pg_catalog' })->{status}, 406, 'among those that are exposed');
	return;
}

sub check_callers
{
	my ($g) = @_;
	my $told = sub { from_json($_[0]->{content}) };
	my %web = Gateway::bearer(role => 'web', sub => 'u1');
	my $anon = $told->($g->get('/rpc/told', { %json, 'X-Probe' => 'p', Cookie => 'a=b; c=d' }));

	is_deeply([ @$anon{qw(role method path header read_only cookie)} ], [qw(anon GET /rpc/told p on d)], "$g->{name}: what a request tells");
	is_deeply($anon->{claims}, { role => 'anon' }, 'the claims of nobody');
	is($anon->{search_path}, '"probe", "public"', 'the schema comes first');
	my $everything = $g->post_json('/rpc/headers', '{}', 'X-Probe' => 'p', Cookie => 'a=b');
	is_deeply([ @{ from_json($everything->{content}) }{qw(x-probe cookie)} ], [ 'p', undef ], 'headers are in lower case, without the cookies');
	my $known = $told->($g->post_json('/rpc/told', '{}', %web));
	is_deeply([ $known->{role}, $known->{claims}{sub}, $known->{method} ], [qw(web u1 POST)], 'a token makes its role and its claims');
	is($g->post_json('/rpc/told', '{}', Authorization => 'Bearer a.b.c')->{status}, 401, 'a token that is none is refused');
	is($g->post_json('/rpc/told', '{}', Authorization => $web{Authorization} . 'x')->{status}, 401, 'as is one with another signature');
	is($g->post_json('/rpc/told', '{}', Gateway::bearer(role => 'web', exp => time - 300))->{status}, 401, 'and one of yesterday');
	for ([ { role => 'nobody' }, 'role "nobody" does not exist' ], [ { role => 'web', exp => 'soon' }, q{The JWT 'exp' claim must be a number} ],
		[ { role => 'web', exp => time - 300 }, 'JWT expired' ], [ { role => 'web', nbf => time + 300 }, 'JWT not yet valid' ],
		[ { role => 'web', exp => time + 300.5 }, 'JWT expired' ], [ { role => 'web', aud => 7 }, q{The JWT 'aud' claim must be a string or an array of strings} ],
		[ { role => 'web', aud => ['a', 7] }, q{The JWT 'aud' claim must be a string or an array of strings} ])
	{
		my $answer = $g->post_json('/rpc/told', '{}', Gateway::bearer(%{ $_->[0] }));
		is("$answer->{status} " . from_json($answer->{content})->{message}, "401 $_->[1]", 'a token that is refused');
	}
	is($g->post_json('/rpc/told', '{}', Authorization => 'Bearer ')->{status}, 401, 'so is an empty one');
	is($g->post_json('/rpc/told', '{}', Gateway::bearer(role => 'web', %$_))->{status}, 200, 'times and audiences that say nothing are passed over')
	  for { nbf => time + 300.5 }, { iat => time + 300.5 }, { exp => undef }, { aud => undef }, { aud => [] }, { aud => 'x' };
	is($g->get('/rpc/mark', {%json}, n => 2)->{status}, 405, 'GET writes nothing');
	my $rehearsed = $g->post_json('/rpc/mark', { n => 3 }, Prefer => 'return=minimal, tx=rollback');
	is("$rehearsed->{status} $rehearsed->{headers}{'preference-applied'}", '204 tx=rollback', 'a call may be rehearsed');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM probe.marks WHERE n = 3'), 0, 'which leaves nothing behind');
	return;
}

sub check_errors
{
	my ($g) = @_;
	my %web = Gateway::bearer(role => 'web');

	for ([ 'P0001', 400 ], [ '22023', 400 ], [ '23505', 409 ], [ '23503', 409 ], [ '42501', 403 ], [ '54000', 500 ],
		[ '55000', 500 ], [ 'PT418', 418 ], [ 'P0002', 500 ], [ '28000', 403 ], [ '21000', 500 ], [ '57P01', 503 ])
	{
		my ($state, $status) = @$_;
		my $answer = $g->post_json('/rpc/fail', { state => $state }, %web);
		is($answer->{status}, $status, "$g->{name}: $state is $status");
		is_deeply(from_json($answer->{content}), { code => $state, message => 'm', details => 'd', hint => 'h' }, 'with all it says')
		  unless $state =~ /^PT/;
	}
	my $raised = sub { my ($status, %headers) = @_; $g->post_json('/rpc/answer', { message => to_json({ code => 'c', message => 'm' }),
		detail => to_json({ status => $status, headers => \%headers }) }, %web) };
	my $busy = $raised->(503, 'Retry-After' => '7', 'X-A' => 'b');
	is("$busy->{status} $busy->{headers}{'x-a'} $busy->{content}", '503 b {"code":"c","details":null,"hint":null,"message":"m"}', 'an error is what the function says');
	is_deeply($busy->{headers}{'retry-after'}, [ 0, 7 ], 'with 503 PostgREST adds when to come back, whatever the function says');
	is($raised->(429, 'Retry-After' => '7')->{headers}{'retry-after'}, 7, 'with another status it does not');
	is($g->post_json('/rpc/collide', { state => $_ })->{content} % 3, 0, "$_ is tried again until it succeeds") for '40001', '40P01';
	is($g->post_json('/rpc/secret', '{}')->{status}, 401, 'what nobody may do asks for a token');
	is($g->post_json('/rpc/secret', '{}', Gateway::bearer(role => 'anon'))->{status}, 401, 'also with a token of nobody');
	is($g->post_json('/rpc/secret', '{}', %web)->{status}, 403, 'with one it is forbidden');
	is($g->post_json('/rpc/mark', { n => 1 }, %web)->{status}, 409, 'an error of the database itself');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM probe.marks'), 1, 'which leaves nothing behind');
	return;
}

for my $gateway (gateways($node, schemas => 'probe,other'))
{
	check_arguments($gateway);
	check_bodies($gateway);
	check_answers($gateway);
	check_callers($gateway);
	check_errors($gateway);
	$node->safe_psql('postgres', 'TRUNCATE probe.marks');
}
done_testing();
