# A proxy of three shards: each call finds its shard by what it names.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib", "$FindBin::RealBin/../t/lib";
use GroupApiTest;
use Shards;
use PostgreSQL::Test::Utils;
use Test::More;

need_plproxy();

my $all = new_shards(3);
my $proxy = $all->{proxy};
my @shards = @{ $all->{shards} };

sub body
{
	my (%changed) = @_;
	return to_json({ productId => '00000000-0000-0000-0000-000000000001', name => 'Fans', description => 'd', message => 'm',
		image => 'https://example.com/p.jpg', members => [ { nickName => 'Ann', contact => { type => 'EMAIL', value => 'ann@example.com' } } ], %changed });
}

sub quoted { my ($text) = @_; return "'" . ($text =~ s/'/''/gr) . "'"; }
sub as { my ($subject, $sql) = @_; return $proxy->safe_psql('postgres', as_caller($subject) . $sql); }
sub create { my ($subject, %changed) = @_; return from_json(as($subject, 'SELECT group_api.create_group(' . quoted(body(%changed)) . '::jsonb)')); }

my %on;
for my $i (1 .. 12)
{
	my $id = create('zoe', idempotencyKey => "key $i")->{group}{id};
	my ($digits) = $id =~ /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-([89ab][0-9a-f]{2})[0-9a-f]-[0-9a-f]{12}$/;
	my $shard = hex($digits) & 1023;
	push @{ $on{$shard} }, $id;
	is($shards[$shard]->safe_psql('postgres', "SELECT count(*) FROM group_api_private.groups WHERE id = '$id' AND number >> 43 = $shard"), 1, "$id is on shard $shard, and its number is of it");
	is(from_json(as('zoe', "SELECT group_api.get_group('$id')"))->{group}{id}, $id, 'and is found there');
	is(create('zoe', idempotencyKey => "key $i")->{group}{id}, $id, 'its key finds it again');
}
is_deeply([ sort keys %on ], [ 0, 1, 2 ], 'new groups go to all shards');

done_testing();
