# A backend that asks the courier one thing waits for it no longer than it is told,
# leaves nothing behind, and shows no secret while it waits.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use IO::Socket::INET;
use IPC::Run ();
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', conf => "log_min_messages = debug5");
my $slow = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "listen: $!";
my $test = "SELECT group_api.test_provider('hangs', 'ann\@example.com')";
my ($out, $err);

# Nobody ever answers on this port.
add_mail($node, 'smtp://127.0.0.1:' . $slow->sockport, name => 'hangs', timeout => 60);
# Not in a statement that the server logs.
$node->safe_psql('postgres', "SET log_min_messages = 'panic'; SET log_statement = 'none';
	CREATE USER MAPPING FOR PUBLIC SERVER hangs OPTIONS (username 'me', password 'canary-password')");

# The processes of a program, by what they were started with: {pid => [arguments]}.
sub couriers
{
	my ($verb) = @_;
	my %found;

	for my $file (glob '/proc/[0-9]*/cmdline')
	{
		my ($process) = $file =~ /(\d+)/;
		open(my $in, '<', $file) or next;
		my @arguments = split /\0/, join('', <$in>);
		$found{$process} = \@arguments
		  if ($arguments[0] // '') eq 'group_api_courier' && ($arguments[1] // '') eq $verb
		  && is_alive($process) && is_child_of_ours($process);
	}
	return \%found;
}

# Others may run the same tests at the same time.
sub is_child_of_ours
{
	my ($process) = @_;
	my $parent = eval { slurp_file("/proc/$process/stat") =~ /\) \S (\d+)/ ? $1 : 0 } // 0;
	my $grandparent = eval { slurp_file("/proc/$parent/stat") =~ /\) \S (\d+)/ ? $1 : 0 } // 0;
	my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;

	return $grandparent == $postmaster;
}

sub wait_for_none
{
	my ($what) = @_;
	return poll_until(sub { !%{ couriers('send') } }, $what, 20);
}

takes_at_most(10, 'a time-out ends the call', sub {
	$node->psql('postgres', "SET statement_timeout = '500ms'; $test", stderr => \$err);
});
like($err, qr/canceling statement due to statement timeout/, 'as any other statement');
wait_for_none('and its courier with it');

# ---- terminated while it waits

my $in_background = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $test ],
	'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(5 * $GroupApiTest::PATIENCE));
poll_until(sub { %{ couriers('send') } }, 'a courier is at work');
my ($courier) = keys %{ couriers('send') };
is_deeply(couriers('send')->{$courier}, [ 'group_api_courier', 'send' ], 'its arguments hold no secret');
# While it starts its libraries have files open.
poll_until(sub {
	my @open = map { readlink($_) // () } glob "/proc/$courier/fd/*";
	return @open && !grep { m{^/(?!memfd:|proc/)} } @open;
}, 'it has no file of the server open');
my $environment = slurp_file("/proc/$courier/environ");
is_deeply([ sort map { /^(\w+)=/ } split /\0/, $environment ], [ 'LANG', 'PATH' ], 'its environment is empty');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%canary%' AND pid <> pg_backend_pid()"),
	'0', 'nobody sees the password in pg_stat_activity');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
	WHERE query LIKE '%test_provider%' AND pid <> pg_backend_pid()");
eval { $in_background->finish };
like($err, qr/terminating connection/, 'the session is terminated');
wait_for_none('its courier dies with it');

# ---- killed from outside

$in_background = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $test ],
	'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(5 * $GroupApiTest::PATIENCE));
poll_until(sub { %{ couriers('send') } }, 'another one is at work');
kill 'KILL', keys %{ couriers('send') };
eval { $in_background->finish };
is(from_json($out)->{outcome}, 'uncertain', 'a courier that is killed is told as what it is');

# ---- missing

$node->append_conf('postgresql.conf', "group_api.courier_path = '/no/such/courier'");
$node->reload;
poll_until(sub {
	$node->psql('postgres', "\\set VERBOSITY verbose\nSELECT group_api.ingest_bounce('x')", stderr => \$err);
	return $err =~ /58000/;
}, 'without the program there is an error of the system');
like($err, qr{DETAIL:  could not execute "/no/such/courier": No such file}, 'it names the program');
like($err, qr/HINT:  Run make install again, or set group_api\.courier_path\./, 'and what to do');

# ---- there, and yet it does not start: a mail must not pass for read

my $broken = PostgreSQL::Test::Utils::tempdir() . '/courier';
append_to_file($broken, "#!/no/such/interpreter\n");
chmod 0755, $broken;
$node->append_conf('postgresql.conf', "group_api.courier_path = '$broken'");
$node->reload;
poll_until(sub {
	$node->psql('postgres', "\\set VERBOSITY verbose\nSELECT group_api.ingest_bounce('x')", stdout => \$out, stderr => \$err);
	return $err =~ /58000.*does not start/s;
}, 'nor does a program that does not start read a mail', 20);
$node->psql('postgres', "\\set VERBOSITY verbose\n$test", stderr => \$err);
like($err, qr/58000/, 'or send one');
# ---- too slow: the mail must be handed in again

PostgreSQL::Test::Utils::append_to_file("$broken.slow", "#!/bin/sh\nexec tail -f /dev/null\n");
chmod 0755, "$broken.slow";
$node->append_conf('postgresql.conf', "group_api.courier_path = '$broken.slow'");
$node->reload;
poll_until(sub { $node->safe_psql('postgres', 'SHOW group_api.courier_path') eq "$broken.slow" }, 'the program is a slow one');
($out, $err) = ('', '');
$in_background = IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('postgres'), '-c', "SELECT group_api.ingest_bounce('x')" ],
	'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(5 * $GroupApiTest::PATIENCE));
my $reader;
poll_until(sub {
	($reader) = grep { is_child_of_ours($_) && (eval { slurp_file("/proc/$_/cmdline") } // '') =~ /^tail\0/ } map { m{(\d+)} } glob '/proc/[0-9]*';
}, 'a mail is being read');
# Its own, and so those of whatever it could become.
my %limit = slurp_file("/proc/$reader/limits") =~ /^(Max .*?) {2,}\S+ +(\S+)/mg;
is($limit{'Max address space'}, 512 * 1024 * 1024, 'what reads the mail of strangers may have 512 MB of memory');
is($limit{'Max cpu time'}, 10, 'and ten seconds of a processor');
is($limit{'Max file size'}, 64 * 1024, 'and writes 64 kB to a file at the most');
is($limit{'Max core file size'}, 0, 'and leaves no core');
eval { $in_background->finish };
like($err, qr/53000: the mail was not read within 20 seconds.*HINT:  Hand it in again/s, 'a mail that was not read in time is no mail that was read');
unlike(slurp_file($node->logfile), qr/canary-password/, "the server's log holds no password");

$node->stop;
done_testing();
