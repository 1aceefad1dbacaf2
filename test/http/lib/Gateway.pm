package Gateway;

=pod

=head1 NAME

Gateway - the API over HTTP: PostgREST or its double in front of a test's server

=head1 SYNOPSIS

  my $node = new_api_node('main', conf => "...");
  for my $gateway (gateways($node)) {
      my $answer = $gateway->get('/rpc/invitation_page', token => $token);
      is($answer->{status}, 200, "$gateway->{name}: ...");
  }

The double is test/http/gateway.js. PostgREST itself is what the environment's
POSTGREST names, or the one on the PATH.

=cut

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256);
use Exporter 'import';
use GroupApiTest;
use HTTP::Tiny;
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(new_api_node gateways front_of double_of start_nginx node_modules form_encoded);

# Of this test alone: tests run side by side.
my $scratch = PostgreSQL::Test::Utils::tempdir();
my $SECRET = 'a secret of at least thirty-two characters';

=head2 new_api_node(NAME, [conf => TEXT])

A server with the roles of docs/http/roles.sql: authenticator, which becomes anon
(level anonymous) or web (level caller), and capture providers for both channels.

=cut

sub new_api_node
{
	my ($name, %options) = @_;
	my $node = new_node($name, %options);

	$node->safe_psql('postgres', slurp_file(project_root() . '/docs/http/roles.sql'));
	$node->safe_psql('postgres', q{
		CREATE SERVER sms FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE');
		CREATE SERVER mail FOREIGN DATA WRAPPER group_api_capture
			OPTIONS (channel 'EMAIL', sender 'Groups <groups@example.com>')});
	return $node;
}

# Where npm's packages for these tests lie; undef when they could not be had.
sub node_modules
{
	return if system('node --version >/dev/null 2>&1') != 0;
	peer('http/node_modules/pg') // return;
	return peer('http/node_modules');
}

