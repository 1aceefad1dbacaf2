/*
 * receipt_meaning.c
 *		Looks an event up in the tables and weighs what they say of the contact.
 *
 * Providers of e-mail call many things a bounce that are none of the mailbox's:
 * their own address on a list, a policy, a full mailbox.  So "bounced" stands only
 * where the mail server's code and words do not speak against it, and where the
 * provider tells nothing but "failed", these alone decide.
 */
#include "postgres.h"

#include "base/shared/mail_status.h"
#include "request/callback/callback_kind.h"
#include "request/callback/receipt.h"

/* "Bounce/Transient/General", "Bounce/Transient" and "Bounce" in turn. */
static const GaReceiptCode *
code_of(const char *kind, const GaReceiptEvent *event)
{
	const GaReceiptCode *known =
		event->code ? ga_receipt_code_find(kind, event->code) : NULL;
	char *word = pstrdup(event->word);

	while (known == NULL)
	{
		char *slash = strrchr(word, '/');

		known = ga_receipt_code_find(kind, word);
		if (slash == NULL)
			break;
		*slash = '\0';
	}
	return known;
}

static GaReceiptStatus
status_of(const char *kind, const char *refined)
{
	GaReceiptStatus status = GA_RECEIPT_NOTHING;
	char *word = pstrdup(refined);
	char *slash;

	while (!ga_receipt_status_find(kind, word, &status) &&
		   (slash = strrchr(word, '/')) != NULL)
		*slash = '\0';
	return status;
}

/* "the number is not in service (30005)": words for people first. */
static const char *
reason_of(const GaReceiptEvent *event, const char *words)
{
	const char *detail = event->text ? event->text : event->code;

	if (detail == NULL && words == NULL)
		detail = event->word;
	if (words == NULL)
		words = "the message did not arrive";
	return detail ? psprintf("%s (%s)", words, detail) : words;
}

/* What the mail server said, against or in place of the provider's word. */
static void
weigh_bounce(const GaReceiptEvent *event, const char **words,
			 const char **suppress)
{
	bool is_called_dead =
		*suppress != NULL && strcmp(*suppress, "bounced") == 0;

	if (is_called_dead &&
		ga_mail_status_is_against_death(event->code, event->text))
	{
		*suppress = NULL;
		*words = NULL;
	}
	if (*suppress == NULL && ga_mail_status_is_dead(event->code, event->text))
	{
		*suppress = "bounced";
		*words = NULL;
	}
	if (*words == NULL)
		*words = ga_mail_status_words(event->code, event->text);
}

void
ga_receipt_interpret(const GaCallbackKind *kind, GaReceiptEvent *event)
{
	const GaReceiptCode *known = code_of(kind->kind, event);
	const char *words = known ? known->words : NULL;

	event->status = status_of(kind->kind, event->word);
	/* A code beside a message that arrived is a warning. */
	if (known != NULL &&
		(event->status == GA_RECEIPT_FAILED ||
		 strncmp(known->code, event->word, strlen(known->code)) == 0))
		event->suppress = known->suppress;
	if (event->status == GA_RECEIPT_FAILED && kind->is_mail)
		weigh_bounce(event, &words, &event->suppress);
	if (event->status == GA_RECEIPT_FAILED)
		event->reason = reason_of(event, words);
	if (event->suppress != NULL)
		event->evidence = words;
}
