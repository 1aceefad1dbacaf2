# Two hundred databases share four dispatchers: each is served in turn, and a
# restart looks at each of them.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use Test::More;
use Time::HiRes qw(sleep time);

my $COUNT = 200;
my $node = new_node('main', extension => 0, conf => "
fsync = off
full_page_writes = off
max_connections = 20
group_api.max_dispatchers = 4");
my $sink = start_http_sink(log => 1);
my @databases = map { "d$_" } 1 .. $COUNT;

sub sql { my ($database, $sql) = @_; return $node->safe_psql($database, $sql); }

# One session after the other, in one program; in all of them, or those of these numbers.
sub in_each
{
	my ($sql, @numbers) = @_;
	@numbers = (0 .. $#databases) unless @numbers;
	return $node->safe_psql('postgres', join('', map { "\\connect $databases[$_]\n" . $sql->($_) . ";\n" } @numbers));
}

# A look asks only those that were not seen to have done so: each is a session.
sub all_have_recorded
{
	my ($count, $what) = @_;
	my @left = (0 .. $#databases);

	return poll_until(sub {
		my @sent = split /\n/, in_each(sub { 'SELECT count(*) FROM group_api_private.invitations WHERE delivery = $$sent$$' }, @left);
		@left = @left[ grep { $sent[$_] != $count } 0 .. $#left ];
		return !@left;
	}, $what);
}

# A database without groups belongs to nobody yet, so its copies do.
sql('postgres', 'CREATE DATABASE model');
sql('model', 'CREATE EXTENSION group_api');
add_sms($node, $sink->{http}, database => 'model');
sql('postgres', 'ALTER DATABASE model IS_TEMPLATE true');
sql('postgres', join('', map { "CREATE DATABASE $_ TEMPLATE model STRATEGY file_copy;\n" } @databases));

my $began = time;
in_each(sub { 'SELECT group_api.create_group(' . group_body(sa_number($_[0] + 1)) . ')' });
note(sprintf '%.1f s to create %d groups', time - $began, $COUNT);
my $most = 0;
poll_until(sub {
	my $now = sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'group_api dispatcher'");
	$most = $now if $now > $most;
	return sink_count($sink) >= $COUNT;
}, 'the message of each database is sent');
note(sprintf 'all are served %.1f s after the first commit, by at most %d dispatchers', time - $began, $most);
cmp_ok($most, '<=', 4, 'by four dispatchers at most');
all_have_recorded(1, 'and recorded');
is_deeply([ sort(recipients($sink)) ], [ sort map { sa_number($_) } 1 .. $COUNT ], 'to whom each of them said, once');
my @some = grep { $_ % 10 == 0 } 0 .. $#databases;
my @healthy = split /\n/, in_each(sub { 'SELECT ok FROM group_api.health() WHERE "check" = $$dispatcher$$' }, @some);
is(scalar(grep { $_ eq 't' } @healthy), @some, 'health() is content with every tenth of them');

# ---- what waits over a restart, with nobody committing anything

$node->append_conf('postgresql.conf', 'group_api.dispatch = off');
$node->reload;
in_each(sub { 'SELECT group_api.create_group(' . group_body(sa_number(1000 + $_[0])) . ')' });
$node->append_conf('postgresql.conf', 'group_api.dispatch = on');
$node->stop;
$began = time;
$node->start;
poll_until(sub { sink_count($sink) >= 2 * $COUNT }, 'after a restart every database is looked at')
  or diag(in_each(sub { q(SELECT current_database() || ' ' || row(d.*)::text || (SELECT string_agg(delivery::text, ',') FROM group_api_private.invitations) FROM group_api.dispatcher d) }));
note(sprintf '%.1f s after the start', time - $began);
all_have_recorded(2, 'and its message recorded');
is_deeply(twice(recipients($sink)), {}, 'nothing is sent twice');

$node->stop('immediate');
done_testing();
