/*
 * mail_status.c
 *		The words for the enhanced status codes of mail.
 *
 * The first digit (4: for now, 5: for good) is not in the table: a subject and
 * its detail mean the same either way.  Only what ends for good is dead.
 */
#include "base/mail_status.h"

#include <stddef.h>
#include <string.h>

typedef struct StatusRow
{
	const char *code; /* mostly without the first digit */
	const char *words;
	bool is_dead;
} StatusRow;

/* RFC 3463, and IANA's registry for what came later (RFC 7505, 7372). */
static const StatusRow rows[] = {
	/* Exchange Online refuses unknown recipients so, and others as well. */
	{"5.4.1", "the mail server does not accept the recipient", false},
	{"1.1", "the mailbox does not exist", true},
	{"1.2", "the domain takes no mail", true},
	{"1.3", "the address is not well-formed", true},
	{"1.4", "the address is ambiguous", false},
	{"1.6", "the mailbox has moved", true},
	{"1.8", "the sender's domain is not accepted", false},
	/* a null MX; in Exchange's words an unknown recipient */
	{"1.10", "the address takes no mail", true},
	{"2.0", "the mailbox cannot be used", false},
	{"2.1", "the mailbox is disabled", true},
	{"2.2", "the mailbox is full", false},
	{"2.3", "the message is too long", false},
	{"2.4", "the mailing list could not be expanded", false},
	{"3.0", "the mail system failed", false},
	{"3.1", "the mail system is full", false},
	{"3.2", "the mail system takes no mail at present", false},
	{"3.4", "the message is too long", false},
	{"4.1", "the mail server did not answer", false},
	{"4.2", "the connection to the mail server broke", false},
	{"4.3", "the domain could not be looked up", false},
	{"4.4", "there is no way to the domain", false},
	{"4.6", "the mail went in circles", false},
	{"4.7", "the mail server could not be reached in time", false},
	{"6.7", "the address needs a mail server that knows SMTPUTF8", false},
	{"7.0", "the mail server does not accept it", false},
	{"7.1", "the mail server does not accept it", false},
	{"7.26", "the mail could not be authenticated", false},
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

bool
ga_mail_status_is_dead(const char *status)
{
	const StatusRow *row = find(status);

	return row && row->is_dead && status[0] == '5';
}
