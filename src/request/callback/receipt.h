/*
 * receipt.h
 *		What a provider says in a callback about one of its messages, and what
 *		that means for the message and for its contact.
 *
 * Texts are UTF-8 without control characters; NULL: not told.
 */
#ifndef GA_REQUEST_CALLBACK_RECEIPT_H
#define GA_REQUEST_CALLBACK_RECEIPT_H

#include "postgres.h"

#include "base/digest.h"
#include "base/shared/receipt_table.h"
#include "request/callback/keyword.h"
#include "request/contact/contact.h"

struct GaCallback;
struct GaCallbackKind;

typedef struct GaReceiptEvent
{
	/* as the provider told it */
	const char *reference; /* our key of the message */
	const char *message_id;
	const char *word; /* never NULL; may be refined: "Bounce/Permanent/x" */
	const char *code;
	const char *text;
	const char *time;
	const char *nonce; /* what the provider uses once only */
	GaBytes raw;
	/* what it means for the message */
	GaReceiptStatus status;
	const char *reason; /* for people; NULL unless the message failed */
	/* a label of group_api.suppression; NULL: the contact is left alone */
	const char *suppress;
	const char *evidence; /* what that rests on, in words of ours; or NULL */
	/* It is no receipt but a person's message that came in. */
	bool is_incoming;
	GaKeyword keyword; /* what the person said; NONE: something else */
	GaContact sender;  /* whose it is, where there is one */
} GaReceiptEvent;

/*
 * Reads a callback that is proved.  Returns how many events there are; 0: the body
 * cannot be read.
 */
extern int ga_receipt_read(const struct GaCallback *callback,
						   GaReceiptEvent **events);

/* Fills what a receipt means (request/callback/receipt_meaning.c). */
extern void ga_receipt_interpret(const struct GaCallbackKind *kind,
								 GaReceiptEvent *event);

#endif /* GA_REQUEST_CALLBACK_RECEIPT_H */
