# What is a tenant's is set for its database, what is the cluster's says so; a freeze
# is honoured; an owner that lost SUPERUSER is told; nothing hangs on schema public.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use Copies;
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', conf => 'group_api.retry_base = 1');
my $next = 0;

sub message_to
{
	my ($database, $number) = @_;
	return $node->safe_psql($database, "SELECT message FROM group_api.captured WHERE recipient = '$number' ORDER BY id DESC LIMIT 1");
}

sub outcome
{
	my ($database, $sql) = @_;
	my ($status, undef, $error) = $node->psql($database, $sql);
	return $error =~ s/^psql:<stdin>:\d+: //mgr;
}

# ---- settings of a database

for my $tenant (qw(one two))
{
	$node->safe_psql('postgres', "CREATE DATABASE $tenant");
	$node->safe_psql($tenant, 'CREATE EXTENSION group_api');
	add_capture($node, $tenant);
	invite($node, \$tenant, sa_number(++$next));
	all_are($node, 'sent', "$tenant sends", database => $tenant);
}
$node->safe_psql('postgres', "ALTER DATABASE one SET group_api.invitation_url = 'https://one.example.com/i?t='");
poll_until(sub {
	my $number = sa_number(++$next);
	invite($node, \'one', $number);
	poll_until(sub { message_to('one', $number) ne '' }, 'a message leaves');
	return message_to('one', $number) =~ m{https://one\.example\.com/i};
}, 'ALTER DATABASE SET reaches the dispatcher without a restart of the server');
invite($node, \'two', sa_number(++$next));
my $number = sa_number($next);
poll_until(sub { message_to('two', $number) ne '' }, 'another tenant sends');
unlike(message_to('two', $number), qr/one\.example/, 'to its own site');
$node->safe_psql('postgres', 'ALTER DATABASE one RESET group_api.invitation_url');
poll_until(sub {
	my $again = sa_number(++$next);
	invite($node, \'one', $again);
	poll_until(sub { message_to('one', $again) ne '' }, 'a message leaves');
	return message_to('one', $again) !~ m{one\.example\.com};
}, 'so does RESET');

for my $setting ("unsubscribe_url = 'https://one.example.com/u?t='", "picture_url = 'https://one.example.com/p?id='",
	"image_url_template = 'https://one.example.com/{size}?{url}'", "default_locale = 'fr'", "invitation_expiry = '2d'",
	'recipient_daily_cap = 7', 'inviter_daily_cap = 7', 'inviter_recipient_daily_cap = 7', 'groups_daily_cap = 7', "pictures_daily_cap = '7kB'",
	"attempts_retention = '7d'", "receipts_retention = '7d'", "reminder_before = '1d'", "mobile_countries = 'ZA'", 'max_members = 7',
	"resend_cooldown = '7s'", 'content_availability = off', 'dispatch = off')
{
	my ($name, $value) = $setting =~ /^(\w+) = '?(.*?)'?$/;

	is(outcome('postgres', "ALTER DATABASE one SET group_api.$setting"), '', "ALTER DATABASE SET group_api.$setting");
	is($node->safe_psql('one', "SELECT current_setting('group_api.$name')"), $value, 'counts there');
	isnt($node->safe_psql('two', "SELECT current_setting('group_api.$name')"), $value, 'and nowhere else');
}
poll_until(sub { (dispatcher($node, 'one')->{reason} // '') =~ /dispatch is off/ }, 'one tenant is silent');
isnt(dispatcher($node, 'two')->{reason}, 'group_api.dispatch is off', 'the other is not');
$node->safe_psql('postgres', 'ALTER DATABASE one RESET ALL');
invite($node, \'one', sa_number(++$next));
all_are($node, 'sent', 'after RESET ALL it sends', database => 'one');

for my $setting ("courier_path = '/bin/true'", 'max_databases = 3', "trusted_roles = 'x'")
{
	like(outcome('postgres', "ALTER DATABASE one SET group_api.$setting"),
		qr/cannot be changed.*HINT:  It is one setting for the whole cluster: ALTER SYSTEM SET/s, "group_api.$setting is the cluster's, and says so");
}
$node->safe_psql('postgres', 'CREATE ROLE plain LOGIN');
for my $sql ("SET group_api.dispatch = off", "ALTER ROLE plain SET group_api.invitation_url = 'https://evil.example/'")
{
	like(outcome('one', "SET ROLE plain; $sql"), qr/permission denied/, "$sql is not for everybody");
}

# ---- a freeze

$node->safe_psql('postgres', 'ALTER DATABASE one SET default_transaction_read_only = on');
poll_until(sub { (dispatcher($node, 'one')->{reason} // '') =~ /default_transaction_read_only/ }, 'a freeze of a database is noticed and told');
$number = sa_number(++$next);
my $turns = dispatcher($node, 'one')->{turns};
$node->safe_psql('one', 'SET default_transaction_read_only = off; SELECT group_api.create_group(' . group_body($number) . ')');
$node->reload;
poll_until(sub { dispatcher($node, 'one')->{turns} > $turns }, 'the dispatcher looks');
is(captured($node, 'one', $number), 0, 'and claims nothing');
$node->safe_psql('postgres', 'ALTER DATABASE one SET group_api.dispatch_when_read_only = on');
poll_until(sub { captured($node, 'one', $number) == 1 }, 'unless a setting says otherwise');
$node->safe_psql('postgres', 'ALTER DATABASE one RESET ALL; ALTER SYSTEM SET default_transaction_read_only = on');
$node->reload;
poll_until(sub { (dispatcher($node, 'two')->{reason} // '') =~ /default_transaction_read_only/ }, 'a freeze of the server is noticed and told');
$number = sa_number(++$next);
$node->safe_psql('two', 'SET default_transaction_read_only = off; SELECT group_api.create_group(' . group_body($number) . ')');
$turns = dispatcher($node, 'two')->{turns};
$node->reload;
poll_until(sub { dispatcher($node, 'two')->{turns} > $turns }, 'the dispatcher looks');
is(captured($node, 'two', $number), 0, 'and claims nothing');
$node->safe_psql('postgres', 'SET default_transaction_read_only = off; ALTER SYSTEM RESET default_transaction_read_only');
$node->reload;
poll_until(sub { captured($node, 'two', $number) == 1 }, 'when it ends what waited is sent');

# ---- an owner that is no superuser any more

$node->safe_psql('postgres', 'CREATE ROLE dba SUPERUSER LOGIN; CREATE DATABASE theirs');
$node->safe_psql('theirs', 'SET ROLE dba; CREATE EXTENSION group_api');
add_capture($node, 'theirs');
invite($node, \'theirs', sa_number(++$next));
all_are($node, 'sent', 'a database of its own DBA sends', database => 'theirs');
$node->safe_psql('postgres', 'ALTER ROLE dba NOSUPERUSER');
my $said = outcome('theirs', 'SELECT group_api.create_group(' . group_body(sa_number(++$next)) . ')');
like($said, qr/the owner of extension group_api is not a superuser/, 'create_group says what is missing');
unlike($said, qr/dba/, 'but names no role');
like($node->safe_psql('theirs', 'SELECT fact, hint FROM group_api.health() WHERE NOT ok LIMIT 1'),
	qr/dba, the owner of the extension, is not a superuser\|ALTER ROLE dba SUPERUSER/, 'health() says which role');
my (undef, undef, $refused) = $node->psql('theirs', 'CREATE FOREIGN DATA WRAPPER elsewhere; CREATE SERVER elsewhere FOREIGN DATA WRAPPER elsewhere; DROP SERVER elsewhere');
is($refused, '', "others' servers come and go meanwhile");
my $begun = dispatcher($node, 'theirs')->{pid};
$node->safe_psql('theirs', "SELECT pg_terminate_backend($begun)");
my $waiting;
poll_until(sub { $waiting = dispatcher($node, 'theirs')->{pid}; $waiting && $waiting != $begun }, 'another dispatcher comes');
my ($cpu, $until) = (cpu_of($waiting), time + 4);
poll_until(sub { time > $until }, 'some seconds pass');
my $spent = cpu_of($waiting) - $cpu;
note("clock ticks of a dispatcher that may not begin: $spent");
cmp_ok($spent, '<=', 12, 'which waits until it may begin');
is(dispatcher($node, 'theirs')->{pid}, $waiting, 'and does not end');
$node->safe_psql('postgres', 'ALTER ROLE dba SUPERUSER');
$number = sa_number(++$next);
invite($node, \'theirs', $number);
poll_until(sub { captured($node, 'theirs', $number) == 1 }, 'with the attribute back it sends');

# ---- a table of another owner

$node->safe_psql('theirs', 'CREATE ROLE app_owner; ALTER TABLE group_api_private.invitations OWNER TO app_owner');
my (undef, undef, $given) = $node->psql('theirs', 'SELECT group_api.create_group(' . group_body(sa_number(++$next)) . ')');
like($given, qr/ERROR:  group_api_private\.invitations, a table of extension group_api, belongs to another role than the extension\nHINT:  ALTER TABLE group_api_private\.invitations OWNER TO/,
	'a table that was given to another role is named, instead of making that a superuser');
unlike($given, qr/SUPERUSER|app_owner/, 'and no role is');
$node->safe_psql('theirs', 'ALTER TABLE group_api_private.invitations OWNER TO dba');
$number = sa_number(++$next);
invite($node, \'theirs', $number);
poll_until(sub { captured($node, 'theirs', $number) == 1 }, 'given back it sends');

# ---- schema public

is($node->safe_psql('one', "SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'group_api'"), 'pg_catalog', 'the extension is in no schema that can be dropped');
my $groups = $node->safe_psql('one', 'SELECT count(*) FROM group_api_private.groups');
$node->safe_psql('one', 'DROP SCHEMA public CASCADE');
is($node->safe_psql('one', 'SELECT count(*) FROM group_api_private.groups'), $groups, 'DROP SCHEMA public CASCADE takes nothing along');
$node->safe_psql('postgres', 'CREATE DATABASE bare');
$node->safe_psql('bare', 'DROP SCHEMA public; CREATE EXTENSION group_api');
add_capture($node, 'bare');
invite($node, \'bare', sa_number(++$next));
all_are($node, 'sent', 'without a schema public the extension is made and sends', database => 'bare');
$node->safe_psql('postgres', 'CREATE DATABASE other');
like(outcome('other', 'CREATE SCHEMA foo; CREATE EXTENSION group_api SCHEMA foo'), qr/extension "group_api" must be installed in schema "pg_catalog"/, 'another schema is refused in clear words');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('bare') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], 'pg_restore');

# ---- a backup role

$node->safe_psql('postgres', 'CREATE ROLE backup LOGIN BYPASSRLS IN ROLE pg_read_all_data; CREATE ROLE reader LOGIN IN ROLE pg_read_all_data');
$node->command_ok([ 'pg_dump', '-U', 'backup', '-f', $dump, '-d', $node->connstr('bare') ], 'a role with pg_read_all_data and BYPASSRLS dumps the database');
like(slurp_file($dump), qr/^COPY group_api_private\.(?:installation|suppression_salt) .*\n[^\\]/m, 'whole');
unlike(slurp_file($dump), qr/^COPY group_api_private\.link_secret /m, 'but not the key of the links');
# As docs/upgrade-postgresql.md says of their passwords.
$node->safe_psql('bare', q{CREATE SERVER relay FOREIGN DATA WRAPPER group_api_smtp OPTIONS (url 'smtp://127.0.0.1:1', sender 'a@example.com');
	CREATE USER MAPPING FOR public SERVER relay OPTIONS (username 'groups', password 's3cret')});
$node->command_ok([ 'pg_dump', '-U', 'backup', '-f', $dump, '-d', $node->connstr('bare') ], 'it dumps a provider');
unlike(slurp_file($dump), qr/s3cret/, 'without its password');
$node->safe_psql('bare', 'CREATE ROLE providers; GRANT USAGE ON FOREIGN DATA WRAPPER group_api_smtp TO providers; ALTER SERVER relay OWNER TO providers; GRANT providers TO backup');
$node->command_ok([ 'pg_dump', '-U', 'backup', '-f', $dump, '-d', $node->connstr('bare') ], 'as a member of the owner of the server it dumps it');
like(slurp_file($dump), qr/s3cret/, 'with its password');
$node->command_fails([ 'pg_dump', '-U', 'reader', '-f', $dump, '-d', $node->connstr('bare') ], 'without BYPASSRLS pg_dump fails rather than leaves rows out');

$node->stop;
done_testing();
