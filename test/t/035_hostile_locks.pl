# Nobody but the owner of the tables can stop the delivery: not with a lock on the
# extension, not with a row, not with a key that is not committed.  What the owner
# locks is told by health(), and ends in sending.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PollSession qw(stay_connected);
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('main', conf => "
max_prepared_transactions = 10
group_api.retry_base = 1
group_api.recipient_daily_cap = 1000
group_api.inviter_daily_cap = 100000");
my $gateway = start_http_sink(log => 1);
my $next = 0;

add_sms($node, $gateway->{http});
$node->safe_psql('postgres', "CREATE ROLE stranger LOGIN; CREATE ROLE caller LOGIN; CREATE ROLE watcher LOGIN;
	SELECT group_api.grant_access('caller', 'caller'), group_api.grant_access('watcher', 'monitor')");

stay_connected();
sub sql { return $node->safe_psql('postgres', $_[0]); }

# A session of a role with an open transaction.
sub session
{
	my ($role, $sql) = @_;
	return psql_in_background($node, "SET SESSION AUTHORIZATION $role; BEGIN; $sql");
}

sub roll_back
{
	my ($session) = @_;
	$session->{say}->('ROLLBACK;');
	$session->{finish}->();
	return;
}

sub are_sent
{
	my ($what, $count) = @_;
	my @numbers = map { german_number(++$next) } 1 .. $count // 5;
	my %wanted = map { $_ => 1 } @numbers;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	invite($node, @numbers);
	return poll_until(sub { @numbers == grep { $wanted{$_} } recipients($gateway) }, $what, 20);
}

# The history is trimmed at a dispatcher's first message.
sub restart_dispatcher
{
	my $before = dispatcher($node)->{pid};
	kill 'TERM', $before;
	wait_for_dispatcher($node, 'another dispatcher starts', not => $before);
	return;
}

sub health { return sql("SELECT ok, fact, hint FROM group_api.health() WHERE \"check\" = 'locks'"); }

are_sent('all is well');
is(health(), 't|nothing is in the way|', 'says health()');

# ---- locks on the extension ------------------------------------------------------

my $held = session('stranger', 'CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS $$SELECT 1$$;
	ALTER FUNCTION pg_temp.f() DEPENDS ON EXTENSION group_api;');
are_sent('who locks the extension holds nobody up');
restart_dispatcher();
are_sent('nor a dispatcher that starts');
roll_back($held);
{
	my @tries = map { IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SET SESSION AUTHORIZATION stranger', '-c',
			'DO $$BEGIN LOOP BEGIN DROP EXTENSION group_api; EXCEPTION WHEN insufficient_privilege THEN NULL; END; END LOOP; END$$' ],
			'>', \my $out, '2>', \my $error) } 1 .. 3;
	poll_until(sub { sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO %DROP EXTENSION%' AND state = 'active' AND pid <> pg_backend_pid()") eq '3' },
		'three try to drop the extension again and again');
	are_sent('which holds nobody up', 50);
	sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO %DROP EXTENSION%' AND pid <> pg_backend_pid()");
	eval { $_->finish } for @tries;
}

# A caller's open transaction, and somebody who waits for a lock on its table.
for my $role (qw(stranger caller watcher))
{
	for my $command (
		'CREATE RULE r AS ON INSERT TO group_api_private.invitations DO NOTHING',
		'CREATE TRIGGER t BEFORE INSERT ON group_api_private.invitations EXECUTE FUNCTION suppress_redundant_updates_trigger()',
		'CREATE TEMP TABLE t (g uuid REFERENCES group_api_private.groups)',
		"CREATE TEMP TABLE t PARTITION OF group_api_private.invitations DEFAULT",
		'PREPARE p AS INSERT INTO group_api_private.pauses (server) VALUES (NULL)',
		'BEGIN; LOCK TABLE group_api_private.invitations')
	{
		my ($result, $out, $error) = $node->psql('postgres', "SET SESSION AUTHORIZATION $role; $command");
		like($error, qr/permission denied for schema group_api_private/, "$role names no table: $command");
	}
}
my ($status, $out, $error) = $node->psql('postgres', 'SET SESSION AUTHORIZATION watcher; SELECT * FROM group_api.health()');
is($status, 0, 'a monitor asks health() all the same') or diag($error);

# What they may name are views.
$held = session('caller', 'PREPARE p AS SELECT FROM group_api.dispatcher; PREPARE q AS SELECT FROM group_api.locks; PREPARE r AS SELECT FROM group_api.providers;');
my @waiting = map { my $sql = "SET SESSION AUTHORIZATION caller; CREATE RULE r AS ON INSERT TO group_api.$_ DO NOTHING";
	IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $sql ], '>', \my $o, '2>', \my $e) } qw(dispatcher locks providers);
