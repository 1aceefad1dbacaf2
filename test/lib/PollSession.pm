package PollSession;

=pod

=head1 NAME

PollSession - the sessions of one poll

=head1 DESCRIPTION

A poll asks the same question again and again. With a new psql and a backend for each look the
tests of server life started 7 000 of them in 300 s. While keep_sessions() runs its
SUB, safe_psql() of PostgreSQL::Test::Cluster answers a single SELECT by a session that stays,
one for each server and database; everything else it does as ever. A session in which a
statement failed, or whose server is gone, is dropped, and the next look makes another.

Of what a new session would see and this one does not there are settings of the database or
the role that were changed meanwhile: a poll for these asks by psql().

=cut

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use IO::Handle;
use IPC::Open3 qw(open3);
use PostgreSQL::Test::Cluster;

our @EXPORT_OK = qw(keep_sessions);

my $marker = 'this was the answer';
my $plain = \&PostgreSQL::Test::Cluster::safe_psql;
# By server and database; undef: no poll is under way.
our $sessions;

=head2 keep_sessions(SUB)

Returns what SUB returns.

=cut

sub keep_sessions
{
	my ($sub) = @_;
	local $sessions = {};
	my $result = eval { $sub->() };
	my $error = $@;

	end($_) for values %$sessions;
	die $error if $error;
	return $result;
}

# Of one statement, with nothing of psql's own in it.
sub is_for_session
{
	my ($node, $sql) = @_;
	return defined $sessions && !$node->{_install_path} && $sql =~ /\A\s*SELECT\b/ && $sql !~ /[\\;]/;
}

sub begin
{
	my ($node, $database) = @_;
	local %ENV = $node->_get_env;
	my $errors = File::Temp->new;
	my $pid = open3(my $in, my $out, '>&' . fileno $errors,
		'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database), '-f', '-');

	return { pid => $pid, in => $in, out => $out, errors => $errors };
}

sub end
{
	my ($session) = @_;

	close $session->{in};
	close $session->{out};
	waitpid $session->{pid}, 0;
}

# An error ends it.
sub ask
{
	my ($session, $sql) = @_;
	my $answer = '';
	local $SIG{PIPE} = 'IGNORE';

	$session->{in}->print("$sql\n;\n\\echo $marker\n");
	$session->{in}->flush;
	while (defined(my $line = readline $session->{out}))
	{
		return $answer =~ s/\n\z//r if $line eq "$marker\n";
		$answer .= $line;
	}
	seek $session->{errors}, 0, 0;
	die 'error of psql: ' . join('', readline $session->{errors}) . "while running '$sql'\n";
}

sub safe_psql
{
	my ($node, $database, $sql, %options) = @_;

	return $plain->(@_) if %options || !is_for_session($node, $sql);
	my $key = $node->name . "/$database";
	my $session = $sessions->{$key} //= begin($node, $database);
	my $answer = eval { ask($session, $sql) };
	if (my $error = $@)
	{
		end(delete $sessions->{$key});
		die $error;
	}
	return $answer;
}

{
	no warnings 'redefine';
	*PostgreSQL::Test::Cluster::safe_psql = \&safe_psql;
}

1;
