# Every kind of provider, from CREATE SERVER to the provider's id in the row; and
# that no secret shows on the way.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

my $SECRET = 'correct-horse/battery';
my $node = new_node('main', conf => "
log_statement = 'none'");

# What makes each kind content, at once.
my $gateway = start_script_server(http => { rules => [ { replies => [ { status => 202,
	headers => { 'X-Message-Id' => 'M1' },
	body => { sid => 'M1', id => 'M1', message_uuid => 'M1', MessageId => 'M1' } } ] } ] });
# These look at the status alone, or at their own words, more closely.
my $strict = start_script_server(http => { rules => [ { replies => [ { status => 200,
	body => { id => '<M1@mg.example.com>', ErrorCode => 0, MessageID => 'M1', message_uuid => ['M1'],
		messages => [ { status => '0', 'message-id' => 'M1' } ] } } ] } ] });
my $xml = start_script_server(http => { rules => [ { replies => [
	'<PublishResponse><PublishResult><MessageId>M1</MessageId></PublishResult></PublishResponse>' ] } ] });

my @kinds = (
	[ twilio => $gateway, { account_sid => $Invitations::ACCOUNT, sender => '+15005550006' } ],
	[ vonage => $strict, { sender => 'Choir' }, 'key' ],
	[ vonage_messages => $gateway, { sender => 'Choir' }, 'key' ],
	[ messagebird => $gateway, { sender => 'Choir' } ],
	[ plivo => $strict, { sender => 'Choir', auth_id => 'MA0' } ],
	[ sns => $xml, { region => 'eu-west-1' }, 'AKIA0' ],
	[ kannel => $gateway, { sender => '13013' }, 'choir' ],
	[ sendgrid => $gateway, { sender => 'Choir <c@example.com>' } ],
	[ postmark => $strict, { sender => 'Choir <c@example.com>' } ],
	[ mailgun => $strict, { sender => 'Choir <c@example.com>', domain => 'mg.example.com' } ],
	[ ses => $gateway, { sender => 'Choir <c@example.com>', region => 'eu-west-1' }, 'AKIA0' ],
	[ resend => $gateway, { sender => 'Choir <c@example.com>' } ]);
my %without_id = (kannel => 1);    # it tells none
my %contact;

for my $i (0 .. $#kinds)
{
	my ($kind, $server, $options, $username) = @{ $kinds[$i] };
	my $is_mail = $options->{sender} && $options->{sender} =~ /@/;
	my $place = $kind eq 'kannel' ? 'url' : 'base_url';
	$contact{$kind} = $is_mail ? "b\@$kind.example.com" : sprintf('+277012312%02d', $i);
	Invitations::add_provider($node, 'postgres', "the_$kind", $kind, %$options,
		$place => "$server->{http}/$kind",
		prefixes => $is_mail ? "$kind.example.com" : $contact{$kind});
	$node->safe_psql('postgres', "CREATE USER MAPPING FOR PUBLIC SERVER the_$kind OPTIONS (password '$SECRET'"
		. ($username ? ", username '$username'" : '') . ')');
}
is($node->safe_psql('postgres', "SELECT string_agg(server || ' ' || channel, ', ' ORDER BY server)
	FROM group_api.providers"),
	join(', ', sort map { "the_$_ " . ($contact{$_} =~ /@/ ? 'EMAIL' : 'MOBILE') } keys %contact),
	'the view knows which channel each kind reaches');

invite($node, values %contact);
all_are($node, 'sent', 'every kind of provider sends');
for my $kind (sort keys %contact)
{
	my $delivery = delivery_of($node, $contact{$kind});
	is($delivery->{server}, "the_$kind", "$kind sends what is meant for it");
	like($delivery->{message_id} // '', $without_id{$kind} ? qr/^$/ : qr/^M1/, "the id of $kind is kept")
	  or diag(explain($delivery));
}

unlike(slurp_file($node->logfile), qr/\Q$SECRET\E|correct-horse%2F/, 'no secret is in the log');
is($node->safe_psql('postgres', "SELECT count(*) FROM group_api.attempts a WHERE a::text LIKE '%correct-horse%'"),
	'0', 'nor in the attempts');

$node->stop;
done_testing();
