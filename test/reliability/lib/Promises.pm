package Promises;

=pod

=head1 NAME

Promises - figures that are held against what docs/RELIABILITY.md promises

=cut

use strict;
use warnings;

use Exporter 'import';
use GroupApiTest qw(:DEFAULT which_died);
use IPC::Run ();
use Invitations;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(figure scaled seconds percentile longest answer_of invite_all start_writers journal account memory_kb fill);

my $since = time;

=head2 figure(ROW, KEPT, FIGURE, ...)

What was measured for a row of docs/RELIABILITY.md; FIGURE and what follows is for sprintf.
script/reliability reads these lines from the log, with the seconds since the figure before. A promise that is not kept is a test that fails.

=cut

sub figure
{
	my ($row, $is_kept, $format, @values) = @_;
	my $text = sprintf $format, @values;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	ok($is_kept, "promise $row: $text");
	note(join "\t", 'figure', $row, $is_kept ? 'kept' : 'missed', sprintf('%.0f', time - $since), $text);
	$since = time;
	return;
}

# What is done N times on the day of judgement; GROUP_API_RELIABILITY_SHARE makes it less for a try.
sub scaled { return POSIX::ceil($_[0] * ($ENV{GROUP_API_RELIABILITY_SHARE} // 1)); }

# How many it takes.
sub seconds
{
	my ($code) = @_;
	my $began = time;

	$code->();
	return time - $began;
}

sub percentile
{
	my ($share, @values) = @_;
	my @sorted = sort { $a <=> $b } @values;

	return @sorted ? $sorted[ POSIX::ceil($share * @sorted) - 1 ] : 0;
}

sub longest { return percentile(1, @_); }

=head2 answer_of(NODE, SQL)

What SQL answers in the database postgres, over the crashes that a test causes: who asks meanwhile loses
the connection as everybody does, and asks anew until there is an answer. SQL that was under way may
have been done, so it is such as may be run twice.

=cut

sub answer_of
{
	my ($node, $sql) = @_;
	return over_crashes(sub { $node->safe_psql('postgres', $sql) });
}

=head2 invite_all(NODE, CONTACT...)

As invite(), over such crashes: where the answer was lost, it looks whether the group was made.

=cut

sub invite_all
{
	my ($node, @people) = @_;

	return over_crashes(sub {
		return $node->safe_psql('postgres', "SELECT group_id FROM group_api_private.invitations WHERE contact = '$people[0]'")
		  || invite($node, @people);
	});
}

# psql tells a lost connection from an error; one that has ended before it has read breaks the pipe.
sub over_crashes
{
	my ($sub) = @_;
	my $end = time + $GroupApiTest::PATIENCE;

	while (1)
	{
		my $answer = eval { $sub->() };
		my $error = $@ or return $answer;
		die $error if $error !~ /^connection error|Broken pipe/ || time > $end || which_died();
		sleep 0.05;
	}
}

=head2 start_writers(NODE, COUNT, TRANSACTIONS, SECONDS, CONTACTS, DIRECTORY)

COUNT processes that together create TRANSACTIONS groups of CONTACTS people each, spread over so
many seconds; each fifth is rolled back. Each writes down what it was told, see journal(). They
go on whatever becomes of their connection. Returns their ids.

=cut

sub start_writers
{
	my ($node, $count, $transactions, $seconds, $contacts, $directory) = @_;
	my @children;

	for my $writer (1 .. $count)
	{
		my $child = fork // die "fork: $!";
		if ($child == 0)
		{
			eval { write_groups($node, $writer, $transactions / $count, $seconds, $contacts, "$directory/writer.$writer"); 1 } or warn $@;
			POSIX::_exit(0);
		}
		push @children, $child;
	}
	return @children;
}

sub write_groups
{
	my ($node, $writer, $transactions, $seconds, $contacts, $path) = @_;
	my $began = time;
	my $next = $writer * 1_000_000;

	open(my $journal, '>', $path) or die "$path: $!";
	$journal->autoflush;
	for my $i (1 .. $transactions)
	{
		my $is_kept = $i % 5 != 0;
		my @people = map { sa_number(++$next) } 1 .. $contacts;
		my $ahead = $began + $i * $seconds / $transactions - time;

		sleep $ahead if $ahead > 0;
		my $end = one_transaction($node, $is_kept, @people);
		# What was not committed for sure is tried again, as an app does.
		$end = one_transaction($node, $is_kept, @people) while $end eq 'refused' && !select undef, undef, undef, 0.05;
		print $journal join(' ', $end, @people) . "\n";
	}
	close $journal;
	return;
}

# committed; rolled_back; refused, when it was not committed for sure; or unknown: the connection was lost
# before the answer to COMMIT came.
sub one_transaction
{
	my ($node, $is_kept, @people) = @_;
	my $sql = 'BEGIN; SELECT 1 FROM group_api.create_group(' . group_body(@people) . ');'
	  . ($is_kept ? "\n\\echo committing\nCOMMIT;" : "\nROLLBACK;") . "\n\\echo answered\n";
	my ($out, $error) = ('', '');

	# Where the server is just down psql ends before it has read.
	local $SIG{PIPE} = 'IGNORE';
	eval { IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') ], '<', \$sql, '>', \$out, '2>', \$error); };
	return 'rolled_back' unless $is_kept;
	return $out =~ /answered/ ? 'committed' : $out =~ /committing/ ? 'unknown' : 'refused';
}

# What all writers wrote down: {committed => {person => 1}, unknown => ..., rolled_back => ...}
sub journal
{
	my ($directory) = @_;
	my %journal = map { $_ => {} } qw(committed unknown rolled_back);

	for my $path (glob "$directory/writer.*")
	{
		open(my $file, '<', $path) or die "$path: $!";
		while (my $line = <$file>)
		{
			my ($state, @people) = split ' ', $line;
			$journal{$state}{$_} = 1 for @people;
		}
	}
	return \%journal;
}

=head2 account(JOURNAL, RECIPIENT...)

What Jepsen's total-queue checks: how many were lost (committed and not received), unexpected (received and
neither committed nor of an unknown end), recovered (of an unknown end and received), and how many
receptions were duplicates.

=cut

sub account
{
	my ($journal, @received) = @_;
	my %received = map { $_ => 1 } @received;

	return {
		committed => scalar(keys %{ $journal->{committed} }),
		received => scalar(@received),
		lost => scalar(grep { !$received{$_} } keys %{ $journal->{committed} }),
		unexpected => scalar(grep { !$journal->{committed}{$_} && !$journal->{unknown}{$_} } keys %received),
		recovered => scalar(grep { $received{$_} } keys %{ $journal->{unknown} }),
		duplicated => @received - keys %received
	};
}

# What a process holds besides shared memory.
sub memory_kb
{
	my ($process) = @_;
	open(my $file, '<', "/proc/$process/status") or return 0;
	my %kb = map { /^(RssAnon|RssFile):\s+(\d+)/ ? ($1 => $2) : () } <$file>;
	return ($kb{RssAnon} // 0) + ($kb{RssFile} // 0);
}

# Rows that wait, written straight into the tables: see bench/fill.sql.
sub fill
{
	my ($node, $count, $channel, $first) = @_;
	my @psql = ('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-v', "count=$count", '-v', "channel=$channel",
		'-v', "first=$first", '-f', project_root() . '/bench/fill.sql');

	IPC::Run::run(\@psql, '<', \undef, '>', \my $out) or die 'the tables could not be filled';
	return;
}

1;
