package Shards;

=pod

=head1 NAME

Shards - servers with group_api that share the groups, behind a proxy

=head1 SYNOPSIS

  my $shards = new_shards(3, conf => "...");
  $shards->{proxy}->safe_psql('postgres', 'SELECT ...');
  $shards->{shards}[2]->safe_psql('postgres', 'SELECT ...');

Set up as docs/scaling.md tells, by its files. Each shard has the roles of
docs/http/roles.sql, the operator "ops" and capture providers for both channels.

=cut

use strict;
use warnings;

use Exporter 'import';
use GroupApiTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_shards new_shard add_shard new_proxy connect_shards connection_to need_plproxy as_caller);

my $scaling = project_root() . '/docs/scaling';
my $roles = project_root() . '/docs/http/roles.sql';

# Skips the whole file where PL/Proxy is not installed.
sub need_plproxy
{
	my $share = `\$PG_CONFIG --sharedir 2>/dev/null` || `pg_config --sharedir`;

	chomp $share;
	plan skip_all => 'PL/Proxy not found: apt-get install postgresql-15-plproxy' unless -e "$share/extension/plproxy.control";
	return;
}

sub connection_to { my ($node) = @_; return sprintf 'host=%s port=%d dbname=postgres', $node->host, $node->port; }

sub run_file
{
	my ($node, $file, @variables) = @_;

	$node->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), @variables, '-f', $file ],
		$node->name . ' runs ' . ($file =~ s{.*/}{}r));
	return;
}

# What a proxy and its shards have alike.
sub add_roles
{
	my ($node) = @_;

	run_file($node, $roles);
	$node->safe_psql('postgres', q{CREATE ROLE ops LOGIN; SELECT group_api.grant_access('ops', 'operator')});
	return;
}

=head2 new_shard(NUMBER, FIRST, [conf => TEXT], [providers => SQL])

A server that is that shard; FIRST is shard 0, whose keys it takes over (undef: it is
shard 0 itself).

=cut

sub new_shard
{
	my ($number, $first, %options) = @_;
	my $node = new_node("shard$number", init => [ allows_streaming => 'logical' ],
		conf => "max_worker_processes = 24\nwal_retrieve_retry_interval = '200ms'\n" . ($options{conf} // ''));

	if ($first)
	{
		for my $table (qw(suppression_salt link_secret))
		{
			my $row = $first->safe_psql('postgres', "COPY group_api_private.$table TO STDOUT");
			$node->safe_psql('postgres', "COPY group_api_private.$table FROM STDIN;\n$row\n\\.\n");
		}
	}
	$node->safe_psql('postgres', 'SELECT group_api.adopt(keep_links => ' . ($first ? 'true' : 'false') . ", shard => $number)");
	make_shard($node, %options);
	return $node;
}

# Makes a server that there is a shard by docs/scaling/shard.sql.
sub make_shard
{
	my ($node, %options) = @_;

	run_file($node, "$scaling/shard.sql");
	add_roles($node);
	$node->safe_psql('postgres', 'GRANT anon, web, ops TO group_api_proxy; ' . ($options{providers} // q{
		CREATE SERVER sms FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE');
		CREATE SERVER mail FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL', sender 'Groups <groups@example.com>')}));
	return;
}

# Each hears what the others tell; of those there are already, none twice.
sub connect_shards
{
	my (@nodes) = @_;

	for my $to (0 .. $#nodes)
	{
		for my $from (grep { $_ != $to } 0 .. $#nodes)
		{
			next if $nodes[$to]->safe_psql('postgres', "SELECT count(*) FROM pg_subscription WHERE subname = 'group_api_from_$from'");
			$nodes[$to]->safe_psql('postgres', sprintf q{CREATE SUBSCRIPTION group_api_from_%d CONNECTION '%s user=group_api_replication'
				PUBLICATION group_api_shared WITH (slot_name = 'group_api_%d_to_%d')}, $from, connection_to($nodes[$from]), $from, $to);
		}
	}
	return;
}

sub new_proxy
{
	my ($first, @others) = @_;
	my $proxy = new_node('proxy', extension => 0);
	my $made = PostgreSQL::Test::Utils::tempdir() . '/functions.sql';

	run_file($proxy, "$scaling/proxy.sql", '-v', 'shard0=' . connection_to($first));
	$first->command_ok([ 'psql', '-XqAt', '-d', $first->connstr('postgres'), '-f', "$scaling/proxy_functions.sql", '-o', $made ], 'the functions of shard 0 are written down');
	run_file($proxy, $made);
	$proxy->safe_psql('postgres', "SELECT group_api_proxy.add_shard('" . connection_to($_) . "')") for @others;
	add_roles($proxy);
	is($proxy->safe_psql('postgres', 'SELECT * FROM group_api_proxy.check_shards()'), '', 'the proxy has no trouble with its shards');
	return $proxy;
}

sub new_shards
{
	my ($count, %options) = @_;
	my @nodes = (new_shard(0, undef, %options));

	push @nodes, new_shard($_, $nodes[0], %options) for 1 .. $count - 1;
	connect_shards(@nodes);
	return { shards => \@nodes, proxy => new_proxy(@nodes) };
}

# SQL in front of a call: who calls, through a gateway as PostgREST is one.
sub as_caller
{
	my ($subject, %headers) = @_;
	my $claims = to_json({ sub => $subject, name => ucfirst $subject, role => 'web' });

	return "SET SESSION AUTHORIZATION authenticator; SET ROLE web; SET request.jwt.claims = '$claims'; "
	  . (%headers ? "SET request.headers = '" . to_json(\%headers) . "'; " : '');
}

1;
