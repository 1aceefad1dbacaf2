package Failover;

=pod

=head1 NAME

Failover - two servers and a monitor of pg_auto_failover, on loopback

=head1 SYNOPSIS

  my $cluster = start_cluster(conf => "group_api.max_attempts = 3");
  $cluster->query('CREATE EXTENSION group_api');
  my $killed = $cluster->primary;
  $cluster->kill_node($killed);
  poll_until(sub { $cluster->primary ne $killed }, 'the other one takes over');
  $cluster->run_node($killed);

The commands are those of docs/high-availability.md, typed as they stand there. Everything runs as the test's
user, in a directory that is gone afterwards, and is ended by its own id.

=cut

use strict;
use warnings;

use Exporter 'import';
use File::Copy qw(copy);
use GroupApiTest qw(:DEFAULT is_alive);
use PollSession qw(begin_session ask_session end_session);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(have_pg_autoctl start_cluster children_of run_psql);

# What ends a failover sooner than the defaults, which are for machines in a network:
# 5 s between looks, 20 s until a node counts as dead, 30 s for a primary to step down.
our $MONITOR_CONF = <<'END';
pgautofailover.health_check_period = 500
pgautofailover.health_check_timeout = 1000
pgautofailover.health_check_max_retries = 1
pgautofailover.health_check_retry_delay = 200
pgautofailover.node_considered_unhealthy_timeout = 4000
pgautofailover.primary_demote_timeout = 1000
pgautofailover.startup_grace_period = 2000
END

# pg_auto_failover sizes these by the machine; here are three servers on one.
my $SMALL_CONF = <<'END';
listen_addresses = '127.0.0.1'
shared_buffers = '32MB'
work_mem = '4MB'
maintenance_work_mem = '16MB'
jit = off
fsync = off
log_directory = '../log'
log_filename = 'server.log'
log_rotation_age = 0
log_rotation_size = 0
log_line_prefix = '%n [%p] %b '
END

sub have_pg_autoctl
{
	return system('pg_autoctl version >/dev/null 2>&1') == 0
	  && -e qx($ENV{PG_CONFIG} --sharedir) =~ s/\n//r . '/extension/pgautofailover.control';
}

sub start_cluster
{
	my (%options) = @_;
	my $self = bless {
		root => PostgreSQL::Test::Utils::tempdir_short(), ports => {},
		conf => $options{conf} // ''
	}, __PACKAGE__;

	# Where pg_autoctl keeps its own files, and where the sockets are.
	@ENV{qw(HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_RUNTIME_DIR PG_REGRESS_SOCK_DIR PGHOST)} = ($self->{root}) x 6;
	$self->create_monitor;
	$self->create_node($_) for qw(anna bert);
	return $self;
}

sub free_port { return PostgreSQL::Test::Cluster::get_free_port(); }

sub directory { return "$_[0]{root}/$_[1]/data"; }

sub create_monitor
{
	my ($self) = @_;

	mkdir "$self->{root}/monitor";
	$self->{ports}{monitor} = free_port();
	$self->type('pg_autoctl create monitor', 'monitor');
	$self->configure('monitor', $MONITOR_CONF);
	$self->run_node('monitor');
	$self->{monitor} = "postgres://autoctl_node\@127.0.0.1:$self->{ports}{monitor}/pg_auto_failover?sslmode=disable";
	poll_until(sub { run_psql($self->{monitor}, 'SELECT 1') eq '1' }, 'the monitor runs');
	return;
}

sub create_node
{
	my ($self, $name) = @_;
	my $is_first = !(() = $self->nodes);

	mkdir "$self->{root}/$name";
	$self->{ports}{$name} = free_port();
	$self->type('pg_autoctl create postgres', $name);
	# The second one is a copy of the first, with its settings.
	if ($is_first)
	{
		$self->configure($name, "$self->{conf}\n");
		$self->type('echo "shared_preload_libraries', $name);
	}
	$self->run_node($name);
	$self->await_states($is_first ? 'single' : 'primary, secondary', "$name runs");
	return;
}

sub configure
{
	my ($self, $name, $text) = @_;

	append_to_file($self->directory($name) . '/postgresql.conf', "$SMALL_CONF$text");
	return;
}

# documented(BEGINNING): the commands of docs/high-availability.md that begin so
sub documented
{
	my ($beginning) = @_;
	my $page = slurp_file(project_root() . '/docs/high-availability.md');
	my ($commands) = $page =~ /^```sh\n(\Q$beginning\E.*?)^```/ms or die "no such command: $beginning";
	return $commands;
}

