# Six pictures of the API's origin on a page of the app's, in Chromium, by TLS with a
# certificate that counts: the cache, which is used then alone, breaks no other use.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Gateway;
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($chromium) = grep { -x } map { ("$_/chromium", "$_/chromium-browser", "$_/google-chrome") } split /:/, $ENV{PATH};
my $modules = node_modules();

plan skip_all => 'npm packages pg and puppeteer-core not found' unless $modules && -e "$modules/puppeteer-core";
plan skip_all => 'nginx not found' unless peer('nginx/usr/sbin/nginx');
plan skip_all => 'Chromium not found' unless $chromium;

# One pixel each.
my @pictures = (
	[ 'image/png', '89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0f01f00050001ff89993d1d0000000049454e44ae426082' ],
	[ 'image/gif', '47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b' ]);
my $directory = PostgreSQL::Test::Utils::tempdir();
my $certificate = "$directory/groups.example";
my ($port, $page_port) = map { PostgreSQL::Test::Cluster::get_free_port() } 1 .. 2;
my $node = new_api_node('main', conf => "group_api.picture_url = 'https://groups.example:$port/p/{id}'");

system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=groups.example -addext subjectAltName=DNS:groups.example,DNS:app.example -keyout '$certificate.key' -out '$certificate.pem' 2>/dev/null") == 0
  or die 'openssl made no certificate';
chomp(my $digest = qx(openssl x509 -in '$certificate.pem' -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl base64));

my @urls = map {
	my ($type, $bytes) = @{ $pictures[ $_ % 2 ] };
	$node->safe_psql('postgres', "SELECT group_api_v2.create_group(jsonb_build_object('name', 'Picture $_', 'image_original', '"
		. "data:$type;base64," . encode_base64(pack('H*', $bytes), '') . "')) ->> 'image_big'");
} 1 .. 6;
my $list = "$directory/pictures.json";
append_to_file($list, to_json(\@urls));

# Without user namespaces Chromium's own sandbox cannot be had.
local $ENV{CHROMIUM_FLAGS} = system('unshare --user true 2>/dev/null') == 0 ? '' : '--no-sandbox';
local $ENV{NODE_PATH} = $modules;
local $ENV{HOME} = PostgreSQL::Test::Utils::tempdir();
for my $gateway (gateways($node))
{
	my $front = front_of($gateway, rate => '1000r/s', port => $port, tls => $certificate,
		others => "server { listen 127.0.0.1:$page_port ssl; server_name app.example; ssl_certificate $certificate.pem; ssl_certificate_key $certificate.key;\n"
		. "access_log off; location / { default_type text/html; return 200 '<!DOCTYPE html><html lang=en><title>The app</title><body></body></html>'; } }\n");
	my $errors = "$PostgreSQL::Test::Utils::log_path/chromium.log";
	my @lines = qx(node '@{[ project_root() ]}/test/http/pictures.js' '$chromium' 'https://app.example:$page_port/' '$digest' '$list' 2>'$errors');

	is($?, 0, "$front->{name}: Chromium came to its end") or diag(slurp_file($errors));
	is_deeply($_->{is}, $_->{wanted}, $_->{what}) or diag(to_json($_)) for map { from_json($_) } @lines;
	is(scalar @lines, 24, 'every picture was used in four ways');
	my $log = slurp_file("$front->{directory}/access.log");
	is(scalar(() = $log =~ m{GET /p/}g), 6, 'and each was sent once: the cache did the rest');
	stop_program($front);
}
done_testing();
