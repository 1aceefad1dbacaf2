# What the dispatcher sends is what a preview showed, in the languages and the
# words of the moment, and an independent reader of mails understands it.
use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/lib";
use GroupApiTest;
use Invitations;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main');
my $next = 0;

$node->safe_psql('postgres', "CREATE SERVER sms FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE');
	CREATE SERVER mail FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL', sender 'Groups <groups\@example.com>')");

sub json_of { return from_json($node->safe_psql('postgres', "SET client_min_messages = warning; $_[0]")); }

# A group of one member; its preview and what was captured for it.
sub sent_to
{
	my ($contact, $claims) = @_;
	my $body = group_body({ name => 'Café „Zur Ähre“ <b>', message => "Line one\n<i>two</i> & more" }, $contact);
	my $set = $claims ? "SET request.jwt.claims = '" . to_json($claims) . "';" : '';
	my $id = $node->safe_psql('postgres', "$set SELECT group_api.create_group($body) #>> '{group,id}'");
	my $shown = json_of("SELECT group_api.preview_invitation('$id', 2)")->{preview}{messages}[0];
	my $sent;

	poll_until(
		sub {
			$sent = json_of("SELECT coalesce(json_agg(message), '[]') FROM group_api.captured WHERE group_id = '$id'")->[0];
		},
		"a message for $contact leaves");
	return ($shown, $sent);
}

# The mail as Python's email package reads it.
sub parse_mail
{
	my $program = 'import email, email.policy, json, sys
m = email.message_from_string(json.load(sys.stdin), policy=email.policy.SMTP)
part = lambda kind: (m.get_body((kind,)) or m).get_content().replace("\r\n", "\n") if m.get_body((kind,)) else None
print(json.dumps({"subject": m["subject"], "language": m["content-language"], "to": m["to"],
    "text": part("plain"), "html": part("html"), "defects": [str(d) for p in m.walk() for d in p.defects]}))';
	my ($out, $err);

	IPC::Run::run([ '/usr/bin/python3', '-c', $program ], '<', \to_json($_[0]), '>', \$out, '2>', \$err)
	  or die "python3: $err";
	return from_json($out);
}

# The same but for the token, which is as long.
sub is_shown
{
	my ($sent, $shown, $what) = @_;
	my ($token) = $sent =~ /token=([\w-]+)/;
	my ($dummy) = $shown =~ /token=([\w-]+)/;

	isnt($token, $dummy, "$what: the real link is another");
	is(length $token, length $dummy, "$what: and as long");
	$sent =~ s/\Q$token\E/$dummy/g;
	is($sent, $shown, "$what is as the preview showed it");
}

sub check_sms
{
	my ($locale, $expected, $what) = @_;
	my ($shown, $sent) = sent_to(sa_number(++$next), { sub => "sms $next", name => 'Zoë', locale => $locale });

	is_shown($sent, $shown->{text}, $what);
	like($sent, $expected, "$what has its words");
}

sub check_mail
{
	my ($locale, $language, $what) = @_;
	my ($shown, $sent) = sent_to(mail_address(++$next), { sub => "mail $next", name => 'Zoë', locale => $locale });
	my $mail = parse_mail($sent);

	is_deeply($mail->{defects}, [], "$what is well-formed");
	is($mail->{language}, $language, "$what is marked as $language");
	is($mail->{subject}, $shown->{subject}, "the subject of $what is as the preview showed it");
	is_shown($mail->{text}, $shown->{text}, "the text of $what");
	is_shown($mail->{html}, $shown->{html}, "the HTML of $what") if $shown->{html};
	return $mail;
}

# ---- the built-in words

check_sms('en', qr/^Zoë invites you to join "Café/, 'an SMS in English');
check_sms('fr-CA', qr/^Zoë vous invite à rejoindre/, 'an SMS in French');
check_mail($_, $_, "a mail in $_") for qw(en es fr de pt);
check_mail('pt_BR', 'pt', 'a mail to Brazil');

# ---- the operator's own

my $session = $node->background_psql('postgres');
$session->query_safe("BEGIN; SELECT group_api.put_template('MOBILE', 'de', 'Eigene {link}')");
check_sms('de', qr/^Zoë lädt dich/, 'before own words are committed an SMS');
$session->query_safe('COMMIT');
poll_until(sub { (sent_to(sa_number(++$next), { sub => 'x', locale => 'de' }))[1] =~ /^Eigene http/ }, 'own words are used from the commit on');
$session->quit;
check_sms('de-AT', qr/^Eigene http/, 'an SMS in own words');
$node->safe_psql('postgres', q{SELECT group_api.put_template('EMAIL', 'pt-BR', E'Oi {member}\n{message}\n{link}\n', 'Convite {group}')});
poll_until(sub { parse_mail((sent_to(mail_address(++$next), { sub => 'y', locale => 'pt-BR' }))[1])->{language} eq 'pt-BR' }, 'a mail is marked as its template');
is(check_mail('pt-BR', 'pt-BR', 'a mail without HTML')->{html}, undef, 'a template without HTML makes a mail of one part');
$node->safe_psql('postgres', "SELECT group_api.remove_template('MOBILE', 'de')");
poll_until(sub { (sent_to(sa_number(++$next), { sub => 'x', locale => 'de' }))[1] =~ /^Du bist/ }, 'removed words are not used any more');
$node->restart;
check_mail('pt-BR', 'pt-BR', 'after a restart a mail');

# ---- docs/templates.md

my $page = slurp_file(GroupApiTest::project_root() . '/docs/templates.md');
for my $sql ($page =~ /^```sql\n(.*?)^```/msg)
{
	my ($promised) = $sql =~ /^-- ERROR:\s+(.*)/m;
	my ($code, $out, $err) = $node->psql('postgres', $sql, on_error_stop => 0);

	$promised ? like($err, qr/ERROR:  \Q$promised\E/, 'the page names the error') : is($err, '', 'the statements of the page run');
	like($out, qr/^\{"messages":\d+,/m, 'totals look as the page says') if $sql =~ /^-- \{"messages"/m;
}
$node->safe_psql('postgres', 'SELECT group_api.remove_template(channel, locale) FROM group_api.templates WHERE source = $$own$$');

# ---- the language of those whose own is not known

$node->append_conf('postgresql.conf', "group_api.default_locale = 'es-MX'");
$node->reload;
poll_until(sub { (sent_to(sa_number(++$next)))[1] =~ /^Te invitan/ }, 'group_api.default_locale is that of the rest');
like($node->safe_psql('postgres', "SELECT group_api.invitation_page('x')"), qr/<html lang="es"/, 'and that of a page whose reader asks for none');
check_sms('it', qr/^Zoë te invita/, 'where the language is not ours an SMS');
for my $bad ('', 'english', 'e', 'en;x', 'en US')
{
	my ($code, $out, $err) = $node->psql('postgres', "ALTER SYSTEM SET group_api.default_locale = '$bad'");
	like($err, qr/invalid value for parameter "group_api.default_locale"/, "'$bad' is no language");
}

# A row nobody checked: what is wrong in it is only words.
$node->safe_psql('postgres', "INSERT INTO group_api_private.templates (channel, locale, body) VALUES ('MOBILE', 'ko', '{?inviter}{/}{/}{x}{ {?message}{link}{!image}%s{')");
$node->reload;
poll_until(sub { (sent_to(sa_number(++$next), { sub => 'z', name => 'Z', locale => 'ko' }))[1] =~ m,^\{/\}\{x\}\{ http, }, 'a malformed template breaks nothing');

$node->stop;
done_testing();
