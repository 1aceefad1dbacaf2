/*
 * reply.c
 *		What an answer means for the message.
 *
 * The basic code's class decides first (RFC 5321 4.2), then whom the words blame
 * and what the enhanced code says; the table below is read from the top.  When in
 * doubt between the recipient's fault and ours, a reply counts as ours: a paused
 * provider loses nothing, a burnt invitation is gone.
 *
 * A text is no proof, though.  What is told by words alone is marked as unsure, so
 * that the dispatcher may judge by what else the provider does: the same refusal
 * for everybody is about us, one among acceptances about its recipient.
 */
#include "courier/smtp/reply.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/shared/mail_status.h"
#include "base/shared/mail_words.h"

#define DAY_MS (24 * 60 * 60 * 1000LL)

/* A quota of an hour or a day: asked again each hour, it is found renewed soon
 * enough, and a relay that counts refused tries is not annoyed. */
#define QUOTA_MS (60 * 60 * 1000LL)

/* After "too fast" (Gmail's x.7.28) a relay is left alone for so long. */
#define TOO_FAST_MS (5 * 60 * 1000LL)

/* Of a reply's words, however many lines it has; what is kept of them is less. */
#define TEXT_MAX 4096

#define FAULT GA_OUTCOME_PROVIDER_FAULT
#define UNSURE GA_OUTCOME_UNSURE

/* Stages a rule holds for. */
#define AT_CONNECT (1 << GA_SMTP_CONNECT)
#define AT_MAIL (1 << GA_SMTP_MAIL)
#define AT_RCPT (1 << GA_SMTP_RCPT)
#define AT_DATA (1 << GA_SMTP_DATA)
#define AT_FINAL (1 << GA_SMTP_FINAL)
#define ANYWHERE (~0)

/* Whom the words may blame for a rule to hold. */
#define BLAMES(blame) (1 << GA_BLAME_##blame)
#define WHATEVER (~0)

typedef struct SmtpRule
{
	int stages;
	int code;			  /* 550; 5 = any that begins so; 0 = any */
	const char *enhanced; /* "5.7.20-40", "4.3.*"; NULL = with or without */
	int blames;
	GaVerdict verdict;
} SmtpRule;

#define REJECTED                                                               \
	{                                                                          \
		GA_OUTCOME_REJECTED, 0, -1                                             \
	}
