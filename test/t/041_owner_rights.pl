# A provider reads files and the private network of the server only while the
# server's owner has the right to: whoever may say where messages go must not have
# another's file sent there, nor the server ask its own machine.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', conf => "group_api.retry_base = 1\ngroup_api.resend_cooldown = 0");
my $sink = start_script_server(http => {});
my $mine = start_script_server(http => {});
my $file = PostgreSQL::Test::Utils::tempdir() . '/password';

append_to_file($file, "canary-of-the-file\n");
chmod 0600, $file;
$node->safe_psql('postgres', "CREATE ROLE $_ LOGIN; SELECT group_api.grant_access('$_', 'operator')") for 'op', 'reader';
$node->safe_psql('postgres', 'GRANT pg_read_server_files TO reader');

# As somebody else; what psql said, errors too.
sub as
{
	my ($role, $sql) = @_;
	my ($out, $error);

	$node->psql('postgres', $sql, extra_params => [ '-U', $role ], stdout => \$out, stderr => \$error);
	return "$out$error";
}

sub try_provider
{
	my ($role, $server) = @_;
	return from_json(as($role, "SELECT group_api.test_provider('$server', '+27821234567')"));
}

sub requests { return scalar read_log($_[0], 'request'); }

# ---- private addresses

my $create = 'CREATE SERVER %s FOREIGN DATA WRAPPER group_api_http OPTIONS (channel \'MOBILE\', url \'%s\'%s)';
my $port = $sink->{http_port};
like(as('op', sprintf $create, 'inside', "http://$_/x", ''),
	qr/permission denied to name a private address in option "url"/, "an operator cannot name $_")
  for "127.0.0.1:$port", "2130706433:$port", "0x7f000001:$port", "0177.0.0.1:$port", "127.1:$port", "localhost:$port",
  "LocalHost.:$port", "a.localhost:$port", "127.0.0.1.:$port", "[::1]:$port", "[::ffff:127.0.0.1]:$port",
  "[64:ff9b::10.0.0.1]", "[2002:a00:1::]", '[fe80::1%25lo]', '10.0.0.1', '192.168.1.1', '169.254.0.1', '0', '[fd00::1]';
like(as('op', sprintf $create, 'inside', "http://127.0.0.1:$port", ", allow_private 'true'"),
	qr/permission denied to set option "allow_private"/, 'nor allow it');
