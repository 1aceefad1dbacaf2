# Applications hear what happens: a receiver built on npm's standardwebhooks gets the
# events of many groups, each of them, in the order of its group and signed, while
# dispatchers and couriers are killed; and listeners that misbehave harm nobody else.
#
# GROUP_API_EVENT_GROUPS: how many groups, of ten events each (1000 takes minutes).
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use IPC::Run ();
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(sleep time);

my $GROUPS = $ENV{GROUP_API_EVENT_GROUPS} // 60;
my $EVENTS_OF_A_GROUP = 10;
my $KILLS = 5;    # of each
my $AT_ONCE = int($GROUPS / (2 * $KILLS)) || 1;    # groups of one statement

my $modules = peer('node_modules');
plan skip_all => 'standardwebhooks not found' unless $modules && -e "$modules/standardwebhooks";
plan skip_all => 'node not found' if system('node --version >/dev/null 2>&1') != 0;

my $secret = 'whsec_' . encode_base64('thirty-two bytes of a secret key', '');
my $scratch = $PostgreSQL::Test::Utils::tmp_check;

my %receiver = (log => "$scratch/receiver.log", port_file => "$scratch/receiver.port");
{
	local $ENV{NODE_PATH} = $modules;
	$receiver{pid} = GroupApiTest::start_program('receiver', '/usr/bin/env', 'node', project_root() . '/test/peers/webhook-receiver.js',
		$secret, @receiver{qw(log port_file)});
	$receiver{url} = 'http://127.0.0.1:' . GroupApiTest::await_port($receiver{port_file}, $receiver{pid});
}

