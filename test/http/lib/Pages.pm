package Pages;

=pod

=head1 NAME

Pages - one invitation in each state, for the tests of the pages

=cut

use strict;
use warnings;
use utf8;

use Exporter 'import';
use GroupApiTest;
use Test::More;

our @EXPORT = qw(pages_conf make_states tokens_of unsubscribe_token);

# Links in the shortest form that tells the token from what surrounds it.
sub pages_conf
{
	return "group_api.invitation_url = 'https://example.com/i/{token}'
group_api.unsubscribe_url = 'https://example.com/u/{token}'\n";
}

sub sql_text { my ($text) = @_; $text =~ s/'/''/g; utf8::encode($text) if utf8::is_utf8($text); return "'$text'"; }

=head2 tokens_of(NODE, {group fields}, NAME...)

Invites these people by SMS to one group and returns {NAME => token}.

=cut

my $numbers = 0;

sub tokens_of
{
	my ($node, $fields, @names) = @_;
	my $body = JSON::PP->new->canonical->encode({
		productId => '00000000-0000-0000-0000-000000000001', name => 'Pletnev Super Fans',
		description => 'Pletnev in Amsterdam, Feb 2017', image => 'https://example.com/piano.jpg',
		message => 'Join me at the concert',
		members => [ map { { nickName => $_, contact => { type => 'MOBILE', value => sprintf '+2782%07d', ++$numbers } } } @names ],
		%$fields });
	my $id = from_json($node->safe_psql('postgres', q{SELECT set_config('request.jwt.claims',
		'{"sub": "leader", "name": "Mikhail"}', false) \g /dev/null
		} . 'SELECT group_api.create_group(' . sql_text($body) . ')'))->{group}{id};

	$node->poll_query_until('postgres', "SELECT count(*) = " . @names . " FROM group_api.captured WHERE group_id = '$id'")
	  or die 'the invitations do not go out';
	my $rows = $node->safe_psql('postgres', "SELECT member, substring(message FROM '/i/([A-Za-z0-9_-]+)')
		FROM group_api.captured WHERE group_id = '$id'");
	my %token = map { split /\|/ } split /\n/, $rows;
	return { group => $id, map { $names[$_] => $token{ $_ + 2 } } 0 .. $#names };
}

=head2 make_states(NODE)

{state => token} for every state of an invitation.

=cut

sub make_states
{
	my ($node, $fields) = @_;
	my $of = tokens_of($node, $fields // {}, qw(pending accepted declined revoked expired replaced));
	my $archived = tokens_of($node, { %{ $fields // {} }, name => 'Old friends' }, 'archived');
	my $change = sub {
		my ($number, $set) = @_;
		return "UPDATE group_api_private.invitations SET $set WHERE group_id = '$of->{group}' AND number = $number;";
	};

	$node->safe_psql('postgres', join "\n",
		"SELECT group_api.accept_invitation('$of->{accepted}');",
		"SELECT group_api.decline_invitation('$of->{declined}');",
		$change->(5, "response = 'revoked'"),
		$change->(6, "expires_at = '2016-11-01 05:01:59+00'"),
		$change->(7, 'link_version = 2'),
		"UPDATE group_api_private.groups SET status = 'ARCHIVED' WHERE id = '$archived->{group}'");
	return { %$of, archived => $archived->{archived}, unknown => 'no-such-token' };
}

# The token of the List-Unsubscribe header of a captured mail.
sub unsubscribe_token
{
	my ($node, $address) = @_;
	my $body = to_json({ productId => '00000000-0000-0000-0000-000000000001', name => 'Fans',
		description => 'd', image => 'https://example.com/p.jpg', message => 'm',
		members => [ { nickName => 'Ann', contact => { type => 'EMAIL', value => $address } } ] });
	my $mail;

	$node->safe_psql('postgres', "SELECT group_api.create_group('$body')");
	poll_until(sub {
		$mail = $node->safe_psql('postgres', "SELECT message FROM group_api.captured WHERE recipient = '$address'");
	}, 'a mail is sent');
	like($mail, qr/^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r?$/m, 'it can be unsubscribed by one click');
	return $mail =~ m{^List-Unsubscribe: <https://example\.com/u/([\w-]+)>\r?$}m ? $1 : undef;
}

1;
