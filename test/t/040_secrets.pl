# Planted secrets, and every token that opens something, are looked for wherever
# somebody may read who must not have them: after sends, refusals by hostile
# gateways that quote what they were sent, failures of every kind, receipts,
# bounces and answers, with a server that logs all it can.
#
# What does show, by design, is asserted at the end: options of user mappings to
# superusers, statements in which a client itself wrote a token, and messages
# that capture providers keep.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use Digest::SHA qw(hmac_sha1_base64 sha256 sha256_base64);
use GroupApiTest;
use Invitations;
use IPC::Run ();
use MIME::Base64 qw(decode_base64 encode_base64);
use PostgreSQL::Test::Utils;
use Test::More;

my $library = qx($ENV{PG_CONFIG} --libdir 2>/dev/null) || '';
my $pkglib = qx($ENV{PG_CONFIG} --pkglibdir 2>/dev/null) || '';
chomp($library, $pkglib);
my ($libpq) = grep { -e } "$library/libpq.so.5", glob('/usr/lib/*/libpq.so.5 /usr/lib/libpq.so.5');
plan skip_all => 'skipped: libpq not found' unless $libpq;
my $has_statements = -e "$pkglib/pg_stat_statements.so";

# ---- the canaries ------------------------------------------------------------

# Two words of letters and digits, alike in every spelling, around characters
# that URLs, JSON and base64 spell in their own ways.
sub word { return substr sha256_base64("canary $_[0]") =~ tr{+/}{}dr, 0, 12; }
sub canary { return word("$_[0] 1") . '/+&% ' . word("$_[0] 2"); }

my %password = map { $_ => canary($_) } qw(mail twilio vonage kannel sns ses keyed);
my %signature = map { $_ => canary("$_ signature") } qw(twilio vonage);
my %bearer = (gateway => canary('gateway'));
my %username = (mail => 'relay-user', vonage => 'vonage-key', kannel => 'kannel-user', sns => 'AKIA0', ses => 'AKIA0');

# ---- the server ----------------------------------------------------------------

