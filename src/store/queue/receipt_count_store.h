/*
 * receipt_count_store.h
 *		Counting receipts, and removing old ones.
 */
#ifndef GA_STORE_QUEUE_RECEIPT_COUNT_STORE_H
#define GA_STORE_QUEUE_RECEIPT_COUNT_STORE_H

#include "postgres.h"

#include "store/queue/receipt_store.h"

/* All run inside ga_owner_enter()/leave(). */

/* Counts one that was not applied: "refused" or "unreadable".  `server` NULL: it is
 * not known. */
extern void ga_receipt_count(const char *server, const char *result);

/* Counts those that were. */
extern void ga_receipt_count_results(const char *server,
									 const GaReceiptResult *results,
									 int number);

/* Removes events older than the retention; true when there is more. */
extern bool ga_receipts_trim(void);

#endif /* GA_STORE_QUEUE_RECEIPT_COUNT_STORE_H */
