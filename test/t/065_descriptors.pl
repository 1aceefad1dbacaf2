# Too few file descriptors cost no message a try, and a provider that is defined anew
# never sees more connections than it allows.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('files', conf => "
group_api.retry_base = 1");
my ($stdout) = run_command([ 'pg_config', '--pkglibdir' ]);
my $courier = "$stdout/group_api_courier";
my $next = 0;

sub query { return $node->safe_psql('postgres', $_[0]); }
sub numbers { return map { sa_number(++$next) } 1 .. $_[0]; }

# The courier under a limit of so many descriptors.
sub limit_courier
{
	my ($limit) = @_;
	my $path = $node->basedir . "/courier-$limit";

	open(my $file, '>', $path) or die "$path: $!";
	print $file "#!/bin/sh\nulimit -n $limit\nexec '$courier' \"\$@\"\n";
	close($file);
	chmod 0755, $path;
	$node->append_conf('postgresql.conf', "group_api.courier_path = '" . (defined $limit ? $path : $courier) . "'");
	$node->restart;
	return;
}

sub at_once
{
	my ($sink) = @_;
	my $count = `curl -s $sink->{http}/.count`;
	return $count =~ /"at_once": (\d+)/ ? $1 : die $count;
}

# ---- a reload while messages are sent

my $sink = start_http_sink(delay_ms => 30);
add_sms($node, $sink->{http}, max_connections => 4);
my $group = invite($node, numbers(1200));
for my $round (1 .. 6)
{
	my $sent = sub { query("SELECT recorded FROM group_api_private.dispatcher_state()") };
	my $before = $sent->();
	poll_until(sub { $sent->() >= $before + 40 }, "messages are sent under definition $round");
	query("ALTER SERVER sms OPTIONS (SET url '$sink->{http}/$round')");
}
all_are($node, 'sent', 'all are sent');
is(at_once($sink), 4, 'through several definitions the provider never saw more connections than it allows');
is(query("SELECT max(attempts) FROM group_api_private.invitations WHERE group_id = '$group'"), 1, 'and each message was tried once');
query("ALTER SERVER sms OPTIONS (SET max_connections '2')");
my $other = start_http_sink(delay_ms => 30);
query("ALTER SERVER sms OPTIONS (SET url '$other->{http}/')");
invite($node, numbers(100));
all_are($node, 'sent', 'all are sent under a smaller number');
is(at_once($other), 2, 'which counts from then on');

# ---- fewer descriptors than connections

query("ALTER SERVER sms OPTIONS (SET max_connections '64', SET url '$sink->{http}/')");
limit_courier(64);
$group = invite($node, numbers(600));
all_are($node, 'sent', 'all are sent where descriptors are enough for a few connections');
is(query("SELECT max(attempts) FROM group_api_private.invitations WHERE group_id = '$group'"), 1, 'none was tried twice');
is(query("SELECT count(*) FROM group_api_private.attempts WHERE group_id = '$group' AND outcome <> 'accepted'"), 0, 'and no try was in vain');

# ---- many providers with hardly any

query("DROP SERVER sms CASCADE");
add_sms($node, $sink->{http}, name => "sms$_", max_connections => 16, prefixes => "+2782000$_") for 0 .. 5;
limit_courier(20);
$next = 2000;
$group = invite($node, map { sprintf '+2782000%d%03d', $_ % 6, 300 + $_ } 1 .. 240);
all_are($node, 'sent', 'all are sent by six providers where descriptors are enough for one or two');
is(query("SELECT max(attempts) FROM group_api_private.invitations WHERE group_id = '$group'"), 1, 'none was tried twice');
is(query("SELECT count(*) FROM group_api_private.attempts WHERE group_id = '$group' AND outcome <> 'accepted'"), 0, 'and no try was in vain');
is(query("SELECT count(*) FROM group_api.providers WHERE state = 'paused'"), 0, 'no provider is paused');

# ---- none at all

query("DROP SERVER sms$_ CASCADE") for 0 .. 5;
add_sms($node, $sink->{http});
limit_courier(1024);
invite($node, sa_number(9_100_000));
all_are($node, 'sent', 'all are sent');
my $pid = courier_pid($node);
# Its own four, and none for a socket; the connection it has is another definition's.
system_or_bail('prlimit', '--pid', $pid, '--nofile=4:');
query("ALTER SERVER sms OPTIONS (SET url '$sink->{http}/new')");
my $number = sa_number(9_100_001);
$group = invite($node, $number);
poll_until(sub { slurp_file($node->logfile) =~ /too few file descriptors: the courier keeps to 1 connection/ }, 'without any the log says so', 30);
is(query("SELECT count(*) FROM group_api_private.attempts WHERE group_id = '$group'"), 0, 'no try is counted');
# It tries for ten seconds before the message goes back.
my $claimed = query('SELECT claimed FROM group_api_private.dispatcher_state()');
poll_until(sub { query('SELECT claimed FROM group_api_private.dispatcher_state()') > $claimed }, 'the message goes back and is claimed again', 40);
is(query("SELECT count(*) FROM group_api_private.attempts WHERE group_id = '$group'"), 0, 'as if it never had been');
system_or_bail('prlimit', '--pid', $pid, '--nofile=1024:');
all_are($node, 'sent', 'it is sent when there are some');
is(query("SELECT attempts FROM group_api_private.invitations WHERE group_id = '$group' AND contact = '$number'"), 1, 'at its first try');
is(query("SELECT count(*) FROM group_api.attempts WHERE group_id = '$group'"), 1, 'with one line in its history');
is(courier_pid($node), $pid, 'by the same courier');

$node->stop;
done_testing();
