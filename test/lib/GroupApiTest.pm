package GroupApiTest;

=pod

=head1 NAME

GroupApiTest - what the tests of server life share

=head1 SYNOPSIS

  use FindBin;
  use lib "$FindBin::RealBin/../lib";
  use GroupApiTest;

  my $node = new_node('main', conf => "group_api.max_attempts = 3");
  my $gateway = start_script_server(http => { rules => [
      { match => 'Body=', replies => [ { status => 429 }, { status => 201 } ] },
  ] });
  $node->safe_psql('postgres', "CREATE SERVER ... '$gateway->{http}' ...");
  poll_until(sub { grep { $_->{status} == 201 } read_log($gateway, 'request') },
      'the gateway took the message at the second try');

Builds on PostgreSQL::Test::Cluster. Servers listen on 127.0.0.1 on free
ports, are children of the test and are ended by their own id; they also end
by themselves when the test is killed. Run by script/test, or by hand as an
ordinary user:

  PG_REGRESS=$(dirname $(pg_config --pgxs))/../../src/test/regress/pg_regress \
  PERL5LIB=.../pgxs/src/test/perl PATH=$(pg_config --bindir):$PATH \
  prove test/t/NAME.pl

=cut

use strict;
use warnings;

use Cwd qw(abs_path);
use Digest::SHA qw(hmac_sha256);
use Exporter 'import';
use File::Basename qw(basename dirname);
use File::Path qw(make_path);
use File::Temp ();
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);
use PollSession qw(keep_sessions);
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test2::API qw(test2_add_callback_context_release);
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(
  new_node poll_until settled at_most takes_at_most
  start_http_sink settable_clock set_clock sink_count start_script_server set_rules start_smtp_sink
  start_mail_server start_prism start_postfix
  start_program stop_program kill read_log make_certificate dead_port
  project_root peer from_json to_json make_token
);
our @EXPORT_OK = qw(is_alive which_died);

# Where poll_until gives up: a loaded machine is slow, a bug waits for ever.
our $PATIENCE = $ENV{GROUP_API_TEST_PATIENCE} || 120;

# How many times longer than a quiet machine this one may take for what a test
# says is soon. What it must not wait for has to last longer than that.
our $SLACK = $ENV{GROUP_API_TEST_SLACK} || 10;
# The first sentence that fails ends the test: to script/mutants one is enough.
test2_add_callback_context_release(sub { exit 1 if $_[0]->hub->failed }) if $ENV{GROUP_API_TEST_STOP};

my $root = abs_path(dirname(__FILE__) . '/../..');
my $scratch = File::Temp->newdir('group_api_test.XXXXXX', TMPDIR => 1);
my $json = JSON::PP->new->canonical->utf8;
my $started = 0;
my %running;
# Those of them that end only when they are told to.
my %serving;

# Whoever runs the tests: the superuser of their servers has one name.
$ENV{PGUSER} = 'postgres';

sub project_root { return $root; }
sub from_json { return $json->decode($_[0]); }
sub to_json { return $json->encode($_[0]); }

# ---- PostgreSQL ------------------------------------------------------------

# Device and inode: what names the journals of a server (dispatch/courier/own_journal).
my @data_directories;

=head2 new_node(NAME, [conf => TEXT], [extension => 0], [init => [...]], [install_path => DIR])

A started server with group_api preloaded, and the extension in the database
"postgres" unless told otherwise.

=cut

