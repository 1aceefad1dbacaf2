# What one shard is told, all know: an opt-out, a template, a user of the directory; also
# where a shard was down meanwhile, and where two are told the same at once.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib", "$FindBin::RealBin/../t/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Shards;
use Test::More;
use Time::HiRes qw(time);

need_plproxy();

my $sink = start_http_sink(log => 1);
my $all = new_shards(3, providers => qq{CREATE SERVER sms FOREIGN DATA WRAPPER group_api_http
	OPTIONS (channel 'MOBILE', url '$sink->{http}', callback_url 'https://hooks.example.com/r')});
my $proxy = $all->{proxy};
my @shards = @{ $all->{shards} };
my ($account) = $proxy->safe_psql('postgres', "SET ROLE ops; SELECT group_api.receipt_url('sms')") =~ /\?(.*)/;

sub as_operator { my ($sql) = @_; return $proxy->safe_psql('postgres', "SET ROLE ops; $sql"); }
sub listed { my ($shard, $reason) = @_; return $shards[$shard]->safe_psql('postgres', "SELECT count(*) FROM group_api_private.suppressions WHERE reason = '$reason'"); }

# What a person answers, as the gateway calls back the proxy, or a shard; it names no group.
sub reply
{
	my ($node, $number, $said) = @_;
	my $body = to_json({ from => $number, said => $said });

	return $node->psql('postgres', "SET ROLE web; SELECT group_api.receive_receipt('sms', '$body', '{}', '$account')");
}
sub says { my (undef, $answer) = reply(@_); return $answer ? from_json($answer)->{result} : ''; }

sub delivery_on
{
	my ($shard, $number) = @_;
	my $id = invite($shards[$shard], $number);

	return from_json($shards[$shard]->safe_psql('postgres', "SELECT group_api.get_group('$id')"))->{group}{members}[1]{delivery}{status};
}

# ---- an opt-out

my @people = map { sa_number($_) } 1 .. 9;
invite($shards[2], @people[0 .. 3]);
all_are($shards[2], 'sent', 'shard 2 has written');
is(says($shards[2], $people[0], 'STOP'), 'moved', 'shard 2 is told STOP');
my $began = time;
for my $shard (0, 1)
{
	poll_until(sub { listed($shard, 'opted_out') == 1 }, "shard $shard hears of it");
	at_most(time - $began, 2, "within two seconds, on shard $shard");
	is(delivery_on($shard, $people[0]), 'suppressed', "and suppresses what is to go to that number, shard $shard");
}
is(says($shards[2], $people[0], 'START'), 'moved', 'START takes it back');
poll_until(sub { listed($_, 'opted_out') == 0 }, "on shard $_, too") for 0, 1;
is(says($proxy, $people[2], 'STOP'), 'moved', 'the proxy tells all');
is(listed($_, 'opted_out'), 1, "shard $_ at once") for 0 .. 2;
is(says($proxy, $people[2], 'START'), 'moved', 'as it tells START');
is(listed($_, 'opted_out'), 0, "shard $_ at once") for 0 .. 2;

# ---- while a shard is down

$shards[0]->stop('immediate');
is(says($shards[2], $people[1], 'STOP'), 'moved', 'shard 2 is told STOP while shard 0 is down');
is(says($proxy, $people[3], 'STOP'), 'moved', 'and so is the proxy');
my (undef, undef, $error) = reply($proxy, $people[8], 'what is this');
like($error, qr/ERROR:  shard 0 cannot be reached/m, 'of what shard 0 may know more the provider is asked to try again');
unlike($error, qr/port|socket|host/i, 'and not told where the shard is');
poll_until(sub { listed(1, 'opted_out') == 2 }, 'shard 1 hears of it at once');
my $findings = as_operator(q{SELECT shard, "check", severity FROM group_api.health() WHERE NOT ok AND severity = 'critical' AND "check" = 'shard'});
is($findings, '0|shard|critical', 'health() tells which shard is down');
$shards[0]->start;
poll_until(sub { listed(0, 'opted_out') == 2 }, 'shard 0 when it is back');
is(delivery_on(0, $people[$_]), 'suppressed', 'and suppresses') for 1, 3;

# ---- the same at once, and over and over

$shards[$_]->safe_psql('postgres', "SELECT group_api.suppress('$people[4]')") for 0 .. 2;
poll_until(sub { listed($_, 'operator') == 1 }, "what all three were told is on shard $_ once") for 0 .. 2;
is(as_operator("SELECT group_api.unsuppress('$people[4]')"), 't', 'and is taken off for all');
poll_until(sub { listed($_, 'operator') == 0 }, "shard $_ has it no more") for 0 .. 2;
for (1 .. 20)
{
	$shards[$_ % 3]->safe_psql('postgres', "SELECT group_api." . ($_ % 2 ? '' : 'un') . "suppress('$people[5]')") for 1 .. 4;
}
$shards[1]->safe_psql('postgres', "SELECT group_api.suppress('$people[6]')");
poll_until(sub { my @of = map { listed($_, 'operator') } 0 .. 2; $of[0] == $of[1] && $of[1] == $of[2] && $of[0] >= 1 }, 'after many changes all have the same');

# ---- templates and the directory

as_operator(q{SELECT group_api.put_template('MOBILE', 'nl', 'Kom naar {group}: {link}')});
as_operator(q{SELECT group_api.put_user('stephen', 'stephen', 'Stephen SA', locale => 'nl', mobile => '+27701231234')});
for my $shard (1, 2)
{
	poll_until(sub { $shards[$shard]->safe_psql('postgres', q{SELECT body FROM group_api_private.templates WHERE locale = 'nl'}) eq 'Kom naar {group}: {link}' }, "shard $shard has the template");
	poll_until(sub { $shards[$shard]->safe_psql('postgres', q{SELECT real_name || locale || mobile FROM group_api_private.users WHERE subject = 'stephen'}) eq 'Stephen SAnl+27701231234' }, "shard $shard knows the user");
}
as_operator(q{SELECT group_api.remove_template('MOBILE', 'nl')});
poll_until(sub { $shards[$_]->safe_psql('postgres', q{SELECT count(*) FROM group_api_private.templates}) == 0 }, "the template is gone on shard $_") for 1, 2;
$shards[2]->safe_psql('postgres', q{SELECT group_api.put_user('stephen', real_name => 'Stephen II')});
poll_until(sub { $shards[$_]->safe_psql('postgres', q{SELECT real_name FROM group_api_private.users WHERE subject = 'stephen'}) eq 'Stephen II' }, "a later change counts on shard $_") for 0, 1;

unlike(slurp_file($shards[$_]->logfile), qr/duplicate key value|violates|logical replication.*conflict/, "shard $_ met no conflict") for 0 .. 2;

done_testing();
