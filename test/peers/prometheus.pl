# Debian's prometheus-postgres-exporter reads docs/monitoring/queries.yaml as a role for
# monitoring, Debian's Prometheus reads that, and has an answer for each query of the
# dashboard.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/../t/lib";
use GroupApiTest;
use Invitations;
use PostgreSQL::Test::Utils;
use Test::More;

my $exporter = peer('prometheus/usr/bin/prometheus-postgres-exporter') // (grep { -x } '/usr/bin/prometheus-postgres-exporter')[0];
my $prometheus = peer('prometheus/usr/bin/prometheus') // (grep { -x } '/usr/bin/prometheus')[0];
plan skip_all => 'Prometheus and its exporter for PostgreSQL not found: script/setup --peers fetches them'
  unless $exporter && $prometheus;

my $node = new_node('monitored');
my $sink = start_http_sink(status => 201, body => '{"id":"%n"}');
my $directory = PostgreSQL::Test::Utils::tempdir();
my ($exporter_port, $port) = map { PostgreSQL::Test::Cluster::get_free_port() } 1 .. 2;
my $root = project_root();

sub get { return scalar qx(curl -sS -m 10 '$_[0]' 2>&1); }

sub escape { return $_[0] =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ger; }

# What Prometheus answers to a query now.
sub ask
{
	my ($query) = @_;
	my $answer = from_json(get("http://127.0.0.1:$port/api/v1/query?query=" . escape($query)));

	die "$query: $answer->{error}" if $answer->{status} ne 'success';
	return @{ $answer->{data}{result} };
}

$node->safe_psql('postgres', q{CREATE ROLE watcher LOGIN; SELECT group_api.grant_access('watcher', 'monitor')});
add_sms($node, $sink->{http});
invite($node, map { sa_number($_) } 1 .. 5);
all_are($node, 'sent', 'there is something to watch');

{
	local $ENV{DATA_SOURCE_NAME} = 'postgresql://watcher@/postgres?host=' . $node->host . '&port=' . $node->port . '&sslmode=disable';
	start_program('exporter', $exporter, "--extend.query-path=$root/docs/monitoring/queries.yaml",
		'--disable-default-metrics', '--disable-settings-metrics', "--web.listen-address=127.0.0.1:$exporter_port");
}
my $metrics = '';
poll_until(sub { ($metrics = get("http://127.0.0.1:$exporter_port/metrics")) =~ /^group_api_dispatcher_up\{.*\} 1$/m },
	'the exporter tells that the dispatcher runs');
like($metrics, qr/^group_api_provider_accepted_total\{.*provider="sms".*\} 5$/m, 'what the provider took');
like($metrics, qr/^group_api_health_severity\{.*subject="dispatcher"\} 0$/m, 'and that all is well');
unlike($metrics, qr/\+2782/, 'and no contact');

append_to_file("$directory/prometheus.yml", <<"END");
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: group_api
    static_configs: [ { targets: [ '127.0.0.1:$exporter_port' ] } ]
END
start_program('prometheus', $prometheus, "--config.file=$directory/prometheus.yml", "--storage.tsdb.path=$directory/data",
	"--web.listen-address=127.0.0.1:$port");
poll_until(sub { ask('group_api_dispatcher_up') == 1 }, 'Prometheus reads it');

my $dashboard = from_json(slurp_file("$root/docs/monitoring/dashboard.json"));
my @queries = map { $_->{expr} } map { @{ $_->{targets} } } @{ $dashboard->{panels} };
cmp_ok(scalar(@queries), '>=', 15, 'the dashboard has queries');
for my $query (@queries)
{
	my $asked = $query =~ s/\$__rate_interval/1m/gr;
	poll_until(sub { ask($asked) > 0 }, "it has an answer: $query");
}

$node->safe_psql('postgres', q{SELECT group_api.pause('sms')});
poll_until(sub { (ask('max(group_api_health_severity)'))[0]{value}[1] == 3 }, 'it tells when messages are not delivered');
done_testing();
