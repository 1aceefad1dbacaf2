/*
 * receipt_meaning.h
 *		What an event of a provider means for the message and for the contact.
 */
#ifndef GA_REQUEST_CALLBACK_RECEIPT_MEANING_H
#define GA_REQUEST_CALLBACK_RECEIPT_MEANING_H

#include "postgres.h"

#include "base/shared/receipt_table.h"
#include "request/callback/callback.h"

typedef struct GaReceiptMeaning
{
	GaReceiptStatus status;
	const char *reason; /* for people; NULL unless the message failed */
	/* a label of group_api.suppression; NULL: the contact is left alone */
	const char *suppress;
	const char *evidence; /* what that rests on, in words of ours; or NULL */
} GaReceiptMeaning;

extern GaReceiptMeaning ga_receipt_meaning(const char *kind,
										   const GaReceiptEvent *event);

#endif /* GA_REQUEST_CALLBACK_RECEIPT_MEANING_H */
