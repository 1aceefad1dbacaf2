# Reads bounces with Sisimai: sisimai-reasons.pl FILE... writes {FILE: [{reason, hard}]}.
use strict;
use warnings;

use JSON::PP;
use Sisimai;

my %found;
for my $path (@ARGV)
{
	open(my $file, '<:raw', $path) or die "$path: $!";
	my $mail = do { local $/; <$file> };
	my $read = eval { Sisimai->make(\$mail, delivered => 1) } // [];
	my @reasons;
	for my $one (@$read)
	{
		my $facts = $one->damn;
		push @reasons, { reason => $facts->{reason}, hard => $facts->{softbounce} eq '0' ? \1 : \0,
			recipient => $facts->{recipient} };
	}
	$found{$path} = \@reasons;
}
print JSON::PP->new->utf8->canonical->encode(\%found);
