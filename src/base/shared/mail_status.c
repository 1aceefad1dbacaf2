/*
 * mail_status.c
 *		The words for the enhanced status codes of mail.
 *
 * The first digit (4: for now, 5: for good) is not in the table: a subject and
 * its detail mean the same either way.  Only what ends for good is dead.
 *
 * A code is what a server chose among few; its words say what it means.  So a
 * contact is dead where neither contradicts the other: "5.1.1 over quota" is a
 * mailbox that lives, and 5.2.1 says "disabled" and "too much mail" alike.
 */
#include "base/shared/mail_status.h"

#include <ctype.h>
#include <string.h>

#include "base/shared/mail_words.h"

typedef enum Death
{
	LIVES,
	DEAD_BY_WORDS, /* when the words say so */
	DEAD		   /* unless the words say otherwise */
} Death;

typedef struct MailStatus
{
	const char *code; /* mostly without the first digit */
	const char *words;
	Death death;
} MailStatus;

/* RFC 3463, and IANA's registry for what came later (RFC 7505, 7372). */
static const MailStatus rows[] = {
	/* Exchange Online refuses unknown recipients so, and others as well. */
	{"5.4.1", "the mail server does not accept the recipient", LIVES},
	{"1.1", "the mailbox does not exist", DEAD},
	{"1.2", "the domain takes no mail", DEAD},
	{"1.3", "the address is not well-formed", DEAD},
	{"1.4", "the address is ambiguous", LIVES},
	{"1.6", "the mailbox has moved", DEAD},
	{"1.8", "the sender's domain is not accepted", LIVES},
	/* a null MX; in Exchange's words an unknown recipient */
	{"1.10", "the address takes no mail", DEAD},
	{"2.0", "the mailbox cannot be used", LIVES},
	{"2.1", "the mailbox is disabled", DEAD_BY_WORDS},
	{"2.2", "the mailbox is full", LIVES},
	{"2.3", "the message is too long", LIVES},
	{"2.4", "the mailing list could not be expanded", LIVES},
	{"3.0", "the mail system failed", LIVES},
	{"3.1", "the mail system is full", LIVES},
	{"3.2", "the mail system takes no mail at present", LIVES},
	{"3.4", "the message is too long", LIVES},
	{"4.1", "the mail server did not answer", LIVES},
	{"4.2", "the connection to the mail server broke", LIVES},
	{"4.3", "the domain could not be looked up", LIVES},
	{"4.4", "there is no way to the domain", LIVES},
	{"4.6", "the mail went in circles", LIVES},
	{"4.7", "the mail server could not be reached in time", LIVES},
	{"6.7", "the address needs a mail server that knows SMTPUTF8", LIVES},
	{"7.0", "the mail server does not accept it", LIVES},
	{"7.1", "the mail server does not accept it", LIVES},
	{"7.26", "the mail could not be authenticated", LIVES},
};

static const MailStatus *
find(const char *status)
{
	if (status == NULL || status[0] == '\0' || status[1] != '.')
		return NULL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].code, status + 2) == 0 ||
			strcmp(rows[i].code, status) == 0)
			return &rows[i];
	return NULL;
}

size_t
ga_mail_status_find(const char *text, const char **start)
{
	for (const char *c = text; *c; c++)
	{
		size_t subject;
		size_t detail;
		const char *end;

		if ((*c != '2' && *c != '4' && *c != '5') || c[1] != '.' ||
			(c > text && (isalnum((unsigned char) c[-1]) || c[-1] == '.')))
			continue;
		subject = strspn(c + 2, "0123456789");
		if (subject < 1 || subject > 3 || c[2 + subject] != '.')
			continue;
		detail = strspn(c + 3 + subject, "0123456789");
		end = c + 3 + subject + detail;
		if (detail < 1 || detail > 3 || isalnum((unsigned char) *end) ||
			(*end == '.' && isdigit((unsigned char) end[1])))
			continue;
		*start = c;
		return (size_t) (end - c);
	}
	return 0;
}

/* The row of the code that counts: one quoted in the words before `status`. */
static const MailStatus *
find_inner(const char **status, const char *words, char *inner, size_t size)
{
	const char *quoted;
	size_t length = words ? ga_mail_status_find(words, &quoted) : 0;

	if (length > 0 && length < size)
	{
		memcpy(inner, quoted, length);
		inner[length] = '\0';
		/* x.0.0 says nothing that the outer code would not say better. */
		if (strcmp(inner + 1, ".0.0") != 0)
			*status = inner;
	}
	return find(*status);
}

static bool
is_somebody_elses(GaMailBlame blame)
{
	return blame != GA_BLAME_NOBODY && blame != GA_BLAME_RECIPIENT;
}

bool
ga_mail_status_is_dead(const char *status, const char *words)
{
	GaMailBlame blame = words ? ga_mail_words_read(words) : GA_BLAME_NOBODY;
	char inner[16];
	const MailStatus *row = find_inner(&status, words, inner, sizeof(inner));

	/* A basic code says too little without the words. */
	if (row == NULL && status != NULL && strcmp(status, "550") == 0)
		return blame == GA_BLAME_RECIPIENT;
	if (row == NULL || status[0] != '5' || is_somebody_elses(blame))
		return false;
	return row->death == DEAD ||
		   (row->death == DEAD_BY_WORDS && blame == GA_BLAME_RECIPIENT);
}

bool
ga_mail_status_is_against_death(const char *status, const char *words)
{
	GaMailBlame blame = words ? ga_mail_words_read(words) : GA_BLAME_NOBODY;
	char inner[16];
	const MailStatus *row = find_inner(&status, words, inner, sizeof(inner));

	return is_somebody_elses(blame) || (row != NULL && row->death == LIVES);
}

/* What stands in the table by the side of a blame that contradicts its code. */
static const char *
words_of_blame(GaMailBlame blame)
{
	switch (blame)
	{
		case GA_BLAME_OUR_QUOTA:
			return "the sender has sent as much as it may for now";
		case GA_BLAME_SENDER:
			return "the mail server does not accept the sender";
		case GA_BLAME_FULL:
			return "the mailbox is full";
		case GA_BLAME_RATE:
			return "the mailbox gets too much mail just now";
		case GA_BLAME_CONTENT:
			return "the mail server does not accept it";
		case GA_BLAME_RECIPIENT:
			return "the mailbox does not exist";
		case GA_BLAME_NOBODY:
			break;
	}
	return NULL;
}

const char *
ga_mail_status_words(const char *status, const char *words)
{
	GaMailBlame blame = words ? ga_mail_words_read(words) : GA_BLAME_NOBODY;
	char inner[16];
	const MailStatus *row = find_inner(&status, words, inner, sizeof(inner));

	if (row == NULL || (row->death != LIVES && is_somebody_elses(blame)))
		return words_of_blame(blame);
	return row->words;
}
