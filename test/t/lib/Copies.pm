package Copies;

=pod

=head1 NAME

Copies - databases and clusters that are copied in every way

=cut

use strict;
use warnings;

use Exporter 'import';
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(add_capture token_of accepts give_new_identity upgrade_cluster captured);

=head2 add_capture(NODE, DATABASE)

A provider called sms that sends nothing and keeps what it would have sent.

=cut

sub add_capture
{
	my ($node, $database) = @_;
	$node->safe_psql($database, "CREATE SERVER sms FOREIGN DATA WRAPPER group_api_capture
		OPTIONS (channel 'MOBILE', sender '+15005550006')");
	return;
}

# How many of these numbers got a message here.
sub captured
{
	my ($node, $database, @numbers) = @_;
	my $list = join ',', map { "'$_'" } @numbers;

	return $node->safe_psql($database, "SELECT count(DISTINCT recipient) FROM group_api.captured WHERE recipient IN ($list)");
}

# The token of the last link to a number, as the message has it.
sub token_of
{
	my ($node, $database, $number) = @_;

	return $node->safe_psql($database, "SELECT substring(message FROM 'token=([A-Za-z0-9_.~-]+)')
		FROM group_api.captured WHERE recipient = '$number' ORDER BY id DESC LIMIT 1");
}

# Whether a link leads to an invitation; nothing is changed.
sub accepts
{
	my ($node, $database, $token) = @_;
	my ($status, $out) = $node->psql($database, "SELECT group_api.invitation('$token')");

	return $status == 0 && $out =~ /"Choir"/ ? 1 : 0;
}

# CRC-32C (Castagnoli), as PostgreSQL's pg_control has it.
sub crc32c
{
	my ($bytes) = @_;
	my $crc = 0xFFFFFFFF;

	for my $byte (unpack 'C*', $bytes)
	{
		$crc ^= $byte;
		$crc = $crc & 1 ? ($crc >> 1) ^ 0x82F63B78 : $crc >> 1 for 1 .. 8;
	}
	return $crc ^ 0xFFFFFFFF;
}

=head2 give_new_identity(NODE)

Gives a stopped cluster another system identifier, as pg_createsubscriber does.

=cut

sub give_new_identity
{
	my ($node) = @_;
	my $path = $node->data_dir . '/global/pg_control';
	my $bytes = slurp_file($path);
	my $end;

	for (my $at = 64; $at < 1024 && !defined $end; $at += 4)
	{
		$end = $at if unpack('L', substr($bytes, $at, 4)) == crc32c(substr($bytes, 0, $at));
	}
	die 'no checksum in pg_control' unless defined $end;
	substr($bytes, 0, 8) = pack 'Q', unpack('Q', $bytes) + 1;
	substr($bytes, $end, 4) = pack 'L', crc32c(substr($bytes, 0, $end));
	open(my $file, '+<:raw', $path) or die "$path: $!";
	print $file $bytes;
	close($file) or die "$path: $!";
	$node->command_ok([ 'pg_resetwal', '-f', '-D', $node->data_dir ], 'the cluster gets an identity of its own');
	return;
}

=head2 upgrade_cluster(OLD, NAME)

A new cluster that pg_upgrade made of a stopped one, not started yet.

=cut

sub upgrade_cluster
{
	my ($old, $name) = @_;
	my $new = PostgreSQL::Test::Cluster->new($name);
	my $bin = $old->config_data('--bindir');
	my $work = PostgreSQL::Test::Utils::tempdir();
	my $log = '';

	chomp $bin;
	$new->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8', "--username=$ENV{PGUSER}" ]);
	$new->append_conf('postgresql.conf', "shared_preload_libraries = 'group_api'\n");
	ok(IPC::Run::run([ 'pg_upgrade', '-b', $bin, '-B', $bin, '-d', $old->data_dir, '-D', $new->data_dir,
		'-s', $new->host, '-p', $old->port, '-P', $new->port ],
		'>&', \$log, init => sub { chdir $work }), 'pg_upgrade') or diag($log);
	return $new;
}

1;
