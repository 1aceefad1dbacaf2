/*
 * mail_words.c
 *		Whom the words of a mail server blame.
 *
 * Codes alone do not tell: 5.1.1 is also said of senders that are not allowed, of
 * listed hosts and of full mailboxes, and 5.7.1 of nearly everything.  The lists
 * below are read from the top, and the first that has a phrase decides.  Sender
 * words stand before those of the recipient, because a server that complains of
 * our sender often quotes the recipient as well; what blames us must never put a
 * living mailbox on the list of the dead.  A word that is said of messages and of
 * connections too counts only in a clause that names a mailbox or its owner.
 *
 * The phrases are those of Postfix, Exim, qmail, Exchange, Gmail and of the large
 * relays, as their documents and public logs have them.
 */
#include "base/shared/mail_words.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* More than a reply of RFC 5321 holds in its first lines. */
#define TEXT_MAX 1024

/* A phrase stands between word ends; a star at its end lets the word go on. */
typedef struct Phrases
{
	GaMailBlame blame;
	const char *const *phrases;
	const char *const *with;   /* one of these must be there too; NULL: none */
	const char *const *beside; /* or one of these in the same clause */
} Phrases;

/* Where mail is kept, and whose it is. */
static const char *const holders[] = {
	"mailbox*",		 "mail box*", "inbox*",		 "folder*",	   "mailfolder*",
	"maildrop*",	 "account*",  "user*",		 "recipient*", "address*",
	"adresse*",		 "customer*", "subscriber*", "boite*",	   "boîte*",
	"destinataire*", "compte",	  "postfach*",	 "buzon",	   "buzón",
	"casella",		 NULL};

/* Of one recipient, whatever it is that was too much. */
static const char *const too_much[] = {
	"recipient has exceeded", "recipient exceeded", "recipient thread limit",
	"message receive limit", NULL};

/* A stranger's first try, whatever is said of when to come again. */
static const char *const greylisted[] = {
	"greylist*",  "graylist*",	"grey-list*", "grey list*",
	"gray-list*", "gray list*", NULL};

/* Who writes to this recipient is chosen, however the refusal is called. */
static const char *const chosen[] = {"resolver.rst*",
									 "allowed senders",
									 "sender isn't on the recipient's",
									 "external senders",
									 "outside senders",
									 "non-members",
									 "nonmembers",
									 "over ipv6",
									 "outside the organi*",
									 "outside of the organi*",
									 "outside their organi*",
									 "blocked this sender",
									 "blocked the sender",
									 "delivery restriction*",
									 NULL};

/* Our relay knows of the recipient that it takes no mail. */
static const char *const given_up[] = {"suppression list", "suppressed",
									   "has suppressed",
									   "rejected: address blacklisted", NULL};

static const char *const full[] = {
	/* its quota */
	"over quota", "overquota", "over the quota", "quota exceeded",
	"exceeds quota", "exceeded quota", "quotaexceeded*", "quota violation",
	"storage quota", "disk quota", "diskspace quota", "mailbox quota",
	"user quota", "exceeded his", "exceeded its", "exceeded their",
	"mailbox exceed*", "mailbox has exceeded", "mailbox would exceed",
	"mailbox size",
	/* itself */
	"mailbox full", "mailbox is full", "mbox full", "full mailbox",
	"inbox is full", "account is full",
	/* the room for it */
	"exceeded storage", "out of storage", "insufficient storage",
	"allowed storage", "enough storage", "storage limit", "out of space",
	"enough space", "no space", "insufficient disk", "enough disk",
	"insufficient system storage", NULL};

/* The same in other words, where a clause names whose mailbox it is. */
static const char *const room[] = {"quota*",  "is full", "are full", "was full",
								   "pleine*", "voll",	 "lleno*",	 "llena*",
								   "piena*",  NULL};

/* Of what is sent by us in a time; "over quota" alone is the mailbox's. */
static const char *const quota[] = {"sending limit*",
									"sending quota*",
									"relay quota",
									"relays quota",
									"send limit*",
									"unique recipients limit",
									"message quota*",
									"submissionquota*",
									"unusual sending",
									"after sometime",
									"after some time",
									"try again after",
									"sending rate quota",
									"outgoing limit*",
									"outgoing quota*",
									"outbound quota*",
									"quota for outgoing",
									"quota for outbound",
									"submission quota*",
									"outbound limit*",
									"limit for message recipients",
									"recipient limit exceeded",
									"email quota*",
									"mail quota for",
									"credit limit*",
									"monthly limit*",
									"monthly quota*",
									"weekly limit*",
									"sending allowance",
									"quota for today",
									"limit for today",
									NULL};
