# The calls a gateway makes of contract B's requests, as docs/contract-b.md lists
# them: which function each finds, and what it answers.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use Gateway;
use GroupApiTest;
use Test::More;

my $node = new_api_node('main');
my %id = map { split /\|/ } split /\n/, $node->safe_psql('postgres',
	q{SELECT name, group_api.put_user(name, name) FROM unnest('{ann,bob,cid}'::text[]) AS name});
my $number = 0;

# A call as USER, with the headers the HTTP server in front sets.
sub call
{
	my ($gateway, $user, $method, $function, %options) = @_;
	my %headers = (
		Accept => 'application/json', 'Accept-Profile' => 'group_api_v2', 'Content-Profile' => 'group_api_v2',
		'X-Forwarded-Host' => 'app.example', 'X-Forwarded-Proto' => 'https', %{ $options{headers} // {} },
		$user ? Gateway::bearer(sub => $user, role => 'web') : ());

	$headers{'Content-Type'} = 'application/json' if $method eq 'POST';
	my $body = $options{body};
	return $gateway->ask($method, "/rpc/$function", headers => \%headers,
		content => ref $body ? to_json($body) : $body // '');
}

for my $gateway (gateways($node))
{
	my $name = $gateway->{name};
	my $answer = call($gateway, 'ann', 'POST', 'create_group', body => { name => 'Group ' . ++$number, privacy => 'private' });
	is($answer->{status}, 201, "$name: a group is created") or diag($answer->{content});
	my $group = from_json($answer->{content})->{id};
	my %in = ('X-Group-Id' => $group);
	my $path = "/api/v2/group/$group";

	for (
		[ ann => POST => invite_users => 204, body => { users => [ $id{bob} ] }, headers => {%in} ],
		[ ann => GET => "list_invited_users?id=$group" => 200, has => 'bob' ],
		[ bob => GET => 'list_invitations' => 200, has => "\"id\":$group," ],
		[ ann => POST => withdraw_invitations => 204, body => { users => [ $id{bob} ] }, headers => {%in} ],
		[ bob => POST => subscribe => 204, headers => {%in} ],
		[ bob => GET => "get_status?id=$group" => 200, has => '"requested"' ],
		[ ann => GET => "list_requests?id=$group" => 200, has => 'bob' ],
		[ bob => POST => unsubscribe => 204, headers => {%in} ],
		[ bob => POST => subscribe => 204, body => '{}', headers => {%in} ],
		[ ann => POST => subscribe => 204, body => { users => [ $id{bob}, $id{cid} ] }, headers => {%in} ],
		[ bob => GET => "list_members?id=$group" => 200, has => 'cid' ],
		[ bob => GET => "list_members?id=$group" => 200, headers => { 'X-Request-Uri' => "$path/subscribe/?limit=1&offset=1" },
			has => qq{"next":"https://app.example$path/subscribe/?limit=1&offset=2"} ],
		[ cid => GET => "get_group?id=$group" => 200, has => '"subscribers_counter":3' ],
		[ ann => POST => unsubscribe => 204, headers => { %in, 'X-Request-Uri' => "$path/subscribe/?user=$id{cid}" } ],
		[ cid => GET => "get_status?id=$group" => 200, has => 'null' ],
		[ ann => GET => "suggest_users?id=$group" => 200, has => 'cid' ],
		[ bob => GET => 'suggest_users' => 200, headers => { 'X-Request-Uri' => '/api/v2/group/user/?search=like' },
			has => '"count":0' ],
		[ bob => GET => 'list_invitations' => 200, has => '"count":0' ],
		[ bob => GET => 'list_groups' => 200, has => "\"id\":$group," ],
		[ bob => GET => "user_groups?user_id=$id{ann}" => 200, has => "\"id\":$group," ],
		[ '' => GET => 'search_groups' => 200, headers => { 'X-Request-Uri' => "/api/v2/group/search/?search=GROUP+$number" },
			has => '"count":1,' ],
		[ '' => GET => "get_group?id=$group" => 200, has => '"subscription_status":null' ],
		[ '' => POST => subscribe => 401, headers => {%in} ],
		[ bob => POST => patch_group => 403, body => { color => 'red' }, headers => {%in}, has => 'permission_denied' ],
		[ ann => POST => patch_group => 200, body => { color => 'red' }, headers => {%in}, has => '"color":"red"' ],
		[ ann => POST => patch_group => 200, body => {}, headers => {%in}, has => '"color":"red"' ],
		[ ann => POST => put_group => 400, body => {}, headers => {%in}, has => '"field":"name"' ],
		[ ann => POST => put_group => 200, body => { name => "Group $number", visible => 'false' }, headers => {%in},
			has => '"visible":false' ],
		[ '' => GET => "get_group?id=$group" => 404, has => 'not_found' ],
		[ bob => POST => delete_group => 403, headers => {%in} ],
		[ ann => POST => delete_group => 204, headers => {%in} ],
		[ ann => GET => "get_group?id=$group" => 404, has => 'not_found' ])
	{
		my ($user, $method, $function, $status, %options) = @$_;
		my $got = call($gateway, $user, $method, $function, %options);
		my $what = join ' ', "$name:", $user || 'nobody', $function, $options{body} ? 'with a body' : ();

		is($got->{status}, $status, "$what is $status") or diag($got->{content});
		like($got->{content}, qr/\Q$options{has}/, "$what says so") if $options{has};
	}
}

done_testing();
