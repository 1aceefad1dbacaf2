# A valid but disconnected phone number: its SMS leaves through a real Kannel to a
# carrier, and some time later the carrier's receipt comes back the whole way, through
# nginx as docs/http/nginx.conf has it, and makes the delivery failed.
use strict;
use warnings;
use utf8;

use FindBin;
use lib map { "$FindBin::RealBin/$_" } qw(../lib ../t/lib ../http/lib lib);
use Gateway;
use GroupApiTest;
use HTTP::Tiny;
use Invitations;
use Kannel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $PASSWORD = 'kannel-s3cret&%';
my $SERVER = 'Kannel 1&2';

my %number = map { $_->[0] => sa_number($_->[1]) } [ disconnected => 1 ], [ good => 2 ], [ rejected => 3 ],
  [ invalid => 4 ], [ late => 5 ], [ gsm => 11 ], [ unicode => 12 ];

sub section_of
{
	my ($document, $pattern) = @_;
	my ($section) = slurp_file(project_root() . "/docs/$document") =~ $pattern;
	return $section // die "docs/$document has no such part";
}

sub documented_kannel
{
	my ($carrier) = @_;
	my $configuration = section_of('providers.md', qr/^```\n(group = smsbox\n.*?)^```\n/ms);

	$configuration =~ s/^password = .*$/password = $PASSWORD/m or die 'no password';
	return start_kannel($carrier, $configuration);
}

