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
#include "base/mail_status.h"

#include <ctype.h>
#include <string.h>

#include "base/mail_words.h"

typedef enum Death
{
	LIVES,
	DEAD_BY_WORDS, /* when the words say so */
	DEAD		   /* unless the words say otherwise */
} Death;

typedef struct StatusRow
{
	const char *code; /* mostly without the first digit */
	const char *words;
	Death death;
} StatusRow;

/* RFC 3463, and IANA's registry for what came later (RFC 7505, 7372). */
static const StatusRow rows[] = {
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

static const StatusRow *
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

const char *
ga_mail_status_words(const char *status)
{
	const StatusRow *row = find(status);

	return row ? row->words : NULL;
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

bool
ga_mail_status_is_dead(const char *status, const char *words)
{
	GaMailBlame blame = words ? ga_mail_words_read(words) : GA_BLAME_NOBODY;
	const StatusRow *row;
	const char *quoted;
	char inner[16];
	size_t length = words ? ga_mail_status_find(words, &quoted) : 0;

	if (length > 0 && length < sizeof(inner))
	{
		memcpy(inner, quoted, length);
		inner[length] = '\0';
		/* x.0.0 says nothing that the outer code would not say better. */
		if (strcmp(inner + 1, ".0.0") != 0)
			status = inner;
	}
	row = find(status);
	if (row == NULL || status[0] != '5')
		return false;
	return blame == GA_BLAME_RECIPIENT ? row->death != LIVES
		   : blame == GA_BLAME_NOBODY  ? row->death == DEAD
									   : false;
}
