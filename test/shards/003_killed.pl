# Three thousand invitations over three shards, one of which is killed and comes back: all
# arrive, once each but for what was under way.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib", "$FindBin::RealBin/../t/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Shards;
use Test::More;

need_plproxy();

my $IN_FLIGHT = 16;
my $GROUPS = 60;
my $MEMBERS = 50;
my $sink = start_http_sink(delay_ms => 5, log => 1);
my $all = new_shards(3, conf => "group_api.max_in_flight = $IN_FLIGHT\ngroup_api.retry_base = 1",
	providers => qq{CREATE SERVER sms FOREIGN DATA WRAPPER group_api_http OPTIONS (channel 'MOBILE', url '$sink->{http}', max_connections '4')});
my ($proxy, @shards) = ($all->{proxy}, @{ $all->{shards} });
my $killed = $shards[1];
my @waiting = map { my $group = $_; [ "group $group", map { sa_number($group * 100 + $_) } 1 .. $MEMBERS ] } 1 .. $GROUPS;
my @expected = map { @$_[1 .. $#$_] } @waiting;
my %ids;

# A caller repeats what failed, under the same key; false: it is to be repeated.
sub create
{
	my ($key, @numbers) = @{ $_[0] };
	my ($status, $out, $error) = $proxy->psql('postgres', as_caller('zoe') . 'SELECT group_api.create_group(' . group_body({ idempotencyKey => $key }, @numbers) . ')');

	if ($error)
	{
		like($error, qr/shard 1 cannot be reached|PL\/Proxy|terminat|shutting down|starting up|closed the connection/i, "$key waits for shard 1") or diag($error);
		return;
	}
	$ids{ from_json($out)->{group}{id} } = $key;
	return 1;
}

sub sent_by { my ($node) = @_; return $node->safe_psql('postgres', q{SELECT count(*) FROM group_api_private.invitations WHERE delivery = 'sent'}); }

create(shift @waiting) while @waiting > $GROUPS / 2;
poll_until(sub { sent_by($killed) > 0 }, 'shard 1 is sending');
my $postmaster = (split /\n/, slurp_file($killed->data_dir . '/postmaster.pid'))[0];
$killed->kill9;
my @again = grep { !create($_) } @waiting;
cmp_ok(scalar @again, '<', scalar @waiting, 'the others take new groups while it is away');
cmp_ok(scalar @again, '>', 0, 'its own wait');
poll_until(sub { !is_alive($postmaster) }, 'shard 1 is dead');
# What it left is somebody else's by now where process ids are few.
unlink $killed->data_dir . '/postmaster.pid', glob($killed->host . '/.s.PGSQL.' . $killed->port . '*');
poll_until(sub { $killed->start(fail_ok => 1) }, 'shard 1 comes back');
create($_) for @again;
is(scalar keys %ids, $GROUPS, 'every key made one group');
poll_until(sub { (grep { sent_by($_) == $_->safe_psql('postgres', 'SELECT count(*) FROM group_api_private.invitations') } @shards) == 3 }, 'all are sent');

my @arrived = recipients($sink);
my %seen = map { $_ => 1 } @arrived;
is(scalar(grep { !$seen{$_} } @expected), 0, 'every one of ' . @expected . ' has arrived');
my $twice = twice(@arrived);
cmp_ok(scalar keys %$twice, '<=', $IN_FLIGHT, 'twice at most what was under way at the kill: ' . keys %$twice);
is((grep { $_ > 2 } values %$twice) + 0, 0, 'and none three times');
my %on = map { my $node = $_; ($node->name => $node->safe_psql('postgres', 'SELECT count(*) FROM group_api_private.groups')) } @shards;
cmp_ok($on{$_}, '>', 5, "$_ has its share of $GROUPS groups: $on{$_}") for sort keys %on;
is($proxy->safe_psql('postgres', q{SET ROLE ops; SELECT count(*) FROM group_api.deliveries}), $GROUPS * $MEMBERS, 'the operator sees those of all');

done_testing();
