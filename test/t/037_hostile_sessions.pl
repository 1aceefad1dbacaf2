# Twenty sessions hold what roles without rights, visitors, callers and monitors can
# lock, while 5 000 messages are to be sent: all are.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $SECONDS = 60;
my $node = new_node('main');
my $gateway = start_http_sink();
my $hostile = project_root() . '/test/lib/hostile.sh';

sub sql { return $node->safe_psql('postgres', $_[0]); }

sub start_session
{
	my ($number) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . "/session.sql";

	PostgreSQL::Test::Utils::append_to_file($file, scalar `bash $hostile session $number $SECONDS`);
	return IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-f', $file ], '>', \my $out, '2>', \my $error);
}

add_sms($node, $gateway->{http});
sql("CREATE SERVER mail FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL')");
sql(scalar `bash $hostile setup`);
is(sql("SELECT group_api.wait_until_idle('1 min')"), 't', 'what they will hold is sent');

my $began = time;
my @sessions = map { start_session($_) } 1 .. 20;
poll_until(sub { sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()") >= 15 }, 'they hold what they can');
for my $round (1 .. 5)
{
	my @numbers = map { german_number(1000 * $round + $_) } 1 .. 1000;
	my $group = invite($node, @numbers);

	poll_until(sub { sql("SELECT count(*) FROM group_api_private.invitations WHERE group_id = '$group' AND delivery = 'sent'") eq '1000' },
		"message " . 1000 * $round . ' is sent');
	is(sql("SELECT ok, fact FROM group_api.health() WHERE \"check\" = 'locks'"), 't|nothing is in the way', 'and health() complains of nothing');
}
diag(sprintf '%.0f s after they began', time - $began);
is(sql("SELECT count(*) > 10 FROM pg_stat_activity WHERE backend_xid IS NOT NULL"), 't', 'while they still hold it') if time < $began + $SECONDS - 5;
$_->kill_kill for @sessions;
poll_until(sub { sql("SELECT count(*) FROM group_api_private.invitations WHERE due <= now()") eq '0' }, 'all that they held up goes on');

$node->stop;
done_testing();