poll_until(sub { sql("SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'") eq '3' }, 'a caller waits for locks on views');
takes_at_most(8, 'health() does not wait behind him', sub {
	is(sql('SELECT string_agg(fact, \', \') FROM group_api.health() WHERE "check" IN (\'dispatcher\', \'locks\')'),
		join(', ', ('not known: a view of the extension is locked') x 2), 'health() says what it cannot know') });
my $seen = invite($node, german_number(++$next));
like(sql("SELECT group_api.get_group('$seen')"), qr/"delivery"/, 'nor does whoever asks for a group');
are_sent('and nobody is held up');
roll_back($held);
$_->finish for @waiting;
is(health(), 't|nothing is in the way|', 'afterwards all is known again');

# ---- rows that callers hold --------------------------------------------------------

my $id = from_json(sql("SET SESSION AUTHORIZATION caller; SET request.method = 'POST'; SET request.headers = '{\"idempotency-key\": \"k1\"}';
	SELECT group_api.create_group(" . group_body(german_number(++$next)) . ')'))->{group}{id};
sql("UPDATE group_api_private.idempotency_keys SET created_at = now() - interval '25 h'");
sql("UPDATE group_api_private.attempts SET started_at = now() - interval '1 year'");
$held = session('caller', "SET request.method = 'POST'; SET request.headers = '{\"idempotency-key\": \"k1\"}';
	SELECT group_api.create_group(" . group_body(german_number(++$next)) . ');');
restart_dispatcher();
are_sent('a key that is repeated after a day, in an open transaction, holds nobody up');
are_sent('and still');
roll_back($held);
$held = session('caller', "SELECT group_api.delete_group('$id');");
restart_dispatcher();
are_sent('a group that is being deleted, in an open transaction, holds nobody up');
are_sent('and still');
roll_back($held);

# ---- a row of each table -------------------------------------------------------------

# From here on each invitation is an event, too.
sql("SELECT group_api.create_consumer('books')");

# Something in each of them, old enough to be trimmed.
sub fill
{
	sql("SELECT group_api.suppress('+4915112345678')");
	sql("INSERT INTO group_api_private.$_ ON CONFLICT DO NOTHING") for (
		"captured (group_id, member, server, channel, recipient, message) SELECT gen_random_uuid(), 1, 'sms', 'MOBILE', 'x', 'y'",
		"receipts (received_at, way, result, digest) VALUES (now() - interval '1 year', 'poll', 'known', '\\x01')",
		"receipt_counts (day, server, result, receipts) VALUES (current_date - 400, 'sms', 'refused', 1)",
		"polls (group_id, number, link_version, next_at, server, message_id) VALUES (gen_random_uuid(), 1, 1, now() - interval '3 days', 'sms', 'x')",
		"sends (key, leader, message, at) VALUES (1, 1, 1, now() - interval '3 days')",
		"usage (user_id, day, groups, picture_bytes) VALUES (1, current_date - 3, 1, 0)",
		"resends (contact_hash, at) VALUES ('\\x01', now() - interval '1 year')",
		"pauses (server, by_dispatcher, reason) VALUES ('gone', true, 'x')",
		"templates (channel, locale, body) VALUES ('MOBILE', 'it', '{link}')",
		"requests (group_id, user_id) VALUES (gen_random_uuid(), 1)",
		"set_aside (group_id, number, step, until, reason) VALUES (gen_random_uuid(), 1, 'claim', now() - interval '1 day', 'x')",
		"pictures (group_id, id, media_type, data) VALUES (gen_random_uuid(), gen_random_uuid(), 'image/png', 'x')",
		"idempotency_keys (user_id, contract, key, body_hash, group_id, created_at) VALUES (1, 'A', 'old', 'x', gen_random_uuid(), now() - interval '2 days')",
		"attempts (group_id, member, attempt, outcome, started_at, elapsed) VALUES (gen_random_uuid(), 1, 1, 'accepted', now() - interval '1 year', '0')",
		"events (uid, at, type) VALUES ('00000000-0000-0000-0000-000000000001', now() - interval '1 year', 'group.archived')",
		"event_deliveries (event, listener) SELECT id, 'books' FROM group_api_private.events");
	return;
}
my @tables = split /\n/, sql("SELECT relname FROM pg_class WHERE relnamespace = 'group_api_private'::regnamespace AND relkind = 'r' ORDER BY 1");
for my $table (@tables)
{
	fill();
	cmp_ok(sql("SELECT count(*) FROM group_api_private.$table"), '>', 0, "$table has rows");
	$held = session('postgres', "SELECT FROM group_api_private.$table FOR UPDATE;");
	restart_dispatcher();
	are_sent("held rows of $table hold nobody up");
	are_sent('and still');
	is(health(), 't|nothing is in the way|', 'nor does health() complain');
	roll_back($held);
}

# ---- a key that is not committed ---------------------------------------------------------

# As the dispatcher is about to write it.
sub about_to
{
	my ($what, $sql) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $other = session('postgres', "SET LOCAL session_replication_role = replica; $sql");

	restart_dispatcher();
	are_sent("$what that is not committed holds nobody up");
	roll_back($other);
	return;
}

sql("SET request.method = 'POST'; SELECT group_api_v2.create_group('{\"name\": \"Known\"}')");
about_to('a suppression', "INSERT INTO group_api_private.suppressions (contact_hash, channel, reason)
	SELECT decode(md5(n::text), 'hex'), 'MOBILE', 'operator' FROM generate_series(1, 10) n;");
about_to('a salt', "DELETE FROM group_api_private.suppression_salt;");
about_to('a group', "INSERT INTO group_api_private.groups (id, contract, name, created_by, created_at)
	SELECT gen_random_uuid(), 'B', 'not yet', 1, now();");
about_to('an idempotency key', "INSERT INTO group_api_private.idempotency_keys (user_id, contract, key, body_hash, group_id)
	VALUES (1, 'A', 'k', 'x', gen_random_uuid());");
about_to('an adoption', 'SELECT group_api.adopt();');
about_to('a pause', "SELECT group_api.pause('sms');");

# The very messages whose row of a side table somebody else is writing leave, too.
for my $table (qw(polls sends))
{
	my $group = from_json(sql('SELECT group_api.create_group(' . group_body({ sendInvitations => \0 }, map { german_number(++$next) } 1 .. 5) . ')'))->{group}{id};
	my $rows = {
		polls => "INSERT INTO group_api_private.polls (group_id, number, link_version, next_at, server, message_id)
			SELECT group_id, number, 1, now() + interval '1 day', 'sms', 'x' FROM group_api_private.invitations WHERE group_id = '$group' AND number > 1",
		sends => "INSERT INTO group_api_private.sends (key, leader, message, at)
			SELECT hashtextextended(i.contact, 0), g.created_by, i.number, now() FROM group_api_private.groups g
			JOIN group_api_private.invitations i ON i.group_id = g.id WHERE g.id = '$group' AND i.number > 1"
	}->{$table};

	keep_clear_of_midnight();
	$held = session('postgres', "$rows;");
	sql("SELECT group_api.send_invitations('$group')");
	poll_until(sub { sql("SELECT count(*) FROM group_api_private.invitations WHERE group_id = '$group' AND delivery = 'sent'") eq '5' },
		"messages leave while their rows of $table are being written by somebody else");
	are_sent('and others');
	roll_back($held);
}

# ---- a table that its owner locks -----------------------------------------------------------

# A message that is due in two seconds, when the table is locked.
for my $table (qw(attempts invitations groups suppression_salt installation pauses))
{
	my $before = dispatcher($node)->{pid};
	my $number = german_number(++$next);
	my $group = from_json(sql('SELECT group_api.create_group(' . group_body({ sendInvitations => \0 }, $number) . ')'))->{group}{id};

	sql("UPDATE group_api_private.invitations SET delivery = 'queued', due = now() + interval '2 s', start_tag = NULL WHERE group_id = '$group' AND number = 2");
	$node->reload;
	poll_until(sub { $node->safe_psql('template1', "SELECT wait_event_type FROM pg_stat_activity WHERE pid = $before") eq 'Extension' }, 'the dispatcher waits');
	sql("BEGIN; LOCK TABLE group_api_private.$table; PREPARE TRANSACTION 'owner'");
	# These two it reads with the providers.
	$node->reload if $table eq 'installation' || $table eq 'pauses';
	poll_until(sub {
		health() =~ /^f\|[a-z ]+ has been held up for \d+ s by a lock on group_api_private\.$table: the prepared transaction 'owner' holds it\|COMMIT PREPARED 'owner'; or ROLLBACK/
	}, "health() tells who locks $table") or diag(health());
	is(sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'group_api dispatcher' AND wait_event_type = 'Lock'"),
		'0', 'the dispatcher does not wait');
	takes_at_most(5, 'nor does health() for long', sub { sql('SELECT count(*) FROM group_api.health()') });
	sql("ROLLBACK PREPARED 'owner'");
	poll_until(sub { delivery_of($node, $number)->{delivery} eq 'sent' }, "when $table is free all goes on", 20);
	are_sent('with the others');
	poll_until(sub { health() eq 't|nothing is in the way|' }, 'and health() says so', 20);
	is(dispatcher($node)->{pid}, $before, 'it is the same dispatcher');
}

$node->stop;
done_testing();
