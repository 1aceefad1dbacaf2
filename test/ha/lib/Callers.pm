package Callers;

=pod

=head1 NAME

Callers - applications that write whatever happens to the servers

=head1 DESCRIPTION

Each is a process that connects anew for every call, by libpq's address of several hosts, and does
what docs/high-availability.md asks of an application: a call that failed, or whose answer never
came, is made again until it is answered, create_group() with the same idempotency key.

=cut

use strict;
use warnings;

use Exporter 'import';
use Failover;
use GroupApiTest;
use Invitations;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(start_creators allow start_answerer finish_callers arrivals);

# Between two calls of a creator: some 130 invitations a second.
my $PAUSE = 0.3;
my $scratch = PostgreSQL::Test::Utils::tempdir_short();

=head2 arrivals(SINK)

What has reached the sink: [seconds since 1970, number, token of the link]. Of a log that is
long and looked at often only what counts is parsed.

=cut

sub arrivals
{
	my ($sink) = @_;
	my $log = PostgreSQL::Test::Utils::slurp_file($sink->{log});
	return map { m{^\{"at": ([\d.]+),.*?(\+27\d+).*example\.com/i/([\w-]+).*\}$} ? [ $1, $2, $3 ] : () } split /\n/, $log;
}

=head2 start_creators(CLUSTER, COUNT, GROUPS, MEMBERS), allow(GROUPS)

So many processes that make GROUPS groups together, of MEMBERS each, but no more than are allowed so far.

=cut

sub allow
{
	my ($groups) = @_;
	open(my $file, '>', "$scratch/allowed.part") or die "$scratch/allowed: $!";
	print $file $groups;
	close $file;
	rename "$scratch/allowed.part", "$scratch/allowed";
	return;
}

sub start_creators
{
	my ($cluster, $count, $groups, $members) = @_;
	allow(0);
	return map { my $own = $_; start_caller("groups.$own", sub {
		my ($tell) = @_;
		for (my $group = $own; $group < $groups; $group += $count)
		{
			do { sleep $PAUSE } while $group >= PostgreSQL::Test::Utils::slurp_file("$scratch/allowed");
			my @numbers = map { sa_number($group * $members + $_) } 1 .. $members;
			$tell->(insist($cluster, 'SELECT group_api.create_group('
				. group_body({ idempotencyKey => "group $group" }, @numbers) . ")->'group'->>'id'"));
		}
	}) } 0 .. $count - 1;
}

=head2 start_answerer(CLUSTER, SINK)

Accepts one invitation after the other, by the links that the sink got.

=cut

sub start_answerer
{
	my ($cluster, $sink) = @_;
	return start_caller('answers', sub {
		my ($tell, $is_over) = @_;
		my %answered;
		until ($is_over->())
		{
			my (undef, $number, $token) = @{ (arrivals($sink))[-1] // [] };
			if ($number && !$answered{$number})
			{
				insist($cluster, "SELECT group_api.accept_invitation('$token')");
				$answered{$number} = 1;
				$tell->($number);
			}
			sleep $PAUSE;
		}
	});
}

# What a call answers in the end.
sub insist
{
	my ($cluster, $sql) = @_;
	for (;;)
	{
		my $answer = eval { $cluster->query($sql) };
		return $answer if defined $answer;
		sleep 0.1;
	}
	return;
}

sub start_caller
{
	my ($name, $code) = @_;
	my $log = "$scratch/$name";
	my $child = fork // die "fork: $!";

	if ($child == 0)
	{
		my $over = 0;
		my $parent = getppid;
		$SIG{TERM} = sub { $over = 1; };
		open(my $file, '>', $log) or POSIX::_exit(1);
		$file->autoflush;
		my $is_over = sub { return $over || getppid != $parent; };
		eval { $code->(sub { print $file "$_[0]\n"; }, $is_over); 1 } or print STDERR "$name: $@";
		POSIX::_exit($@ ? 1 : 0);
	}
	return { name => $name, pid => $child, log => $log };
}

=head2 finish_callers(CALLER...)

Waits for those that come to an end, ends the others, and returns what they were told:
(groups => [ids], answers => [contacts]).

=cut

sub finish_callers
{
	my %told;
	for my $caller (@_)
	{
		kill 'TERM', $caller->{pid} if $caller->{name} =~ /answers/;
		waitpid $caller->{pid}, 0;
		is($?, 0, "$caller->{name}: every call was answered in the end");
		my $lines = PostgreSQL::Test::Utils::slurp_file($caller->{log});
		push @{ $told{ $caller->{name} =~ s/\..*//r } }, split /\n/, $lines;
	}
	return %told;
}

1;
