# nginx as configured in docs/http/nginx.conf serves the pages at short addresses,
# and one-click unsubscribe as mail programs send it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Gateway;
use Pages;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'npm package pg not found' unless node_modules();
plan skip_all => 'nginx not found' unless peer('nginx/usr/sbin/nginx');

my $node = new_api_node('main', conf => pages_conf());

sub response_of
{
	my ($token) = @_;
	return from_json($node->safe_psql('postgres', "SELECT group_api.invitation('$token')"))->{invitation}{status};
}

sub check_front
{
	my ($front) = @_;
	my $of = tokens_of($node, {}, qw(yes no));
	my $stop = unsubscribe_token($node, lc(($front->{name} =~ s/ /./gr) . '@example.com'));
	my $stopped = sub { $node->safe_psql('postgres', 'SELECT count(*) FROM group_api_private.suppressions') };
	my $any = { Accept => '*/*', Authorization => 'Bearer x' };

	my $answer = $front->get("/i/$of->{yes}", $any);
	is($answer->{status}, 200, "$front->{name}: a short address shows the page");
	like($answer->{headers}{'content-type'}, qr{^text/html}, 'as HTML whoever asks');
	like($answer->{headers}{'content-security-policy'}, qr/default-src 'none'/, 'with its headers');
	is($front->head("/i/$of->{yes}", $any)->{status}, 200, 'HEAD too');
	is($front->post_form("/i/$of->{yes}?", token => $of->{yes}, answer => 'accept')->{status}, 200, 'its form is taken there');
	is(response_of($of->{yes}), 'accepted', 'and answers');
	is($front->get("/i/$of->{no}", answer => 'accept')->{status}, 200, 'looking with an answer in the query');
	is(response_of($of->{no}), 'pending', 'answers nothing');
	is($front->get('/i/' . 'x' x 34)->{status}, 404, 'an unknown link is 404');
	is($front->get('/')->{status}, 404, 'nothing else is served');

	my $before = $stopped->();
	like($front->get("/u/$stop", $any)->{content}, qr/No more messages\?/, 'unsubscribing asks at first');
	is($front->post_form("/u/$stop", { Accept => '*/*', 'Content-Type' => 'application/x-www-form-urlencoded' },
		'List-Unsubscribe' => 'One-Click')->{status}, 200, 'one click as mail programs send it');
	is($stopped->(), $before + 1, 'stops the messages');
	is($front->post_form("/u/$stop?", token => $stop)->{status}, 200, "so does the page's own button");
	is($front->get('/rpc/invitation', { Accept => '*/*' }, token => $of->{no})->{status}, 200, 'pages of your own may ask by name');
	unlike(slurp_file("$front->{directory}/access.log"), qr{/[iu]/|token=}, 'no link stands in the log');
	return;
}

# What programs take for a part of the link, or leave of it.
sub check_mangled
{
	my ($front) = @_;
	my $of = tokens_of($node, {}, qw(dot));
	my $page = $front->get("/i/$of->{dot}")->{content};

	for my $rest ('.', ').', '%3E', '%22', '/', '%E2%80%9D', '%C2%A0and')
	{
		my $answer = $front->get("/i/$of->{dot}$rest", { Accept => '*/*' });
		is("$answer->{status} " . ($answer->{content} eq $page), '200 1', "$front->{name}: a link followed by $rest shows the page");
	}
	is($front->post_form("/i/$of->{dot}.?", token => $of->{dot}, answer => 'accept')->{status}, 200, 'whose form is taken there');
	is(response_of($of->{dot}), 'accepted', 'and answers');
	for my $link (map { ("/i/$_", "/u/$_") } '', '.', 'x', 'x' x 70, '%22', '...' . 'x' x 34)
	{
		my $answer = $front->get($link, { Accept => '*/*' });
		is("$answer->{status} $answer->{headers}{'content-type'}", '404 text/html', "what is left of a link has the page, too: $link");
	}
	is($front->get("/i/$of->{dot}%00")->{status}, 400, 'but a null');
	unlike(slurp_file("$front->{directory}/access.log"), qr{/[iu]/(?!\S*%00)}, 'and none stands in the log');
	return;
}

# Whatever is sent to a link, a page for people answers.
sub check_anything
{
	my ($front) = @_;
	my $of = tokens_of($node, {}, qw(any));
	my $link = "/i/$of->{any}";
	my $stop = unsubscribe_token($node, lc(($front->{name} =~ s/ /./gr) . '@example.com'));
	my $post = sub { $front->ask('POST', $link, content => $_[0], headers => { Accept => '*/*', @_ > 1 ? ('Content-Type' => $_[1]) : () }) };

	for my $body ('', 'answer=', 'answer=maybe', 'x=1', 'token=x', "token=$of->{any}&answer=no&utm=1", '{"answer": "accept"}', 'answer=accepted', 'xanswer=accept')
	{
		my $answer = $post->($body, 'application/x-www-form-urlencoded');
		is("$answer->{status} " . $answer->{headers}{'content-type'}, '400 text/html', "$front->{name}: no answer is asked for again: $body");
		like($answer->{content}, qr/<form/, 'with the question');
	}
	is($post->('answer=')->{status}, 400, 'whatever the body is called');
	is(response_of($of->{any}), 'pending', 'and answers nothing');
	for my $method (qw(PUT PATCH DELETE))
	{
		for my $path ($link, "/u/$stop")
		{
			my $answer = $front->ask($method, $path, headers => { Accept => '*/*' });
			is("$answer->{status} $answer->{headers}{'content-type'}", '405 text/html', "$method is no way to a page: $path");
			is($answer->{headers}{allow}, 'GET, HEAD, POST, OPTIONS', 'which are named');
		}
	}
	is($post->('answer=decline&utm_source=mail', 'application/x-www-form-urlencoded')->{status}, 200, 'an answer counts without its token, and with what else is sent');
	is(response_of($of->{any}), 'declined', 'and answers');
	return;
}

