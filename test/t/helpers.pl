# The servers that misbehave for the tests do as they are told: a double that
# lies would turn other tests green for nothing.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use Test2::API qw(intercept);
use Test::More;
use GroupApiTest;
use Time::HiRes qw(time);

sub http_status
{
	my ($url, $body, @options) = @_;
	return qx(curl -sS -m 60 -o /dev/null -w '%{http_code}' @options -d '$body' '$url' 2>/dev/null);
}

# The exit status of curl, which sends one small message.
sub send_mail
{
	my ($url, $recipient, @options) = @_;
	my $file = "$PostgreSQL::Test::Utils::tmp_check/mail.txt";

	open(my $mail, '>', $file) or die "$file: $!";
	print $mail "Subject: x\r\n\r\n.dotted\r\n";
	close $mail;
	return system("curl -sS -m 60 @options '$url' --mail-from a\@example.com"
		. " --mail-rcpt '$recipient' -T '$file' >/dev/null 2>&1") >> 8;
}

# ---- the fast sink

my $sink = start_http_sink(log => 1, status => 202, body => '{"id":"%n"}');
is(http_status("$sink->{http}/a", 'x=1', '-H', '"Idempotency-Key: k1"'), 202,
	'the sink answers with the status it was given');
is(qx(curl -sS -d y '$sink->{http}/b'), sprintf('{"id":"%032d"}', 2),
	'the sink numbers its answers');
is(sink_count($sink), 2, 'the sink counts requests, but not who asks for the count');
poll_until(sub { read_log($sink) == 2 }, 'the sink logs each request');
is((read_log($sink))[0]{idempotency_key}, 'k1', 'with its idempotency key');
is((read_log($sink))[0]{body}, 'x=1', 'and its body');
stop_program($sink);

# ---- the scripted HTTP server

my $server = start_script_server(
	http => {
		rules => [
			{ match => 'to=\d+', replies => [
				{ status => 429, headers => { 'Retry-After' => '2' } },
				{ status => 201, body => { sid => 'SM1' } } ] },
			{ match => 'hang', replies => ['hang'] },
			{ match => 'reset', replies => ['reset'] },
			{ match => 'cut', replies => [ { body => 'x' x 1000, do => 'cut' } ] },
		]
	},
	smtp => {},
	tls => 'starttls');
like(qx(curl -sSi -d to=1 '$server->{http}'), qr/ 429 .*Retry-After: 2\r/s,
	'a first try is answered as the rule says, headers and all');
is(http_status($server->{http}, 'to=2'), 429, 'another recipient has a first try of its own');
is(http_status($server->{http}, 'to=1'), 201, 'a second try gets the second answer');
is(http_status($server->{http}, 'to=1'), 201, 'and a third one the last');
isnt(system("curl -s -m 1 -d hang $server->{http}") >> 8, 0, 'told to hang, it hangs');
is(system("curl -s -d reset $server->{http}") >> 8, 56, 'told to reset, it resets');
is(system("curl -s -d cut -o /dev/null $server->{http}") >> 8, 18, 'told to cut, it sends half');
set_rules($server, http => { rules => [ { replies => [ { status => 500 } ] } ] },
	smtp => {});
is(http_status($server->{http}, 'to=1'), 500, 'new rules hold from the next request on');
is(scalar(read_log($server, 'request')), 8, 'every request is logged');
set_rules($server, http => { rules => [ { replies => [ { status => 418, hold => 1 } ] } ] },
	smtp => {});
open(my $held, '-|', "curl -sS -o /dev/null -w '%{http_code}' -d held '$server->{http}'") or die $!;
poll_until(sub { read_log($server, 'request') == 9 }, 'told to hold its answer, it has the request');
set_rules($server, http => {}, smtp => {});
is(<$held>, 418, 'and answers once the rules change, as they were');
close $held;

# ---- the scripted mail relay

set_rules($server, smtp => {
	users => { name => 'word' },
	rules => [
		{ at => 'rcpt', match => 'grey\d@', replies => [ '451 4.7.1 later', '250 ok' ] },
		{ at => 'rcpt', match => 'gone@', replies => ['550 5.1.1 no such user'] },
		{ at => 'dot', match => 'lost@', replies => ['drop'] },
	] });
my @tls = ('--ssl-reqd', '--cacert', $server->{cert}, '-u', 'name:word');
isnt(send_mail($server->{smtp}, 'grey1@example.com', @tls), 0, 'a greylisted recipient waits');
is(send_mail($server->{smtp}, 'grey1@example.com', @tls), 0, 'and is taken the second time');
isnt(send_mail($server->{smtp}, 'gone@example.com', @tls), 0, 'an unknown recipient is refused');
isnt(send_mail($server->{smtp}, 'lost@example.com', @tls), 0,
	'dropped after the dot, the sender does not know');
isnt(send_mail($server->{smtp}, 'ok@example.com', '-u', 'name:wrong'), 0,
	'a wrong password is refused');
my @messages = read_log($server, 'message');
is(scalar(@messages), 2, 'what reached the dot is logged, answered or not');
is($messages[0]{data}, "Subject: x\r\n\r\n.dotted\r\n", 'with its dots unstuffed');
is($messages[0]{user}, 'name', 'and who sent it');
ok($messages[0]{tls}, 'and that it was encrypted');

my $encrypted = start_script_server(smtp => {}, tls => 'always');
is(send_mail($encrypted->{smtp}, 'a@example.com', '--cacert', $encrypted->{cert}), 0,
	'TLS from the first byte works too');

SKIP:
{
	my $postfix = start_smtp_sink('-c');
	skip "Postfix' smtp-sink not found", 1 unless $postfix;
	is(send_mail($postfix->{smtp}, 'a@example.com'), 0, "Postfix' smtp-sink takes mail");
}

# ---- waiting for what has died

# What a wait says that cannot come true, and how long it took.
sub waits_in_vain
{
	my ($sub) = @_;
	my $began = time;
	my $events = intercept { poll_until($sub, 'it comes true') };

	return (join('', map { $_->message } grep { $_->isa('Test2::Event::Diag') } @$events), time - $began);
}

my $node = new_node('dies', extension => 0);
kill 'KILL', slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
my ($said, $took) = waits_in_vain(sub { $node->safe_psql('postgres', 'SELECT 1') });
like($said, qr/the server "dies" has died/, 'who waits for a server that died is told');
at_most($took, 5, 'at once');
$node->kill9;
$server = start_script_server(http => {});
kill 'KILL', $server->{pid};
($said, $took) = waits_in_vain(sub { read_log($server, 'request') });
like($said, qr/a helper server has ended/, 'as who waits for a gateway that has ended');
at_most($took, 5, 'at once, too');
stop_program($server);
ok(!eval { kill 'STOP', undef; 1 }, 'a signal to a process that is not there is refused, which would stop the test itself');

done_testing();
