#!/bin/bash
# The dispatcher waits for no row: each of its statements that locks rows skips
# those that others hold. What src/dispatch calls of src/store, and what that
# calls, is the dispatcher's. A statement on rows that another one has locked
# before says by whom, GA_ROWS_LOCKED_BY(function); one that may meet an
# uncommitted key says why that stops nobody, GA_MAY_MEET_A_LOCK(reason).
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2

# waiting ROOT: the dispatcher's statements that might wait, one a line
waiting() { perl - "$1" <<'PERL'
use strict;
use warnings;

my ($root) = @ARGV;
my (%body, %file_of, %global, %plan_of_file, %define);

sub read_source
{
	my ($path) = @_;
	open(my $file, '<', $path) or die "$path: $!";
	local $/;
	my $text = <$file>;
	$text =~ s{/\*.*?\*/}{ }gs;
	return $text;
}

# Functions by file, plans and macros at the top of a file.
for my $path (glob("$root/src/store/*.[ch] $root/src/store/*/*.[ch]"))
{
	my $text = read_source($path);

	while ($text =~ /^#define (\w+)((?:.*\\\n)*.*)\n/mg) { $define{$1} = $2; }
	next if $path =~ /h$/;
	while ($text =~ /^(static )?[\w *]+\n([a-z_]\w*)\([^;{]*?\)\n\{\n(.*?)^\}/msg)
	{
		my ($static, $name, $body) = ($1, $2, $3);
		$body{$path}{$name} = $body;
		$global{$name} = $path unless $static;
	}
	while ($text =~ /^static GaPlan (\w+) = (\{.*?^\};)/msg) { $plan_of_file{$path}{$1} = $2; }
}
die "no functions found below $root/src/store" unless %global;

# Where the dispatcher begins; the others run in callers' backends.
my @todo;
for my $path (glob("$root/src/dispatch/*.c $root/src/dispatch/*/*.c"))
{
	next if $path =~ m{/(wake|database_guard|stats|slots|launcher)\.c$};
	my $text = read_source($path);
	push @todo, map { [ $global{$_}, $_ ] } grep { $global{$_} } $text =~ /\b(ga_\w+)\b/g;
}

my (%seen, %reached);
while (my $next = shift @todo)
{
	my ($path, $name) = @$next;
	next if $seen{"$path $name"}++;
	push @{ $reached{$path} }, $name;
	for my $called ($body{$path}{$name} =~ /\b([a-z_]\w*)\b/g)
	{
		push @todo, [ $path, $called ] if $body{$path}{$called};
		push @todo, [ $global{$called}, $called ] if $global{$called} && !$body{$path}{$called};
	}
}

# A plan's text with its macros put in.
sub words_of
{
	my ($plan) = @_;
	my ($sql) = $plan =~ /\.sql =(.*?),\s*(?:\.\w+ =|GA_ROWS|GA_MAY)/s;

	$sql //= $plan;
	for (1 .. 4) { $sql =~ s/\b([A-Z][A-Z0-9_]+)\b(?=[^"]*(?:"[^"]*"[^"]*)*$)/$define{$1} \/\/ $1/ge; }
	return join ' ', $sql =~ /"((?:[^"\\]|\\.)*)"/g;
}

sub locks_skipping { my ($name) = @_; return grep { ($body{$_}{$name} // '') =~ /SKIP LOCKED/ } keys %body; }

for my $path (sort keys %reached)
{
	for my $name (sort @{ $reached{$path} })
	{
		my $body = $body{$path}{$name};
		my @plans = ($body =~ /(?:static GaPlan \w+ = |\{)(\{?[^{}]*\.sql =.*?\n?[^{}]*\{[^{}]*\}[^{}]*\}?)/gs);
		push @plans, map { $plan_of_file{$path}{$_} } grep { $body =~ /&$_\b/ } keys %{ $plan_of_file{$path} // {} };
		push @plans, $1 while $body =~ /(\.sql\s*=(?:(?!\.sql).)*?\.(?:nargs|argtypes)|\.sql\s*=(?:(?!\.sql).)*?\};)/gs;
		my %told;
		for my $plan (@plans)
		{
			my $sql = words_of($plan);
			my ($before) = $plan =~ /GA_ROWS_LOCKED_BY\((\w+)\)/;
			my $where = ($path =~ s{^\Q$root\E/}{}r) . ": $name():";

			next if $plan =~ /GA_MAY_MEET_A_LOCK\(\s*"/;
			(my $rest = $sql) =~ s/FOR (?:NO KEY )?UPDATE(?: OF \w+)? SKIP LOCKED//g;
			my $skips = $rest ne $sql;
			my $why;
			$why = 'waits for a key that is not committed' if $rest =~ /ON CONFLICT/;
			$why = 'waits for rows' if $rest =~ /FOR (?:NO KEY )?UPDATE|FOR (?:KEY )?SHARE/;
			$why = 'changes rows it has not locked' if !$skips && $rest =~ /\bDELETE FROM\b|(?<!DO )\bUPDATE\b(?! SET\b.*ON CONFLICT)/ && $rest !~ /ON CONFLICT/;
			$why = undef if defined $before && locks_skipping($before);
			$why = undef if defined $before && grep { ($body{$_}{$before} // '') =~ /GA_ROWS_LOCKED_BY\((\w+)\)/ && locks_skipping($1) } keys %body;
			next if !$why || $told{$sql}++;
			print "$where $why: ", substr($sql =~ s/\s+/ /gr, 0, 70), "\n";
		}
	}
}
PERL
}

report "the dispatcher's statements wait for nobody's rows" "$(waiting . 2>&1)"

# And what if one did?
copy=$(mktemp -d) || exit 2
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/src" && cp -r src/store src/dispatch "$copy/src"

# caught WHAT FILE PATTERN: after the substitution of PATTERN something is found
caught() {
	cp -r src/store "$copy/src"
	sed -i "$3" "$copy/src/store/$2"
	report "$1 is found" "$(cmp -s "$copy/src/store/$2" "src/store/$2" && echo "$3 changes nothing"
		[ -n "$(waiting "$copy")" ] || echo "nothing is")"
}

caught "a claim that waits" queue/claim_store.c '/LIMIT \$7/,/SKIP LOCKED/s/ SKIP LOCKED//'
caught "trimming that waits" group/idempotency_store.c 's/ SKIP LOCKED//'
caught "a statement that says nothing of its rows" group/deadline_store.c 's/GA_ROWS_LOCKED_BY(take_groups)//'
caught "one whose rows nobody locked" group/deadline_store.c 's/GA_ROWS_LOCKED_BY(take_groups)/GA_ROWS_LOCKED_BY(ga_groups_next_deadline)/'
caught "a key that is not committed" suppression_store.c 's/GA_MAY_MEET_A_LOCK(.*)//'
caught "a receipt that waits" queue/receipt_store.c 's/GA_ROWS_LOCKED_BY(ga_receipt_try)//'
finish
