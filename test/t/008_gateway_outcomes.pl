# What becomes of an invitation when the SMS gateway is too busy, broken, silent
# or does not know us; and that none of this is felt by another gateway.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('main', conf => "
group_api.retry_base = 1
group_api.retry_cap = 2
group_api.max_attempts = 3");

sub in_time
{
	my ($contact, $state, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll_until(sub { delivery_of($node, $contact)->{delivery} eq $state }, $what, 20);
}

sub arrivals
{
	my ($server, $contact) = @_;
	return grep { Invitations::recipient_of($_->{body}) eq $contact } read_log($server, 'request');
}

# ---- put off more often than max_attempts; looked at in the end

my $crowded = start_script_server(http => { rules => [ { replies => [
	({ status => 429, headers => { 'Retry-After' => '1' } }) x 4, { status => 200 } ] } ] });
add_sms($node, $crowded->{http}, name => 'crowded', prefixes => '+44');
invite($node, uk_number(1));

# ---- 429 with Retry-After, beside a gateway that is well

my $busy = start_script_server(http => { rules => [
	{ count => 'rule', replies => [ { status => 429, headers => { 'Retry-After' => '2' } }, { status => 200 } ] } ] });
my $well = start_script_server(http => { rules => [ { replies => [ { status => 201, body => { sid => 'SM1' } } ] } ] });
add_sms($node, $busy->{http}, name => 'busy', prefixes => '+27', max_connections => 1);
add_twilio($node, $well->{http}, prefixes => '+49');
my $limited = invite($node, sa_number(1), sa_number(2));
poll_until(sub { read_log($busy, 'request') }, 'a gateway is asked');
my $asked = time;
invite($node, german_number(1), german_number(2));
in_time(german_number($_), 'sent', "message $_ for another gateway is sent") for 1, 2;
at_most(time - $asked, 1, 'within a second, although the first gateway wants to rest');
like(member_of($node, $limited)->{delivery}{status}, qr/queued|sent/, 'what was put off is queued');
in_time(sa_number($_), 'sent', "message $_ of the busy gateway is sent") for 1, 2;
my @at = map { $_->{at} } read_log($busy, 'request');
cmp_ok($at[1] - $at[0], '>=', 2, 'Retry-After: 2 is obeyed: nothing is sent for two seconds');
is(scalar(arrivals($busy, sa_number(1))) + scalar(arrivals($busy, sa_number(2))), 3, 'one try in vain, two that count');
is($node->safe_psql('postgres', "SELECT max(attempts) FROM group_api_private.invitations WHERE contact LIKE '+27%'"), '1',
	'being told to wait uses up no try');
$node->safe_psql('postgres', 'DROP SERVER busy');

# ---- one gateway, a fate for each recipient

my %number = (broken => sa_number(11), silent => sa_number(12), cut => sa_number(13),
	refused => sa_number(14), hopeless => sa_number(15), later => sa_number(16), well => sa_number(17));
my $gateway = start_script_server(http => { rules => [
	{ match => quotemeta $number{broken}, replies => [ { status => 500 }, { status => 200, body => {} } ] },
	{ match => quotemeta $number{silent}, replies => [ 'hang', { status => 200, body => {} } ] },
	{ match => quotemeta $number{cut}, replies => [ 'drop', { status => 200, body => {} } ] },
	{ match => quotemeta $number{refused}, replies => [ { status => 400, body => { code => 'E7', why => 'landline' } } ] },
	{ match => quotemeta $number{hopeless}, replies => [ { status => 429 } ] },
	{ match => quotemeta $number{later}, replies => [ { status => 503 }, { status => 202, body => {} } ] },
] });
my @answers = (code_path => 'code', text_path => 'why', id_path => 'id');
add_sms($node, $gateway->{http}, prefixes => '+27', @answers);
# As long as a slow machine needs for a message that is answered.
add_sms($node, $gateway->{http}, name => 'impatient', prefixes => $number{silent}, priority => 0, timeout => 4, @answers);
my %group = map { $_ => invite($node, $number{$_}) } sort keys %number;
in_time($number{well}, 'sent', 'the well-behaved one is sent');
in_time($number{broken}, 'sent', '500 is tried again');
in_time($number{silent}, 'sent', 'so is a gateway that does not answer within the option timeout');
in_time($number{cut}, 'sent', 'so is a connection that breaks after the request');
in_time($number{later}, 'sent', 'so is 503; and any 2xx is success');
in_time($number{refused}, 'failed', '400 is final');
in_time($number{hopeless}, 'failed', 'what is put off for ever fails in the end');
is(scalar(arrivals($gateway, $number{$_})), 2, "$_: two requests") for qw(broken silent cut later);
is(scalar(arrivals($gateway, $number{refused})), 2, 'a refused number is asked for once more: it may have been about us');
is(scalar(arrivals($gateway, $number{hopeless})), 3, 'a hopeless one as often as max_attempts says');
like(member_of($node, $group{refused})->{delivery}{reason}, qr/E7.*landline/, "the gateway's code and words are the reason");
like(member_of($node, $group{hopeless})->{delivery}{reason}, qr/after 3 tries.*429/, 'the number of tries and the last answer are');
for my $name (qw(broken silent cut))
{
	my @keys = map { from_json($_->{body})->{key} } arrivals($gateway, $number{$name});
	is($keys[0], $keys[1], "$name: both tries bear the same key, by which a gateway finds the double");
}
cmp_ok($node->safe_psql('postgres', "SELECT extract(epoch FROM elapsed) FROM group_api_private.attempts WHERE server = 'impatient' AND outcome = 'uncertain'"),
	'>=', 4, 'the silent one was given its time');
$node->safe_psql('postgres', 'DROP SERVER sms; DROP SERVER impatient');

# ---- hold what is uncertain

set_rules($gateway, http => { rules => [ { replies => [ { status => 502 } ] } ] });
add_sms($node, $gateway->{http}, prefixes => '+27', on_uncertain => 'hold');
invite($node, sa_number(20));
in_time(sa_number(20), 'uncertain', 'with on_uncertain hold 502 leaves it uncertain');
set_rules($gateway, http => {});
is($node->safe_psql('postgres', "SELECT group_api.retry_failed(NULL, 'MOBILE')"), '3', 'retry_failed() takes it up, and the two that failed');
in_time(sa_number(20), 'sent', 'then it is sent');
is(scalar(arrivals($gateway, sa_number(20))), 2, 'with one more request');
in_time(uk_number(1), 'sent', 'being told to wait four times is not the same as three tries in vain');
is(scalar(arrivals($crowded, uk_number(1))), 5, 'it took five requests');
all_are($node, 'sent', 'as is everything else');

# ---- a gateway that does not know us

set_rules($gateway, http => { rules => [ { replies => [ { status => 401, body => 'no such key' } ] } ] });
my $unknown = invite($node, map { sa_number($_) } 31 .. 60);
poll_until(sub { $node->safe_psql('postgres', "SELECT state FROM group_api.providers WHERE server = 'sms'") eq 'paused' },
	'a gateway that answers 401 is paused');
like($node->safe_psql('postgres', "SELECT reason FROM group_api.providers WHERE server = 'sms'"), qr/401/, 'the view of providers says why');
poll_until(sub { (deliveries($node)->{queued} // 0) == 30 }, 'all thirty are queued again');
is($node->safe_psql('postgres', "SELECT max(attempts) FROM group_api_private.invitations WHERE due IS NOT NULL"), '0',
	'no invitation has used up a try');
like(member_of($node, $unknown)->{delivery}{reason}, qr/401/, 'the group says why');
invite($node, german_number(31));
in_time(german_number(31), 'sent', 'the other gateway sends on');
my $requests = read_log($gateway, 'request');
set_rules($gateway, http => {});
is($node->safe_psql('postgres', "SELECT group_api.resume('sms')"), 't', 'resume() says that it was paused');
all_are($node, 'sent', 'and then all are sent', seconds => 5);
is($node->safe_psql('postgres', "SELECT group_api.resume('sms')"), 'f', 'a second resume() finds nothing');

# ---- a gateway that is down

my $down = dead_port();
$node->safe_psql('postgres', "ALTER SERVER sms OPTIONS (SET url 'http://127.0.0.1:$down')");
my $stuck = invite($node, map { sa_number($_) } 101 .. 150);
poll_until(sub { $node->safe_psql('postgres', "SELECT count(*) >= 5 FROM group_api.attempts WHERE server = 'sms' AND outcome = 'retry' AND code LIKE 'curl%'") eq 't' },
	'a gateway that is down is tried a few times');
my $began = time;
invite($node, map { german_number($_) } 101 .. 150);
poll_until(sub { $node->safe_psql('postgres', "SELECT count(*) FROM group_api_private.invitations WHERE contact LIKE '+49%' AND delivery <> 'sent'") eq '0' },
	'fifty for the other are sent meanwhile');
at_most(time - $began, 1, 'within a second');
my ($recovered) = start_script_server(http => {});
$node->safe_psql('postgres', "ALTER SERVER sms OPTIONS (SET url '$recovered->{http}')");
all_are($node, 'sent', 'a gateway that is moved gets what waited', seconds => 10);

# ---- hung sends keep the others' connections free

set_rules($recovered, http => { rules => [ { replies => ['hang'] } ] });
invite($node, map { sa_number($_) } 201 .. 250);
poll_until(sub { arrivals($recovered, sa_number(201)) }, 'a gateway hangs');
$began = time;
invite($node, map { german_number($_) } 201 .. 250);
poll_until(sub { $node->safe_psql('postgres', "SELECT count(*) FROM group_api_private.invitations WHERE contact LIKE '+49%' AND delivery <> 'sent'") eq '0' },
	'fifty for the other are sent while it hangs');
at_most(time - $began, 1, 'within a second, too');

$node->stop;
done_testing();
