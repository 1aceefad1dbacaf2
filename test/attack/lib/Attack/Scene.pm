package Attack::Scene;

=pod

=head1 NAME

Attack::Scene - the cluster that is attacked: who is in it, and what they keep secret

=cut

use strict;
use warnings;

use Attack::Expect;
use Attack::Sessions;
use Digest::SHA qw(sha256_hex);
use Exporter 'import';
use GroupApiTest;
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(prepare begin_case end_case clean_up fill_in crashes leaks next_message restart_dispatcher
  signature invite_through call_everything call_with_extremes
  find_libpq run_as start_as finish_as call_as request_as repeat_as);

# How long the next message may take where somebody is in the way.
my $PATIENCE = $ENV{GROUP_API_ATTACK_PATIENCE} || 30;

my ($node, $server, $started_at, $log_read, $log_seen, %fact, %secret, $key, $catalog);
my $next = 0;

# ---- the scene ------------------------------------------------------------------------

# Level of access of each role; a stranger may do nothing, half lost one of its rights.
my %roles = (stranger => undef, anonymous => 'anonymous', caller => 'caller', half => 'caller',
	monitor => 'monitor', mailer => 'mailer', operator => 'operator', dbowner => undef, pretender => undef);

sub word { return substr sha256_hex("attack $_[0]"), 0, 16; }

