/*
 * reply_test.c
 *		What an answer means: tables of replies and the class they get.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/shared/mail_status.h"
#include "courier/smtp/reply.h"
#include "in_range.h"

typedef struct SmtpCase
{
	GaSmtpStage stage;
	int code;
	const char *text;
	GaOutcomeClass outcome;
	uint32_t flags;
	int64_t retry_after_ms;
} SmtpCase;

#define FAULT GA_OUTCOME_PROVIDER_FAULT
#define DEAD GA_OUTCOME_DEAD_CONTACT
#define UNSURE GA_OUTCOME_UNSURE
#define CROWDED GA_OUTCOME_CROWDED
#define QUOTA_MS 3600000

static const SmtpCase smtp_cases[] = {
	/* the recipient */
	{GA_SMTP_RCPT, 550, "5.1.1 no such user", GA_OUTCOME_REJECTED, DEAD, -1},
	{GA_SMTP_RCPT, 550, "5.1.2 no such domain", GA_OUTCOME_REJECTED, DEAD, -1},
	{GA_SMTP_RCPT, 556, "5.1.10 null MX", GA_OUTCOME_REJECTED, DEAD, -1},
	{GA_SMTP_RCPT, 550, "5.2.1 disabled", GA_OUTCOME_REJECTED, DEAD, -1},
	{GA_SMTP_RCPT, 550, "5.1.3 bad address", GA_OUTCOME_REJECTED, DEAD, -1},
	{GA_SMTP_RCPT, 551, "5.1.6 moved", GA_OUTCOME_REJECTED, DEAD, -1},
	{GA_SMTP_FINAL, 550, "5.1.1 no such user", GA_OUTCOME_REJECTED, DEAD, -1},
	{GA_SMTP_DATA, 550, "5.1.1 no such user", GA_OUTCOME_REJECTED, 0, -1},
	{GA_SMTP_RCPT, 450, "4.1.1 not yet", GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_RCPT, 550, "no such user", GA_OUTCOME_REJECTED, 0, -1},
	{GA_SMTP_RCPT, 553, "5.6.7 SMTPUTF8 required", GA_OUTCOME_REJECTED, 0, -1},
	{GA_SMTP_MAIL, 553, "5.6.7 SMTPUTF8 required", GA_OUTCOME_REJECTED, 0, -1},
	{GA_SMTP_RCPT, 550, "5.5.0 mailbox unavailable", GA_OUTCOME_REJECTED,
	 UNSURE, -1},
	{GA_SMTP_RCPT, 550, "5.5.0 Boite du destinataire pleine. OFR_417",
	 GA_OUTCOME_REJECTED, UNSURE, -1},
	{GA_SMTP_RCPT, 550,
	 "5.5.0 Boite du destinataire archivee. Archived recipient",
	 GA_OUTCOME_REJECTED, UNSURE, -1},
	/* the message */
	{GA_SMTP_FINAL, 554, "5.7.1 spam", GA_OUTCOME_REJECTED, UNSURE, -1},
	{GA_SMTP_FINAL, 550, "5.7.1 policy", GA_OUTCOME_REJECTED, UNSURE, -1},
	{GA_SMTP_FINAL, 552, "5.3.4 too big", GA_OUTCOME_REJECTED, 0, -1},
	{GA_SMTP_MAIL, 552, "5.3.4 too big", GA_OUTCOME_REJECTED, 0, -1},
	/* for now */
	{GA_SMTP_RCPT, 450, "4.2.1 busy", GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_RCPT, 452, "4.2.2 full", GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_RCPT, 452, "4.5.3 too many", GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_RCPT, 552, "5.2.2 full", GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_FINAL, 552, "full", GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_RCPT, 451, "local error", GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_RCPT, 550, "4.2.2 the enhanced code wins", GA_OUTCOME_RETRY, 0,
	 -1},
	{GA_SMTP_RCPT, 450, "4.7.1 try again", GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_RCPT, 451, "4.7.1 try again", GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_RCPT, 450, "Greylisted, see http://x", GA_OUTCOME_RETRY, 0, -1},
	/* the relay */
	{GA_SMTP_MAIL, 421, "4.4.2 idle", GA_OUTCOME_RETRY, FAULT, -1},
	{GA_SMTP_FINAL, 421, "going down", GA_OUTCOME_RETRY, FAULT, -1},
	{GA_SMTP_FINAL, 452, "4.3.1 disk full", GA_OUTCOME_RETRY, FAULT, -1},
	{GA_SMTP_CONNECT, 450, "busy", GA_OUTCOME_RETRY, FAULT, -1},
	{GA_SMTP_CONNECT, 454, "4.7.0 auth is down", GA_OUTCOME_RETRY, FAULT, -1},
	{GA_SMTP_FINAL, 421, "4.7.28 rate", GA_OUTCOME_RETRY, FAULT, -1},
	{GA_SMTP_FINAL, 450, "4.7.28 rate", GA_OUTCOME_RETRY, FAULT, 300000},
	{GA_SMTP_FINAL, 550, "5.7.28 rate", GA_OUTCOME_RETRY, FAULT, 300000},
	/* the settings */
	{GA_SMTP_MAIL, 530, "5.7.0 authenticate", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{GA_SMTP_CONNECT, 535, "5.7.8 wrong", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{GA_SMTP_RCPT, 535, "authenticate first", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{GA_SMTP_CONNECT, 554, "no service", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{GA_SMTP_FINAL, 550, "5.7.26 DMARC", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{GA_SMTP_FINAL, 421, "4.7.26 SPF", GA_OUTCOME_RETRY, FAULT, -1},
	{GA_SMTP_FINAL, 550, "5.7.23 no PTR", GA_OUTCOME_MISCONFIGURED, 0, -1},
	/* a DNS that does not answer now: RFC 7372 3.2 */
	{GA_SMTP_FINAL, 451, "4.7.24 SPF temporary error: DNS lookup failed",
	 GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_RCPT, 450,
	 "4.7.25 Client host rejected: cannot find your hostname", GA_OUTCOME_RETRY,
	 0, -1},
	{GA_SMTP_MAIL, 450,
	 "4.7.25 Client host rejected: cannot find your hostname", GA_OUTCOME_RETRY,
	 0, -1},
	{GA_SMTP_FINAL, 451, "4.7.22 DKIM key lookup timed out", GA_OUTCOME_RETRY,
	 0, -1},
	{GA_SMTP_FINAL, 550, "5.7.515 DKIM", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{GA_SMTP_RCPT, 550, "5.7.1 Unable to relay", GA_OUTCOME_MISCONFIGURED,
	 UNSURE, -1},
	{GA_SMTP_RCPT, 554, "relay access denied", GA_OUTCOME_MISCONFIGURED, UNSURE,
	 -1},
	{GA_SMTP_RCPT, 550, "relaying denied", GA_OUTCOME_MISCONFIGURED, UNSURE,
	 -1},
	{GA_SMTP_RCPT, 454, "4.7.1 <a@b.example>: Relay access denied",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_RCPT, 454, "Relay access denied", GA_OUTCOME_MISCONFIGURED, UNSURE,
	 -1},
	{GA_SMTP_RCPT, 454, "4.7.1 try later", GA_OUTCOME_RETRY, FAULT, -1},
	{GA_SMTP_RCPT, 454, "4.7.0 Temporary authentication failure",
	 GA_OUTCOME_RETRY, FAULT, -1},
	{GA_SMTP_MAIL, 550, "5.1.8 bad sender", GA_OUTCOME_MISCONFIGURED, 0, -1},
	/* the sender's address, whatever is said beside it: RFC 3463 3.2 */
	{GA_SMTP_RCPT, 550, "5.1.7 sender", GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_FINAL, 554, "5.1.8 blocked", GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	/* us, when a recipient is named or the mail is there */
	{GA_SMTP_RCPT, 554, "Relay rejected for policy reasons.",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_RCPT, 553,
	 "sorry, your envelope sender is in my badmailfrom list (#5.7.1)",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_RCPT, 550, "Sender IP reverse lookup rejected",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_RCPT, 550,
	 "5.7.1 Access denied. IP name lookup failed [192.0.2.1]",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_RCPT, 550,
	 "Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_RCPT, 550, "5.1.0 <g@example.com> sender was rejected",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_RCPT, 550, "sender email address rejected",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_RCPT, 550, "No third party relay", GA_OUTCOME_MISCONFIGURED,
	 UNSURE, -1},
	{GA_SMTP_RCPT, 550, "insecure mail relay", GA_OUTCOME_MISCONFIGURED, UNSURE,
	 -1},
	{GA_SMTP_RCPT, 550,
	 "5.7.1 Unable to deliver to <a@b.example>: not a gateway",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_RCPT, 550,
	 "Please turn on SMTP Authentication in your mail client",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_RCPT, 553,
	 "Requested action not taken: mailbox name not allowed for this sender",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_RCPT, 550, "Sender has no A, AAAA, or MX DNS records",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_FINAL, 554, "5.7.0 Failed to authorize the sender",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_FINAL, 550, "5.7.1 Command rejected: not authorised from this IP",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_RCPT, 554,
	 "5.7.1 Recipient address rejected: Access denied: not in trusted hosts",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_RCPT, 550,
	 "5.7.1 Mail from 192.0.2.1 refused - see http://mail.example/lookup",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	/* Exchange Online's account or host, and its recipient */
	{GA_SMTP_FINAL, 550, "5.7.501 Access denied, spam abuse detected",
	 GA_OUTCOME_MISCONFIGURED, 0, -1},
	{GA_SMTP_RCPT, 550, "5.7.502 Access denied, banned sender",
	 GA_OUTCOME_MISCONFIGURED, 0, -1},
	{GA_SMTP_RCPT, 550, "5.7.511 Access denied, banned sender[192.0.2.1]",
	 GA_OUTCOME_MISCONFIGURED, 0, -1},
	{GA_SMTP_RCPT, 550, "5.7.505 Access denied, banned recipient",
	 GA_OUTCOME_REJECTED, UNSURE, -1},
	{GA_SMTP_RCPT, 550,
	 "5.1.1 <a@b.example>: User unknown in relay recipient table",
	 GA_OUTCOME_REJECTED, DEAD, -1},
	/* whom it takes mail from is a recipient's choice */
	{GA_SMTP_RCPT, 550,
	 "5.7.1 The group does not accept email from outside the organization",
	 GA_OUTCOME_REJECTED, UNSURE, -1},
	{GA_SMTP_RCPT, 550, "5.7.1 The recipient has blocked this sender",
	 GA_OUTCOME_REJECTED, UNSURE, -1},
	/* us, though the words sound like a mailbox */
	{GA_SMTP_RCPT, 550,
	 "Domain may not exist or DNS check failed. http://mail.example/0/58",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_RCPT, 550, "we do not accept mail from dynamic IPs",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_RCPT, 550,
	 "5.7.1 This server does not accept mail from example.com",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_FINAL, 550, "Authentification invalide. OFR_305",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_RCPT, 571, "Delivery not authorized, message refused",
	 GA_OUTCOME_REJECTED, UNSURE, -1},
	{GA_SMTP_FINAL, 550, "Your message was deleted because it is spam",
	 GA_OUTCOME_REJECTED, UNSURE, -1},
	{GA_SMTP_MAIL, 550, "not yours", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{GA_SMTP_RCPT, 503, "bad sequence", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{GA_SMTP_DATA, 503, "5.5.1 bad sequence", GA_OUTCOME_MISCONFIGURED, 0, -1},
	/* an enhanced code that contradicts the refusal is none */
	{GA_SMTP_RCPT, 550, "2.1.5 fine", GA_OUTCOME_REJECTED, UNSURE, -1},
	{GA_SMTP_RCPT, 550, "", GA_OUTCOME_REJECTED, UNSURE, -1},
	/* the basic code decides before the enhanced one */
	{GA_SMTP_RCPT, 450, "5.1.1 unverified address", GA_OUTCOME_RETRY, 0, -1},
	/* who may write to the recipient, and how often, is not about us alone */
	{GA_SMTP_FINAL, 550, "5.7.133 authentication required", GA_OUTCOME_REJECTED,
	 0, -1},
	{GA_SMTP_FINAL, 550,
	 "5.2.121 The recipient has exceeded their limit per hour",
	 GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_RCPT, 550,
	 "5.2.121 Recipient's per hour message receive limit from specific sender "
	 "exceeded",
	 GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_RCPT, 451, "4.7.1 Greylisted, try again after some time",
	 GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_RCPT, 552, "mailbox not found", GA_OUTCOME_REJECTED, 0, -1},
	/* a word against the code */
	{GA_SMTP_RCPT, 550, "5.1.1 over quota", GA_OUTCOME_REJECTED, 0, -1},
	{GA_SMTP_RCPT, 550, "5.1.1 mailbox is frozen", GA_OUTCOME_REJECTED, 0, -1},
	{GA_SMTP_RCPT, 550, "5.1.1 mailfolder is full", GA_OUTCOME_REJECTED, 0, -1},
	{GA_SMTP_RCPT, 550, "5.1.1 temporary locked", GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_FINAL, 550, "Temporary failure, please try again",
	 GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_RCPT, 550, "5.1.1 user unknown, the disk is full of others",
	 GA_OUTCOME_REJECTED, DEAD, -1},
	{GA_SMTP_FINAL, 550, "5.7.0 Quota for outgoing mails reached",
	 GA_OUTCOME_RETRY, FAULT, QUOTA_MS},
	{GA_SMTP_RCPT, 550, "5.1.1 <a@b.example>: unauthorized sender",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	{GA_SMTP_RCPT, 550, "5.1.1 550 5.7.1 IP address blacklisted",
	 GA_OUTCOME_MISCONFIGURED, UNSURE, -1},
	/* what somebody is called blames nobody */
	{GA_SMTP_RCPT, 554, "5.7.1 <ann@relay.example>: Access denied",
	 GA_OUTCOME_REJECTED, UNSURE, -1},
	{GA_SMTP_RCPT, 550, "5.1.1 <a@spf.quota.example>: User unknown",
	 GA_OUTCOME_REJECTED, DEAD, -1},
	/* later, by the clock */
	{GA_SMTP_FINAL, 550, "5.4.5 Daily user sending limit exceeded",
	 GA_OUTCOME_RETRY, FAULT, QUOTA_MS},
	{GA_SMTP_RCPT, 452, "4.2.2 mailbox over quota", GA_OUTCOME_RETRY, 0, -1},
	/* a rate limit that is said as permanent, wherever */
	{GA_SMTP_MAIL, 550,
	 "5.7.0 Requested action not taken: too many emails per second",
	 GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_MAIL, 554, "5.7.1 rate limit exceeded", GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_MAIL, 550, "5.7.1 Greylisted, please try again", GA_OUTCOME_RETRY,
	 0, -1},
	{GA_SMTP_MAIL, 550, "Message frequency limited", GA_OUTCOME_RETRY, 0, -1},
	{GA_SMTP_RCPT, 550, "Connection frequency limited", GA_OUTCOME_RETRY, 0,
	 -1},
	{GA_SMTP_CONNECT, 554, "5.7.1 Service temporarily unavailable",
	 GA_OUTCOME_RETRY, FAULT, -1},
	{GA_SMTP_CONNECT, 550, "Connection frequency limited", GA_OUTCOME_RETRY,
	 FAULT, -1},
	{GA_SMTP_CONNECT, 554, "5.7.0 Too many connections", GA_OUTCOME_RETRY,
	 FAULT | CROWDED, -1},
	{GA_SMTP_CONNECT, 535, "5.7.8 Temporarily refused",
	 GA_OUTCOME_MISCONFIGURED, 0, -1},
	/* fewer connections */
	{GA_SMTP_CONNECT, 421, "4.7.0 Too many connections from you",
	 GA_OUTCOME_RETRY, FAULT | CROWDED, -1},
	{GA_SMTP_CONNECT, 421, "4.3.2 Too many open connections.", GA_OUTCOME_RETRY,
	 FAULT | CROWDED, -1},
	{GA_SMTP_CONNECT, 421,
	 "4.3.2 The maximum number of concurrent server connections has exceeded a "
	 "limit",
	 GA_OUTCOME_RETRY, FAULT | CROWDED, -1},
	{GA_SMTP_CONNECT, 421,
	 "Maximum number of connections from user+IP exceeded", GA_OUTCOME_RETRY,
	 FAULT | CROWDED, -1},
	{GA_SMTP_CONNECT, 421, "4.7.0 too many SMTP sessions for this host",
	 GA_OUTCOME_RETRY, FAULT | CROWDED, -1},
	{GA_SMTP_CONNECT, 421, "Too many parallel sessions", GA_OUTCOME_RETRY,
	 FAULT | CROWDED, -1},
	{GA_SMTP_CONNECT, 421, "No more than 10 connections from your host",
	 GA_OUTCOME_RETRY, FAULT | CROWDED, -1},
	{GA_SMTP_CONNECT, 421,
	 "Trop de connexions, veuillez verifier votre configuration",
	 GA_OUTCOME_RETRY, FAULT | CROWDED, -1},
	{GA_SMTP_CONNECT, 421, "Exceeds per-domain connection limit",
	 GA_OUTCOME_RETRY, FAULT | CROWDED, -1},
	{GA_SMTP_FINAL, 432,
	 "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
	 GA_OUTCOME_RETRY, FAULT | CROWDED, -1},
	{GA_SMTP_FINAL, 451, "4.7.0 too many concurrent deliveries",
	 GA_OUTCOME_RETRY, CROWDED, -1},
	/* but one connection is none too many */
	{GA_SMTP_RCPT, 421, "4.7.0 Too many errors, closing connection",
	 GA_OUTCOME_RETRY, FAULT, -1},
	{GA_SMTP_MAIL, 421, "Too many messages in this session", GA_OUTCOME_RETRY,
	 FAULT, -1},
	{GA_SMTP_MAIL, 421, "Max messages per connection reached", GA_OUTCOME_RETRY,
	 FAULT, -1},
	{GA_SMTP_CONNECT, 421, "4.3.2 Connection rate limit exceeded.",
	 GA_OUTCOME_RETRY, FAULT, -1},
	{GA_SMTP_CONNECT, 421, "Connections from your network are not allowed",
	 GA_OUTCOME_RETRY, FAULT, -1},
};

static void
an_smtp_reply_has_its_class(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(smtp_cases) / sizeof(smtp_cases[0]); i++)
	{
		const SmtpCase *c = &smtp_cases[i];
		GaVerdict verdict = ga_reply_judge_smtp(c->stage, c->code, c->text);

		if (verdict.outcome != c->outcome || verdict.flags != c->flags ||
			verdict.retry_after_ms != c->retry_after_ms)
			fail_msg("%d %s: %s, flags %u, delay %lld", c->code, c->text,
					 ga_wire_outcome_name(verdict.outcome), verdict.flags,
					 (long long) verdict.retry_after_ms);
	}
}

/* With a basic code alone the words decide, and others than mailboxes end too. */
static void
words_about_others_end_no_mailbox(void **state)
{
	static const char *const living[] = {
		"Domain may not exist or DNS check failed. http://mail.example/0/58",
		"we do not accept mail from dynamic IPs",
		"This server does not accept mail from groups.example.com",
		"The recipient does not accept mail from you",
		"We don't accept messages from your range; user does not exist",
		"Delivery not authorized, message refused",
		"Authentification invalide. OFR_305",
		"Service refuse. Veuillez essayer plus tard. Connexion invalide",
		"backscatter protection detected an invalid or expired email address",
		"BATV signature expired",
		"Your message was deleted because it is spam",
		"Message deleted: virus found",
		"Mailing list is closed to non-members",
		"Group is closed",
		"Connection terminated: too many errors",
		"Recipient address rejected: Connection closed",
		"TLS certificate expired",
		"relay.example.org no longer accepts unencrypted connections",
		"reverse hostname not found",
		"MX for sending host does not exist",
		"No user authentication",
		"Client IP does not exist in allow list",
	};
	/* Full or held they live, and neither 5.1.1 nor a provider's "Permanent" counts. */
	static const char *const full[] = {
		"user is over the quota",
		"mailbox would exceed maximum allowed storage",
		"This account is exceeding their quota",
		"mailfolder is full",
		"Boite du destinataire pleine",
		"Bo\xc3\xaete du destinataire pleine. OFR_417",
		"not enough storage space in /home",
		"mailbox is over the allowed quota",
		"quota violation for ann@example.org",
		"diskspace quota",
		"mailbox exceeded the local limit",
		"account suspended due to quota",
		"The user's mail folder is full",
		"Postfach ist voll",
		"mailbox is frozen",
		"This account has been locked",
		"temporary locked",
		"user archived",
	};
	static const char *const dead[] = {
		"This mailbox has been closed",
		"The account of ann@example.org is expired",
		"sorry, this user's account was deleted. (#5.1.1)",
		"Recipient terminated",
		"Adresse d au moins un destinataire invalide. OFR204_416",
		"User suspended",
		"Domain does not accept mail",
		"550 5.1.1: abandoned mailbox",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(living) / sizeof(living[0]); i++)
		if (ga_mail_status_is_dead("550", living[i]))
			fail_msg("dead: %s", living[i]);
	for (size_t i = 0; i < sizeof(full) / sizeof(full[0]); i++)
		if (ga_mail_status_is_dead("5.1.1", full[i]) ||
			!ga_mail_status_is_against_death(NULL, full[i]))
			fail_msg("not alive: %s", full[i]);
	for (size_t i = 0; i < sizeof(dead) / sizeof(dead[0]); i++)
		if (!ga_mail_status_is_dead("550", dead[i]))
			fail_msg("not dead: %s", dead[i]);
}

static void
an_enhanced_code_is_found_only_at_the_start(void **state)
{
	static const struct
	{
		const char *text;
		const char *code;
	} cases[] = {
		{"5.1.1 no", "5.1.1"},
		{"4.7.999", "4.7.999"},
		{"2.0.0\tok", "2.0.0"},
		{"5.1.1", "5.1.1"},
		{"", ""},
		{"5.1", ""},
		{"5.1.", ""},
		{"5.1.1x", ""},
		{"3.1.1 no", ""},
		{"5.1.1000 no", ""},
		{"5..1 no", ""},
		{"see 5.1.1", ""},
		{"192.168.1.1", ""},
	};
	char code[16];

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		assert_int_equal(ga_reply_enhanced(cases[i].text, code, sizeof(code)),
						 *cases[i].code != '\0');
		assert_string_equal(code, cases[i].code);
	}
}

static void
an_http_status_has_its_class(void **state)
{
	static const struct
	{
		int status;
		GaOutcomeClass outcome;
		uint32_t flags;
	} cases[] = {
		{200, GA_OUTCOME_ACCEPTED, 0},		{202, GA_OUTCOME_ACCEPTED, 0},
		{301, GA_OUTCOME_MISCONFIGURED, 0}, {400, GA_OUTCOME_REJECTED, 0},
		{401, GA_OUTCOME_MISCONFIGURED, 0}, {403, GA_OUTCOME_MISCONFIGURED, 0},
		{404, GA_OUTCOME_MISCONFIGURED, 0}, {408, GA_OUTCOME_RETRY, 0},
		{410, GA_OUTCOME_REJECTED, 0},		{425, GA_OUTCOME_RETRY, 0},
		{429, GA_OUTCOME_RETRY, FAULT},		{500, GA_OUTCOME_UNCERTAIN, FAULT},
		{502, GA_OUTCOME_UNCERTAIN, FAULT}, {503, GA_OUTCOME_RETRY, FAULT},
		{504, GA_OUTCOME_UNCERTAIN, FAULT}, {599, GA_OUTCOME_UNCERTAIN, FAULT},
		{299, GA_OUTCOME_ACCEPTED, 0},		{399, GA_OUTCOME_MISCONFIGURED, 0},
		{402, GA_OUTCOME_MISCONFIGURED, 0}, {405, GA_OUTCOME_MISCONFIGURED, 0},
		{407, GA_OUTCOME_MISCONFIGURED, 0}, {415, GA_OUTCOME_MISCONFIGURED, 0},
		{422, GA_OUTCOME_REJECTED, 0},		{499, GA_OUTCOME_REJECTED, 0},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		GaVerdict verdict = ga_reply_judge_http(cases[i].status);

		assert_int_equal(verdict.outcome, cases[i].outcome);
		assert_int_equal(verdict.flags, cases[i].flags);
	}
}

static void
a_transfer_without_an_answer_has_its_class(void **state)
{
	(void) state;
	assert_int_equal(
		ga_reply_judge_curl(CURLE_COULDNT_CONNECT, ECONNREFUSED, false).outcome,
		GA_OUTCOME_RETRY);
	assert_int_equal(
		ga_reply_judge_curl(CURLE_OPERATION_TIMEDOUT, 0, false).flags,
		FAULT | GA_OUTCOME_UNREACHED);
	assert_int_equal(ga_reply_judge_curl(CURLE_RECV_ERROR, 0, false).flags,
					 FAULT);
	assert_int_equal(
		ga_reply_judge_curl(CURLE_OPERATION_TIMEDOUT, 0, true).outcome,
		GA_OUTCOME_UNCERTAIN);
	assert_int_equal(
		ga_reply_judge_curl(CURLE_SEND_FAIL_REWIND, 0, true).outcome,
		GA_OUTCOME_UNCERTAIN);
	assert_int_equal(
		ga_reply_judge_curl(CURLE_PEER_FAILED_VERIFICATION, 0, false).outcome,
		GA_OUTCOME_MISCONFIGURED);
	assert_int_equal(
		ga_reply_judge_curl(CURLE_PEER_FAILED_VERIFICATION, 0, false).flags,
		GA_OUTCOME_UNTRUSTED);
	assert_int_equal(
		ga_reply_judge_curl(CURLE_SSL_CONNECT_ERROR, 0, false).outcome,
		GA_OUTCOME_MISCONFIGURED);
	assert_int_equal(
		ga_reply_judge_curl(CURLE_SSL_CONNECT_ERROR, ECONNRESET, false).outcome,
		GA_OUTCOME_RETRY);
}

static void
retry_after_is_read_in_both_forms(void **state)
{
	const time_t now = 1700000000; /* Tue, 14 Nov 2023 22:13:20 GMT */

	(void) state;
	assert_int_equal(ga_reply_retry_after("0", now), 0);
	assert_int_equal(ga_reply_retry_after("120", now), 120000);
	assert_int_equal(ga_reply_retry_after("  7 \r\n", now), 7000);
	assert_int_equal(ga_reply_retry_after("86401", now), 86400000);
	assert_int_equal(ga_reply_retry_after("99999999999999999999", now),
					 86400000);
	assert_int_equal(ga_reply_retry_after("Tue, 14 Nov 2023 22:14:20 GMT", now),
					 60000);
	assert_int_equal(
		ga_reply_retry_after("Tuesday, 14-Nov-23 22:13:30 GMT", now), 10000);
	assert_int_equal(ga_reply_retry_after("Tue Nov 14 22:13:21 2023", now),
					 1000);
	assert_int_equal(ga_reply_retry_after("Tue, 14 Nov 2023 22:13:19 GMT", now),
					 0);
	assert_int_equal(ga_reply_retry_after("Wed, 01 Jan 2031 00:00:00 GMT", now),
					 86400000);
	assert_int_equal(ga_reply_retry_after("", now), -1);
	assert_int_equal(ga_reply_retry_after("soon", now), -1);
	assert_int_equal(ga_reply_retry_after("-5", now), -1);
}

static void
a_code_is_three_digits_and_nothing_more(void **state)
{
	static const struct
	{
		const char *line;
		int code;
	} cases[] = {{"250 ok\r\n", 250},
				 {"250-ok\r\n", 250},
				 {"250\r\n", 250},
				 {"250", 250},
				 {"354\n", 354},
				 {"000 x", 0},
				 {"999", 999},
				 {"2500 x", -1},
				 {"250x", -1},
				 {"250.1", -1},
				 {"25 0", -1},
				 {"25", -1},
				 {"", -1},
				 {" 250 x", -1},
				 {"-50 x", -1},
				 {"+50 x", -1},
				 {"550\tx", -1},
				 {"2\r\n", -1}};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(ga_reply_code(cases[i].line, strlen(cases[i].line)),
						 cases[i].code);
	assert_int_equal(ga_reply_code("250\0", 4), -1);
	assert_true(ga_reply_is_refusal(400) && ga_reply_is_refusal(599));
	assert_false(ga_reply_is_refusal(399) || ga_reply_is_refusal(600));
}

static void
a_reply_of_many_lines_has_a_bounded_text(void **state)
{
	const char *lines[] = {"", "x", "5.1.1 no", "\xff"};

	(void) state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
	{
		GaText text = {0};

		for (int n = 0; n < 20000; n++)
			ga_reply_add_text(&text, lines[i], strlen(lines[i]));
		assert_uint_in_range(text.length, 0, 4096);
		ga_text_free(&text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_smtp_reply_has_its_class),
		cmocka_unit_test(words_about_others_end_no_mailbox),
		cmocka_unit_test(an_enhanced_code_is_found_only_at_the_start),
		cmocka_unit_test(an_http_status_has_its_class),
		cmocka_unit_test(a_transfer_without_an_answer_has_its_class),
		cmocka_unit_test(retry_after_is_read_in_both_forms),
		cmocka_unit_test(a_code_is_three_digits_and_nothing_more),
		cmocka_unit_test(a_reply_of_many_lines_has_a_bounded_text),
	};

	return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
