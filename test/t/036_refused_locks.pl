# Over HTTP an error is an answer, so the transaction of a refused call may live
# on: it must leave nothing locked.  And who waits for somebody else's lock waits
# for a bounded time.
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
group_api.lock_timeout = '300ms'
group_api.invitation_url = 'https://example.com/i/{token}'");
my $server = "CREATE SERVER sms FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE')";
my $hook = "CREATE SERVER hook FOREIGN DATA WRAPPER group_api_http OPTIONS (channel 'MOBILE', url 'http://127.0.0.1:9', callback_url 'https://example.com/receipt', prefixes '+999')";
my $next = 0;

$node->safe_psql('postgres', "$server; $hook; CREATE ROLE owner LOGIN; CREATE ROLE stranger LOGIN; CREATE ROLE visitor LOGIN;
	SELECT group_api.grant_access('owner', 'caller'), group_api.grant_access('stranger', 'caller'), group_api.grant_access('visitor', 'anonymous')");

stay_connected();
sub sql { return $node->safe_psql('postgres', $_[0]); }

# In the words of a gateway: an error is returned, and its transaction goes on.
sub over_http
{
	my ($role, $sql, %settings) = @_;
	my %all = ('request.method' => 'POST', %settings);
	my $set = join '', map { "SET $_ = '$all{$_}'; " } sort keys %all;

	return psql_in_background($node, "SET SESSION AUTHORIZATION $role; $set BEGIN; $sql");
}

# What somebody else would need, and cannot have at once.
sub locked_rows
{
	my ($group) = @_;
	my @held;

	for my $table (qw(groups invitations members requests receipt_counts idempotency_keys users resends suppressions polls))
	{
		my $where = { groups => "id = '$group'", map { $_ => "group_id = '$group'" } qw(invitations members requests polls) }->{$table} // 'true';
		my $sql = "SELECT count(*) FROM group_api_private.$table WHERE $where";
		my $all = sql($sql);
		my $free = sql("SELECT count(*) FROM (SELECT FROM group_api_private.$table WHERE $where FOR UPDATE SKIP LOCKED) t");
		push @held, $table if $all ne $free;
	}
	return "@held";
}

# ---- strangers to a group

my $a = from_json(sql("SET SESSION AUTHORIZATION owner; SELECT group_api.create_group(" . group_body({ sendInvitations => \0 }, german_number(++$next)) . ')'))->{group}{id};
my $b = from_json(sql("SET SESSION AUTHORIZATION owner; SELECT group_api_v2.create_group('{\"name\": \"Open\"}')"))->{id};
my $b_id = sql("SELECT id FROM group_api_private.groups WHERE number = $b");
my $archived = from_json(sql("SET SESSION AUTHORIZATION owner; SELECT group_api_v2.create_group('{\"name\": \"Old\"}')"))->{id};
my $archived_id = sql("SELECT id FROM group_api_private.groups WHERE number = $archived");
sql("UPDATE group_api_private.groups SET status = 'ARCHIVED' WHERE id = '$archived_id'");
sql("SET SESSION AUTHORIZATION stranger; SELECT group_api_v2.create_group('{\"name\": \"Mine\"}')");
my $user = sql("SELECT id FROM group_api_private.users WHERE subject = 'role:stranger'");

my @refused = (
	[ $a, stranger => map { "group_api.$_" } "archive_group('$a')", "delete_group('$a')", "send_invitations('$a')",
		"revoke_invitation('$a', 2)", "resend_invitation('$a', 2)", "preview_invitation('$a')" ],
	[ $b_id, stranger => map { "group_api_v2.$_" } "put_group($b, '{\"name\": \"x\"}')", "patch_group($b, '{\"name\": \"x\"}')",
		"delete_group($b)", "invite_users($b, '{$user}')", "withdraw_invitations($b, '{$user}')",
		"subscribe($b, '{$user}')", "unsubscribe($b, $user + 1)", "unsubscribe($b)" ],
	[ $archived_id, stranger => map { "group_api_v2.$_" } "subscribe($archived)", "unsubscribe($archived)" ],
	[ $archived_id, owner => map { "group_api_v2.$_" } "patch_group($archived, '{\"name\": \"x\"}')", "invite_users($archived, '{$user}')" ],
	[ $b_id, owner => map { "group_api_v2.$_" } "patch_group($b, '{\"color\": 7}')", "invite_users($b, '{}')" ]);
my $allowed = over_http('owner', "SELECT group_api.revoke_invitation('$a', 2);");
is(locked_rows($a), 'invitations', 'who may do it holds the invitation');
$allowed->{finish}->();
for my $case (@refused)
{
	my ($group, $role, @calls) = @$case;
	for my $call (@calls)
	{
		my $session = over_http($role, "SELECT $call;");
		is(locked_rows($group), '', "$role: $call keeps nothing locked");
		$session->{finish}->();
	}
}

# ---- links that can no longer be answered, receipts that say nothing

sub token_of
{
	my ($group) = @_;
	my $number = sql("SELECT contact FROM group_api_private.invitations WHERE group_id = '$group' AND number = 2");
	my $token;
	poll_until(sub { ($token) = sql("SELECT message FROM group_api.captured WHERE recipient = '$number' ORDER BY id DESC LIMIT 1") =~ m{/i/([\w-]+)} }, 'a message is captured');
	return $token;
}

my $sent = from_json(sql("SET SESSION AUTHORIZATION owner; SELECT group_api.create_group(" . group_body(german_number(++$next)) . ')'))->{group}{id};
my $token = token_of($sent);
poll_until(sub { sql("SELECT delivery FROM group_api_private.invitations WHERE group_id = '$sent' AND number = 2") eq 'sent' }, 'and sent');
sql("SET SESSION AUTHORIZATION owner; SELECT group_api.revoke_invitation('$sent', 2)");
for my $call ("accept_invitation('$token')", "decline_invitation('$token')", "invitation_page('$token', 'accept')", "accept_invitation('x$token')")
{
	my $session = over_http('visitor', "SELECT group_api.$call;");
	is(locked_rows($sent), '', "a link that was withdrawn keeps nothing locked: " . substr($call, 0, 15));
	$session->{finish}->();
}

my $key = 'inv-' . $sent =~ s/-//gr . '.2.1';
my $query = sql("SELECT split_part(group_api.receipt_url('hook'), '?', 2)");
my $stale = "group_api.receive_receipt('hook', 'status=failed&key=$key', '{}', '$query')";
my $session = over_http('owner', "SELECT $stale;");
is(locked_rows($sent) =~ /invitations/ ? 'locked' : '', '', 'a receipt from a server that never had the message keeps nothing locked');
$session->{finish}->();

# ---- receipts that are refused count, and nobody waits

# They are counted by the day.
keep_clear_of_midnight();
my @sessions = map { over_http('visitor', "SELECT group_api.receive_receipt('x=$_');") } 1 .. 10;
takes_at_most(2, 'ten open transactions that were refused hold up no other', sub { sql("SET SESSION AUTHORIZATION visitor; SET request.method = 'POST'; SELECT group_api.receive_receipt('x=y')") });
$_->{say}->('COMMIT;'), $_->{finish}->() for @sessions;
is(sql("SELECT receipts FROM group_api.receipt_counts WHERE result = 'refused'"), '11', 'and all are counted');
sql("SET SESSION AUTHORIZATION visitor; SET request.method = 'POST'; SELECT group_api.receive_receipt('x=' || n) FROM generate_series(1, 500) n");
is(sql("SELECT receipts FROM group_api.receipt_counts WHERE result = 'refused'"), '511', 'many more, too');
cmp_ok(sql("SELECT count(*) FROM group_api_private.receipt_counts WHERE result = 'refused'"), '<=', 11, 'in as many rows as there were transactions at once');

# ---- waits are bounded

$session = psql_in_background($node, "SET SESSION AUTHORIZATION owner; BEGIN; SELECT group_api.archive_group('$a'); SELECT group_api_v2.create_group('{\"name\": \"Taken\"}');");
sub asked
{
	my ($sql) = @_;
	my ($status, $out, $error) = $node->psql('postgres', "\\set VERBOSITY verbose\nSET SESSION AUTHORIZATION owner;\n$sql");
	return $error;
}
like(asked("SELECT group_api.archive_group('$a')"), qr/ERROR:  55P03: .*\n.*HINT:  Try again\. Another transaction holds what this call needs; group_api\.lock_timeout/s,
	'who waits for another is told to try again');
like(asked("SET lock_timeout = '10ms'; SELECT group_api.archive_group('$a')"), qr/55P03/, "the session's own time-out counts, too");
is(sql('SHOW lock_timeout'), '0', 'which is left as it is');
like(asked("SET request.method = 'POST'; SELECT group_api.archive_group('$a')"),
	qr/ERROR:  PGRST: \{"code": "unavailable", "message": .*\nDETAIL:  \{"status": 503, "headers": \{"Retry-After": "1"\}\}/, 'over HTTP it is 503 with Retry-After');
like(asked("SET request.method = 'POST'; SELECT group_api_v2.create_group('{\"name\": \"Taken\"}')"), qr/PGRST.*503/s, 'in contract B as well');
roll_back($session);
like(asked("SELECT group_api.archive_group('$a')"), qr/^$/, 'afterwards it works');

sub roll_back { my ($one) = @_; $one->{say}->('ROLLBACK;'); $one->{finish}->(); return; }

$node->stop;
done_testing();
