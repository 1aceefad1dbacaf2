# SpamAssassin reads the mails as a relay's filter would, without asking anybody: it has
# nothing to say of them that the words could avoid.
use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use GroupApiTest;
use PostgreSQL::Test::Utils;
use Test::More;

my ($spamassassin) = grep { -x } map { "$_/spamassassin" } split(/:/, $ENV{PATH}), '/usr/bin';
plan skip_all => 'spamassassin not found' unless $spamassassin;

# What the surroundings of the test are to blame for (no relay wrote a header or signed it, which
# excuses List-Unsubscribe without a mailing list in newer rules; the address of the page is that
# of a machine at home) and what a mail of the kind must be: it has HTML, a picture is fetched,
# and the group's leader is not the sender.
my %unavoidable = map { $_ => 1 } qw(NO_RECEIVED NO_RELAYS LIST_PARTIAL HTML_MESSAGE T_REMOTE_IMAGE);

my $node = new_node('main', conf => "group_api.invitation_url = 'https://groups.example.com/i/'\n"
	. "group_api.unsubscribe_url = 'https://groups.example.com/unsubscribe?token='\n");
$node->safe_psql('postgres', q{CREATE SERVER mail FOREIGN DATA WRAPPER group_api_capture
	OPTIONS (channel 'EMAIL', sender 'Groups <hello@example.com>')});

my $guests = 0;

# The mail of a group, as it would have left.
sub mail_of
{
	my (%words) = @_;
	my $body = to_json({ productId => '3f2504e0-4f89-11d3-9a0c-0305e82c3301', name => 'Pletnev Super Fans',
		description => 'Pletnev in Amsterdam', image => 'https://example.com/piano.jpg', message => 'Join me at the concert', %words,
		members => [ { nickName => 'Barnaby', contact => { type => 'EMAIL', value => 'barnaby' . ++$guests . '@example.org' } } ] });

	$node->safe_psql('postgres', 'TRUNCATE group_api_private.captured');
	$node->safe_psql('postgres', "SELECT group_api.create_group(\$json\$$body\$json\$)");
	$node->safe_psql('postgres', "SELECT group_api.wait_until_idle('5 min')");
	return $node->safe_psql('postgres', 'SELECT message FROM group_api.captured');
}

# The rules that a mail hits, with their points.
sub rules_of
{
	my ($mail) = @_;
	my $home = PostgreSQL::Test::Utils::tempdir();
	my $file = "$home/mail.eml";

	append_to_file($file, $mail);
	local $ENV{HOME} = $home;
	my $said = qx('$spamassassin' --local --test-mode --prefspath='$home/prefs' --siteconfigpath=/etc/spamassassin < '$file' 2>'$home/log');
	my ($analysis) = $said =~ /Content analysis details:(.*)\z/s;
	ok(defined $analysis, 'SpamAssassin reads it') or diag(slurp_file("$home/log"));
	return defined $analysis ? $analysis =~ /^ *(-?[\d.]+ [A-Z_0-9]{4,})/mg : ();
}

for my $case ([ 'a mail with few words', message => 'x', description => 'x', name => 'Us' ],
	[ 'a mail as most are' ],
	[ 'a mail with many words', message => 'Will you come along? ' x 45, description => 'A long evening. ' x 100 ],
	[ 'a mail in other letters', name => 'Клуб любителей музыки', message => 'Приходите на концерт' ])
{
	my ($what, %words) = @$case;
	is(join(', ', grep { !$unavoidable{ (split / /)[1] } } rules_of(mail_of(%words))), '', "nothing is said of $what");
}

$node->stop;
done_testing();
