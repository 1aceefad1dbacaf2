# Reads bounces with Sisimai: sisimai-reasons.pl FILE... writes {FILE: [{reason, recipient}]}.
use strict;
use warnings;

use JSON::PP;
use Sisimai;

# Its name until version 5.
my $rise = Sisimai->can('rise') || Sisimai->can('make') or die 'Sisimai reads by no name that is known here';
my %found;
for my $path (@ARGV)
{
	open(my $file, '<:raw', $path) or die "$path: $!";
	my $mail = do { local $/; <$file> };
	my $read = eval { Sisimai->$rise(\$mail, delivered => 1) } // [];
	$found{$path} = [ map { my $facts = $_->damn; { reason => $facts->{reason}, recipient => $facts->{recipient} } } @$read ];
}
print JSON::PP->new->utf8->canonical->encode(\%found);
