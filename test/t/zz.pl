use strict; use warnings; use FindBin; use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest; use Invitations; use Test::More; use Time::HiRes qw(sleep time);
my $node = new_node("main", extension => 0);
$node->safe_psql('postgres', 'CREATE DATABASE one');
my @t;
for my $n (1..30) {
  $node->safe_psql('one', 'CREATE EXTENSION group_api');
  # terminate: relaunch at once
  my $d = $n * 0.001;
  my $t = time;
  my ($rc,$o,$e) = $node->psql('postgres', "SELECT pg_sleep($d); CREATE DATABASE copy TEMPLATE one");
  push @t, time - $t; diag("$n: $rc $e ", time-$t) if $rc || time-$t > 1;
  $node->psql('postgres', "DROP DATABASE IF EXISTS copy");
  # and a TERM just before
  eval { my $p = dispatcher($node,'one')->{pid}; kill 'TERM', $p if $p; };
  sleep $n*0.001;
  $t = time;
  ($rc,$o,$e) = $node->psql('postgres', "CREATE DATABASE copy TEMPLATE one");
  diag("$n term: $rc $e ", time-$t) if $rc || time-$t > 1;
  $node->psql('postgres', "DROP DATABASE IF EXISTS copy");
  $node->safe_psql('one', 'DROP EXTENSION group_api');
}
ok(1); done_testing();
