# Every SQL function of the extension, however it is called: the answers of
# several rows of one statement, of a loop in PL/pgSQL and of PQfn are those of
# single statements, also where arguments are null, and nothing crashes. A right
# that was taken away is gone by every way in.
#
# The functions are those that the catalog names, so that the next one is looked
# at as well; the test fails where it has no argument of a type.
use strict;
use warnings;
use feature 'state';

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Encode ();
use IO::Handle;
use IPC::Open2 qw(open2);
use PostgreSQL::Test::Utils;
use Test::More;

my $library = qx($ENV{PG_CONFIG} --libdir 2>/dev/null) || '';
chomp($library);
my ($libpq) = grep { -e } "$library/libpq.so.5", glob('/usr/lib/*/libpq.so.5 /usr/lib/libpq.so.5');
plan skip_all => 'skipped: libpq not found' unless $libpq;

# Nothing is sent, so that nothing moves on its own.
my $node = new_node('main', conf => "group_api.dispatch = off\ngroup_api.dispatcher_idle_timeout = -1\ngroup_api.resend_cooldown = 0");

# ---- a session ---------------------------------------------------------------

my $session = open2(my $said_by, my $told_to, '/usr/bin/python3', "$FindBin::RealBin/lib/bound_calls.py", $libpq, $node->connstr('postgres'));
$told_to->autoflush;

# A statement, or the id of a function and its arguments.
sub ask
{
	my ($what, @parameters) = @_;
	print $told_to to_json([ $what, \@parameters ]) . "\n";
	my $line = <$said_by>;
	die 'the session ended' unless defined $line;
	return from_json($line);
}

sub value_of { my $answer = ask(@_); die "$_[0]: $answer->{error}" if $answer->{error}; return $answer->{rows}[0][0]; }

# "42501: permission denied"
sub error_of { return $_[0]{error} && $_[0]{error} =~ /^(?:ERROR|FATAL):\s+(.*)$/m ? $1 : $_[0]{error}; }

# ---- what they are called with -------------------------------------------------

my $contacts = join ', ', map { qq({"nickName": "Person $_", "contact": {"type": "EMAIL", "value": "p$_\@example.com"}}) } 1 .. 2;
my $body_a = qq({"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "name": "Choir", "description": "We sing",
	"image": "https://example.com/choir.png", "message": "Come", "members": [$contacts]});
my $claims = q({"sub": "ann", "name": "Ann"});

$node->safe_psql('postgres', q(
	CREATE SERVER sms FOREIGN DATA WRAPPER group_api_http OPTIONS (channel 'MOBILE', url 'http://127.0.0.1:9/', callback_url 'https://example.com/receipt');
	CREATE ROLE app; CREATE ROLE stranger;
	SELECT group_api.grant_access('app', 'operator'); GRANT USAGE ON SCHEMA group_api_private TO app;
	GRANT USAGE ON SCHEMA group_api, group_api_v2, group_api_private TO stranger;));
