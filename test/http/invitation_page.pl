# The page behind an invitation's link over HTTP: every state tells the truth
# with the right status, looking changes nothing, nothing in it can be broken.
use strict;
use warnings;
use utf8;

use Digest::SHA qw(sha256_base64);
use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Gateway;
use Pages;
use Test::More;

my $PAGE = '/rpc/invitation_page';
my $node = new_api_node('main', conf => pages_conf());

sub response_of
{
	my ($token) = @_;
	return from_json($node->safe_psql('postgres', "SELECT group_api.invitation('$token')"))->{invitation}{status};
}

# What a person sees, without the style.
sub body_of { return $_[0]{content} =~ s/.*<body>//sr; }

# The value of one header that is a list of directives: {name => rest}.
sub policy_of
{
	my ($answer) = @_;
	return { map { my ($name, $rest) = split / /, $_, 2; ($name => $rest) } split /; */,
		$answer->{headers}{'content-security-policy'} // '' };
}

sub check_states
{
	my ($gateway) = @_;
	my $of = make_states($node);
	my @expected = (
		[ pending => 200, qr{<h1><bdi>Pletnev Super Fans</bdi></h1>} ],
		[ accepted => 200, qr{You have joined <bdi>Pletnev.*You accepted the invitation on <time datetime="\d{4}-}s ],
		[ declined => 200, qr{You have declined.*You declined the invitation to <bdi>Pletnev Super Fans</bdi> on <time}s ],
		[ revoked => 410, qr{withdrawn} ],
		[ expired => 410, qr{has expired.*<time datetime="2016-11-01T05:01:59Z">1 November 2016 at 05:01 UTC</time>}s ],
		[ archived => 410, qr{<bdi>Old friends</bdi> was archived} ],
		[ replaced => 404, qr{This link does not work} ],
		[ unknown => 404, qr{This link does not work} ]);

	for (@expected)
	{
		my ($state, $status, $words) = @$_;
		my $answer = $gateway->get($PAGE, token => $of->{$state});
		is($answer->{status}, $status, "$gateway->{name}: $state is $status");
		like($answer->{content}, $words, 'and says so');
		like($answer->{headers}{'content-type'}, qr{^text/html}, 'it is HTML');
		is($answer->{content} =~ /<form/, $state eq 'pending' ? 1 : '', 'a form stands where there is something to decide')
		  if $status != 404 || $state eq 'unknown';
		unlike(body_of($answer), qr/\+27|@/, 'no contact is shown');
		is($gateway->get($PAGE, token => $of->{$state})->{content}, $answer->{content}, 'it looks the same the second time');
	}
	is($gateway->get($PAGE, token => '')->{status}, 404, 'an empty token is an unknown one');

	for (grep { $_->[1] >= 400 } @expected)
	{
		my ($state, $status) = @$_;
		my $before = $status == 404 ? undef : response_of($of->{$state});
		is($gateway->post_form($PAGE, token => $of->{$state}, answer => 'accept')->{status}, $status,
			"$gateway->{name}: $state cannot be accepted");
		is(response_of($of->{$state}), $before, 'and stays as it is') if defined $before;
	}
	return;
}

sub check_looking
{
	my ($gateway) = @_;
	my $of = tokens_of($node, {}, 'scanned');
	my $row = "SELECT i::text, i.xmin FROM group_api_private.invitations i WHERE group_id = '$of->{group}' AND number = 2";
	my $before = $node->safe_psql('postgres', $row);
	my %status;

	for my $n (1 .. 100)
	{
		my $method = $n % 2 ? 'get' : 'head';
		my $answer = $gateway->$method($PAGE, token => $of->{scanned}, answer => $n % 3 ? 'accept' : 'decline');
		$status{"$answer->{status} $method"}++;
	}
	is_deeply(\%status, { '200 get' => 50, '200 head' => 50 }, "$gateway->{name}: a scanner may look a hundred times");
	is($node->safe_psql('postgres', $row), $before, 'and leaves the invitation untouched');
	is($gateway->head($PAGE, token => $of->{scanned})->{content}, '', 'HEAD has no body');
	return;
}

sub check_answering
{
	my ($gateway) = @_;
	my $of = tokens_of($node, {}, qw(yes no lost));
	my $form = $gateway->get($PAGE, token => $of->{yes})->{content};

	like($form, qr{<form method="post" action="\?">\s*<input type="hidden" name="token" value="$of->{yes}">},
		"$gateway->{name}: the form carries the token to the page's own address");
	is(() = $form =~ /$of->{yes}/g, 1, 'which stands nowhere else');
	my $answer = $gateway->post_form($PAGE, token => $of->{yes}, answer => 'accept');
	is($answer->{status}, 200, 'accepting is done');
	like($answer->{content}, qr/You have joined/, 'and confirmed');
	is(response_of($of->{yes}), 'accepted', 'and true');
	is($gateway->post_form($PAGE, token => $of->{yes}, answer => 'accept')->{status}, 200, 'twice is no error');
	$answer = $gateway->post_form($PAGE, token => $of->{yes}, answer => 'decline');
	is($answer->{status}, 409, 'declining afterwards is a conflict');
	like($answer->{content}, qr/role="alert">You had accepted already/, 'which is explained');
	is(response_of($of->{yes}), 'accepted', 'and changes nothing');

	$answer = $gateway->post_form($PAGE, token => $of->{no}, answer => 'decline');
	is($answer->{status}, 200, 'declining is done');
	is(response_of($of->{no}), 'declined', 'and true');
	is($gateway->post_form($PAGE, token => $of->{no}, answer => 'accept')->{status}, 409, 'and final');

	for ([ 'a word that is no answer', answer => 'maybe' ], [ 'an empty one', answer => '' ], ['no answer'])
	{
		my ($what, @answer) = @$_;
		$answer = $gateway->post_form($PAGE, token => $of->{lost}, @answer);
		is($answer->{status}, 400, "$what is refused");
		like($answer->{content}, qr/role="alert">That was neither yes nor no.*<form/s, 'and the question put again');
	}
	is(response_of($of->{lost}), 'pending', 'nothing was answered');
	$answer = $gateway->post_json($PAGE, { token => $of->{lost}, answer => 'accept' }, Accept => 'text/html');
	is($answer->{status}, 200, 'an app may send JSON');
	is(response_of($of->{lost}), 'accepted', 'which answers too');
	return;
}

sub check_headers
{
	my ($gateway) = @_;
	my $of = make_states($node);

	for my $state (qw(pending accepted declined revoked expired archived unknown))
	{
		for my $method (qw(get head))
		{
			my $headers = $gateway->$method($PAGE, token => $of->{$state})->{headers};
			is_deeply([ @$headers{qw(cache-control referrer-policy x-content-type-options x-robots-tag content-language)} ],
				[qw(no-store no-referrer nosniff noindex en)], "$gateway->{name}: the headers of $state by $method");
		}
		my $answer = $gateway->get($PAGE, token => $of->{$state});
		my ($style) = $answer->{content} =~ m{<style>(.*?)</style>}s;
		is_deeply(policy_of($answer), {
			'default-src' => "'none'", 'style-src' => "'sha256-" . sha256_base64($style) . "='",
			'img-src' => $state =~ /pending|accepted/ ? 'https://example.com' : "'none'",
			'form-action' => "'self'", 'base-uri' => "'none'", 'frame-ancestors' => "'none'"
		}, 'its policy allows its own style, its picture and nothing else');
		unlike($answer->{content}, qr/<script| style=| on\w+=|javascript:/i, 'it has neither script nor inline style');
	}
	return;
}

sub check_pictures
{
	my ($gateway) = @_;
	my $of = tokens_of($node, {}, 'picture');

	for (
		[ 'http://Pictures.example:8443/a.png?b=1&c=2#d', 'http://Pictures.example:8443' ],
		[ 'https://example.com', 'https://example.com' ],
		[ 'HTTPS://example.com?x', 'HTTPS://example.com' ],
		[ 'https://example.com; script-src *', "'none'" ],
		[ "https://example.com\r\nSet-Cookie: a=b", "'none'" ],
		[ 'https://example.com,x', "'none'" ], [ "https://example.com'unsafe-inline'", "'none'" ],
		[ 'https://user:secret@example.com/a', "'none'" ], [ 'https://*/a', "'none'" ],
		[ 'https://[::1]/a', "'none'" ], [ 'https://bücher.example/a', "'none'" ], [ 'https:///a', "'none'" ],
		[ 'javascript:alert(1)', "'none'" ], [ 'data:image/png;base64,xx', "'none'" ], [ '//example.com/a', "'none'" ], [ '', "'none'" ])
	{
		my ($image, $origin) = @$_;
		my $shown = $image =~ s/([\r\n])/{"\r" => '\r', "\n" => '\n'}->{$1}/ger;
		$node->safe_psql('postgres', 'UPDATE group_api_private.groups SET image = ' . Pages::sql_text($image)
			. " WHERE id = '$of->{group}'");
		my $answer = $gateway->get($PAGE, token => $of->{picture});
		is($answer->{status}, 200, "$gateway->{name}: the picture $shown harms nothing");
		is(policy_of($answer)->{'img-src'}, $origin, "the policy allows $origin");
		is($answer->{content} =~ /<img/, $origin eq "'none'" ? '' : 1, 'it is shown where that is an origin');
		is($answer->{headers}{'set-cookie'}, undef, 'no header was smuggled in');
	}
	return;
}

sub check_escaping
{
	my ($gateway) = @_;
	my $evil = q{<script>alert('1')</script> "&amp; </title></style><img src=x onerror=alert(1)>};
	my $turned = "\x{202e}desrever \x{2066}x";
	my $of = tokens_of($node, { name => "Fans $evil", message => "Hi $evil\n\nBye", description => "About $evil" }, "Ann $evil");
	my $token = (map { $of->{$_} } grep { $_ ne 'group' } keys %$of)[0];
	my $page = $gateway->get($PAGE, token => $token)->{content};

	is(() = $page =~ /&lt;script&gt;alert\(&#39;1&#39;\)&lt;\/script&gt; &quot;&amp;amp; /g, 5,
		"$gateway->{name}: what people typed is text wherever it stands");
	unlike($page, qr/<script|<img src=x/, 'and never a tag');
	$node->safe_psql('postgres', 'UPDATE group_api_private.groups SET name = ' . Pages::sql_text("Fans $turned")
		. ', inviter = ' . Pages::sql_text("Bob $turned $evil") . " WHERE id = '$of->{group}'");
	$page = $gateway->get($PAGE, token => $token)->{content};
	like($page, qr/<h1><bdi>Fans \x{202e}desrever \x{2066}x<\/bdi><\/h1>/, 'a name that turns the direction is isolated');
	like($page, qr/<title>Invitation to \x{2068}Fans [^<]*\x{2069}<\/title>/, 'in the title by characters');
	like($page, qr/<bdi>Bob [^<]*&lt;script&gt;/, 'as is the name of who invites');
	return;
}

sub check_languages
{
	my ($gateway) = @_;
	my $of = tokens_of($node, {}, 'reader');
	my $set = sub { $node->safe_psql('postgres', "UPDATE group_api_private.$_[0] SET locale = $_[1] WHERE "
		. ($_[0] eq 'groups' ? 'id' : 'group_id') . " = '$of->{group}'"); };
	my $language = sub {
		my $answer = $gateway->get($PAGE, { defined $_[0] ? ('Accept-Language' => $_[0]) : () }, token => $of->{reader});
		my ($lang) = $answer->{content} =~ /<html lang="(\w+)" dir="ltr">/;
		is($answer->{headers}{'content-language'}, $lang, "the header says $lang too");
		return $lang;
	};

	is($language->(undef), 'en', "$gateway->{name}: English where nothing is known");
	is($language->('fr-CH, fr;q=0.9, en;q=0.8'), 'fr', 'else what the browser asks for');
	is($language->('en;q=0.2, de;q=0.7, *;q=0.1'), 'de', 'by its weights');
	is($language->('xx, pt-BR;q=0.5'), 'pt', 'what is not spoken is passed over');
	is($language->('en;q=0, es;q=0.001'), 'es', 'a weight of zero means no');
	is($language->(',;q=,,de;q=x;;'), 'en', 'nonsense is no language');
	$set->('groups', "'es'");
	is($language->('xx'), 'es', "then the group's language");
	is($language->('de'), 'de', "which the browser's goes before");
	$set->('invitations', "'pt-BR'");
	is($language->('de'), 'pt', "and the member's own goes before both");
	$set->('invitations', "'ptx'");
	is($language->('de'), 'de', 'unless it is none of ours');

	my %until = (en => 'You can answer until <time datetime="2131-08-01T22:05:00Z">1 August 2131 at 22:05 UTC</time>.',
		es => 'hasta el <time datetime="2131-08-01T22:05:00Z">1 de agosto de 2131 a las 22:05 UTC</time>.',
		fr => 'jusqu’au <time datetime="2131-08-01T22:05:00Z">1er août 2131 à 22:05 UTC</time>.',
		de => 'bis zum <time datetime="2131-08-01T22:05:00Z">1. August 2131 um 22:05 Uhr (UTC)</time> antworten.',
		pt => 'até <time datetime="2131-08-01T22:05:00Z">1 de agosto de 2131 às 22:05 UTC</time>.');
	$node->safe_psql('postgres', "ALTER ROLE authenticator SET TimeZone = 'Asia/Tokyo';
		UPDATE group_api_private.invitations SET expires_at = '2131-08-01 22:05+00' WHERE group_id = '$of->{group}'");
	for my $tag (sort keys %until)
	{
		$set->('invitations', "'$tag'");
		my $page = body_of($gateway->get($PAGE, token => $of->{reader}));
		like($page, qr/\Q$until{$tag}\E/, "the day in $tag");
		unlike($page, qr/[{}]/, 'no place was left unfilled');
	}
	return;
}

sub check_unsubscribing
{
	my ($gateway) = @_;
	my $path = '/rpc/unsubscribe';
	my $address = lc("ann.$gateway->{name}\@example.com");
	my $token = unsubscribe_token($node, $address);
	my $count = sub { $node->safe_psql('postgres', "SELECT count(*) FROM group_api_private.suppressions WHERE reason = 'unsubscribed'") };
	my $before = $count->();

	for my $method (qw(get head))
	{
		is($gateway->$method($path, token => $token)->{status}, 200, "$gateway->{name}: $method shows a page");
	}
	my $page = body_of($gateway->get($path, token => $token));
	like($page, qr{<form method="post" action="\?">.*<button type="submit">Stop all messages</button>}s, 'with a button');
	unlike($page, qr/Fans|Ann|@/, 'and nothing about the invitation or the person');
	is($count->(), $before, 'and stops nothing');
	$node->safe_psql('postgres', 'UPDATE group_api_private.invitations SET link_version = link_version + 1');
	my $answer = $gateway->post_form($path, token => $token);
	is($answer->{status}, 200, 'one POST without cookie or account is enough, even of an older mail');
	like($answer->{content}, qr/Nothing more will be sent/, 'it is confirmed');
	is($answer->{headers}{'cache-control'}, 'no-store', 'and kept nowhere');
	is($count->(), $before + 1, 'and true');
	is($gateway->post_form($path, token => $token)->{status}, 200, 'a second time is fine');
	is($count->(), $before + 1, 'and adds nothing');
	is($gateway->post_form($path, token => 'x' x 34)->{status}, 404, 'an unknown link is 404');
	is($gateway->get($PAGE, token => $token)->{status}, 404, 'a link to unsubscribe answers no invitation');
	return;
}

sub check_rights
{
	my ($gateway) = @_;
	my $body = { productId => '00000000-0000-0000-0000-000000000001', name => 'By HTTP', description => 'd',
		image => 'https://example.com/p.jpg', message => 'm',
		members => [ { nickName => 'Ann', contact => { type => 'EMAIL', value => 'ann@example.com' } } ] };

	is($gateway->post_json('/rpc/create_group', $body)->{status}, 401, "$gateway->{name}: nobody creates a group without token");
	is($gateway->post_json('/rpc/create_group', $body, Gateway::bearer(role => 'web', sub => 'u1'))->{status}, 201,
		'a caller does');
	is($gateway->get('/rpc/health', { Accept => 'application/json', Gateway::bearer(role => 'web', sub => 'u1') })->{status}, 403,
		"but no operator's function");
	is($gateway->get('/rpc/accept_invitation', { Accept => 'application/json' }, token => 'x')->{status}, 405,
		'GET accepts nothing in JSON either');
	is($gateway->post_json('/rpc/accept_invitation', { token => 'x' })->{status}, 404, 'an unknown link is 404 in JSON too');
	return;
}

# Who accepts while signed in is the member, whose picture is shown; the page's answer is claimed.
sub check_membership
{
	my ($gateway) = @_;
	my $of = tokens_of($node, {}, 'signed in', 'on the page');
	my %as = map { $_ => { Gateway::bearer(role => 'web', sub => $_, picture => "https://pictures.example/$_.jpg") } } qw(leader ann ben);
	my $call = sub {
		my ($function, $name, $who) = @_;
		my $answer = $gateway->post_json("/rpc/$function", { token => $of->{$name} }, $who ? %{ $as{$who} } : ());
		return "$answer->{status} " . ($answer->{content} =~ /"name":"(already_\w+)"|"status":"(\w+)"/ ? $1 // $2 : '');
	};
	my $pictures = sub {
		my $answer = $gateway->get('/rpc/get_group', { Accept => 'application/json', %{ $as{ $_[0] } } }, id => $of->{group});
		my $members = from_json($answer->{content})->{group}{members} // [];
		return join ' ', $answer->{status}, map { $_->{profilePicture} || '-' } grep { !$_->{isLeader} } @$members;
	};

	is($pictures->('leader'), '200 - -', "$gateway->{name}: nobody has a picture at first");
	is($pictures->('ann'), '404', 'and who is invited sees no group');
	is($call->('accept_invitation', 'signed in', 'ann'), '200 accepted', 'a signed-in person accepts');
	is($pictures->($_), '200 https://pictures.example/ann.jpg -', "$_ sees the picture") for qw(leader ann);
	is($call->('claim_membership', 'signed in', 'ben'), '409 already_claimed', 'a second user cannot claim the place');
	is($call->('accept_invitation', 'signed in', 'ben'), '409 already_claimed', 'nor accept it');
	is($call->('accept_invitation', 'on the page', 'ann'), '409 already_member', 'a member is told so');
	is($gateway->post_form($PAGE, token => $of->{'on the page'}, answer => 'accept')->{status}, 200, 'somebody accepts on the page');
	is($call->('claim_membership', 'on the page'), '401 ', 'nobody claims no place');
	is($call->('claim_membership', 'on the page', 'ben'), '200 accepted', 'a user does');
	is($pictures->('ben'), '200 https://pictures.example/ann.jpg https://pictures.example/ben.jpg', 'and sees the group with both pictures');
	is($gateway->get('/rpc/claim_membership', { Accept => 'application/json', %{ $as{ben} } }, token => 'x')->{status}, 405, 'GET claims nothing');
	return;
}

sub check_setting
{
	for ([ 'http://example.com/u/' => 'https' ], [ 'ftp://example.com' => 'https' ],
		[ "https://example.com/u\n" => 'white space' ], [ 'https://example.com/<u>' => 'quotes' ],
		[ 'https://example.com/' . 'u' x 800 => 'longer' ])
	{
		my ($url, $why) = @$_;
		$node->psql('postgres', "ALTER SYSTEM SET group_api.unsubscribe_url = '$url'", stderr => \my $error);
		like($error, qr/invalid value.*$why/s, 'no link to unsubscribe: ' . substr($url =~ s/\n/\\n/r, 0, 30));
	}
	my $of = tokens_of($node, {}, 'by SMS');
	$node->append_conf('postgresql.conf', "group_api.default_locale = 'pt-BR'");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('group_api.default_locale') = 'pt-BR'");
	like($node->safe_psql('postgres', "SELECT group_api.invitation_page('$of->{'by SMS'}')"), qr/<html lang="pt"/,
		'where no language is known the default is spoken');
	unlike($node->safe_psql('postgres', "SELECT message FROM group_api.captured WHERE group_id = '$of->{group}'"),
		qr{/u/}, 'an SMS has no such link');
	$node->append_conf('postgresql.conf', "group_api.unsubscribe_url = ''");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('group_api.unsubscribe_url') = ''");
	$node->safe_psql('postgres', 'SELECT group_api.create_group(\'' . to_json({ name => 'Quiet', description => 'd', message => 'm',
		productId => '00000000-0000-0000-0000-000000000001', image => 'https://example.com/p.jpg',
		members => [ { nickName => 'Ann', contact => { type => 'EMAIL', value => 'quiet@example.com' } } ] }) . '\')');
	poll_until(sub { $node->safe_psql('postgres', "SELECT message FROM group_api.captured WHERE recipient = 'quiet\@example.com'")
		=~ /^(?!.*List-Unsubscribe).*Subject/s }, 'without the setting a mail has no such header');
	return;
}

for my $gateway (gateways($node))
{
	check_states($gateway);
	check_looking($gateway);
	check_answering($gateway);
	check_headers($gateway);
	check_pictures($gateway);
	check_escaping($gateway);
	check_languages($gateway);
	check_unsubscribing($gateway);
	check_rights($gateway);
	check_membership($gateway);
}
check_setting();
done_testing();
