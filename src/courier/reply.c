/*
 * reply.c
 *		What an answer means for the message.
 *
 * The enhanced code of an SMTP reply beats its basic code, and both are only
 * the rule: the table below holds the exceptions relays are known for.  When
 * in doubt between the recipient's fault and ours, a reply counts as ours: a
 * paused provider loses nothing, a burnt invitation is gone.
 */
#include "courier/reply.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS (24 * 60 * 60 * 1000LL)

/* After "too fast" (Gmail's x.7.28) a relay is left alone for so long. */
#define TOO_FAST_MS (5 * 60 * 1000LL)

#define FAULT GA_OUTCOME_PROVIDER_FAULT

/* Stages a rule holds for. */
#define AT_CONNECT (1 << GA_SMTP_CONNECT)
#define AT_MAIL (1 << GA_SMTP_MAIL)
#define AT_RCPT (1 << GA_SMTP_RCPT)
#define AT_DATA (1 << GA_SMTP_DATA)
#define AT_FINAL (1 << GA_SMTP_FINAL)
#define ANYWHERE (~0)

typedef struct SmtpRule
{
	int stages;
	int code;			  /* 0 = any */
	const char *enhanced; /* "5.7.20-40", "*.3.*"; NULL = with or without */
	const char *words;	  /* any of these, separated by |; NULL = any text */
	GaVerdict verdict;
} SmtpRule;

#define REJECTED                                                               \
	{                                                                          \
		GA_OUTCOME_REJECTED, 0, -1                                             \
	}
#define DEAD                                                                   \
	{                                                                          \
		GA_OUTCOME_REJECTED, GA_OUTCOME_DEAD_CONTACT, -1                       \
	}
#define RETRY                                                                  \
	{                                                                          \
		GA_OUTCOME_RETRY, 0, -1                                                \
	}
#define RETRY_FAULT                                                            \
	{                                                                          \
		GA_OUTCOME_RETRY, FAULT, -1                                            \
	}
#define MISCONFIGURED                                                          \
	{                                                                          \
		GA_OUTCOME_MISCONFIGURED, 0, -1                                        \
	}