# PostgREST breaks off at them, at a form in the midst of a transaction, which the next
# request would be in.
sub check_bytes
{
	my ($front) = @_;
	my $of = tokens_of($node, {}, qw(bytes));
	my $post = sub { my ($path, $body) = @_; $front->ask('POST', $path, content => $body, headers => { Accept => '*/*', 'Content-Type' => 'application/x-www-form-urlencoded' })->{status} };
	my @links = ("/i/$of->{bytes}", map { "/rpc/$_" } qw(invitation_page invitation decline_invitation load_group));

	for my $bytes ('%FF', "\xFF", '%c0%af', "\xC0\xAF", '%C3', '%C3x', '%C3%28', "\xC3%28", '%E0%80%80', '%ED%A0%80', '%F5%80%80%80', '%F0%8F%BF%BF', 'a' x 3000 . '%FF')
	{
		is($post->($_, "token=$bytes"), 400, "$front->{name}: no form with bytes that are no UTF-8 gets through: $_") for @links;
		is($post->($links[0], "$bytes=1"), 400, 'nor such a name');
		next if $bytes =~ /[^ -~]/;
		is($front->get("$_?token=$bytes", { Accept => '*/*' })->{status}, 400, "nor such an address: $_") for @links[ 1 .. $#links ], '/rest/v1/rpc/invitation';
	}
	is($post->('/rpc/load_group', 'a=' . 'x' x 100_000), 400, 'nor a form that is too large to be looked at');
	is($post->('/rpc/load_group', 'a=' . '%C3%A9' x 10_000), 404, 'others are, to their end');
	is($post->('/rpc/load_group', 'a=' . '%C3%A9' x 10_000 . '%FF'), 400, 'which counts');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE state ~ 'in transaction'}), 0, 'no transaction is left open');
	for my $text ('%C3%A9', "\xC3\xA9", "\xC3%A9", '%e2%82%ac', '%F0%9F%8E%B9', '%ED%9F%BF', '%F4%8F%BF%BF', 'a+b', '100%', '%zz', '%')
	{
		is($post->($_, "token=$text"), 404, "but others do: $_") for '/rpc/invitation_page', '/rpc/invitation';
		is($front->get("/rpc/invitation?token=$text", { Accept => '*/*' })->{status}, 404, 'in an address, too') unless $text =~ /[^ -~]/;
	}
	is(response_of($of->{bytes}), 'pending', 'and none of it answers');
	like($front->post_json('/rpc/get_group', { id => 'x' x 100_000 }, Gateway::bearer(role => 'web', sub => 'u1'))->{content}, qr/22P02/, 'JSON may be larger');
	return;
}

# Whoever reads a log must not find links that still are good in it.
sub check_logs
{
	my ($gateway) = @_;
	my $front = front_of($gateway);
	my @links = ('/i/', '/u/', '/receipt?server=sms&receipt=', map { "/rpc/$_?token=" } qw(invitation accept_invitation decline_invitation claim_membership invitation_page unsubscribe));
	my $asks = sub { my ($status, $what) = @_;
		for my $link (@links)
		{
			my $answer = $front->get($link . 'secret' x 5);
			is($answer->{status}, $status, "$front->{name}: $what, $link is $status");
			is($answer->{headers}{'content-type'}, $link =~ /[?]/ ? 'application/json' : 'text/html', 'for whoever asks') if $status == 502 || $link =~ m{^/[iu]/};
		} };

	my $big = sub { my ($status, $what) = @_;
		is($front->ask('POST', $_ . 'secret' x 5, content => 'x' x 2_000_000)->{status}, $status, "$what, $_ is $status") for @links };

	$big->(413, 'too much');
	$node->stop;
	$asks->(503, 'without the database');
	$node->start;
	stop_program($gateway);
	$asks->(502, 'without PostgREST');
	$front->get("$_" . 'secret' x 5 . "?a=\xFF") for @links;
	unlike(join('', map { slurp_file($_) } map({ "$front->{directory}/$_.log" } qw(error access)), glob("$PostgreSQL::Test::Utils::log_path/nginx*.log")), qr/secretsecret/,
		'and no link stands in any log');
	return;
}

for my $gateway (gateways($node))
{
	check_front(front_of($gateway));
	check_mangled(front_of($gateway));
	check_anything(front_of($gateway, rate => '1000r/s'));
	check_bytes(front_of($gateway, rate => '1000r/s'));
	check_logs($gateway);
}
done_testing();
