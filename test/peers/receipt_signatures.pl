# Signatures of receipts: what the vendors' own code signs is believed, and what
# it does not believe is refused.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use GroupApiTest;
use IPC::Run ();
use Test::More;

my $secret = 'a secret of both sides';
my $url = 'https://hooks.example.com/receipt';
my @kinds = qw(twilio vonage vonage_messages messagebird plivo resend sendgrid);

my $modules = peer('node_modules');
for my $wanted (qw(twilio messagebird plivo nexmo standardwebhooks @sendgrid/eventwebhook @vonage/jwt jsonwebtoken))
{
	plan skip_all => "$wanted not found" unless $modules && -e "$modules/$wanted";
}
plan skip_all => 'node not found' if system('node --version >/dev/null 2>&1') != 0;

my $private_key = `openssl ecparam -name prime256v1 -genkey -noout`;
my $public_key = do {
	my ($key, $pem) = ($private_key, '');
	IPC::Run::run([qw(openssl ec -pubout)], '<', \$key, '>', \$pem, '2>', \my $noise);
	join '', grep { !/---/ } split /\n/, $pem;
};

my $node = new_node('main');
for my $kind (@kinds)
{
	my ($wrapper, $option) = ("group_api_$kind", 'signature_secret');
	my $value = $kind eq 'resend' ? 'whsec_' . do { require MIME::Base64; MIME::Base64::encode_base64($secret, '') } : $secret;

	# Options a provider needs for sending are none of this test's.
	$node->psql('postgres', "CREATE FOREIGN DATA WRAPPER $wrapper");
	$node->safe_psql('postgres', "ALTER FOREIGN DATA WRAPPER $wrapper NO VALIDATOR") if $kind ne 'http';
	my $key = $kind eq 'sendgrid' ? ", verification_key '$public_key'" : '';
	$option = 'password' if $key;
	$node->safe_psql('postgres', "CREATE SERVER \"$kind of ours\" FOREIGN DATA WRAPPER $wrapper OPTIONS (callback_url '$url'$key);
		CREATE USER MAPPING FOR PUBLIC SERVER \"$kind of ours\" OPTIONS ($option '$value')");
}
my %query = map { $_ => $node->safe_psql('postgres', "SELECT split_part(group_api.receipt_url('$_ of ours'), '?', 2)") } @kinds;

my ($in, $out, $error) = (to_json(\%query), '', '');
{
	local $ENV{NODE_PATH} = $modules;
	IPC::Run::run([ 'node', "$FindBin::RealBin/receipt-signatures.js", $url, $secret, $private_key ], '<', \$in, '>', \$out, '2>', \$error, IPC::Run::timeout(5 * $GroupApiTest::PATIENCE));
}
is($error, '', "the vendors' code runs");
my @callbacks = @{ from_json($out) };
for my $kind (@kinds)
{
	cmp_ok(scalar(grep { $_->{kind} eq $kind && $_->{good} } @callbacks), '>=', 1, "$kind: some are signed rightly");
	cmp_ok(scalar(grep { $_->{kind} eq $kind && !$_->{good} } @callbacks), '>=', 1, "$kind: and some wrongly");
}

sub quote { return "'" . $_[0] =~ s/'/''/gr . "'"; }

for my $callback (@callbacks)
{
	my $body = $callback->{body};
	utf8::encode($body);
	my $said = $node->safe_psql('postgres', sprintf q{SELECT group_api.receive_receipt('%s of ours', '\x%s', %s, %s) ->> 'result'},
		$callback->{kind}, unpack('H*', $body), quote(to_json($callback->{headers})), quote($callback->{query}));
	is($said eq 'refused' ? 'refused' : 'believed', $callback->{good} ? 'believed' : 'refused', "$callback->{kind}: $callback->{what}");
}

$node->stop;
done_testing();