my $node = new_node('main', init => [ allows_streaming => 0 ], conf => '
restart_after_crash = on
group_api.retry_base = 1
group_api.retry_cap = 2');
my $sms = start_script_server(http => { rules => [
	{ match => '27820000003', replies => [ { status => 400, body => 'no such number 27820000003, sorry: ' . ("\xc3\xb6" x 300) } ] },
	{ match => '27820000002', replies => [ { status => 400, body => 'no such number' } ] },
	{ match => '27820000004', replies => ['drop'] },
	{ replies => [ { status => 200, body => 'taken' } ] } ] });

sub sql { return $node->safe_psql('postgres', $_[0]); }

sub add_webhook
{
	my ($name, $path, %options) = @_;
	sql("CREATE SERVER $name FOREIGN DATA WRAPPER group_api_webhook OPTIONS (" . Invitations::options_text(url => $receiver{url} . $path, %options) . ");
		CREATE USER MAPPING FOR PUBLIC SERVER $name OPTIONS (secret '$secret')");
	return;
}

sub webhook { return from_json(sql("SELECT row_to_json(w) FROM group_api.webhooks w WHERE server = '$_[0]'")); }

# Requests that came, of one path.
sub received
{
	my ($path) = @_;
	return grep { $_->{path} eq $path } read_log(\%receiver);
}

# ---- what the dispatcher does is told, too

sql("SELECT group_api.create_consumer('facts', 'invitation.*')");
add_sms($node, $sms->{http}, on_uncertain => 'hold', callback_url => 'https://hooks.example.com/receipt');
my $facts = invite($node, sa_number(1), sa_number(2), sa_number(4), sa_number(5));

sub heard
{
	return sql("SELECT string_agg(type || ' ' || (event #>> '{data,member,number}'), ', ' ORDER BY event #>> '{data,member,number}', id)
		FROM group_api.next_events('facts') e, LATERAL (SELECT group_api.ack_events('facts', e.id)) a WHERE type <> 'invitation.queued'");
}

sub is_done { return sql("SELECT count(*) FROM group_api_private.invitations WHERE delivery IN ('queued', 'sending')") eq '0'; }

poll_until(sub { is_done() }, 'messages are sent', 20);
is(heard(), 'invitation.sent 2, invitation.failed 3, invitation.uncertain 4, invitation.sent 5', 'what became of each message is told');
sql("UPDATE group_api_private.invitations SET expires_at = now() WHERE group_id = '$facts' AND number = 5;
	UPDATE group_api_private.groups SET next_deadline = now() WHERE id = '$facts'; SELECT group_api.retry_failed('$facts')");
poll_until(sub { sql("SELECT count(*) FROM group_api_private.events WHERE type = 'invitation.expired'") eq '1' }, 'an invitation expires', 20);
like(heard(), qr/invitation\.expired 5/, 'which is told');
poll_until(sub { is_done() }, 'what was tried again is sent', 20);
heard();
my $key = sql("SELECT format('inv-%s.%s.%s', translate(group_id::text, '-', ''), number, link_version)
	FROM group_api_private.invitations WHERE group_id = '$facts' AND number = 2");
is(sql("SELECT result FROM json_to_record(group_api.receive_receipt('sms', convert_to('status=delivered&key=$key', 'UTF8'), '{}', substring(group_api.receipt_url('sms') FROM '\\?(.*)'))::json) AS r (result text)"),
	'moved', 'a receipt says that a message arrived');
is(heard(), 'invitation.delivered 2', 'which is told');
sql("SELECT group_api.pause('sms')");
invite($node, sa_number(6));
sql("SELECT group_api.suppress('" . sa_number(6) . "'); SELECT group_api.resume('sms')");
poll_until(sub { is_done() }, 'what waited is looked at once more when its turn comes', 20);
is(heard(), 'invitation.suppressed 2', 'and who wants none by then is told as suppressed');
invite($node, sa_number(3));
poll_until(sub { sql("SELECT last_error FROM group_api.stat_providers WHERE server = 'sms'") =~ /no such number .*:/ }, 'the words of a provider are kept');
my $words = sql("SELECT last_error FROM group_api.stat_providers WHERE server = 'sms'");
like($words, qr/no such number \*\*\*, sorry: /, 'without the contact');
is(sql("SELECT last_error = convert_from(convert_to(last_error, 'UTF8'), 'UTF8') FROM group_api.stat_providers WHERE server = 'sms'"), 't',
	'and cut between two letters, after ' . length($words));
unlike(sql('SELECT group_api.status_page()'), qr/27820000003/, 'so is the page for monitors');
sql("SELECT group_api.drop_consumer('facts')");

# ---- many groups, while everything is killed

sql('DROP SERVER sms CASCADE');
sql("CREATE SERVER quiet FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL')");
add_webhook('crm', '/slow', events => 'group.created, group.archived, invitation.*', max_connections => 8);
add_webhook('flaky', '/flaky', events => 'group.*', contacts => 'true', max_connections => 4);
sql(q{CREATE FUNCTION make_groups(first integer, last integer) RETURNS void LANGUAGE sql AS $$
	SELECT group_api.create_group(jsonb_build_object('productId', '00000000-0000-0000-0000-000000000001', 'name', 'Choir ' || n,
		'description', 'We sing', 'image', 'https://example.com/choir.png', 'message', 'Come', 'members', (SELECT jsonb_agg(jsonb_build_object(
			'nickName', 'Person ' || m, 'contact', jsonb_build_object('type', 'EMAIL', 'value', format('g%s.m%s@example.com', n, m))))
			FROM generate_series(1, 4) AS m))) FROM generate_series(first, last) AS n $$});
my $first_event = sql('SELECT coalesce(max(id), 0) FROM group_api_private.events');
my $made = 0;

# Each statement has a twin that is rolled back.
sub make_some
{
	my $last = $made + $AT_ONCE < $GROUPS ? $made + $AT_ONCE : $GROUPS;
	return if $made == $GROUPS;
	sql("BEGIN; SELECT make_groups(1000001, 1000003); ROLLBACK");
	sql('SELECT make_groups(' . ($made + 1) . ", $last)");
	$made = $last;
	return;
}

# Half of them are archived, once all is sent.
sub archive_group
{
	sql("SELECT group_api.archive_group(id) FROM group_api_private.groups g WHERE name LIKE 'Choir %' AND number % 2 = 0 AND status = 'ACTIVE'
		AND NOT EXISTS (SELECT FROM group_api_private.invitations i WHERE i.group_id = g.id AND i.delivery <> 'sent')");
	return;
}

sub launcher { return sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'group_api launcher'") || die "no launcher\n"; }

# Requests so far, without reading them.
sub arrived
{
	my $lines = 0;

	open(my $file, '<', $receiver{log}) or return 0;
	$lines++ while <$file>;
	return $lines;
}

my %killed = (courier => 0, dispatcher => 0);
my %last = (courier => 0, dispatcher => 0);
my $give_up = time + $GroupApiTest::PATIENCE;
for my $kind (map { $_ % 2 ? 'dispatcher' : 'courier' } 0 .. 2 * $KILLS - 1)
{
	my $before = arrived();
	eval { make_some(); 1 } or fail("groups are made: $@");
	sleep 0.01 while arrived() < $before + 2 * $AT_ONCE && time < $give_up;
	my $pid = 0;
	while (time < $give_up)
	{
		my $state = eval { dispatcher($node) };
		$pid = $state ? $state->{ $kind eq 'courier' ? 'courier_pid' : 'pid' } || 0 : 0;
		last if $pid && $pid != $last{$kind};
		sleep 0.01;
	}
	my $launcher = $kind eq 'dispatcher' ? launcher() : 0;
	next unless $pid && kill('KILL', $pid);
	$killed{$kind}++;
	$last{$kind} = $pid;
	poll_until(sub { launcher() != $launcher }, "a server that began anew answers after kill $killed{$kind} of the dispatcher") if $launcher;
}
is_deeply(\%killed, { courier => $KILLS, dispatcher => $KILLS }, 'courier and dispatcher were killed');
make_some() while $made < $GROUPS;
poll_until(sub { sql("SELECT count(*) FROM group_api_private.invitations WHERE delivery = 'sent' AND contact LIKE 'g%'") == 4 * $GROUPS }, 'all invitations are sent');
archive_group();
poll_until(sub { webhook('crm')->{waiting} == 0 && webhook('flaky')->{waiting} == 0 }, 'all events are told');
is(webhook($_)->{dead}, 0, "none to $_ is a dead letter") for qw(crm flaky);

my @events = map { [ split /\|/ ] } split /\n/, sql("SELECT uid, about_group, type FROM group_api_private.events WHERE id > $first_event ORDER BY id");
cmp_ok(scalar @events, '>=', $GROUPS * ($EVENTS_OF_A_GROUP - 1), 'there were events: ' . @events);

for my $listener ([ crm => '/slow', qr/^(?:group\.(?:created|archived)|invitation\.)/ ], [ flaky => '/flaky', qr/^group\./ ])
{
	my ($name, $path, $types) = @$listener;
	my @got = received($path);
	my (%first, %bodies, %told, %due);
	my $repeated = 0;
	my @wrong = grep { defined $_->{error} } @got;

	is_deeply(\@wrong, [], "$name: npm's standardwebhooks believes all " . @got . ' requests') or diag($wrong[0]{error});
	for my $request (@got)
	{
		my $event = from_json($request->{body});
		my $is_new = !$first{ $request->{id} }++;

		$repeated++ unless $is_new;
		$bodies{ $request->{id} }{ $request->{body} } = 1;
		# A try that was refused is no telling; the last one is what counts.
		push @{ $told{ $event->{data}{group}{id} } }, $request->{id} if $is_new;
	}
	for my $event (@events)
	{
		push @{ $due{ $event->[1] } }, "evt_$event->[0]" if $event->[2] =~ $types;
	}
	is(scalar(grep { keys %{ $bodies{$_} } > 1 } keys %bodies), 0, "$name: of one id there is one body, $repeated came again");
	is_deeply([ grep { !$first{$_} } map { @$_ } values %due ], [], "$name: none is lost");
	is_deeply([ grep { my $id = $_; !grep { $id eq "evt_$_->[0]" } @events } grep { keys %first < 2000 } keys %first ], [], "$name: nothing else came");
	is_deeply([ grep { "@{ $told{$_} // [] }" ne "@{ $due{$_} }" } keys %due ], [], "$name: each group is told in order");
	is(scalar(grep { $_->{body} =~ /Choir 100000\d/ } @got), 0, "$name: what was rolled back is told to nobody");
}
is(scalar(grep { $_->{body} =~ /example\.com"/ } received('/slow')), 0, 'no contact is told');

# ---- by the description of the API

SKIP:
{
	my $http = peer('http/node_modules');
	skip 'ajv not found', 2 unless $http && -e "$http/ajv";
	my %all = map { $_->{body} => 1 } received('/slow'), received('/flaky');
	my ($in, $out, $error) = (join("\n", keys %all) . "\n", '', '');
	local $ENV{NODE_PATH} = $http;
	IPC::Run::run([ 'node', project_root() . '/test/peers/event-schemas.js', project_root() . '/docs/openapi.yaml' ],
		'<', \$in, '>', \$out, '2>', \$error);
	is($error, '', 'the description is read');
	my $result = from_json($out);
	is_deeply([ $result->{checked}, $result->{faults} ], [ scalar keys %all, [] ], 'ajv finds every event as docs/openapi.yaml describes it');
}

# ---- listeners that misbehave

sql('DROP SERVER flaky CASCADE; DROP SERVER crm CASCADE');
add_webhook('good', '/ok', events => 'group.*');
add_webhook($_, "/$_", events => 'group.*', timeout => 5) for qw(gone redirect drip huge refuse);
add_webhook('dead', '', events => 'group.*');
sql("ALTER SERVER dead OPTIONS (SET url 'http://127.0.0.1:" . dead_port() . "/')");
sql('SELECT make_groups(2000001, 2000030)');
poll_until(sub { webhook('good')->{waiting} == 0 }, 'a listener is told all, whatever the others do', 20);
is(scalar(received('/ok')), 30, 'each event once');
poll_until(sub { webhook('gone')->{state} eq 'paused' }, 'one that is gone is paused');
like(webhook('gone')->{reason}, qr/410/, 'and the reason says why');
# Others were on their way when the first was answered.
my $asked = settled(sub { scalar received('/gone') }, 'and those on their way have come');
for my $name (qw(redirect refuse dead))
{
	poll_until(sub { webhook($name)->{last_failure} }, "what $name did is told: " . (webhook($name)->{last_failure} // ''));
	cmp_ok(webhook($name)->{waiting}, '>=', 1, "and its events wait");
}
is(scalar(received('/redirected')), 0, 'nobody is sent elsewhere');
for my $name (qw(drip huge))
{
	poll_until(sub { webhook($name)->{waiting} == 0 }, "a yes counts, whatever follows it: $name");
	is(scalar(received("/$name")), 30, 'and costs one try');
}
is(scalar(received('/gone')), $asked, 'who wants no more is told no more');
is(webhook('gone')->{dead}, 0, 'but nothing is lost');
sql("ALTER SERVER gone OPTIONS (SET url '$receiver{url}/ok/resumed'); SELECT group_api.resume('gone')");
poll_until(sub { webhook('gone')->{waiting} == 0 }, 'once it is resumed it is told all');
is(scalar(received('/ok/resumed')), 30, 'that happened meanwhile');
sql("SELECT group_api.replay_events('good', now() - interval '1 hour')");
poll_until(sub { webhook('good')->{waiting} == 0 }, 'what happened is told again');
my %ids;
$ids{ $_->{id} }++ for received('/ok');
cmp_ok(scalar(grep { $_ == 2 } values %ids), '>=', 30, 'under the same ids');

# ---- a big group is no hindrance to others

add_webhook('fair', '/ok/fair', events => 'group.created, invitation.queued', max_connections => 2);
sql("SELECT group_api.pause('fair')");
my @big = map { "big$_\@example.com" } 1 .. 2500;
my ($big, $small) = (invite($node, @big), invite($node, 'small@example.com'));
sql("SELECT group_api.resume('fair')");
poll_until(sub { webhook('fair')->{waiting} == 0 }, 'a big group and a small one are told');
my @fair = map { from_json($_->{body}) } received('/ok/fair');
is(scalar(@fair), 2503, 'each event once');
my ($place) = grep { $fair[$_]{data}{group}{id} eq $small } 0 .. $#fair;
cmp_ok($place, '<', 1000, 'the small one does not wait for the big one');
my @numbers = map { $_->{data}{member}{number} // 1 } grep { $_->{data}{group}{id} eq $big } @fair;
is_deeply(\@numbers, [ 1 .. 2501 ], 'which is told in its order');
invite($node, 'mail@example.com');
poll_until(sub { sql("SELECT count(*) FROM group_api_private.invitations WHERE contact = 'mail\@example.com' AND delivery = 'sent'") eq '1' },
	'and invitations are sent beside all that', 20);

# ---- an event is tried for three days, counted from its first try

my $late = start_script_server(http => { rules => [ { replies => [ { status => 503 }, { status => 200 } ], count => 'rule' } ] });

sub tries { return sql("SELECT $_[0] FROM group_api_private.event_deliveries WHERE listener = 'late'"); }

sub pass_days
{
	return sql("UPDATE group_api_private.event_deliveries SET tried_since = tried_since - interval '$_[0] days' WHERE listener = 'late'");
}

add_webhook('late', '/ok', events => 'invitation.suppressed');
sql("ALTER SERVER late OPTIONS (SET url '$late->{http}/'); SELECT group_api.pause('late'), group_api.suppress('late\@example.com')");
invite($node, 'late@example.com');
sql("UPDATE group_api_private.events SET at = at - interval '4 days' WHERE id = (SELECT event FROM group_api_private.event_deliveries WHERE listener = 'late');
	SELECT group_api.resume('late')");
poll_until(sub { webhook('late')->{waiting} == 0 }, 'what waited for four days is told');
is(webhook('late')->{dead}, 0, 'though it was refused at first');
set_rules($late, http => { rules => [ { replies => [ { status => 503 } ] } ] });
my $replayed = sql("SELECT group_api.replay_events('late', now() - interval '5 days')");
poll_until(sub { tries('min(tries)') > 0 }, 'what is replayed is refused');
is(webhook('late')->{dead}, 0, 'and tried again, however old it is');
sql("SELECT group_api.pause('late')");
pass_days(4);
sql("SELECT group_api.resume('late')");
poll_until(sub { tries("bool_and(coalesce(tried_since > now() - interval '1 day', false))") eq 't' }, 'so is what was tried before a pause of days');
is(webhook('late')->{dead}, 0, 'which does not count');
pass_days(3);
poll_until(sub { webhook('late')->{dead} == $replayed }, 'what is refused for three days is a dead letter');
# Else it rests for long after so many faults.
sql("SELECT group_api.resume('late')");
sql("SELECT group_api.replay_events('late', now() - interval '5 days')");
poll_until(sub { tries('min(tries)') > 0 }, 'replayed it is refused anew');
is(webhook('late')->{dead}, 0, 'and tried again for three days');
sql('DROP SERVER late CASCADE');

# What was read before its webhook was resumed is tried anew for three days, too.  A pause that is
# taken off its table ends without the date.
my $waiting = scalar(read_log($late, 'request'));
set_rules($late, http => { rules => [ { replies => [ { status => 503, hold => 1 } ] } ] });
add_webhook('later', '/ok', events => 'invitation.suppressed');
sql("ALTER SERVER later OPTIONS (SET url '$late->{http}/'); SELECT group_api.pause('later'), group_api.suppress('later\@example.com')");
invite($node, 'later@example.com');
sql("UPDATE group_api_private.event_deliveries SET tried_since = now() - interval '4 days', tries = 1 WHERE listener = 'later';
	DELETE FROM group_api_private.pauses WHERE server = 'later'; SELECT pg_reload_conf()");
poll_until(sub { scalar(read_log($late, 'request')) > $waiting }, 'an event is told that was first tried four days ago');
sql("SELECT group_api.resume('later')");
set_rules($late, http => { rules => [ { replies => [ { status => 503 } ] } ] });
poll_until(sub { sql("SELECT tried_since > now() - interval '1 day' FROM group_api_private.event_deliveries WHERE listener = 'later'") eq 't' },
	'resumed meanwhile, its days begin with the refusal');
is(webhook('later')->{dead}, 0, 'and it is no dead letter');
sql('DROP SERVER later CASCADE');

# ---- without a plan and by a statement the same is told

add_webhook('shy', '/ok/shy', events => 'group.*');
add_webhook('open', '/ok/open', events => 'group.*', contacts => 'true');
sql("SELECT group_api.pause('shy'), group_api.pause('open')");
my $shapes = sql(<<'SQL');
	WITH written AS (INSERT INTO group_api_private.events (type, at, about_group, group_number, product_id, user_id, user_subject,
			member, member_name, delivery, response, channel, server, group_name, reason, contact, contact_for)
		SELECT 'group.updated', at, CASE WHEN u.number % 5 > 0 THEN gen_random_uuid() END, 9007199254740993 + u.number,
			CASE WHEN u.number % 2 = 0 THEN gen_random_uuid() END, user_id, words, member, words,
			CASE WHEN u.number % 3 > 0 THEN 'failed'::group_api.delivery END, CASE WHEN u.number % 3 = 1 THEN 'pending'::group_api.response END,
			'MOBILE', server, words, reason, contact, contact_for
		FROM unnest(ARRAY['plain', E'"quotes" \\ and\n\r\t\b\u0001', U&'\00dcn\00efcode \+01f389 </script>', '', NULL],
				ARRAY['0001-01-01 00:00:00+00', '1999-12-31 23:59:59.999999+00', '2026-02-28 01:02:03.000004+00', '9999-12-31 23:59:59+00', '10001-01-01 00:00+00']::timestamptz[])
				WITH ORDINALITY u (words, at, number),
			unnest(ARRAY[7, NULL]) m (member), unnest(ARRAY[-8, NULL]) n (user_id), unnest(ARRAY['sms'::name, NULL, NULL]) s (server),
			unnest(ARRAY['not 27820000003, nor ANN@example.com', '', NULL]) r (reason),
			unnest(ARRAY['+27820000003', 'ann@Example.com', '+', '++', NULL]) c (contact),
			(VALUES ('{open}'::text[]), ('{shy,NULL,open}'), ('{shy}'), (NULL)) f (contact_for)
		RETURNING id),
	told AS (INSERT INTO group_api_private.event_deliveries (event, listener) SELECT id, name FROM written, (VALUES ('shy'), ('open')) l (name))
	SELECT count(*) FROM written
SQL

sub tell_both
{
	sql("SELECT group_api.resume('shy'), group_api.resume('open')");
	poll_until(sub { webhook('shy')->{waiting} + webhook('open')->{waiting} == 0 }, "all are told $_[0]", 60);
	return map { my $path = $_; $path => [ map { "$_->{id} $_->{body}" } received("/ok/$path") ] } qw(shy open);
}

my %directly = tell_both('without a plan');
is(scalar @{ $directly{$_} }, $shapes, "$_: each event once") for qw(shy open);
isnt("@{ $directly{shy} }", "@{ $directly{open} }", 'of which some hear more');
sql("SELECT group_api.pause('shy'), group_api.pause('open');
	ALTER INDEX group_api_private.event_deliveries_due RENAME TO another; ALTER INDEX group_api_private.event_deliveries_pkey RENAME TO one;
	INSERT INTO group_api_private.event_deliveries (event, listener) SELECT id, l FROM group_api_private.events, unnest(ARRAY['shy', 'open']) l WHERE group_number > 9007199254740992");
my %both = tell_both('by a statement');
for my $name (qw(shy open))
{
	my %times;
	$times{$_}++ for @{ $both{$name} };
	is_deeply([ grep { $times{$_} != 2 } sort keys %times ], [], "$name: both times in the same words");
}

done_testing();
