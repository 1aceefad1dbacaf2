# What becomes of an invitation when the mail relay greylists, refuses, hangs
# up, falls silent, or does not know us.
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

# ---- one relay, a fate for each recipient

my $relay = start_script_server(smtp => { rules => [
	{ at => 'rcpt', match => 'grey@', replies => [ '451 4.2.1 not now', '250 ok' ] },
	{ at => 'rcpt', match => 'gone@', replies => ['550 5.1.1 no such user'] },
	{ at => 'rcpt', match => 'closing@', replies => [ '421 4.3.2 going down', '250 ok' ] },
	{ at => 'rcpt', match => 'never@', replies => ['452 4.2.2 still full'] },
	{ at => 'dot', match => 'refused@', replies => ['554 5.6.0 not this content'] },
	{ at => 'dot', match => 'lost@', replies => [ 'drop', '250 ok' ] },
	{ at => 'dot', match => 'silent@', replies => [ 'hang', '250 ok' ] },
] });

# The last name of those whom the relay took, in the order of arrival.
sub tries { my ($name) = @_; return grep { /^\Q$name\E@/ } mail_recipients($relay); }
sub rcpts { my ($name) = @_; return grep { $_->{to} eq 'rcpt' && $_->{argument} =~ /\b$name@/ } read_log($relay, 'reply'); }

add_mail($node, $relay->{smtp});
# As long as a slow machine needs for a message that is answered.
add_mail($node, $relay->{smtp}, name => 'impatient', prefixes => 'silent.example', priority => 0, timeout => 4);
my @names = qw(well grey gone closing never refused lost silent);
my %address = map { $_ => $_ . ($_ eq 'silent' ? '@silent.example' : '@example.com') } @names;
my %group = map { $_ => invite($node, $address{$_}) } @names;
my %ends = (well => 'sent', grey => 'sent', gone => 'failed', closing => 'sent',
	never => 'failed', refused => 'failed', lost => 'sent', silent => 'sent');

for my $name (@names)
{
	poll_until(sub { delivery_of($node, $address{$name})->{delivery} eq $ends{$name} },
		"the invitation of $name ends as $ends{$name}", 20);
}
my %is = map { $_ => delivery_of($node, $address{$_}) } @names;
is(scalar(rcpts('grey')), 2, 'a greylisted recipient is tried again');
is(scalar(tries('grey')), 1, 'and gets the message once');
is($is{grey}{attempts}, 2, 'which took two tries');
is($is{grey}{reason}, undef, 'and leaves no reason behind');
is(scalar(rcpts('gone')), 1, 'an unknown recipient is tried once');
my $told = member_of($node, $group{gone})->{delivery};
is($told->{status}, 'failed', 'the group says that it failed');
like($told->{reason}, qr/550 5\.1\.1 no such user/, "and repeats the relay's words");
like($told->{at}, qr/^\d{4}-\d\d-\d\dT/, 'with the time');
is(scalar(rcpts('closing')), 2, '421 is tried again');
is(scalar(rcpts('never')), 3, 'a recipient who is always busy is tried as often as max_attempts says');
like(member_of($node, $group{never})->{delivery}{reason}, qr/after 3 tries.*452 4\.2\.2 still full/,
	'and then has failed, with the number of tries and the last reason');
is(scalar(tries('refused')), 2, 'a message refused after its content is sent once more: it may have been about us');
is($is{refused}{attempts}, 1, 'which is one try');
is(scalar(tries('lost')), 2, 'a connection that breaks after the dot leads to a second try');
is(scalar(tries('silent')), 2, 'as does a relay that falls silent for longer than the option timeout');
cmp_ok($node->safe_psql('postgres', "SELECT extract(epoch FROM elapsed) FROM group_api_private.attempts WHERE server = 'impatient' AND outcome = 'uncertain'"),
	'>=', 4, 'not before that time is over');
