# Whatever stops the delivery, health() says so within a second, five where something
# hangs, with the command that helps in this case; typed as it stands, it helps, and
# within another second health() has nothing more to say.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;
use Cwd ();
use IPC::Run ();
use Time::HiRes qw(time);

my $node = new_node('health', extension => 0, conf => "
max_prepared_transactions = 5
group_api.retry_base = 1
group_api.invitation_cooldown = 0
group_api.invitation_url = 'https://example.com/i?t='");
my $gateway = start_script_server(http => {});
my $next = 0;
my @measured;

sub query { return $node->safe_psql('postgres', $_[0]); }
sub some { return map { sa_number(++$next) } 1 .. $_[0]; }
sub rules { set_rules($gateway, http => { rules => [ { match => '', replies => [ $_[0] ] } ] }); return; }

# The findings that are not well, worst first: [check, severity, since, fact, command].
sub findings
{
	my $rows = query(q{SELECT coalesce(json_agg(h), '[]') FROM (SELECT "check", severity, since, fact, command
		FROM group_api.health() WHERE NOT ok) h});
	return @{ from_json($rows) };
}

# As it stands in the column, typed into psql by the administrator of the server. What it
# is for may have ended by itself a moment before.
sub type_in
{
	my ($command, $may_be_over) = @_;
	my ($out, $error) = ('', '');

	IPC::Run::run([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \"$command\n", '>', \$out, '2>', \$error);
	$error =~ s/.*No such process.*\n// if $may_be_over;
	unlike($error, qr/ERROR|FATAL|invalid|No such/, "typed: $command");
	return;
}

=pod

Takes a way to stop the delivery: C<break> does it, and the finding C<check> with a
command like C<command> appears while invitations wait, and C<meanwhile> is done before each
look; then C<mend>, where the cause
is outside PostgreSQL, and the command is typed, and everything is well and sent.

=cut

sub way
{
	my ($what, %way) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $found;

	poll_until(sub { !findings() }, "$what: at first nothing is found") or diag(explain(findings()));
	$way{break}->() if $way{break};
	my $began = time;
	invite($node, some($way{people} // 8)) unless $way{idle};
	$way{then}->() if $way{then};
	poll_until(sub {
		$way{meanwhile}->() if $way{meanwhile};
		($found) = grep { $_->{check} eq $way{check} && $_->{fact} =~ ($way{fact} // qr//) && ($_->{command} // '') =~ $way{command} } findings();
		return $found;
	}, "$what: it is found") or diag(explain([ query('SELECT h::text FROM group_api.health() h') ]));
	my $red = time - $began;
	at_most($red, $way{within} // 1, "$what: in time");
	is($found->{severity}, 'critical', "$what: as critical");
	isnt($found->{since}, undef, "$what: with its beginning");
	$way{mend}->() if $way{mend};
	$began = time;
	type_in($found->{command} // '', $way{ends_by_itself});
	poll_until(sub { !findings() }, "$what: then nothing is found") or diag(explain([ findings() ]));
	my $green = time - $began;
	at_most($green, $way{green} // 1, "$what: in time, too");
	all_are($node, "sent", "$what: and everything is sent");
	push @measured, sprintf '%-45s red after %.2f s, green after %.2f s', $what, $red, $green;
	return;
}

query('CREATE ROLE keeper SUPERUSER; SET ROLE keeper; CREATE EXTENSION group_api');
add_sms($node, $gateway->{http});
invite($node, some(1));
all_are($node, 'sent', 'all is well');

is(query('SELECT count(*) FROM group_api.health() WHERE severity IS NULL OR ok <> (severity IN ($$ok$$, $$notice$$))'), 0,
	'each finding has a severity, and is well by that');

my ($before) = grep { $_->{check} eq 'dispatcher' } findings();
is($before, undef, 'the dispatcher is well');

# ---- switched off

way('switched off', break => sub { query('ALTER SYSTEM SET group_api.dispatch = off'); $node->reload; },
	check => 'dispatcher', command => qr/ALTER SYSTEM .*pg_reload_conf/s);
way('switched off for the database', break => sub { query('ALTER DATABASE postgres SET group_api.dispatch = off'); },
	check => 'dispatcher', command => qr/^ALTER DATABASE postgres RESET group_api\.dispatch;$/);
way('frozen', break => sub { query('ALTER DATABASE postgres SET default_transaction_read_only = on'); },
	then => sub { $node->psql('postgres', 'SET default_transaction_read_only = off'); }, idle => 1,
	check => 'dispatcher', command => qr/^SET .*;\nALTER DATABASE postgres RESET default_transaction_read_only;$/);
# As whom the dispatcher connects: what is set for that role goes before what is set for the database.
my $bootstrap = query('SELECT quote_ident(rolname) FROM pg_roles WHERE oid = 10');
way('frozen for the role', break => sub {
	query("ALTER DATABASE postgres SET default_transaction_read_only = off; ALTER ROLE $bootstrap SET default_transaction_read_only = on");
}, then => sub { $node->psql('postgres', 'SET default_transaction_read_only = off'); }, idle => 1,
	check => 'dispatcher', command => qr/^SET .*;\nALTER ROLE \Q$bootstrap\E RESET default_transaction_read_only;$/);
query('ALTER DATABASE postgres RESET default_transaction_read_only');
way('switched off for the role in the database', break => sub {
	query("ALTER ROLE $bootstrap SET group_api.dispatch = on; ALTER ROLE $bootstrap IN DATABASE postgres SET group_api.dispatch = off");
}, check => 'dispatcher', command => qr/^ALTER ROLE \Q$bootstrap\E IN DATABASE postgres RESET group_api\.dispatch;$/);
query("ALTER ROLE $bootstrap RESET group_api.dispatch");
way('switched off for every role', break => sub { query('ALTER ROLE ALL SET group_api.dispatch = off'); },
	check => 'dispatcher', command => qr/^ALTER ROLE ALL RESET group_api\.dispatch;$/);

# ---- the owner

way('an owner who is no superuser', break => sub { query('ALTER ROLE keeper NOSUPERUSER'); }, idle => 1,
	check => 'dispatcher', command => qr/^ALTER ROLE keeper SUPERUSER;$/);
query('CREATE ROLE app_owner');
way('a table that was given away', break => sub { query('ALTER TABLE group_api_private.invitations OWNER TO app_owner'); }, idle => 1,
	check => 'dispatcher', fact => qr/^a table of the extension belongs to another role than the extension$/,
	command => qr/^ALTER TABLE group_api_private\.invitations OWNER TO keeper;$/);
way('some that are', break => sub { query("ALTER TABLE group_api_private.$_ OWNER TO app_owner") for qw(members attempts); }, idle => 1,
	check => 'dispatcher', command => qr/^ALTER TABLE group_api_private\.\w+ OWNER TO keeper;\nALTER TABLE group_api_private\.\w+ OWNER TO keeper;$/);

# ---- the courier

way('no courier', break => sub {
	query(q{ALTER SYSTEM SET group_api.courier_path = '/nowhere/group_api_courier'});
	$node->reload;
	my $courier = courier_pid($node);
	kill 'KILL', $courier if $courier;
}, check => 'dispatcher', command => qr/ALTER SYSTEM RESET group_api\.courier_path;/);
rules({ delay => 0.05 });
# It is replaced two seconds after it is told: then the next one is stopped, too, until a look has shown it.
my $stopped = 0;
way('a courier that hangs', break => sub { invite($node, some(1)); poll_until(sub { courier_pid($node) }, 'there is one'); kill 'STOP', $stopped = courier_pid($node); },
	meanwhile => sub {
		my $courier = courier_pid($node);
		return if !$courier || $courier == $stopped;
		kill 'STOP', $stopped = $courier;
		invite($node, some(1));
	},
	check => 'dispatcher', command => qr/\\! kill -CONT \d+/, within => 5, green => 5, ends_by_itself => 1);

# ---- the dispatcher

way('a dispatcher that hangs', break => sub { kill 'STOP', dispatcher($node)->{pid}; },
	check => 'dispatcher', command => qr/\\! kill -CONT \d+/, within => 5);

# ---- the launcher

# The next dispatcher is its to start.
sub launcher { return query(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'group_api launcher'}); }
way('a launcher that hangs', break => sub { kill 'STOP', launcher(); query('SELECT pg_terminate_backend(pid) FROM group_api.dispatcher'); },
	check => 'dispatcher', fact => qr/the launcher has made no progress for \d+ s/, command => qr/^\\! kill -CONT \d+$/, within => 5);

# ---- locks

my $session;
way('a lock', break => sub { $session = psql_in_background($node, 'BEGIN; LOCK TABLE group_api_private.set_aside IN EXCLUSIVE MODE;'); },
	check => 'locks', command => qr/^SELECT pg_terminate_backend\(\d+\);$/);
way('the lock of a prepared transaction', break => sub { query('BEGIN; LOCK TABLE group_api_private.set_aside IN EXCLUSIVE MODE; PREPARE TRANSACTION $$left$$'); },
	check => 'locks', command => qr/^ROLLBACK PREPARED 'left';$/);

# ---- outcomes that cannot be recorded

query('CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION $m$no$m$; END $$');
way('outcomes that cannot be recorded', break => sub {
	query('CREATE TRIGGER refuse BEFORE UPDATE ON group_api_private.invitations FOR EACH ROW
		WHEN (NEW.delivery = $$sent$$) EXECUTE FUNCTION refuse()');
}, check => 'errors', fact => qr/no/,
	command => qr/^ALTER TABLE group_api_private\.invitations DISABLE TRIGGER refuse;\nSELECT group_api\.retry_set_aside\(\);$/);

# ---- the extension's own triggers

query("ALTER TABLE group_api_private.$_") for 'groups DISABLE TRIGGER groups_cascade', 'invitations ENABLE REPLICA TRIGGER invitations_wake';
my ($silenced) = grep { $_->{check} eq 'errors' } findings();
is($silenced && "$silenced->{severity}: $silenced->{fact}",
	'warning: the trigger groups_cascade of group_api_private.groups is disabled; the trigger invitations_wake of group_api_private.invitations is disabled',
	'a trigger of the extension that is disabled is told');
isnt($silenced->{since}, undef, 'with a time');
is($silenced->{command}, "ALTER TABLE group_api_private.groups ENABLE TRIGGER groups_cascade;\nALTER TABLE group_api_private.invitations ENABLE TRIGGER invitations_wake;",
	'with the commands');
type_in($silenced->{command} // '');
is_deeply([ findings() ], [], 'which help');
is(query('SELECT string_agg(tgname::text || tgenabled::text, $$ $$ ORDER BY tgname) FROM pg_trigger WHERE tgname IN ($$groups_cascade$$, $$invitations_wake$$)'),
	'groups_cascadeO invitations_wakeO', 'and no command has left one of them disabled');

# ---- whose data these are

way('data of another database', break => sub {
	query('UPDATE group_api_private.installation SET system_identifier = system_identifier + 1');
	query('SELECT pg_terminate_backend(pid) FROM group_api.dispatcher');
}, check => 'adopted', command => qr/^SELECT group_api\.adopt\(\);$/, idle => 1);

# ---- providers

way('a pause', break => sub { query(q{SELECT group_api.pause('sms', 'moving')}); },
	check => 'provider for MOBILE', command => qr/^SELECT group_api\.resume\('sms'\);$/);
way('a rest', break => sub { rules({ status => 503, headers => { 'Retry-After' => 3600 } }); }, mend => sub { rules({}) },
	check => 'provider for MOBILE', fact => qr/rests until/, command => qr/^SELECT group_api\.resume\('sms'\);$/);
way('a provider that resets every connection', break => sub { rules('reset'); }, mend => sub { rules({}) },
	check => 'provider for MOBILE', command => qr/^SELECT group_api\.resume\('sms'\);$/);
way('a provider that answers with errors', break => sub { rules({ status => 500 }); }, mend => sub { rules({}) },
	check => 'provider for MOBILE', fact => qr/500/, command => qr/^SELECT group_api\.resume\('sms'\);$/);
way('contacts that no provider takes', break => sub { query(q{ALTER SERVER sms OPTIONS (ADD prefixes '+49')}); },
	check => 'provider for MOBILE', command => qr/^ALTER SERVER sms OPTIONS \(DROP prefixes\);$/);

my $secret = Cwd::abs_path(PostgreSQL::Test::Utils::tempdir()) . '/secret';
append_to_file($secret, "word\n");
chmod 0600, $secret;
query("CREATE USER MAPPING FOR PUBLIC SERVER sms OPTIONS (username 'u', password_file '$secret')");
way('a password file that others may read', break => sub {
	chmod 0644, $secret;
	query(q{ALTER USER MAPPING FOR PUBLIC SERVER sms OPTIONS (SET username 'v')});
}, check => 'provider for MOBILE', command => qr/^\\! chmod 0600 -- '\Q$secret\E'\nSELECT group_api\.resume\('sms'\);$/);
query('DROP USER MAPPING FOR PUBLIC SERVER sms');

my $dead = dead_port();
my $later;
query("ALTER SERVER sms OPTIONS (SET url 'http://127.0.0.1:$dead')");
way('nobody at the other end', mend => sub { query("ALTER SERVER sms OPTIONS (SET url '$gateway->{http}')"); },
	check => 'provider for MOBILE', command => qr/^SELECT group_api\.resume\('sms'\);$/);

# ---- whose word on callers counts

sub set_list { query("ALTER SYSTEM SET group_api.trusted_roles = '$_[0]'"); $node->reload; return; }

sub trusted
{
	my ($found) = grep { $_->{check} eq 'trusted roles' } findings();
	return $found ? "$found->{severity}: $found->{fact}; $found->{command}" : 'well';
}

query(q{CREATE ROLE authenticator LOGIN; SELECT group_api.grant_access('authenticator', 'gateway')});
is(trusted(), 'well', 'a gateway that is named is well');
query(q{ALTER ROLE authenticator RENAME TO "Web ""gate"""});
is(trusted(), qq{critical: Web "gate" was made a gateway, and group_api.trusted_roles does not name it: what it says of callers is not believed; }
	. qq{ALTER SYSTEM SET group_api.trusted_roles = '"Web ""gate"""';\nSELECT pg_reload_conf();}, 'one that is called otherwise now is told');
type_in((findings())[0]{command} // '');
poll_until(sub { trusted() eq 'well' }, 'and the command has it believed');
query(q{CREATE ROLE "App" LOGIN; CREATE ROLE other LOGIN; SELECT group_api.grant_access(r::regrole, 'gateway') FROM unnest('{"\"App\"",other}'::text[]) r});
set_list('"Web ""gate""", App, OTHER');
poll_until(sub { trusted() eq 'well' }, 'a name counts in lower case, or as it is written') or diag(trusted());
set_list('"Web ""gate""", App, "No, one", OTHER');
poll_until(sub { trusted() =~ /No, one/ }, 'a name that no role bears is told');
is(trusted(), q{warning: group_api.trusted_roles names No, one, which is no role; ALTER SYSTEM SET group_api.trusted_roles = '"Web ""gate""", App, OTHER';}
	. "\nSELECT pg_reload_conf();", 'and its command leaves the gateways');
type_in((findings())[0]{command} // '');
poll_until(sub { trusted() eq 'well' }, 'and helps');
# The list is for every database, the mark of one.
query('CREATE ROLE elsewhere LOGIN; CREATE DATABASE neighbour');
$node->safe_psql('neighbour', 'CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$; GRANT EXECUTE ON FUNCTION f() TO elsewhere');
set_list('"Web ""gate""", App, OTHER, elsewhere');
my $of_elsewhere = q{SELECT concat_ws('; ', severity, fact, coalesce(command, 'no command')) FROM group_api.health() WHERE "check" = 'trusted roles'};
poll_until(sub { query($of_elsewhere) =~ /elsewhere, which/ }, 'a role that is no gateway here is told');
is(query($of_elsewhere), 'notice; group_api.trusted_roles names elsewhere, which was not made a gateway: what it says of callers is not believed; no command',
	'and left to the other database that it may be one in');
query('DROP DATABASE neighbour');
query('DROP ROLE elsewhere');
query(q{SELECT group_api.revoke_access(r::regrole) FROM unnest('{"\"App\"",other,"\"Web \"\"gate\"\"\""}'::text[]) r});
query('DROP ROLE other, "App", "Web ""gate"""');
query('ALTER SYSTEM RESET group_api.trusted_roles');
$node->reload;
poll_until(sub { trusted() eq 'well' }, 'without a gateway all is well');

# ---- an error that is no sign of a server without the library

is(query(q{SET restrict_nonsystem_relation_kind = 'view'; SELECT concat_ws('; ', severity, fact, command) FROM group_api.health() WHERE "check" = 'dispatcher'}),
	'critical; not known: access to non-system view "dispatcher" is restricted', 'an error of the same SQLSTATE asks for no restart');

# ---- no place for the launcher

$node->append_conf('postgresql.conf', 'max_worker_processes = 1');
$node->restart;
invite($node, some(1));
my $down;
poll_until(sub { ($down) = grep { $_->{check} eq 'dispatcher' } findings(); ($down->{fact} // '') eq 'the launcher does not run' },
	'a launcher that finds no place is told') or diag(explain([ findings() ]));
is("$down->{severity}: $down->{command}", "critical: ALTER SYSTEM SET max_worker_processes = 8;\n\\! pg_ctl restart -D \"\$PGDATA\"", 'with the command');
type_in((split /\n/, $down->{command})[0]);
$node->restart;
all_are($node, 'sent', 'typed, it helps');

# ---- a server that does not load the library

$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
my %row = map { $_->{check} => $_ } findings();
is($row{dispatcher}{fact}, 'the server was started without group_api', 'without the library health() answers, and says so');
is("$row{dispatcher}{severity}: $row{dispatcher}{command}",
	"critical: ALTER SYSTEM SET shared_preload_libraries = group_api;\n\\! pg_ctl restart -D \"\$PGDATA\"", 'with the command');
is(query(q{SELECT count(*) FROM group_api.health() WHERE fact IS NULL OR severity IS NULL}), 0, 'and a fact in each row');
my ($status, $out, $error) = $node->psql('postgres', q{SELECT group_api.create_group('{}')});
like($error, qr/ERROR:  group_api must be loaded when the server starts\nHINT:  Add group_api to shared_preload_libraries in postgresql\.conf and restart the server\.$/m,
	'a call says so, too');
type_in((split /\n/, $row{dispatcher}{command})[0]);
$node->restart;
poll_until(sub { !findings() }, 'typed, it helps') or diag(explain([ findings() ]));

note($_) for 'measured:', @measured;
diag("\n", join "\n", @measured) if $ENV{GROUP_API_TEST_MEASURES};
cmp_ok(scalar(@measured), '>=', 14, 'at least fourteen ways were tried');
done_testing();