# What the page calls them.
sub variables
{
	my ($self, $name) = @_;
	return (HOST => '127.0.0.1', NAME => $name, PGDATA => $self->directory($name), PGPORT => $self->{ports}{$name},
		MONITOR => $self->{monitor} // '');
}

sub type
{
	my ($self, $beginning, $name) = @_;
	local %ENV = (%ENV, $self->variables($name));

	# A server's first superuser is called like whoever runs this, also where that is not postgres.
	delete $ENV{PGUSER};
	system_log('sh', '-e', '-c', documented($beginning)) == 0 or die "$beginning failed for $name";
	return;
}

sub nodes
{
	my ($self) = @_;
	my @names = sort grep { $_ ne 'monitor' } keys %{ $self->{ports} };
	return @names;
}

=head2 run_node(NAME), kill_node(NAME, [HOW])

C<pg_autoctl run>, in the background; and its end by SIGKILL: of all its processes at once, as if
the machine had gone, or with HOW "postmaster" of pg_autoctl's and the postmaster, so that the
postmaster's children have to notice.

=cut

sub run_node
{
	my ($self, $name) = @_;

	local %ENV = (%ENV, $self->variables($name));
	delete $ENV{PGUSER};
	$self->{running}{$name} = start_program($name, 'setpriv', '--pdeathsig', 'TERM', 'sh', '-c',
		'exec ' . documented('pg_autoctl run'));
	return;
}

sub postmaster_of
{
	my ($self, $name) = @_;

	open(my $file, '<', $self->directory($name) . '/postmaster.pid') or return;
	chomp(my $process = <$file> // '');
	return $process;
}

sub kill_node
{
	my ($self, $name, $how) = @_;
	my $keeper = $self->{running}{$name};
	my $postmaster = $self->postmaster_of($name);
	my @all = ($keeper, children_of($keeper));

	# Stopped first, so that nothing of it starts anything new.
	my %below = map { $_ => 1 } children_of($postmaster);
	my @dying = ($how // '') eq 'postmaster' ? grep { !$below{$_} } @all : @all;
	kill 'STOP', @dying;
	my $at = time;
	kill 'KILL', @dying;
	stop_program(delete $self->{running}{$name}, 'KILL');
	$self->{killed}{$name} = [@all];
	return $at;
}

# What is left of the node that was killed.
sub remains_of
{
	my ($self, $name) = @_;
	return grep { is_alive($_) } @{ $self->{killed}{$name} // [] };
}

=head2 children_of(ID)

The ids of all processes below it.

=cut

sub children_of
{
	my @found = @_;
	my %parent;

	for my $path (glob '/proc/[0-9]*/stat')
	{
		open(my $file, '<', $path) or next;
		my ($process, $parent) = (<$file> // '') =~ /^(\d+) \(.*\) \S (\d+)/s or next;
		push @{ $parent{$parent} }, $process;
	}
	for (my $i = 0; $i < @found; $i++) { push @found, @{ $parent{ $found[$i] // 0 } // [] } if $found[$i]; }
	return grep { defined } @found[ @_ .. $#found ];
}

# Names of the processes below the node's postmaster.
sub programs_of
{
	my ($self, $name) = @_;
	my @titles;

	for my $process (children_of($self->postmaster_of($name) // return))
	{
		open(my $file, '<', "/proc/$process/cmdline") or next;
		push @titles, (<$file> // '') =~ s/\0.*//sr;
	}
	return @titles;
}

=head2 states, await_states(STATES, WHAT), primary, standby

As the monitor tells them: anna's and bert's, sorted; the name of the primary, of the standby.

=cut

sub states
{
	my ($self) = @_;
	my $rows = $self->ask_monitor(
		'SELECT nodename, reportedstate, goalstate, health FROM pgautofailover.node ORDER BY 1');
	return map { [ split /\|/ ] } split /\n/, $rows;
}

# By a session that stays: the monitor is not killed, and is asked all the time.
sub ask_monitor
{
	my ($self, $sql) = @_;
	my $session = $self->{session} //= begin_session($self->{monitor});
	my $answer = eval { ask_session($session, $sql) };

	if (my $error = $@)
	{
		end_session(delete $self->{session});
		die $error;
	}
	return $answer;
}

sub await_states
{
	my ($self, $wanted, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return poll_until(sub {
		my @nodes = $self->states;
		return if grep { $_->[1] ne $_->[2] } @nodes;
		return join(', ', sort map { $_->[1] } @nodes) eq $wanted;
	}, $what) || diag explain [ $self->states ];
}

sub node_in
{
	my ($self, @states) = @_;
	for my $node ($self->states)
	{
		return $node->[0] if grep { $node->[1] eq $_ && $node->[2] eq $_ } @states;
	}
	return '';
}

sub primary { return $_[0]->node_in(qw(single wait_primary primary)); }
sub standby { return $_[0]->node_in('secondary'); }

=head2 address([NAME])

For libpq: of one server, or of whichever takes writes.

=cut

sub address
{
	my ($self, $name) = @_;
	return "host=127.0.0.1 port=$self->{ports}{$name} user=postgres dbname=postgres" if defined $name;
	$self->{address} //= slurp_file(project_root() . '/docs/high-availability.md') =~ m{^(postgresql://\S+)$}m ? $1 : die 'no address';
	my $hosts = join ',', map { "127.0.0.1:$self->{ports}{$_}" } $self->nodes;
	return $self->{address} =~ s{//.*?\?}{//postgres\@$hosts/postgres?}r;
}

=head2 query(SQL, [NAME]), run_psql(ADDRESS, SQL)

Its rows as psql -At prints them; dies with what psql says.

=cut

sub query
{
	my ($self, $sql, $name) = @_;
	return run_psql($self->address($name), $sql);
}

sub run_psql
{
	my ($address, $sql) = @_;
	my ($out, $error);

	IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $address ], '<', \$sql, '>', \$out, '2>', \$error,
		IPC::Run::timeout($GroupApiTest::PATIENCE))
	  or die $error;
	chomp $out;
	return $out;
}

=head2 log_times(NAME, PATTERN)

When the node's server logged lines that match: seconds since 1970.

=cut

sub log_times
{
	my ($self, $name, $pattern) = @_;
	return map { /^(\d+\.\d+) .*$pattern/ ? $1 : () } split /\n/, slurp_file("$self->{root}/$name/log/server.log");
}

sub stop
{
	my ($self) = @_;
	end_session(delete $self->{session}) if $self->{session};
	for my $name ($self->nodes, 'monitor')
	{
		stop_program(delete $self->{running}{$name}) if $self->{running}{$name};
		# pg_autoctl's own log is there already.
		copy("$self->{root}/$name/log/server.log", "$PostgreSQL::Test::Utils::log_path/$name.server.log");
	}
	return;
}

1;
