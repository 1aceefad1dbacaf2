# What a provider says later reaches the invitation while a dispatcher is at
# work: through the address it was given, against what is still uncertain, and
# among ten thousand callbacks that are forged, repeated, reordered or cut.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use Digest::SHA qw(hmac_sha1_base64);
use GroupApiTest;
use Invitations;
use IPC::Run ();
use Test::More;
use Time::HiRes qw(time);

my $TOKEN = 'the account token';
my $node = new_node('main', conf => "
group_api.retry_base = 3600
group_api.retry_cap = 3600
group_api.receipts_retention = '1d'");
my $url = 'https://hooks.example.com/receipt';

sub unescape { return $_[0] =~ tr/+/ /r =~ s/%(..)/chr hex $1/ger; }

sub fields_of
{
	return map { my ($name, $value) = split /=/, $_, 2; ($name => unescape($value // '')) } split /&/, $_[0];
}

# Where a gateway was told to report on the message to CONTACT.
sub address_for
{
	my ($server, $contact, $field) = @_;
	my ($request) = grep { Invitations::recipient_of($_->{body}) eq $contact } read_log($server, 'request');

	return $request->{body} =~ /^\{/ ? from_json($request->{body})->{$field} : { fields_of($request->{body}) }->{$field};
}

sub sign
{
	my ($address, $body, $token) = @_;
	my %fields = fields_of($body);
	my $signature = hmac_sha1_base64($address . join('', map { $_ . $fields{$_} } sort keys %fields), $token // $TOKEN);

	return $signature . '=' x (-length($signature) % 4);
}

sub quote { return "'" . $_[0] =~ s/'/''/gr . "'"; }

# SQL of one call; the body in hexadecimal, since it may be anything.
sub call
{
	my ($server, $address, $body, $signature) = @_;
	my $query = $address =~ /\?(.*)/ ? $1 : '';

	return sprintf q{group_api.receive_receipt('%s', '\x%s', '%s', %s)}, $server, unpack('H*', $body),
	  to_json(defined $signature ? { 'X-Twilio-Signature' => $signature } : {}), quote($query);
}

sub receive
{
	my ($server, $address, $body, $signature) = @_;
	return $node->safe_psql('postgres', 'SELECT ' . call($server, $address, $body, $signature) . " ->> 'result'");
}

sub in_time
{
	my ($contact, $state, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll_until(sub { delivery_of($node, $contact)->{delivery} eq $state }, $what, 20);
}

# ---- the address a provider is given

my $twilio = start_script_server(http => { rules => [
	{ match => 'To=%2B491510*11&', replies => ['drop'] },
	{ replies => [ { status => 201, body => { sid => 'SM1', status => 'queued' } } ] } ] });
add_twilio($node, $twilio->{http}, prefixes => '+49', callback_url => $url);
$node->safe_psql('postgres', "DROP USER MAPPING IF EXISTS FOR PUBLIC SERVER twilio;
	CREATE USER MAPPING FOR PUBLIC SERVER twilio OPTIONS (password '$TOKEN')");
my $group = invite($node, german_number(1));
in_time(german_number(1), 'sent', 'a message is sent');
my $address = address_for($twilio, german_number(1), 'StatusCallback');
like($address, qr{^\Q$url\E\?server=twilio&receipt=[\w-]+\z}, 'its provider is told where to report, and on what');
my $body = 'MessageSid=SM1&MessageStatus=delivered';
is(receive('twilio', $address, $body, sign($address, $body, 'wrong')), 'refused', 'a signature of a stranger is refused');
is(receive('twilio', $address, $body), 'refused', 'as is none');
is(receive('twilio', $address, $body, sign($address, $body)), 'moved', 'the provider is believed');
is(member_of($node, $group)->{delivery}{status}, 'delivered', 'and the group says that it was delivered');
my $other = invite($node, german_number(2));
in_time(german_number(2), 'sent', 'another is sent');
$address = address_for($twilio, german_number(2), 'StatusCallback');
$body = 'MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30005';
is(receive('twilio', $address, $body, sign($address, $body)), 'moved', 'a failure');
is_deeply([ @{ member_of($node, $other)->{delivery} }{qw(status reason)} ],
	[ 'failed', 'the number is unknown or no longer in service (30005)' ], 'is told with its reason');

# ---- what is uncertain

invite($node, german_number(11));
poll_until(sub { $node->safe_psql('postgres', "SELECT delivery = 'queued' AND attempts > 0 FROM group_api_private.invitations WHERE contact = '" . german_number(11) . "'") eq 't' },
	'a message whose answer was lost waits for a second try');
$address = address_for($twilio, german_number(11), 'StatusCallback');
$body = 'MessageSid=SM7&MessageStatus=sent';
is(receive('twilio', $address, $body, sign($address, $body)), 'moved', 'its receipt proves that it was taken');
my $row = from_json($node->safe_psql('postgres', "SELECT row_to_json(i) FROM group_api_private.invitations i WHERE contact = '" . german_number(11) . "'"));
is_deeply([ @$row{qw(delivery due message_id)} ], [ 'sent', undef, 'SM7' ], 'so there is no second try');

# ---- a receipt that comes before the answer

my $slow = start_script_server(http => { rules => [ { replies => ['hang'] } ] });
# Time enough for a slow machine to report before it is over.
add_sms($node, $slow->{http}, prefixes => '+27', timeout => 10, callback_url => "$url/any?x=y",
	fields => '{"to": "{to}", "text": "{text}", "report": "{callback_url}"}');
invite($node, sa_number(1));
poll_until(sub { read_log($slow, 'request') }, 'a gateway takes its time');
$address = address_for($slow, sa_number(1), 'report');
like($address, qr{^\Q$url\E/any\?x=y&server=sms&receipt=[\w-]+\z}, 'any gateway can be told where to report');
is(delivery_of($node, sa_number(1))->{delivery}, 'sending', 'before it has answered');
is(receive('sms', $address, 'status=delivered&id=7'), 'moved', 'it reports');
poll_until(sub { $node->safe_psql('postgres', "SELECT count(*) FROM group_api.attempts WHERE server = 'sms'") eq '1' }, 'then the try ends without an answer');
is(delivery_of($node, sa_number(1))->{delivery}, 'delivered', 'what was delivered stays so');
$node->safe_psql('postgres', 'DROP SERVER sms');

# ---- a row that a receipt holds

# A provider that had the message before, and reports while twilio has its turn.
$node->safe_psql('postgres', "SELECT group_api.pause('twilio'); CREATE SERVER earlier FOREIGN DATA WRAPPER group_api_http
	OPTIONS (channel 'MOBILE', url 'http://127.0.0.1:9', prefixes '+1', callback_url '$url')");
invite($node, german_number(21));
my $key = $node->safe_psql('postgres', "UPDATE group_api_private.invitations SET attempts = 1, server = 'earlier'
	WHERE contact = '" . german_number(21) . "' RETURNING format('inv-%s.%s.%s', translate(group_id::text, '-', ''), number, link_version)");
my $holder = psql_in_background($node, 'BEGIN;');
like($holder->{say}('SELECT ' . call('earlier', $node->safe_psql('postgres', "SELECT group_api.receipt_url('earlier')"), "status=sent&key=$key") . ';'),
	qr/moved/, 'a receipt comes in a transaction that stays open');
$node->safe_psql('postgres', "SELECT group_api.resume('twilio')");
invite($node, german_number(22));
in_time(german_number(22), 'sent', 'the queue goes on past the row it holds');
is(delivery_of($node, german_number(21))->{delivery}, 'queued', 'which waits');
$holder->{say}('ROLLBACK;');
in_time(german_number(21), 'sent', 'and is sent when the receipt is taken back');
$holder->{finish}();

# ---- the retention

$node->safe_psql('postgres', "INSERT INTO group_api_private.receipts (way, result, digest, received_at) VALUES ('callback', 'unknown', 'old', now() - interval '25 hours'), ('callback', 'unknown', 'young', now() - interval '23 hours');
	INSERT INTO group_api_private.receipt_counts (day, server, result, receipts) VALUES (current_date - 400, 'x', 'moved', 1), (current_date - 300, 'x', 'moved', 1)");
$node->restart;
invite($node, german_number(31));
poll_until(sub { $node->safe_psql('postgres', "SELECT string_agg(convert_from(digest, 'UTF8'), ',') FROM group_api_private.receipts WHERE result = 'unknown'") eq 'young' },
	'receipts older than receipts_retention go');
is($node->safe_psql('postgres', "SELECT count(*) FROM group_api.receipt_counts WHERE server = 'x'"), '1', 'and counts older than a year');

# ---- ten thousand callbacks

$node->safe_psql('postgres', 'DELETE FROM group_api_private.receipt_counts; DELETE FROM group_api_private.receipts');
my @contacts = map { german_number($_) } 1001 .. 1100;
invite($node, @contacts);
poll_until(sub { $node->safe_psql('postgres', "SELECT count(*) FROM group_api_private.invitations WHERE delivery = 'sent' AND contact LIKE '+4915100001%'") eq '100' }, 'a hundred messages are sent');
my %address = map { my %f = fields_of($_->{body}); ($f{To} => $f{StatusCallback}) } grep { $_->{body} =~ /^To=/ } read_log($twilio, 'request');
srand(4711);
my (@calls, %expected, %count);
for my $contact (@contacts)
{
	# Most are delivered, some fail, some were only taken; delivered always wins.
	my $fate = rand;
	my @true = ('sent', ($fate < .5 ? 'delivered' : $fate < .7 ? ('undelivered', 'delivered') : $fate < .9 ? 'undelivered' : ()));

	$expected{$contact} = (grep { $_ eq 'delivered' } @true) ? 'delivered' : (grep { $_ eq 'undelivered' } @true) ? 'failed' : 'sent';
	for my $status (@true)
	{
		my $body = "MessageSid=SM1&MessageStatus=$status&To=" . $contact =~ s/\+/%2B/r;
		push @calls, [ call('twilio', $address{$contact}, $body, sign($address{$contact}, $body)), 'honest' ] for 1 .. 1 + int rand 6;
	}
}
my @honest = @calls;
while (@calls < 10000)
{
	my $contact = $contacts[ rand @contacts ];
	my $victim = $contacts[ rand @contacts ];
	my $address = $address{$contact};
	my $body = 'MessageSid=SM1&MessageStatus=' . (qw(delivered undelivered failed sent canceled))[ rand 5 ] . '&N=' . int rand 1e9;
	my $signature = sign($address, $body);
	my $way = int rand 9;

	if ($way == 0) { $signature = sign($address, $body, 'guess' . rand); }
	elsif ($way == 1) { $signature = undef; }
	elsif ($way == 2) { $body =~ s/N=\d+/N=x/; }
	elsif ($way == 3) { $address =~ s/(receipt=.{5})./$1!/; $signature = sign($address, $body); }
	elsif ($way == 4) { $signature = substr $signature, 0, rand 27; }
	elsif ($way == 5) { substr $body, int(rand(length($body) - 1)), length $body, ''; }
	elsif ($way == 6) { $body .= "\0\xff\xfe%zz&&&===" . chr int rand 256; }
	elsif ($way == 7) { $body = '[' x rand 5000; }
	elsif ($victim ne $contact) { $address = $address{$victim}; }
	else { $address .= '&a=b'; }
	push @calls, [ call('twilio', $address, $body, $signature), 'forged' ];
}
for (my $i = @calls; --$i > 0;)
{
	my $j = int rand($i + 1);
	@calls[ $i, $j ] = @calls[ $j, $i ];
}
$count{ $_->[1] }++ for @calls;
my $began = time;
my @runs;
for my $part (0 .. 3)
{
	my ($in, $out, $error) = ('', '', '');
	my @mine = map { $calls[$_] } grep { $_ % 4 == $part } 0 .. $#calls;

	$in = join '', map { "SELECT '$_->[1]', $_->[0] ->> 'result';\n" } @mine;
	push @runs, { out => \$out, error => \$error,
		run => IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$error, IPC::Run::timeout(5 * $GroupApiTest::PATIENCE)) };
}
$_->{run}->finish for @runs;
note(sprintf '%d callbacks in %.1f s', scalar @calls, time - $began);
is(join('', map { ${ $_->{error} } } @runs), '', 'none of ten thousand is an error');
my %said;
$said{$_}++ for map { split /\n/, ${ $_->{out} } } @runs;
is($said{'forged|refused'}, $count{forged}, 'every forged one is refused');
is_deeply([ grep { /^honest\|(?!moved|known|replayed)/ || /^forged\|(?!refused)/ } keys %said ], [], 'and no honest one');
note(join ', ', map { "$_ $said{$_}" } sort keys %said);
is($node->safe_psql('postgres', "SELECT sum(receipts) FROM group_api.receipt_counts WHERE server = 'twilio' AND result = 'refused'"), $count{forged},
	'the forged ones are counted exactly');
is($node->safe_psql('postgres', 'SELECT sum(receipts) FROM group_api.receipt_counts'), scalar @calls, 'as are all');
is($node->safe_psql('postgres', 'SELECT count(*) FROM group_api.receipts'), $node->safe_psql('postgres', "SELECT sum(receipts) FROM group_api.receipt_counts WHERE result IN ('moved', 'known')"),
	'each honest event is kept once');
my %state = map { split /\|/ } split /\n/, $node->safe_psql('postgres', "SELECT contact, delivery FROM group_api_private.invitations WHERE contact LIKE '+4915100001%'");
is_deeply(\%state, \%expected, 'each message ends where its provider left it');
is($node->safe_psql('postgres', "SELECT count(*) FROM group_api.deliveries WHERE contact LIKE '+4915100001%' AND (delivery = 'failed') <> (reason IS NOT NULL)"), '0', 'and only failures have a reason');

$node->stop;
done_testing();