sub new_node
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name,
		$options{install_path} ? (install_path => $options{install_path}) : ());

	# The extension insists on UTF-8, whatever the machine's own language is.
	$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8', "--username=$ENV{PGUSER}" ],
		@{ $options{init} // [] });
	$node->append_conf('postgresql.conf',
		# What is refused must not depend on the day the tests are run; and what a test asks of odd plans and
		# untouched statistics is compiled for a tenth of a second each time (t/067 asks what calls cost).
		"shared_preload_libraries = 'group_api'\ngroup_api.phone_metadata_months = 1200\njit = off\n" . ($options{conf} // '') . "\n");
	push @data_directories, [ stat $node->data_dir ];
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION group_api')
	  if $options{extension} // 1;
	return $node;
}

=head2 poll_until(SUB, WHAT, [SECONDS])

Calls SUB until it returns something true, passes one test called WHAT, and
returns what SUB returned. An error in SUB is the same as false: a server that
is just starting refuses connections. On giving up the test fails and tells the
last error. SECONDS are those of a quiet machine. When a server of the test's has died,
there is nothing to wait for any more: the test fails at once and tells which one.

=cut

sub poll_until
{
	my ($sub, $what, $seconds) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	my ($result, $error) = keep_sessions(sub { [ look_until($sub, $seconds) ] })->@*;
	ok($result, $what) or diag($error || 'it never came true');
	return $result;
}

# What SUB returned and its last error.
sub look_until
{
	my ($sub, $seconds) = @_;
	my $wait = defined $seconds && $seconds * $SLACK < $PATIENCE ? $seconds * $SLACK : $PATIENCE;
	my $began = time;
	my ($result, $error, $dead, $dead_since);

	while (1)
	{
		$result = eval { $sub->() };
		$error = $@;
		my $waited = time - $began;
		last if $result || $waited > $wait;
		# For a moment it may be somebody else who stops it and starts it again.
		$dead_since = ($dead = which_died()) ? $dead_since // time : undef;
		if ($dead && time - $dead_since > 1) { $error = $dead; last; }
		# Looking costs time that what is waited for may need.
		sleep($waited < 4 ? 0.02 + $waited / 20 : 0.22);
	}
	return ($result, $error);
}

# A server that runs no more although the test has not stopped it, and its last words; or nothing.
sub which_died
{
	for my $node (@PostgreSQL::Test::Cluster::all_nodes)
	{
		next if !defined $node->{_pid} || is_alive($node->{_pid}) || is_alive(postmaster($node));
		return 'the server "' . $node->name . '" has died: ' . last_words($node->logfile);
	}
	my ($child) = grep { !is_alive($_) } sort keys %serving;
	return $child && "a helper server has ended: " . last_words($serving{$child});
}

# The process that the file of the server names, else 0.
sub postmaster
{
	my ($node) = @_;
	open(my $file, '<', $node->data_dir . '/postmaster.pid') or return 0;
	return (<$file> // '') =~ /^(\d+)/ ? $1 : 0;
}

sub last_words
{
	my @lines = split /^/, slurp_file($_[0]);
	return join '', @lines > 5 ? @lines[ -5 .. -1 ] : @lines;
}

# A zombie is dead.
sub is_alive
{
	my ($process) = @_;
	open(my $file, '<', "/proc/$process/stat") or return 0;
	# Gone since it was opened.
	my $line = <$file> // return 0;
	return $line !~ /\) [ZX] /;
}

=head2 settled(SUB, WHAT)

Polls until what SUB returns has been the same for a second, and returns it: what is
counted behind everybody's back may be a little behind what it counts.

=cut

sub settled
{
	my ($sub, $what) = @_;
	my ($last, $since);
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	poll_until(sub {
		my $now = $sub->();
		($last, $since) = ($now, time) if !defined $last || $now ne $last;
		return time - $since > 1;
	}, $what);
	return $last;
}

=head2 at_most(SECONDS, LIMIT, WHAT), takes_at_most(LIMIT, WHAT, SUB)

That something took no longer than LIMIT seconds of a quiet machine. Both note how
long it took here.

=cut

sub at_most
{
	my ($took, $limit, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	note(sprintf '%.2f s: %s', $took, $what);
	return cmp_ok($took, '<=', $limit * $SLACK, $what);
}

sub takes_at_most
{
	my ($limit, $what, $code) = @_;
	my $began = time;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$code->();
	return at_most(time - $began, $limit, $what);
}

# ---- programs started by a test --------------------------------------------

=head2 start_program(NAME, COMMAND...)

A child process; its output goes to the directory of logs, which all tests share,
under the test's name. Returns its id.

=cut

sub start_program
{
	my ($name, @command) = @_;
	my $log = "$PostgreSQL::Test::Utils::log_path/" . basename($0, '.pl') . ".$name." . ++$started . '.log';
	my $child = fork;

	die "fork: $!" unless defined $child;
	if ($child == 0)
	{
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>', $log);
		open(STDERR, '>&', \*STDOUT);
		no warnings 'exec';
		exec { $command[0] } @command;
		POSIX::_exit(127);
	}
	$running{$child} = $log;
	return $child;
}

=head2 stop_program(ID or what a start_... returned, [SIGNAL])

=cut

sub stop_program
{
	my ($what, $signal) = @_;
	my $child = ref $what ? $what->{pid} : $what;

	delete $serving{$child};
	return unless delete $running{$child};
	CORE::kill $signal // 'TERM', $child;
	waitpid $child, 0;
	return;
}

=head2 kill(SIGNAL, ID...)

Perl's own, but for 0, which would be the test itself and all it has started: a process that is
not there (any more) ends the test, instead of SIGSTOP for as long as it may last.

=cut

sub kill
{
	my ($signal, @processes) = @_;

	for my $process (@processes ? @processes : 0)
	{
		die "there is no process to get SIG$signal" if ($process // '') !~ /^-?[1-9]\d*\z/;
	}
	return CORE::kill $signal, @processes;
}

# The port a program wrote to its file, or death with the program's last words.
sub await_port
{
	my ($file, $child) = @_;
	my $end = time + $PATIENCE;

	while (!-s $file)
	{
		die "a helper server ended: " . slurp_file($running{$child})
		  if waitpid($child, POSIX::WNOHANG()) != 0;
		die "a helper server opened no port" if time > $end;
		sleep 0.01;
	}
	$serving{$child} = $running{$child};
	my $port = slurp_file($file);
	chomp $port;
	return $port;
}

=head2 start_http_sink([status =>, body =>, delay_ms =>, log => 1])

The fast one (test/lib/http_sink.c). Returns {pid, port, http => base URL, log}.

=cut

sub start_http_sink
{
	my (%options) = @_;
	my $number = ++$started;
	my $port_file = "$scratch/sink.$number.port";
	my $log = "$scratch/sink.$number.log";
	my @command = (http_sink_path(), '--port-file', $port_file);

	push @command, '--status', $options{status} if defined $options{status};
	push @command, '--body', $options{body} if defined $options{body};
	push @command, '--delay-ms', $options{delay_ms} if $options{delay_ms};
	push @command, '--log', $log if $options{log};
	my $child = start_program('http_sink', @command);
	my $port = await_port($port_file, $child);
	return {
		pid => $child, port => $port, log => $log,
		http => "http://127.0.0.1:$port"
	};
}

# Built by script/test; built here for who runs one test by hand.
sub http_sink_path
{
	my $path = "$root/build/test/http_sink";
	return $path if -x $path;
	$path = "$scratch/http_sink";
	system_or_bail('cc', '-O2', '-o', $path, "$root/test/lib/http_sink.c")
	  unless -x $path;
	return $path;
}

=head2 settable_clock()

What a server's environment needs so that the test can set its wall clock, see
test/lib/set_clock.c: a hash of variables, and set_clock(SECONDS) sets it by so many
seconds from now on, against the true time.

=cut

sub settable_clock
{
	my $library = "$scratch/set_clock.so";

	system_or_bail('cc', '-O2', '-shared', '-fPIC', '-o', $library, "$root/test/lib/set_clock.c", '-ldl');
	chmod 0755, $scratch, $library;
	set_clock(0);
	return (LD_PRELOAD => $library, SET_CLOCK_FILE => "$scratch/clock");
}

sub set_clock
{
	my ($seconds) = @_;
	my $path = "$scratch/clock";

	# Processes have it mapped: written in place.
	open(my $file, -e $path ? '+<:raw' : '>:raw', $path) or die "$path: $!";
	syswrite($file, pack('q', $seconds)) == 8 or die "$path: $!";
	close($file);
	return;
}

=head2 sink_count(SINK)

How many requests the sink has answered.

=cut

sub sink_count
{
	my ($sink) = @_;
	my $answer = qx(curl -sS -m 10 '$sink->{http}/.count');

	return from_json($answer)->{requests};
}

=head2 start_script_server([http => {...}], [smtp => {...}], [tls => 'starttls'|'always'])

The one that misbehaves as told; see test/lib/script_server.py for the rules.
Returns {pid, http => URL, smtp => URL, http_port, smtp_port, log, rules, cert}.

=cut

sub start_script_server
{
	my (%options) = @_;
	my $number = ++$started;
	my $server = {
		log => "$scratch/script.$number.log",
		rules => "$scratch/script.$number.json"
	};
	my @kinds = grep { $options{$_} } qw(http smtp);
	my @command = ('/usr/bin/python3', "$root/test/lib/script_server.py",
		'--rules', $server->{rules}, '--log', $server->{log});

	set_rules($server, map { $_ => $options{$_} } @kinds);
	push @command, "--$_-port-file", "$scratch/$_.$number.port" for @kinds;
	if ($options{tls})
	{
		@$server{qw(cert key)} = make_certificate();
		push @command, '--cert', $server->{cert}, '--key', $server->{key};
		push @command, '--tls' if $options{tls} eq 'always';
	}
	$server->{pid} = start_program('script_server', @command);
	for my $kind (@kinds)
	{
		my $port = await_port("$scratch/$kind.$number.port", $server->{pid});
		my $scheme = $kind . (($options{tls} // '') eq 'always' ? 's' : '');
		$server->{"${kind}_port"} = $port;
		$server->{$kind} = "$scheme://127.0.0.1:$port";
	}
	return $server;
}

=head2 set_rules(SERVER, [http => {...}], [smtp => {...}])

Replaces the rules of a running script server; it reads them at the next
request.

=cut

sub set_rules
{
	my ($server, %rules) = @_;

	open(my $file, '>', "$server->{rules}.part") or die "$server->{rules}: $!";
	print $file to_json(\%rules);
	close $file;
	rename "$server->{rules}.part", $server->{rules};
	return;
}

=head2 start_smtp_sink(OPTION...)

Postfix' smtp-sink with these options, or undef when script/setup --peers could
not have it (then skip). Returns {pid, port, smtp => URL}.

=cut

sub start_smtp_sink
{
	my (@options) = @_;
	my $program = peer('postfix/usr/sbin/smtp-sink') // return;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $child;

	{
		local $ENV{LD_LIBRARY_PATH} = peer('postfix/usr/lib/postfix');
		$child = start_program('smtp_sink', $program, @options, "127.0.0.1:$port",
			128);
	}
	await_listener($port, $child);
	return { pid => $child, port => $port, smtp => "smtp://127.0.0.1:$port" };
}

=head2 start_mail_server([USER, PASSWORD])

aiosmtpd, a real SMTP server, which asks for the password if there is one; read_log gives its "message" events. undef when it
is not installed. Returns {pid, port, smtp => URL, log}.

=cut

sub start_mail_server
{
	my @login = @_;
	my $number = ++$started;
	my ($log, $port_file) = ("$scratch/mail.$number.log", "$scratch/mail.$number.port");

	return if system("/usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null") != 0;
	my $child = start_program('mail_server', '/usr/bin/python3',
		"$root/test/peers/mail_server.py", $log, $port_file, @login);
	my $port = await_port($port_file, $child);
	return { pid => $child, port => $port, log => $log, smtp => "smtp://127.0.0.1:$port" };
}

=head2 start_prism()

Twilio's API as Twilio describes it: Prism checks every request against the
OpenAPI, a proxy in front keeps what was asked and answered (read_log, event
"request": method, path, headers, body, status, answer). undef when Prism or node
could not be had. Returns {pid, port, http => base URL, log}.

=cut

sub start_prism
{
	my $prism = peer('node_modules/@stoplight/prism-cli/dist/index.js') // return;
	my $description = peer('twilio-messages.json') // return;
	my $number = ++$started;
	my ($log, $port_file) = ("$scratch/prism.$number.log", "$scratch/prism.$number.port");
	my $port = PostgreSQL::Test::Cluster::get_free_port();

	return if system('node --version >/dev/null 2>&1') != 0;
	my $child = start_program('prism', '/usr/bin/env', 'node', $prism, 'mock',
		'-h', '127.0.0.1', '-p', $port, $description);
	await_listener($port, $child);
	$child = start_program('recording_proxy', '/usr/bin/env', 'node',
		"$root/test/peers/recording-proxy.js", "http://127.0.0.1:$port", $log, $port_file);
	$port = await_port($port_file, $child);
	return { pid => $child, port => $port, log => $log, http => "http://127.0.0.1:$port" };
}

=head2 start_postfix(relay => PORT, domain => NAME, command => [PROGRAM, ARGUMENT...])

A whole Postfix, as an ordinary user: what it takes by SMTP it passes on to the
server on the port C<relay>; mail for the domain, its own bounces among them, it
pipes into the command. undef when Postfix or fakeroot could not be had. Returns
{pid, port, smtp => URL, log}.

=cut

sub start_postfix
{
	my (%options) = @_;
	my $postfix = peer('postfix') // return;
	my $directory = "$scratch/postfix." . ++$started;
	my $port = PostgreSQL::Test::Cluster::get_free_port();

	return if system('fakeroot true 2>/dev/null') != 0;
	make_path("$directory/etc", "$directory/data", map { "$directory/spool/$_" }
		qw(active bounce corrupt defer deferred flush hold incoming maildrop pid private public saved trace));
	write_postfix($directory, $postfix, $port, %options);
	my $child = start_program('postfix', "$root/test/peers/run-postfix.sh", $postfix,
		"$directory/etc", "$directory/spool/pid/master.pid");
	await_listener($port, $child);
	return { pid => $child, port => $port, smtp => "smtp://127.0.0.1:$port", log => "$directory/log" };
}

# The users are any that exist and differ: nobody becomes them.
sub write_postfix
{
	my ($directory, $postfix, $port, %options) = @_;
	my ($program, @arguments) = @{ $options{command} };
	my $command = join ' ', $program, map { "{$_}" } @arguments;

	append_to_file("$directory/etc/main.cf", <<"END");
compatibility_level = 3.6
queue_directory = $directory/spool
data_directory = $directory/data
daemon_directory = $postfix/usr/lib/postfix/sbin
shlib_directory = $postfix/usr/lib/postfix
command_directory = $postfix/usr/sbin
meta_directory = $directory/etc
maillog_file = $directory/log
maillog_file_prefixes = $directory
mail_owner = mail
setgid_group = daemon
default_privs = nobody
import_environment = LD_PRELOAD LD_LIBRARY_PATH FAKEROOTKEY MAIL_CONFIG
export_environment = PATH=$ENV{PATH}
myhostname = relay.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
fast_flush_domains =
recipient_delimiter = +
relay_domains = $options{domain}
transport_maps = inline:{$options{domain}=group_api:}
group_api_destination_recipient_limit = 1
relayhost = [127.0.0.1]:$options{relay}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = none
smtp_tls_security_level = none
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
END
	append_to_file("$directory/etc/master.cf", <<"END");
127.0.0.1:$port inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
postlog unix-dgram n - n - 1 postlogd
group_api unix - n n - 4 pipe
    flags=DOR user=nobody
    argv=$command
END
	return;
}

sub await_listener
{
	my ($port, $child) = @_;
	my $end = time + $PATIENCE;

	require IO::Socket::INET;
	until (IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port))
	{
		die "a helper server ended: " . slurp_file($running{$child})
		  if waitpid($child, POSIX::WNOHANG()) != 0;
		die "nobody listens on port $port" if time > $end;
		sleep 0.02;
	}
	$serving{$child} = $running{$child};
	return;
}

=head2 read_log(SERVER, [EVENT])

What a server has logged so far, as a list of hashes; only the lines whose
"event" is EVENT when one is given. What was read before is not read again: who
polls asks a hundred times, and the log grows.

=cut

my %known;

sub read_log
{
	my ($server, $event) = @_;

	open(my $file, '<', $server->{log}) or return;
	my $log = $known{ join ' ', (stat $file)[ 0, 1 ] } //= { at => 0, entries => [] };
	seek $file, $log->{at}, 0;
	while (my $line = <$file>)
	{
		last unless $line =~ /\n\z/;    # still being written
		push @{ $log->{entries} }, from_json($line);
		$log->{at} = tell $file;
	}
	close $file;
	return grep { !defined $event || ($_->{event} // '') eq $event } @{ $log->{entries} };
}

=head2 dead_port()

A port of 127.0.0.1 on which nobody listens, nor comes to while the test runs: it is
bound and stays so.

=cut

my @dead_sockets;

sub dead_port
{
	require IO::Socket::INET;
	# Without Listen it is bound, and who connects is refused.
	my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Proto => 'tcp') or die "bind: $!";
	push @dead_sockets, $socket;
	return $socket->sockport;
}

=head2 make_certificate()

A self-signed certificate for 127.0.0.1 and localhost: (certificate, key).

=cut

sub make_certificate
{
	my ($cert, $key) = ("$scratch/cert.pem", "$scratch/key.pem");

	return ($cert, $key) if -s $cert;
	system_or_bail('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes',
		'-days', '2', '-subj', '/CN=localhost', '-addext',
		'subjectAltName=IP:127.0.0.1,DNS:localhost', '-keyout', $key,
		'-out', $cert);
	return ($cert, $key);
}

=head2 peer(PATH)

The full path of something below build/peers, or undef when it is not there.

=cut

sub peer
{
	my ($path) = @_;
	my $full = ($ENV{GROUP_API_PEERS} // "$root/build/peers") . "/$path";

	return -e $full ? $full : undef;
}

=head2 make_token(KEY, PURPOSE, NUMBERS)

A token as base/link_token makes it. KEY: the bytes of link_secret; PURPOSE: '' for a link, 'r' for a
receipt, 'u' to unsubscribe.

=cut

sub varint
{
	my ($value) = @_;
	my $bytes = '';
	while ($value >= 0x80) { $bytes .= chr(($value & 0x7f) | 0x80); $value >>= 7; }
	return $bytes . chr $value;
}

sub make_token
{
	my ($key, $purpose, @numbers) = @_;
	my $bytes = join '', map { varint($_) } @numbers;
	return encode_base64url($bytes . substr hmac_sha256($purpose . $bytes, $key), 0, 16);
}

END
{
	my $status = $?;
	stop_program($_) for keys %running;
	# Servers of tests are stopped at once, which leaves their journals.
	unlink glob sprintf('/dev/shm/group_api.%x.%x.*', @$_[ 0, 1 ]) for @data_directories;
	$? = $status;
}

1;