static const char *const per_time[] = {
	"daily",	  "per day",	"a day",   "24 hours",	"24 hour", "24h",
	"24-hour",	  "today",		"hourly",  "per hour",	"an hour", "hour",
	"per 1 hour", "60 minutes", "monthly", "per month", "hours",   NULL};
static const char *const limits[] = {"limit*",	  "quota*",	  "exceed*",
									 "allowance", "too many", "maximum",
									 "threshold", NULL};

static const char *const sender[] = {
	/* who it is from */
	"send as", "sendas*", "as this sender", "sender address", "sender reject*",
	"sender denied", "sender verif*", "sender domain*", "sender not",
	"sender is not", "sender id", "invalid sender", "bad sender",
	"illegal sender", "unauthorized sender", "unauthorised sender",
	"unknown sender", "unverified sender", "outbound sender", "sender's domain",
	"sender does not", "sender or", "sender identity", "sender was",
	"sender has", "sender ip", "sender e-mail", "sender email", "sender must",
	"envelope sender", "badmailfrom*", "as sender", "this sender",
	"authorize the sender", "authorise the sender", "invalid from", "bad from",
	"from address", "from field", "from phone number", "from number",
	"sandbox*", "test purposes", "testing emails", "trial account*",
	"mail from", "email from", "accept messages from", "from header",
	"from domain", "envelope from", "return path", "return-path",
	"not owned by user", "not logged in", "not verified", "unverified email",
	"identities failed", "verification failed for", "domain verification",
	"not authorized to send", "not authorized to perform", "invalid dns mx",
	"sending domain", "demo domain", "spoof*", "anti-spoof*", "direct send",
	"from parameter", "reply_to*", "replyto*", "reply-to*", "sender mismatch",
	"tls", "certificate*", "unencrypted", "encryption required",
	"encryption needed", "dynamic ip*", "dynamic address*", "dynamic host*",
	"dns check", "backscatter*", "batv", "bounce tag", "residential",
	"blackhole*", "parsing from", "src", "add your own domain",
	"not authorised to send", "not allowed to send", "not permitted to send",
	"permission to send", "permissions to send", "not authorized to use",
	"senderdomain*",
	/* our account */
	"your account", "your smtp account", "smtp account",
	"account is not active", "account not active", "tenant",
	"your subscription", "your plan", "your domain", "your organization",
	"your organisation", "your message limit", "not yet activated",
	"has been suspended for sending", "payment", "sending suspended",
	"sending paused", "sending is paused", "outgoing blocked",
	"configuration set", "api key", "not enough credit*",
	"insufficient credit*", "insufficient funds", "insufficient balance",
	"no origination*",
	/* authentication */
	"authenti*", "unauthenticated", "smtp auth", "login required",
	"log in first", "login first", "user has no permission",
	"authorization required", "must issue a starttls", "starttls*",
	"credentials",
	/* our host */
	"client host", "client does not have", "helo", "ehlo", "fqdn",
	"fully-qualified", "fully qualified", "reverse*", "name lookup", "rdns",
	"ptr record*", "ptr", "your ip", "sending ip", "sending host", "client ip",
	"address family", "your hostname", "dns record*", "for sender", "emetteur*",
	"expediteur*", "sending mta*", "ip address", "ip is", "your host",
	"your server", "your network", "this ip", "trusted host*", "hostkarma",
	"your mail server", "your access", "not allowed to connect",
	"ask your postmaster", "banned", "blacklist*", "blocklist*", "block list*",
	"black list*", "blocked list", "denylist*", "deny list*", "blocked using",
	"block-list*", "black-list*", "rbl", "dnsbl", "spamhaus*", "spamcop*",
	"barracuda*", "sorbs", "uceprotect*", "reputation", "poor reputation",
	"listed by", "listed in rbl", "listed at", "network is on", "s3140",
	"s3150",
	/* relaying */
	"relay access", "relaying", "relay not", "to relay", "relay denied",
	"relay reject*", "relay refused", "relay prohib*", "relay disallow*",
	"relay forbidden", "relay block*", "relay operation*", "relay attempt*",
	"mail relay", "party relay", "not a gateway", "relay is", "relay from",
	"for relay", "no relay*", "open relay", "rcpthosts", "non-accepted domain",
	"non-local", "delivery is not allowed to this address", "we do not relay",
	"local domain or authenticated",
	/* how mail is authenticated; RFC 7208, 6376, 7489, 7372 */
	"spf", "dkim", "dmarc", "not aligned", "isn't aligned", "unsigned", NULL};

static const char *const rate[] = {"rate that",
								   "at a rate",
								   "too quickly",
								   "too fast",
								   "rate limit*",
								   "rate-limit*",
								   "ratelimit*",
								   "receivingrate*",
								   "too much mail",
								   "too many messages",
								   "too many emails",
								   "too many connections",
								   "too many concurrent",
								   "receiving rate",
								   "throttl*",
								   "frequency limit*",
								   "temporarily",
								   "temporary lock*",
								   "temporary fail*",
								   "temporary error*",
								   "busy",
								   "greylist*",
								   "graylist*",
								   "rate",
								   NULL};

