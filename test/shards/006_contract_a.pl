# Contract A through the proxy of three shards answers word for word what a server alone
# answers: every call of the contract, in SQL and as a gateway makes them, with what is
# refused; and test/sql/contract_a_rejects.sql, which is all that create_group() refuses.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib", "$FindBin::RealBin/../t/lib";
use GroupApiTest;
use PollSession qw(begin_session talk end_session);
use PostgreSQL::Test::Utils;
use Shards;
use Test::More;

need_plproxy();

my $conf = "group_api.resend_cooldown = 0\ngroup_api.dispatch = off\n";
my $all = new_shards(3, conf => $conf);
my $proxy = $all->{proxy};
my $alone = new_node('alone', conf => $conf);
Shards::add_roles($alone);
$alone->safe_psql('postgres', q{
	CREATE SERVER sms FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE');
	CREATE SERVER mail FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL', sender 'Groups <groups@example.com>')});

sub quoted { my ($text) = @_; return "'" . ($text =~ s/'/''/gr) . "'"; }
sub member { my ($name, %contact) = @_; return { nickName => $name, contact => { type => 'EMAIL', value => lc "$name\@example.com", %contact } }; }
sub body
{
	my (%changed) = @_;
	return { productId => '00000000-0000-0000-0000-000000000001', name => 'Fans', description => 'd', message => 'm',
		image => 'https://example.com/p.jpg', members => [ member('Ann'), member('Bob', type => 'MOBILE', value => '+27701231234') ], %changed };
}

# ---- a table of calls; {id} is the group that the last create made, {token} the link of its second member

my $unknown = '00000000-0000-7000-8002-000000000000';
my @calls;
sub call { my ($who, $function, @arguments) = @_; push @calls, { who => $who, sql => "SELECT group_api.$function(" . join(', ', @arguments) . ')' }; return; }
sub jsonb { return quoted(to_json($_[0])) . '::jsonb'; }
sub json_of { return quoted(to_json($_[0])) . '::json'; }
sub text_of { return quoted(to_json($_[0])) . '::text'; }
sub bytes_of { return 'convert_to(' . quoted(to_json($_[0])) . q{, 'UTF8')}; }

for my $form (\&jsonb, \&json_of, \&text_of, \&bytes_of)
{
	call('zoe', 'create_group', $form->(body()));
	call('zoe', 'create_group', $form->(body(members => [], name => '')));
	call('zoe', 'create_group', $form->(body(dryRun => JSON::PP::true)));
	call('zoe', 'add_members', $form->({ groupId => '{id}', members => [ member('Cem') ] }));
	next if $form == \&json_of;
	call('zoe', 'load_group', $form->({ groupId => '{id}' }));
	call('zoe', 'load_group', $form->({ groupId => 'x' }));
	call('zoe', 'load_group', $form->({}));
	call('max', 'load_group', $form->({ groupId => '{id}' }));
	call('', 'load_group', $form->({ groupId => '{id}' }));
	call('zoe', 'add_members', $form->({ groupId => '{id}', members => [ member('Ann') ] }));
	call('max', 'add_members', $form->({ groupId => '{id}', members => [ member('Dora') ] }));
	call('zoe', 'add_members', $form->({ groupId => $unknown, members => [ member('Dora') ] }));
	call('zoe', 'add_members', $form->({ members => [ member('Dora') ] }));
}
call('zoe', 'create_group', quoted('name=Fans&members[0][nickName]=Ann'));
call('zoe', 'create_group', q{'\xff'::bytea});
call('zoe', 'create_group', 'NULL::jsonb');
for my $who ('zoe', 'max', '')
{
	call($who, 'get_group', "'{id}'");
	call($who, 'get_group', "'$unknown'");
	call($who, 'get_group', "'ffffffff-ffff-ffff-ffff-ffffffffffff'");
	call($who, 'get_group', 'NULL');
	call($who, 'preview_invitation', "'{id}'");
	call($who, 'preview_invitation', "'{id}'", 2, q{'de'});
	call($who, 'preview_invitation', "'{id}'", 99);
	call($who, 'preview_invitation', "'{id}'", 2, q{'no language'});
	call($who, 'send_invitations', "'{id}'");
	call($who, 'resend_invitation', "'{id}'", 99);
	call($who, 'revoke_invitation', "'{id}'", 3);
	call($who, 'list_groups', 'NULL', 100_000);
}
call('zoe', 'create_group', jsonb(body(sendInvitations => JSON::PP::false)));
call('zoe', 'send_invitations', "'{id}'");
call('zoe', 'revoke_invitation', "'{id}'", 3);
call('zoe', 'revoke_invitation', "'{id}'", 3);
call('zoe', 'resend_invitation', "'{id}'", 3);
call('ann', 'invitation', "'{token}'");
call('ann', 'invitation_page', "'{token}'");
call('ann', 'accept_invitation', "'{token}'");
call('ann', 'accept_invitation', "'{token}'");
call('ann', 'decline_invitation', "'{token}'");
call('ann', 'claim_membership', "'{token}'");
call('max', 'claim_membership', "'{token}'");
call('ann', 'get_group', "'{id}'");
call('ann', 'archive_group', "'{id}'");
call('zoe', 'archive_group', "'{id}'");
call('zoe', 'add_members', jsonb({ groupId => '{id}', members => [ member('Dora') ] }));
call('zoe', 'resend_invitation', "'{id}'", 3);
call('zoe', 'invitation_page', "'{token}'", q{'accept'});
call('zoe', $_, q{'no token'}) for qw(invitation accept_invitation decline_invitation claim_membership invitation_page unsubscribe);
call('zoe', 'unsubscribe', "'{token}'");
call('max', 'delete_group', "'{id}'");
call('zoe', 'delete_group', "'{id}'");
call('zoe', 'get_group', "'{id}'");
call('zoe', 'invitation', "'{token}'");

# ---- what differs from call to call

sub plain
{
	my ($text) = @_;

	$text =~ s/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/ID/g;
	$text =~ s/20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*Z?/TIME/g;
	# In words, of a preview: "7. Dezember 2026, 13:07".
	$text =~ s/\d{1,2}\.? \S+ 20\d\d, \d\d:\d\d/TIME/g;
	# A token, and the words' lengths where one is counted: of a shard it has another length.
	$text =~ s/[A-Za-z0-9_-]{26,40}(?![A-Za-z0-9_-])/TOKEN/g;
	return $text =~ s/\[\d+\.\d+\]//gr;
}

sub token_of
{
	my ($node, $id) = @_;
	my ($shard) = grep { $_->safe_psql('postgres', "SELECT count(*) FROM group_api_private.groups WHERE id = '$id'") }
	  $node == $proxy ? @{ $all->{shards} } : $node;
	return $shard->safe_psql('postgres', <<~'SQL' =~ s/GROUP/$id/gr);
		CREATE EXTENSION IF NOT EXISTS pgcrypto;
		CREATE OR REPLACE FUNCTION pg_temp.varint(value bigint) RETURNS bytea LANGUAGE sql AS $$
			SELECT CASE WHEN value < 128 THEN set_byte('\x00', 0, value::int)
				ELSE set_byte('\x00', 0, (value & 127)::int | 128) || pg_temp.varint(value >> 7) END $$;
		SELECT rtrim(translate(encode(data || substr(hmac(data, secret, 'sha256'), 1, 16), 'base64'), '+/', '-_'), '=')
		FROM group_api_private.link_secret, (SELECT pg_temp.varint(number & ((1::bigint << 43) - 1)) || '\x0201'
			|| CASE WHEN number >> 43 > 0 THEN pg_temp.varint(number >> 43) ELSE '' END AS data
			FROM group_api_private.groups WHERE id = 'GROUP') AS t
		SQL
}

# As a gateway keeps them: one session for all calls.
my %session = map { ($_->name => begin_session($_->connstr('postgres'), on_error_stop => 0)) } $alone, $proxy;

# Everything a client sees: the answer, or SQLSTATE, message, DETAIL and HINT; over HTTP status and headers.
sub said
{
	my ($node, $call, $method, $known) = @_;
	my $sql = $call->{sql} =~ s/\{id\}/$known->{id}/gr =~ s/\{token\}/$known->{token}/gr;
	my $claims = $call->{who} ? to_json({ sub => $call->{who}, name => ucfirst $call->{who}, role => 'web' }) : '';
	my ($out, $error) = talk($session{ $node->name }, "\\set VERBOSITY verbose\nSET SESSION AUTHORIZATION authenticator;
		SET ROLE web; BEGIN; SET LOCAL request.jwt.claims = '$claims'; SET LOCAL request.method = '$method'; SET LOCAL request.headers = '{}';
		$sql; SELECT current_setting('response.status', true), current_setting('response.headers', true); COMMIT;");

	if ($sql =~ /create_group/ && $out =~ /"group":\{"id":"([0-9a-f-]+)"/ && $1 !~ /^0{8}-/)
	{
		$known->{id} = $1;
		$known->{token} = token_of($node, $1);
	}
	my @faults = grep { !/LOCATION:|CONTEXT:|NOTICE:|^\s*$|transaction is aborted|^SQL|^PL/ } split /\n/, $error =~ s/^psql:<stdin>:\d+: //gmr;
	return plain(join "\n", $out, @faults);
}

for my $method ('', 'POST', 'GET')
{
	my $how = $method ? "over HTTP, $method" : 'in SQL';
	my (%known, $differing);
	$known{$_} = { id => $unknown, token => 'x' } for qw(alone proxy);
	for my $call (@calls)
	{
		my ($direct, $through) = (said($alone, $call, $method, $known{alone}), said($proxy, $call, $method, $known{proxy}));
		next if $direct eq $through && $direct ne '';
		$differing++;
		diag("$how: $call->{who}: $call->{sql}\ndirect: $direct\nthrough: $through") if $differing <= 5;
	}
	is($differing // 0, 0, "$how " . @calls . ' calls answer alike, word for word');
}
end_session($_) for values %session;

# ---- lists: those of all shards in one

for my $node ($alone, $proxy)
{
	$node->safe_psql('postgres', as_caller('lea') . 'SELECT group_api.create_group(' . jsonb(body(name => "Group $_", idempotencyKey => "key $_")) . ')') for 10 .. 34;
}
for my $page ('', '10', '7, 7', '100', '3, 24', '10, 30', '0, -1')
{
	my $list = as_caller('lea') . "SELECT group_api.list_groups($page)";
	is(plain($proxy->safe_psql('postgres', $list)), plain($alone->safe_psql('postgres', $list)), "list_groups($page) is one list");
}
for my $uri ('/groups', '/groups?limit=4', '/groups?limit=4&offset=8&x=1', '/groups?limit=4&offset=8', '/groups/?offset=24')
{
	my $list = as_caller('lea', 'x-request-uri' => $uri, 'x-forwarded-host' => 'groups.example') . "SET request.method = 'GET'; SELECT group_api.list_groups()";
	is(plain($proxy->safe_psql('postgres', $list)), plain($alone->safe_psql('postgres', $list)), "so is $uri, with its links");
}

# ---- the file of pgTAP

SKIP:
{
	my $share = `\$PG_CONFIG --sharedir 2>/dev/null` || `pg_config --sharedir`;
	chomp $share;
	skip 'pgTAP not found', 3 unless -e "$share/extension/pgtap.control";
	# What a superuser sets in a session is for that server: those parts are left out.
	my $table = slurp_file(project_root() . '/test/sql/contract_a_rejects.sql');
	$table =~ s/^-- By a setting the local part.*?^SET LOCAL group_api.all_local_parts = off;$//ms or die;
	$table =~ s/^-- By tables that are older.*?^RESET group_api.phone_metadata_months;$//ms or die;
	$table =~ s/^SET group_api.phone_metadata_months = 1200;$//m or die;
	$table =~ s{^\\ir shared}{\\i test/sql/shared}mg;
	my $file = "$PostgreSQL::Test::Utils::tmp_check/table.sql";
	append_to_file($file, $table);
	my %tap;
	for my $node ($alone, $proxy)
	{
		$node->safe_psql('postgres', 'CREATE EXTENSION pgtap');
		local $ENV{PGOPTIONS} = '-c role=web';
		chdir project_root();
		my ($out, $error) = run_command([ 'psql', '-XqAt', '-d', $node->connstr('postgres'), '-f', $file ]);
		$tap{ $node->name } = $out . ($error =~ s/^psql:.*NOTICE.*$//mgr);
	}
	cmp_ok(scalar(() = $tap{alone} =~ /^ok /mg), '>', 300, 'contract_a_rejects.sql has its tests');
	is($tap{proxy}, $tap{alone}, 'and says the same through the proxy');
	is(join("\n", $tap{proxy} =~ /^(?:not ok.*|.*ERROR:.*)$/mg), '', 'all of it good');
}

done_testing();
