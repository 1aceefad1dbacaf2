# Bounces as Sisimai reads them (Debian's libsisimai-perl): ours are not lost, and
# nobody's mailbox is called dead that Sisimai finds alive; what differs stands
# below with the reason. Over the specimens of test/specimens, and over any more in
# the directory GROUP_API_BOUNCES, such as Sisimai's own public ones.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use File::Basename qw(basename);
use File::Temp ();
use GroupApiTest;
use IPC::Run ();
use Test::More;

# Sisimai's reasons that end a mailbox, when they are no soft bounce.
my %ends = map { $_ => 1 } qw(userunknown hostunknown hasmoved);
# What is no failure.
my %no_failure = map { $_ => 1 } qw(delivered feedback vacation);

# Called dead by us alone, since code and words agree. By our words.
my @dead_by_us = (
	[ qr/user unknown|no such user|mailbox does not exist|does not exist/i, 'Sisimai goes by the stage of SMTP, or names another recipient of the report' ],
	[ qr/account that you tried to reach is (?:disabled|inactive)/i, 'Google closed it' ],
	[ qr/^$/, '5.1.10: the domain takes no mail (RFC 7505)' ],
);
# No failure to us, or not before a token proves it.
my %lost_by_us = (
	'lhost-amazonses-09' => 'a notification that SNS sends by mail; ours come by HTTP', 'lhost-amazonses-10' => 'the same',
	'lhost-fml-02' => 'a mailing list refuses a person', 'lhost-fml-03' => 'the same',
	'lhost-sendmail-14' => 'a person forwards a bounce',
	map { $_ => 'comes from no mail server\'s address; the specimen has no envelope, which would be the null sender' }
	  qw(lhost-apachejames-01 lhost-kddi-01 lhost-verizon-02));

plan skip_all => 'Sisimai (libsisimai-perl) not found' if system('perl', '-e', 'use Sisimai') != 0;
my $courier = project_root() . '/group_api_courier';
plan skip_all => 'the courier is not built' unless -x $courier;

my $scratch = File::Temp->newdir;
my @mails;
for my $path (sort glob project_root() . '/test/specimens/bounces/*.eml')
{
	my $text = PostgreSQL::Test::Utils::slurp_file($path);

	$text =~ s/^X-(?:Want|Source): .*\n//mg;
	$text =~ s/\@\@RCPT\@\@/ann\@example.org/g;
	$text =~ s/\@\@MID\@\@/inv-1\@example.com/g;
	push @mails, "$scratch/" . basename($path);
	PostgreSQL::Test::Utils::append_to_file($mails[-1], $text);
}
my $own = @mails;
my $more = $ENV{GROUP_API_BOUNCES};
if ($more) { push @mails, sort glob "$more/*.eml"; }
else { diag('skipped: no further bounces; GROUP_API_BOUNCES names a directory of them'); }

my ($out, $error) = ('', '');
IPC::Run::run([ $^X, "$FindBin::RealBin/lib/sisimai-reasons.pl", @mails ], '>', \$out, '2>', \$error);
my $theirs = from_json($out);
is(scalar(keys %$theirs), scalar @mails, 'Sisimai reads them');

my $src = project_root() . '/src';
is(system('cc', '-std=gnu11', '-I', $src, '-o', "$scratch/bounce_class", project_root() . '/test/lib/bounce_class.c',
	"$src/base/shared/mail_status.c", "$src/base/shared/mail_words.c"), 0, 'our rules are built');

sub read_bounce
{
	my ($path) = @_;
	my $said = '';
	IPC::Run::run([ $courier, 'bounce' ], '<', $path, '>', \$said, '2>', \my $noise);
	return eval { from_json($said) } // { kind => 'unreadable' };
}

# Their words, of those recipients that we call dead.
sub dead_words
{
	my ($report) = @_;
	my @recipients = $report->{kind} eq 'failed' ? @{ $report->{recipients} // [] } : ();
	my @words = map { ($_->{diagnostic} // '') =~ s/\s+/ /gr } @recipients;
	my $in = join '', map { ($recipients[$_]{status} // '') . "\t$words[$_]\n" } 0 .. $#recipients;
	my $classes = '';

	require Encode;
	$in = Encode::encode_utf8($in);
	IPC::Run::run([ "$scratch/bounce_class" ], '<', \$in, '>', \$classes);
	my @classes = split /\n/, $classes;
	return map { $words[$_] } grep { $classes[$_] eq 'dead' } 0 .. $#classes;
}

my (@killed, @lost, %agreed);
for my $path (@mails)
{
	my $name = basename($path, '.eml');
	my $report = read_bounce($path);
	my @reasons = map { $_->{reason} } @{ $theirs->{$path} };
	my $is_failure = grep { !$no_failure{$_} } @reasons;
	my @dead = dead_words($report);

	if (@dead && @reasons && !grep { $ends{$_} } @reasons)
	{
		my @unexplained = grep { my $words = $_; !grep { $words =~ $_->[0] } @dead_by_us } @dead;
		push @killed, "$name: @reasons, but we call it dead: @unexplained" if @unexplained;
	}
	elsif ($is_failure && $report->{kind} =~ /^(?:other|unreadable|delivered|relayed)$/ && !$report->{is_by_server})
	{
		push @lost, "$name: @reasons, but to us $report->{kind}" unless $lost_by_us{$name};
	}
	elsif (@reasons) { $agreed{$is_failure ? 'failures' : 'others'}++; }
}
is(join("\n", @killed), '', 'no mailbox is dead that lives');
is(join("\n", @lost), '', 'no failure is lost');
cmp_ok($agreed{failures} // 0, '>', $own / 2, sprintf 'of %d mails we agree on %d failures and %d others', scalar @mails,
	$agreed{failures} // 0, $agreed{others} // 0);
done_testing();
