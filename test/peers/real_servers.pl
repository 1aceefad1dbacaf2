# The messages as software that is not ours understands them: an SMTP server
# and a MIME parser of Python's world, and Twilio's own description of its API.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use GroupApiTest;

my $account = 'AC' . '0123456789abcdef' x 2;
my $node = new_node('main');

sub create_group
{
	my (%group) = @_;
	my $body = to_json({
		productId => '00000000-0000-0000-0000-000000000000',
		name => 'A group', description => 'A description',
		image => 'https://example.com/image.jpg', message => 'Come along',
		%group
	});
	$body =~ s/'/''/g;
	return from_json($node->safe_psql('postgres',
		"SELECT group_api.create_group('$body'::jsonb)"));
}

sub member
{
	my ($name, $type, $value) = @_;
	return { nickName => $name, contact => { type => $type, value => $value } };
}

# The fields of a form as the server decodes them.
sub form
{
	my ($body) = @_;
	my %fields;
	for my $pair (split /&/, $body)
	{
		my ($name, $value) = map { tr/+/ /; s/%(..)/chr hex $1/ger } split /=/, $pair, 2;
		$fields{$name} = $value;
	}
	return \%fields;
}

# What Python's own parser makes of a message, as JSON.
sub parsed
{
	my ($data) = @_;
	my $program = 'import email, email.policy, json, sys
m = email.message_from_string(json.load(sys.stdin), policy=email.policy.SMTP)
b = lambda k: (lambda p: p.get_content() if p else "")(m.get_body((k,)))
d = [repr(x) for p in m.walk() for x in p.defects]
print(json.dumps({"headers": {k.lower(): str(v) for k, v in m.items()},
 "text": b("plain"), "html": b("html"), "defects": d}))';
	my $file = "$PostgreSQL::Test::Utils::tmp_check/message.json";
	open(my $out, '>', $file) or die "$file: $!";
	print $out JSON::PP->new->utf8->allow_nonref->encode($data);
	close $out;
	return from_json(qx(PYTHONUTF8=1 /usr/bin/python3 -c '$program' < '$file'));
}

SKIP:
{
	my $mail = start_mail_server() or skip 'aiosmtpd not found', 6;
	$node->safe_psql('postgres', "CREATE SERVER mail FOREIGN DATA WRAPPER group_api_smtp
		OPTIONS (url '$mail->{smtp}', sender 'Groups <hello\@example.com>')");
	create_group(name => "Fr\x{e9}d\x{e9}ric\x{2019}s \x{5149}",
		message => ".a dot begins this line\nand \x{1f3b9} ends it",
		members => [ member('Barnaby G', 'EMAIL', 'barnaby@g.com') ]);
	my ($message) = poll_until(sub { (read_log($mail, 'message'))[0] },
		'aiosmtpd receives the invitation');
	is_deeply($message->{recipients}, ['barnaby@g.com'], 'for the person invited alone');
	my $parsed = parsed($message->{data});
	is_deeply($parsed->{defects}, [], "Python's parser finds no defect in it");
	like($parsed->{headers}{subject}, qr/Fr\x{e9}d\x{e9}ric\x{2019}s \x{5149}/,
		'the subject survives beyond ASCII');
	like($parsed->{text}, qr/^\.a dot begins this line/m, 'a line that begins with a dot survives');
	like($parsed->{text}, qr{https?://\S+}, 'it carries the link');
}

SKIP:
{
	my $twilio = start_prism() or skip 'Prism not found', 8;
	$node->safe_psql('postgres', "CREATE SERVER sms FOREIGN DATA WRAPPER group_api_twilio
		OPTIONS (account_sid '$account', sender '+15005550006', base_url '$twilio->{http}')");
	$node->safe_psql('postgres', "CREATE USER MAPPING FOR PUBLIC SERVER sms
		OPTIONS (username '$account', password 'no-real-account')");
	my $answer = create_group(message => "Caf\x{e9} & more + \x{1f3b9}",
		members => [ member('Stephen SA', 'MOBILE', '+27701231234') ]);
	my ($request) = poll_until(sub { (read_log($twilio, 'request'))[0] },
		'Prism receives the invitation');
	is($request->{status}, 201, "it is a request that Twilio's OpenAPI describes")
	  or diag($request->{answer});
	is($request->{path}, "/2010-04-01/Accounts/$account/Messages.json", 'for the account configured');
	like($request->{headers}{authorization}, qr/^Basic /, 'with its credentials');
	my $fields = form($request->{body});
	is($fields->{To}, '+27701231234', 'to the number invited');
	is($fields->{From}, '+15005550006', 'from the number configured');
	like($fields->{Body}, qr{https?://\S+}, 'it carries the link');
	$node->poll_query_until('postgres',
		"SELECT delivery = 'sent' FROM group_api_private.invitations WHERE channel = 'MOBILE'");
	my $group = from_json($node->safe_psql('postgres',
		"SELECT group_api.get_group('$answer->{group}{id}')"));
	is((grep { !$_->{isLeader} } @{ $group->{group}{members} })[0]{delivery}{status}, 'sent',
		"the member's delivery says so");
}

$node->stop;
done_testing();
