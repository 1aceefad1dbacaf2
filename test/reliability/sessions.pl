# Rows 5 and 7: what others do in the database while messages are sent, and what the
# dispatcher keeps open meanwhile.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/../t/lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Promises;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('sessions', init => [ allows_streaming => 1 ], conf => "
restart_after_crash = on
group_api.retry_base = 1");
my $gateway = start_script_server(http => { rules => [ { replies => [ { delay => 0.02 } ] } ] });
my $hanging = start_script_server(http => { rules => [ { replies => ['hang'] } ] });
my $next = 0;

sub some { return map { sa_number(++$next) } 1 .. $_[0]; }

# ---- row 7: a gateway hangs, another one takes what it gets

add_sms($node, $gateway->{http}, prefixes => '+27', max_connections => 4);
add_sms($node, $hanging->{http}, name => 'hanging', prefixes => '+49', timeout => 300);
invite($node, map { german_number($_) } 1 .. 8);
poll_until(sub { sms_recipients($hanging) == 8 }, 'eight messages hang');
my $samples = scaled(1000);
invite($node, some(100)) for 1 .. scaled(20);
my ($longest, $with_xmin, $seen) = split /\|/, $node->safe_psql('postgres', "
	CREATE TEMPORARY TABLE seen (age interval, has_xmin boolean);
	DO \$\$
	DECLARE
		age interval;
		has_xmin boolean;
	BEGIN
		FOR i IN 1 .. $samples LOOP
			PERFORM pg_stat_clear_snapshot(), pg_sleep(0.01);
			SELECT clock_timestamp() - a.xact_start, a.backend_xmin IS NOT NULL INTO age, has_xmin
			  FROM pg_stat_activity a WHERE a.backend_type = 'group_api dispatcher';
			INSERT INTO seen VALUES (age, has_xmin);
		END LOOP;
	END \$\$;
	SELECT coalesce(round(1000 * extract(epoch FROM max(age))), 0), count(*) FILTER (WHERE has_xmin), count(*) FROM seen");
poll_until(sub { sms_recipients($gateway) == $next }, 'the others are sent meanwhile');
figure(7, $longest <= 50, 'longest transaction of the dispatcher %d ms, a snapshot in %d of %d samples, while 8 sends hang and %d are sent',
	$longest, $with_xmin, $seen, $next);

# ---- row 5: what an administrator does to a database that sends

my $tablespace = PostgreSQL::Test::Utils::tempdir();
$node->safe_psql('postgres', "CREATE TABLESPACE elsewhere LOCATION '$tablespace'");
my %seconds;

# A database of its own, whose invitations are under way.
sub busy_database
{
	my ($name) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, 'CREATE EXTENSION group_api');
	add_sms($node, $hanging->{http}, database => $name, timeout => 300);
	invite($node, \$name, some(8));
	poll_until(sub { deliveries($node, $name)->{sending} }, "$name sends");
	return;
}

sub command
{
	my ($database, $sql) = @_;
	my $began = time;
	my ($status, undef, $error) = $node->psql($database, $sql);

	is($status, 0, $sql) or diag($error);
	$seconds{$sql} = time - $began;
	return;
}

busy_database('one');
command('one', 'VACUUM FULL group_api_private.invitations');
command('one', 'REINDEX DATABASE one');
command('one', 'ALTER TABLE group_api_private.members ADD COLUMN note text');
command('one', 'BEGIN; LOCK TABLE group_api_private.invitations IN ACCESS EXCLUSIVE MODE; ROLLBACK');
command('postgres', 'ALTER DATABASE one RENAME TO two');
poll_until(sub { deliveries($node, 'two')->{sending} }, 'two sends');
command('postgres', 'CREATE DATABASE copied TEMPLATE two');
poll_until(sub { deliveries($node, 'two')->{sending} }, 'two sends');
command('postgres', 'ALTER DATABASE two SET TABLESPACE elsewhere');
poll_until(sub { deliveries($node, 'two')->{sending} }, 'two sends');
command('two', 'DROP EXTENSION group_api CASCADE');
busy_database('three');
command('postgres', 'DROP DATABASE three');
busy_database('four');
command('four', "SELECT group_api.pause('sms')");
command('postgres', 'ALTER DATABASE four ALLOW_CONNECTIONS false');

my ($slowest) = sort { $seconds{$b} <=> $seconds{$a} } keys %seconds;
note("$_: $seconds{$_} s") for sort keys %seconds;
figure(5, !(grep { $_ > 2 } values %seconds), '%d of %d commands within 2 s; longest %.2f s: %s',
	scalar(grep { $_ <= 2 } values %seconds), scalar(keys %seconds), $seconds{$slowest}, $slowest);

$node->stop('immediate');
done_testing();
