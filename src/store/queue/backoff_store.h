/*
 * backoff_store.h
 *		Messages that wait for their next try.
 */
#ifndef GA_STORE_QUEUE_BACKOFF_STORE_H
#define GA_STORE_QUEUE_BACKOFF_STORE_H

#include "postgres.h"

/*
 * Ends the wait of messages that a provider could not take, so many at the most
 * as stand in the file; those of which somebody holds the row keep theirs.  Returns how
 * many: they are due from the beginning of the transaction on.
 */
extern uint64 ga_backoff_end(const char *server);

#endif /* GA_STORE_QUEUE_BACKOFF_STORE_H */