my $node = new_node('main', conf => '
group_api.retry_base = 1
group_api.retry_cap = 1
group_api.max_attempts = 3
group_api.resend_cooldown = 0
group_api.invitation_url = \'https://groups.example/i/{token}\'
group_api.unsubscribe_url = \'https://groups.example/u/{token}\'
log_min_messages = debug5
log_min_error_statement = debug5
log_error_verbosity = verbose
log_statement = all
log_duration = on
log_connections = on
log_parameter_max_length = 0' . ($has_statements ? "
shared_preload_libraries = 'group_api, pg_stat_statements'
pg_stat_statements.track = all" : ''));
$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements') if $has_statements;
$node->safe_psql('postgres', "CREATE ROLE $_->[0]; SELECT group_api.grant_access('$_->[0]', '$_->[1]')")
  for [ op => 'operator' ], [ mon => 'monitor' ], [ app => 'caller' ], [ anon => 'anonymous' ], [ mailer => 'mailer' ];

# ---- what the haystacks are made of ----------------------------------------------

my (@said, @activity, @processes);

# A session with bound parameters that stays, as a gateway's connections do.
sub open_session
{
	my %session = (in => '', out => '', error => '');
	$session{run} = IPC::Run::start([ '/usr/bin/python3', "$FindBin::RealBin/lib/bound_calls.py", $libpq,
			$node->connstr('postgres') ], '<', \$session{in}, '>', \$session{out}, '2>', \$session{error}, IPC::Run::timeout(5 * $GroupApiTest::PATIENCE));
	return \%session;
}

sub call_in
{
	my ($session, $sql, @parameters) = @_;
	$session->{in} .= to_json([ $sql, \@parameters ]) . "\n";
	$session->{run}->pump until $session->{out} =~ s/^(.*)\n//;
	return from_json($1);
}

my $client = open_session();
my $watcher = open_session();

# Of a process that may be gone meanwhile.
sub content
{
	open(my $file, '<', $_[0]) or return '';
	local $/;
	return <$file> // '';
}

# The activity of all sessions, and each courier's command line and environment.
sub watch
{
	push @activity, call_in($watcher, 'SELECT a::text FROM pg_stat_activity a')->{rows};
	for my $process (glob '/proc/[0-9]*')
	{
		next unless (readlink("$process/exe") // '') =~ m{/group_api_courier$};
		push @processes, map { content("$process/$_") } qw(cmdline environ);
	}
	return;
}

# One call with bound parameters, whose answer somebody reads.
sub ask
{
	my ($sql, @parameters) = @_;
	my $answer = call_in($client, $sql, @parameters);
	watch();
	push @said, $answer->{error} // map { @$_ } @{ $answer->{rows} };
	return $answer->{error} // $answer->{rows}[0][0];
}

# The same for the holder of a link, who gets a page that may hold the link.
sub ask_as_person
{
	my ($sql, @parameters) = @_;
	my $answer = call_in($client, $sql, @parameters);
	watch();
	push @said, $answer->{error} if $answer->{error};
	return $answer->{error} // $answer->{rows}[0][0];
}

sub become { return call_in($client, "SELECT set_config('role', \$1, false)", $_[0]); }

sub sql { return $node->safe_psql('postgres', $_[0]); }

# For statements that must carry a secret, as docs/providers.md says.
sub quietly
{
	my ($statement) = @_;
	my ($result, $out, $error) = $node->psql('postgres', "SET log_statement = 'none'; SET log_min_messages = 'fatal';"
		. " SET log_min_error_statement = 'panic'; SET log_duration = off;"
		. ($has_statements ? ' SET pg_stat_statements.track_utility = off;' : '') . " $statement");
	push @said, $error;
	return $result;
}

# ---- the providers -----------------------------------------------------------------

my $url = 'https://hooks.example.com/r';
my $servers = start_script_server(http => {}, smtp => {});
my $tls = start_script_server(http => {}, smtp => {}, tls => 'always');
my $directory = PostgreSQL::Test::Utils::tempdir();

sub password_file
{
	my ($name) = @_;
	open(my $file, '>', "$directory/$name") or die "$name: $!";
	print $file "$password{$name}\n";
	close $file;
	chmod 0600, "$directory/$name";
	return "password_file '$directory/$name'";
}

my %provider = (
	mail => [ smtp => { sender => 'Choir <choir@example.com>', bounce_address => 'b@bounces.example.com' } ],
	twilio => [ twilio => { account_sid => $Invitations::ACCOUNT, sender => '+15005550006', callback_url => $url } ],
	vonage => [ vonage => { sender => 'Choir', callback_url => $url } ],
	gateway => [ http => { channel => 'MOBILE', callback_url => $url, id_path => 'id', code_path => 'code',
			text_path => 'message', fields => '{"to": "{to}", "text": "{text}", "report": "{callback_url}"}' } ],
	# In every place an operator's template may put it.
	keyed => [ http => { channel => 'MOBILE', callback_url => $url, id_path => 'id', code_path => 'code', text_path => 'message',
			headers => '{"X-Api-Key": "{password}"}', fields => '{"to": "{to}", "text": "{text}", "auth": {"key": "{password}"}, "report": "{callback_url}"}' } ],
	kannel => [ kannel => { sender => '13013', callback_url => $url } ],
	sns => [ sns => { region => 'eu-west-1' } ],
	ses => [ ses => { sender => 'Choir <choir@example.com>', region => 'eu-west-1', callback_url => $url } ]);
my @names = sort keys %provider;

sub place { return $_[0] =~ /^(?:mail|gateway|keyed|kannel)$/ ? 'url' : 'base_url'; }
sub home { return $_[0] eq 'mail' ? $servers->{smtp} : "$servers->{http}/$_[0]" . ($_[0] eq 'keyed' ? '?k={password}' : ''); }

# The nth contact of a provider.
sub contact
{
	my ($name, $number) = @_;
	my ($place) = grep { $names[$_] eq $name } 0 .. $#names;
	return $name =~ /^(?:mail|ses)$/ ? "p$number\@$name.example.com" : sprintf '+277012312%d%d', $place, $number;
}

for my $name (@names)
{
	my ($kind, $options) = @{ $provider{$name} };
	my @mapping = ($username{$name} ? "username '$username{$name}'" : (),
		$bearer{$name} ? "bearer_token '$bearer{$name}'" : password_file($name),
		$signature{$name} ? "signature_secret '$signature{$name}'" : ());

	Invitations::add_provider($node, 'postgres', $name, $kind, %$options, place($name) => home($name),
		prefixes => $name =~ /^(?:mail|ses)$/ ? "$name.example.com" : substr contact($name, 0), 0, -1);
	is(quietly("CREATE USER MAPPING FOR PUBLIC SERVER $name OPTIONS (" . join(', ', @mapping) . ')'), 0,
		"$name has its secret");
}
# Mistakes of who types secrets.
my $typed = canary('typed');
quietly("ALTER USER MAPPING FOR PUBLIC SERVER $_->[0] OPTIONS ($_->[1] '$typed$_->[2]')")
  for [ 'kannel', 'ADD passwort', '' ], [ 'gateway', 'ADD password', '' ], [ 'gateway', 'SET bearer_token', "\n" ];

# ---- helpers of the exercise ----------------------------------------------------------

my @groups;

# Invites contacts 0 to COUNT - 1 of each of the providers, as a caller.
sub invite_all
{
	my ($count, @of) = @_;
	my @contacts = map { my $name = $_; map { contact($name, $_) } 0 .. $count - 1 } @of ? @of : @names;
	my $body = group_body(@contacts) =~ s/^'|'::jsonb$//gr;

	become('app');
	my $answer = ask('SELECT group_api.create_group($1::jsonb)', $body);
	become('none');
	push @groups, from_json($answer)->{group}{id};
	return $groups[-1];
}

# Until all the invitations of a group are what the condition says.
sub until_all
{
	my ($group, $condition, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll_until(sub {
		watch();
		return sql("SELECT count(*) FROM group_api_private.invitations i WHERE group_id = '$group' AND delivery IS NOT NULL AND NOT ($condition)") eq '0';
	}, $what) || diag(sql("SELECT contact, delivery, attempts, server, reason FROM group_api_private.invitations i WHERE group_id = '$group' AND NOT ($condition)"));
}

sub percent { return $_[0] =~ s/([^A-Za-z0-9_.~-])/sprintf $_[1] ? '%%%02x' : '%%%02X', ord $1/ger; }

sub secret_of { return $password{ $_[0] } // $bearer{ $_[0] }; }

# What a relay or gateway that means ill sends back, at the status it is told.
sub hostile
{
	my ($name, $status) = @_;
	my $secret = secret_of($name);
	my $user = $username{$name} // ($name eq 'twilio' ? $Invitations::ACCOUNT : 'u');
	my %headers = map { $_ => "$secret " . percent($secret) } 'X-Amzn-ErrorType', 'X-Message-Id', 'X-Anything';
	my $everywhere = sub {
		return { map { $_ => $_[0] } qw(message detail error id sid code type Message MessageId) };
	};

	return (
		{ status => $status, body => '{echo}', echo => '(?:authorization: Basic |Bearer |password=|[?]k=|"key": ?")[^&" \n]*' },
		{ status => $status, body => '{echo}', echo => 'https(?:[^&" ]|\\\\/)*' },
		{ status => $status, body => $everywhere->('{echo}'), echo => 'https(?:[^&" ]|\\\\/)*' },
		{ status => $status, body => $everywhere->("the password is $secret"), headers => \%headers },
		{ status => $status, body => join ' ', encode_base64("$user:$secret", ''), encode_base64($secret, ''), percent($secret, 1) },
		{ status => $status, body => 'x' x 285 . $secret },
		{ status => $status, body => 'x' x 285 . encode_base64("$user:$secret", '') },
		{ status => $status, body => { message => $signature{$name} // 'none' } });
}

# ---- hostile refusals --------------------------------------------------------------

my $variants = () = hostile('mail', 400);
my $wrong = join ' ', $password{mail}, percent($password{mail}, 1), encode_base64("\0$username{mail}\0$password{mail}", '');
my %users = ($username{mail} => $password{mail});

# Rules of HTTP for each provider.
sub http_rules
{
	my ($replies) = @_;
	return { rules => [ map { { match => " /$_", count => 'rule', replies => [ $replies->($_) ] } } grep { $_ ne 'mail' } @names ] };
}

sub smtp_rules { return { users => \%users, rules => [ map { { at => $_->[0], count => 'rule', replies => $_->[1] } } @_ ] }; }

set_rules($servers, http => http_rules(sub { hostile($_[0], 400) }),
	smtp => smtp_rules([ mail => [ map { { reply => $_, echo => '.*' } } '451 4.7.1 {echo}', "451 4.7.1-$wrong\n451 4.7.1 $wrong" ] ]));
my $refused = invite_all($variants);
# The same refusal for all pauses a gateway.
until_all($refused, "(delivery IN ('failed', 'sent') OR delivery = 'queued' AND reason IS NOT NULL)", 'gateways refuse and quote what they were sent');
is(sql("SELECT count(DISTINCT server) FROM group_api.attempts WHERE outcome <> 'accepted' AND detail LIKE '%***%'"), scalar @names,
	'and what they quote is kept without it');

# Accepted, with an id that is none.
set_rules($servers, http => http_rules(sub { map { { %$_, status => $_[0] eq 'twilio' ? 201 : $_[0] eq 'vonage' ? 200 : 202 } } hostile($_[0], 200) }), smtp => smtp_rules());
sql("SELECT group_api.resume(server) FROM group_api.providers WHERE state = 'paused'");
my $odd = invite_all($variants, grep { !/^(?:mail|vonage)$/ } @names);
until_all($odd, "delivery IN ('failed', 'sent')", 'gateways accept and quote what they were sent');

for my $name (@names)
{
	set_rules($servers, http => http_rules(sub { map { { %$_, delay => 0.3 } } (hostile($_[0], 403))[ 3, 0 ] }),
		smtp => smtp_rules([ auth => ["535 5.7.8 $wrong"] ]));
	become('op');
	like(ask('SELECT group_api.test_provider($1, $2)', $name, contact($name, 0)), qr/\*\*\*/, "test_provider by $name hides them, too");
	become('none');
}
# A child of a session that waits for its answer.
set_rules($servers, http => { rules => [ { replies => ['hang'] } ] }, smtp => smtp_rules([ connect => ['hang'] ]));
my @waiting = map {
	my ($out, $error) = ('', '');
	IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "SELECT group_api.test_provider('$_', '" . contact($_, 0) . "')" ],
		'<', \'', '>', \$out, '2>', \$error);
} qw(mail kannel gateway);
poll_until(sub { @processes = (); watch(); return grep { /\bsend\b/ } @processes }, 'couriers that sessions started are looked at');
sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE '%test_provider%' AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state = 'active'");
eval { $_->finish } for @waiting;

# ---- refused logins, then retries and lost answers --------------------------------------

set_rules($servers, http => http_rules(sub { map { { %$_, count => 1 } } (hostile($_[0], 401))[ 4, 4 ] }),
	# A connection that is kept open has logged in before.
	smtp => smtp_rules([ auth => ["535 5.7.8 $wrong"] ], [ mail => ["535 5.7.8 $wrong"] ]));
my $paused = invite_all(1);
poll_until(sub { watch(); sql("SELECT count(*) FROM group_api.providers WHERE state = 'paused'") eq scalar @names }, 'a refused login pauses each provider');
chmod 0644, "$directory/kannel";
set_rules($servers, http => http_rules(sub { ({ %{ (hostile($_[0], 503))[4] } }, 'drop', { do => 'cut', status => 503 }, { status => $_[0] eq 'twilio' ? 201 : 200, body => good($_[0]) }) }),
	smtp => smtp_rules([ rcpt => [ "450 4.2.1 $wrong", '250 ok' ] ], [ dot => [ 'drop', '250 ok' ] ]));
sql("SELECT group_api.resume('$_')") for @names;
poll_until(sub { watch(); sql("SELECT reason FROM group_api.providers WHERE server = 'kannel'") =~ /only its owner may read/ }, 'a password file that others may read pauses its provider');
chmod 0600, "$directory/kannel";
sql("SELECT group_api.resume('kannel')");
until_all($paused, "delivery IN ('failed', 'sent')", 'errors and lost answers are tried again');

# What makes each of them content.
sub good
{
	return '<PublishResponse><PublishResult><MessageId>M1</MessageId></PublishResult></PublishResponse>' if $_[0] eq 'sns';
	return { sid => 'M1', id => 'M1', MessageId => 'M1', messages => [ { status => '0', 'message-id' => 'M1' } ] };
}

sub contented { return http_rules(sub { { status => $_[0] eq 'twilio' ? 201 : 200, body => good($_[0]) } }); }

# ---- nobody there, and nobody to be trusted -----------------------------------------------

sub move_all
{
	my ($where) = @_;
	sql("ALTER SERVER $_ OPTIONS (SET " . place($_) . " '" . $where->($_) . "')") for @names;
	return;
}

move_all(sub { ($_[0] eq 'mail' ? 'smtp' : 'http') . '://127.0.0.1:9' });
my $stranded = invite_all(1);
poll_until(sub { watch(); sql("SELECT count(DISTINCT server) FROM group_api.attempts WHERE group_id = '$stranded' AND code = 'curl 7'") eq scalar @names }, 'nobody answers');
move_all(sub { $_[0] eq 'mail' ? $tls->{smtp} : "$tls->{http}/$_[0]" });
my $distrusted = invite_all(1);
poll_until(sub { watch(); sql("SELECT count(*) FROM group_api.providers WHERE state = 'paused' AND reason LIKE '%curl 60%'") eq scalar @names }, 'a certificate nobody vouches for pauses each provider');
set_rules($servers, http => contented(), smtp => smtp_rules());
move_all(\&home);
sql("SELECT group_api.resume('$_')") for @names;
until_all($distrusted, "delivery = 'sent'", 'and all is sent in the end');

# ---- good sends, and what was in them -------------------------------------------------------

my $group = invite_all(3);
until_all($group, "delivery = 'sent'", 'messages are sent');

sub unescape { return $_[0] =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger; }

# Everything that the fake servers were sent, unescaped.
sub sent
{
	return join "\n", map {
		my $text = ($_->{path} // '') . "\n" . ($_->{body} // '') . "\n" . join(' ', %{ $_->{headers} // {} }) . "\n" . ($_->{sender} // '') . ' ' . ($_->{argument} // '') . "\n" . ($_->{data} // '');
		$text =~ s/=\r?\n//g;
		$text =~ s/=3D/=/g;
		unescape(unescape($text));
	} read_log($servers);
}

my %seen;
my $sent = sent();
$seen{links}{$_} = 1 for $sent =~ m{/i/([\w-]{26,})}g;
$seen{'unsubscribe tokens'}{$_} = 1 for $sent =~ m{/u/([\w-]{26,})}g;
$seen{'receipt tokens'}{$_} = 1 for $sent =~ m{receipt=([\w-]{26,})|b\+([\w-]{26,})\@} ? grep { defined } $sent =~ m{receipt=([\w-]{26,})|b\+([\w-]{26,})\@}g : ();

# The tokens of one message: what was sent to CONTACT last.
sub request_to
{
	my ($contact) = @_;
	my $digits = $contact =~ s/^\+//r;
	my @all = grep { index(unescape(($_->{path} // '') . ($_->{body} // '') . ($_->{data} // '')), $digits) >= 0 } read_log($servers);
	my $last = $all[-1];
	return unescape(unescape(join "\n", map { $last->{$_} // '' } qw(path body sender data))) =~ s/=\r?\n//gr =~ s/=3D/=/gr;
}

sub token_in
{
	my ($text, $form) = @_;
	return $text =~ $form ? $1 : undef;
}

# ---- receipts ----------------------------------------------------------------------------------

sub receive
{
	my ($server, $query, $body, %headers) = @_;
	become('app');
	my $answer = ask('SELECT group_api.receive_receipt($1, $2::bytea, $3::jsonb, $4)', $server, '\x' . unpack('H*', $body), to_json(\%headers), $query);
	become('none');
	return from_json($answer)->{result};
}

# A message's tokens as a careless provider would quote them.
sub quoting
{
	my ($text) = @_;
	return join ' ', 'about', $text =~ m{(https://groups\.example/[iu]/[\w-]+)}g, $text =~ m{(receipt=[\w-]+)}g;
}

my $request = request_to(contact('twilio', 0));
my $query = token_in($request, qr{\?(server=twilio&receipt=[\w-]+)});
my $body = 'MessageSid=M1&MessageStatus=failed&ErrorCode=30008&ErrorMessage=' . percent(quoting($request));
my $signed = hmac_sha1_base64("$url?$query" . join('', map { my ($name, $value) = split /=/; $name . unescape($value) } sort split /&/, $body), $signature{twilio}) . '=';
my $forged = decode_base64($signed);
substr($forged, 0, 1) ^= "\x80";
is(receive('twilio', $query, $body, 'X-Twilio-Signature' => encode_base64($forged, '')), 'refused', 'a forged receipt is refused');
is(receive('twilio', $query, $body), 'refused', 'as is one without its signature');
is(receive('twilio', $query, $body, 'X-Twilio-Signature' => $signed), 'moved', 'a signed one is believed');
is(receive('twilio', $query, $body, 'X-Twilio-Signature' => $signed), 'replayed', 'once');
$request = request_to(contact('vonage', 0));
$query = token_in($request, qr{\?(server=vonage&receipt=[\w-]+)});
is(receive('vonage', $query, '{"messageId": "M1", "status": "failed", "sig": "' . percent($signature{vonage}) . '"}'), 'refused', 'one that tells the secret is no better');
$request = request_to(contact('gateway', 0));
$query = token_in($request, qr{\?(server=gateway&receipt=[\w-]+)});
is(receive('gateway', $query, to_json({ status => 'failed', id => 'M1', code => 'x', text => quoting($request) })), 'moved', 'a receipt may quote the message');
is(receive('gateway', $query =~ s/.$/!/r, '{"status": "failed"}'), 'refused', 'a token that is none');
$request = request_to(contact('kannel', 0));
$query = token_in($request, qr{\?(server=kannel&receipt=[\w-]+)});
become('anon');
like(ask_as_person(q{WITH context AS MATERIALIZED (SELECT set_config('request.method', 'POST', false), set_config('request.headers', $1, false))
	SELECT group_api.receive_receipt($2) FROM context}, to_json({ 'x-receipt-query' => "$query&status=2&id=M1&answer=" . percent(quoting($request)) }), ''),
	qr/moved|known/, 'and come by GET');
ask_as_person("SELECT set_config('request.headers', '', false), set_config('request.method', '', false)");
become('none');
$request = request_to(contact('ses', 0));
my $key = token_in($request, qr/(inv-[0-9a-f]{32}_\d+_\d+)/);
become('op');
my $account = ask_as_person('SELECT group_api.receipt_url($1)', 'ses');
become('none');
my $event = { eventType => 'Bounce', bounce => { bounceType => 'Transient', bouncedRecipients => [ { status => '4.4.7', diagnosticCode => quoting($request) } ] },
	mail => { messageId => 'M1', tags => { inv => [$key] }, headers => [ { name => 'List-Unsubscribe', value => quoting($request) } ] } };
is(receive('ses', token_in($account, qr/\?(.*)/), to_json({ Type => 'Notification', Message => to_json($event) })), 'moved', 'an event may hold the headers of the mail');

# ---- a bounce --------------------------------------------------------------------------------------

$request = request_to(contact('mail', 0));
my $token = token_in($request, qr/b\+([\w-]+)\@/);
my $mail = join "\r\n", 'From: MAILER-DAEMON@relay.example', "To: b+$token\@bounces.example.com", 'Subject: failed', 'MIME-Version: 1.0',
  'Content-Type: multipart/report; report-type=delivery-status; boundary=X', '', '--X', 'Content-Type: text/plain', '', "Sorry: $request", '--X',
  'Content-Type: message/delivery-status', '', 'Reporting-MTA: dns; relay.example', "Original-Envelope-Id: $token", '',
  'Final-Recipient: rfc822; ' . contact('mail', 0), 'Action: failed', 'Status: 5.7.1',
  "Diagnostic-Code: smtp; 550 5.7.1 <b+$token\@bounces.example.com> " . quoting($request), '', '--X', 'Content-Type: message/rfc822', '', $request, '--X--', '';
become('mailer');
like(ask('SELECT group_api.ingest_bounce($1::bytea)', '\x' . unpack('H*', $mail)), qr/moved/, 'a bounce comes back');
like(ask('SELECT group_api.ingest_bounce($1::bytea)', '\x' . unpack('H*', $mail =~ s/\Q$token\E/substr($token, 0, -4) . 'AAAA'/ger)), qr/unknown|stale|known/, 'and a forged one');
become('none');

# ---- people answer ----------------------------------------------------------------------------------

my %link = map { $_ => token_in(request_to(contact('mail', $_)), qr{/i/([\w-]+)}) } 1, 2;

# As the gateway calls: the arguments of POST are one bound parameter, those of
# GET are one each.
sub by_post
{
	my ($function, $token) = @_;
	return ask_as_person("SELECT group_api.$function(token => b.token) FROM json_to_record(\$1::json) AS b (token text)", to_json({ token => $token }));
}

become('anon');
like(by_post('invitation', $link{1}), qr/pending|Choir/, 'an invitation is looked at');
like(ask_as_person('SELECT group_api.invitation_page(token => $1)', $link{1}), qr/<html/, 'so is its page');
unlike(by_post('accept_invitation', $link{1}), qr/ERROR/, 'it is accepted');
like(by_post('decline_invitation', $link{1}), qr/ERROR/, 'and then cannot be declined');
# One link in 256 ends like this by itself.
like(by_post('accept_invitation', $link{1} =~ s/(..)$/$1 eq 'AA' ? 'BB' : 'AA'/er), qr/ERROR/, 'nor by a wrong link');
like(by_post('accept_invitation', "$link{2} "), qr/ERROR/, 'nor by more than a link');
like(ask_as_person('SELECT group_api.unsubscribe(token => $1)', token_in(request_to(contact('mail', 2)), qr{/u/([\w-]+)})), qr/<html/, 'one unsubscribes');
like(ask_as_person('SELECT group_api.invitation_page(token => $1)', '{"token"}'), qr/<html/, 'another has no link');
become('app');
like(ask('SELECT group_api.preview_invitation($1::uuid)', $group), qr/"preview"/, 'a leader previews what is sent');
like(ask('SELECT group_api.resend_invitation($1::uuid, $2::int)', $group, '3'), qr/"group"/, 'and sends again');
like(ask('SELECT group_api.create_group($1::jsonb)', '{"name": 7}'), qr/ERROR/, 'and makes mistakes');
ask('SELECT group_api.get_group($1::uuid)', $_) for @groups;
become('none');
until_all($group, "delivery NOT IN ('queued', 'sending')", 'until all is quiet');

# A provider that keeps messages, for the dump.
Invitations::add_provider($node, 'postgres', 'kept', 'capture', channel => 'EMAIL', sender => 'choir@example.com', prefixes => 'kept.example.com');
my $kept = invite($node, 'a@kept.example.com');
until_all($kept, "delivery = 'sent'", 'a message is captured');
watch();

# ---- every token that opens something -------------------------------------------------------------

my $key_of_links = pack 'H*', sql("SELECT encode(secret, 'hex') FROM group_api_private.link_secret");
my %purpose = (links => '', 'receipt tokens' => 'r', 'unsubscribe tokens' => 'u');

sub token
{
	my ($purpose, @numbers) = @_;
	return make_token($key_of_links, $purpose, @numbers);
}

my ($last_group, $last_member, $last_version) = split /\|/, sql('SELECT (SELECT max(number) FROM group_api_private.groups), max(number), max(link_version) FROM group_api_private.invitations');
my %usable;
for my $class (keys %purpose)
{
	for my $of_group (1 .. $last_group)
	{
		for my $member (1 .. $last_member)
		{
			push @{ $usable{$class} }, map { token($purpose{$class}, $of_group, $member, $_) } 1 .. $last_version;
		}
	}
	my %is_usable = map { $_ => 1 } @{ $usable{$class} };
	cmp_ok(scalar keys %{ $seen{$class} }, '>', 3, "$class were sent");
	is_deeply([ grep { !$is_usable{$_} } keys %{ $seen{$class} } ], [], 'and are among those that are looked for');
}
push @{ $usable{'receipt tokens'} }, map { token('r', unpack('Q<', sha256($_)) & ~(1 << 63), 0, 0) } @names;
ok((grep { $account =~ /receipt=\Q$_\E$/ } @{ $usable{'receipt tokens'} }), "an account's address is among them");

# ---- the scanner --------------------------------------------------------------------------------------

# The characters of base64 that do not depend on what stands around a text.
sub inside_base64
{
	my ($text) = @_;
	return map {
		my $encoded = encode_base64("\0" x $_ . $text, '');
		substr $encoded, (0, 2, 3)[$_], int((length($text) + $_) * 8 / 6) - (0, 2, 3)[$_];
	} 0 .. 2;
}

sub spellings
{
	my ($text) = @_;
	return ($text, inside_base64($text), unpack('H*', $text), uc unpack('H*', $text));
}

# Of a secret each half counts, and its beginning: a quotation may be cut.
sub pieces { return map { (substr($_, 0, 7), $_) } $_[0] =~ /(\w{12})/g; }

my %needles = (
	passwords => [ map { pieces($_) } values %password, $typed ],
	'bearer tokens' => [ map { pieces($_) } values %bearer ],
	'signature secrets' => [ map { pieces($_) } values %signature ],
	"the links' key" => [$key_of_links], %usable);
my @classes = sort keys %needles;
# Perl looks for many words at once as long as their table is small.
my %pattern = map {
	my @words = map { quotemeta } map { spellings($_) } @{ $needles{$_} };
	my @parts;
	push @parts, do { my $any = join '|', splice @words, 0, 1000; qr/($any)/ } while @words;
	($_ => \@parts) } @classes;

# Where a class is found, with some of what stands around it.
sub find
{
	my ($haystack, $class) = @_;
	my @found;
	for my $pattern (@{ $pattern{$class} })
	{
		while (@found < 5 && $haystack =~ /$pattern/g)
		{
			my $start = $-[1] > 120 ? $-[1] - 120 : 0;
			push @found, substr($haystack, $start, 240) =~ s/[^[:print:]]/./gr;
		}
	}
	return @found;
}

sub is_clean
{
	my ($where, $haystack) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	cmp_ok(length $haystack, '>', 20, "something is in $where");
	for my $class (@classes)
	{
		my @found = find($haystack, $class);
		ok(!@found, "no $class in $where" =~ s/no the/not the/r) or diag(join "\n", @found);
	}
	return;
}

# The scanner itself: it finds each in every spelling.
for my $class (@classes)
{
	for my $needle ((@{ $needles{$class} })[ 0, -1 ])
	{
		my $hidden = "x:$needle";
		ok((grep { find($_, $class) } map { ($_, encode_base64($_, ''), unpack 'H*', $_) } $hidden, "y$hidden", "yz$hidden") == 9, "$class would be found");
	}
}
my $gateways = slurp_file($servers->{log});
ok(scalar find($gateways, $_), "$_ reached the providers") for 'passwords', 'bearer tokens', sort keys %purpose;

# ---- where to look ------------------------------------------------------------------------------------

sub output_of
{
	my (@command) = @_;
	my ($out, $error) = ('', '');
	IPC::Run::run(\@command, '<', \'', '>', \$out, '2>', \$error) or diag($error);
	return $out;
}

# All rows of the views of a schema, as a role that may read them.
sub views_of
{
	my ($role, @without) = @_;
	my @views = grep { my $view = $_; !grep { $_ eq $view } @without } split /\n/, sql("SELECT relname FROM pg_class WHERE relnamespace = 'group_api'::regnamespace
		AND relkind = 'v' AND has_table_privilege('$role', oid, 'SELECT')");
	return join "\n", map { "$_:\n" . sql("SET ROLE $role; SELECT v::text FROM group_api.$_ v") } @views;
}

my $dump = output_of('pg_dump', '-d', $node->connstr('postgres'));
my $mappings = join '', $dump =~ /^(CREATE USER MAPPING .*?;\n)/msg;
my $rest = $dump =~ s/^CREATE USER MAPPING .*?;\n//msgr;

is_clean('the dump', $rest . output_of('pg_dumpall', '-g', '-d', $node->connstr('postgres')));
is_clean("the server's log", slurp_file($node->logfile));
is_clean('pg_stat_activity', join "\n", map { @$_ } map { @$_ } @activity);
SKIP:
{
	skip 'skipped: pg_stat_statements not found', 1 + @classes unless $has_statements;
	is_clean('pg_stat_statements', sql('SELECT s::text FROM pg_stat_statements s'));
}
is_clean('the views, to an operator', views_of('op', 'captured') . sql('SET ROLE op; SELECT h::text FROM group_api.health() h'));
is_clean('the views, to a monitor', views_of('mon') . sql('SET ROLE mon; SELECT h::text FROM group_api.health() h'));
is(views_of('app'), '', 'a caller reads no view');
is_clean('answers and errors', join "\n", map { $_ // '' } @said);
is_clean("the couriers' command lines and environments", join "\n", @processes);
is_clean('the settings', sql('SELECT s::text FROM pg_settings s') . sql('SELECT s::text FROM pg_file_settings s') . sql('SELECT s::text FROM pg_db_role_setting s'));
is_clean('the definitions of the servers', sql('SELECT s::text FROM pg_foreign_server s') . sql('SET ROLE op; SELECT m::text FROM pg_user_mappings m')
	. sql('SET ROLE op; SELECT m::text FROM information_schema.user_mapping_options m'));
is_clean('the tables', join "\n", map { sql("SELECT t::text FROM group_api_private.$_ t") } grep { !/^(?:captured|link_secret)$/ }
	split /\n/, sql("SELECT tablename FROM pg_tables WHERE schemaname = 'group_api_private'"));

# ---- what does show, by design -----------------------------------------------------------------------------

ok(!find($mappings, 'passwords'), 'a password_file keeps the password out of the dump of user mappings');
ok(scalar find($mappings, $_), "$_ written into a user mapping are in a superuser's dump") for 'bearer tokens', 'signature secrets';
ok(scalar find(sql('SELECT umoptions FROM pg_user_mappings'), 'bearer tokens'), 'and shown to superusers');
is(sql("SET ROLE $_; SELECT count(umoptions) FROM pg_user_mappings"), '0', "but not to $_") for qw(op mon app anon);
my $captured = sql('SET ROLE op; SELECT message FROM group_api.captured');
ok(scalar find($captured, 'links'), 'captured messages hold their links');
unlike($dump, qr/^COPY group_api_private\.(?:captured|link_secret) /m, 'and are not dumped, nor is the key of the links');
sql("SELECT group_api.invitation('$link{1}')");
ok(scalar find(slurp_file($node->logfile), 'links'), 'a token that a client writes into its statement is logged with that, by log_statement');

$node->stop;
done_testing();
