# The courier is a program of its own: it may be missing, or die, and neither
# the server nor the invitations suffer from it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $bin = PostgreSQL::Test::Utils::tempdir_short();
my $real = qx(pg_config --pkglibdir);
chomp $real;
$real .= '/group_api_courier';
my $node = new_node('main', conf => "
group_api.retry_base = 1
group_api.courier_path = '$bin/courier'");

# ---- nothing was ever sent

$node->append_conf('postgresql.conf', 'group_api.dispatch = off');
$node->reload;
invite($node, { sendInvitations => JSON::PP::false() }, sa_number(99));
poll_until(sub { (dispatcher($node)->{reason} // '') =~ /dispatch is off/ }, 'switched off before the first message, it says so', 10)
  or diag(to_json(dispatcher($node)));
$node->append_conf('postgresql.conf', 'group_api.dispatch = on');
$node->reload;
poll_until(sub { !defined dispatcher($node)->{reason} }, 'switched on again, it says so although no courier runs', 5);
$node->safe_psql('postgres', 'DELETE FROM group_api_private.groups');

# PostgreSQL forgets a SIGHUP that comes while it starts a background worker. So the launcher hands on what it hears;
# here it is alone in hearing it.
my $launcher = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'group_api launcher'});
$node->append_conf('postgresql.conf', 'group_api.dispatch = off');
kill 'HUP', $launcher;
poll_until(sub { (dispatcher($node)->{reason} // '') =~ /dispatch is off/ }, 'a dispatcher that missed a reload follows it all the same', 5);
$node->append_conf('postgresql.conf', 'group_api.dispatch = on');
$node->reload;
poll_until(sub { !defined dispatcher($node)->{reason} }, 'and the next', 5);

my $sink = start_http_sink(log => 1);
my $log_start;

sub log_text { return substr(slurp_file($node->logfile), $log_start // 0); }
sub times_logged { my ($pattern) = @_; return scalar(() = log_text() =~ /$pattern/g); }

sub set_courier
{
	my ($path) = @_;
	$node->append_conf('postgresql.conf', "group_api.courier_path = '$path'");
	$node->reload;
	poll_until(sub { $node->safe_psql('postgres', 'SHOW group_api.courier_path') eq $path }, "the setting is $path");
	return;
}

sub kill_courier
{
	my $courier = courier_pid($node) or return;
	kill 'KILL', $courier;
	poll_until(sub { courier_pid($node) != $courier }, 'the courier is dead');
	return;
}

# ---- no such program

$log_start = -s $node->logfile;
add_sms($node, $sink->{http}, max_connections => 2);
my $waiting = invite($node, map { sa_number($_) } 1 .. 10);
ok($waiting, 'without a courier groups are created as ever');
poll_until(sub { dispatcher($node)->{state} eq 'no courier' }, 'the dispatcher says that it has no courier');
is($node->safe_psql('postgres', "SELECT ok FROM group_api.health() WHERE \"check\" = 'dispatcher'"), 'f', 'so does health()');
like($node->safe_psql('postgres', "SELECT hint FROM group_api.health() WHERE \"check\" = 'dispatcher'"), qr/courier_path/, 'and what to do');
invite($node, sa_number(11));
is(deliveries($node)->{queued}, 11, 'the invitations are queued');
# Three tries to start it, by the wait between them.
poll_until(sub { time > $^T + 6 && $node->safe_psql('postgres', 'SELECT 1') }, 'some seconds pass');
is(times_logged('courier of group_api cannot be started'), 1, 'the log says it once');
like(log_text(), qr/DETAIL:.*\Q$bin\E\/courier.*No such file/, 'with the path and the reason');
like(log_text(), qr/HINT:.*make install.*courier_path/, 'and what to do');
is($node->safe_psql('postgres', "SELECT max(attempts) FROM group_api_private.invitations"), '0', 'no try is used up');
takes_at_most(2, 'with the setting put right they are sent at once', sub {
	set_courier($real);
	all_are($node, 'sent', 'they are sent');
});
is(dispatcher($node)->{state}, 'running', 'and all is well');

# ---- the file appears later, and nobody reloads

$node->safe_psql('postgres', 'SELECT group_api.pause($$sms$$)');
set_courier("$bin/later");
$node->restart;
wait_for_dispatcher($node, 'the dispatcher is back');
invite($node, sa_number(20));
$node->safe_psql('postgres', 'SELECT group_api.resume($$sms$$)');
poll_until(sub { dispatcher($node)->{state} eq 'no courier' }, 'again there is no courier');
symlink $real, "$bin/later";
poll_until(sub { delivery_of($node, sa_number(20))->{delivery} eq 'sent' },
	'once it is installed it is started without a reload', 8);

# ---- one that ends at once

open(my $script, '>', "$bin/broken") or die $!;
print $script "#!/bin/sh\ndate +%s.%N >>$bin/starts\nexit 1\n";
close $script;
chmod 0755, "$bin/broken";
kill_courier();
set_courier("$bin/broken");
$log_start = -s $node->logfile;
invite($node, sa_number(30));
sub starts { return split /\n/, -e "$bin/starts" ? slurp_file("$bin/starts") : ''; }
# A reload is told twice to who may have missed it, so there may be one start more, without a wait before it.
poll_until(sub { starts() >= 4 }, 'a courier that ends at once is started again');
my @starts = starts();
# After one second, two, four.
cmp_ok($starts[3] - $starts[0], '>=', 3, 'but not over and over');
poll_until(sub { $node->safe_psql('postgres', "SELECT ok FROM group_api.health() WHERE \"check\" = 'dispatcher'") eq 'f' },
	'health() says that something is wrong');
cmp_ok(times_logged('courier of group_api ended unexpectedly'), '<=', scalar(starts()), 'nor does it fill the log');
is(delivery_of($node, sa_number(30))->{attempts}, 0, 'no try is used up by it');
poll_until(sub { delivery_of($node, sa_number(30))->{delivery} eq 'queued' }, 'the invitation is queued');
takes_at_most(2, 'replaced by one that works it sends at once', sub {
	set_courier($real);
	all_are($node, 'sent', 'it is sent');
});
is($node->safe_psql('postgres', "SELECT ok FROM group_api.health() WHERE \"check\" = 'dispatcher'"), 't', 'and health() that all is well');

# ---- a message that kills the courier

open($script, '>', "$bin/deadly") or die $!;
print $script <<"END";
#!/usr/bin/python3
# Takes up the first message and dies of it.
import os, socket, struct
link = socket.socket(fileno=3)
data = b''
while True:
    data += link.recv(65536) or os._exit(0)
    while len(data) >= 5 and len(data) >= 5 + struct.unpack('=I', data[:4])[0]:
        end = 5 + struct.unpack('=I', data[:4])[0]
        kind, payload, data = data[4:5], data[5:end], data[end:]
        if kind == b'J':
            link.send(struct.pack('=IcQ', 8, b'P', struct.unpack('=Q', payload[:8])[0]))
            os.abort()
END
close $script;
chmod 0755, "$bin/deadly";
$node->append_conf('postgresql.conf', 'group_api.max_attempts = 3');
kill_courier();
set_courier("$bin/deadly");
invite($node, sa_number(40));
poll_until(sub { delivery_of($node, sa_number(40))->{delivery} eq 'failed' },
	'a message that kills the courier each time has failed in the end', 30);
is(delivery_of($node, sa_number(40))->{attempts}, 3, 'after as many tries as max_attempts says');
like(delivery_of($node, sa_number(40))->{reason}, qr/courier died/, 'and the reason says so');
is(times_logged('was terminated by signal'), 0, 'the server itself lost no process');
is($node->safe_psql('postgres', 'SELECT step FROM group_api.set_aside'), 'send', 'it is set aside');

# ---- a courier that dies of every message is no message's fault

$node->append_conf('postgresql.conf', 'group_api.max_attempts = 20');
$node->reload;
invite($node, map { sa_number($_) } 41 .. 48);
poll_until(sub { dispatcher($node)->{state} eq 'no courier' }, 'when all kill it, it is the courier that does not work', 30);
poll_until(sub { $node->safe_psql('postgres', 'SELECT min(crashes) FROM group_api_private.invitations
	WHERE contact > $$' . sa_number(40) . '$$') > 0 }, 'and each was tried', 60);
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM group_api.set_aside'), '<=', 3, 'three are set aside at the most');
set_courier($real);
$node->safe_psql('postgres', 'SELECT group_api.retry_failed()');
all_are($node, 'sent', 'with one that works all are sent', seconds => 60);
is($node->safe_psql('postgres', 'SELECT count(*) FROM group_api.set_aside'), 0, 'and none is set aside');

# ---- it inherits nothing, and leaves nothing behind

set_courier($real);
invite($node, sa_number(50));
all_are_settled($node, sa_number(50));
my $courier = courier_pid($node);
ok(is_alive($courier), 'a courier is there');
# Its libraries may have files open for a moment.
poll_until(sub {
	my @open = map { readlink // () } grep { !m{/[0-2]$} } glob "/proc/$courier/fd/*";
	return @open && !grep { !/^(?:socket|anon_inode|pipe):/ } @open;
}, 'it has no file of the server open');
is(join(' ', sort map { s/=.*//sr } split /\0/, slurp_file("/proc/$courier/environ")), 'LANG PATH', 'nor its environment');
like(slurp_file("/proc/$courier/status"), qr/^NoNewPrivs:\t1$/m, 'it gains no right');
my ($confined) = slurp_file($node->logfile) =~ /the courier of group_api is confined by: (.*)/;
like($confined, qr/no_new_privs/, 'the log tells by what it is confined');
like(slurp_file("/proc/$courier/status"), qr/^Seccomp:\t2$/m, 'which is so') if $confined !~ /no seccomp/;
my $log = slurp_file($node->logfile);
my $starts = () = $log =~ /ready to accept connections/g;
cmp_ok(scalar(() = $log =~ /confined by:/g), '<=', $starts, 'once for each start of the server, however many couriers there were');
kill 'KILL', $courier;
poll_until(sub { !is_alive($courier) && !-e "/proc/$courier" }, 'a dead courier leaves no zombie');
invite($node, sa_number(51));
all_are_settled($node, sa_number(51));
isnt(courier_pid($node), $courier, 'the next message is sent by another');

sub all_are_settled
{
	my ($node, $contact) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll_until(sub { delivery_of($node, $contact)->{delivery} eq 'sent' }, "$contact is sent", 15);
}

is(scalar(recipients($sink)), scalar(keys %{ { map { $_ => 1 } recipients($sink) } }), 'nothing was sent twice');
$node->stop;
done_testing();
