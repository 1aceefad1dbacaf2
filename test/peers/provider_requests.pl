# Every kind of provider's request as the vendor's own code would make it: the
# SDKs from npm, aws4 for signatures, Prism for the question after a message of
# Twilio's. Nothing leaves the machine.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use GroupApiTest;

my $root = GroupApiTest::project_root();
my $courier = "$root/group_api_courier";
my $account = 'AC' . '0123456789abcdef' x 2;
my $message = 'SM' . '0123456789abcdef' x 2;

# The lines of another program's TAP, as tests of this one.
sub take_tap
{
	my ($number, $name) = (0);
	for my $line (@_)
	{
		if ($line =~ /^(not )?ok \d+ - (.*)/)
		{
			ok(!$1, $2);
			$number++;
		}
		elsif ($line =~ /^1\.\.(\d+)$/)
		{
			is($number, $1, 'and all of that was run');
		}
		else
		{
			diag($line);
		}
	}
	return;
}

SKIP:
{
	my $modules = peer('node_modules') // '';
	skip 'the vendors\' SDKs not found', 1
	  unless -d "$modules/plivo" && system('node --version >/dev/null 2>&1') == 0;
	local $ENV{NODE_PATH} = $modules;
	open(my $pipe, '-|', 'node', "$root/test/peers/vendor-requests.js", $courier,
		"$root/src/base/shared/provider_table.c")
	  or die "node: $!";
	my @lines = <$pipe>;
	close $pipe;
	chomp @lines;
	take_tap(@lines);
}

# What the courier says became of a question.
sub ask
{
	my ($order) = @_;
	my $file = "$PostgreSQL::Test::Utils::tmp_check/order.json";
	open(my $out, '>', $file) or die "$file: $!";
	print $out JSON::PP->new->utf8->encode($order);
	close $out;
	my $outcome = qx('$courier' send < '$file');
	return from_json($outcome);
}

SKIP:
{
	my $twilio = start_prism() or skip 'Prism not found', 3;
	my $outcome = ask({
		provider => { kind => 'twilio', options => {
			account_sid => $account, sender => '+15005550006', password => 'no-real-account',
			base_url => $twilio->{http} } },
		job => { id => 1, poll => $message } });
	my ($request) = read_log($twilio, 'request');
	is($request->{status}, 200, "Twilio's OpenAPI describes the question after a message")
	  or diag($request->{answer});
	is($outcome->{outcome}, 'accepted', 'its answer is understood');
	my $answer = from_json($request->{answer});
	like($outcome->{code}, qr/^\Q$answer->{status}\E$|^[0-9]+$/, 'the status is found in it');
}

done_testing();
