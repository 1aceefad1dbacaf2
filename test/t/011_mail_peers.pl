# A real mail server that insists on TLS and a login, under a certificate
# authority of our own, and a real parser for what it receives.
use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

plan(skip_all => 'aiosmtpd not found') if system("/usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null") != 0;

my $node = new_node('main', conf => "
group_api.retry_base = 1
group_api.invitation_url = 'https://app.example/invitation/{token}'");
my $dir = PostgreSQL::Test::Utils::tempdir();

# ---- an authority, and certificates by it

sub openssl { system_log('openssl', @_) == 0 or die "openssl @_"; return; }

sub make_authority
{
	my ($name) = @_;
	openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', "/CN=$name",
		'-keyout', "$dir/$name.key", '-out', "$dir/$name.pem");
	return "$dir/$name.pem";
}

sub make_server_certificate
{
	my ($name, $authority, $names) = @_;
	openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=relay', '-keyout', "$dir/$name.key", '-out', "$dir/$name.csr");
	append_to_file("$dir/$name.ext", "subjectAltName=$names\n");
	openssl('x509', '-req', '-in', "$dir/$name.csr", '-CA', $authority, '-CAkey', $authority =~ s/pem$/key/r,
		'-CAcreateserial', '-days', '2', '-extfile', "$dir/$name.ext", '-out', "$dir/$name.pem");
	return ("$dir/$name.pem", "$dir/$name.key");
}

my $authority = make_authority('ours');
my $stranger = make_authority('theirs');
my @good = make_server_certificate('good', $authority, 'IP:127.0.0.1,DNS:localhost');
my @misnamed = make_server_certificate('misnamed', $authority, 'DNS:other.example');

my $servers = 0;

sub start_relay
{
	my ($mode, @certificate) = @_;
	my $number = ++$servers;
	my ($log, $port_file) = ("$dir/relay.$number.log", "$dir/relay.$number.port");
	my $child = start_program('tls_mail_server', '/usr/bin/python3', "$FindBin::RealBin/lib/tls_mail_server.py",
		$log, $port_file, @certificate, $mode);

	my $port = GroupApiTest::await_port($port_file, $child);
	my $scheme = $mode eq 'always' ? 'smtps' : 'smtp';
	return { pid => $child, log => $log, smtp => "$scheme://127.0.0.1:$port" };
}

sub add_relay
{
	my ($relay, %options) = @_;
	my $secret = delete $options{secret} // "password 'right word'";

	$node->safe_psql('postgres', 'DROP SERVER IF EXISTS mail CASCADE');
	add_mail($node, $relay->{smtp}, tls => 'required', ca_file => $authority, %options);
	$node->safe_psql('postgres', "CREATE USER MAPPING FOR PUBLIC SERVER mail OPTIONS (username 'choir', $secret)");
	return;
}

# In one look: a provider that has just been made is paused for its missing password first, then tried again.
sub paused_because
{
	my ($pattern, $what) = @_;
	my $reason;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll_until(sub {
		$reason = $node->safe_psql('postgres', q{SELECT reason FROM group_api.providers WHERE state = 'paused'});
		return $reason =~ $pattern;
	}, "$what: the provider is paused, and the reason told", 20) || diag("the last reason: $reason");
}

# What Python's own parser makes of a message.
sub parsed
{
	my ($data) = @_;
	my $program = 'import email, email.policy, email.utils, json, sys
m = email.message_from_string(json.load(sys.stdin), policy=email.policy.SMTP)
b = lambda k: (lambda p: p.get_content() if p else "")(m.get_body((k,)))
d = [repr(x) for p in m.walk() for x in p.defects]
d += [repr(x) for h in m.values() for x in getattr(h, "defects", ())]
t = m["to"].addresses[0]
f = m["from"].addresses[0]
print(json.dumps({"headers": {k.lower(): str(v) for k, v in m.items()}, "names": [k.lower() for k in m.keys()],
 "to": [t.display_name, t.addr_spec], "from": [f.display_name, f.addr_spec],
 "age": abs(__import__("time").time() - m["date"].datetime.timestamp()),
 "types": [p.get_content_type() for p in m.walk()],
 "text": b("plain"), "html": b("html"), "defects": d}))';
	my $file = "$dir/message.json";
	open(my $out, '>', $file) or die "$file: $!";
	print $out JSON::PP->new->utf8->allow_nonref->encode($data);
	close $out;
	return from_json(scalar qx(PYTHONUTF8=1 /usr/bin/python3 -c '$program' < '$file'));
}

# ---- STARTTLS and AUTH under our own authority

my $relay = start_relay('starttls', @good);
add_relay($relay);
my $group = $node->safe_psql('postgres', "SELECT group_api.create_group(" . group_body({
	name => 'Frédéric’s "Chœur" <光>', description => 'x',
	message => ".a dot begins this line\nFrom here\n\n" . ('long ' x 60) . "\n<script>alert(1)</script> & more",
	members => [ { nickName => 'Zoë "Z" O’Hara, Jr.', contact => { type => 'EMAIL', value => 'later.zoe@example.com' } } ] }) . ')');