sub schemas { my (%options) = @_; return $options{schemas} // 'group_api,group_api_v2'; }

sub double_of
{
	my ($node, %options) = @_;
	my $modules = node_modules() // return;
	my $port_file = "$scratch/gateway.port";
	local $ENV{NODE_PATH} = $modules;

	unlink $port_file;
	my $child = start_program('gateway', '/usr/bin/env', 'node',
		project_root() . '/test/http/gateway.js', '--host', $node->host, '--port', $node->port,
		'--jwt-secret', $options{secret} // $SECRET, '--port-file', $port_file, '--schemas', schemas(%options),
		'--database', $options{database} // 'postgres',
		defined $options{audience} ? ('--jwt-aud', $options{audience}) : (),
		defined $options{role_claim} ? ('--jwt-role-claim-key', $options{role_claim}) : ());
	my $port = GroupApiTest::await_port($port_file, $child);
	return bless { name => 'double', url => "http://127.0.0.1:$port", pid => $child };
}

sub postgrest_path
{
	return $ENV{POSTGREST} if $ENV{POSTGREST};
	for my $directory (split /:/, $ENV{PATH}) { return "$directory/postgrest" if -x "$directory/postgrest"; }
	return;
}

# docs/http/postgrest.conf as it stands, but for the addresses and the secret.
sub write_postgrest_conf
{
	my ($node, $port, %options) = @_;
	my $text = slurp_file(project_root() . '/docs/http/postgrest.conf');
	my $schemas = schemas(%options);
	my $uri = sprintf 'postgres:///%s?host=%s&port=%d&user=authenticator', $options{database} // 'postgres', $node->host, $node->port;
	my $file = "$scratch/postgrest.conf";

	unlink "$scratch/jwt-secret";
	append_to_file("$scratch/jwt-secret", $options{secret} // $SECRET);
	for ([ 'db-uri', $uri ], [ 'db-schemas', $schemas ], [ 'jwt-secret', "\@$scratch/jwt-secret" ],
		[ 'jwt-aud', $options{audience} ], [ 'jwt-role-claim-key', $options{role_claim} ])
	{
		my ($name, $value) = @$_;
		next unless defined $value;
		$value =~ s/"/\\"/g;
		$text =~ s/^(# )?$name = .*/$name = "$value"/m or die "postgrest.conf has no $name";
	}
	$text =~ s/^server-port = .*/server-port = $port/m or die 'postgrest.conf has no server-port';
	open(my $conf, '>', $file) or die "$file: $!";
	print $conf $text;
	close $conf;
	return $file;
}

sub postgrest_of
{
	my ($node, %options) = @_;
	my $program = postgrest_path() // return;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $child = start_program('postgrest', $program, write_postgrest_conf($node, $port, %options));
	my $self = bless { name => 'PostgREST', url => "http://127.0.0.1:$port", pid => $child };

	# Until it has read the schemas it answers 503.
	poll_until(sub { $self->get('/rpc/no_such')->{status} == 404 }, 'PostgREST answers');
	return $self;
}

=head2 front_of(GATEWAY, [rate => TEXT], [port => NUMBER], [own => ADDRESS], [name => HOST],
[tls => PATH], [others => SERVERS])

docs/http/nginx.conf as it stands before a gateway, but for the addresses, TLS
and, when told, the rate, the certificate (a path to which .pem and .key are added),
other servers beside it, and the app's own server, whose requests are not counted, and the
name that links may have.

=cut

sub front_of
{
	my ($gateway, %options) = @_;
	my $text = slurp_file(project_root() . '/docs/http/nginx.conf');
	my $port = $options{port} // PostgreSQL::Test::Cluster::get_free_port();

	my $tls = $options{tls} ? ' ssl' : '';
	$text =~ s/listen 443 ssl;/listen 127.0.0.1:$port$tls;/ or die 'nginx.conf listens nowhere';
	$text =~ s/^\s*ssl_certificate.*\n//mg unless $tls;
	$text =~ s{/etc/ssl/groups\.example\.}{$options{tls}.}g;
	$text .= $options{others} // '';
	$text =~ s{server 127\.0\.0\.1:3000;}{"server " . $gateway->{url} =~ s,http://,,r . ";"}e or die 'nginx.conf knows no PostgREST';
	$text =~ s{rate=100r/s}{rate=$options{rate}} if $options{rate};
	$text =~ s{server_name groups\.example;}{server_name $options{name};} or die 'nginx.conf has no name' if $options{name};
	$text =~ s{# 192\.0\.2\.10 1;}{$options{own} 1;} or die 'nginx.conf exempts nobody' if $options{own};
	return start_nginx($port, $text, "nginx before $gateway->{name}");
}

=head2 gateways(NODE, [schemas => LIST], [database => NAME], [secret => TEXT],
[audience => TEXT], [role_claim => PATH])

The double and PostgREST, as far as they can be had; says which could not.

=cut

sub gateways
{
	my ($node, %options) = @_;
	my @gateways;

	for ([ 'npm package pg' => \&double_of ], [ 'PostgREST' => \&postgrest_of ])
	{
		my ($needed, $start) = @$_;
		my $gateway = $start->($node, %options);
		push @gateways, $gateway if $gateway;
	  SKIP: { skip "$needed not found", 1 unless $gateway; }
	}
	return @gateways;
}

=head2 start_nginx(PORT, SERVERS, NAME)

nginx with these blocks "server", of which one listens on the port. The result asks
as a gateway does; {directory} holds access.log and error.log.

=cut

sub start_nginx
{
	my ($port, $servers, $name) = @_;
	my $nginx = peer('nginx/usr/sbin/nginx') // return;
	my $directory = PostgreSQL::Test::Utils::tempdir();

	append_to_file("$directory/nginx.conf",
		"daemon off; master_process off; pid $directory/pid; error_log $directory/error.log;\nevents {}\nhttp {\n"
		. join('', map { "${_}_temp_path $directory/$_;\n" } qw(client_body proxy fastcgi uwsgi scgi))
		. "access_log $directory/access.log;\n$servers}\n");
	my $child = start_program('nginx', $nginx, '-c', "$directory/nginx.conf", '-p', $directory, '-e', "$directory/error.log");
	GroupApiTest::await_listener($port, $child);
	return bless { name => $name, url => "http://127.0.0.1:$port", pid => $child, directory => $directory };
}

sub form_encoded { return HTTP::Tiny->new->www_form_urlencode([@_]); }

# {status, headers (lower case), content}
sub ask
{
	my ($self, $method, $path, %options) = @_;
	my $answer = HTTP::Tiny->new(max_redirect => 0, timeout => $GroupApiTest::PATIENCE)->request($method, "$self->{url}$path",
		{ headers => { Accept => 'text/html', %{ $options{headers} // {} } }, content => $options{content} // '' });

	$answer->{content} //= '';
	utf8::decode($answer->{content});
	return $answer;
}

# Arguments by name in the query; a hash in front is headers.
sub get { my ($self, @rest) = @_; return $self->read_with('GET', @rest); }
sub head { my ($self, @rest) = @_; return $self->read_with('HEAD', @rest); }

sub read_with
{
	my ($self, $method, $path, @rest) = @_;
	my $headers = ref $rest[0] ? shift @rest : {};

	return $self->ask($method, @rest ? "$path?" . form_encoded(@rest) : $path, headers => $headers);
}

# Arguments by name in a form, as a browser sends it.
sub post_form
{
	my ($self, $path, @rest) = @_;
	my $headers = ref $rest[0] ? shift @rest : {};

	return $self->ask('POST', $path, content => form_encoded(@rest),
		headers => { 'Content-Type' => 'application/x-www-form-urlencoded', %$headers });
}

sub post_json
{
	my ($self, $path, $body, %headers) = @_;
	return $self->ask('POST', $path, content => ref $body ? to_json($body) : $body,
		headers => { 'Content-Type' => 'application/json', Accept => 'application/json', %headers });
}

=head2 bearer(CLAIM => VALUE...)

The header of a caller with these claims.

=cut

sub bearer
{
	my (%claims) = @_;
	my $text = join '.', map { encode_base64url(to_json($_)) } { alg => 'HS256', typ => 'JWT' }, \%claims;

	return (Authorization => "Bearer $text." . encode_base64url(hmac_sha256($text, $SECRET)));
}

1;