my $carrier = start_carrier({
	map { $number{ $_->[0] } =~ s/^\+//r => $_->[1] }
	  [ disconnected => { stat => 'UNDELIV', err => '001' } ],
	[ rejected => { stat => 'REJECTD', err => '069' } ],
	[ invalid => { status => 11 } ], [ unicode => { stat => 'EXPIRED' } ] })
  or plan skip_all => 'skipped: npm package smpp not found';
plan skip_all => 'skipped: Kannel not found' unless peer('kannel/usr/sbin/smsbox');
plan skip_all => 'skipped: nginx not found' unless peer('nginx/usr/sbin/nginx');
plan skip_all => 'skipped: npm package pg not found' unless node_modules();

my $kannel = documented_kannel($carrier);
# What creates the provider says the password; everything after that is looked at.
my $node = new_api_node('main', conf => 'log_statement = none');
my $gateway = (gateways($node))[-1];    # PostgREST itself where it is at hand
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $front = front_of($gateway, port => $port);

poll_until(sub { read_log($carrier, 'bind') }, 'Kannel is bound to the carrier');
$node->safe_psql('postgres', qq{DROP SERVER sms;
	CREATE SERVER "$SERVER" FOREIGN DATA WRAPPER group_api_kannel
		OPTIONS (url '$kannel->{url}', sender '13013', callback_url '$front->{url}/receipt?via=a%20b');
	CREATE USER MAPPING FOR PUBLIC SERVER "$SERVER" OPTIONS (username 'groups', password '$PASSWORD')});
$node->safe_psql('postgres', "ALTER SYSTEM SET log_statement = 'all'; ALTER SYSTEM SET log_min_messages = 'debug2'");
$node->reload;

# {status, reason, ...} of a group's only invited member, as get_group() shows it
sub shown { return member_of($node, $_[0])->{delivery}; }

# When the carrier sent its receipt on the message to CONTACT.
sub receipt_sent_at
{
	my ($contact) = @_;
	my ($receipt) = grep { "+$_->{to}" eq $contact } read_log($carrier, 'receipt');
	return $receipt->{at};
}

sub refused_count
{
	return $node->safe_psql('postgres', "SELECT coalesce(sum(receipts), 0) FROM group_api.receipt_counts WHERE result = 'refused'");
}

# ---- a disconnected number, and its neighbours

my %group = map { $_ => invite($node, $number{$_}) } qw(disconnected good rejected);
for my $who (sort keys %group)
{
	poll_until(sub { shown($group{$who})->{status} eq 'sent' && texts_to($carrier, $number{$who}) },
		"the message to the $who number is sent, and the carrier has it");
}
poll_until(sub { $node->safe_psql('postgres', "SELECT count(*) FROM group_api.receipts WHERE status = 'sent' AND message_id LIKE 'c%'") eq '3' },
	'Kannel reports that the carrier took them');
is(shown($group{disconnected})->{status}, 'sent', 'so far no difference is known');

send_receipts($carrier);
poll_until(sub { shown($group{disconnected})->{status} eq 'failed' }, 'the disconnected number fails once the receipt comes');
my $took = time - receipt_sent_at($number{disconnected});
at_most($took, 2, 'within two seconds');
my $arrived = $node->safe_psql('postgres', "SELECT extract(epoch FROM r.received_at) FROM group_api.receipts r
	WHERE r.group_id = '$group{disconnected}' AND r.status = 'failed'");
diag(sprintf 'from the carrier\'s receipt to the database %.0f ms, to "failed" in get_group() %.0f ms',
	1000 * ($arrived - receipt_sent_at($number{disconnected})), 1000 * $took);
is(shown($group{disconnected})->{reason}, 'the carrier could not deliver the message (stat:UNDELIV err:001)', 'with a reason for people');
poll_until(sub { shown($group{good})->{status} eq 'delivered' }, 'the good number is delivered');
poll_until(sub { shown($group{rejected})->{status} eq 'failed' }, 'the rejected message fails');
is(shown($group{rejected})->{reason}, 'the carrier refused the message (stat:REJECTD err:069)', 'with the reason');
like($node->safe_psql('postgres', "SELECT convert_from(raw, 'UTF8') FROM group_api_private.receipts WHERE group_id = '$group{good}' AND status = 'delivered'"),
	qr/(?:^|&)via=a%20b&server=Kannel%201%262&status=1&id=c\d+&answer=id/, 'the address came back as it was given, for all its per cent signs');

my $invalid = invite($node, $number{invalid});
poll_until(sub { shown($invalid)->{status} eq 'failed' }, 'what the carrier does not even take fails too');
is(shown($invalid)->{reason}, 'the number is not valid (Invalid Destination Address)', 'with the words of SMPP');

# ---- what arrives on the handset

# The link's token is secret, its stand-in in a preview as long.
sub without_token { return $_[0] =~ s{token=\K[\w-]+}{'*' x length $&}er; }

sub check_words
{
	my ($who, $fields, $coding) = @_;
	my $group = invite($node, $fields, $number{$who});
	my (@message, $text);

	poll_until(sub { @message = texts_to($carrier, $number{$who}) }, "$who: the carrier has all parts");
	($text, @message) = @message;
	my $preview = from_json($node->safe_psql('postgres', "SELECT group_api.preview_invitation('$group')"))->{preview}{messages}[0];
	is(without_token($text), without_token($preview->{text}), "$who: the handset shows the words as they were written");
	cmp_ok(scalar @message, '>', 1, 'in several parts');
	is(scalar @message, $preview->{segments}, 'as many as were counted');
	is($message[0]{coding}, $coding, 'in the encoding they need');
	my ($token) = $text =~ m{token=([\w-]+)$};
	is(from_json($node->safe_psql('postgres', "SELECT group_api.invitation('$token')"))->{invitation}{status}, 'pending', 'its link is whole');
	return $group;
}

$node->safe_psql('postgres', q{SELECT group_api.put_template('MOBILE', 'en', '{message} {link}')});
check_words('gsm', { message => 'Grüße [für] {alle} für 5 € & 100% ^_^ ~|\\ ' . 'von Ærø bis Ñuñoa ' x 8 }, 0);
my $unicode = check_words('unicode', { message => 'Приходите – 会 😀 “ça”' }, 8);
send_receipts($carrier);
poll_until(sub { shown($unicode)->{status} eq 'failed' }, 'a receipt with raw bytes of the message is read');
is(shown($unicode)->{reason}, 'the handset could not be reached in time (stat:EXPIRED err:000)', 'without those bytes');

# ---- who is believed

my $token = $node->safe_psql('postgres', qq{SELECT split_part(group_api.receipt_url('$SERVER'), 'receipt=', 2)});
my $before = refused_count();
my $query = "via=a%20b&server=Kannel%201%262&status=2&id=c1&answer=x";
is(HTTP::Tiny->new->get("$front->{url}/receipt?$query&receipt=" . reverse $token)->{status}, 403, 'a forged token is refused');
is(HTTP::Tiny->new->get("$front->{url}/receipt?" . $query =~ s/Kannel/Konnel/r . "&receipt=$token")->{status}, 403, 'as is an unknown server');
is(HTTP::Tiny->new->get("$front->{url}/receipt?$query")->{status}, 403, 'and none at all');
is(refused_count(), $before + 3, 'all are counted');
my $sent = HTTP::Tiny->new->get("$kannel->{url}?" . form_encoded(username => 'groups', password => $PASSWORD, from => '1',
	to => $number{good}, text => 'x', 'dlr-mask' => 31, 'dlr-url' => "$front->{url}/receipt?server=Kannel%%201%%262&receipt=forged&status=%d"));
is($sent->{status}, 202, 'another user of the same Kannel');
poll_until(sub { refused_count() > $before + 3 }, 'is refused through Kannel too');
is(shown($group{good})->{status}, 'delivered', 'and nothing has moved');

# ---- while nobody listens

my $late = invite($node, $number{late});
poll_until(sub { shown($late)->{status} eq 'sent' && texts_to($carrier, $number{late}) }, 'a message is sent');
stop_program($front);
send_receipts($carrier);
poll_until(sub { receipt_sent_at($number{late}) }, 'its receipt comes while nginx is down');
$front = front_of($gateway, port => $port);
poll_until(sub { shown($late)->{status} eq 'delivered' }, 'Kannel brings it again, as the document configures it');

# ---- a person who answers

my $person = start_carrier({ '27820000031' => { says => 'ARRÊT', coding => 8 }, '27820000032' => { says => 'STOP' },
	'27820000033' => { says => 'STOP 🛑', coding => 8 }, '27820000034' => { says => 'nonstop', coding => 8 } });
my ($account) = $node->safe_psql('postgres', qq{SELECT group_api.receipt_url('$SERVER')}) =~ m{\?(.*)};
my ($service) = section_of('receipts.md', qr/^```\n(group = sms-service\n.*?)^```\n/ms);
my $doubled = $account =~ s/%/%%/gr;
$service =~ s{<the address>}{$front->{url}/receipt?$doubled} or die 'no address';
start_kannel($person, section_of('providers.md', qr/^```\n(group = smsbox\n.*?)^```\n/ms) . "\n$service");
poll_until(sub { read_log($person, 'bind') }, 'another Kannel takes what persons write');
send_answers($person);
poll_until(sub { read_log($person, 'said') == 4 }, 'they write');
poll_until(sub { $node->safe_psql('postgres', "SELECT count(*) FROM group_api.suppressions WHERE reason = 'opted_out'") eq '3' },
	'who says STOP is obeyed, in UCS-2 as well');
is($node->safe_psql('postgres', 'SELECT count(*) FROM group_api.suppressions'), '3', 'and nobody else');

# ---- the password

$node->safe_psql('postgres', qq{ALTER USER MAPPING FOR PUBLIC SERVER "$SERVER" OPTIONS (SET username 'nobody')});
invite($node, sa_number(21));
poll_until(sub { $node->safe_psql('postgres', "SELECT state FROM group_api.providers WHERE server = '$SERVER'") eq 'paused' },
	'a login that Kannel refuses pauses the provider');
like($node->safe_psql('postgres', "SELECT reason FROM group_api.providers WHERE server = '$SERVER'"), qr/Authorization failed/, "with Kannel's words");
my $dump = '';
$dump .= $node->safe_psql('postgres', "SELECT $_ FROM group_api_private.$_") for qw(attempts invitations receipts receipt_counts pauses polls);
my $secret = qr/kannel-s3cret/;
unlike($dump, $secret, 'no table of ours holds the password');
unlike(slurp_file($node->logfile), $secret, 'nor does the log, at its most talkative');
is(-s "$front->{directory}/access.log" || 0, 0, 'no token stands in the log of nginx');

$node->stop;
done_testing();