all_are($node, 'sent', 'a relay that demands TLS and a login takes the message');
my @messages = read_log($relay, 'message');
is(scalar(@messages), 2, 'at the second try');
is(scalar(grep { $_->{tls} } @messages), 2, 'each over TLS');
is(scalar(grep { $_->{event} eq 'auth' && !$_->{ok} } read_log($relay)), 0, 'logged in with the right password');
is($messages[0]{sender}, 'choir@example.com', 'from the address configured');
is_deeply($messages[0]{recipients}, ['later.zoe@example.com'], 'to the person invited alone');
my ($first, $second) = map { parsed($_->{data}) } @messages;
is($first->{headers}{'message-id'}, $second->{headers}{'message-id'}, 'both tries bear the same Message-ID');
is($first->{text}, $second->{text}, 'the same text');
is_deeply($second->{defects}, [], "Python's parser finds no defect");
is_deeply([ sort keys %{ { map { $_ => 1 } @{ $second->{names} } } } ], [ sort @{ $second->{names} } ], 'no header occurs twice');
is_deeply($second->{from}, [ 'Choir', 'choir@example.com' ], 'From is the sender configured');
is_deeply($second->{to}, [ 'Zoë "Z" O’Hara, Jr.', 'later.zoe@example.com' ], 'To has the name in full, quotes, comma and all');
like($second->{headers}{subject}, qr/Frédéric’s "Chœur" <光>/, 'the subject has the name of the group beyond ASCII');
at_most($second->{age}, 60, 'Date is now');
like($second->{headers}{'message-id'}, qr/^<[^@\s]+\@example\.com>$/, 'Message-ID is of the domain of the sender');
is($second->{headers}{'auto-submitted'}, 'auto-generated', 'it says that no person wrote it (RFC 3834)');
is_deeply($second->{types}, [ 'multipart/alternative', 'text/plain', 'text/html' ], 'it is text and HTML, the better one last');
like($second->{text}, qr/^\.a dot begins this line\r?$/m, 'a line that begins with a dot survives');
like($second->{text}, qr/^From here\r?$/m, 'so does one that begins with From');
like($second->{text}, qr/(?:long ){60}/, 'and a long one');
my ($link) = $second->{text} =~ m{(https://app\.example/invitation/\S+)};
ok($link, 'the text has the link');
ok(index($second->{html}, "\"$link\"") > 0, 'the HTML has the same');
like($second->{html}, qr/&lt;script&gt;/, 'what a caller wrote is no HTML');
unlike($second->{html}, qr/<script/, 'none of it');
my ($token) = $link =~ m{([^/]+)$};
like($node->safe_psql('postgres', "SELECT group_api.invitation('$token')"), qr/later\.zoe|Zo/, 'the link leads to the invitation');
cmp_ok((sort { $b <=> $a } map { length } split /\r\n/, $messages[1]{data})[0], '<=', 998, 'no line is longer than SMTP allows');

# ---- TLS from the first byte

my $smtps = start_relay('always', @good);
append_to_file("$dir/password", "right word\n");
chmod 0600, "$dir/password";
add_relay($smtps, secret => "password_file '$dir/password'");
invite($node, 'smtps@example.com');
poll_until(sub { delivery_of($node, 'smtps@example.com')->{delivery} eq 'sent' }, 'smtps:// and a password from a file work');

# ---- what must not happen

add_relay($relay, secret => "password 'wrong word'");
invite($node, 'wrong@example.com');
paused_because(qr/535/, 'with a wrong password');
my $logins = read_log($relay, 'auth');
add_relay($relay, ca_file => $stranger);
paused_because(qr/certificate/i, 'under an authority we do not trust');
is(scalar(read_log($relay, 'auth')), $logins, 'no password was told to a stranger');
my $misnamed = start_relay('starttls', @misnamed);
add_relay($misnamed);
paused_because(qr/certificate|subject/i, 'with a certificate for another name');
is(scalar(read_log($misnamed)), 0, 'it was told nothing');
my $clear = start_relay('never', @good);
add_relay($clear);
paused_because(qr/TLS|SSL|STARTTLS/i, 'at a relay without TLS');
is(scalar(read_log($clear)), 0, 'nothing was sent in the clear');
add_relay($relay, ca_file => "$dir/no-such-file");
paused_because(qr/no-such-file|CA|certificate/i, 'with a file of authorities that is not there');
chmod 0644, "$dir/password";
add_relay($relay, secret => "password_file '$dir/password'");
paused_because(qr/password_file|readable|permission|0600/i, 'with a password file that others may read');
chmod 0600, "$dir/password";
$node->safe_psql('postgres', "SELECT group_api.resume('mail')");
all_are($node, 'sent', 'when the file is put right, resume() sends what waited');
is(scalar(grep { $_->{recipients}[0] eq 'wrong@example.com' } map { read_log($_, 'message') } $relay, $smtps, $misnamed, $clear), 1,
	'after all that, once');
my $log = slurp_file($node->logfile) =~ s/^.*(?:LOG:  statement|STATEMENT): .*$//mgr;
unlike($log, qr/(?:right|wrong) word/, "no password is in the server's log");

$node->stop;
done_testing();
