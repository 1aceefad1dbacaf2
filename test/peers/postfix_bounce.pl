# A real Postfix finds out too late that a mailbox does not exist: its bounce comes
# back, by the way docs/bounces.md describes, and becomes the member's delivery.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/../t/lib";
use GroupApiTest;
use Invitations;
use MIME::Base64 ();
use PostgreSQL::Test::Utils;
use Test::More;

my $contact = 'gone@dead.example';
my $node = new_node('main', conf => "log_statement = all");
my $directory = PostgreSQL::Test::Utils::tempdir();

# The script of the document, as it stands there. Two bounces come back, test_provider()'s
# and the invitation's, perhaps at once: each is kept whole in a file of its own.
sub documented_script
{
	my ($script) = slurp_file(project_root() . '/docs/bounces.md') =~ /^```sh\n(#!.*?)^```$/ms;

	append_to_file("$directory/group_api_bounce", $script);
	append_to_file("$directory/keep_and_hand_over",
		"#!/bin/sh\nmail=\$(mktemp '$directory/mail.XXXXXX') && cat >\"\$mail\" &&\n"
		  . "'$directory/group_api_bounce' \"\$1\" <\"\$mail\"\n");
	chmod 0755, "$directory/group_api_bounce", "$directory/keep_and_hand_over";
	return "$directory/keep_and_hand_over";
}

sub ingest
{
	my ($mail) = @_;
	return from_json($node->safe_psql('postgres',
		"SELECT group_api.ingest_bounce('\\x" . unpack('H*', $mail) . "')"));
}

$node->safe_psql('postgres', "CREATE ROLE group_api_mailer LOGIN;
	SELECT group_api.grant_access('group_api_mailer', 'mailer')");
my $next_hop = start_smtp_sink('-f', 'RCPT', '-B', '550 5.1.1 no such user here')
  or plan skip_all => 'skipped: Postfix not found';
my $postfix = start_postfix(relay => $next_hop->{port}, domain => 'bounces.example',
	command => [ documented_script(), $node->connstr('postgres') . ' user=group_api_mailer' ])
  or plan skip_all => 'skipped: fakeroot not found';
add_mail($node, $postfix->{smtp}, bounce_address => 'b@bounces.example');

my $tried = from_json($node->safe_psql('postgres', "SELECT group_api.test_provider('mail', '$contact')"));
is($tried->{outcome}, 'accepted', 'test_provider() sends a mail through Postfix');
like($tried->{detail}, qr/queued as/, "and tells Postfix' own words");

my $group = invite($node, $contact);
poll_until(sub { delivery_of($node, $contact)->{delivery} eq 'failed' }, 'the delivery fails when the bounce is back')
  or diag(slurp_file($postfix->{log}));
is(delivery_of($node, $contact)->{reason},
	'the mailbox does not exist (5.1.1: 550 5.1.1 no such user here)', 'with a reason for people');
is(member_of($node, $group)->{delivery}{status}, 'failed', "the group's leader sees it");

# The bounce it was: an address with a token, and the envelope's id.
my $to_the_message = qr/^X-Original-To: b\+([A-Za-z0-9_-]+)\@bounces\.example$/m;
my ($mail) = grep { /$to_the_message/ } map { slurp_file($_) } glob("$directory/mail.*");
my ($token) = $mail =~ $to_the_message;
ok($token, "the bounce came to the message's own address");
like($mail, qr/^Original-Envelope-Id: \Q$token\E>?$/m, 'Postfix gives the envelope id back');
(my $without_address = $mail) =~ s/b\+\Q$token\E\@/b@/g;
is(ingest($mail)->{result}, 'replayed', 'the same mail again changes nothing');
my $answer = ingest($without_address);
is_deeply([ @$answer{qw(result group member status)} ], [ 'known', $group, 2, '5.1.1' ],
	'the envelope id alone proves it as well');
(my $without_token = $without_address) =~ s/\Q$token\E/none/g;
is(ingest($without_token)->{result}, 'unknown', 'without a token nothing is proved');
$node->safe_psql('postgres', 'ALTER SYSTEM SET group_api.bounce_trust_message_id = on');
$node->reload;
poll_until(sub { ingest($without_token)->{result} eq 'known' }, 'unless the Message-ID is trusted');
(my $forged = $mail) =~ s/\Q$token\E/reverse $token/ge;
$forged =~ s/^Message-ID: <inv-.*\n//mi;
is(ingest($forged)->{result}, 'unknown', 'a forged token proves nothing');

my $log = slurp_file($node->logfile);
my $as_handed_over = substr MIME::Base64::encode_base64($mail, ''), 0, 60;
unlike($log, qr/\Q$token\E|\Q$as_handed_over\E/, "the server's log holds no token, nor the mail");

invite($node, $contact);
poll_until(sub { delivery_of($node, $contact)->{delivery} eq 'suppressed' },
	'a second group spares the dead address');

stop_program($postfix);
$node->stop;
done_testing();
