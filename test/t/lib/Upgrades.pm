package Upgrades;

=pod

=head1 NAME

Upgrades - older versions of the extension, and what they become

=cut

use strict;
use warnings;

use Exporter 'import';
use File::Basename qw(basename);
use GroupApiTest;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(released_versions catalog_of catalog_differences private_installation);

# The versions of sql/released below ROOT but for the present one, oldest first.
sub released_versions
{
	my ($root) = @_;
	my ($present) = slurp_file("$root/group_api.control") =~ /^default_version = '(.*)'/m;

	return sort { version_of($a) cmp version_of($b) } grep { $_ ne $present }
	  map { /--(.*)\.sql$/ } glob("$root/sql/released/group_api--*.sql");
}

# As text that sorts as the numbers do.
sub version_of { return join '.', map { sprintf '%06d', $_ } split /\./, $_[0]; }

=head2 catalog_of(NODE, DATABASE)

Everything the extension consists of there, as C<< {heading => definition} >>. pg_upgrade
makes the members of an extension one by one, so pg_dump tells them for it: definitions,
comments, owners, rights and membership; what differs between two databases that
are alike, such as oids, is taken out.

=cut

sub catalog_of
{
	my ($node, $database) = @_;
	my ($dump, $error) = run_command([ 'pg_dump', '--schema-only', '--binary-upgrade', $node->connstr($database) ]);
	my %catalog;

	$dump =~ s/^\\(un)?restrict .*\n//mg;
	$dump =~ s/^SELECT pg_catalog\.binary_upgrade_set_next_.*\n//mg;
	$dump =~ s/^-- For binary upgrade, (must|set).*\n//mg;
	$dump =~ s/^UPDATE pg_catalog\.pg_class\n?SET rel(frozenxid|minmxid).*?;\n//msg;
	$dump =~ s/^SELECT pg_catalog\.binary_upgrade_create_empty_extension\(.*?, '([\d.]+)', .*\n/version $1\n/m;
	my @parts = split /^--\n-- (Name: .*)\n--\n/m, $dump;
	shift @parts;
	while (my ($heading, $text) = splice @parts, 0, 2)
	{
		next if $heading =~ /; Type: SEQUENCE SET;/;    # these are data
		$text =~ s/\n\n+/\n/g;
		$catalog{$heading} .= $text;
	}
	# Which tables a dump of the data has, in no order.
	$catalog{'what is dumped'} = $node->safe_psql($database, q{
		SELECT c.part::regclass, c.condition FROM pg_extension, unnest(extconfig, extcondition) c (part, condition)
		WHERE extname = 'group_api' ORDER BY c.part::regclass::text});
	return \%catalog;
}

# Headings of what one has and the other has not, or has otherwise.
sub catalog_differences
{
	my ($one, $other) = @_;
	my %all = (%$one, %$other);

	return grep { ($one->{$_} // '') ne ($other->{$_} // '') } sort keys %all;
}

=head2 private_installation(DIRECTORY)

PostgreSQL below DIRECTORY, where extensions can be installed with DESTDIR; returns where
its programs are. PostgreSQL looks for its files beside the program that runs.

=cut

sub private_installation
{
	my ($directory) = @_;
	my %at = map { my $path = qx($ENV{PG_CONFIG} --$_); chomp $path; ($_ => $path) } qw(bindir pkglibdir sharedir);

	run_or_die(qw(mkdir -p), map { "$directory$_" } $at{bindir}, $at{pkglibdir}, "$at{sharedir}/extension");
	# A link to a program would lead it back to its own files.
	run_or_die(qw(cp -RL), glob("$at{bindir}/*"), "$directory$at{bindir}");
	for my $part ($at{pkglibdir}, $at{sharedir}, "$at{sharedir}/extension")
	{
		for my $file (glob "$part/*")
		{
			symlink($file, "$directory$file") unless -e "$directory$file" || basename($file) =~ /^group_api/;
		}
	}
	return "$directory$at{bindir}" =~ s{/bin$}{}r;
}

sub run_or_die
{
	my @command = @_;

	system(@command) == 0 or die "@command[0 .. 1]: $?";
	return;
}

1;
