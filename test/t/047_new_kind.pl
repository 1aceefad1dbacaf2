# What CONTRIBUTING.md promises whoever adds a kind of provider: one row in the C
# table and one in the list of the SQL script, and it can be created, granted and
# sent through.  Done to a copy of the sources, in an installation of its own.
use strict;
use warnings;

use File::Path qw(make_path);
use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

my $scratch = PostgreSQL::Test::Utils::tempdir();
my $copy = "$scratch/src";
my $installed = "$scratch/installed";

my $ROW = <<'END';
	{
		.kind = "example_sms",
		.takes = "sms request sender base_url username",
		.method = "POST",
		.url = "https://api.example.com/messages",
		.body = "json",
		.fields = "{\"to\":\"{to}\",\"from\":\"{sender}\","
				  "\"text\":\"{text}\",\"reference\":\"{key}\"}",
		.headers = ACCEPTS_JSON,
		.auth = GA_AUTH_BASIC,
		.idempotency = "",
		.success = "201",
		.id_path = "message.id",
		.code_path = "error.code",
		.text_path = "error.text",
	},
END
my $VALUES = "        ('example_sms', 'MOBILE', 'SMS through an example'),\n";

# insert FILE, TEXT, PATTERN: before the line that matches
sub insert
{
	my ($file, $text, $pattern) = @_;
	my $content = slurp_file("$copy/$file");

	$content =~ s/^(?=$pattern)/$text/m or die "$file has no place for a row";
	open(my $out, '>', "$copy/$file") or die "$file: $!";
	print $out $content;
	close $out;
	return;
}

# The server finds its own files relative to itself, so a copy of its programs,
# with links to its libraries, is another installation.
sub install_copy
{
	my %path = map { chomp(my $path = qx($ENV{PG_CONFIG} --$_)); ($_ => $path) } qw(bindir pkglibdir sharedir);

	make_path("$installed/$path{$_}") for keys %path;
	system_or_bail('cp', '-aL', "$path{bindir}/.", "$installed/$path{bindir}");
	system_or_bail('cp', '-a', "$path{sharedir}/.", "$installed/$path{sharedir}");
	for my $file (glob "$path{pkglibdir}/*")
	{
		symlink $file, "$installed/$file" unless $file =~ m{/group_api[^/]*$};
	}
	system_or_bail('make', '-s', '-C', $copy, "PG_CONFIG=$ENV{PG_CONFIG}", "DESTDIR=$installed", 'install');
	return $installed . ($path{bindir} =~ s{/bin$}{}r);
}

$ENV{PG_CONFIG} ||= 'pg_config';
system_or_bail('cp', '-a', project_root(), $copy);
insert('src/base/shared/provider_table.c', $ROW, '\t/\* whatever the operator describes \*/\n');
insert('sql/group_api.sql', $VALUES, q[        \('sns', ]);
# Only what depends on these two is built again.
system_or_bail('make', '-s', '-C', $copy, "PG_CONFIG=$ENV{PG_CONFIG}");

my $node = new_node('main', install_path => install_copy(), conf => "log_statement = 'none'");
my $gateway = start_script_server(http => { rules => [ { replies => [
	{ status => 201, body => { message => { id => 'M1' } } } ] } ] });
my $contact = '+27701231234';

is($node->safe_psql('postgres', q{SELECT obj_description(oid, 'pg_foreign_data_wrapper')
	FROM pg_foreign_data_wrapper WHERE fdwname = 'group_api_example_sms'}),
	'group_api: SMS through an example', 'the kind has a wrapper, which says what it is for');
is($node->safe_psql('postgres', q{SELECT has_foreign_data_wrapper_privilege('pg_monitor', 'group_api_example_sms', 'USAGE')}),
	'f', 'nobody may use it');
$node->safe_psql('postgres', q{CREATE ROLE op; SELECT group_api.grant_access('op', 'operator')});
is($node->safe_psql('postgres', q{SELECT has_foreign_data_wrapper_privilege('op', 'group_api_example_sms', 'USAGE')}),
	't', 'but an operator');
my (undef, undef, $complaint) = $node->psql('postgres',
	'CREATE SERVER the_example FOREIGN DATA WRAPPER group_api_example_sms');
like($complaint, qr/"sender"/, 'the validator knows which options it needs');
Invitations::add_provider($node, 'postgres', 'the_example', 'example_sms', sender => 'Choir',
	base_url => $gateway->{http}, allow_private => 'true');
$node->safe_psql('postgres', q{CREATE USER MAPPING FOR PUBLIC SERVER the_example
	OPTIONS (username 'choir', password 'x')});
is($node->safe_psql('postgres', 'SELECT kind, channel, state FROM group_api.providers'),
	'example_sms|MOBILE|ready', 'the view tells its channel');

invite($node, $contact);
all_are($node, 'sent', 'it is sent through');
is(delivery_of($node, $contact)->{message_id}, 'M1', 'and its id kept');
my ($request) = read_log($gateway, 'request');
like(to_json($request), qr/\+27701231234.*inv-[0-9a-f]{32}/s, 'as the row says');

$node->stop;
done_testing();
