use strict; use warnings; use FindBin; use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest; use Invitations; use Test::More; use Time::HiRes qw(sleep time);
$GroupApiTest::PATIENCE = 3;
for my $delay (0, 0.5) {
my $node = new_node("main" . $delay * 10);
sleep $delay;
$node->append_conf('postgresql.conf', 'group_api.dispatch = off');
$node->reload;
poll_until(sub { (dispatcher($node)->{reason} // '') =~ /dispatch is off/ }, "off $delay") or diag(to_json(dispatcher($node)));
invite($node, { sendInvitations => JSON::PP::false() }, sa_number(99));
poll_until(sub { (dispatcher($node)->{reason} // '') =~ /dispatch is off/ }, "off after held $delay") or diag(to_json(dispatcher($node)));
invite($node, sa_number(99));
poll_until(sub { (dispatcher($node)->{reason} // '') =~ /dispatch is off/ }, "off after invite $delay") or diag(to_json(dispatcher($node)));
diag($node->safe_psql('postgres','SHOW group_api.dispatch'));
}
done_testing();
