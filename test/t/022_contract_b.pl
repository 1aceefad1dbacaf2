# Contract B's invitations all the way: what is sent, which link counts, and the
# settings that change what callers see.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use Test::More;

my $node = new_node('main', conf => "
group_api.invitation_url = 'https://example.com/i/'
group_api.resend_cooldown = 0");

$node->safe_psql('postgres', q{
	CREATE SERVER mail FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL', sender 'a@example.com');
	CREATE SERVER sms FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE');
	SELECT group_api.put_user('ann', 'ann', 'Ann'), group_api.put_user('bob', 'bob', 'Bob', email => 'bob@example.com'),
		group_api.put_user('cid', 'cid', 'Cid', mobile => '+27821234567', locale => 'de')});

my %id = map { split /\|/ } split /\n/, $node->safe_psql('postgres', 'SELECT subject, id FROM group_api_private.users');

# The answer to a call of group_api_v2 as a user, over HTTP if headers are given.
sub as_user
{
	my ($who, $call, $http) = @_;
	my $claims = $who ? to_json({ sub => $who }) : '';
	my $setup = "SET request.jwt.claims = '$claims';" . ($http ? "SET request.method = 'GET';" : '');
	return $node->safe_psql('postgres', "$setup SELECT group_api_v2.$call");
}

sub status_of { my ($who, $group) = @_; return from_json(as_user($who, "get_status($group)"))->{status}; }

# The token in the last message captured for a contact, once COUNT came.
sub token_of
{
	my ($contact, $count) = @_;
	my $where = "FROM group_api.captured WHERE recipient = '$contact'";

	poll_until(sub { $node->safe_psql('postgres', "SELECT count(*) $where") == $count }, "message $count to $contact");
	my $message = $node->safe_psql('postgres', "SELECT message $where ORDER BY id DESC LIMIT 1");
	$message =~ s/=\r?\n//g;
	my ($token) = $message =~ m{https://example\.com/i/([\w-]+)};
	return $token;
}

my $group = from_json(as_user('ann', q{create_group('{"name": "Chess", "privacy": "private"}')}))->{id};

as_user('ann', "invite_users($group, '{$id{bob},$id{cid}}')");
my $first = token_of('bob@example.com', 1);
my $sms = token_of('+27821234567', 1);
like($node->safe_psql('postgres', q{SELECT message FROM group_api.captured WHERE channel = 'MOBILE'}), qr/dich in die Gruppe/,
	'a message speaks the language the directory knows');
is($node->safe_psql('postgres', "SELECT group_api.accept_invitation('$sms') #>> '{invitation,status}'"), 'accepted',
	'a link is accepted');
is(status_of('cid', $group), 'subscribed', 'and its user is subscribed');

as_user('ann', "withdraw_invitations($group, '{$id{bob}}')");
my ($code, $out, $error) = $node->psql('postgres', "SELECT group_api.accept_invitation('$first')");
isnt($code, 0, 'a withdrawn link cannot be accepted');
is(status_of('bob', $group), undef, 'nobody is invited by it');
as_user('ann', "invite_users($group, '{$id{bob}}')");
my $second = token_of('bob@example.com', 2);
isnt($second, $first, 'who is invited again gets a new link');
($code) = $node->psql('postgres', "SELECT group_api.accept_invitation('$first')");
isnt($code, 0, 'the old one stays dead');
is($node->safe_psql('postgres', "SELECT group_api.accept_invitation('$second') #>> '{invitation,status}'"), 'accepted',
	'the new one counts');
is(status_of('bob', $group), 'subscribed', 'as subscribing does');

as_user('bob', "unsubscribe($group)");
as_user('ann', "invite_users($group, '{$id{bob}}')");
my $third = token_of('bob@example.com', 3);
($code) = $node->psql('postgres', "SELECT group_api.accept_invitation('$second')");
isnt($code, 0, 'who left and is invited anew cannot use an old link');
as_user('bob', "subscribe($group)");
is($node->safe_psql('postgres', "SELECT group_api.invitation('$third') #>> '{invitation,status}'"), 'accepted',
	'subscribing answers the invitation');

# ---- settings

sub images { my ($answer) = @_; return join ' ', map { $answer->{"image_$_"} } qw(bigger big medium small); }

my $picture = 'https://example.com/a.png?b=c';
as_user('ann', qq{patch_group($group, '{"image_original": "$picture"}')});
is(images(from_json(as_user('ann', "get_group($group)"))), join(' ', ($picture) x 4),
	'without a template every size is the picture itself');
$node->append_conf('postgresql.conf', "group_api.image_url_template = 'https://img.example/{size}x{size}/{url}'
group_api.content_availability = off");
$node->reload;
poll_until(sub { images(from_json(as_user('ann', "get_group($group)"))) eq
	join ' ', map { "https://img.example/${_}x$_/https%3A%2F%2Fexample.com%2Fa.png%3Fb%3Dc" } 1200, 1000, 600, 300 },
	'with a template each has its own address');
for my $call ("get_group($group)", 'search_groups()', "list_members($group)", "user_groups($id{ann})")
{
	is(from_json(as_user('', $call, 1))->{errors}[0]{code}, 'not_authenticated',
		"without content_availability nobody in particular may call $call");
	isnt(as_user('ann', $call, 1), '', 'a user may');
}
for my $bad ("'https://img.example/'", "'ftp://x/{url}'", "'https://x/ {url}'")
{
	my ($failed) = $node->psql('postgres', "ALTER SYSTEM SET group_api.image_url_template = $bad");
	isnt($failed, 0, "no template: $bad");
}

done_testing();
