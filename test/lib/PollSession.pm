package PollSession;

=pod

=head1 NAME

PollSession - sessions that stay, of a poll or of a test that asks much

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

our @EXPORT_OK = qw(keep_sessions stay_connected begin_session end_session ask_session talk);

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
	my $is_outermost = !defined $sessions;
	local $sessions = $sessions // {};
	my $result = eval { $sub->() };
	my $error = $@;

	if ($is_outermost) { end_session($_) for values %$sessions; }
	die $error if $error;
	return $result;
}

=head2 stay_connected()

From here to its end a test does so outside of polls as well: one that looks hundreds of times. It is one
that does not count sessions, change what a new one would start with, or drop what this one is in.

=cut

sub stay_connected
{
	$sessions = {};
	return;
}

# Of one statement, with nothing of psql's own in it.
sub is_for_session
{
	my ($node, $sql) = @_;
	return defined $sessions && !$node->{_install_path} && $sql =~ /\A\s*SELECT\b/ && $sql !~ /[\\;]/;
}

=head2 begin_session(ADDRESS), ask_session(SESSION, SQL), end_session(SESSION)

A session of psql at that address, for who asks one server many things outside of a poll. ask_session()
returns the answer to one statement as psql -At prints it; an error ends the session, and dies with it.

=head2 talk(SESSION, SCRIPT)

What psql printed of the script, and what it complained of. The session goes on after an error when
it was begun with begin_session(ADDRESS, on_error_stop => 0).

=cut

sub begin_session
{
	my ($address, %options) = @_;
	my $errors = File::Temp->new;
	my $pid = open3(my $in, my $out, '>&' . fileno $errors,
		'psql', '-XAtq', '-v', 'ON_ERROR_STOP=' . ($options{on_error_stop} // 1), '-d', $address, '-f', '-');

	return { pid => $pid, in => $in, out => $out, errors => $errors, is_over => 0 };
}

sub end_session
{
	my ($session) = @_;

	close $session->{in};
	close $session->{out};
	waitpid $session->{pid}, 0;
}

sub talk
{
	my ($session, $script) = @_;
	my $answer = '';
	local $SIG{PIPE} = 'IGNORE';

	# Where the last complaints ended: psql writes at the end of the file.
	my $before = -s $session->{errors};
	$session->{in}->print("$script\n\\echo $marker\n");
	$session->{in}->flush;
	$session->{is_over} = 1;
	while (defined(my $line = readline $session->{out}))
	{
		$session->{is_over} = 0, last if $line eq "$marker\n";
		$answer .= $line;
	}
	seek $session->{errors}, $before, 0;
	return ($answer =~ s/\n\z//r, join('', readline $session->{errors}));
}

sub ask_session
{
	my ($session, $sql) = @_;
	my ($answer, $errors) = talk($session, "$sql\n;");

	return $answer if !$session->{is_over};
	die "error of psql: ${errors}while running '$sql'\n";
}

# The answer of the session that is kept under this key, which an error ends.
sub ask_kept
{
	my ($key, $sql, $begin) = @_;
	my $is_new = !$sessions->{$key};
	my $session = $sessions->{$key} //= $begin->();
	my $answer = eval { ask_session($session, $sql) };
	my $error = $@ or return $answer;

	end_session(delete $sessions->{$key});
	# The server has been started anew since.
	return ask_kept($key, $sql, $begin) if !$is_new && $error !~ /ERROR:/;
	die $error;
}

sub safe_psql
{
	my ($node, $database, $sql, %options) = @_;

	return $plain->(@_) if %options || !is_for_session($node, $sql);
	return ask_kept($node->name . "/$database", $sql, sub {
		local %ENV = $node->_get_env;
		return begin_session($node->connstr($database));
	});
}

{
	no warnings 'redefine';
	*PostgreSQL::Test::Cluster::safe_psql = \&safe_psql;
}

1;
