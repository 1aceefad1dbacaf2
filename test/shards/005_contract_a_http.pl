# Contract A's calls over HTTP, those of test/http/contract_a_calls.pl, through a proxy of
# three shards: nginx and the gateway are in front of the proxy.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib", "$FindBin::RealBin/../http/lib";
use Gateway;
use GroupApiTest;
use Shards;
use Test::More;

need_plproxy();

# What the test asks of its server: the proxy, and the shards where it is about their tables.
package ProxiedNode;

sub host { return $_[0]{proxy}->host; }
sub port { return $_[0]{proxy}->port; }
sub reload { $_->reload for @{ $_[0]{shards} }; return; }

sub safe_psql
{
	my ($self, $database, $sql) = @_;

	return $self->{proxy}->safe_psql($database, "SET ROLE ops; $sql") if $sql =~ /wait_until_idle/;
	$_->safe_psql($database, $sql) for @{ $self->{shards} };
	return;
}

package main;

{
	no warnings 'redefine';
	*Gateway::new_api_node = sub { my ($name, %options) = @_; return bless new_shards(3, %options), 'ProxiedNode'; };
}
do "$FindBin::RealBin/../http/contract_a_calls.pl" or die $@ || $!;