static const char *const content[] = {"spam*",
									  "virus*",
									  "malware",
									  "content*",
									  "filter*",
									  "quarantine*",
									  "policy",
									  "policies",
									  "phish*",
									  "suspicious",
									  "attachment*",
									  "message size",
									  "size limit",
									  "exceeds size",
									  "exceeds fixed limit",
									  "too large",
									  "too big",
									  "maximum size",
									  "message exceeds",
									  "header*",
									  "mime",
									  "url*",
									  "link*",
									  "blocked",
									  "unsolicited",
									  "bulk",
									  "junk",
									  "profanity",
									  "uri*",
									  "line too long",
									  "lines too long",
									  "loop*",
									  "hop count",
									  "too many hops",
									  "security",
									  "prohibited",
									  "restricted",
									  "not permitted to deliver",
									  "recipient preference*",
									  "administrative*",
									  "banned content",
									  NULL};

static const char *const recipient[] = {"no such user*",
										"no such recipient*",
										"no such address",
										"no such mailbox",
										"no such person",
										"no such domain",
										"no such account",
										"no such local user",
										"nosuchuser*",
										"user unknown",
										"unknown user*",
										"unknown recipient*",
										"recipient unknown",
										"unknown address",
										"address unknown",
										"unknown mailbox",
										"mailbox unknown",
										"unknown account",
										"unknown local*",
										"unknown in*",
										"unknown or illegal",
										"user not found",
										"not found",
										"recipnotfound*",
										"recipientnotfound*",
										"recipient not found",
										"does not exist",
										"doesn't exist",
										"do not exist",
										"not exist",
										"nonexistent",
										"non-existent",
										"non existent",
										"no mailbox",
										"no user*",
										"no account",
										"no recipient*",
										"not a valid",
										"is not valid",
										"invalid recipient*",
										"invalid mailbox",
										"invalid user",
										"invalid address",
										"invalid email",
										"bad destination",
										"bad recipient",
										"bad address",
										"not a known user",
										"not our customer",
										"not a user",
										"no longer",
										"not listed in",
										"user doesn't",
										"user does not",
										"disabled",
										"deactivated",
										"inactive",
										"inactivity",
										"does not accept mail",
										"accepts no mail",
										"nullmx",
										"null mx",
										"not accept mail",
										"undeliverable address",
										"has moved",
										"user moved",
										"domain not found",
										"unrouteable address",
										"unroutable address",
										"address rejected: undeliverable",
										"wrong address",
										"incorrect address",
										"ungueltig*",
										"inconnu*",
										"desconocid*",
										"unbekannt*",
										NULL};

/* A mailbox that takes nothing and yet is there. */
static const char *const held[] = {"frozen", "locked", "archived", NULL};

/* What happens to mailboxes, but to messages, connections and certificates too,
 * so that it counts only in a clause that names one of the holders. */
static const char *const ended[] = {
	"closed",  "deleted",	"discontinued", "terminated", "expired",
	"removed", "abandoned", "suspended",	"invalide",	  NULL};

/* The first that fits decides. */
static const Phrases order[] = {
	{GA_BLAME_RATE, too_much, NULL, NULL},
	{GA_BLAME_RATE, greylisted, NULL, NULL},
	{GA_BLAME_CONTENT, chosen, NULL, NULL},
	{GA_BLAME_RECIPIENT, given_up, NULL, NULL},
	{GA_BLAME_OUR_QUOTA, quota, NULL, NULL},
	{GA_BLAME_OUR_QUOTA, per_time, limits, NULL},
	{GA_BLAME_FULL, full, NULL, NULL},
	{GA_BLAME_FULL, room, NULL, holders},
	{GA_BLAME_SENDER, sender, NULL, NULL},
	{GA_BLAME_RATE, rate, NULL, NULL},
	{GA_BLAME_CONTENT, held, NULL, holders},
	/* Why a mailbox is closed may sound like a policy; that it is says more. */
	{GA_BLAME_RECIPIENT, recipient, NULL, NULL},
	{GA_BLAME_RECIPIENT, ended, NULL, holders},
	{GA_BLAME_CONTENT, content, NULL, NULL},
};

static bool
is_word(char c)
{
	return isalnum((unsigned char) c) || (unsigned char) c >= 0x80;
}

/* A name of a host: labels with dots between them, the last one of letters. */
static bool
is_host(const char *word, size_t length)
{
	size_t label = 0;
	bool has_dot = false;

	for (size_t i = 0; i < length; i++)
	{
		if (word[i] == '.')
		{
			if (label == 0)
				return false;
			has_dot = true;
			label = 0;
		}
		else if (islower((unsigned char) word[i]) ||
				 isdigit((unsigned char) word[i]) || word[i] == '-')
			label++;
		else
			return false;
	}
	return has_dot && label >= 2 && isalpha((unsigned char) word[length - 1]);
}