/* The first rule that fits decides. */
static const SmtpRule smtp_rules[] = {
	/* The relay closes the channel, whatever it was asked. */
	{ANYWHERE, 421, NULL, NULL, RETRY_FAULT},
	/* Authentication: RFC 4954.  454 is the temporary kind. */
	{ANYWHERE, 454, NULL, NULL, RETRY_FAULT},
	{ANYWHERE, 530, NULL, NULL, MISCONFIGURED},
	{ANYWHERE, 534, NULL, NULL, MISCONFIGURED},
	{ANYWHERE, 535, NULL, NULL, MISCONFIGURED},
	{ANYWHERE, 538, NULL, NULL, MISCONFIGURED},
	{ANYWHERE, 0, "5.7.8-9", NULL, MISCONFIGURED},
	/* Too fast, before the codes of sender authentication around it. */
	{ANYWHERE, 0, "*.7.28", NULL, {GA_OUTCOME_RETRY, FAULT, TOO_FAST_MS}},
	/* SPF, DKIM, DMARC, reverse DNS, TLS: Gmail, RFC 7372; Outlook 5.7.5xx. */
	{ANYWHERE, 0, "*.7.20-40", NULL, MISCONFIGURED},
	{ANYWHERE, 0, "5.7.509", NULL, MISCONFIGURED},
	{ANYWHERE, 0, "5.7.515", NULL, MISCONFIGURED},
	{ANYWHERE, 0, "5.7.1", "relay", MISCONFIGURED},
	{AT_MAIL | AT_RCPT, 0, NULL, "relaying|relay access|not permitted to relay",
	 MISCONFIGURED},
	/* Before a sender is named nothing is about this message. */
	{AT_CONNECT, 0, "4.*.*", NULL, RETRY_FAULT},
	{AT_CONNECT, 0, "5.*.*", NULL, MISCONFIGURED},
	/* Exchange Online says this of unknown mailboxes. */
	{AT_RCPT, 550, "5.5.0", "mailbox", REJECTED},
	{ANYWHERE, 0, "4.5.3", NULL, RETRY},
	{ANYWHERE, 0, "5.5.*", NULL, MISCONFIGURED},
	/* Mailbox full: said as permanent, mostly is not. */
	{ANYWHERE, 0, "5.2.2", NULL, RETRY},
	{ANYWHERE, 552, "none", NULL, RETRY},
	/* Too big, whoever says it. */
	{ANYWHERE, 0, "5.3.4", NULL, REJECTED},
	{ANYWHERE, 0, "5.2.3", NULL, REJECTED},
	/* Greylisting (450 or 451 4.7.1) needs no rule: the back-off passes the
	 * five minutes of a strict relay, and a lenient one is not kept waiting. */
	/* The relay itself is in trouble. */
	{ANYWHERE, 0, "4.3.*", NULL, RETRY_FAULT},
	{ANYWHERE, 0, "4.*.*", NULL, RETRY},
	/* No such mailbox or domain, moved without a trace, disabled; RFC 3463,
	 * RFC 7505 and Exchange's 5.1.10.  A bare 550 may be anything. */
	{AT_RCPT | AT_FINAL, 0, "5.1.1-3", NULL, DEAD},
	{AT_RCPT | AT_FINAL, 0, "5.1.6", NULL, DEAD},
	{AT_RCPT | AT_FINAL, 0, "5.1.10", NULL, DEAD},
	{AT_RCPT | AT_FINAL, 0, "5.2.1", NULL, DEAD},
	/* What the relay says of the sender is about us; an unsupported character
	 * set is about the recipient's address. */
	{AT_MAIL, 0, "5.6.7", NULL, REJECTED},
	{AT_MAIL, 0, "5.*.*", NULL, MISCONFIGURED},
	{ANYWHERE, 0, "5.*.*", NULL, REJECTED},
	/* Without enhanced codes. */
	{AT_CONNECT | AT_MAIL, 0, NULL, NULL, MISCONFIGURED},
	{ANYWHERE, 500, NULL, NULL, MISCONFIGURED},
	{ANYWHERE, 502, NULL, NULL, MISCONFIGURED},
	{ANYWHERE, 503, NULL, NULL, MISCONFIGURED},
	{ANYWHERE, 504, NULL, NULL, MISCONFIGURED},
	{ANYWHERE, 0, NULL, NULL, REJECTED},
};

bool
ga_reply_enhanced(const char *text, char *code, size_t size)
{
	const char *next = text;

	code[0] = '\0';
	if (*next != '2' && *next != '4' && *next != '5')
		return false;
	next++;
	for (int part = 0; part < 2; part++)
	{
		size_t digits;

		if (*next++ != '.')
			return false;
		digits = strspn(next, "0123456789");
		if (digits < 1 || digits > 3)
			return false;
		next += digits;
	}
	if (*next && !isspace((unsigned char) *next))
		return false;
	snprintf(code, size, "%.*s", (int) (next - text), text);
	return true;
}

/* One number against "*", "28" or "20-40"; moves both past it. */
static bool
matches_part(const char **pattern, const char **code)
{
	long number = strtol(*code, (char **) code, 10);
	long low;
	long high;

	if (**pattern == '*')
	{
		*pattern += 1;
		return true;
	}
	low = high = strtol(*pattern, (char **) pattern, 10);
	if (**pattern == '-')
		high = strtol(*pattern + 1, (char **) pattern, 10);
	return number >= low && number <= high;
}

static bool
matches_enhanced(const char *pattern, const char *code)
{
	if (pattern == NULL)
		return true;
	if (strcmp(pattern, "none") == 0)
		return *code == '\0';
	if (*code == '\0')
		return false;
	for (int part = 0; part < 3; part++)
	{
		if (!matches_part(&pattern, &code))
			return false;
		pattern += *pattern == '.';
		code += *code == '.';
	}
	return true;
}

