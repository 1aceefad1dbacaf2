# The pages in Chromium: legible on a telephone and on a desk, by day and by
# night, to the end of a very long word, and answered by a click without script.
use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Gateway;
use Pages;
use PostgreSQL::Test::Utils;
use Test::More;

my ($chromium) = grep { -x } map { ("$_/chromium", "$_/chromium-browser", "$_/google-chrome") } split /:/, $ENV{PATH};
my $modules = node_modules();

plan skip_all => 'npm packages pg and puppeteer-core not found'
  unless $modules && -e "$modules/puppeteer-core";
plan skip_all => 'npm package axe-core not found' unless -e "$modules/axe-core";
plan skip_all => 'Chromium not found' unless $chromium;

my $PAGE = '/rpc/invitation_page';
my $node = new_api_node('main', conf => pages_conf() . "group_api.answered_url = 'https://app.example/welcome?group={group}&response={response}#{token}'\n");
my $gateway = double_of($node);
my $screenshots = $ENV{GROUP_API_SCREENSHOTS} // "$PostgreSQL::Test::Utils::tmp_check/screenshots";
my $of = make_states($node, { message => 'We have four seats left for the concert, row seven. Would you like to come with us?' });
my $long = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft';
my $others = tokens_of($node, { name => $long, message => "$long\n" . 'x' x 300, description => "A long story.\n\n" . "Word after word. " x 60 },
	'Wolfeschlegelsteinhausenbergerdorff', 'שרה', 'click yes', 'click no');
my $plain = tokens_of($node, { image => 'https://bücher.example/none', name => 'حفلة الموسيقى', message => 'تعال معنا إلى الحفلة', description => 'פסנתר' }, 'سارة');
my $stop = unsubscribe_token($node, 'ann@example.com');
my $stopped = unsubscribe_token($node, 'bob@example.com');

sub url
{
	my ($path, @arguments) = @_;
	return "$gateway->{url}$path?" . form_encoded(@arguments);
}

# Where the app goes on.
sub onward
{
	my ($response, $name) = @_;
	return "https://app.example/welcome?group=$others->{group}&response=$response#$others->{$name}";
}

$node->safe_psql('postgres', "SELECT group_api.unsubscribe('$stopped')");
my @pages = map { { name => $_, url => url($PAGE, token => $of->{$_}) } }
  qw(pending accepted declined revoked expired archived unknown);
push @pages, { name => 'long-names', url => url($PAGE, token => $others->{'Wolfeschlegelsteinhausenbergerdorff'}) },
  { name => 'right-to-left', url => url($PAGE, token => $plain->{'سارة'}) },
  { name => 'unsubscribe', url => url('/rpc/unsubscribe', token => $stop) };
for my $language (qw(es fr de pt))
{
	my $of_language = tokens_of($node, {}, 'Ann');
	$node->safe_psql('postgres', "UPDATE group_api_private.invitations SET locale = '$language' WHERE group_id = '$of_language->{group}'");
	push @pages, { name => "pending-$language", url => url($PAGE, token => $of_language->{Ann}) };
}
# The mails as well: what a program for mail makes of them begins with what a browser does.
for my $mail ([ 'mail', 'en', 'Barnaby', { message => 'We have four seats left for the concert. Would you like to come with us?' } ],
	[ 'mail-de', 'de', 'Bärbel', {} ], [ 'mail-long-names', 'en', 'Wolfeschlegelsteinhausenbergerdorff', { name => $long, message => 'x' x 300 } ],
	[ 'mail-right-to-left', 'en', 'سارة', { name => 'حفلة الموسيقى', message => 'تعال معنا إلى الحفلة' } ])
{
	my ($name, $language, $member, $words) = @$mail;
	my $path = PostgreSQL::Test::Utils::tempdir() . "/$name.html";
	my $body = JSON::PP->new->encode({ productId => '1f2504e0-4f89-41d3-9a0c-0305e82c3377', name => 'Friends', description => 'A group of friends',
		message => 'Join us', image => 'https://pictures.example/a.png', sendInvitations => JSON::PP::false, %$words,
		members => [ { nickName => $member, contact => { type => 'EMAIL', value => "$name\@example.com" } } ] });

	append_to_file($path, $node->safe_psql('postgres', 'SELECT group_api.create_group(' . Pages::sql_text($body) . ") #>> '{group,id}' AS id \\gset\n"
		. "SELECT group_api.preview_invitation(:'id', 2, '$language') #>> '{preview,messages,0,html}'"));
	push @pages, { name => $name, url => "file://$path", isMail => JSON::PP::true };
}
# What who watches sees, with something to do and something sent.
$node->safe_psql('postgres', q{SELECT group_api.grant_access('anon', 'monitor')});
$node->safe_psql('postgres', q{SELECT group_api.wait_until_idle(); SELECT group_api.pause('sms', 'the relay <moves>')});
push @pages, { name => 'status', url => "$gateway->{url}/rpc/status_page" };
my @forms = (
	{ name => 'accept', url => url($PAGE, token => $others->{'click yes'}), button => 'button[value=accept]',
		buttons => [qw(Accept Decline)], expected => 'You have joined', onward => onward('accepted', 'click yes') },
	{ name => 'decline', url => url($PAGE, token => $others->{'click no'}), button => 'button[value=decline]',
		buttons => [qw(Accept Decline)], expected => 'You have declined', onward => onward('declined', 'click no') },
	{ name => 'unsubscribe', url => url('/rpc/unsubscribe', token => $stop), button => 'button',
		buttons => ['Stop all messages'], expected => 'No more messages' });

my $plan = PostgreSQL::Test::Utils::tempdir() . '/plan.json';
open(my $file, '>', $plan) or die "$plan: $!";
print $file to_json({ pages => \@pages, forms => \@forms });
close $file;

# Without user namespaces Chromium's own sandbox cannot be had.
my $can_sandbox = system('unshare --user true 2>/dev/null') == 0;
local $ENV{CHROMIUM_FLAGS} = $can_sandbox ? '' : '--no-sandbox';
local $ENV{NODE_PATH} = $modules;
local $ENV{HOME} = PostgreSQL::Test::Utils::tempdir();
my $errors = "$PostgreSQL::Test::Utils::log_path/chromium.log";
my $script = project_root() . '/test/http/browser.js';
my @lines = qx(node '$script' '$chromium' '$plan' '$screenshots' 2>'$errors');

is($?, 0, 'Chromium looked at everything') or diag(slurp_file($errors));
for (map { from_json($_) } @lines)
{
	is(join("\n", @{ $_->{faults} }), '', $_->{what});
}
is(scalar @lines, @pages * 6 + @forms, 'every page was looked at');
for ([ 'click yes' => 'accepted' ], [ 'click no' => 'declined' ])
{
	my ($name, $status) = @$_;
	is(from_json($node->safe_psql('postgres', "SELECT group_api.invitation('$others->{$name}')"))->{invitation}{status},
		$status, "the click $status the invitation");
}
note("the screenshots: $screenshots");
done_testing();