static bool
is_link(const char *word, size_t length)
{
	for (size_t i = 0; i + 3 <= length; i++)
		if (memcmp(word + i, "://", 3) == 0)
			return true;
	return false;
}

/* What names somebody and says nothing: addresses, hosts, links. */
static bool
is_name(const char *word, size_t length)
{
	if (memchr(word, '@', length) != NULL || is_link(word, length))
		return true;
	while (length > 0 && strchr(".,;:)]>", word[length - 1]))
		length--;
	while (length > 0 && strchr("([<", *word))
	{
		word++;
		length--;
	}
	return is_host(word, length);
}

/* A link to a list of hosts is all that some servers say of why they refuse one. */
static bool
names_block_list(const char *word, size_t length)
{
	static const char *const lists[] = {
		"spamhaus",	 "spamcop",		"barracuda",  "uceprotect", "abuseat",
		"sorbs",	 "dnsbl",		"blacklist",  "blocklist",	"ipcheck",
		"cloudmark", "senderscore", "senderbase", "abusix"};

	if (!is_link(word, length))
		return false;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
	{
		size_t size = strlen(lists[i]);

		for (size_t at = 0; at + size <= length; at++)
			if (strncasecmp(word + at, lists[i], size) == 0)
				return true;
	}
	return false;
}

/* "Invalid 'From' address", but not the apostrophe of "isn't". */
static bool
is_quote(const char *word, size_t length, size_t at)
{
	if (word[at] != '\'' && word[at] != '"' && word[at] != '`')
		return false;
	return at == 0 || at + 1 == length || !is_word(word[at - 1]) ||
		   !is_word(word[at + 1]);
}

/* In lower case, one blank between words, names and quotes left out. */
static void
clean(const char *text, char *out)
{
	size_t at = 0;

	while (*text && at < TEXT_MAX - 2)
	{
		size_t length;

		text += strspn(text, " \t\r\n");
		/* "<ann@relay.example>: Recipient..." */
		length = *text == '<' && strchr(text, '>')
					 ? (size_t) (strchr(text, '>') - text) + 1
					 : strcspn(text, " \t\r\n");
		if (names_block_list(text, length) && at + 12 < TEXT_MAX)
		{
			memcpy(out + at, " blocklist", 10);
			at += 10;
		}
		if (*text == '<' || is_name(text, length))
		{
			text += length;
			continue;
		}
		if (at > 0)
			out[at++] = ' ';
		for (size_t i = 0; i < length && at < TEXT_MAX - 2; i++)
			if (!is_quote(text, length, i))
				out[at++] = (char) tolower((unsigned char) text[i]);
		text += length;
	}
	out[at] = '\0';
}

static bool
has_phrase(const char *text, const char *phrase)
{
	size_t length = strlen(phrase);
	bool goes_on = phrase[length - 1] == '*';
	const char *end = text + strlen(text);
	const char *found = text;

	length -= goes_on;
	while ((found = memmem(found, end - found, phrase, length)) != NULL)
	{
		if ((found == text || !is_word(found[-1])) &&
			(goes_on || !is_word(found[length])))
			return true;
		found++;
	}
	return false;
}

static bool
has_any(const char *text, const char *const *phrases)
{
	for (; *phrases; phrases++)
		if (has_phrase(text, *phrases))
			return true;
	return false;
}

/* Up to a point, colon or comma; one within a number or a name ends nothing. */
static size_t
clause_length(const char *text)
{
	size_t length = 0;

	while (text[length] && !(strchr(".:;,!?", text[length]) &&
							 (text[length + 1] == ' ' || !text[length + 1])))
		length++;
	return length;
}

static bool
has_beside(const char *text, const char *const *phrases,
		   const char *const *beside)
{
	char clause[TEXT_MAX];

	while (*text)
	{
		size_t length = clause_length(text);

		memcpy(clause, text, length);
		clause[length] = '\0';
		if (has_any(clause, phrases) && has_any(clause, beside))
			return true;
		text += length + (text[length] != '\0');
	}
	return false;
}

static bool
fits(const Phrases *row, const char *text)
{
	if (row->beside)
		return has_beside(text, row->phrases, row->beside);
	return has_any(text, row->phrases) &&
		   (row->with == NULL || has_any(text, row->with));
}

GaMailBlame
ga_mail_words_read(const char *text)
{
	char words[TEXT_MAX];

	clean(text, words);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (fits(&order[i], words))
			return order[i].blame;
	return GA_BLAME_NOBODY;
}