sub prepare
{
	$node = new_node('attacked', extension => 0, conf => "
shared_buffers = 16MB
max_connections = 40
max_prepared_transactions = 5
log_statement = none
log_min_error_statement = panic
restart_after_crash = on
group_api.retry_base = 1
group_api.retry_cap = 2
group_api.max_attempts = 3
group_api.trusted_roles = 'authenticator, pretender'
group_api.unsubscribe_url = 'https://groups.example/u/{token}'
group_api.invitation_url = 'https://groups.example/i/{token}'");
	$node->safe_psql('postgres', join '', map { "$_;\n" } (map { "CREATE ROLE $_ LOGIN" } sort keys %roles),
		'CREATE ROLE authenticator LOGIN NOINHERIT', 'GRANT anonymous, caller TO authenticator, pretender',
		'CREATE DATABASE app OWNER dbowner');
	connect_to($node, 'app');
	super('CREATE EXTENSION group_api');
	$started_at = cell('SELECT pg_postmaster_start_time()');
	super("SELECT group_api.grant_access('authenticator', 'gateway')");
	# The worst that a careless owner allows.
	super('GRANT CREATE ON SCHEMA public TO PUBLIC');
	super('GRANT CREATE, TEMPORARY ON DATABASE app TO PUBLIC');
	super("SELECT group_api.grant_access('$_', '$roles{$_}')") for grep { $roles{$_} } sort keys %roles;
	super("REVOKE EXECUTE ON FUNCTION $_ FROM half") for 'group_api.create_group(jsonb)', 'group_api_v2.create_group(jsonb)', 'group_api_v2.patch_group(jsonb)', 'group_api_v2.delete_group(bigint)', 'group_api_v2.delete_group()';
	add_providers();
	add_people();
	keep_secrets();
	$catalog = catalog();
	$log_read = -s $node->logfile;
	next_message({}, 'at first') and BAIL_OUT('nothing is delivered even before the attacks');
	return;
}

sub add_providers
{
	$server = start_script_server(http => {}, smtp => {});
	$secret{'the gateway token'} = word('bearer');
	$secret{'the relay password'} = word('relay');
	$secret{'a signature secret'} = word('signature');
	super("CREATE SERVER kept FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL', sender 'Choir <choir\@example.com>', prefixes 'next.example,example.com,victims.example')");
	super("CREATE SERVER kept_sms FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE', sender 'Choir', prefixes '+2783')");
	super("CREATE SERVER gate FOREIGN DATA WRAPPER group_api_http OPTIONS (channel 'MOBILE', url '$server->{http}/gate', allow_private 'true', id_path 'id', prefixes '+2784',
		callback_url 'https://hooks.example.com/receipt', fields '{\"to\": \"{to}\", \"text\": \"{text}\", \"report\": \"{callback_url}\", \"sender\": \"{sender}\"}', sender 'Choir')");
	super("CREATE USER MAPPING FOR PUBLIC SERVER gate OPTIONS (bearer_token '$secret{'the gateway token'}')");
	super("CREATE SERVER relay FOREIGN DATA WRAPPER group_api_smtp OPTIONS (url '$server->{smtp}', allow_private 'true', sender 'Choir <choir\@example.com>', prefixes 'relay.example', bounce_address 'b\@bounces.example.com')");
	super("CREATE USER MAPPING FOR PUBLIC SERVER relay OPTIONS (username 'choir', password '$secret{'the relay password'}')");
	super("CREATE SERVER signed FOREIGN DATA WRAPPER group_api_twilio OPTIONS (account_sid 'AC0123456789abcdef0123456789abcdef', sender '+15005550006', base_url '$server->{http}/signed', allow_private 'true', prefixes '+2785', callback_url 'https://hooks.example.com/receipt')");
	super("CREATE USER MAPPING FOR PUBLIC SERVER signed OPTIONS (password '$secret{'a signature secret'}')");
	calm_providers();
	return;
}

sub write_file
{
	my ($path, $line, $mode) = @_;
	open(my $file, '>', $path) or die "$path: $!";
	print $file "$line\n";
	close $file;
	chmod $mode, $path;
	return;
}

# Providers that do as they should.
sub calm_providers
{
	set_rules($server,
		http => { rules => [ { match => '/signed', replies => [ { status => 201, body => { sid => 'SM1', status => 'queued' } } ] }, { replies => [ { status => 200, body => { id => 'M1' } } ] } ] },
		smtp => { users => { choir => $secret{'the relay password'} } });
	return;
}

# The victims and what they have. Nobody is told anything of them but what docs/security.md allows.
sub add_people
{
	$fact{victim_user} = cell("SELECT group_api.put_user('victim-listed', 'vera', 'Vera', NULL, 'vera-listed\@victims.example', '+27831110002')");
	$fact{victim_phone} = cell("SELECT group_api.put_user('victim-phone', 'pete', 'Pete', NULL, NULL, '+27831110003')");
	my $victim = { role => 'caller', sub => 'victim', name => 'Victoria', email => 'victoria-leader@victims.example' };
	my $ask = sub { return as_json(request_as({}, 'caller', $victim, 'POST', '{}', $_[0])); };
	$fact{victim} = $ask->('SELECT group_api.create_group(' . body(name => 'Secret choir', members => [ 'paul-invited@victims.example', '+27841110001' ]) . ')')->{group}{id};
	for my $kind ([ public => '"privacy": "public"' ], [ private => '"privacy": "private"' ], [ hidden => '"privacy": "private", "visible": false' ])
	{
		$fact{ $kind->[0] } = $ask->(qq{SELECT group_api_v2.create_group('{"name": "The $kind->[0] one", $kind->[1]}'::jsonb)})->{id};
		$fact{"$kind->[0]_uuid"} = cell("SELECT id FROM group_api_private.groups WHERE number = $fact{$kind->[0]}");
	}
	$fact{victim_leader} = cell("SELECT id FROM group_api_private.users WHERE subject = 'victim'");
	$fact{mine} = as_json(run_as({}, 'caller', 'SELECT group_api.create_group(' . body(members => ['mine@example.com']) . ')'))->{group}{id};
	$fact{mine_b} = as_json(run_as({}, 'caller', q{SELECT group_api_v2.create_group('{"name": "Mine", "privacy": "public"}'::jsonb)}))->{id};
	$fact{mine_b_uuid} = cell("SELECT id FROM group_api_private.groups WHERE number = $fact{mine_b}");
	$fact{invitee} = cell("SELECT group_api.put_user('invitee', 'ingrid', 'Ingrid', NULL, 'ingrid-listed\@victims.example')");
	$fact{me} = cell("SELECT id FROM group_api_private.users WHERE subject = 'role:caller'");
	$fact{nothing} = 987654321;
	$fact{no_uuid} = '01900000-0000-7000-8000-000000000000';
	@fact{qw(http smtp)} = @$server{qw(http smtp)};
	@fact{qw(http_port smtp_port)} = @$server{qw(http_port smtp_port)};
	$fact{data} = $node->data_dir;
	$fact{scratch} = PostgreSQL::Test::Utils::tempdir();
	$secret{'a password in a file'} = word('file');
	$fact{secret} = $secret{'a password in an address'} = word('address');
	write_file("$fact{scratch}/password", $secret{'a password in a file'}, 0600);
	write_file("$fact{scratch}/open", 'not-so-secret', 0644);
	$fact{super} = cell('SELECT current_user');
	close_sessions('root');
	return;
}

# What nobody may ever be told, and whose contacts are for operators and monitors alone.
sub keep_secrets
{
	$key = pack 'H*', cell("SELECT encode(secret, 'hex') FROM group_api_private.link_secret");
	$secret{'the key of the links'} = unpack 'H*', $key;
	$secret{'the salt of contacts'} = cell("SELECT encode(salt, 'hex') FROM group_api_private.suppression_salt");
	my ($number) = cell("SELECT number FROM group_api_private.groups WHERE id = '$fact{victim}'");
	for my $member (2, 3)
	{
		$secret{"a victim's token '$_'"} = token($_, $number, $member, 1) for '', 'r', 'u';
	}
	$fact{victim_link} = token('', $number, 3, 1);
	return;
}

my @listed = ('vera-listed', '27831110002', '27831110003', 'victoria-leader');
my @invited = ('paul-invited', '27841110001', 'ingrid-listed');

sub leaks
{
	my ($case) = @_;
	my $told = join "\n", @{ $case->{said} }, map { $_->{text} // '' } @{ $case->{answers} };
	my %must_not = (%secret, map { $_ => $_ } @listed, $case->{by} =~ /^(?:monitor|operator)$/ ? () : @invited);
	my @faults;

	# What the line itself says is nobody's secret any more.
	for my $what (sort keys %must_not)
	{
		next if index($case->{typed}, $must_not{$what}) >= 0;
		push @faults, "it is told $what" if index($told, $must_not{$what}) >= 0;
		push @faults, "the log tells $what" if index($log_seen, $must_not{$what}) >= 0;
	}
	return @faults;
}

# ---- tokens ---------------------------------------------------------------------------

sub token
{
	my ($purpose, @numbers) = @_;
	return make_token($key, $purpose, @numbers);
}

sub body
{
	my (%fields) = @_;
	my @members = map { { nickName => 'Member', contact => { type => /@/ ? 'EMAIL' : 'MOBILE', value => $_ } } } @{ delete $fields{members} // [] };
	return quoted(to_json({ productId => '00000000-0000-0000-0000-000000000001', name => 'Choir', description => 'We sing',
		image => 'https://example.com/choir.png', message => 'Come and sing', members => \@members, %fields })) . '::jsonb';
}

sub as_json
{
	my ($outcome) = @_;
	my $last = $outcome->{results}[-1];
	die $last->{error} if $last->{error};
	return from_json($last->{rows}[0][0]);
}

# ---- what a line may name -----------------------------------------------------------------

# A message of this case's own that has left through a provider: its group, tokens and so on.
sub sent_message
{
	my ($case, $contact, %fields) = @_;
	my $create = 'SELECT group_api.create_group(' . body(members => [$contact], %fields) . ')';
	my $group = as_json($contact =~ /^own/ ? run_as($case, 'caller', $create) : { results => [ { rows => super($create) } ] })->{group}{id};
	my $end = time + $PATIENCE;
	my $state = '';

	until (($state = cell("SELECT delivery FROM group_api_private.invitations WHERE group_id = '$group'")) eq 'sent')
	{
		die "the message to $contact is $state" if time > $end || $state eq 'failed';
		sleep 0.01;
	}
	my $number = cell("SELECT number FROM group_api_private.groups WHERE id = '$group'");
	return { group => $group, number => $number, contact => $contact, link => token('', $number, 2, 1), unsubscribe => token('u', $number, 2, 1), receipt => token('r', $number, 2, 1) };
}

# <<captured.link>> and the like: each is made when it is first named.
my %message_to = (
	own => sub { return "own$_[0]\@example.com" },
	markup => sub { return "markup$_[0]\@example.com" },
	captured => sub { return "captured$_[0]\@example.com" },
	gated => sub { return sprintf '+2784000%04d', $_[0] },
	relayed => sub { return "relayed$_[0]\@relay.example" },
	signed => sub { return sprintf '+2785000%04d', $_[0] });

my %markup = (name => '<script>alert(1)</script>', description => '<img src=x onerror=alert(1)>',
	image => 'https://example.com/?a=%22%3E&b=\'onload=alert(1)', message => '</p><script>alert(1)</script><svg/onload=alert(1)>');

sub value_of
{
	my ($case, $name) = @_;

	return $2 x $1 if $name =~ /^(\d+)\*(.*)$/s;
	return $fact{$name} if exists $fact{$name};
	return $next if $name eq 'n';
	return value_of($case, "$1.group") =~ tr/-//dr if $name =~ /^hex (\w+)$/;
	if ($name =~ /^(\w+)\.(\w+)$/ && $message_to{$1})
	{
		$case->{message}{$1} //= sent_message($case, $message_to{$1}->($next), $1 eq 'markup' ? %markup : ());
		return $case->{message}{$1}{$2} // die "$name: no such thing";
	}
	return token($1, cell("SELECT number FROM group_api_private.groups WHERE id = '$case->{message}{captured}{group}'"), 2, $2) if $name =~ /^token (\w?),(\d+)$/;
	die "<<$name>>: what is that?";
}

sub fill_in
{
	my ($case, $text) = @_;
	return $text =~ s/<<(.*?)>>/value_of($case, $1)/gesr;
}

# ---- before and after ----------------------------------------------------------------------

sub begin_case
{
	my ($case) = @_;

	$next++;
	$case->{typed} = join ' ', @{ $case->{way} }, $case->{attack};
	$case->{log_began} = -s $server->{log};
	$log_seen = '';
	calm_providers() if $case->{by} eq 'provider' || $case->{calm};
	return;
}

# What providers were sent from a place in their log on; all else in it may be long.
sub requests_since
{
	my ($place) = @_;
	my $new = PostgreSQL::Test::Utils::slurp_file($server->{log}, $place);
	return map { from_json($_) } grep { /^\{"at": [\d.]+, "event": "(?:request|message)"/ } split /\n/, $new;
}

$Attack::Expect::case_log = sub { return requests_since($_[0]{log_began}); };

sub end_case
{
	my ($case) = @_;

	close_sessions('root');
	for (split / ;; /, $case->{undo} // '') { eval { super($_); 1 } or diag("$case->{id} is not undone: $@"); }
	super("ROLLBACK PREPARED '$_->[0]'") for @{ super('SELECT gid FROM pg_prepared_xacts') };
	return;
}

# Whether a process died; then the cluster is waited for.
sub crashes
{
	my ($case) = @_;
	# The postmaster notes it a moment later than the client does.
	sleep 1 if grep { defined $_->{state} && $_->{state} eq 'gone' } @{ $case->{answers} };
	my $start;
	for (1 .. 300)
	{
		last if defined($start = eval { cell('SELECT pg_postmaster_start_time()') });
		close_sessions();
		sleep 0.1;
	}
	my $new = PostgreSQL::Test::Utils::slurp_file($node->logfile, $log_read);
	my @died = $new =~ /^.*(?:was terminated by signal|PANIC: |TRAP: |courier of group_api ended unexpectedly).*$/mg;

	$log_read += length $new;
	$log_seen .= $new;
	push @died, 'the cluster is another one' if ($start // '') ne $started_at;
	return map { "a process died: $_" } @died;
}

# That an invitation which has nothing to do with any of this leaves; else what is wrong.
sub next_message
{
	my ($case, $when) = @_;
	my $contact = 'next' . ++$fact{sent} . '@next.example';
	my $end = time + $PATIENCE;
	my $state = 'not even created';

	return if eval {
		my $group = as_json({ results => [ { rows => super("SET statement_timeout = '20s'; SELECT group_api.create_group(" . body(members => [$contact]) . ')') } ] })->{group}{id};
		while (time < $end)
		{
			$state = cell("SELECT delivery FROM group_api_private.invitations WHERE group_id = '$group'");
			return 1 if $state eq 'sent';
			sleep 0.01;
		}
		0;
	};
	return "$when the next message is held up: $state $@";
}

sub restart_dispatcher
{
	my $before = cell('SELECT pid FROM group_api_private.dispatcher_state()') // 0;
	super("SELECT pg_terminate_backend($before)") if $before;
	for (1 .. 100) { last if (cell('SELECT pid FROM group_api_private.dispatcher_state()') // 0) != $before; sleep 0.05; }
	return;
}

# What belongs to the extension, so that what is planted shows.
sub catalog
{
	return cell("SELECT string_agg(pg_describe_object(classid, objid, 0), ', ' ORDER BY classid, objid) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'group_api') AND deptype = 'e'");
}

sub clean_up
{
	close_sessions('root');
	super("SELECT group_api.resume(server) FROM group_api.providers WHERE state = 'paused'");
	calm_providers();
	is(catalog(), $catalog, 'afterwards the extension has the same members');
	is(cell('SELECT count(*) FROM pg_prepared_xacts'), '0', 'no transaction is left over');
	# A backend ends a moment after its client.
	poll_until(sub { cell("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'attack%' AND application_name <> 'attack_root'") eq '0' }, 'nor a session', 12)
	  or diag(explain(super("SELECT application_name, state, query FROM pg_stat_activity WHERE application_name LIKE 'attack%'")));
	poll_until(sub { cell("SELECT count(*) FROM group_api_private.invitations WHERE due <= now()") eq '0' }, 'nothing that is due waits', 12)
	  or diag(explain(super("SELECT contact, delivery, attempts, server, reason, due FROM group_api_private.invitations WHERE due IS NOT NULL LIMIT 5")));
	is(next_message({}, 'at the end') // '', '', 'the next message leaves');
	is(join(', ', map { join ' ', grep { defined } @$_ } @{ super(q{SELECT * FROM group_api.health() WHERE severity = 'critical'}) }), '', 'and health() has nothing to say');
	return;
}

# ---- functions, one and all -------------------------------------------------------------------

sub signature
{
	my ($function) = @_;
	my $row = super("SELECT oid, array_to_string(ARRAY(SELECT t.typname FROM unnest(proargtypes) WITH ORDINALITY a (type, n) JOIN pg_type t ON t.oid = a.type ORDER BY n), ' ') FROM pg_proc WHERE oid = \$1::regprocedure", $function)->[0];
	return ($row->[0], split ' ', $row->[1]);
}

# [name with types, oid, may this role, kind, "VARIADIC" or nothing, types...] of all functions and procedures of the three schemas
sub functions_for
{
	my ($role) = @_;
	return map { [ @$_[ 0 .. 4 ], split /\|/, $_->[5] ] } @{ super("SELECT p.oid::regprocedure, p.oid, has_function_privilege(\$1, p.oid, 'EXECUTE') AND has_schema_privilege(\$1, p.pronamespace, 'USAGE'),
		p.prokind, CASE WHEN p.provariadic <> 0 THEN 'VARIADIC ' ELSE '' END,
		array_to_string(ARRAY(SELECT format_type(a.type, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY a (type, n) ORDER BY n), '|')
		FROM pg_proc p WHERE p.pronamespace IN ('group_api'::regnamespace, 'group_api_v2'::regnamespace, 'group_api_private'::regnamespace)
		AND p.prorettype <> 'trigger'::regtype ORDER BY 1", $role) };
}

# The statement that calls one of these.
sub call_to
{
	my ($function, @arguments) = @_;
	my ($name, undef, undef, $kind, $variadic) = @$function;
	$arguments[-1] = "$variadic$arguments[-1]" if @arguments;
	return ($kind eq 'p' ? 'CALL ' : 'SELECT ') . ($name =~ s/\(.*//sr) . '(' . join(', ', @arguments) . ')';
}

# What is not granted to a role, by SQL and by PQfn; and what nobody may write or read.
sub call_everything
{
	my ($case, $role) = @_;
	my @outcomes;

	for my $function (grep { $_->[2] eq 'f' } functions_for($role))
	{
		my ($name, $oid, undef, $kind, undef, @types) = @$function;
		# CALL takes no subquery, and a constant null would do away with the call of a strict function.
		my @nulls = map { $kind eq 'p' ? "NULL::$_" : "(SELECT NULL::$_)" } @types;
		my @outcomes_of = (run_as($case, $role, call_to($function, @nulls)), call_as($case, $role, $oid, [ map { [ $_, undef ] } @types ]));
		$_->{results}[-1]{error} .= " ($name)" for @outcomes_of;
		push @outcomes, @outcomes_of;
	}
	for my $table (@{ super("SELECT c.oid::regclass, has_table_privilege(\$1, c.oid, 'SELECT'), c.relkind FROM pg_class c WHERE c.relnamespace IN ('group_api'::regnamespace, 'group_api_private'::regnamespace) AND c.relkind IN ('r', 'v', 'S')", $role) })
	{
		push @outcomes, run_as($case, $role, "TABLE $table->[0]"), run_as($case, $role, "COPY (SELECT * FROM $table->[0]) TO STDOUT") if $table->[1] eq 'f';
		next if $table->[2] ne 'r';
		push @outcomes, map { run_as($case, $role, $_) } "DELETE FROM $table->[0]", "INSERT INTO $table->[0] DEFAULT VALUES";
	}
	return @outcomes;
}

my %extremes = (
	text => [ undef, '', "'" . 'x' x 100_000 . "'", "E'\\r\\n\\t'", "'{{{{{{link}}'", "'%s%n%s'", "chr(1114111)", "repeat('[', 50000)" ],
	jsonb => [ undef, "'null'", "'[]'", "'{}'", "'\"x\"'", "'{\"id\": 1e400, \"users\": [1e400]}'", "(repeat('[', 5000) || repeat(']', 5000))::jsonb", "'{\"name\": {\"\": []}, \"users\": null}'" ],
	bytea => [ undef, "''", "'\\x00'", "'\\xff'", "decode(repeat('ff', 100000), 'hex')", "'{'", "convert_to(repeat('[', 100000), 'UTF8')", "'--x'" ],
	uuid => [ undef, "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'" ],
	bigint => [ undef, 0, -1, '9223372036854775807', "'-9223372036854775808'" ],
	integer => [ undef, 0, -1, 2147483647, "'-2147483648'" ],
	'bigint[]' => [ undef, "'{}'", "'{NULL}'", "'{{1,2},{3,4}}'", "'[-5:-3]={1,2,3}'", "array_fill(9::bigint, '{100000}')", "'{9223372036854775807,-9223372036854775808}'" ],
	'text[]' => [ undef, "'{}'", "'{NULL}'", "'{x}'", "'{=,==}'" ],
	'timestamp with time zone' => [ undef, "'-infinity'", "'infinity'", "'4713-01-01 BC'", "'294276-12-31'", 'now()' ],
	interval => [ undef, "'0'", "'-1 day'", "'0.001 s'" ],
	name => [ undef, "''", "repeat('n', 63)", "'kept'", "'; DROP'" ],
	oid => [ undef, 0, 4294967295, "'pg_foreign_server'::regclass", "'pg_user_mapping'::regclass" ],
	regrole => [undef], 'group_api.channel' => [ undef, "'EMAIL'", "'MOBILE'" ]);

# Everything it may call, with nothing and with too much of each type; an answer or an
# error of the caller's, never one of ours. What would wait for good or undo the scene is left out.
sub call_with_extremes
{
	my ($case, $role) = @_;
	my @outcomes;

	for my $function (grep { $_->[2] eq 't' && $_->[0] !~ /wait_until_idle|\.pause\(/ } functions_for($role))
	{
		my ($name, $oid, undef, undef, undef, @types) = @$function;
		my $fast = call_as($case, $role, $oid, [ map { [ $_, undef ] } @types ]);
		push @outcomes, $fast if ($fast->{results}[-1]{state} // '') =~ /^(?:XX|53|57|gone|58)/;
		for my $turn (0 .. (@types ? 7 : 0))
		{
			my @arguments = map { my $all = $extremes{$_} // [undef]; ($all->[ $turn % @$all ] // 'NULL') . "::$_" } map { /\[\]$|^character/ ? $_ : $_ } @types;
			@arguments = map { /^::/ ? "''$_" : $_ } @arguments;
			my $outcome = run_as($case, $role, call_to($function, @arguments));
			my $last = $outcome->{results}[-1];
			# What is wrong with it is the caller's to hear; all else counts as no error.
			$last->{error} .= " ($name, turn $turn)" if $last->{error};
			push @outcomes, $outcome if !$last->{error} || $last->{state} =~ /^(?:XX|53|57|gone|58)/;
		}
	}
	return @outcomes;
}

# ---- providers that lie -------------------------------------------------------------------------

# One message through a provider of its own that answers as it is told; how it fared.
sub invite_through
{
	my ($case, $kind, $lies, @options) = @_;
	my $name = "lie$next";
	my %option = (timeout => 2, connect_timeout => 2, allow_private => 'true', map { split /=/, $_, 2 } grep { /=/ } @options);
	my $contact = $kind eq 'relay' ? "someone\@$name.example" : sprintf '+2782%03d0001', $next;
	my ($wrapper, $mapping) = $kind eq 'relay' ? ('smtp', "username 'choir', password '$secret{'the relay password'}'") : (delete $option{kind} // 'http', "bearer_token '$secret{'the gateway token'}'");
	my $wait = delete $option{wait} // 1;

	if ($kind eq 'relay')
	{
		%option = (url => $server->{smtp}, sender => 'Choir <choir@example.com>', prefixes => "$name.example", %option);
		set_rules($server, smtp => { users => { choir => $secret{'the relay password'} }, ref $lies eq 'HASH' ? %$lies : (rules => $lies) }, http => {});
	}
	else
	{
		%option = ($wrapper eq 'http' ? (channel => 'MOBILE', url => "$server->{http}/$name", id_path => 'id', code_path => 'code', text_path => 'text') : (base_url => "$server->{http}/$name"),
			prefixes => substr($contact, 0, 8), %option);
		$mapping = "username 'choir', password '$secret{'the gateway token'}'" if $wrapper ne 'http';
		set_rules($server, http => { rules => [ { match => $name, replies => $lies } ] }, smtp => {});
	}
	super("CREATE SERVER $name FOREIGN DATA WRAPPER group_api_$wrapper OPTIONS (" . join(', ', map { "$_ " . quoted($option{$_}) } sort keys %option) . ')');
	super("CREATE USER MAPPING FOR PUBLIC SERVER $name OPTIONS ($mapping)");
	my $group = as_json({ results => [ { rows => super('SELECT group_api.create_group(' . body(members => [$contact]) . ')') } ] })->{group}{id};
	my $end = time + $PATIENCE;
	# A second message of somebody else leaves while this one is lied about.
	push @{ $case->{held} }, next_message($case, 'while the provider lies');
	my $state;
	do
	{
		$state = super("SELECT i.delivery, (SELECT count(*) FROM group_api_private.attempts a WHERE a.group_id = i.group_id) > 0 OR EXISTS (SELECT FROM group_api_private.pauses WHERE server = '$name') FROM group_api_private.invitations i WHERE group_id = '$group'")->[0];
		sleep 0.02;
	} until (time > $end || $state->[0] =~ /^(?:sent|failed|delivered|uncertain|suppressed|canceled)$/ || $state->[1] eq 't' && $wait);
	$case->{delivery} = $state->[0];
	my $courier = cell('SELECT courier_pid FROM group_api_private.dispatcher_state()') // 0;
	my $told = super("SELECT group_api.get_group('$group')");
	my $tries = super("SELECT a.outcome, a.code, a.detail FROM group_api_private.attempts a WHERE group_id = '$group' UNION ALL SELECT 'paused', NULL, reason FROM group_api_private.pauses WHERE server = '$name'");
	$case->{detail} = join '; ', map { join ' ', grep { defined } @$_ } @$tries;
	super("DROP SERVER $name CASCADE");
	super("SELECT group_api.delete_group('$group')");
	calm_providers();
	return { results => [ { rows => $tries }, { rows => $told } ], peak => peak_of($courier), said => [] };
}

sub peak_of
{
	my ($process) = @_;
	open(my $file, '<', "/proc/$process/status") or return 0;
	local $/;
	return (<$file> // '') =~ /VmHWM:\s+(\d+)/ ? $1 : 0;
}

1;
