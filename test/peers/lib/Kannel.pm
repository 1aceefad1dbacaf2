package Kannel;

=pod

=head1 NAME

Kannel - a Kannel gateway and the carrier behind it, for tests

=cut

use strict;
use warnings;

use Exporter 'import';
use GroupApiTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(start_carrier send_receipts send_answers texts_to start_kannel);

# Programs of others do not notice that the test was killed.
my @with_us = qw(setpriv --pdeathsig TERM);

=head2 start_carrier({DIGITS => {stat => ..., err => ...} or {status => ...}})

An SMPP server; read_log gives its events "bind", "message" and "receipt". undef
when script/setup --peers could not have it. Returns {pid, port, log}.

=cut

sub start_carrier
{
	my ($fates) = @_;
	my $modules = peer('node_modules') // return;
	my $directory = PostgreSQL::Test::Utils::tempdir();

	return if !peer('node_modules/smpp') || system('node --version >/dev/null 2>&1') != 0;
	local $ENV{NODE_PATH} = $modules;
	my $child = start_program('smpp', @with_us, 'node', project_root() . '/test/peers/smpp-server.js',
		to_json($fates), "$directory/log", "$directory/port");
	return { pid => $child, log => "$directory/log", port => GroupApiTest::await_port("$directory/port", $child) };
}

# Of all messages taken so far that have no receipt yet.
sub send_receipts { return kill 'USR1', $_[0]->{pid}; }

# What the persons say who are given something to say.
sub send_answers { return kill 'USR2', $_[0]->{pid}; }

=head2 texts_to(CARRIER, CONTACT)

What the handset shows: the parts of a message put together. Then the parts.

=cut

sub texts_to
{
	my ($carrier, $contact) = @_;
	my @parts = sort { $a->{part} <=> $b->{part} }
	  grep { "+$_->{to}" eq $contact && $_->{international} } read_log($carrier, 'message');

	return if !@parts || @parts < $parts[0]{parts};
	return join('', map { $_->{text} } @parts), @parts;
}

=head2 start_kannel(CARRIER, CONFIGURATION)

Bearerbox and smsbox, bound to the carrier; the configuration is that of smsbox and
its users, its ports are changed to free ones. undef when Kannel could not be had.
Returns {url => of sendsms, directory => its logs, ...}.

=cut

sub start_kannel
{
	my ($carrier, $configuration) = @_;
	my $programs = peer('kannel/usr/sbin') // return;
	my $directory = PostgreSQL::Test::Utils::tempdir();
	my ($admin, $box, $port) = map { PostgreSQL::Test::Cluster::get_free_port() } 1 .. 3;
	local $ENV{LD_LIBRARY_PATH} = peer('kannel/lib');

	$configuration =~ s/^sendsms-port = .*$/sendsms-port = $port/m or die 'no sendsms-port';
	$configuration =~ s/^(bearerbox-host = .*)$/$1\nbearerbox-port = $box\naccess-log = $directory\/access.log/m or die 'no bearerbox-host';
	append_to_file("$directory/kannel.conf", <<"END" . $configuration);
group = core
admin-interface = 127.0.0.1
admin-port = $admin
admin-password = admin
smsbox-interface = 127.0.0.1
smsbox-port = $box
dlr-storage = internal

group = smsc
smsc = smpp
host = 127.0.0.1
port = $carrier->{port}
transceiver-mode = true
smsc-username = groups
smsc-password = carrier
system-type = VMA
reconnect-delay = 1

END
	my $bearerbox = start_program('bearerbox', @with_us, "$programs/bearerbox", "$directory/kannel.conf");
	GroupApiTest::await_listener($box, $bearerbox);
	my $smsbox = start_program('smsbox', @with_us, "$programs/smsbox", "$directory/kannel.conf");
	GroupApiTest::await_listener($port, $smsbox);
	return { bearerbox => $bearerbox, smsbox => $smsbox, directory => $directory,
		url => "http://127.0.0.1:$port/cgi-bin/sendsms" };
}

1;
