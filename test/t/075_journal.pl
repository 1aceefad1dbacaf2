# A dispatcher that dies, alone or with the server, leaves a courier behind that ends
# what is under way.  What a provider took over then is not sent a second time.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

# Longer than a look at the sink takes, shorter than the courier waits.
my $TAKES_MS = 600;
# How often a kill is tried that a busy machine may have delayed until all was recorded.
my $ROUNDS = 10;

my $node = new_node('journal', conf => "
restart_after_crash = on
group_api.retry_base = 1");
my $sink = start_http_sink(delay_ms => $TAKES_MS, log => 1, status => 201, body => '{"id":"SM%n"}');
my $next = 0;

sub query { return $node->safe_psql('postgres', $_[0]); }
sub logged { my ($pattern, $from) = @_; return substr(slurp_file($node->logfile), $from // 0) =~ /$pattern/; }
sub recovered { return logged('group_api recorded 4 messages that had been sent before', $_[0]); }

# Where the journal of a database is; its number is the same as long as the node is.
my $database = query("SELECT oid FROM pg_database WHERE datname = 'postgres'");
sub journal_path
{
	my $directory = $node->data_dir;
	my ($device, $inode) = stat $directory;

	return sprintf '/dev/shm/group_api.%x.%x.%s', $device, $inode, $database;
}

sub arrivals
{
	my (%people) = map { $_ => 1 } @_;
	return grep { $people{$_} } sms_recipients($sink);
}

# Four people whose messages the gateway has and did not yet answer.
sub four_under_way
{
	my @people = map { sa_number(++$next) } 1 .. 4;

	invite($node, @people);
	poll_until(sub { arrivals(@people) == 4 }, 'the gateway has four messages');
	return @people;
}

# END is called with a dispatcher that sends; what it does must not cost a second message.
sub is_sent_once
{
	my ($what, $end) = @_;

	for (1 .. $ROUNDS)
	{
		my $log = -s $node->logfile;
		my @people = four_under_way();
		my $courier = courier_pid($node);

		$end->();
		all_are($node, 'sent', "$what: all is sent in the end");
		is(scalar(arrivals(@people)), 4, 'each message once');
		poll_until(sub { !is_alive($courier) }, 'the courier that was left behind has ended');
		if (recovered($log))
		{
			is(query("SELECT count(*) FROM group_api_private.invitations WHERE contact IN ('" . join("', '", @people) . "')
				AND message_id LIKE 'SM%' AND server = 'sms' AND attempts = 1"), 4, 'with the ids that the gateway gave them');
			is(query("SELECT string_agg(DISTINCT outcome, ' ') FROM group_api.attempts"), 'accepted', 'and one try each');
			return;
		}
	}
	fail("$what: no kill came while messages were under way");
	return;
}

add_sms($node, $sink->{http}, max_connections => 4, id_path => 'id');

is_sent_once('a dispatcher is killed', sub { kill 'KILL', wait_for_dispatcher($node, 'there is a dispatcher')->{pid} });
is_sent_once('the server is stopped at once', sub { $node->stop('immediate'); $node->start; });
is_sent_once('a session is killed', sub {
	my $session = psql_in_background($node, '');
	my ($process) = $session->{say}->('SELECT pg_backend_pid();') =~ /(\d+)/;

	kill 'KILL', $process;
	poll_until(sub { query('SELECT 1') && !is_alive($process) }, 'the server began anew');
});

# ---- what was recorded is not recorded again

sub slots_taken_over { my ($journal) = @_; return scalar grep { unpack('V', substr $journal, 24 + 512 * $_, 4) == 3 } 0 .. (length($journal) - 24) / 512 - 1; }

# As if a crash came between the commit of an outcome and the end of its slot: the journal
# of before the commit is put back.
my $holder = psql_in_background($node, '');
$holder->{say}->('BEGIN; LOCK TABLE group_api_private.attempts;');
my @recorded = four_under_way();
my $noted;
poll_until(sub { slots_taken_over($noted = slurp_file(journal_path())) == 4 }, 'four answers are noted and cannot be recorded yet');
$holder->{say}->('COMMIT;');
all_are($node, 'sent', 'then they are recorded');
$node->stop('immediate');
open(my $kept, '>:raw', journal_path()) or die "journal: $!";
chmod 0600, $kept;
print $kept $noted;
close $kept;
my $start = -s $node->logfile;
$node->start;
invite($node, sa_number(++$next));
all_are($node, 'sent', 'what comes next is sent');
is(scalar(arrivals(@recorded)), 4, 'the four are not sent again');
is(query("SELECT count(*) FROM group_api.attempts a JOIN group_api_private.invitations i ON i.group_id = a.group_id AND i.number = a.member
	WHERE contact IN ('" . join("', '", @recorded) . "')"), 4, 'nor have they a second line in the history');
ok(!recovered($start), 'nor is it told');

# ---- what cannot be recorded for long

# Whatever keeps outcomes from being written down, for the dispatcher that has them and for the next.
query(q{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE LOG $$a try$$; RAISE EXCEPTION $$the history is full$$; END';
	CREATE TRIGGER refuse BEFORE UPDATE ON group_api_private.invitations FOR EACH ROW WHEN (NEW.delivery = 'sent') EXECUTE FUNCTION refuse()});
my @unrecorded = four_under_way();
poll_until(sub { slots_taken_over(slurp_file(journal_path())) == 4 }, 'four answers are noted');
my ($first, $tried) = (dispatcher($node)->{pid}, -s $node->logfile);
kill 'KILL', $first;
my $second = wait_for_dispatcher($node, 'another dispatcher comes', not => $first)->{pid};
# All at once, then each of the four, then what would be the third time.
poll_until(sub { (() = substr(slurp_file($node->logfile), $tried) =~ /LOG:  a try/g) > 8 }, 'which tries again and again');
is(scalar(arrivals(@unrecorded)), 4, 'and sends nothing');
query('DROP TRIGGER refuse ON group_api_private.invitations');
all_are($node, 'sent', 'once it works all is recorded');
is(scalar(arrivals(@unrecorded)), 4, 'each message was sent once');
ok(recovered($tried), 'by what the journal says');
is(dispatcher($node)->{pid}, $second, 'to the same dispatcher');

# ---- what is not waited for

my $silent = start_script_server(http => { rules => [ { match => '', replies => [ { delay => 3600 } ] } ] }, smtp => {});
add_sms($node, $silent->{http}, name => 'silent', prefixes => '+49', timeout => 600);
invite($node, german_number(1));
poll_until(sub { read_log($silent, 'request') }, 'a gateway has a message and does not answer');
my $left = courier_pid($node);
my ($before) = wait_for_dispatcher($node, 'there is a dispatcher');
# Nor one that somebody stopped.
kill 'STOP', $left;
kill 'KILL', $before->{pid};
poll_until(sub { read_log($silent, 'request') > 1 }, 'it is sent again, since nobody knows what became of it');
poll_until(sub { !is_alive($left) }, 'nor does the courier wait for it');
invite($node, sa_number(++$next));
poll_until(sub { arrivals(sa_number($next)) }, 'others are sent meanwhile');
query('DROP SERVER silent CASCADE');

# ---- what is in it

query("CREATE SERVER captured FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE', prefixes '+49');
	CREATE USER MAPPING FOR public SERVER captured");
invite($node, german_number(2));
poll_until(sub { query('SELECT count(*) FROM group_api.captured') == 1 }, 'a message is captured');
unlike(slurp_file(journal_path()), qr/token=/, 'and its link is not noted');

# ---- where it is

my $path = journal_path();
ok(-e $path, 'the journal is an object of shared memory');
is((stat _)[2] & 07777, 0600, 'which nobody else reads or writes');
$node->stop;
ok(!-e $path, 'and is gone when the server has stopped');

# ---- one that somebody else made, or wrote to

sub noise { return join '', map { chr int rand 256 } 1 .. $_[0]; }

# A slot that says something was taken over: of a row that is there, but not by the
# dispatcher that died, or of none; by an answer, or by noise; with numbers of any size.
sub forged_slot
{
	my ($number, $group) = @_;
	my $job = pack 'Q', ($number % 3) << 32 | $number;
	my $answer = $number % 2 ? noise(376) : pack('a8 q Q V V V4', $job, -1, rand 2**40, 1, 0, 0, 0, 3, 0) . 'SMx';

	return pack 'V V a8 a8 a16 l l l a64 x4 V V a8 a376', 3, $number % 5 ? length $answer : rand 2**32, $job, noise(8),
	  $number % 4 ? noise(16) : $group, $number % 4 ? map({ rand(2**32) - 2**31 } 1 .. 3) : (2 + $number % 16 / 4, 1, 1), $number % 7 ? 'sms' : noise(64), 1, 1, $job, $answer;
}

open(my $strange, '>', $path) or die "$path: $!";
chmod 0666, $path;
my $log = -s $node->logfile;
$node->start;
invite($node, sa_number(++$next));
poll_until(sub { arrivals(sa_number($next)) == 1 }, 'an object that others may write to keeps nothing from being sent');
ok(logged('group_api has no shared memory for its journal', $log), 'it is told');
is(-s $path, 0, 'and not used');
$node->stop;
unlink $path;

$node->start;
my @people = four_under_way();
my $group = query("SELECT replace(group_id::text, '-', '') FROM group_api_private.invitations WHERE contact = '$people[0]'");
$node->stop('immediate');
my $size = -s $path;
srand 42;
open(my $journal, '+<:raw', $path) or die "$path: $!";
seek $journal, 24, 0;
print $journal forged_slot($_, pack 'H*', $group) for 1 .. ($size - 24) / 512;
close $journal;
$log = -s $node->logfile;
$node->start;
all_are($node, 'sent', 'noise in its place keeps nothing from being sent');
is(scalar(grep { $_ == 2 } values %{ twice(arrivals(@people)) }), 4, 'what was under way is sent again, then');
ok(!recovered($log), 'as nothing is known of it');

$node->stop;
done_testing();
