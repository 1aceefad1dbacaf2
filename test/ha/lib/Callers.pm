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

our @EXPORT = qw(start_creators start_answerer finish_callers);

# So many invitations may wait before a creator waits, too.
our $AHEAD = 600;

=head2 start_creators(CLUSTER, SINK, COUNT, GROUPS, MEMBERS)

So many processes that make GROUPS groups together, of MEMBERS each.

=cut

sub start_creators
{
	my ($cluster, $sink, $count, $groups, $members) = @_;
	return map { my $own = $_; start_caller("groups.$own", sub {
		my ($tell) = @_;
		for (my $group = $own; $group < $groups; $group += $count)
		{
			sleep 0.1 while $group * $members > sink_count($sink) + $AHEAD;
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
			my @links = grep { !$answered{ $_->[0] } } map { [ from_json($_->{body})->{to},
				$_->{body} =~ m{example\.com/i/([\w-]+)} ] } (read_log($sink))[ -20 .. -1 ];
			for my $link (@links[ 0 .. ($#links > 4 ? 4 : $#links) ])
			{
				insist($cluster, "SELECT group_api.accept_invitation('$link->[1]')");
				$answered{ $link->[0] } = 1;
				$tell->($link->[0]);
			}
			sleep 0.5;
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
	my $log = PostgreSQL::Test::Utils::tempdir_short() . "/$name";
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
