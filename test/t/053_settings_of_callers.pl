# What a caller may SET neither shows what runs inside our statements, as the
# owner, nor changes what they say and write.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $pkglib = qx($ENV{PG_CONFIG} --pkglibdir 2>/dev/null) || '';
chomp $pkglib;
my $has_explain = -e "$pkglib/auto_explain.so";
note('auto_explain not found') unless $has_explain;

my $node = new_node('main', conf => "group_api.dispatch = off\ngroup_api.resend_cooldown = 0" . ($has_explain ? "
shared_preload_libraries = 'group_api, auto_explain'
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
auto_explain.log_analyze = on
auto_explain.log_verbose = on" : ''));

# ---- the stage ------------------------------------------------------------------

# People whom only the directory knows, and a secret of each kind.
$node->safe_psql('postgres', q(
	CREATE ROLE app; CREATE ROLE op;
	SELECT group_api.grant_access('app', 'caller'), group_api.grant_access('op', 'operator');
	CREATE SERVER mail FOREIGN DATA WRAPPER group_api_smtp OPTIONS (url 'smtp://127.0.0.1:9', sender 'Choir <choir@example.com>');
	CREATE USER MAPPING FOR PUBLIC SERVER mail OPTIONS (password 'hidden-word');
	SELECT group_api.put_user('bob', real_name => 'Bob', email => 'hidden-bob@example.com'),
		group_api.put_user('eve', real_name => 'Eve', email => 'hidden-eve@example.com');
	SELECT group_api.suppress('hidden-eve@example.com');));
my ($bob, $eve) = split /\n/, $node->safe_psql('postgres', q(SELECT id FROM group_api_private.users WHERE subject IN ('bob', 'eve') ORDER BY subject));

my $body = q({"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "name": "Ch\\u00f6r \\\\ 'quoted'", "description": "d", "message": "m",
	"image": "https://example.com/p.png", "members": [{"nickName": "Ann", "contact": {"type": "EMAIL", "value": "ann@example.com"}},
	{"nickName": "Joe", "contact": {"type": "MOBILE", "value": "+27701231234"}}]}) =~ s/\n\s*/ /r;

# Calls of a caller and of an operator; those of a caller as often as is said.
sub calls_of_caller
{
	my ($times) = @_;
	return join '', map { "$_;\n" } (
		'SET ROLE app',
		"SELECT group_api.create_group(\$j\$$body\$j\$::jsonb)::json #>> '{group,id}' AS a \\gset\n\\echo made",
		"SELECT group_api_v2.create_group(\$j\${\"name\": \"Crème \\\\ brûlée\", \"description\": \"l'été\"}\$j\$::jsonb)::json ->> 'id' AS b \\gset\n\\echo made",
		(map {;
			"SELECT group_api_v2.invite_users(:b, '{$bob,$eve}')", 'SELECT group_api_v2.list_invited_users(:b)', "SELECT group_api.get_group(:'a')",
			"SELECT group_api_v2.withdraw_invitations(:b, '{$bob,$eve}')", 'SELECT group_api_v2.get_group(:b)', "SELECT group_api.resend_invitation(:'a', 2)",
			"SELECT group_api.preview_invitation(:'a')", "SELECT group_api_v2.search_groups('brûlée')"
		} 1 .. $times),
		"SELECT group_api_v2.patch_group(:b, '{\"name\": \"Brûlée\"}')", 'SELECT group_api_v2.subscribe(:b)', 'SELECT group_api_v2.list_members(:b)',
		"SELECT group_api_v2.suggest_users(:b, 'B')", "SELECT group_api.revoke_invitation(:'a', 2)", "SELECT group_api.accept_invitation('x')",
		"SELECT group_api.archive_group(:'a')", "SELECT group_api.delete_group(:'a')", 'SELECT group_api_v2.delete_group(:b)');
}

my $calls_of_operator = join '', map { "$_;\n" } (
	'SET ROLE op', "SELECT group_api.suppress('hidden-bob\@example.com'), group_api.unsuppress('hidden-bob\@example.com')",
	q(SELECT group_api.put_template('EMAIL', 'it', $t${link} $1 \\\\$t$, '{group}')), "SELECT group_api.remove_template('EMAIL', 'it')",
	q(SELECT group_api.pause('mail', 'why'), group_api.resume('mail')), 'SELECT group_api.retry_failed()',
	q(SELECT group_api.receive_receipt('server=mail')), 'SELECT * FROM group_api.health()', q(SELECT group_api.ingest_bounce('To: x@example.com'))
);

# The calls with these settings; all that the client sees, made alike.
sub told
{
	my ($calls, @settings) = @_;
	my ($status, $out, $error) = $node->psql('postgres', '\\set VERBOSITY terse' . "\n" . join('', map { "SET $_;\n" } @settings) . $calls, on_error_stop => 0);
	return ($out, $error);
}

sub normal
{
	my ($text) = @_;
	$text =~ s/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/UUID/g;
	$text =~ s/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+\d\d(:\d\d)?)?/TIME/g;
	$text =~ s/TIME[+-]\d\d\b|\d\d[\/.]\d\d[\/.]\d{4} \d\d:\d\d:\d\d(\.\d+)? (UTC|[+-]\d\d)/TIME/g;
	$text =~ s/\d{1,2} \w+ \d{4}(, \d\d:\d\d)?/DAY/g;
	$text =~ s/\d+( receipts for an unknown provider)/N$1/g;
	# It is told only to whom wants notices.
	$text =~ s/^psql:<stdin>:\d+: NOTICE:  no provider for \w+ takes messages now:.*\n//mg;
	$text =~ s/("id"\s*:\s*)\d+/$1ID/g;
	$text =~ s/[preview-]{40,}/TOKEN/g;
	$text =~ s/psql:<stdin>:\d+/psql/g;
	return $text;
}

# ---- nothing is shown -----------------------------------------------------------------

# The one that was started with the extension leaves again.
poll_until(sub { $node->safe_psql('postgres', 'SELECT reason FROM group_api.dispatcher') eq 'group_api.dispatch is off' }, 'no dispatcher runs');
my ($plain, $plain_error) = map { normal($_) } told(calls_of_caller(2) . $calls_of_operator);
# They are made with the first group.
my $secret = $node->safe_psql('postgres', q(SELECT encode(secret, 'hex') FROM group_api_private.link_secret));
my $salt = $node->safe_psql('postgres', q(SELECT encode(salt, 'hex') FROM group_api_private.suppression_salt));
isnt($secret, '', 'a contact suppressed before the first group leaves the data ours');
isnt($salt, '', 'and there is a salt');
my $hidden = qr/hidden-|\Q$secret\E|\Q$salt\E/;
like($plain, qr/"Ch.+r .* 'quoted'"/, 'the calls do what they should');
like($plain, qr/"real_name":"Bob"/, 'in contract B, too');

for my $settings (
	[ 'debug_print_parse = on', 'debug_print_rewritten = on', 'debug_print_plan = on', 'client_min_messages = debug5' ],
	[ 'debug_print_plan = on', 'debug_pretty_print = off', 'client_min_messages = log', 'plan_cache_mode = force_custom_plan' ],
	[ 'debug_print_plan = on', 'client_min_messages = debug1', 'plan_cache_mode = force_generic_plan' ],
	[ 'client_min_messages = debug5', 'log_parameter_max_length_on_error = -1', 'trace_sort = on', 'plan_cache_mode = force_custom_plan' ])
{
	my $from = -s $node->logfile;
	my ($out, $error) = told(calls_of_caller(7), grep { !/trace_sort/ || $node->safe_psql('postgres', q(SELECT count(*) FROM pg_settings WHERE name = 'trace_sort')) } @$settings);
	my $words = join ', ', @$settings;
	my $shown = join "\n", grep { /$hidden/ } split /\n/, "$out\n$error";
	is($shown, '', "a caller learns no address and no secret by $words");
	unlike($error, qr/group_api_private\.(groups|members|invitations)|SubPlan|Query Text: (?!SELECT group_api)/, 'and no plan of a statement inside') or diag(substr $error, 0, 2000);
	next if $has_explain;
	unlike(substr(slurp_file($node->logfile), $from), qr/\{PLANNEDSTMT.*hidden-bob/s, 'nor does the log');
}

# ---- nothing is changed ------------------------------------------------------------------

my @hostile = (
	[ 'standard_conforming_strings = off', 'escape_string_warning = off', 'backslash_quote = off' ],
	[ 'transform_null_equals = on', 'array_nulls = off', 'quote_all_identifiers = on' ], ['row_security = off'],
	[ "DateStyle = 'SQL, DMY'", "IntervalStyle = 'iso_8601'", 'bytea_output = escape', 'extra_float_digits = -15', 'xmloption = document' ],
	[ "DateStyle = 'German'", "IntervalStyle = 'sql_standard'", "TimeZone = 'Pacific/Kiritimati'" ], ["TimeZone = 'Etc/GMT+12'"],
	[ map { "$_ = off" } qw(enable_seqscan enable_indexscan enable_bitmapscan enable_hashjoin enable_mergejoin enable_sort enable_material) ],
	[ 'enable_nestloop = off', 'plan_cache_mode = force_custom_plan', 'constraint_exclusion = on', 'jit = on', 'jit_above_cost = 0', 'geqo_threshold = 2', 'join_collapse_limit = 1',
		'from_collapse_limit = 1' ],
	[ 'plan_cache_mode = force_generic_plan', 'seq_page_cost = 0', 'random_page_cost = 1000000', 'work_mem = 64', 'cursor_tuple_fraction = 0' ],
	['default_transaction_isolation = serializable'], [ "default_transaction_isolation = 'repeatable read'", 'default_transaction_deferrable = on' ],
	[ 'force_parallel_mode = on', 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0' ], ['debug_parallel_query = regress'],
	["plpgsql.extra_errors = 'all'"], [ "plpgsql.extra_warnings = 'none'", 'plpgsql.print_strict_params = on' ],
	[ "search_path = pg_temp, ''", 'check_function_bodies = off', "lc_time = 'C'", "lc_numeric = 'C'", "lc_monetary = 'C'", 'client_min_messages = error',
		'synchronous_commit = off', 'commit_siblings = 0', 'max_stack_depth = 100', 'temp_buffers = 100', "default_text_search_config = 'simple'", 'exit_on_error = off' ]);
for my $settings (@hostile)
{
	# Not every version has each of them.
	my @there = grep { (my $name = $_) =~ s/ = .*//; $name =~ /^plpgsql\./ || $node->safe_psql('postgres', "SELECT count(*) FROM pg_settings WHERE lower(name) = lower('$name')") } @$settings;
	next unless @there;
	my ($out, $error) = told(calls_of_caller(2) . $calls_of_operator, @there);
	my $words = join ', ', @there;
	is(normal($out), $plain, "no answer is changed by $words");
	is(normal($error), $plain_error, 'and no error');
}

# ---- nothing is left -----------------------------------------------------------------------

# Of a superuser, or whom one lets: triggers and foreign keys are off in such a session.
my ($status, $kept) = $node->psql('postgres', "SET session_replication_role = replica;
	SELECT group_api.create_group(\$j\$$body\$j\$::jsonb)::json #>> '{group,id}' AS a \\gset
	SELECT group_api.delete_group(:'a') #>> '{error,code}';
	SELECT (SELECT count(*) FROM group_api_private.members m WHERE NOT EXISTS (SELECT FROM group_api_private.groups g WHERE g.id = m.group_id)),
		(SELECT count(*) FROM group_api_private.invitations i WHERE NOT EXISTS (SELECT FROM group_api_private.groups g WHERE g.id = i.group_id));
	SHOW session_replication_role");
is($kept, "0\n0|0\nreplica", 'a group that is deleted leaves nothing where triggers of the session are off, and they are so afterwards');

unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC:|TRAP:/, 'no process ended by a signal');
$node->stop;
done_testing();
