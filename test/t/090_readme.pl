# README.md tells the truth: every statement in it runs, its settings and
# options exist with the defaults it names, its first call comes early.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use Test::More;
use GroupApiTest;

my $readme = slurp_file(GroupApiTest::project_root() . '/README.md');
my @blocks;    # [language, text, line]
my $line = 1;
for my $piece (split /^(```\w*\n.*?^```\n)/ms, $readme)
{
	push @blocks, [ $1, $2, $line ] if $piece =~ /^```(\w*)\n(.*?)^```\n/ms;
	$line += () = $piece =~ /\n/g;
}
my $node = new_node('readme', extension => 0);

# ---- SQL

sub run_sql
{
	my ($sql) = @_;
	my ($out, $err);

	# As it stands, but for a machine that needs more than ten seconds.
	$sql =~ s/wait_until_idle\(\)/wait_until_idle('5 min')/;
	my $code = $node->psql('postgres', $sql, stdout => \$out, stderr => \$err,
		on_error_stop => 0);
	return ($out, $err);
}

my ($first_call) = grep { $_->[1] =~ /SELECT group_api\.create_group/ } @blocks;
cmp_ok($first_call->[2], '<', 80, 'the first own call stands within 80 lines');

# The group a reader would name, made by the first own call of the README.
my $group;

sub a_group
{
	return $group if defined $group;
	my ($call) = $first_call->[1] =~ /(SELECT group_api\.create_group\(.*?\);)/s;
	($group) = (run_sql($call))[0] =~ /"group":\{"id":"([\w-]+)"/;
	run_sql('SELECT group_api.wait_until_idle()');
	return $group;
}

my $token;
for my $block (grep { $_->[0] eq 'sql' } @blocks)
{
	my ($language, $sql, $at) = @$block;
	my $promised = $sql =~ /^-- ERROR:\s+(.*?)\s+\(/m ? $1 : undef;

	$sql =~ s/'TOKEN'/'$token'/g if defined $token;
	$sql =~ s/GROUP-ID/a_group()/ge if $sql =~ /GROUP-ID/;
	my ($out, $err) = run_sql($sql);
	if (defined $promised)
	{
		like($err, qr/ERROR:  \Q$promised\E/, "the error of line $at is the one it shows");
	}
	else
	{
		$err =~ s/^NOTICE:.*\n//mg;
		is($err, '', "the statements of line $at run");
	}
	# What the person gets: the link in the SMS, which is not encoded like the mail's.
	$token //= $1 if $out =~ /": http\S*token=([\w-]{20,})/;
}
ok(defined $token, 'the captured message has a link to answer with');
like($node->safe_psql('postgres', 'SELECT string_agg(response::text, $$,$$ ORDER BY response) FROM group_api.deliveries'),
	qr/accepted/, 'the invitation of the README was accepted');

# ---- settings

my %settings = $readme =~ /^\| `(group_api\.\w+)` \| (?:`([^`]*)`|empty) \|/mg;
my %real = map { split /\|/, $_, 2 } split /\n/, $node->safe_psql('postgres', q{
	SELECT name, CASE WHEN name = 'group_api.phone_metadata_months' THEN boot_val ELSE current_setting(name) END
	FROM pg_settings WHERE name LIKE 'group\_api.%'});
is_deeply([ sort keys %settings ], [ sort keys %real ], 'the README lists every setting');
is($settings{$_} // '', $real{$_}, "it names the default of $_") for sort keys %real;

# ---- providers

my $options = slurp_file(GroupApiTest::project_root() . '/src/base/shared/provider_options.c');
my $providers = slurp_file(GroupApiTest::project_root() . '/docs/providers.md');
my %documented = map { $_ => 1 } $providers =~ /^\| `(\w+)` \| \w/mg;
my %taken = map { $_ => 1 } $options =~ /^\t\{"(\w+)", (?:"|[A-Z]+_KINDS)/mg;
is_deeply([ sort keys %documented ], [ sort keys %taken ], 'docs/providers.md lists every option');
my $number = 0;
for my $example ($providers =~ /^```sql\n(.*?)^```\n/msg)
{
	is((run_sql($example))[1], '', 'its example ' . ++$number . ' runs');
}

# ---- the shell

for my $block (grep { $_->[0] eq 'sh' } @blocks)
{
	for my $command (grep { /\S/ && !/^\s+-/ } split /\n/, $block->[1])
	{
		my @words = split ' ', $command =~ s/#.*//r;
		shift @words if $words[0] eq 'sudo';
		if ($words[0] =~ m{^script/})
		{
			ok(-x GroupApiTest::project_root() . "/$words[0]", "$words[0] can be started");
		}
		elsif ($words[0] eq 'make')
		{
			is(system("make -n -C " . GroupApiTest::project_root() . " $words[1] >/dev/null 2>&1"), 0,
				"make $words[1] is there") if $words[1];
		}
	}
}
SKIP:
{
	skip 'PostgREST not found', 1
	  unless $ENV{POSTGREST} || grep { -x "$_/postgrest" } split /:/, $ENV{PATH};
	pass('PostgREST is there; docs/postgrest.md has its own test');
}

done_testing();
