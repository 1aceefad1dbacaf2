# Whom a refusal blames is decided by what else the provider does: one recipient,
# or our account; nobody waits for ever for that, and no invitation is burnt.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use Test::More;

my $node = new_node('main', conf => 'group_api.recipient_daily_cap = 0');

sub query { return $node->safe_psql('postgres', $_[0]); }

sub pauses_of
{
	my ($server) = @_;
	my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
	return scalar(() = $log =~ /provider "$server" of group_api is paused/g);
}

sub is_paused
{
	my ($server, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll_until(sub { query("SELECT state FROM group_api.providers WHERE server = '$server'") eq 'paused' }, $what, 60);
}

sub states
{
	my ($group) = @_;
	return query("SELECT string_agg(s, ' ' ORDER BY s) FROM (SELECT format('%s %s', count(*), delivery) s
		FROM group_api.deliveries WHERE group_id = '$group' AND contact IS NOT NULL GROUP BY delivery) x");
}

sub becomes
{
	my ($group, $want, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll_until(sub { states($group) eq $want }, $what, 60) || diag(states($group));
}

sub tries { return query("SELECT max(attempts) FROM group_api_private.invitations WHERE group_id = '$_[0]'"); }

# ---- a country that is not enabled: one of three hundred -------------------------

my %region = (status => 400, body => { code => 21408, status => 400,
	message => 'Permission to send an SMS has not been enabled for the region indicated by the \'To\' number: {echo}' },
	echo => 'To=%2B(\d+)');
my $sink = start_script_server(http => { rules => [
	{ match => 'To=%2B4915100000001', replies => [ \%region ] },
	{ replies => [ { status => 201, body => { sid => 'SM1' } } ] } ] });
add_twilio($node, $sink->{http});
my $group = invite($node, german_number(1), map { sa_number($_) } 1 .. 299);
becomes($group, '1 failed 299 sent', 'of 300, the one whose country is not enabled fails and the others are sent');
is(pauses_of('twilio'), 0, 'the gateway was never paused');
like(query("SELECT reason FROM group_api.deliveries WHERE contact = '" . german_number(1) . "'"),
	qr/21408 Permission to send an SMS has not been enabled/, 'the reason is in the gateway\'s words');
is(tries($group), '1', 'nobody spent more than one try');
cmp_ok(query("SELECT count(*) FROM group_api.attempts WHERE outcome = 'rejected'"), '<=', 3, 'it was asked for a few times only');

# ---- the same refusal for all ------------------------------------------------------

set_rules($sink, http => { rules => [ { replies => [ \%region ] } ] });
my $all = invite($node, map { sa_number($_) } 1001 .. 1040);
is_paused('twilio', 'when all are refused alike, the gateway is paused');
becomes($all, '40 queued', 'all forty wait');
like(query("SELECT fact FROM group_api.health() WHERE \"check\" = 'provider for MOBILE'"),
	qr/40 waiting.*twilio is paused: 21408 Permission/, 'health() tells why');
is(tries($all), '0', 'and nobody spent a try');
is(pauses_of('twilio'), 1, 'it was paused once');
set_rules($sink, http => { rules => [ { replies => [ { status => 201, body => { sid => 'SM1' } } ] } ] });
query("SELECT group_api.resume('twilio')");
becomes($all, '40 sent', 'after the repair resume() sends all');

# ---- refused in the middle of a mailing --------------------------------------------

my $account = '550 5.7.1 Sender is not authorized to send from this account';
my $relay = start_script_server(smtp => { rules => [
	{ at => 'rcpt', match => 'RCPT|TO', count => 'rule', replies => [ ('250 ok') x 10, $account ] } ] });
add_mail($node, $relay->{smtp}, max_connections => 2);
my $half = invite($node, map { mail_address($_, 'half') } 1 .. 30);
is_paused('mail', 'a relay that refuses everybody from the eleventh on is paused');
becomes($half, '10 sent 20 queued', 'nobody is burnt');
set_rules($relay, smtp => { rules => [] });
query("SELECT group_api.resume('mail')");
becomes($half, '30 sent', 'after the repair all are sent');

# ---- one message with words that seem to blame us ------------------------------------

my $relaying = '554 5.7.1 <{echo}>: Relay access denied';
my %rule = (at => 'rcpt', match => 'poison@', replies => [ { reply => $relaying, echo => '<(.*?)>' } ]);
set_rules($relay, smtp => { rules => [ \%rule ] });
my $mixed = invite($node, 'poison@example.com', map { mail_address($_, 'mixed') } 1 .. 20);
becomes($mixed, '1 failed 20 sent', 'while others are accepted, a refusal is that recipient\'s, whatever it says');
is(pauses_of('mail'), 1, 'the relay was not paused for it');

my $alone = invite($node, 'poison@example.com');
is_paused('mail', 'with nothing to compare it with, the relay is paused');
becomes($alone, '1 queued', 'and the message waits');
my $others = invite($node, map { mail_address($_, 'others') } 1 .. 5);
query("SELECT group_api.resume('mail')");
becomes($others, '5 sent', 'after resume() others go first');
becomes($alone, '1 failed', 'and show that it is that recipient\'s');

my $again = invite($node, 'poison@example.com');
for my $time (1, 2)
{
	is_paused('mail', "alone it pauses the relay, time $time");
	query("SELECT group_api.resume('mail')");
	$node->restart if $time == 1;
}
becomes($again, '1 failed', 'instead of a third time it is set aside');
like(query("SELECT reason FROM group_api.deliveries WHERE group_id = '$again' AND contact IS NOT NULL"),
	qr/set aside.*2 times: 554 5.7.1 .*Relay access denied/, 'the reason says so');
is(query("SELECT state FROM group_api.providers WHERE server = 'mail'"), 'ready', 'and the relay is ready');
set_rules($relay, smtp => { rules => [] });
is(query("SELECT group_api.retry_failed('$again')"), '1', 'retry_failed() takes it up again');
becomes($again, '1 sent', 'and it is sent');

# ---- the guess that it is the recipient's, alone -------------------------------------

set_rules($relay, smtp => { rules => [ { at => 'dot', match => 'lonely@', replies => [ '554 5.7.1 no thanks' ] } ] });
my $lonely = invite($node, 'lonely@example.com');
becomes($lonely, '1 failed', 'one refused alone fails');
is(scalar(grep { grep { /lonely/ } @{ $_->{recipients} } } read_log($relay, 'message')), 2, 'after it was refused twice');
is(tries($lonely), '1', 'which is one try');
done_testing();
