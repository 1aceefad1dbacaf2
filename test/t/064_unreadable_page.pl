# One page of a table that cannot be read stops none of the dispatcher's steps: what
# stands on it is named, and everything else goes on.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

# Vacuum would only tell of the same page.
my $node = new_node('page', init => [], conf => "
autovacuum = off
group_api.retry_base = 1
group_api.attempts_retention = 1d");
my $sink = start_script_server(http => {});
my $next = 0;

sub query { return $node->safe_psql('postgres', $_[0]); }
sub set_aside { return query(q{SELECT count(*) FROM group_api.set_aside WHERE step = '} . $_[0] . q{'}); }
sub errors { return query(q{SELECT fact FROM group_api.health() WHERE "check" = 'errors' AND NOT ok}); }
sub numbers { return map { sa_number(++$next) } 1 .. $_[0]; }

my %broken;

# Of a server that has stopped: fills a page with what is none.
sub break_page
{
	my ($path, $page) = @_;
	my $old;

	open(my $file, '+<:raw', $node->data_dir . "/$path") or die "$path: $!";
	seek($file, $page * 8192, 0);
	die "$path has no page $page" unless 8192 == read($file, $old, 8192);
	seek($file, $page * 8192, 0);
	print $file "\xAB" x 8192;
	close($file) or die "$path: $!";
	$broken{"$path $page"} = $old;
	return;
}

# While the server runs: what it could not read it does not hold in memory.
sub mend
{
	for my $place (keys %broken)
	{
		my ($path, $page) = split / /, $place;
		open(my $file, '+<:raw', $node->data_dir . "/$path") or die "$path: $!";
		seek($file, $page * 8192, 0);
		print $file $broken{$place};
		close($file) or die "$path: $!";
	}
	%broken = ();
	query('SELECT group_api.retry_failed()');
	return;
}

# Breaks the page of a table where the row stands that a condition finds.
sub restart_with_broken
{
	my ($table, $condition) = @_;
	my $path = query("SELECT pg_relation_filepath('group_api_private.$table')");
	my $page = query("SELECT max((ctid::text::point)[0]) FROM group_api_private.$table WHERE $condition");

	$node->stop;
	break_page($path, $page);
	$node->start;
	return $page;
}

# One that holds many rows that wait: where they lie depends on what vacuum freed before.
sub page_in_the_middle
{
	return query('SELECT (ctid::text::point)[0] FROM group_api_private.invitations WHERE due IS NOT NULL
		GROUP BY 1 HAVING count(*) > 10 ORDER BY 1 OFFSET 2 LIMIT 1');
}

sub on_page
{
	my ($page, $columns, $condition) = @_;
	return query("SELECT $columns FROM group_api_private.invitations WHERE (ctid::text::point)[0] = $page AND $condition");
}

sub sent { return { map { $_ => 1 } sms_recipients($sink) }; }

sub are_sent
{
	my ($what, @numbers) = @_;
	my $sent;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	poll_until(sub { $sent = sent(); !grep { !$sent->{$_} } @numbers }, $what, 30)
	  or diag(scalar(grep { !$sent->{$_} } @numbers) . ' of ' . @numbers . ' are not; ' . errors());
	return;
}

sub are_sent_once
{
	my (@numbers) = @_;
	my $twice = twice(sms_recipients($sink));
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is(scalar(grep { $twice->{$_} } @numbers), 0, 'once');
	return;
}

# Lines of the log since a place in it.
sub lines
{
	my ($since, $pattern) = @_;
	my @found = grep { /$pattern/ } split /\n/, substr(slurp_file($node->logfile), $since);
	return scalar @found;
}

add_sms($node, $sink->{http});
invite($node, numbers(1));
all_are($node, 'sent', 'all is well');

# ---- a page of the queue itself, in the middle

query("SELECT group_api.pause('sms')");
my @all = numbers(600);
my $group = invite($node, @all);
my $page = page_in_the_middle();
my @bad = split /\n/, on_page($page, 'contact', 'due IS NOT NULL');
my @members = split /\n/, on_page($page, 'number', 'due IS NOT NULL ORDER BY number');
my %is_bad = map { $_ => 1 } @bad;
my @good = grep { !$is_bad{$_} } @all;

cmp_ok(scalar(@bad), '>', 10, 'there are rows on the page');
restart_with_broken('invitations', "number = $members[0]");
my $log = -s $node->logfile;
query("SELECT group_api.resume('sms')");
are_sent('all others are sent beside a page of the queue that cannot be read', @good);
are_sent_once(@good);
poll_until(sub { set_aside('read') == @bad }, 'the rows on it are set aside', 30) or diag(set_aside('read') . ' of ' . @bad);
is(query(q{SELECT string_agg(member::text, E'\n' ORDER BY member) FROM group_api.set_aside WHERE step = 'read'}), join("\n", @members), 'by their names');
like(query(q{SELECT DISTINCT reason FROM group_api.set_aside WHERE step = 'read'}), qr/^page $page of the table cannot be read: invalid page in block $page of relation .*\(XX001\)$/,
	'with the page and the error');
like(errors(), qr/ set aside; member \d+ of group $group at the step "\w+": .*invalid page in block $page/, 'health() names one');
my $more = sa_number(++$next);
invite($node, $more);
are_sent('what is queued later goes out', $more);
# Tried again after 5, 20, 80 s.
poll_until(sub { query(q{SELECT min(tries) FROM group_api_private.set_aside WHERE step = 'read'}) >= 2 }, 'the page is tried again', 30);
my $turns = dispatcher($node)->{turns};
invite($node, $more = sa_number(++$next));
are_sent('and what is queued then goes out', $more);
cmp_ok(dispatcher($node)->{turns} - $turns, '<', 2000, 'the dispatcher does not spin');
cmp_ok(lines($log, 'ERROR|WARNING'), '<', 100, 'and the log is not filled');
ok(!grep({ $is_bad{$_} } sms_recipients($sink)), 'nothing on the page is sent');

# Killed with messages under way; the first start behind a broken page.
set_rules($sink, http => { rules => [ { replies => ['hang'] } ] });
my @flying = numbers(20);
my $flight = invite($node, @flying);
# By the index: reading the whole table would fail.
sub in_flight { return query("SET enable_seqscan = off; SELECT count(*) FROM group_api_private.invitations WHERE group_id = '$flight' AND delivery = 'sending'"); }
poll_until(sub { in_flight() > 0 }, 'messages are under way', 30);
$node->stop('immediate');
set_rules($sink, http => {});
$node->start;
are_sent('after a crash what was in flight is taken back around the page', @flying);
poll_until(sub { in_flight() == 0 }, 'all of it', 30);
mend();
are_sent('once the page is mended all is sent', @bad);
are_sent_once(@bad);
poll_until(sub { errors() eq '' }, 'and health() is content', 20);

# ---- rows that wait for a time

query("SELECT group_api.pause('sms')");
@all = numbers(600);
$group = invite($node, @all);
# Nothing gives them places meanwhile, which would move them to other pages.
$node->append_conf('postgresql.conf', 'group_api.dispatch = off');
$node->reload;
poll_until(sub { (dispatcher($node)->{reason} // '') =~ /dispatch is off/ }, 'nothing is sent for now');
query("UPDATE group_api_private.invitations SET start_tag = NULL, due = now() WHERE group_id = '$group' AND due IS NOT NULL");
query('VACUUM group_api_private.invitations');
$page = page_in_the_middle();
@bad = split /\n/, on_page($page, 'contact', 'due IS NOT NULL');
%is_bad = map { $_ => 1 } @bad;
@good = grep { !$is_bad{$_} } @all;
restart_with_broken('invitations', "contact = '$bad[0]' AND due IS NOT NULL");
query("SELECT group_api.resume('sms')");
$node->append_conf('postgresql.conf', 'group_api.dispatch = on');
$node->reload;
are_sent('all others that are due are sent beside a page that cannot be read', @good);
poll_until(sub { set_aside('read') == @bad }, 'the rows on it are set aside', 30) or diag(set_aside('read') . ' of ' . @bad);
mend();
are_sent('once the page is mended all is sent', @bad);

# ---- a page of members, and one of groups

query("SELECT group_api.pause('sms')");
@all = numbers(600);
$group = invite($node, @all);
$page = restart_with_broken('members', "group_id = '$group' AND number = 300");
query("SELECT group_api.resume('sms')");
poll_until(sub { my $sent = sent(); my $left = grep { !$sent->{$_} } @all; $left > 0 && $left == set_aside('claim') },
	'beside a page of members that cannot be read all others are sent', 30) or diag(set_aside('claim') . ' ' . errors());
like(errors(), qr/member \d+ of group $group at the step "claim": invalid page in block $page/, 'health() names one of them');
mend();
are_sent('once the page is mended all is sent', @all);

query("SELECT group_api.pause('sms')");
my %of_group;
for (1 .. 60)
{
	my @numbers = numbers(10);
	$of_group{ invite($node, @numbers) } = \@numbers;
}
my $victim = (sort keys %of_group)[20];
my $groups_page = query("SELECT (ctid::text::point)[0] FROM group_api_private.groups WHERE id = '$victim'");
my @victims = split /\n/, query("SELECT id FROM group_api_private.groups WHERE (ctid::text::point)[0] = $groups_page");
my %is_victim = map { $_ => 1 } @victims;
restart_with_broken('groups', "id = '$victim'");
query("SELECT group_api.resume('sms')");
my @others = map { @{ $of_group{$_} } } grep { !$is_victim{$_} } keys %of_group;
cmp_ok(scalar(@others), '>', 0, 'there are groups on other pages');
are_sent('beside a page of groups that cannot be read the invitations of other groups are sent', @others);
poll_until(sub { query("SELECT count(*) FROM group_api.set_aside WHERE step = 'claim' AND \"group\" = '$victim' AND member = 0") == 1 },
	'its groups are set aside as a whole', 30) or diag(query('SELECT * FROM group_api.set_aside'));
mend();
are_sent('once the page is mended all is sent', map { @$_ } values %of_group);
poll_until(sub { query("SELECT count(*) FROM group_api_private.invitations WHERE delivery = 'sending'") == 0 }, 'and recorded', 30);

# ---- looks: what expires

# Not before the page is broken, which takes a stop and a start of the server.

my @ids = sort keys %of_group;
sub expired { return query("SELECT count(*) FROM group_api_private.groups g WHERE id IN ('" . join("', '", @_) . "') AND EXISTS
	(SELECT FROM group_api.deliveries d WHERE d.group_id = g.id AND d.response = 'expired')"); }

query("UPDATE group_api_private.invitations SET expires_at = now() WHERE group_id IN ('" . join("', '", @ids) . "')");
query("UPDATE group_api_private.groups SET next_deadline = now() + interval '15 s' WHERE id IN ('" . join("', '", @ids) . "')");
$groups_page = query("SELECT (ctid::text::point)[0] FROM group_api_private.groups WHERE id = '$victim'");
%is_victim = map { $_ => 1 } split /\n/, query("SELECT id FROM group_api_private.groups WHERE (ctid::text::point)[0] = $groups_page");
my @lucky = grep { !$is_victim{$_} } @ids;
restart_with_broken('groups', "id = '$victim'");
sub expired_members { return query("SELECT count(*) FROM group_api_private.invitations WHERE response = 'expired' AND group_id IN ('" . join("', '", @_) . "')"); }
poll_until(sub { expired_members(@lucky) == 10 * @lucky }, 'beside a page of groups that cannot be read the invitations of others expire', 40)
  or diag(expired_members(@lucky) . ' of ' . 10 * @lucky . ' ' . errors());
mend();
poll_until(sub { expired_members(@ids) == 10 * @ids }, 'once the page is mended all do', 40);

@all = numbers(600);
$group = invite($node, @all);
are_sent('more are sent', @all);
poll_until(sub { query("SELECT count(*) FROM group_api_private.invitations WHERE group_id = '$group' AND delivery = 'sent'") == 600 }, 'and recorded', 30);
query("UPDATE group_api_private.invitations SET expires_at = now() WHERE group_id = '$group'");
query("UPDATE group_api_private.groups SET next_deadline = now() + interval '15 s' WHERE id = '$group'");
$page = query("SELECT max((ctid::text::point)[0]) FROM group_api_private.invitations WHERE group_id = '$group' AND number = 300");
my @readable = split /\n/, query("SELECT number FROM group_api_private.invitations WHERE group_id = '$group' AND channel IS NOT NULL AND (ctid::text::point)[0] <> $page");
my @on_page = split /\n/, on_page($page, 'number', "group_id = '$group'");
restart_with_broken('invitations', "group_id = '$group' AND number = 300");
poll_until(sub { set_aside('deadline') >= @on_page }, 'of a group with such a page the rows on it are named', 40) or diag(set_aside('deadline') . ' ' . errors());
# A row is read alone, by the index; that may lead to an older version of it on the page.
query("CREATE FUNCTION public.response_of(id uuid, n int) RETURNS text LANGUAGE plpgsql SET enable_seqscan = off AS
	'BEGIN RETURN (SELECT response FROM group_api_private.invitations WHERE group_id = id AND number = n);
	EXCEPTION WHEN data_corrupted THEN RETURN ''unreadable''; END'");
sub responses { return query("SELECT public.response_of('$group', n), count(*) FROM unnest('{" . join(',', @readable) . "}'::int[]) n GROUP BY 1 ORDER BY 1"); }
poll_until(sub { responses() =~ /^expired\|\d+(\nunreadable\|\d+)?$/ }, 'and all others expire', 40) or diag(responses());
like(responses(), qr/^expired\|[345]\d\d$/m, 'which are many');
mend();
poll_until(sub { expired_members($group) == 600 }, 'once the page is mended all do', 40);

# ---- the history: recording, taking back, trimming

query("INSERT INTO group_api_private.attempts (group_id, member, attempt, outcome, started_at, elapsed)
	SELECT '$group', n, 1, 'accepted', now() - interval '2 days', '0' FROM generate_series(1, 2000) n");
$page = restart_with_broken('attempts', 'started_at IS NOT NULL');
@all = numbers(50);
my $late = invite($node, @all);
are_sent('messages are sent while the last page of the history cannot be read', @all);
poll_until(sub { query("SELECT count(*) FROM group_api_private.invitations WHERE group_id = '$late' AND delivery = 'sent'") == 50 },
	'and recorded', 30) or diag(errors());
are_sent_once(@all);
poll_until(sub { query("SELECT count(*) FROM group_api_private.attempts WHERE ctid < '($page,0)' AND started_at < now() - interval '1 day'") == 0 },
	'and the rest of the history is trimmed', 30) or diag(errors());
mend();

# ---- questions to providers

add_twilio($node, $sink->{http}, poll => 'true', prefixes => '+999');
query("INSERT INTO group_api_private.polls (group_id, number, link_version, server, message_id, next_at)
	SELECT group_id, number, link_version, 'twilio', 'm' || number, now() + interval '1 h' FROM group_api_private.invitations
	 WHERE delivery = 'sent' LIMIT 500");
query("UPDATE group_api_private.polls SET next_at = now() + interval '15 s'");
$page = query('SELECT max((ctid::text::point)[0]) - 1 FROM group_api_private.polls');
my $asked = query("SELECT count(*) FROM group_api_private.polls WHERE (ctid::text::point)[0] <> $page");
restart_with_broken('polls', "(ctid::text::point)[0] = $page");
poll_until(sub { my %paths = map { ($_->{path} // '') =~ m{Messages/(m\d+)} ? ($1 => 1) : () } read_log($sink); keys %paths >= 100 },
	'beside a page of polls that cannot be read providers are asked about the others', 60) or diag(errors());
cmp_ok(set_aside('read'), '>', 0, 'and those on it are named');
mend();

$node->stop;
done_testing();
