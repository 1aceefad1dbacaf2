/*
 * receipt_table.h
 *		What the providers' words and codes in receipts mean, as data.
 *
 * Shared by the backend, which reads callbacks, and the courier, which asks for
 * the state of a message, so that the two cannot disagree.
 *
 * Pure C: no PostgreSQL header, no allocation.
 */
#ifndef GA_BASE_SHARED_RECEIPT_TABLE_H
#define GA_BASE_SHARED_RECEIPT_TABLE_H

#include <stdbool.h>

/* What an event says of the message. */
typedef enum GaReceiptStatus
{
	GA_RECEIPT_NOTHING,	  /* queued, buffered, delayed, opened: no change */
	GA_RECEIPT_SENT,	  /* the provider or carrier took it over */
	GA_RECEIPT_DELIVERED, /* the handset or mailbox has it */
	GA_RECEIPT_FAILED	  /* it will never arrive */
} GaReceiptStatus;

/* false: this kind of provider has no such word (their case does not count). */
extern bool ga_receipt_status_find(const char *kind, const char *word,
								   GaReceiptStatus *status);

/* Its word in group_api_private.receipts: sent, delivered, failed or pending. */
extern const char *ga_receipt_status_word(GaReceiptStatus status);

/* What an error code in a receipt means. */
typedef struct GaReceiptCode
{
	const char *kind;
	const char *code;
	const char *words;	  /* for people: "the number is not in service" */
	const char *suppress; /* a label of group_api.suppression, or NULL */
} GaReceiptCode;

/* NULL: not listed; the status alone counts. */
extern const GaReceiptCode *ga_receipt_code_find(const char *kind,
												 const char *code);

#endif /* GA_BASE_SHARED_RECEIPT_TABLE_H */