#define PERHAPS_REJECTED                                                       \
	{                                                                          \
		GA_OUTCOME_REJECTED, UNSURE, -1                                        \
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
#define QUOTA                                                                  \
	{                                                                          \
		GA_OUTCOME_RETRY, FAULT, QUOTA_MS                                      \
	}
#define MISCONFIGURED                                                          \
	{                                                                          \
		GA_OUTCOME_MISCONFIGURED, 0, -1                                        \
	}
#define PERHAPS_MISCONFIGURED                                                  \
	{                                                                          \
		GA_OUTCOME_MISCONFIGURED, UNSURE, -1                                   \
	}

/* The first rule that fits decides. */
static const SmtpRule smtp_rules[] = {
	/* Enough for this hour or day, whatever the code. */
	{ANYWHERE, 0, NULL, BLAMES(OUR_QUOTA), QUOTA},
	/* A password has to be changed first: RFC 4954 6. */
	{ANYWHERE, 432, "*.7.12", WHATEVER, MISCONFIGURED},
	/* The relay closes the channel, whatever it was asked. */
	{ANYWHERE, 421, NULL, WHATEVER, RETRY_FAULT},
	/* Postfix refuses so to relay for who has not logged in; no wait helps. */
	{AT_RCPT, 454, "4.7.1", BLAMES(SENDER), PERHAPS_MISCONFIGURED},
	{AT_RCPT, 454, "4.0.0", BLAMES(SENDER), PERHAPS_MISCONFIGURED},
	/* Authentication: RFC 4954.  454 is the temporary kind. */
	{ANYWHERE, 454, NULL, WHATEVER, RETRY_FAULT},
	{ANYWHERE, 530, NULL, WHATEVER, MISCONFIGURED},
	{ANYWHERE, 534, NULL, WHATEVER, MISCONFIGURED},
	{ANYWHERE, 535, NULL, WHATEVER, MISCONFIGURED},
	{ANYWHERE, 538, NULL, WHATEVER, MISCONFIGURED},
	{ANYWHERE, 0, "5.7.8-9", WHATEVER, MISCONFIGURED},
	/* Too fast, before the codes of sender authentication around it. */
	{ANYWHERE, 0, "*.7.28", WHATEVER, {GA_OUTCOME_RETRY, FAULT, TOO_FAST_MS}},
	/* SPF, DKIM, DMARC, reverse DNS, TLS: Gmail, RFC 7372; Outlook 5.7.5xx.  Said
	 * as temporary it is a DNS that does not answer: RFC 7372 3.2. */
	{ANYWHERE, 5, "5.7.20-40", WHATEVER, MISCONFIGURED},
	{ANYWHERE, 0, "5.7.509", WHATEVER, MISCONFIGURED},
	{ANYWHERE, 0, "5.7.515", WHATEVER, MISCONFIGURED},
	/* It wants TLS: RFC 3463 3.8, RFC 5248. */
	{ANYWHERE, 5, "5.7.10-11", WHATEVER, MISCONFIGURED},
	/* Exchange Online: this account or host may not send. */
	{ANYWHERE, 0, "5.7.60", WHATEVER, MISCONFIGURED},
	{ANYWHERE, 0, "5.7.501-503", WHATEVER, MISCONFIGURED},
	{ANYWHERE, 0, "5.7.511", WHATEVER, MISCONFIGURED},
	{ANYWHERE, 0, "5.7.606-649", WHATEVER, MISCONFIGURED},
	{ANYWHERE, 0, "5.7.700-799", WHATEVER, MISCONFIGURED},
	/* Exchange Online: the recipient chooses who may write. */
	{AT_RCPT | AT_FINAL, 5, "5.7.120-136", WHATEVER, REJECTED},
	{AT_RCPT | AT_FINAL, 5, "5.7.193", WHATEVER, REJECTED},
	/* Exchange Online: the recipient is banned, which is a word of senders. */
	{AT_RCPT | AT_FINAL, 5, "5.7.505", WHATEVER, PERHAPS_REJECTED},
	/* Before a sender is named nothing is about this message. */
	{AT_CONNECT, 4, NULL, WHATEVER, RETRY_FAULT},
	{AT_CONNECT, 5, NULL, BLAMES(RATE), RETRY_FAULT},
	{AT_CONNECT, 0, NULL, WHATEVER, MISCONFIGURED},
	/* Said as permanent, but the next hour is another one. */
	{ANYWHERE, 5, NULL, BLAMES(RATE), RETRY},
	/* What the relay says of the sender is about us; the size and an unsupported
	 * character set are about the message and the recipient's address. */
	{ANYWHERE, 5, "5.6.7", WHATEVER, REJECTED},
	{AT_MAIL, 5, "5.3.4", WHATEVER, REJECTED},
	{AT_MAIL, 552, NULL, BLAMES(CONTENT), REJECTED},
	{AT_MAIL, 5, NULL, WHATEVER, MISCONFIGURED},
	/* The words blame the account, the sender or its host. */
	{ANYWHERE, 5, NULL, BLAMES(SENDER), PERHAPS_MISCONFIGURED},
	/* Alibaba Cloud's refusal of another sender than the account's. */
	{ANYWHERE, 440, NULL, BLAMES(SENDER), PERHAPS_MISCONFIGURED},
	/* The sender's address or its domain: RFC 3463 3.2. */
	{ANYWHERE, 5, "5.1.7-8", WHATEVER, PERHAPS_MISCONFIGURED},
	/* Exchange Online says 5.5.0 of unknown mailboxes, Orange of full ones. */
	{AT_RCPT, 550, "5.5.0", WHATEVER, PERHAPS_REJECTED},
	{ANYWHERE, 5, "5.5.3", WHATEVER, RETRY},
	{ANYWHERE, 5, "5.5.*", WHATEVER, MISCONFIGURED},
	{ANYWHERE, 500, NULL, WHATEVER, MISCONFIGURED},
	{ANYWHERE, 502, NULL, WHATEVER, MISCONFIGURED},
	{ANYWHERE, 503, NULL, WHATEVER, MISCONFIGURED},
	{ANYWHERE, 504, NULL, WHATEVER, MISCONFIGURED},
	/* Too big, whoever says it. */
	{ANYWHERE, 5, "5.3.4", WHATEVER, REJECTED},
	{ANYWHERE, 5, "5.2.3", WHATEVER, REJECTED},
	{ANYWHERE, 552, "none", BLAMES(CONTENT), REJECTED},
	/* Mailbox full: said as permanent, mostly is not. */
	{ANYWHERE, 5, "5.2.2", WHATEVER, RETRY},
	{ANYWHERE, 552, "none", BLAMES(RECIPIENT), REJECTED},
	{ANYWHERE, 552, "none", WHATEVER, RETRY},
	/* Greylisting (450 or 451 4.7.1) needs no rule: the back-off passes the
	 * five minutes of a strict relay, and a lenient one is not kept waiting. */
	/* The relay itself is in trouble, or is being shut down. */
	{ANYWHERE, 5, "5.3.2", WHATEVER, RETRY_FAULT},
	{ANYWHERE, 4, "4.3.*", WHATEVER, RETRY_FAULT},
	{ANYWHERE, 4, NULL, WHATEVER, RETRY},
	/* The words or the code blame the recipient; the rest is a guess. */
	{ANYWHERE, 5, NULL, BLAMES(RECIPIENT) | BLAMES(FULL), REJECTED},
	{AT_RCPT | AT_FINAL, 5, "5.1.*", WHATEVER, REJECTED},
	{ANYWHERE, 0, NULL, WHATEVER, PERHAPS_REJECTED},
};

/*
 * What a relay counts of ours, and that there may be no more of it: only both say
 * that it wants fewer connections.  One connection alone is not counted, since it
 * may be closed for too many errors or hold too many messages.
 */
static const char *const counted[] = {"connections",
									  "sessions",
									  "sender thread",
									  "many connection",
									  "maximum connection",
									  "max connection",
									  "concurrent connection",
									  "simultaneous connection",
									  "parallel connection",
									  "connection limit",
									  "connection count",
									  "connection concurrency",
									  "session limit",
									  "concurrent session",
									  "many concurrent",
									  "many simultaneous",
									  "many parallel",
									  "connexions",
									  NULL};
static const char *const bounds[] = {
	"limit",	"too many", "maximum",	 "max ",	"concurren", "simultaneous",
	"parallel", "exceed",	"more than", "trop de", NULL};

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

static bool
says_any(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcasestr(text, *words))
			return true;
	return false;
}

