# The tutorial and the guides of docs/howto tell the truth: their statements run from
# first to last as they stand, each in a database that is as the page says, with what the
# reader fills in filled in and nothing else; what they promise is there afterwards.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use GroupApiTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', extension => 0);

# The statements of a page in the order in which they are read, "" for those of a shell.
sub blocks_of
{
	my ($page, $language) = @_;
	my $text = slurp_file(project_root() . "/docs/$page");
	my @blocks;

	while ($text =~ /^( *)```\Q$language\E\n(.*?)^ *```$/msg)
	{
		my ($indent, $block) = ($1, $2);
		$block =~ s/^$indent//mg;
		push @blocks, $block;
	}
	return @blocks;
}

# ---- follow(PAGE, database => NAME, before => SQL, fill => {WORD => TEXT}): what psql said
sub follow
{
	my ($page, %at) = @_;
	my $fill = $at{fill} || {};
	my $script = join("\n", blocks_of($page, 'sql'));
	my ($out, $error);

	$node->safe_psql('postgres', "CREATE DATABASE $at{database}");
	$node->safe_psql($at{database}, 'CREATE EXTENSION group_api; ' . ($at{before} || '')) unless $at{bare};
	$script =~ s/\b$_\b/$fill->{$_}/g for keys %$fill;
	my $promised = $script =~ /^-- (ERROR:.*)$/m ? $1 : undef;

	$node->psql($at{database}, $script, stdout => \$out, stderr => \$error, on_error_stop => 0);
	if (defined $promised)
	{
		ok($error =~ s/^.*\Q$promised\E.*\n?((DETAIL|HINT):.*\n?)*//m, "$page: \"$promised\"");
	}
	$error =~ s/^(psql:\S+ )?(NOTICE|DETAIL):.*\n?//mg;
	is($error, '', "$page: its statements run");
	return $out;
}

# ---- the tutorial

follow('tutorial.md', database => 'tutorial', bare => 1);
is($node->safe_psql('tutorial', "SELECT member_name, delivery, response FROM group_api.deliveries ORDER BY member"),
	"Stephen|delivered|accepted\nBarnaby|sent|pending", 'tutorial.md: it ends as it says');

# ---- the first real mail, as the person who has a relay

SKIP:
{
	my $relay = start_mail_server('groups', 'the password') or skip('aiosmtpd not found', 3);
	my $file = PostgreSQL::Test::Utils::tempdir() . '/relay.password';
	my $user = getpwuid($<);

	for my $command (blocks_of('howto/real-mail.md', 'sh'))
	{
		$command =~ s/\bFILE\b/$file/g;
		# The page is for a server that runs as postgres; this one runs as whoever tests.
		$command =~ s/-o postgres -g postgres // if $user ne 'postgres';
		is(system('sh', '-e', '-c', $command), 0, 'howto/real-mail.md: the password file is made');
	}
	my $said = follow('howto/real-mail.md', database => 'real_mail',
		fill => { RELAY => "127.0.0.1:$relay->{port}", SENDER => 'hello@example.com', YOU => 'me@example.org', FILE => $file },
		before => q{CREATE SERVER mail FOREIGN DATA WRAPPER group_api_capture
			OPTIONS (channel 'EMAIL', sender 'Groups <hello@example.com>')});
	like($said, qr/^outcome\|accepted$/m, 'howto/real-mail.md: the relay takes the mail');
	is(join(' ', map { @{ $_->{recipients} } } read_log($relay, 'message')), 'me@example.org', 'and has it');
	$node->safe_psql('postgres', 'ALTER SYSTEM RESET group_api.invitation_url');
	$node->reload;
}

# ---- a copy of production, as the user of the server

# The lines of a shell, where psql and its like find this server.
my $typed_in = PostgreSQL::Test::Utils::tempdir();

sub type_in
{
	my ($page, $nth) = @_;
	my @blocks = blocks_of($page, 'sh');
	local @ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);

	open(my $file, '>', "$typed_in/block.sh") or die $!;
	print $file $blocks[$nth];
	close $file;
	my $said = qx(cd '$typed_in' && sh -e block.sh 2>&1);
	is($?, 0, "$page: the commands of block " . ($nth + 1) . ' end well') or diag($said);
	unlike($said, qr/ERROR|error:/, "$page: without an error");
	return $said;
}

sub query { return $node->safe_psql($_[0], $_[1]); }

query('postgres', 'CREATE DATABASE app');
query('app', q{CREATE EXTENSION group_api;
	CREATE SERVER relay FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL', sender 'Groups <hello@example.com>');
	CREATE SERVER sms FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE', sender '+15005550006')});
my $invite = q{SELECT group_api.create_group('{"productId": "00000000-0000-0000-0000-000000000000", "name": "Choir", "description": "x",
	"image": "https://example.com/x.png", "message": "x", "members": [{"nickName": "Ann", "contact": {"type": "EMAIL", "value": "%s@example.com"}}]}')};
query('app', sprintf $invite, 'ann');
query('app', q{SELECT group_api.wait_until_idle('5 min')});
my $token = query('app', q{SELECT substring(link FROM 'token=([\w.~-]+)') FROM group_api.captured});
query('app', q{SELECT group_api.pause('relay')});
query('app', sprintf $invite, 'bob');

type_in('howto/staging.md', 0);
my ($copy) = blocks_of('howto/staging.md', 'sql');
query('staging', $_) for $copy =~ /[^;]+;/g;
isnt(($node->psql('staging', "SELECT group_api.invitation('$token')"))[0], 0, 'howto/staging.md: no link of production answers in it');
is(query('staging', q{SELECT count(*) FROM group_api.deliveries WHERE delivery = 'queued'}), 1, 'and nothing is sent until then');
query('staging', "$_") for ((blocks_of('howto/staging.md', 'sql'))[1]) =~ /[^;]+;/g;
is(query('staging', 'SELECT string_agg(recipient, $$,$$) FROM group_api.captured'), 'bob@example.com', 'then what waited is captured');

type_in('howto/backup.md', 0);
is(sprintf('%03o', (stat "$typed_in/$_")[2] & 0777), '600', "howto/backup.md: only its owner reads $_") for 'app.links', 'app.dump';
query('postgres', 'ALTER DATABASE app SET group_api.dispatch = off');
like(type_in('howto/backup.md', 1), qr/NOTICE: .*1 e-mails? /s, 'howto/backup.md: it is told what would be sent');
is(($node->psql('app_restored', "SELECT group_api.invitation('$token')"))[0], 0, 'links go on where the key is');
query('app_restored', q{SELECT group_api.resume('relay')});
query('app_restored', q{SELECT group_api.wait_until_idle('5 min')});
is(query('app_restored', q{SELECT string_agg(recipient, ',') FROM group_api.captured}), 'bob@example.com', 'and what waited is sent');
follow('howto/upgrade.md', database => 'upgrade');

# ---- the others

# Nobody is asked: no mail leaves for Amazon or Twilio where nothing may be sent.
$node->safe_psql('postgres', 'CREATE ROLE anon; CREATE ROLE authenticated; CREATE ROLE authenticator LOGIN NOINHERIT');
follow("howto/hosted.md", database => 'hosted');
follow("howto/tenants.md", database => 'tenants');
follow("howto/trouble.md", database => 'trouble');
follow("howto/uninstall.md", database => 'uninstall');
is($node->safe_psql('uninstall', "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'group_api%'"), 0,
	'howto/uninstall.md: nothing is left');

$node->stop;
done_testing();
