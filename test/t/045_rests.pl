# What comes later by the clock, and how many connections there may be: a quota
# rests the provider and costs nobody a try, and a narrow relay is kept busy.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('main', conf => "
group_api.recipient_daily_cap = 0
group_api.dispatcher_idle_timeout = 1");

sub query { return $node->safe_psql('postgres', $_[0]); }
sub count_of { return query("SELECT count(*) FROM group_api.deliveries WHERE group_id = '$_[0]' AND delivery = '$_[1]'"); }
sub fact { return query("SELECT fact FROM group_api.health() WHERE \"check\" = 'provider for $_[0]'"); }

sub provider
{
	my ($server, $column) = @_;
	return query("SELECT $column FROM group_api.providers WHERE server = '$server'");
}

# ---- a daily limit of ten ----------------------------------------------------------

my @day = ({ at => 'rcpt', count => 'rule',
	replies => [ ('250 ok') x 10, '450 4.7.1 Daily sending limit exceeded, try again tomorrow' ] });
my $relay = start_script_server(smtp => { rules => \@day });
add_mail($node, $relay->{smtp}, max_connections => 4);
my $group = invite($node, map { mail_address($_) } 1 .. 30);
poll_until(sub { provider('mail', 'state') eq 'resting' }, 'a relay with a daily limit rests', 60);
poll_until(sub { count_of($group, 'sent') == 10 && count_of($group, 'queued') == 20 }, 'ten are sent, twenty wait', 60);
like(fact('EMAIL'), qr/20 waiting; mail rests until \d\d:\d\d: 450 4\.7\.1 Daily sending limit exceeded/,
	'health() names the limit and until when');
like(query("SELECT hint FROM group_api.health() WHERE \"check\" = 'provider for EMAIL'"), qr/resume\('mail'\)/, 'and what ends the rest');
is(provider('mail', "until > now() + interval '50 min' AND until < now() + interval '61 min'"), 't', 'the view says when it ends');
is(query("SELECT max(attempts) FROM group_api_private.invitations WHERE delivery = 'queued'"), '0', 'nobody spent a try');

poll_until(sub { dispatcher($node)->{state} eq 'idle' && !defined dispatcher($node)->{pid} }, 'the dispatcher gives its process back', 60);
my $other = invite($node, sa_number(1));
poll_until(sub { defined dispatcher($node)->{pid} || dispatcher($node)->{state} eq 'idle' }, 'the next one starts', 60);
$node->restart;
is(provider('mail', 'state'), 'resting', 'the rest outlives a restart of the server');
wait_for_dispatcher($node, "a dispatcher starts");
is(count_of($group, 'sent'), 10, 'and nothing was sent meanwhile');

set_rules($relay, smtp => { rules => \@day });
query("SELECT group_api.resume('mail')");
poll_until(sub { count_of($group, 'sent') == 20 }, 'the next day ten more are sent', 60);
poll_until(sub { provider('mail', 'state') eq 'resting' && count_of($group, 'queued') == 10 }, 'and ten wait for another day', 60);
is(count_of($group, 'failed'), 0, 'nobody failed');
poll_until(sub { !defined dispatcher($node)->{pid} }, 'the dispatcher ended', 60);
set_rules($relay, smtp => { rules => [] });
is(query("SELECT group_api.resume('mail')"), 't', 'resume() says that it ended the rest');
poll_until(sub { count_of($group, 'sent') == 30 }, 'also for a dispatcher that starts anew', 60);
is(query("SELECT max(attempts) FROM group_api_private.invitations WHERE contact LIKE '%\@%'"), '1', 'by one try each');

# ---- a rest ends by itself, and with the settings --------------------------------------

my $busy = start_script_server(http => { rules => [ { count => 'rule',
	replies => [ { status => 429, headers => { 'Retry-After' => '12' } }, { status => 200, body => {} } ] } ] });
add_sms($node, $busy->{http});
poll_until(sub { provider('sms', 'state') eq 'resting' }, 'a gateway that says Retry-After rests', 60);
poll_until(sub { provider('sms', 'state') eq 'ready' }, 'until that is over', 60);
poll_until(sub { count_of($other, 'sent') == 1 }, 'then it sends by itself', 60);
is(query("SELECT group_api.resume('sms')"), 'f', 'then resume() finds nothing to end');
my ($first, $second) = map { $_->{at} } read_log($busy, 'request');
cmp_ok($second - $first, '>=', 12, 'and no earlier');
set_rules($busy, http => { rules => [ { replies => [ { status => 429, headers => { 'Retry-After' => '3000' } } ] } ] });
my $changed = invite($node, sa_number(2));
poll_until(sub { provider('sms', 'state') eq 'resting' }, 'it rests again', 60);
query("SELECT group_api.pause('sms', 'moving')");
is(provider('sms', 'state'), 'paused', 'an operator\'s pause goes before a rest');
query("SELECT group_api.resume('sms')");
set_rules($busy, http => { rules => [] });
query("ALTER SERVER sms OPTIONS (ADD rate '100')");
poll_until(sub { count_of($changed, 'sent') == 1 }, 'resumed, or with other settings, it sends at once', 60);

# ---- a relay that takes two connections ---------------------------------------------------

# What is answered after the dot after 20 ms takes 3 s by two connections.
my @slow = ({ at => 'dot', replies => [ { reply => '250 ok', delay => 0.02 } ] });
my $ideal = 0;
for my $connections (2, 8)
{
	my $narrow = start_script_server(smtp => { rules => \@slow, connections => 2 });
	query('DROP SERVER mail');
	add_mail($node, $narrow->{smtp}, max_connections => $connections);
	my $started = time;
	my $many = invite($node, map { mail_address($_, "narrow$connections.") } 1 .. 300);
	poll_until(sub { count_of($many, 'sent') == 300 }, "300 are sent by a relay that allows 2 connections of $connections", 120);
	my $taken = time - $started;
	my $tries = query("SELECT count(*) FROM group_api_private.attempts WHERE group_id = '$many'");
	cmp_ok($tries - 300, '<=', $connections, 'by no more than a try a connection in vain');
	is(query("SELECT max(attempts) FROM group_api_private.invitations WHERE group_id = '$many'"), '1', 'which cost nobody a try');
	$ideal = $taken if $connections == 2;
	diag(sprintf '%d connections: %.2f s, %d refused, %.2f of the ideal', $connections, $taken,
		scalar(read_log($narrow, 'crowded')), $taken / $ideal);
}
like(provider('mail', 'max_connections'), qr/^[23]$/, 'the view of providers shows what was learnt');
like(fact('EMAIL'), qr/mail allows [23] connections, fewer than max_connections/, 'health() names the option');
done_testing();
