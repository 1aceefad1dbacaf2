# Who a caller is where a setting or another cluster has a say: accepted issuers of
# tokens, gateways, and roles after a dump and a restore.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $A = 'https://a.example';
my $B = 'https://b.example';
my $node = new_node('main');
my $made = 0;

# What a token makes or sees, or the code it is refused with.
sub as_token
{
	my ($claims, $call) = @_;
	my ($status, $out, $err) = $node->psql('postgres', "SET request.method = 'POST'; SET request.jwt.claims = '" . to_json($claims) . "'; SELECT $call");
	my $answer = $out =~ /^\{/ ? from_json($out) : {};

	return $answer->{error}{code} || ($answer->{group} ? $answer->{group}{id} : $answer->{id}) || $answer->{errors}[0]{code};
}

sub make { my (%claims) = @_; $made++; return as_token(\%claims, qq{group_api_v2.create_group('{"name": "Group $made", "visible": false}')}); }
sub sees { my ($id, %claims) = @_; return as_token(\%claims, "group_api_v2.get_group($id)") eq $id; }

sub set_issuers
{
	my ($value) = @_;

	$node->safe_psql('postgres', "ALTER SYSTEM SET group_api.token_issuers = '$value'");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('group_api.token_issuers') = '$value'") or die 'no reload';
	return;
}

my $first = make(sub => '1', iss => $A);
my $other = make(sub => '2', iss => $B);
set_issuers("$A, $B");
my $entered = $node->safe_psql('postgres', "SELECT group_api.put_user('7')");
is(make(sub => '1'), 'not_authenticated', 'with issuers set a token of none is nobody');
is(make(sub => '1', iss => 'https://c.example'), 'not_authenticated', 'so is one of another');
is(make(sub => '1', iss => substr $A, 0, -1), 'not_authenticated', 'and one whose name begins like it');
ok(sees($first, sub => '1', iss => $A), 'who was there before is the same user');
ok(sees($other, sub => '2', iss => $B), 'of the second issuer, too');
ok(!sees($other, sub => '2', iss => $A), 'whom the first one does not come by');
my $second = make(sub => '7', iss => $B);
isnt($node->safe_psql('postgres', "SELECT created_by FROM group_api_private.groups WHERE number = $second"), $entered,
	'who was entered by put_user() does not belong to the second issuer');
my $own = make(sub => '7', iss => $A);
is($node->safe_psql('postgres', "SELECT created_by FROM group_api_private.groups WHERE number = $own"), $entered, 'but to the first one');
is($node->safe_psql('postgres', "SELECT group_api.put_user('iss:$B#7')"),
	$node->safe_psql('postgres', "SELECT created_by FROM group_api_private.groups WHERE number = $second"), 'each can be named to put_user()');
set_issuers('https://moved.example');
ok(sees($first, sub => '1', iss => 'https://moved.example'), 'an issuer that has moved keeps its users');
my ($status) = $node->psql('postgres', "ALTER SYSTEM SET group_api.token_issuers = 'https://a.example#x'");
isnt($status, 0, 'an issuer with a fragment is refused');

# ---- roles after a dump and a restore ----

my $create = q{SELECT group_api_v2.create_group('{"name": "Hers", "visible": false}') ->> 'id'};
sub call { my ($server, $role, $sql) = @_; my (undef, $out, $err) = $server->psql('postgres', $sql, extra_params => [ '-U', $role ]); return $out || $err; }

$node->safe_psql('postgres', "CREATE ROLE gone LOGIN; CREATE ROLE hers LOGIN; SELECT group_api.grant_access('hers', 'caller')");
my $number = call($node, 'hers', $create);
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'dumped');
my $restored = new_node('restored', extension => 0);
# Oids that other roles have there.
$restored->safe_psql('postgres', join '', map { "CREATE ROLE other$_ LOGIN;" } 1 .. 3);
$restored->safe_psql('postgres', 'CREATE ROLE hers LOGIN; CREATE ROLE gone; DROP EXTENSION IF EXISTS group_api CASCADE');
$restored->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $restored->connstr('postgres') ], 'restored in another cluster');
like(call($restored, 'hers', "SELECT group_api_v2.get_group($number)"), qr/"Hers"/, 'there a role is known by its name');
$restored->safe_psql('postgres', 'SELECT group_api.adopt()');
$restored->safe_psql('postgres', "ALTER ROLE hers RENAME TO lady; CREATE ROLE hers LOGIN; SELECT group_api.grant_access('hers', 'caller')");
like(call($restored, 'lady', "SELECT group_api_v2.get_group($number)"), qr/"Hers"/, 'from adopt() on by its oid');
like(call($restored, 'hers', "SELECT group_api_v2.get_group($number)"), qr/there is no such group/, 'which its name is nothing to');

# ---- gateways that the list does not name, or names in capitals ----

# Whose group it is that this login makes for a token of ann; else the error.
sub made_by
{
	my ($login) = @_;
	my $ann = q{SET ROLE web; SET request.jwt.claims = '{"sub": "ann", "iss": "https://moved.example"}';};
	my $create = sprintf q{SELECT group_api_v2.create_group('{"name": "Group %d", "visible": false}') ->> 'id'}, ++$made;
	my (undef, $out, $error) = $node->psql('postgres', "$ann $create",
		extra_params => [ '-U', $login ]);

	return $error if $out eq '';
	return $node->safe_psql('postgres', "SELECT u.subject FROM group_api_private.groups g JOIN group_api_private.users u ON u.id = g.created_by WHERE g.number = $out");
}

$node->safe_psql('postgres', q{
	CREATE ROLE web; CREATE ROLE authenticator LOGIN NOINHERIT; CREATE ROLE "PostgREST" LOGIN NOINHERIT;
	GRANT web TO authenticator, "PostgREST";
	SELECT group_api.grant_access('web', 'caller'), group_api.grant_access('authenticator', 'gateway'), group_api.grant_access('"PostgREST"', 'gateway')});
is(made_by('authenticator'), 'ann', 'a gateway speaks for its users');
$node->safe_psql('postgres', 'ALTER ROLE authenticator RENAME TO gw');
my $refused = made_by('gw');
like($refused, qr/ERROR:  the gateway of this session is not named in group_api\.trusted_roles$/m, 'renamed, it is refused instead of being one user for all');
like($refused, qr/^DETAIL:  Role "gw" was made a gateway/m, 'which says which role it is');
my (undef, undef, $over_http) = $node->psql('postgres', q{SET ROLE web; SET request.method = 'POST'; SELECT group_api_v2.list_groups()}, extra_params => [ '-U', 'gw' ]);
like($over_http, qr/^HINT:  SELECT \* FROM group_api\.health\(\); has the command\./m, 'over HTTP it is told where to look');
unlike($over_http, qr/gw|authenticator|DETAIL/, 'and no name of a role');
like(made_by('PostgREST'), qr/^HINT:  ALTER SYSTEM SET group_api\.trusted_roles = 'authenticator, "PostgREST"'; SELECT pg_reload_conf\(\);/m, 'and what helps');
for my $list ('authenticator, gw, PostgREST', 'gw,"PostgREST"')
{
	$node->safe_psql('postgres', "ALTER SYSTEM SET group_api.trusted_roles = '$list'");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('group_api.trusted_roles') = '$list'") or die 'no reload';
	is(made_by($_), 'ann', "$_ is believed, named in $list") for 'gw', 'PostgREST';
}

done_testing();
