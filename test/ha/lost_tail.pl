# An asynchronous standby takes over without the primary's last transactions. What is lost is gone, but
# the links of what was lost open nothing of what is made instead, and no receipt of theirs counts for it.
use strict;
use warnings;

use FindBin;
use lib map { "$FindBin::RealBin/$_" } qw(../lib ../t/lib lib);
use Callers qw(arrivals);
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Cluster;
use Test::More;

my $UNKNOWN = 'there is no invitation with this link';
my $primary = new_node('primary', init => [ allows_streaming => 1 ],
	conf => "group_api.invitation_url = 'https://example.com/i/{token}'\ngroup_api.resend_cooldown = 0");
my $sink = start_http_sink(log => 1);

add_sms($primary, $sink->{http});

sub add_member
{
	my ($node, $id, $number) = @_;
	my $body = to_json({ groupId => $id, members => [ { nickName => 'New', contact => { type => 'MOBILE', value => $number } } ] });
	$node->safe_psql('postgres', "SELECT group_api.add_members('$body'::jsonb)");
	return;
}

# The link of the newest message, of so many, to a number.
sub link_to
{
	my ($number, $messages) = @_;
	my @tokens;
	poll_until(sub {
		@tokens = map { $_->[2] } grep { $_->[1] eq $number } arrivals($sink);
		return @tokens >= ($messages // 1);
	}, "$number gets a link");
	return $tokens[-1];
}

# What an invitation's holder sees: its status, or the error.
sub seen
{
	my ($node, $token) = @_;
	my ($status, $out, $error) = $node->psql('postgres', "SELECT group_api.invitation('$token')");
	return $status ? $error =~ s/.*ERROR:  (.*)\n(.|\n)*/$1/r : from_json($out)->{invitation}{status};
}

my $id = invite($primary, sa_number(1));
my $kept = link_to(sa_number(1));
all_are($primary, 'sent', 'a group is sent');
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

# ---- what the standby never gets

$standby->append_conf('postgresql.conf', "primary_conninfo = ''");
$standby->reload;
poll_until(sub { $primary->safe_psql('postgres', 'SELECT count(*) FROM pg_stat_replication') eq '0' }, 'the standby is cut off');
invite($primary, sa_number(2));
add_member($primary, $id, sa_number(3));
$primary->safe_psql('postgres', "SELECT group_api.resend_invitation('$id', 2)");
my %lost = (group => link_to(sa_number(2)), member => link_to(sa_number(3)), resend => link_to(sa_number(1), 2));
$primary->stop('immediate');
$standby->promote;
is(seen($standby, $kept), 'pending', 'a link that the standby knows works on');
is(seen($standby, $lost{$_}), $UNKNOWN, "that of a lost $_ does not") for sort keys %lost;

# ---- others in their places

invite($standby, sa_number(12));
add_member($standby, $id, sa_number(13));
$standby->safe_psql('postgres', "SELECT group_api.resend_invitation('$id', 2)");
my %new = (group => link_to(sa_number(12)), member => link_to(sa_number(13)), resend => link_to(sa_number(1), 3));
is($standby->safe_psql('postgres', 'SELECT count(*), max(number) FROM group_api_private.groups'), '2|2', 'the numbers are given again');
is(seen($standby, $lost{$_}), $UNKNOWN, "the link of a lost $_ opens nothing of the $_ in its place") for sort keys %lost;
is(seen($standby, $new{$_}), 'pending', 'whose own works') for sort keys %new;
is(seen($standby, $kept), $UNKNOWN, 'and ended what was sent before it');
$standby->stop;
done_testing();
