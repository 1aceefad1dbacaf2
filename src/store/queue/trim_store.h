/*
 * trim_store.h
 *		Removing history, receipts, events, counts and whatever else is older than its
 *		retention.
 */
#ifndef GA_STORE_QUEUE_TRIM_STORE_H
#define GA_STORE_QUEUE_TRIM_STORE_H

#include "postgres.h"

/*
 * Removes history and receipts older than their retention, what capture keeps
 * too much, and idempotency keys that no longer count.
 */
/* Returns true when there is more of it: the history goes in pieces. */
extern bool ga_queue_trim(void);
/*
 * Whether anything is kept that will be too old one day, or may come to be kept
 * while nobody tells the dispatcher: events for a consumer.
 */
extern bool ga_queue_has_history(void);
/* The same after an error: each part alone, the history row by row. */
extern void ga_queue_trim_one_by_one(void);

#endif /* GA_STORE_QUEUE_TRIM_STORE_H */
