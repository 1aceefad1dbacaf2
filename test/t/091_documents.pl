# docs/providers.md and docs/receipts.md tell the truth: every statement in them runs
# as it stands, and there is a provider of every kind among them.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use GroupApiTest;
use PostgreSQL::Test::Utils;
use Test::More;

# ([statements, line]...) of a document
sub blocks_of
{
	my ($document) = @_;
	my ($line, @blocks) = (1);

	for my $piece (split /^(```\w*\n.*?^```\n)/ms, slurp_file(project_root() . "/docs/$document"))
	{
		push @blocks, [ $1, $line ] if $piece =~ /^```sql\n(.*?)^```\n/ms;
		$line += () = $piece =~ /\n/g;
	}
	return @blocks;
}

# What an application fills in can be prepared at least.
sub runs
{
	my ($node, $database, $sql, $where) = @_;
	my ($out, $error);

	$sql = "PREPARE filled_in AS $sql" if $sql =~ /\$1/;
	$node->psql($database, $sql, stdout => \$out, stderr => \$error, on_error_stop => 0);
	$error =~ s/^NOTICE:.*\n//mg;
	return is($error, '', "the statements of $where run");
}

my $node = new_node('main', extension => 0);

# Nothing is sent in a database whose providers nobody asks: no invitation is there.
$node->safe_psql('postgres', 'CREATE DATABASE providers; CREATE DATABASE receipts');
$node->safe_psql($_, 'CREATE EXTENSION group_api') for qw(providers receipts);

my $count = 0;
for my $block (blocks_of('providers.md'))
{
	runs($node, 'providers', $block->[0], "docs/providers.md, line $block->[1],");
	$count += () = $block->[0] =~ /^CREATE SERVER/mg;
}
is($node->safe_psql('providers', "SELECT (SELECT count(*) FROM group_api.providers WHERE state = 'ready')
	+ (SELECT count(*) FROM group_api.webhooks)"), $count, "its $count providers and webhooks are there and ready");
is($node->safe_psql('providers', "SELECT string_agg(fdwname, ',') FROM pg_foreign_data_wrapper w
	WHERE fdwname LIKE 'group_api_%' AND NOT EXISTS (SELECT FROM pg_foreign_server WHERE srvfdw = w.oid)"), '',
	'of each kind there is one');
is($node->safe_psql('providers', "SELECT string_agg(srvname, ',') FROM pg_foreign_server s
	WHERE srvname <> ALL ('{kept,forms}') AND NOT EXISTS (SELECT FROM pg_user_mapping WHERE umserver = s.oid)"), '',
	'each with its secrets');
is($node->safe_psql('providers', "SELECT kind || ' ' || channel FROM group_api.providers WHERE server IN ('kept', 'any_gateway') ORDER BY 1"),
	"capture EMAIL\nhttp MOBILE", 'reaching whom they say');

$node->safe_psql('receipts', q{
	CREATE SERVER sms FOREIGN DATA WRAPPER group_api_twilio
		OPTIONS (account_sid 'AC00000000000000000000000000000000', sender '+15005550006');
	CREATE USER MAPPING FOR PUBLIC SERVER sms OPTIONS (password 'token');
	CREATE SERVER mail FOREIGN DATA WRAPPER group_api_sendgrid
		OPTIONS (sender 'Groups <hello@example.com>');
	CREATE USER MAPPING FOR PUBLIC SERVER mail OPTIONS (password 'key')});
runs($node, 'receipts', $_->[0], "docs/receipts.md, line $_->[1],") for blocks_of('receipts.md');
is($node->safe_psql('receipts', "SELECT count(*) FROM pg_foreign_server WHERE 'callback_url=https://hooks.example.com/receipt' = ANY (srvoptions)"),
	2, 'and both providers have the address');

$node->stop;
done_testing();