is(as('op', sprintf $create, 'plain', 'https://gateway.example/', ", allow_private 'false'"), '', 'what forbids it is no right');
like(as('op', "ALTER SERVER plain OPTIONS (SET url 'http://127.0.0.1:$port')"), qr/permission denied/, 'nor alter a URL to one');
like(as('op', "ALTER SERVER plain OPTIONS (ADD base_url 'http://127.0.0.1:$port')"), qr/permission denied/, 'nor the base of it');
for my $host ('169.254.169.254', '0xa9fea9fe', '[::ffff:169.254.169.254]', '[fd00:ec2::254]', '169.254.170.2', '100.100.100.200')
{
	my ($status, $out, $error) = $node->psql('postgres', sprintf $create, 'cloud', "http://$host/", ", allow_private 'true'");
	like($error, qr/must not name a cloud's metadata service/, "nobody names $host");
}

# A name, or a form that the check at CREATE SERVER does not know, is told at its address.
as('op', sprintf $create, 'spelt', "http://%31%32%37.0.0.1:$port/", '');
is(try_provider('op', 'spelt')->{code}, 'private address', 'an address in other letters is found out when it is used');
$node->safe_psql('postgres', "SET ROLE op; DROP SERVER spelt");

# What a superuser wrote is meant, until the server is somebody else's.
add_sms($node, $sink->{http}, name => 'lent');
is(try_provider('op', 'lent')->{outcome}, 'accepted', "a superuser's address is taken as meant");
my $before = requests($sink);
$node->safe_psql('postgres', 'ALTER SERVER lent OWNER TO op');
my $refused = try_provider('op', 'lent');
is("$refused->{outcome} $refused->{code}", 'misconfigured private address', 'not when an operator owns the server');
like($refused->{hint}, qr/ALTER SERVER lent OPTIONS \(ADD allow_private 'true'\)/, 'who hears what helps');
$node->safe_psql('postgres', "ALTER SERVER lent OPTIONS (ADD allow_private 'true')");
$refused = try_provider('op', 'lent');
like($refused->{detail}, qr/option allow_private is not used, since the server's owner "op"/, 'nor with the option of a superuser');
like($refused->{hint}, qr/GRANT pg_read_server_files/, 'who hears what helps');
is(requests($sink), $before, 'and nothing was asked');
$node->safe_psql('postgres', 'ALTER SERVER lent OWNER TO reader');
is(try_provider('op', 'lent')->{outcome}, 'accepted', 'somebody with the right may own it');

# ---- a file

$node->safe_psql('postgres', 'DROP SERVER lent; ALTER SERVER plain OPTIONS (SET allow_private \'true\')');
$node->safe_psql('postgres', "DROP SERVER plain");
as('reader', sprintf $create, 'keyed', $sink->{http}, ", allow_private 'true'");
as('reader', "CREATE USER MAPPING FOR PUBLIC SERVER keyed OPTIONS (username 'u', password_file '$file')");
is(try_provider('reader', 'keyed')->{outcome}, 'accepted', 'with the right, a file is used');
like(as('op', "ALTER SERVER keyed OPTIONS (SET url '$mine->{http}')"), qr/must be owner/, 'only the owner says where it goes');

sub delivered
{
	my ($number, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	invite($node, sa_number($number));
	return poll_until(sub { delivery_of($node, sa_number($number))->{delivery} eq 'sent' }, $what, 15);
}

# The provider's pause, by what it says.
sub paused
{
	my ($what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll_until(sub {
		$node->safe_psql('postgres', "SELECT reason FROM group_api.providers WHERE server = 'keyed' AND state = 'paused'") =~ /password_file is not used|allow_private is not used/;
	}, $what, 15);
}

delivered(1, 'and messages leave');
$node->safe_psql('postgres', 'REVOKE pg_read_server_files FROM reader');
my $sent = requests($sink);
invite($node, sa_number(2));
paused('the dispatcher hears at once that the right is gone');
is(requests($sink), $sent, 'and sends nothing more');
is($node->safe_psql('postgres', "SELECT ok FROM group_api.health() WHERE \"check\" = 'provider for MOBILE'"), 'f', 'health() tells');
$node->safe_psql('postgres', 'GRANT pg_read_server_files TO reader');
poll_until(sub { delivery_of($node, sa_number(2))->{delivery} eq 'sent' }, 'with the right again, it goes on by itself', 15);

# To whom the server is given, the file is not.
$node->safe_psql('postgres', 'ALTER SERVER keyed OPTIONS (DROP allow_private); ALTER SERVER keyed OWNER TO op');
as('op', "ALTER SERVER keyed OPTIONS (SET url 'http://gateway.example/')");
my $lost = try_provider('op', 'keyed');
like($lost->{detail}, qr/option password_file is not used, since the server's owner "op"/, 'a new owner does not get the file');
is(requests($mine), 0, 'which went nowhere');
unlike(as('op', "SELECT group_api.test_provider('keyed', '+27821234567')"), qr/canary/, 'nor is it told');

# A mapping that a superuser writes for an operator's server is the operator's.
$node->safe_psql('postgres', 'DROP SERVER keyed CASCADE');
as('op', sprintf $create, 'keyed', 'https://gateway.example', '');
$node->safe_psql('postgres', "CREATE USER MAPPING FOR op SERVER keyed OPTIONS (username 'u', password_file '$file')");
like(try_provider('op', 'keyed')->{detail}, qr/password_file is not used/, 'nor through a mapping of his own');

# ---- receipts are signed with it

$node->safe_psql('postgres', "CREATE SERVER signed FOREIGN DATA WRAPPER group_api_twilio OPTIONS (account_sid 'AC" . '0' x 32
	. "', sender '+15005550006', callback_url 'https://hooks.example.com/r'); CREATE USER MAPPING FOR PUBLIC SERVER signed OPTIONS (password_file '$file');
	ALTER SERVER signed OWNER TO op");
my $offset = -s $node->logfile;
$node->safe_psql('postgres', join ';', ("SELECT group_api.receive_receipt('signed', 'MessageSid=1', '{\"x-twilio-signature\":\"x\"}', 'server=signed')") x 5);
my $said = () = substr(slurp_file($node->logfile), $offset) =~ /password_file of provider "signed" cannot be used/g;
is($said, 1, 'a file that cannot be used is told once, however often strangers call');

# Nor does each reload tell it again.
$node->safe_psql("postgres", "SELECT group_api.pause('keyed'), group_api.resume('keyed')") for 1 .. 3;
$node->reload;
$said = () = slurp_file($node->logfile) =~ /provider "signed" cannot be used: option password_file/g;
is($said, 1, "the courier tells of a fault once as long as it is the same");

done_testing();