my $as_ann = "SELECT set_config('request.method', 'POST', false), set_config('request.jwt.claims', '$claims', false);";
my $group_a = from_json($node->safe_psql('postgres', "$as_ann SELECT group_api.create_group('$body_a'::jsonb)") =~ s/^.*\n//r)->{group}{id};
my $other = $node->safe_psql('postgres', "SELECT group_api.put_user('bob', real_name => 'Bob')");
my $group_b = from_json($node->safe_psql('postgres', "$as_ann SELECT group_api_v2.create_group('{\"name\": \"Dancers\"}'::jsonb)") =~ s/^.*\n//r)->{id};

my %body = (
	'group_api.create_group' => $body_a,
	'group_api_v2.create_group' => '{"name": "Singers", "description": "We sing too"}',
	'group_api_v2.put_group' => '{"name": "Dancers", "description": "anew"}',
	'group_api_v2.patch_group' => '{"description": "hello"}',
	'group_api_v2.delete_group' => '{}',
	'group_api_v2.invite_users' => qq({"users": [$other]}),
	'group_api_v2.withdraw_invitations' => qq({"users": [$other]}),
	'group_api_v2.subscribe' => qq({"users": [$other]}),
	'group_api_v2.unsubscribe' => qq({"user": $other}),
	'group_api.receive_receipt' => 'server=sms&status=failed',
);
my %of_name = (action => 'retry_failed', locale => 'en', level => 'caller', server => 'sms', contact => 'a@example.com', channel => 'EMAIL',
	email => 'a@example.com', mobile => '+27701231234', timeout => '0 s', role => 'stranger', subject => 'carol',
	body => 'Come, {link}', mail => 'To: x', search => 'Dan', "user" => $other, user_id => $other, avatar => 'https://example.com/a.png', limit => '5', offset => '0');
my %of_type = (uuid => $group_a, bigint => $group_b, integer => '2', text => 'x', jsonb => '{}', json => '{}', bytea => 'x', name => 'sms',
	'bigint[]' => "{$other}", interval => '0 s', 'group_api.channel' => 'EMAIL', regrole => 'stranger', 'text[]' => '{}', oid => '0', boolean => 'false',
	'timestamp with time zone' => '2026-01-01 00:00:00+00');

my @all = map {
	my ($oid, $name, $result, $is_set, $types, $names, $is_variadic, $is_procedure) = @$_;
	my @types = split /\|/, $types;
	my @names = split /\|/, $names, -1;
	my @samples = map {
		my $unnamed = ($names[$_] // '') eq '';
		@types == 1 && $unnamed && exists $body{$name} ? $body{$name}
		  : $types[$_] =~ /^jsonb?$/ && exists $body{$name} && !$unnamed && $names[$_] eq 'body' ? $body{$name}
		  : !$unnamed && exists $of_name{ $names[$_] } && $types[$_] !~ /^(uuid|jsonb?)$/ ? $of_name{ $names[$_] }
		  : $of_type{ $types[$_] };
	} 0 .. $#types;
	{ oid => $oid + 0, name => $name, result => $result // '', is_set => $is_set eq 't', types => \@types, samples => \@samples,
		is_variadic => $is_variadic eq 't', is_procedure => $is_procedure eq 't',
		signature => "$name(" . join(', ', @types) . ')' }
} @{ ask(q(SELECT p.oid, p.pronamespace::regnamespace || '.' || p.proname, p.prorettype::regtype, p.proretset,
	coalesce((SELECT string_agg(t::regtype::text, '|' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, n)), ''),
	coalesce(array_to_string(p.proargnames[1:p.pronargs], '|'), ''), p.provariadic <> 0, p.prokind = 'p'
	FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
	WHERE e.extname = 'group_api' ORDER BY 2, 5))->{rows} };
my @functions = grep { !$_->{is_procedure} } @all;
my @procedures = grep { $_->{is_procedure} } @all;
cmp_ok(scalar(@functions), '>=', 100, 'the functions of the extension were found');
is_deeply([ map { my $f = $_; map { $f->{signature} } grep { !defined } @{ $f->{samples} } } @all ], [], 'there is an argument of each type');

sub literal
{
	my ($value, $type) = @_;
	return "NULL::$type" unless defined $value;
	return "convert_to(\$q\$$value\$q\$, 'UTF8')" if $type eq 'bytea';
	return "\$q\$$value\$q\$::$type";
}

# A set counts as one value.
sub call_of
{
	my ($function, @arguments) = @_;
	$arguments[-1] = "VARIADIC $arguments[-1]" if $function->{is_variadic};
	my $call = "$function->{name}(" . join(', ', @arguments) . ')';
	return $function->{is_set} ? "(SELECT string_agg(one::text, '|') FROM $call one)" : $call;
}

# ---- the ways to call ------------------------------------------------------------

my $ROWS = 3;
my $STATUS = q( || ' ' || coalesce(current_setting('response.status', true), ''));

sub begin
{
	my ($is_http) = @_;
	ask('ROLLBACK');
	ask('BEGIN');
	ask(q(SELECT set_config('client_min_messages', 'error', false), set_config('response.status', '', true)))
	  unless $is_http;
	ask(q(SELECT set_config('response.status', '', true), set_config('request.method', 'POST', true), set_config('request.headers', $1, true),
		set_config('request.jwt.claims', $2, true)), qq({"x-group-id": "$group_b"}), $claims) if $is_http;
	return;
}

# A value as the server sends it in binary form, in hexadecimal.
sub sent
{
	my ($literal, $type) = @_;
	state %sends;
	$sends{$type} //= value_of(q(SELECT typsend FROM pg_type WHERE oid = $1::regtype), $type);
	return value_of("SELECT encode($sends{$type}($literal), 'hex')");
}

# What differs from one moment to the next is made alike.
sub normal
{
	my ($function, $text) = @_;
	return 'null' unless defined $text;
	$text =~ s/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/UUID/g;
	$text =~ s/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+\d\d(:\d\d)?)?/TIME/g;
	$text =~ s/\d{1,2}\.? \S+ \d{4}, \d\d:\d\d/TIME/g;
	$text =~ s/("id"\s*:\s*)\d+/$1ID/g;
	$text =~ s/\buser( ?)\d+\b/user$1N/g;
	$text =~ s/("elapsed\w*"\s*:\s*)[\d.]+/$1N/g;
	$text =~ s/\b\d\d:\d\d:\d\d\b/AGE/g if $function->{name} =~ /\.status_(?:figures|page)$/;
	$text =~ s/\b\d+\b/N/g if $function->{name} =~ /\.(put_user|dispatcher_state)$/;
	return $text;
}

# As many answers as rows, or fewer and an error.
sub answers
{
	my ($function, $answer) = @_;
	return [ error_of($answer) ] if $answer->{error};
	return [ map { normal($function, $_->[0]) } @{ $answer->{rows} } ];
}

sub singly
{
	my ($function, $call, $is_http) = @_;
	my @answers;
	begin($is_http);
	for (1 .. $ROWS)
	{
		my $answer = ask("SELECT coalesce($call\::text, 'null')$STATUS");
		push @answers, @{ answers($function, $answer) };
		# The first error of several rows is all that one statement says.
		return [ $answers[-1] ] if $answer->{error};
	}
	return \@answers;
}

my $FILLER = "length(repeat(chr(1), (i - 1) * 2000))";

my %ways = (
	'rows and constants' => sub {
		my ($function, $call) = @_;
		my $answer = ask("SELECT $FILLER, $FILLER, $FILLER, coalesce($call\::text, 'null')$STATUS FROM generate_series(1, $ROWS) i
			WHERE length(repeat(chr(2), i * 3000)) > 0");
		shift @$_, shift @$_, shift @$_ for @{ $answer->{rows} // [] };
		return $answer;
	},
	'rows and columns' => sub {
		my ($function, undef, @literals) = @_;
		my $columns = join '', map { ", CASE WHEN i > 0 THEN $literals[$_] END AS a$_" } 0 .. $#literals;
		my $call = call_of($function, map { "a$_" } 0 .. $#literals);
		return ask("SELECT coalesce($call\::text, 'null')$STATUS, $FILLER FROM (SELECT i$columns FROM generate_series(1, $ROWS) i OFFSET 0) s");
	},
	'a loop' => sub {
		my ($function, $call, @literals) = @_;
		my $declared = join '', map { " a$_ $function->{types}[$_] := $literals[$_];" } 0 .. $#literals;
		my $variables = call_of($function, map { "a$_" } 0 .. $#literals);
		ask("CREATE OR REPLACE FUNCTION pg_temp.looped() RETURNS SETOF text LANGUAGE plpgsql AS \$looped\$ DECLARE x text;$declared BEGIN
			FOR i IN 1 .. $ROWS LOOP
				IF i <> 2 THEN x := $call; ELSE x := $variables; END IF;
				PERFORM repeat('x', i * 5000);
				RETURN NEXT coalesce(x, 'null')$STATUS; END LOOP; END \$looped\$");
		return ask('SELECT * FROM pg_temp.looped()');
	},
);

# The binary form of a result as text.
sub as_text
{
	my ($function, $hex) = @_;
	my $type = $function->{result};
	return 'null' unless defined $hex;
	return $hex eq '01' ? 'true' : 'false' if $type eq 'boolean';
	return unpack 'q>', pack 'H*', $hex if $type eq 'bigint';
	return unpack 'l>', pack 'H*', $hex if $type eq 'integer';
	return unpack 's>', pack 'H*', $hex if $type eq 'smallint';
	return "\\x$hex" if $type =~ m{\*/\*|bytea};
	return Encode::decode('UTF-8', pack 'H*', $hex);
}

sub by_fast_path
{
	my ($function, @literals) = @_;
	my @arguments = map { sent($literals[$_], $function->{types}[$_]) } 0 .. $#literals;
	my @answers;
	for (1 .. $ROWS)
	{
		my $answer = ask($function->{oid}, @arguments);
		return [ error_of($answer) ] if $answer->{error};
		push @answers, normal($function, as_text($function, $answer->{rows}[0][0]) . ' ' . (value_of(q(SELECT current_setting('response.status', true))) // ''));
	}
	return \@answers;
}

# ---- every function by every way -----------------------------------------------------

sub call_every_way
{
	my ($function, $is_http, $what, @values) = @_;
	my @literals = map { literal($values[$_], $function->{types}[$_]) } 0 .. $#values;
	my $call = call_of($function, @literals);
	my $expected = singly($function, $call, $is_http);
	my @differing;

	for my $way (sort keys %ways)
	{
		begin($is_http);
		my $answers = answers($function, $ways{$way}->($function, $call, @literals));
		push @differing, "$way: " . to_json([ $answers, $expected ]) unless eq_array($answers, $expected);
	}
	# PQfn takes no sets, and what a record or an array is made of is no text.
	if (!$function->{is_set} && $function->{result} ne 'record' && $function->{result} !~ /\[\]$/)
	{
		begin($is_http);
		my $answers = by_fast_path($function, @literals);
		push @differing, 'PQfn: ' . to_json([ $answers, $expected ]) unless eq_array($answers, $expected);
	}
	is_deeply(\@differing, [], "$function->{signature}, $what" . ($is_http ? ' over HTTP' : ''));
	return $expected;
}

my %said;
for my $function (@functions)
{
	my @samples = @{ $function->{samples} };
	if ($function->{result} eq 'trigger')
	{
		isnt(error_of(ask("SELECT $function->{name}()")), undef, "$function->{signature} is for triggers alone");
		isnt(error_of(ask($function->{oid})), undef, 'also by PQfn');
		next;
	}
	for my $is_http (0, 1)
	{
		$said{ $function->{signature} }[$is_http] = call_every_way($function, $is_http, 'as it is meant', @samples);
		call_every_way($function, $is_http, 'with nulls alone', (undef) x @samples) if @samples;
		next if @samples < 2 || $is_http;
		for my $at (0 .. $#samples)
		{
			call_every_way($function, $is_http, 'with a null at ' . ($at + 1), map { $_ == $at ? undef : $samples[$_] } 0 .. $#samples);
		}
	}
}
ask('ROLLBACK');

# A procedure ends transactions, so that it is called outside of one. It has no result, is no expression and no statement to prepare.
for my $procedure (@procedures)
{
	my @samples = @{ $procedure->{samples} };
	my $answer_to = sub { my $answer = ask($_[0]); return error_of($answer) // $answer->{rows}; };
	my $given = sub { my @values = @_; return join ', ', map { literal($values[$_], $procedure->{types}[$_]) } 0 .. $#values; };

	for my $null_at (undef, 0 .. $#samples, 'all')
	{
		my $arguments = $given->(map { defined $null_at && ($null_at eq 'all' || $null_at == $_) ? undef : $samples[$_] } 0 .. $#samples);
		my $call = "CALL $procedure->{name}($arguments)";
		my $once = $answer_to->($call);
		my $looped = $answer_to->("DO \$looped\$ BEGIN FOR i IN 1 .. $ROWS LOOP $call; PERFORM repeat('x', i * 5000); END LOOP; END \$looped\$");
		is_deeply([ $answer_to->($call), $looped ], [ $once, $once ], "$procedure->{signature}, " . (defined $null_at ? "nulls: $null_at" : 'as it is meant'));
		is_deeply($once, [], 'does its work') unless defined $null_at;
	}
	like(error_of(ask("SELECT $procedure->{name}(" . $given->(@samples) . ')')), qr/^42809: /, 'it is no expression');
	like(error_of(ask($procedure->{oid}, map { sent(literal($samples[$_], $procedure->{types}[$_]), $procedure->{types}[$_]) } 0 .. $#samples)), qr/^0A000: /, 'nor for PQfn');
	for my $statement (map { ($_, "DO \$done\$ BEGIN $_; END \$done\$") } "CALL $procedure->{name}(" . $given->(@samples) . ')')
	{
		ask('SET ROLE stranger');
		like(error_of(ask($statement)), qr/^42501: permission denied for procedure/, "who has no right may not call it: $statement");
		ask('RESET ROLE');
	}
}

# That those answers are what they should be, and not the same fault each time.
my $http = sub { return $said{ $_[0] }[1]; };
for my $type (qw(jsonb text bytea))
{
	like($http->("group_api_v2.patch_group($type)")->[$_], qr/"description"\s*:\s*"hello".* 200$/s, "patch_group($type) answers each row") for 0 .. 2;
	like($http->("group_api_v2.put_group($type)")->[2], qr/"description"\s*:\s*"anew".* 200$/s, "put_group($type) answers each row");
	is_deeply($http->("group_api_v2.$_($type)"), [ ('null 204') x 3 ], "$_($type) answers each row") for qw(invite_users withdraw_invitations subscribe unsubscribe);
	like($http->("group_api.create_group($type)")->[2], qr/"Choir".* 201$/s, "create_group($type) answers each row");
}
is($http->('group_api_v2.delete_group(bytea)')->[0], 'null 204', 'a group is deleted');
like($http->('group_api_v2.delete_group(bytea)')->[1], qr/not_found.* 404$/s, 'once');

# ---- rights ------------------------------------------------------------------------

# Functions of one name are one right, but for a provider's callback with all its
# parts as arguments, which not everybody may call.
my %family;
push @{ $family{ $_->{name} } }, $_ for grep { $_->{signature} !~ /receive_receipt\(name/ } @functions;

sub calls_by
{
	my ($role, $function) = @_;
	my @literals = map { literal($function->{samples}[$_], $function->{types}[$_]) } 0 .. $#{ $function->{samples} };
	my @arguments = map { sent($literals[$_], $function->{types}[$_]) } 0 .. $#literals;
	my $call = call_of($function, @literals);
	my %answers;

	for my $way ('a statement', 'PQfn', 'a prepared statement')
	{
		begin(1);
		ask("PREPARE call AS SELECT $call") if $way eq 'a prepared statement';
		ask("SET LOCAL ROLE $role");
		$answers{$way} = error_of($way eq 'PQfn' ? ask($function->{oid}, @arguments) : ask($way eq 'a statement' ? "SELECT $call" : 'EXECUTE call')) // 'done';
		ask('ROLLBACK');
		ask('DEALLOCATE call') if $way eq 'a prepared statement';
	}
	return \%answers;
}

for my $name (sort keys %family)
{
	my @members = @{ $family{$name} };
	next if @members < 2;
	for my $taken (@members)
	{
		$node->safe_psql('postgres', "REVOKE EXECUTE ON FUNCTION $taken->{signature} FROM app");
		for my $called (@members)
		{
			my $answers = calls_by('app', $called);
			is_deeply([ grep { $answers->{$_} !~ /^42501: permission denied for function/ } sort keys %$answers ], [],
				"who lost $taken->{signature} may not call $called->{signature}") or diag(explain($answers));
		}
		$node->safe_psql('postgres', "GRANT EXECUTE ON FUNCTION $taken->{signature} TO app");
	}
}

# Of others, nothing is asked.
$node->safe_psql('postgres', q(CREATE FUNCTION group_api.create_group(integer) RETURNS json LANGUAGE sql RETURN NULL::json;
	CREATE FUNCTION public.create_group(jsonb) RETURNS json LANGUAGE sql RETURN NULL::json;
	REVOKE ALL ON FUNCTION group_api.create_group(integer), public.create_group(jsonb) FROM PUBLIC));
for my $function (@{ $family{'group_api.create_group'} })
{
	is_deeply([ sort { $a cmp $b } values %{ calls_by('app', $function) } ], [ ('done') x 3 ], "$function->{signature} asks nothing of a function that is not the extension's");
}
for my $function (grep { $_->{result} ne 'trigger' } @functions)
{
	my $answers = calls_by('stranger', $function);
	is_deeply([ grep { $answers->{$_} !~ /^42501: permission denied/ && !($function->{is_set} && $_ eq 'PQfn') } sort keys %$answers ], [],
		"who has no right may not call $function->{signature}") or diag(explain($answers));
}

# A statement prepared for one is carried out for the other as the other.
begin(0);
ask(qq(PREPARE call AS SELECT group_api.create_group(\$q\$$body_a\$q\$::jsonb)));
my @leaders = map { ask("SET LOCAL ROLE $_"); from_json(value_of('EXECUTE call'))->{group}{members}[0]{name} } qw(postgres app postgres);
is_deeply([ $leaders[0] eq $leaders[2], $leaders[0] eq $leaders[1] ], [ !!1, !!0 ], 'a prepared statement speaks for the role that goes on with it');
ask('ROLLBACK');

# ---- the end -------------------------------------------------------------------------

is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server is there');
unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC:|TRAP:/, 'no process of it ended by a signal');
close $told_to;
waitpid $session, 0;
$node->stop;
done_testing();
