# What is forged suppresses nobody: mail and links that lack our secret, or have
# that of another message.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', conf => 'group_api.resend_cooldown = 0');
my $servers = start_script_server(http => {}, smtp => {});

add_mail($node, $servers->{smtp});

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub delivery { return sql("SELECT delivery FROM group_api_private.invitations WHERE group_id = '$_[0]' AND number = 2"); }
sub suppressed { return sql('SELECT count(*) FROM group_api_private.suppressions'); }

# A report, or a complaint, about the message with this Message-ID.
sub mail_about
{
	my ($id, $type, $fields) = @_;
	return join "\n", 'From: MAILER-DAEMON@example.net', 'To: bounces@example.com', 'MIME-Version: 1.0',
	  'Content-Type: multipart/report; boundary=b', '', '--b', "Content-Type: message/$type", '', @$fields, '',
	  '--b', 'Content-Type: text/rfc822-headers', '', "Message-ID: <$id>", '', '--b--', '';
}

sub report
{
	my ($id, $action, $status) = @_;
	return mail_about($id, 'delivery-status', [ 'Reporting-MTA: dns; example.net', '',
		'Final-Recipient: rfc822; somebody@example.com', "Action: $action", "Status: $status" ]);
}

sub ingest
{
	my ($mail) = @_;
	return from_json(sql("SELECT group_api.ingest_bounce(decode('" . unpack('H*', $mail) . "', 'hex'))"))->{result};
}

# ---- by the Message-ID

my @groups = map { invite($node, mail_address($_)) } 1 .. 4;
all_are($node, 'sent', 'four messages leave');
my @ids = map { 'inv-' . s/-//gr . '.2.1@example.com' } @groups;

is(ingest(report($ids[0], 'failed', '5.1.1')), 'unknown', 'a bounce that only names a Message-ID is about nothing');
is(ingest(mail_about($ids[0], 'feedback-report', [ 'Feedback-Type: abuse', 'Version: 1' ])), 'unknown', 'nor is a complaint');
is(delivery($groups[0]), 'sent', 'the delivery stays as it was');
is(suppressed(), 0, 'and nobody is suppressed');

sql('ALTER SYSTEM SET group_api.bounce_trust_message_id = on');
$node->reload;
poll_until(sub { ingest(report($ids[0], 'failed', '5.1.1')) eq 'moved' }, 'once it is trusted it moves its delivery');
is(delivery($groups[0]), 'failed', 'which has failed');
is(ingest(report($ids[1], 'delivered', '2.0.0')), 'moved', 'or has arrived');
is(ingest(mail_about($ids[2], 'feedback-report', [ 'Feedback-Type: abuse', 'Version: 1' ])), 'known', 'a complaint is noted');
is(ingest(mail_about($ids[3], 'feedback-report', [ 'Feedback-Type: opt-out', 'Version: 1' ])), 'known', 'so is a wish for no more');
is(suppressed(), 0, 'but nobody is suppressed');
is(sql("SELECT delivery FROM group_api_private.invitations WHERE group_id = '" . invite($node, mail_address(1)) . "' AND number = 2") ne 'suppressed',
	1, 'others can still write to them');

# ---- by a link whose message went to another address

my $zoe = q(SET request.jwt.claims = '{"sub": "zoe"}'; );
my $user = sql("SELECT group_api.put_user('ann', real_name => 'Ann', email => 'old\@example.com')");
my $number = sql("$zoe SELECT group_api_v2.create_group('{\"name\": \"Chess\", \"invite_users\": [$user]}') ->> 'id'");
poll_until(sub { sql("SELECT delivery FROM group_api.deliveries WHERE contact = 'old\@example.com'") eq 'sent' }, 'a user is written to');
sql("SELECT group_api.put_user('ann', email => 'new\@example.com')");
sql("$zoe SELECT group_api_v2.withdraw_invitations($number, '{$user}')");
sql("$zoe SELECT group_api_v2.invite_users($number, '{$user}')");
poll_until(sub { sql("SELECT delivery FROM group_api.deliveries WHERE contact = 'new\@example.com'") eq 'sent' }, 'then at the new address');
is(sql("SELECT link_version || ' ' || contact_since FROM group_api_private.invitations WHERE contact = 'new\@example.com'"), '2 2',
	'which counts from the second link on');
sql("$zoe SELECT group_api_v2.withdraw_invitations($number, '{$user}')");
sql("$zoe SELECT group_api_v2.invite_users($number, '{$user}')");
is(sql("SELECT link_version || ' ' || contact_since FROM group_api_private.invitations WHERE contact = 'new\@example.com'"), '3 2',
	'and goes on counting');

# The token to unsubscribe, made from its description.
sub unsubscribe_token
{
	my ($version) = @_;
	return sql("SELECT rtrim(translate(encode(data || substr(hmac('u'::bytea || data, secret, 'sha256'), 1, 16), 'base64'), '+/', '-_'), '=')
		FROM group_api_private.link_secret, (SELECT set_byte('\\x000000', 0, $number) AS n) AS n,
		LATERAL (SELECT set_byte(set_byte(n, 1, 2), 2, $version) AS data) AS d");
}

sql('CREATE EXTENSION pgcrypto');
for ([ 1, 0, 'the old address cannot unsubscribe the new one' ], [ 2, 1, 'an older link to the same address can' ])
{
	my ($version, $count, $what) = @$_;
	like(sql("SELECT group_api.unsubscribe('" . unsubscribe_token($version) . "')"), qr/<html/, "a link of version $version has its page");
	is(suppressed(), $count, $what);
}

stop_program($servers);
$node->stop;
done_testing();
