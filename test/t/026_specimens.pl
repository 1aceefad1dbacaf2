# What is known of mail servers, providers and persons, as it comes in: each
# specimen of test/specimens moves and suppresses what it should and nothing more.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PollSession qw(stay_connected);
use Test::More;

my $specimens = "$FindBin::RealBin/../specimens";
my $node = new_node('main', conf => "
group_api.retry_base = 3600
group_api.recipient_daily_cap = 0");

sub specimens_of
{
	my ($name) = @_;
	open(my $file, '<:raw', "$specimens/$name.json") or die "$name: $!";
	local $/;
	return from_json(<$file>);
}

stay_connected();
sub query { return $node->safe_psql('postgres', $_[0]); }
sub quote { return "'" . $_[0] =~ s/'/''/gr . "'"; }
sub bytes { return "'\\x" . unpack('H*', $_[0]) . "'"; }
sub suppressed { return query('SELECT count(*) FROM group_api.suppressions'); }

# The invitations of one group, sent by the provider without it.
sub stand_as_sent
{
	my ($server, $group) = @_;
	query("UPDATE group_api_private.invitations SET delivery = 'sent', due = NULL, attempts = 1,
		server = '$server', message_id = 'MSGID' WHERE group_id = '$group' AND contact IS NOT NULL");
	return;
}

sub state_of
{
	my ($group) = @_;
	return query("SELECT delivery FROM group_api.deliveries WHERE group_id = '$group' AND contact IS NOT NULL");
}

# ---- mails that come back ------------------------------------------------------

my $relay = start_script_server(smtp => { extensions => ['DSN'], rules => [] });
add_mail($node, $relay->{smtp}, bounce_address => 'b@bounces.example.com');

# What the relay was told of the message to this address.
sub message_to
{
	my ($contact) = @_;
	my ($message) = grep { grep { $_ eq $contact } @{ $_->{recipients} } } read_log($relay, 'message');
	return $message;
}

sub bounce
{
	my ($file, $contact) = @_;
	my $message = message_to($contact);
	my ($id) = $message->{data} =~ /^Message-ID:\s*<([^>]*)>/im;

	open(my $mail, '<:raw', $file) or die "$file: $!";
	local $/;
	my $text = <$mail>;
	my ($want) = $text =~ /^X-Want: (.*)$/m;
	$text =~ s/^X-(?:Want|Source): .*\n//mg;
	$text =~ s/VERP\@bounces.example.com/$message->{sender}/g;
	$text =~ s/\@\@RCPT\@\@/$contact/g;
	$text =~ s/\@\@MID\@\@/$id/g;
	$text =~ s/\n/\r\n/g;
	return ($want, $text);
}

my @mails = sort glob "$specimens/bounces/*.eml";
my @contacts = map { sprintf 'bounce%02d@example.org', $_ } 0 .. $#mails;
my @groups = map { invite($node, $_) } @contacts;
poll_until(sub { query("SELECT count(*) FROM group_api.deliveries WHERE delivery = 'sent'") == @mails },
	'an invitation is sent for each bounce');
my $ignored = 0;
for my $i (0 .. $#mails)
{
	my ($name) = $mails[$i] =~ m{([^/]*)\.eml$};
	my ($want, $mail) = bounce($mails[$i], $contacts[$i]);
	my $before = suppressed();
	my $result = from_json(query('SELECT group_api.ingest_bounce(' . bytes($mail) . ')'))->{result};
	my $state = $result eq 'ignored' ? $result : state_of($groups[$i]);

	$state .= ' suppressed' if suppressed() > $before;
	$ignored++ if $want eq 'ignored';
	is($state, $want, "bounce $name");
}
is(query("SELECT sum(receipts) FROM group_api.receipt_counts WHERE result = 'ignored'"), $ignored,
	'what was ignored is counted');
like(query("SELECT string_agg(event, '') FROM group_api.receipt_events WHERE result = 'ignored'"),
	qr/Automatic reply/, 'and can be looked at');
like(query("SELECT string_agg(format('%s %s %s', s.reason, s.evidence, s.code), ',') FROM group_api.suppressions s
	JOIN group_api.receipt_events e USING (receipt) WHERE e.way = 'bounce'"),
	qr/bounced the mailbox does not exist 5\.1\.1/, 'a suppression says what it rests on, and leads to the event');

# ---- events of providers -------------------------------------------------------

my %options = (ses => "sender 'G <g\@example.com>', region 'eu-west-1'", mailgun => "sender 'G <g\@example.com>', domain 'mg.example.com'",
	map { $_ => "sender 'G <g\@example.com>'" } qw(resend postmark sendgrid));
query("SELECT group_api.pause('mail')");
for my $kind (sort keys %options)
{
	query("CREATE SERVER $kind FOREIGN DATA WRAPPER group_api_$kind OPTIONS ($options{$kind},
		base_url 'http://127.0.0.1:9', callback_url 'https://hooks.example.com/receipt'); SELECT group_api.pause('$kind')");
}
for my $specimen (@{ specimens_of('receipts') })
{
	my $group = invite($node, $specimen->{contact});
	my ($query) = query("SELECT group_api.receipt_url('$specimen->{server}')") =~ /\?(.*)/;
	my $before = suppressed();
	my $body = to_json($specimen->{event});

	stand_as_sent($specimen->{server}, $group);
	my $key = query("SELECT format('inv-%s.%s.%s', translate(group_id::text, '-', ''), number, link_version)
		FROM group_api_private.invitations WHERE group_id = '$group' AND contact IS NOT NULL");
	$body =~ s/\@\@KEY(.)\@\@/my $point = $1; $key =~ s{\.}{$point}gr/ge;
	query("SELECT group_api.receive_receipt('$specimen->{server}', " . bytes($body) . ", '{}', " . quote($query) . ')');
	my $state = $specimen->{want_delivery} eq 'any' ? 'any' : state_of($group);
	is_deeply([ $state, suppressed() > $before ? 1 : 0 ],
		[ $specimen->{want_delivery}, $specimen->{want_suppressed} ? 1 : 0 ], "event $specimen->{name}");
}

# ---- answers of persons ----------------------------------------------------------

query("CREATE SERVER kannel FOREIGN DATA WRAPPER group_api_kannel OPTIONS (sender '1234',
	url 'http://127.0.0.1:9/', callback_url 'https://hooks.example.com/receipt'); SELECT group_api.pause('kannel')");
my ($account) = query("SELECT group_api.receipt_url('kannel')") =~ /\?(.*)/;
my $person = 0;
for my $specimen (@{ specimens_of('stop') })
{
	my $from = sa_number(++$person);
	my $before = suppressed();

	query("SELECT group_api.receive_receipt('kannel', '', '{}', "
		. quote("$account&from=" . substr($from, 1) . "&said=$specimen->{said}") . ", 'GET')");
	is(suppressed() > $before ? 1 : 0, $specimen->{want_suppressed} ? 1 : 0, "answer $specimen->{name}");
}

# ---- numbers -----------------------------------------------------------------------

# What is kept of each number, by the number; '' where it is refused.
query(q{CREATE FUNCTION kept_of(number text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	made text;
BEGIN
	made := group_api.create_group(jsonb_build_object('productId', '00000000-0000-0000-0000-000000000001', 'name', 'Choir',
		'description', 'We sing', 'image', 'https://example.com/choir.png', 'message', 'Come', 'sendInvitations', false,
		'members', jsonb_build_array(jsonb_build_object('nickName', 'Ann', 'contact',
			jsonb_build_object('type', 'MOBILE', 'value', number))))) #>> '{group,id}';
	RETURN (SELECT contact FROM group_api.deliveries WHERE group_id = made::uuid AND contact IS NOT NULL);
EXCEPTION WHEN data_exception THEN
	RETURN '';
END
$$});

sub kept_of
{
	return from_json(query('SELECT json_object_agg(n, kept_of(n)) FROM jsonb_array_elements_text('
		. quote(to_json(\@_)) . ') AS n'));
}

my @phones = grep { $_->{want} ne 'any' } @{ specimens_of('phones') };
my $kept = kept_of(map { $_->{value} } @phones);
for my $specimen (@phones)
{
	my ($value, $e164) = @$specimen{qw(value e164)};

	is($kept->{$value} ne '' ? 'accept' : 'refuse', $specimen->{want}, "number $specimen->{name}");
	is($kept->{$value}, $e164 =~ s/ //gr, '  and what is kept of it') if $e164 ne '' && $kept->{$value} ne '';
}
my $newer = specimens_of('phones-new-ranges')->{refused};
for my $country (sort keys %$newer)
{
	my $numbers = kept_of(@{ $newer->{$country} });
	is_deeply([ grep { $numbers->{$_} ne $_ } @{ $newer->{$country} } ], [],
		"mobile numbers of $country that are newer than the library's tables are taken");
}
done_testing();
