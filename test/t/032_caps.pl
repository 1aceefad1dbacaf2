# What one leader can do to one contact, as it is by default: a burst of
# invitations is one message, and a day has an end.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', conf => "group_api.retry_base = 1");
my $servers = start_script_server(http => {}, smtp => {});
my $next = 0;

add_sms($node, $servers->{http});
add_mail($node, $servers->{smtp});

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub as_user { return sql(qq(SET request.jwt.claims = '{"sub": "$_[0]", "name": "$_[0]"}'; $_[1])); }
sub copies_of { my ($number) = @_; return scalar grep { $_ eq $number } sms_recipients($servers); }
sub waiting { return sql("SELECT count(*) FROM group_api_private.invitations WHERE contact = '$_[0]' AND delivery = 'queued' $_[1]"); }
sub state_of { return sql("SELECT delivery FROM group_api_private.invitations WHERE group_id = '$_[0]' AND number = 2"); }
sub first_id { my ($answer) = @_; return ($answer =~ /"id":"([^"]+)"/)[0]; }
sub idle { sql("SELECT group_api.wait_until_idle('1 min')"); return; }

keep_clear_of_midnight();

# ---- one request, sixty groups, one address

my $number = sa_number(++$next);
as_user('zoe', 'SELECT count(group_api.create_group(' . group_body($number) . ')) FROM generate_series(1, 60)');
poll_until(sub { copies_of($number) == 1 }, 'of a burst of sixty invitations one leaves');
poll_until(sub { waiting($number, "AND reason LIKE 'later: %'") == 59 }, 'the others wait');
is(waiting($number, "AND reason LIKE '%(group_api.invitation_cooldown)' AND due < now() + interval '200 s'"), 19, 'for the cool-down, one behind the other');
is(sql("SELECT count(DISTINCT due) FROM group_api_private.invitations WHERE contact = '$number' AND reason LIKE '%cooldown)'"), 19, 'each for itself');
is(waiting($number, "AND reason LIKE '%group_api.inviter_recipient_daily_cap allows' AND
	due = date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '1 day'"), 40, 'or, over the daily cap, for the next day');
is(sql("SELECT later FROM group_api.queue WHERE channel = 'MOBILE'"), 59, 'the view of the queue tells it');
like(sql("SELECT fact FROM group_api.health() WHERE \"check\" = 'provider for MOBILE'"), qr/^59 waiting, 59 of them for a daily cap or a cool-down$/, 'so does health()');
is(sql(q{SELECT count(*) FROM group_api.health() WHERE severity = 'critical'}), 0, 'which finds nothing wrong');
my $group = sql("SELECT group_id FROM group_api_private.invitations WHERE contact = '$number' AND reason LIKE '%cooldown)' LIMIT 1");
like(as_user('zoe', "SELECT group_api.get_group('$group') #>> '{group,members,1,delivery,reason}'"),
	qr/^later: the leader's groups sent this contact an invitation a moment ago/, 'and each delivery to the leader');

# ---- others are not held back

as_user('max', 'SELECT group_api.create_group(' . group_body($number) . ')');
poll_until(sub { copies_of($number) == 2 }, 'another leader reaches the contact at once');
my $other = sa_number(++$next);
as_user('zoe', 'SELECT group_api.create_group(' . group_body($other) . ')');
poll_until(sub { copies_of($other) == 1 }, 'and the leader another contact');
as_user('zoe', 'SELECT count(group_api.create_group(' . group_body(sa_number($next + 1)) . " || '{\"dryRun\": true}')) FROM generate_series(1, 30)");
as_user('zoe', 'SELECT group_api.create_group(' . group_body(sa_number(++$next)) . ')');
poll_until(sub { copies_of(sa_number($next)) == 1 }, 'dry runs do not count');

# ---- as time passes

sub later { my ($interval) = @_;
	sql("UPDATE group_api_private.sends SET at = at - interval '$interval'");
	sql("UPDATE group_api_private.invitations SET due = due - interval '$interval' WHERE reason LIKE 'later: %'");
	as_user('zoe', 'SELECT group_api.create_group(' . group_body(sa_number(++$next)) . ')');
	return;
}

later('11 s');
poll_until(sub { copies_of($number) >= 3 }, 'after the cool-down the next one leaves');
later('4 min');
poll_until(sub { copies_of($number) == 21 && waiting($number, 'AND due > now()') == 40 }, 'a leader sends a contact twenty a day');
idle();
is(copies_of($number), 21, 'and no more');
later('1 day');
poll_until(sub { copies_of($number) >= 22 && waiting($number, 'AND due > now()') <= 39 }, 'the next day one leaves');
later('4 min');
poll_until(sub { copies_of($number) == 41 && waiting($number, 'AND due > now()') == 20 }, 'and then nineteen more');
is(sql("SELECT count(*) FROM group_api.attempts a JOIN group_api_private.invitations i ON (i.group_id, i.number) = (a.group_id, a.member)
	WHERE i.contact = '$number'"), 41, 'what waits is no try');

# ---- a retry and a resend

my $busy = sa_number(++$next);
set_rules($servers, http => { rules => [ { match => ($busy =~ s/^\+//r), replies => [ { status => 503 }, { status => 503 }, { status => 201 } ] } ] }, smtp => {});
my $counted = sql('SELECT count(*) FROM group_api_private.sends');
my $tried = first_id(as_user('zoe', 'SELECT group_api.create_group(' . group_body($busy) . ')'));
poll_until(sub { state_of($tried) eq 'sent' }, 'a retry waits for no cool-down');
is(sql('SELECT count(*) FROM group_api_private.sends') - $counted, 1, 'and is counted once');
set_rules($servers, http => {}, smtp => {});
my $before = copies_of($busy);
as_user('zoe', "SELECT group_api.resend_invitation('$tried', 2)");
poll_until(sub { copies_of($busy) == $before + 1 }, 'nor does a resend, which has a limit of its own');
is(sql('SELECT count(*) FROM group_api_private.sends') - $counted, 2, 'but it counts');

# ---- nobody's transaction holds anything up

my $held = sa_number(++$next);
my $holder = psql_in_background($node, "BEGIN; SELECT count(*) FROM (SELECT FROM group_api_private.sends FOR UPDATE) AS s;
	INSERT INTO group_api_private.sends SELECT * FROM group_api_private.sends;");
as_user('max', 'SELECT group_api.create_group(' . group_body($held, $busy) . ')');
poll_until(sub { copies_of($held) == 1 }, 'what counts may be locked', 10);
$holder->{say}->('ROLLBACK;');
$holder->{finish}->();

# ---- where somebody has changed the table, statements do the same

sql(q{
	ALTER INDEX group_api_private.sends_key RENAME TO sends_by_key;
	CREATE TABLE seen (key bigint);
	CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.seen VALUES (NEW.key); RETURN NEW; END';
	CREATE TRIGGER see BEFORE INSERT ON group_api_private.sends FOR EACH ROW EXECUTE FUNCTION see();
});
my $watched = sa_number(++$next);
as_user('zoe', 'SELECT count(group_api.create_group(' . group_body($watched) . ')) FROM generate_series(1, 30)');
poll_until(sub { copies_of($watched) == 1 && waiting($watched, "AND reason LIKE '%cooldown)'") == 19 }, 'a burst is one message, and nineteen for the cool-down');
is(sql('SELECT count(*) FROM public.seen'), 20, "somebody's trigger sees each row that counts");
is(waiting($watched, "AND reason LIKE '%daily_cap allows'"), 10, 'the rest waits for the next day');

stop_program($servers);
$node->stop;
done_testing();