my @ids = map { $_->{data} =~ /^Message-ID:\s*(\S+)/mi } grep { $_->{recipients}[0] =~ /lost/ } read_log($relay, 'message');
is($ids[0], $ids[1], 'both tries bear the same Message-ID, by which a mailbox finds the double');
is("<$is{lost}{message_id}>", $ids[0], 'it is the one on record');
is($node->safe_psql('postgres', "SELECT string_agg(outcome, ' ' ORDER BY attempt) FROM group_api_private.attempts a
	JOIN group_api_private.invitations i ON (i.group_id, i.number) = (a.group_id, a.member) WHERE contact = 'lost\@example.com'"),
	'uncertain accepted', 'the history tells both tries');

# ---- what failed is tried again when an operator says so

set_rules($relay, smtp => {});
is($node->safe_psql('postgres', 'SELECT group_api.retry_failed()'), '3', 'retry_failed() takes up the three that failed');
poll_until(sub { deliveries($node)->{suppressed} && !deliveries($node)->{queued} && !deliveries($node)->{sending} },
	'a mailbox that does not exist is left alone');
is_deeply(deliveries($node), { sent => 7, suppressed => 1 }, 'and the others are sent');
is($node->safe_psql('postgres', "SELECT group_api.unsuppress(contact) FROM group_api.deliveries WHERE delivery = 'suppressed'"), 't',
	'an operator who knows better takes it off the list');
$node->safe_psql('postgres', "SELECT group_api.resend_invitation(group_id, member) FROM group_api.deliveries WHERE delivery = 'suppressed'");
all_are($node, 'sent', 'then a resend is sent');
is($node->safe_psql('postgres', 'SELECT group_api.retry_failed()'), '0', 'a second call finds nothing');

# ---- hold what is uncertain

$node->safe_psql('postgres', "ALTER SERVER mail OPTIONS (ADD on_uncertain 'hold')");
set_rules($relay, smtp => { rules => [ { at => 'dot', replies => ['drop'] } ] });
my $held = invite($node, 'held@example.com');
poll_until(sub { delivery_of($node, 'held@example.com')->{delivery} eq 'uncertain' },
	'with on_uncertain hold it is left uncertain');
set_rules($relay, smtp => {});
is(member_of($node, $held)->{delivery}{status}, 'uncertain', 'the group says so');
ok(member_of($node, $held)->{delivery}{reason}, 'and why');
invite($node, 'next@example.com');
poll_until(sub { delivery_of($node, 'next@example.com')->{delivery} eq 'sent' }, 'others are sent meanwhile');
is(scalar(tries('held')), 1, 'it is not sent again by itself');
is($node->safe_psql('postgres', "SELECT group_api.retry_failed('$held')"), '1', 'retry_failed() sends it again');
poll_until(sub { delivery_of($node, 'held@example.com')->{delivery} eq 'sent' }, 'then it is sent');

# ---- a relay that does not know us

$node->safe_psql('postgres', 'CREATE DATABASE auth');
$node->safe_psql('auth', 'CREATE EXTENSION group_api');
my $guarded = start_script_server(smtp => { users => { choir => 'right' } });
add_mail($node, $guarded->{smtp}, database => 'auth');
$node->safe_psql('auth', "CREATE USER MAPPING FOR PUBLIC SERVER mail OPTIONS (username 'choir', password 'wrong')");
my $log_before = -s $node->logfile;
my $refused = invite($node, \'auth', map { mail_address($_) } 1 .. 20);
poll_until(sub { $node->safe_psql('auth', 'SELECT state FROM group_api.providers') eq 'paused' },
	'a relay that refuses our password is paused');
like($node->safe_psql('auth', 'SELECT reason FROM group_api.providers'), qr/535/, 'the view of providers says why');
poll_until(sub { (deliveries($node, 'auth')->{queued} // 0) == 20 }, 'all twenty are queued again');
like($node->safe_psql('auth', "SELECT fact FROM group_api.health() WHERE \"check\" = 'provider for EMAIL' AND NOT ok"),
	qr/20 waiting.*paused.*535/, 'so does health(), with how many wait');
like(member_of($node, $refused, 'auth')->{delivery}{reason}, qr/535/, 'so does the group');
is($node->safe_psql('auth', 'SELECT max(attempts) FROM group_api_private.invitations'), '0',
	'no invitation has used up a try');
my $asked = grep { $_->{to} eq 'auth' } read_log($guarded, 'reply');
cmp_ok($asked, '<=', 8, 'no more than one try on each connection was made');
my $log = substr(PostgreSQL::Test::Utils::slurp_file($node->logfile), $log_before);
is(scalar(() = $log =~ /provider "mail" of group_api is paused/g), 1, 'the log tells it once');
like($log, qr/HINT: .*ALTER USER MAPPING/, 'and what to do');
unlike($log =~ s/LOG:  statement:.*//gr, qr/wrong/, 'but not the password');
$node->safe_psql('auth', "ALTER USER MAPPING FOR PUBLIC SERVER mail OPTIONS (SET password 'right')");
all_are($node, 'sent', 'with the password put right all are sent', database => 'auth', seconds => 5);
is($node->safe_psql('auth', 'SELECT state FROM group_api.providers'), 'ready', 'and the provider is ready');

# ---- expired before it could be sent

$node->safe_psql('postgres', "SELECT group_api.pause('mail')");
my $late = invite($node, 'late@example.com');
$node->safe_psql('postgres', "UPDATE group_api_private.invitations SET expires_at = now() WHERE group_id = '$late' AND contact IS NOT NULL");
$node->safe_psql('postgres', "SELECT group_api.resume('mail')");
poll_until(sub { delivery_of($node, 'late@example.com')->{delivery} eq 'failed' },
	'what expired while its provider was paused has failed');
is(delivery_of($node, 'late@example.com')->{response}, 'expired', 'its response is expired');
like(member_of($node, $late)->{delivery}{reason}, qr/expired/, 'the group says why');
is(scalar(tries('late')), 0, 'it was not sent');

$node->stop;
done_testing();
