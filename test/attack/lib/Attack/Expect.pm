package Attack::Expect;

=pod

=head1 NAME

Attack::Expect - what has to hold after an attack

=cut

use strict;
use warnings;

use Attack::Sessions;
use Exporter 'import';
use GroupApiTest;
use Time::HiRes qw(time sleep);

our @EXPORT = qw(expected unescape);

# The requests and mails of this case, as Attack::Scene reads them.
our $case_log = sub { return; };

# The words of a case's last field, and what each looks at. Each tells what is wrong, or nothing.
my %words = (
	any => sub { return; },
	ok => \&all_went_well,
	all => \&all_failed_with,
	status => \&has_status,
	says => \&says,
	is => \&answers,
	rows => \&has_rows,
	equal => \&answers_are_equal,
	then => \&state_is,
	memory => \&took_memory,
	delivery => \&was_delivered,
	sent => \&was_sent,
	unsent => sub { return was_sent($_[0], "not $_[1]") },
	untouched => \&nobody_was_asked,
	prompt => sub { return $_[0]{late} ? 'the statement had to be canceled' : (); });

sub unescape
{
	my ($text) = @_;
	my %plain = (n => "\n", r => "\r", t => "\t", 0 => "\0", '\\' => '\\');
	return $text =~ s/\\(?:x([0-9a-fA-F]{2})|([nrt0\\]))/defined $1 ? chr hex $1 : $plain{$2}/ger;
}

sub expected
{
	my ($case) = @_;
	my @faults;

	for my $one (split / ; /, $case->{holds})
	{
		my ($word, $rest) = split ' ', $one, 2;
		if ($word =~ /^(?:(?:[0-9A-Z]{5}|ok|gone)\|?)+$/ && $word ne 'ok') { push @faults, last_failed_with($case, $word); next; }
		my $look = $words{$word} or die "$case->{id}: what is $word?";
		push @faults, $look->($case, $rest // '');
	}
	return @faults;
}

# ---- answers --------------------------------------------------------------------------

sub all_went_well
{
	my ($case) = @_;
	my ($wrong) = grep { defined $_->{state} } @{ $case->{answers} };
	return $wrong ? "an error that should not be: $wrong->{state} $wrong->{text}" : ();
}

sub state_of { return $_[0]{state} // 'ok'; }

sub last_failed_with
{
	my ($case, $states) = @_;
	my $last = $case->{answers}[-1] // {};
	my %may = map { $_ => 1 } split /\|/, $states;
	return $may{ state_of($last) } ? () : 'not ' . $states . ' but ' . state_of($last) . ' ' . ($last->{text} // '');
}

sub all_failed_with
{
	my ($case, $states) = @_;
	my %may = map { $_ => 1 } split /\|/, $states;
	return map { ($_->{called} // '') . ": not $states but " . state_of($_) . ' ' . ($_->{text} // '') } grep { !$may{ state_of($_) } } @{ $case->{answers} };
}

sub has_status
{
	my ($case, $wanted) = @_;
	my $last = $case->{answers}[-1] // {};
	my $got = $last->{status} // state_of($last);
	return (grep { $got eq $_ } split /\|/, $wanted) ? () : "not status $wanted but $got: " . ($last->{text} // '');
}

sub everything_said { return join "\n", @{ $_[0]{said} }, map { $_->{text} // '' } @{ $_[0]{answers} }; }

# "/pattern/" or "not /pattern/"
sub matches
{
	my ($text, $rest, $what) = @_;
	my ($not, $pattern, $how) = $rest =~ m{^(not )?/(.*)/([ims]*)$}s or die "no /pattern/: $rest";
	my $found = $text =~ /(?s$how)$pattern/;
	return $not && $found ? "$what, and should not: " . substr $text, $-[0] > 40 ? $-[0] - 40 : 0, 200
	  : !$not && !$found ? "$what not /$pattern/"
	  : ();
}

sub says { return matches(everything_said($_[0]), $_[1], 'it says'); }

sub answers
{
	my ($case, $wanted) = @_;
	my $got = $case->{answers}[-1]{text} // '';
	return $got eq $wanted ? () : "not $wanted but $got";
}

sub has_rows
{
	my ($case, $wanted) = @_;
	my $got = @{ $case->{answers}[-1]{rows} // [] };
	return $got == $wanted ? () : "not $wanted rows but $got";
}

# Two things that must not be told from each other.
sub answers_are_equal
{
	my ($case) = @_;
	my ($one, $other) = map { join ' ', grep { defined } $_->{state}, $_->{status}, $_->{text} =~ s/\d+/N/gr } @{ $case->{answers} }[ -2, -1 ];
	return $one eq $other ? () : "one is told from the other:\n  $one\n  $other";
}

sub took_memory
{
	my ($case, $megabytes) = @_;
	my $got = ($case->{peak} // 0) / 1024;
	return $got <= $megabytes ? () : sprintf 'it took %d MB, not %d', $got, $megabytes;
}

# ---- what is so afterwards ---------------------------------------------------------------

# "STATEMENT => VALUE", which may come true a little later.
sub state_is
{
	my ($case, $rest) = @_;
	my ($sql, $wanted) = $rest =~ /^(.*) => (.*)$/s or die "no STATEMENT => VALUE: $rest";
	my $end = time + 60;
	my $got;
	while (1)
	{
		$got = eval { cell($sql) // 'null' } // "an error: $@";
		last if $got eq $wanted || time > $end;
		sleep 0.05;
	}
	return $got eq $wanted ? () : "afterwards $sql is $got, not $wanted";
}

sub was_delivered
{
	my ($case, $states) = @_;
	my $got = $case->{delivery} // 'nothing';
	return (grep { $got eq $_ } split /\|/, $states) ? () : "the delivery is $got, not $states" . ($case->{detail} ? ": $case->{detail}" : '');
}

sub was_sent { return matches(join("\n", map { $_->{data} // "$_->{method} $_->{path}\n" . to_json($_->{headers}) . "\n$_->{body}" } $case_log->($_[0])), $_[1], 'a provider was sent'); }


sub nobody_was_asked
{
	my ($case) = @_;
	my @asked = $case_log->($case);
	return @asked ? 'a provider was asked: ' . to_json($asked[0]) : ();
}

1;