/* Whether the text holds one of the words, whatever its case. */
static bool
mentions(const char *words, const char *text)
{
	char word[64];

	while (words && *words)
	{
		size_t length = strcspn(words, "|");

		snprintf(word, sizeof(word), "%.*s", (int) length, words);
		if (strcasestr(text, word))
			return true;
		words += length + (words[length] == '|');
	}
	return words == NULL;
}

GaVerdict
ga_reply_judge_smtp(GaSmtpStage stage, int code, const char *text)
{
	char enhanced[16];
	size_t i = 0;

	/* A refusal that claims success in its enhanced code has none; a plain
	 * 4xx reads like 4.0.0, so that one rule serves both. */
	if (!ga_reply_enhanced(text, enhanced, sizeof(enhanced)) ||
		enhanced[0] == '2')
		snprintf(enhanced, sizeof(enhanced), "%s", code < 500 ? "4.0.0" : "");
	for (; i < sizeof(smtp_rules) / sizeof(smtp_rules[0]) - 1; i++)
	{
		const SmtpRule *rule = &smtp_rules[i];

		if ((rule->stages & (1 << stage)) &&
			(rule->code == 0 || rule->code == code) &&
			matches_enhanced(rule->enhanced, enhanced) &&
			mentions(rule->words, text))
			break;
	}
	return smtp_rules[i].verdict;
}

GaVerdict
ga_reply_judge_http(int status)
{
	switch (status)
	{
		case 401:
		case 402:
		case 403:
		case 404: /* a wrong URL refuses everybody, not this recipient */
		case 405:
		case 407:
		case 415:
			return (GaVerdict) MISCONFIGURED;
		case 408:
		case 425:
			return (GaVerdict) RETRY;
		case 429:
		case 503:
			return (GaVerdict) RETRY_FAULT;
	}
	if (status >= 200 && status < 300)
		return (GaVerdict){GA_OUTCOME_ACCEPTED, 0, -1};
	if (status >= 300 && status < 400)
		return (GaVerdict) MISCONFIGURED;
	if (status >= 400 && status < 500)
		return (GaVerdict) REJECTED;
	/* The gateway had the message; whether it went on is not known. */
	return (GaVerdict){GA_OUTCOME_UNCERTAIN, FAULT, -1};
}

GaVerdict
ga_reply_judge_curl(CURLcode result, long os_errno, bool handed_over)
{
	if (handed_over)
		return (GaVerdict){GA_OUTCOME_UNCERTAIN, FAULT, -1};
	switch (result)
	{
		case CURLE_SSL_CONNECT_ERROR:
			/* A handshake cut off is the network's doing, not the setting's. */
			if (os_errno == ECONNRESET || os_errno == EPIPE ||
				os_errno == ETIMEDOUT)
				break;
			return (GaVerdict) MISCONFIGURED;
		case CURLE_UNSUPPORTED_PROTOCOL:
		case CURLE_URL_MALFORMAT:
		case CURLE_USE_SSL_FAILED:
		case CURLE_LOGIN_DENIED:
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CIPHER:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_ENGINE_NOTFOUND:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		case CURLE_SSL_INVALIDCERTSTATUS:
			return (GaVerdict) MISCONFIGURED;
		default:
			break;
	}
	return (GaVerdict) RETRY_FAULT;
}

int64_t
ga_reply_retry_after(const char *value, time_t now)
{
	size_t digits;
	int64_t delay;

	while (*value == ' ' || *value == '\t')
		value++;
	digits = strspn(value, "0123456789");
	if (digits > 0 &&
		strspn(value + digits, " \t\r\n") == strlen(value + digits))
	{
		/* Nine digits are more than a day and still no overflow. */
		if (digits > 9)
			return DAY_MS;
		delay = strtoll(value, NULL, 10) * 1000;
	}
	else
	{
		time_t date = curl_getdate(value, NULL);

		if (date == (time_t) -1)
			return -1;
		delay = date > now ? (int64_t) (date - now) * 1000 : 0;
	}
	return delay > DAY_MS ? DAY_MS : delay;
}
