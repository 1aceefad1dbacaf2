package Attack::Sessions;

=pod

=head1 NAME

Attack::Sessions - sessions of many roles, by lib/sessions.py

=cut

use strict;
use warnings;

use Exporter 'import';
use FindBin;
use GroupApiTest;
use IPC::Open2;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(find_libpq connect_to super cell run_as start_as finish_as call_as request_as repeat_as close_sessions quoted);

my ($node, $database, $from, $to, %is_open);

sub find_libpq
{
	my $library = qx($ENV{PG_CONFIG} --libdir 2>/dev/null) || '';
	chomp $library;
	my ($found) = grep { -e } "$library/libpq.so.5", glob('/usr/lib/*/libpq.so.5 /usr/lib/libpq.so.5');
	return $found;
}

sub connect_to
{
	($node, $database) = @_;
	open2($from, $to, '/usr/bin/python3', "$FindBin::RealBin/lib/sessions.py", find_libpq());
	$to->autoflush;
	return;
}

sub ask
{
	my (%command) = @_;
	print $to to_json(\%command) . "\n";
	my $answer = <$from> // die 'the program that holds the sessions ended';
	return from_json($answer);
}

sub quoted { return "'" . $_[0] =~ s/'/''/gr . "'"; }

# A role "super" is whoever made the cluster.
sub session_of
{
	my ($role) = @_;
	my $name = $role;

	return $name if $is_open{$name};
	# other_role: somebody in another database
	my $where = $role =~ s/^(other\d*)_// ? $1 : $database;
	my $to = $node->connstr($where) . ($role =~ /^(?:super|root|check)$/ ? '' : " user=$role") . " application_name=attack_$role";
	my $answer = ask(do => 'open', s => $name, to => $to);
	die "$role: $answer->{error}" if $answer->{error};
	$is_open{$name} = 1;
	# Nothing that is planted may catch the runner itself.
	ask(do => 'run', s => $name, sql => 'SET search_path = pg_catalog') if $role =~ /^(?:root|check)$/;
	return $name;
}

sub close_sessions
{
	my (%but) = map { $_ => 1 } @_;
	for my $name (grep { !$but{$_} } keys %is_open)
	{
		ask(do => 'close', s => $name);
		delete $is_open{$name};
	}
	return;
}

# ---- the runner's own session ------------------------------------------------------

# Rows of one statement; dies of its error.
sub super
{
	my ($sql, @params) = @_;
	my $answer = ask(do => 'run', s => session_of('root'), sql => $sql, @params ? (params => \@params) : ());
	my ($wrong) = grep { exists $_->{error} } @{ $answer->{results} };

	if ($wrong)
	{
		close_sessions() if $wrong->{state} =~ /^(?:gone|57P..)$/;
		die "$sql: $wrong->{error}";
	}
	return $answer->{results}[-1]{rows};
}

sub cell { return super(@_)->[0][0]; }

# ---- the attackers' ------------------------------------------------------------------

sub run_as
{
	my ($case, $role, $sql, @params) = @_;
	my $name = eval { session_of($role) } // return refused($@);
	return ask(do => 'run', s => $name, sql => $sql, seconds => $case->{seconds} // 60, @params ? (params => \@params) : ());
}

# No session is an answer, too.
sub refused { return { results => [ { state => 'gone', error => $_[0] } ] }; }

sub start_as
{
	my ($case, $role, $sql) = @_;
	return ask(do => 'start', s => session_of($role), sql => $sql);
}

sub finish_as
{
	my ($case, $role, $seconds) = @_;
	return ask(do => 'finish', s => session_of($role), seconds => $seconds);
}

sub call_as
{
	my ($case, $role, $oid, $arguments) = @_;
	return ask(do => 'call', s => session_of($role), oid => 0 + $oid, args => $arguments);
}

# One request of PostgREST's: its transaction, role and settings; then the status.
sub request_as
{
	my ($case, $role, $claims, $method, $headers, $sql) = @_;
	my $text = ref $claims ? to_json($claims) : $claims;

	run_as($case, 'authenticator', 'ROLLBACK');
	my $begun = run_as($case, 'authenticator', 'BEGIN' . ($method =~ /^(?:GET|HEAD)$/ ? ' READ ONLY' : ''));
	run_as($case, 'authenticator', "SELECT set_config('role', \$1, true), set_config('request.jwt.claims', \$2, true),
		set_config('request.method', \$3, true), set_config('request.headers', \$4, true), set_config('request.path', '/rpc/x', true),
		set_config('search_path', 'public', true)", $role, $text, $method, $headers);
	my $outcome = run_as($case, 'authenticator', $sql);
	my $last = $outcome->{results}[-1];
	if (!exists $last->{error})
	{
		my $told = run_as($case, 'authenticator', "SELECT current_setting('response.status', true), current_setting('response.headers', true)")->{results}[0];
		$last->{status} = $told->{rows}[0][0] || 200;
		push @{ $outcome->{said} }, $told->{rows}[0][1] // '';
		run_as($case, 'authenticator', $headers =~ /tx=rollback/ ? 'ROLLBACK' : 'COMMIT');
	}
	else
	{
		run_as($case, 'authenticator', 'ROLLBACK');
	}
	return $outcome;
}

# A program that runs the statement again and again, each time in a transaction of its own.
sub repeat_as
{
	my ($role, $sql) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/again.sql';

	open(my $script, '>', $file) or die "$file: $!";
	print $script "$sql;\n" x 100_000;
	close $script;
	return start_program('again', 'psql', '-Xq', '-d', $node->connstr($database) . " user=$role", '-f', $file);
}

1;
