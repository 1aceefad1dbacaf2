package Invitations;

=pod

=head1 NAME

Invitations - groups, people and providers for the tests of server life

=cut

use strict;
use warnings;

use Exporter 'import';
use GroupApiTest qw(:DEFAULT is_alive);
use IPC::Run ();
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(
  invite group_body mail_address sa_number german_number uk_number
  add_mail add_sms add_twilio
  deliveries delivery_of all_are group_of member_of
  dispatcher wait_for_dispatcher courier_pid is_alive cpu_of
  recipients mail_recipients sms_recipients twice
  psql_in_background keep_clear_of_midnight
);

our $ACCOUNT = 'AC' . '0123456789abcdef' x 2;

# ---- people ------------------------------------------------------------------

sub mail_address { return sprintf '%s%05d@example.com', $_[1] // 'mail', $_[0]; }
sub sa_number { return sprintf '+2782%07d', $_[0]; }
sub german_number { return sprintf '+49151%08d', $_[0]; }
sub uk_number { return sprintf '+447400%06d', $_[0]; }

=head2 group_body(CONTACT...)

The body of create_group for these contacts, quoted for SQL. A hash in front
replaces fields of the group.

=cut

sub group_body
{
	my (@contacts) = @_;
	my $fields = ref $contacts[0] ? shift @contacts : {};
	my $body = to_json({
		productId => '00000000-0000-0000-0000-000000000001',
		name => 'Choir', description => 'We sing',
		image => 'https://example.com/choir.png', message => 'Come and sing',
		members => [
			map { {
				nickName => "Person $_",
				contact => { type => /@/ ? 'EMAIL' : 'MOBILE', value => $_ }
			} } @contacts
		],
		%$fields
	});

	$body =~ s/'/''/g;
	return "'$body'::jsonb";
}

=head2 invite(NODE, [DATABASE], CONTACT...)

Creates a group with these people and returns its id. DATABASE is given as a
reference to its name.

=cut

sub invite
{
	my ($node, @rest) = @_;
	my $database = ref $rest[0] eq 'SCALAR' ? ${ shift @rest } : 'postgres';
	my $answer = $node->safe_psql($database,
		'SELECT group_api.create_group(' . group_body(@rest) . ')');

	return from_json($answer)->{group}{id};
}

# ---- providers -----------------------------------------------------------------

sub options_text
{
	my (%options) = @_;
	return join ', ', map { "$_ '$options{$_}'" } sort keys %options;
}

sub add_provider
{
	my ($node, $database, $name, $kind, %options) = @_;

	$node->safe_psql($database, "CREATE SERVER $name FOREIGN DATA WRAPPER group_api_$kind OPTIONS ("
		. options_text(%options) . ')');
	return;
}

=head2 add_mail(NODE, URL, [OPTION => VALUE]...), add_sms, add_twilio

A provider called mail, sms or twilio in the database postgres; the options
C<name> and C<database> say otherwise.

=cut

sub add_mail
{
	my ($node, $url, %options) = @_;
	add_provider($node, delete $options{database} // 'postgres', delete $options{name} // 'mail',
		'smtp', url => $url, sender => 'Choir <choir@example.com>', %options);
	return;
}

sub add_sms
{
	my ($node, $url, %options) = @_;
	add_provider($node, delete $options{database} // 'postgres', delete $options{name} // 'sms',
		'http', url => $url, channel => 'MOBILE', %options);
	return;
}

sub add_twilio
{
	my ($node, $url, %options) = @_;
	my $name = delete $options{name} // 'twilio';
	my $database = delete $options{database} // 'postgres';

	add_provider($node, $database, $name, 'twilio', account_sid => $ACCOUNT,
		sender => '+15005550006', base_url => $url, %options);
	$node->safe_psql($database, "CREATE USER MAPPING FOR PUBLIC SERVER $name OPTIONS (password 'token')");
	return;
}

# ---- what became of them ---------------------------------------------------------

=head2 deliveries(NODE, [DATABASE])

How many invitations are in each state: {sent => 3, queued => 1}.

=cut

sub deliveries
{
	my ($node, $database) = @_;
	my $rows = $node->safe_psql($database // 'postgres',
		'SELECT delivery, count(*) FROM group_api_private.invitations WHERE delivery IS NOT NULL GROUP BY 1');

	return { map { split /\|/ } split /\n/, $rows };
}

# {delivery, reason, attempts, response, server} of the last invitation to a contact
sub delivery_of
{
	my ($node, $contact, $database) = @_;
	my $row = $node->safe_psql($database // 'postgres', "SELECT row_to_json(i) FROM (SELECT delivery, reason,
		attempts, response, server, message_id FROM group_api_private.invitations
		WHERE contact = '$contact' ORDER BY group_id DESC LIMIT 1) i");

	return $row eq '' ? {} : from_json($row);
}

sub all_are
{
	my ($node, $state, $what, %options) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return poll_until(sub {
		my $states = deliveries($node, $options{database});
		return keys %$states == 1 && $states->{$state};
	}, $what, $options{seconds})
	  || diag(explain(eval { deliveries($node, $options{database}) }));
}

sub group_of
{
	my ($node, $id, $database) = @_;
	return from_json($node->safe_psql($database // 'postgres', "SELECT group_api.get_group('$id')"))->{group};
}

# The first member of a group who is not its leader.
sub member_of
{
	return (grep { !$_->{isLeader} } @{ group_of(@_)->{members} })[0];
}

# ---- processes ---------------------------------------------------------------------

# {pid, state, reason, courier_pid, turns, claimed, recorded}
sub dispatcher
{
	my ($node, $database) = @_;
	return from_json($node->safe_psql($database // 'postgres',
		'SELECT row_to_json(s) FROM group_api_private.dispatcher_state() s'));
}

sub wait_for_dispatcher
{
	my ($node, $what, %options) = @_;
	my $found;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	poll_until(sub {
		$found = dispatcher($node, $options{database});
		return $found->{pid} && $found->{state} eq 'running'
		  && (!$options{not} || $found->{pid} != $options{not});
	}, $what, $options{seconds});
	return $found;
}

# Of a dispatcher that has work; 0 when there is none.
sub courier_pid
{
	my ($node, $database) = @_;
	return eval { dispatcher($node, $database)->{courier_pid} } // 0;
}

# User and system time of processes, in clock ticks.
sub cpu_of
{
	my $sum = 0;
	for my $pid (@_)
	{
		open(my $file, '<', "/proc/$pid/stat") or next;
		my $line = <$file> // next;
		my @fields = split ' ', $line =~ s/^.*\) //r;
		$sum += $fields[11] + $fields[12];
	}
	return $sum;
}

=head2 psql_in_background(NODE, SQL, [DATABASE])

A session that runs SQL and stays; {finish} ends it. Returns once SQL is done.

=cut

sub psql_in_background
{
	my ($node, $sql, $database) = @_;
	my ($in, $out, $error) = ("$sql\n\\echo ready\n", '', '');
	my $run = IPC::Run::start(
		[ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database // 'postgres') ],
		'<', \$in, '>', \$out, '2>', \$error, IPC::Run::timeout(5 * $GroupApiTest::PATIENCE));

	$run->pump until $out =~ /^ready$/m || $error =~ /ERROR|FATAL/;
	die $error if $error =~ /ERROR|FATAL/;
	return {
		say => sub { $in .= "$_[0]\n\\echo done\n"; $out = ''; $run->pump until $out =~ /^done$/m || $error ne ''; return $out; },
		finish => sub { $in .= "\\q\n"; eval { $run->finish }; return $out; },
		output => sub { return $out; }
	};
}

# What counts days (UTC) must not run into the next one.
sub keep_clear_of_midnight
{
	my $left = 86400 - time % 86400;

	sleep $left + 1 if $left < 180;
	return;
}

# ---- what arrived -------------------------------------------------------------------

# Who got mail from a script server or aiosmtpd, in the order of arrival.
sub mail_recipients
{
	my ($server) = @_;
	return map { @{ $_->{recipients} } } read_log($server, 'message');
}

# Who a gateway was asked to send to: the fields "to" of JSON, "To" of a form.
sub sms_recipients
{
	my ($server) = @_;
	return map { recipient_of($_->{body}) } grep { defined $_->{body} } read_log($server);
}

# Who polls asks for the same ones again and again.
my %recipient;

sub recipient_of
{
	my ($body) = @_;
	return $recipient{$body} //= $body =~ /^\{/ ? from_json($body)->{to} : $body =~ /(?:^|&)To=([^&]*)/ ? $1 =~ s/%2B/+/ir : '';
}

sub recipients
{
	my ($server) = @_;
	return $server->{smtp} ? mail_recipients($server) : sms_recipients($server);
}

# Those that occur more than once: {name => times}.
sub twice
{
	my %count;
	$count{$_}++ for @_;
	return { map { $count{$_} > 1 ? ($_ => $count{$_}) : () } keys %count };
}

1;
