# A try that was accepted stands with its invitation, and the history shows it like any other.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use Test::More;
use GroupApiTest;

my $node = new_node('accepted', conf => "group_api.resend_cooldown = 0\ngroup_api.invitation_cooldown = 0");
my $sink = start_http_sink(log => 1, status => 201, body => '{"id":"%n"}');

sub query { return $node->safe_psql('postgres', $_[0]); }

sub create
{
	my ($first, $count) = @_;
	my $members = join ',', map { qq({"nickName":"m $_","contact":{"type":"MOBILE","value":"+2770123$_"}}) } $first .. $first + $count - 1;

	return query(qq{SELECT group_api.create_group('{"productId":"00000000-0000-0000-0000-000000000000","name":"n",
		"description":"d","image":"https://a.example/b","message":"m","members":[$members]}') -> 'group' ->> 'id'});
}

sub is_sent
{
	my ($group, $attempts, $what) = @_;

	poll_until(sub { query("SELECT count(*) = 0 FROM group_api.deliveries WHERE group_id = '$group' AND delivery IS DISTINCT FROM 'sent' AND contact IS NOT NULL") eq 't'
		&& query("SELECT count(*) FROM group_api.attempts WHERE group_id = '$group'") eq $attempts }, $what);
}

# One line of the history, but for its times.
my $line = q{SELECT string_agg(concat_ws('|', member_name, server, attempt, outcome, code, detail, next_at, segments,
	elapsed > '0' AND elapsed < '1 min', started_at > now() - interval '10 min'), E'\n' ORDER BY member, started_at) FROM group_api.attempts};

query("CREATE SERVER sms FOREIGN DATA WRAPPER group_api_http
	OPTIONS (channel 'MOBILE', url '$sink->{http}/', id_path 'id')");

my $group = create(1000, 3);
is_sent($group, 3, 'three are sent');
is(query("SELECT count(*) FROM group_api_private.attempts"), '0', 'none of their tries has a row of its own');
is(query("$line WHERE group_id = '$group' AND member = 2"), 'm 1000|sms|1|accepted|http 201|1|t|t', 'the history tells it like any other');
my $first = query("SELECT row(started_at, elapsed, server) FROM group_api.attempts WHERE group_id = '$group' AND member = 3");

query("SELECT group_api.resend_invitation('$group', 3)");
is_sent($group, 4, 'one is sent again');
is(query("SELECT row(started_at, elapsed, server) FROM group_api.attempts WHERE group_id = '$group' AND member = 3 ORDER BY started_at LIMIT 1"), $first,
	'its first try is still told, as it was');
is(query("SELECT count(*) FROM group_api_private.attempts"), '1', 'by a row of its own now');

# A trigger of somebody's needs a statement: the same comes out.
query(q{
	CREATE TABLE seen (n bigint GENERATED ALWAYS AS IDENTITY, delivery text);
	CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS
		'BEGIN INSERT INTO public.seen (delivery) VALUES (NEW.delivery); RETURN NEW; END';
	CREATE TRIGGER see BEFORE UPDATE ON group_api_private.invitations FOR EACH ROW EXECUTE FUNCTION see();
});
my $watched = create(2000, 2);
is_sent($watched, 2, 'with a trigger on the queue messages are sent as well');
is(query("SELECT string_agg(delivery, ' ' ORDER BY n) FROM seen"), 'sending sending sent sent', 'and it sees each change');
is(query("$line WHERE group_id = '$watched' AND member = 2"), 'm 2000|sms|1|accepted|http 201|1|t|t', 'with the same line in the history');
query("SELECT group_api.resend_invitation('$group', 2)");
is_sent($group, 5, 'what was sent without the trigger is sent again');
is(query("$line WHERE group_id = '$group' AND member = 2"), join("\n", ('m 1000|sms|1|accepted|http 201|1|t|t') x 2), 'both tries are told');
query('DROP TRIGGER see ON group_api_private.invitations');

# What is older than the history is kept is not told any more; to the hour, and wherever it stands.
query("UPDATE group_api_private.invitations SET accepted_at = now() - interval '29 days 23 hours' WHERE group_id = '$group' AND number = 4");
is(query("SELECT count(*) FROM group_api.attempts WHERE group_id = '$group' AND member = 4"), '1', 'a try of an hour less than thirty days ago is told');
query("UPDATE group_api_private.invitations SET accepted_at = now() - interval '30 days 1 hour' WHERE group_id = '$group' AND number = 4");
is(query("SELECT count(*) FROM group_api.attempts WHERE group_id = '$group' AND member = 4"), '0', 'a try of thirty days and an hour ago is not');
is(query("SELECT accepted_code FROM group_api_private.invitations WHERE group_id = '$group' AND number = 4"), 'http 201', 'until the history is trimmed it is there');

# Each table of the past: when a row of it came, how old it may become, and the values of one.
my $someone = "'$group', 2";
my @past = (
	['attempts', 'started_at', '30 days', '(group_id, member, attempt, outcome, elapsed, detail, started_at)', "($someone, 1, 'retry', '1 s', 'past', AT)", "detail = 'past'"],
	['receipts', 'received_at', '30 days', '(group_id, member, way, result, digest, raw, received_at)', "($someone, 'poll', 'known', uuid_send(gen_random_uuid()), 'past', AT)", "raw = 'past'"],
	['idempotency_keys', 'created_at', '24 hours', '(user_id, contract, key, body_hash, group_id, created_at)', "(4711, 'A', gen_random_uuid(), 'x', '$group', AT)", 'user_id = 4711'],
	['sends', 'at', '2 days', '(key, leader, message, at)', '(1, 1, 4711, AT)', 'message = 4711'],
	['resends', 'at', '8 days', '(contact_hash, at)', "(convert_to('past ' || gen_random_uuid(), 'UTF8'), AT)", "contact_hash BETWEEN 'past ' AND 'past!'"],
	['polls', 'next_at', '2 days', '(group_id, number, link_version, server, message_id, next_at)', "(gen_random_uuid(), 2, 1, 'none', 'past', AT)", "message_id = 'past'"],
	['receipt_counts', 'day', '366 days', '(server, result, receipts, day)', "('past', 'known', 1, AT)", "server = 'past'", '1 day']);
for my $table (@past)
{
	my ($name, undef, $age, $columns, $values, undef, $step) = @$table;
	$step //= '1 hour';
	# Of the old ones more than are deleted in a transaction.
	for my $row ([ '+', 1 ], [ '-', 10_001 ])
	{
		my $filled = $values =~ s/AT/now() - interval '$age' $row->[0] interval '$step'/r =~ s/^\(|\)\z//gr;
		query("INSERT INTO group_api_private.$name $columns SELECT $filled FROM generate_series(1, $row->[1])");
	}
}
$node->restart;
is_sent(create(4000, 2), 2, 'more is sent, and the history trimmed');
poll_until(sub { query("SELECT concat(accepted_at, accepted_us, segments, accepted_code, accepted_detail) FROM group_api_private.invitations
	WHERE group_id = '$group' AND number = 4") eq '' }, 'the old try is erased with all that is known of it', 30);
is(query("SELECT count(*) FROM group_api_private.invitations WHERE contact LIKE '+27701234%' AND accepted_at IS NOT NULL"), '2', 'those that are not old are kept');
like(query("SET enable_seqscan = off; EXPLAIN (COSTS OFF) SELECT ctid FROM group_api_private.invitations WHERE accepted_at < now() ORDER BY accepted_at LIMIT 9"),
	qr/Index Scan using invitations_accepted_at/, 'and found by an index');
for my $table (@past)
{
	my ($name, $column, $age, undef, undef, $ours) = @$table;
	poll_until(sub { query("SELECT string_agg(($column > now() - interval '$age')::text, ' ') FROM group_api_private.$name WHERE $ours") eq 'true' }, "of $name what is older than $age is gone, what is a little younger is there", 10);
}

# A column of somebody's own, a further constraint and a further index hold.
query("ALTER TABLE group_api_private.invitations ADD COLUMN note text DEFAULT 'kept'");
query("ALTER TABLE group_api_private.invitations ADD CONSTRAINT never_here CHECK (contact <> '+27701233001' OR delivery <> 'sending')");
query('CREATE INDEX by_delivery ON group_api_private.invitations (delivery)');
my $checked = create(3000, 3);
poll_until(sub { query("SELECT count(*) FROM group_api.deliveries WHERE group_id = '$checked' AND delivery = 'sent'") eq '2' }, 'of three two fit a further constraint');
is(query("SELECT reason ~ 'never_here' FROM group_api.set_aside"), 't', 'the third is set aside');
is(query("SET enable_seqscan = off; SELECT count(*) FROM group_api_private.invitations WHERE delivery = 'sent' AND group_id = '$checked'"), '2',
	'a further index knows them');
is(query("SELECT string_agg(DISTINCT note, ' ') FROM group_api_private.invitations"), 'kept', 'a further column keeps what it says');

done_testing();