static bool
says_crowded(const char *text)
{
	return says_any(text, counted) && says_any(text, bounds);
}

static bool
matches_code(int pattern, int code)
{
	return pattern == 0 || pattern == code || pattern == code / 100;
}

/*
 * The enhanced code with the class of the basic one; "" where a permanent refusal
 * has none, or one that claims success.  A plain 4xx reads like 4.0.0, so that
 * one rule serves both.
 */
static void
read_enhanced(int code, const char *text, char *enhanced, size_t size)
{
	bool is_there = ga_reply_enhanced(text, enhanced, size);

	if (!is_there || enhanced[0] == '2')
		snprintf(enhanced, size, "%s", code < 500 ? "4.0.0" : "");
	else
		enhanced[0] = code < 500 ? '4' : '5';
}

GaVerdict
ga_reply_judge_smtp(GaSmtpStage stage, int code, const char *text)
{
	int blames = 1 << ga_mail_words_read(text);
	char enhanced[16];
	GaVerdict verdict;
	size_t i = 0;

	read_enhanced(code, text, enhanced, sizeof(enhanced));
	for (; i < sizeof(smtp_rules) / sizeof(smtp_rules[0]) - 1; i++)
	{
		const SmtpRule *rule = &smtp_rules[i];

		if ((rule->stages & (1 << stage)) && matches_code(rule->code, code) &&
			matches_enhanced(rule->enhanced, enhanced) &&
			(rule->blames & blames))
			break;
	}
	verdict = smtp_rules[i].verdict;
	if (verdict.outcome == GA_OUTCOME_REJECTED &&
		((1 << stage) & (AT_RCPT | AT_FINAL)) &&
		ga_mail_status_is_dead(enhanced, text))
		verdict = (GaVerdict) DEAD;
	if (verdict.outcome == GA_OUTCOME_RETRY && says_crowded(text))
		verdict.flags |= GA_OUTCOME_CROWDED;
	return verdict;
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
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CIPHER:
		case CURLE_SSL_ENGINE_NOTFOUND:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		case CURLE_SSL_INVALIDCERTSTATUS:
			return (GaVerdict) MISCONFIGURED;
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CACERT_BADFILE:
			return (GaVerdict){GA_OUTCOME_MISCONFIGURED, GA_OUTCOME_UNTRUSTED,
							   -1};
		case CURLE_COULDNT_RESOLVE_PROXY:
		case CURLE_COULDNT_RESOLVE_HOST:
		case CURLE_COULDNT_CONNECT:
		case CURLE_OPERATION_TIMEDOUT:
			return (GaVerdict){GA_OUTCOME_RETRY, FAULT | GA_OUTCOME_UNREACHED,
							   -1};
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

/* RFC 5321 4.2: three digits, then a blank or a hyphen and words, or nothing. */
int
ga_reply_code(const char *line, size_t length)
{
	int code = 0;

	if (length < 3 || (length > 3 && memchr(" -\r\n", line[3], 4) == NULL))
		return -1;
	for (int i = 0; i < 3; i++)
	{
		if (line[i] < '0' || line[i] > '9')
			return -1;
		code = code * 10 + (line[i] - '0');
	}
	return code;
}

bool
ga_reply_is_refusal(int code)
{
	return code >= 400 && code < 600;
}

void
ga_reply_add_text(GaText *text, const char *line, size_t length)
{
	char first[16];
	char code[16];
	char copy[64];

	snprintf(copy, sizeof(copy), "%.*s",
			 (int) (length < sizeof(copy) ? length : sizeof(copy) - 1), line);
	if (text->length > 0 &&
		ga_reply_enhanced(ga_text_string(text), first, sizeof(first)) &&
		ga_reply_enhanced(copy, code, sizeof(code)) && strcmp(first, code) == 0)
	{
		line += strlen(code);
		length -= strlen(code);
	}
	else if (text->length > 0 && text->length < TEXT_MAX)
		ga_text_putc(text, ' ');
	if (text->length + length < TEXT_MAX)
		ga_text_append(text, line, length);
}
