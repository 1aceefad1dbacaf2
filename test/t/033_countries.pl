# The countries in which a mobile contact may be: group_api.mobile_countries.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', conf => "group_api.resend_cooldown = 0");
my %numbers = (ZA => '+27821234567', GB => '+447400123456', US => '+12125550123', CA => '+14165550123',
	'a satellite' => '+881612345678');

sub sql { return $node->safe_psql('postgres', $_[0]); }

sub allow
{
	my ($countries) = @_;
	sql("ALTER SYSTEM SET group_api.mobile_countries = '$countries'");
	$node->reload;
	poll_until(sub { sql('SHOW group_api.mobile_countries') eq $countries }, "only '$countries'") or die;
	return;
}

# Whether a number may be invited: "yes", or what the fault says.
sub may
{
	my ($number) = @_;
	my ($status, $out, $error) = $node->psql('postgres', 'SELECT group_api.create_group(' . group_body($number) . ')');
	return $status == 0 ? 'yes' : $error =~ /"code":"country_not_allowed"/ ? 'no' : $error;
}

sub over_http
{
	my ($call) = @_;
	return sql(qq(SET request.method = 'POST'; SET request.jwt.claims = '{"sub": "zoe", "name": "Zoe"}';
		SELECT a || ' ' || current_setting('response.status') FROM (SELECT $call AS a OFFSET 0) AS c));
}

is(join(' ', map { may($numbers{$_}) } sort keys %numbers), 'yes yes yes yes yes', 'every country, as it is by default');
my $group = group_of_number($numbers{GB});

for (
	[ 'ZA', 'ZA' ], [ '+27', 'ZA' ], [ 'za, gb', 'GB ZA' ], [ 'US', 'US' ], [ 'CA', 'CA' ], [ '+1', 'CA US' ],
	[ '+881 ZA', 'ZA a satellite' ])
{
	my ($countries, $expected) = @$_;
	allow($countries);
	is(join(' ', grep { may($numbers{$_}) eq 'yes' } sort keys %numbers), $expected, "allows $countries");
	is(join(' ', grep { may($numbers{$_}) !~ /^(yes|no)$/ } sort keys %numbers), '', 'and refuses the others in its own words');
}

for my $wrong ('UK', 'XX', 'South Africa', '27', '+', '+0', '+027', '+88', '+12345', 'ZA;GB')
{
	my ($status, $out, $error) = $node->psql('postgres', "ALTER SYSTEM SET group_api.mobile_countries = '$wrong'");
	like($error, qr/DETAIL:.*is no country\.\nHINT:.*ISO 3166/s, "'$wrong' is refused");
}

# ---- in each dialect, without the number

allow('ZA');
my ($status, $out, $error) = $node->psql('postgres', 'SELECT group_api.create_group(' . group_body($numbers{GB}) . ')', extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($error, qr/ERROR:  22023: members\[0\]\.contact\.value is a number of a country that gets no invitations here/, 'in SQL');
like($error, qr/HINT:.*group_api\.mobile_countries/, 'with a hint');
unlike($error =~ s/^.*?STATEMENT.*//smr =~ s/LINE \d.*//smr, qr/\Q$numbers{GB}\E(?!.*LINE)/, 'that does not repeat the number');
my $answer = over_http('group_api.create_group(' . group_body($numbers{GB}) . ')::text');
like($answer, qr/"code":1109,"name":"country_not_allowed".* 400$/, 'over HTTP');
unlike($answer, qr/\Q$numbers{GB}\E/, 'without the number, too');
like(over_http('group_api.create_group(' . group_body(mail_address(1)) . ')::text'), qr/ 201$/, 'mail goes everywhere');

# ---- what was sent before, and users

($status, $out, $error) = $node->psql('postgres', "SELECT group_api.resend_invitation('$group', 2)");
like($error, qr/the member's contact is a number of a country/, 'nothing is resent to one that was sent before');
my %user = map { $_ => sql("SELECT group_api.put_user('user $_', real_name => '$_', mobile => '$numbers{$_}')") } qw(ZA GB);
like(over_http("group_api_v2.create_group('{\"name\": \"Chess\", \"invite_users\": [$user{ZA}, $user{GB}]}')::text"), qr/ 201$/,
	'a user whose number is elsewhere is no fault of the caller');
is(sql("SELECT string_agg(member_name || ' ' || coalesce(contact, 'in the app alone'), ', ' ORDER BY member_name) FROM group_api.deliveries WHERE \"group\" = 'Chess'"),
	"GB in the app alone, ZA $numbers{ZA}", 'and is invited in the app alone');
is(sql("SELECT group_api.suppress('$numbers{GB}')"), 't', 'operators may name every number');

$node->stop;
done_testing();

sub group_of_number
{
	my ($number) = @_;
	return sql("SELECT group_id FROM group_api_private.invitations WHERE contact = '$number' ORDER BY group_id LIMIT 1");
}
