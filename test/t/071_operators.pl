# What an operator sees of providers, invitations and long work, and what he does
# with many at once; the page for who watches.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('operators', conf => "
group_api.retry_base = 1
group_api.resend_cooldown = 0
group_api.invitation_cooldown = 0
group_api.invitation_url = 'https://example.com/i?t='");
my $gateway = start_script_server(http => {}, smtp => {});
my $next = 0;

sub query { return $node->safe_psql('postgres', $_[0]); }
sub some { return map { sa_number(++$next) } 1 .. $_[0]; }
sub rules { set_rules($gateway, http => { rules => [ { match => '', replies => [ $_[0] ] } ] }, smtp => {}); return; }
sub stat_of { return query("SELECT $_[0] FROM group_api.stat_providers WHERE server = 'sms'"); }

# ---- what becomes of messages is counted

my ($status, $out, $error) = $node->psql('postgres', 'SELECT group_api.create_group(' . group_body(some(1)) . ')');
like($error, qr/NOTICE: .*no provider for MOBILE/, 'who creates a group that nobody can send for is told so');
query('SELECT group_api.cancel()');
add_sms($node, $gateway->{http});
query('CREATE ROLE watcher; CREATE ROLE op');
query(q{SELECT group_api.grant_access('watcher', 'monitor'), group_api.grant_access('op', 'operator')});
my $group = invite($node, some(20));
poll_until(sub { stat_of('accepted') == 20 }, 'each message is counted');
is(stat_of('state'), 'ready', 'with the state of the provider');
poll_until(sub { stat_of('in_flight') eq '0' }, 'and what is in flight');
is(stat_of('latency_p50 <= latency_p95 AND latency_p95 <= latency_p99 AND latency_p99 < interval $$1 min$$'), 't', 'and how long it took');
is(stat_of('rate > 0'), 't', 'and how fast it goes');
rules({ status => 500 });
my $failing = invite($node, some(8));
poll_until(sub { stat_of('state') eq 'failing' }, 'a provider that answers with errors is failing');
like(stat_of('last_error'), qr/500/, 'with its last words');
# A row for each quarter, and one may begin just now.
poll_until(sub { query(q{SELECT sum(sent), sum(failed) FROM group_api.stat_deliveries}) eq '20|0' }, 'the last day by quarters of an hour');
is(query(q{SELECT state, claimed >= 20 FROM group_api.stat_dispatcher}), 'running|t', 'the dispatcher has a row');
rules({});
query(q{SELECT group_api.resume('sms')});
poll_until(sub { (deliveries($node)->{sent} // 0) == 28 }, 'resume() has everything tried at once');
is(stat_of('failing_since IS NULL'), 't', 'and the provider is well');

# ---- one invitation

my $times = query("SELECT string_agg(event, ', ') FROM group_api.timeline('$failing', 2)");
like($times, qr/^queued, (attempt: \w+, )+now: sent$/, 'a timeline begins with the group, has each attempt, and ends with what is now');
is(query("SELECT count(*) FROM group_api.timeline(gen_random_uuid(), 1)"), 0, 'of an unknown one there is none');
is(query("SET ROLE watcher; SELECT count(*) > 2 FROM group_api.timeline('$failing', 2)"), 't', 'a monitor may see it');

# ---- many at once

rules({ status => 503 });
query('ALTER DATABASE postgres SET group_api.max_attempts = 1');
invite($node, some(10));
poll_until(sub { (deliveries($node)->{failed} // 0) == 10 }, 'ten are given up');
query('ALTER DATABASE postgres RESET group_api.max_attempts');
# A dispatcher counts what it recorded once that is committed.
poll_until(sub { query(q{SELECT severity || ': ' || fact FROM group_api.health() WHERE "check" = 'outcomes'}) =~ /^notice: .* 10 failed/ }, 'health() tells how many');
rules({});
query(q{SELECT group_api.resume('sms')});
is(query(q{SELECT group_api.retry_failed(server => 'other')}), 0, 'none of them was of another provider');
is(query(q{SELECT group_api.retry_failed(reason => 'no such words%')}), 0, 'nor for other reasons');
is(query(q{SELECT group_api.retry_failed(max_rows => 3)}), 3, 'some are tried again');
is(query(q{SELECT group_api.retry_failed(server => 'sms', max_age => '1 hour', channel => 'MOBILE')}), 7, 'then the others');
poll_until(sub { (deliveries($node)->{sent} // 0) == 38 }, 'and all are sent');
my ($code, undef, $words) = $node->psql('postgres', q{SELECT group_api.retry_failed(max_rows => 0)});
like($words, qr/max_rows must be 1 or more/, 'none at all is no choice');
is(query("SELECT group_api.resend(group_id => '$group', max_rows => 5)"), 5, 'some are sent again');
poll_until(sub { sms_recipients($gateway) >= 20 + 5 }, 'under new links');
# Neither what nobody can send any more nor what is refused keeps the others from being sent.
my $archived = invite($node, some(4));
my $abroad = invite($node, uk_number(++$next), some(3));
poll_until(sub { (deliveries($node)->{sent} // 0) == 46 }, 'of two more groups all is sent');
query("UPDATE group_api_private.invitations SET response = 'expired' WHERE group_id = '$archived'; SELECT group_api.archive_group('$archived')");
query("ALTER DATABASE postgres SET group_api.mobile_countries = 'ZA'");
is(query("SELECT group_api.resend(group_id => '$archived')"), 0, 'an archived group is not chosen');
is(query("SET request.method = 'POST'; SELECT group_api.resend(group_id => '$abroad', max_rows => 1)"), 1,
	'a refused invitation takes nobody\'s place, is not counted, and ends nothing, over HTTP as well');
poll_until(sub { (deliveries($node)->{sent} // 0) == 46 }, 'which is sent');
my $versions = q{SELECT string_agg(link_version::text, ' ' ORDER BY number) FROM group_api_private.invitations WHERE group_id = '%s'};
is(query(sprintf $versions, $abroad), '1 2 1 1', 'one alone was resent');
my $open = query(q{SELECT count(*) FROM group_api.deliveries WHERE response = 'pending'});
(undef, undef, $words) = $node->psql('postgres', q{CALL group_api.in_batches('resend', batch_size => 1)});
like($words, qr/NOTICE: +@{[ $open - 1 ]} of $open\b/, 'batches go on where one of them resends nothing, and each is resent once');
is(query(sprintf $versions, $archived), '1 1 1 1', 'none in the archived group');
is(query(sprintf $versions, $abroad), '1 3 2 2', 'and none that is refused');
query('ALTER DATABASE postgres RESET group_api.mobile_countries');
query('SELECT group_api.wait_until_idle()');
query("UPDATE group_api_private.invitations SET response = 'accepted' WHERE group_id = '$abroad'");
(undef, undef, $words) = $node->psql('postgres', "SELECT group_api.resend(group_id => '$abroad')");
is($words, '', 'what was answered is not chosen');
query('SELECT group_api.pause_all()');
is(query(q{SELECT state FROM group_api.providers}), 'paused', 'all providers are paused');
invite($node, some(25));
is(query(q{SET ROLE op; CALL group_api.in_batches('cancel', batch_size => 10); SELECT count(*) FROM group_api.deliveries WHERE delivery = 'canceled'}), 26,
	'what waits is canceled in batches');
is(query('SELECT count(*) FROM group_api.stat_progress'), 0, 'afterwards there is no progress to tell');
is(query(q{BEGIN; SELECT group_api.report_progress('resend', 3, 10); ROLLBACK; SELECT count(*) FROM group_api.stat_progress}) =~ s/^\n//r, 0,
	'nor is there after a rollback');
query(q{SELECT group_api.report_progress('resend', 3, 10)});
is(query(q{SELECT group_api.report_progress('resend', 3, 10); SELECT action, done, total, pid = pg_backend_pid() FROM group_api.stat_progress}),
	"\nresend|3|10|t", 'long work tells how far it is');
is(query(q{SELECT group_api.report_progress('x' || repeat('ö', 500), 3, 10); SELECT action ~ '^xö+$' AND octet_length(action) % 2 = 1 FROM group_api.stat_progress}),
	"\nt", 'with a name that is cut between two letters');
is(query(q{SELECT group_api.resume_channel('EMAIL')}), 0, 'a channel alone is resumed');
is(query(q{SELECT group_api.resume_channel('MOBILE')}), 1, 'and the other one');
is(query(q{SELECT group_api.pause_channel('MOBILE', 'moving')}), 1, 'or paused');
is(query(q{SELECT group_api.pause_channel('MOBILE', 'something else')}), 0, 'what is paused is not paused again');
like(query(q{SELECT reason FROM group_api.providers}), qr/moving/, 'and keeps why it was');

# ---- expiry of many, of which a part has to wait

my ($held, $other) = map { invite($node, some(3)) } 1 .. 2;
for my $table ([ invitations => 'expires_at', 'group_id' ], [ groups => 'next_deadline', 'id' ])
{
	query("UPDATE group_api_private.$table->[0] SET $table->[1] = clock_timestamp() + interval '10 s' WHERE $table->[2] IN ('$held', '$other')");
}
$node->reload;
my $holder = psql_in_background($node, "BEGIN; SELECT FROM group_api_private.groups WHERE id = '$held' FOR UPDATE;");
poll_until(sub { query('SELECT action, done, total IS NULL, pid = (SELECT pid FROM group_api.dispatcher) FROM group_api.stat_progress') eq 'expire|3|t|t' },
	'the dispatcher tells how many have expired while more are due') or diag(query('SELECT p::text FROM group_api.stat_progress p'));
$holder->{finish}->();
poll_until(sub { query("SELECT count(*) FROM group_api.deliveries WHERE group_id IN ('$held', '$other') AND response = 'expired'") == 6 }, 'which expire in the end')
  or diag(query("SELECT string_agg(concat_ws(' ', delivery, response, reason), ', ') FROM group_api.deliveries WHERE group_id IN ('$held', '$other')"));
poll_until(sub { query('SELECT count(*) FROM group_api.stat_progress') == 0 }, 'then there is no progress to tell');
query('SELECT group_api.resume_all()');

# ---- what was captured

query(q{CREATE SERVER box FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL', sender 'Chor <chor@example.com>')});
$node->safe_psql('postgres', 'SELECT group_api.create_group(' . group_body({ name => "Ch\x{f6}re & \x{c4}rzte im Gro\x{df}en" }, mail_address(1)) . ')');
poll_until(sub { query('SELECT count(*) FROM group_api.captured') == 1 }, 'a mail is captured');
like(query('SELECT subject FROM group_api.captured'), qr/Ch\x{c3}\x{b6}re & \x{c3}\x{84}rzte im Gro\x{c3}\x{9f}en/, 'its subject can be read');
like(query('SELECT text FROM group_api.captured'), qr/Come and sing/, 'and its text');
like(query('SELECT link FROM group_api.captured'), qr{^https://example\.com/i\?t=[\w.~-]+$}, 'and its link');
is(query(q{SELECT delivery, captured FROM group_api.deliveries WHERE channel = 'EMAIL'}), 'sent|t', 'it is told apart from one that was sent');
is(query(q{SELECT count(*) FROM group_api.deliveries WHERE captured}), 1, 'which the others were');
is(query(q{SET ROLE op; SELECT count(subject) FROM group_api.captured}), 1, 'an operator may read them');

# ---- a capture provider in front, and links to this machine

query(q{CREATE SERVER first FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE', priority '1')});
sub finding { return query("SELECT severity || ': ' || fact || '; ' || command FROM group_api.health() WHERE \"check\" = '$_[0]'"); }
like(finding('capture'), qr/^warning: first keeps .* of MOBILE and sends nothing, before sms.*; ALTER SERVER first OPTIONS \(SET priority '101'\);$/, 'a capture provider before a real one is told');
query(q{ALTER SERVER first OPTIONS (SET priority '101')});
is(query(q{SELECT severity FROM group_api.health() WHERE "check" = 'capture'}), 'ok', 'behind it is well');
query('ALTER DATABASE postgres SET group_api.invitation_url = $$http://localhost:3000/rpc/invitation_page?token=$$');
like(finding('links'), qr/^warning: .*localhost/, 'so are links to nowhere');
query('ALTER DATABASE postgres RESET group_api.invitation_url');
query(q{CREATE ROLE "Web"; ALTER SYSTEM SET group_api.trusted_roles = '"Web"'});
$node->reload;
poll_until(sub { finding('trusted roles') =~ /^warning: .*Web, which was not made a gateway/ }, 'and a role that is trusted in vain');
query((split /; /, finding('trusted roles'))[-1]);
is(query(q{SELECT severity FROM group_api.health() WHERE "check" = 'trusted roles'}), 'ok', 'which the command ends');

(undef, undef, $error) = $node->psql('postgres', q{ALTER SYSTEM SET group_api.courier_path = '/nowhere/courier'});
like($error, qr/WARNING: .*cannot execute: No such file/, 'who sets a courier that is not there is warned');
query('ALTER SYSTEM RESET group_api.courier_path');

# ---- a language without words

($status, $out, $error) = $node->psql('postgres', q{ALTER SYSTEM SET group_api.default_locale = 'nl'});
like($error, qr/WARNING:  there are no built-in words in the language "nl"\n.*\nHINT:  SELECT group_api\.put_template\('MOBILE', 'nl', /, 'who sets a language without words is warned');
$node->reload;
poll_until(sub { query(q{SELECT severity || ' ' || fact FROM group_api.health() WHERE "check" = 'words'}) eq
	'warning group_api.default_locale is nl, and there are no words in it for MOBILE and EMAIL: English is used' }, 'health() says so');
query(q{SELECT group_api.put_template('MOBILE', 'nl', 'Kom: {link}')});
like(query(q{SELECT fact FROM group_api.health() WHERE "check" = 'words'}), qr/for EMAIL: English/, 'of the channels that lack them');
query(q{SELECT group_api.remove_template('MOBILE', 'nl')});
query($_) for split /;\n?/, query(q{SELECT command FROM group_api.health() WHERE "check" = 'words'});
poll_until(sub { query(q{SELECT severity FROM group_api.health() WHERE "check" = 'words'}) eq 'ok' }, 'its command helps');
($status, $out, $error) = $node->psql('postgres', q{ALTER SYSTEM SET group_api.default_locale = 'pt-BR'; ALTER SYSTEM RESET group_api.default_locale});
is($error, '', 'words of a language are words of its regions');
query(q{ALTER SYSTEM SET group_api.default_locale = 'de_DE.UTF-8'});
$node->reload;
poll_until(sub { query(q{SELECT severity || ': ' || fact FROM group_api.health() WHERE "check" = 'words'}) eq
	'ok: people whose language is not known are written to in de_DE.UTF-8' }, 'however it is spelled');
query('ALTER SYSTEM RESET group_api.default_locale');
$node->reload;

# ---- the page

my $page = query('SET ROLE watcher; SELECT group_api.status_page()');
like($page, qr{^<!DOCTYPE html>.*</html>$}s, 'a monitor sees the page');
unlike($page, qr/<script|\bon\w+=|https?:|style="/, 'which brings no script and asks for nothing');
like($page, qr/<svg [^>]*role="img" aria-label="Messages of each of the last 24 hours: \d+ sent/, 'with a chart');
like($page, qr/sms \(http, MOBILE\): ready/, 'and the providers');
unlike($page, qr/\+2782|example\.com/, 'and no contact');
query(q{ALTER SERVER sms RENAME TO "<b>&"});
like(query('SELECT group_api.status_page()'), qr/&lt;b&gt;&amp; \(http/, 'whatever a provider is called');
like(query(q{SELECT CASE WHEN length(group_api.status_page()) > 0 THEN current_setting('response.headers') END}),
	qr/default-src 'none'; style-src 'sha256-/, 'its policy allows its style alone');

# ---- every column says what it is

is(query(q{SELECT string_agg(c.relname || '.' || a.attname, ', ') FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
	WHERE c.relnamespace = 'group_api'::regnamespace AND c.relkind = 'v' AND a.attnum > 0 AND col_description(c.oid, a.attnum) IS NULL}), '',
	'every column of every view says what it is');

done_testing();
