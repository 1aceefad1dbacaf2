package Attack;

=pod

=head1 NAME

Attack - runs the cases of the attack corpus and looks at what they left behind

=cut

use strict;
use warnings;

use Attack::Expect;
use Attack::Scene;
use Exporter 'import';
use FindBin;
use GroupApiTest;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(read_cases run_case prepare clean_up find_libpq);

# ---- the corpus -------------------------------------------------------------------

# Lines of "ID SENTENCE :: WAY :: ATTACK :: WHAT HOLDS [:: WHAT UNDOES IT]".
sub read_cases
{
	my (@wanted) = @_;
	my (@cases, %seen);

	for my $path (sort glob "$FindBin::RealBin/*.cases")
	{
		my ($by) = $path =~ m{(\w+)\.cases$};
		open(my $file, '<:encoding(UTF-8)', $path) or die "$path: $!";
		while (my $line = <$file>)
		{
			chomp $line;
			next if $line =~ /^\s*(?:#|$)/;
			my ($name, $way, $attack, $holds, $undo, @rest) = split / :: /, $line;
			die "$path:$.: not four or five fields" if !defined $holds || @rest;
			my ($id) = split ' ', $name;
			die "$path:$.: $id stands twice" if $seen{$id}++;
			$undo //= '';
			utf8::encode($_) for $name, $way, $attack, $holds, $undo;
			push @cases, { name => $name, id => $id, by => $by, way => [ split ' ', $way ], attack => $attack, holds => $holds, undo => $undo };
		}
		close $file;
	}
	return @cases unless @wanted;
	return grep { my $case = $_; grep { $case->{by} eq $_ || index($case->{id}, $_) >= 0 } @wanted } @cases;
}

# ---- ways in ------------------------------------------------------------------------

# Each does what the line says and puts what the attacker got into the case.
my %ways = (
	sql => \&attack_by_sql,
	hold => \&attack_by_holding,
	loop => \&attack_by_repeating,
	call => \&attack_by_fast_path,
	http => \&attack_over_http,
	mail => \&attack_by_mail,
	gateway => \&attack_as_provider,
	relay => \&attack_as_provider,
	every => \&attack_everything,
	extremes => \&attack_with_extremes);

sub run_case
{
	my ($case) = @_;
	my $attack = $ways{ $case->{way}[0] } or die "$case->{id}: no way in is called $case->{way}[0]";
	my $began = time;
	my @faults;

	$case->{$_} = [] for qw(answers said);
	begin_case($case);
	eval { $_ = fill_in($case, $_) for @$case{qw(attack holds undo)}, @{ $case->{way} }; $attack->($case); 1 } or push @faults, "the attack could not be made: $@";
	restart_dispatcher() if $case->{way}[0] eq 'sql' && $case->{way}[-1] eq 'restart';
	push @faults, crashes($case), leaks($case);
	push @faults, expected($case);
	push @faults, next_message($case, 'after it');
	push @faults, @{ $case->{held} // [] };
	eval { end_case($case); 1 } or push @faults, "it cannot be undone: $@";
	push @faults, crashes({});
	note(sprintf '%.2f s: %s', time - $began, $case->{id});
	ok(!@faults, $case->{name}) or diag(join "\n", map { substr $_, 0, 600 } @faults, summary($case));
	return;
}

sub summary
{
	my ($case) = @_;
	return map { '  it got: ' . substr(join(' ', grep { defined } $_->{state}, $_->{text}), 0, 300) =~ s/\s+/ /gr } @{ $case->{answers} }[ 0 .. ($#{ $case->{answers} } < 4 ? $#{ $case->{answers} } : 4) ];
}

# "A ;; @role B": statements, each of its own, some by others than the attacker. "super" is
# a superuser, of whose answers nothing is taken; "check" is one who looks for the runner.
sub statements
{
	my ($case, $role) = @_;
	return map { /^@(\w+) (.*)/s ? [ $1, $2 ] : [ $role, $_ ] } split / ;; /, $case->{attack};
}

sub attack_by_sql
{
	my ($case) = @_;
	take($case, $_->[0], run_as($case, @$_)) for statements($case, $case->{way}[1]);
	return;
}

# The transaction stays open, and what waits in it waits, while the others go on.
sub attack_by_holding
{
	my ($case) = @_;
	my (undef, $role, @options) = @{ $case->{way} };
	my @statements = statements($case, $role);
	my $last = pop @statements;

	run_as($case, $role, 'BEGIN');
	take($case, $_->[0], run_as($case, @$_)) for @statements;
	start_as($case, @$last);
	sleep 0.1;
	restart_dispatcher() if grep { $_ eq 'restart' } @options;
	for (1 .. 2) { push @{ $case->{held} }, next_message($case, 'while it is open') unless @{ $case->{held} // [] }; }
	take($case, $last->[0], finish_as($case, $last->[0], 0.5));
	run_as($case, $role, 'ROLLBACK');
	return;
}

# Some sessions that do it again and again.
sub attack_by_repeating
{
	my ($case) = @_;
	my (undef, $role, $sessions) = @{ $case->{way} };
	my @running = map { repeat_as($role, $case->{attack}) } 1 .. $sessions;

	sleep 0.3;
	for (1 .. 3) { push @{ $case->{held} }, next_message($case, 'meanwhile') unless @{ $case->{held} // [] }; }
	stop_program($_) for @running;
	return;
}

# "function(types) | argument | argument", as libpq's PQfn calls it.
sub attack_by_fast_path
{
	my ($case) = @_;
	my ($function, @arguments) = split / \| /, $case->{attack};
	my ($oid, @types) = signature($function);

	take($case, $case->{way}[1], call_as($case, $case->{way}[1], $oid,
		[ map { [ $types[$_], $arguments[$_] eq 'NULL' ? undef : $arguments[$_] ] } 0 .. $#arguments ]));
	return;
}

# "METHOD {headers} STATEMENT", as PostgREST calls it for a token's role and subject.
sub attack_over_http
{
	my ($case) = @_;
	my (undef, $role, $subject) = @{ $case->{way} };

	for my $request (split / ;; /, $case->{attack})
	{
		my ($method, $headers, $sql) = $request =~ /^(\S+) (\{.*?\}) (SELECT .*)/s or die 'no METHOD {headers} SELECT';
		my $claims = !defined $subject ? { role => $role } : $subject =~ /^\{/ ? $subject : { role => $role, sub => $subject };
		take($case, $role, request_as($case, $role, $claims, $method, $headers, $sql));
	}
	return;
}

sub attack_by_mail
{
	my ($case) = @_;
	take($case, 'mailer', run_as($case, 'mailer', 'SELECT group_api.ingest_bounce($1::bytea)', '\x' . unpack 'H*', unescape($case->{attack})));
	return;
}

# A gateway (HTTP) or relay (SMTP) that answers as it is told, JSON for script_server.py.
sub attack_as_provider
{
	my ($case) = @_;
	my ($kind, @options) = @{ $case->{way} };

	take($case, 'provider', invite_through($case, $kind, from_json($case->{attack}), @options));
	return;
}

sub attack_everything
{
	my ($case) = @_;
	take($case, $case->{way}[1], $_) for call_everything($case, $case->{way}[1]);
	return;
}

sub attack_with_extremes
{
	my ($case) = @_;
	take($case, $case->{way}[1], $_) for call_with_extremes($case, $case->{way}[1]);
	return;
}

# What somebody got; what a superuser got is nobody's business.
sub take
{
	my ($case, $role, $outcome) = @_;
	return if $role =~ /(?:^|_)(?:super|root)$/;
	$case->{peak} = $outcome->{peak} if ($outcome->{peak} // 0) > ($case->{peak} // 0);
	$case->{late} ||= $outcome->{late};
	push @{ $case->{said} }, @{ $outcome->{said} // [] };
	push @{ $case->{answers} }, map { {
			state => $_->{state}, status => $_->{status}, rows => $_->{rows},
			text => $_->{error} // join "\n", map { join '|', map { $_ // '' } @$_ } @{ $_->{rows} // [] }
	} } @{ $outcome->{results} };
	return;
}

1;
