/*
 * claim_store.h
 *		The dispatcher takes rows of the queue.
 *
 * Each is one short transaction of the dispatcher's; none is open while the
 * network is waited for.
 */
#ifndef GA_STORE_QUEUE_CLAIM_STORE_H
#define GA_STORE_QUEUE_CLAIM_STORE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "store/queue/queue_store.h"

struct GaOwnerScope;

/* All run inside ga_owner_enter()/leave(). */

/* Claims up to `limit` rows; returns how many, and in `scan` what it saw. */
extern int ga_queue_claim(const struct GaOwnerScope *scope, GaChannel channel,
						  const char *server, const GaQueueFilter *filter,
						  int64 incarnation, int limit, GaQueueScan *scan,
						  GaClaim **claims);

/* The row that a claim of one row would take; false: there is none. */
extern bool ga_queue_peek(GaChannel channel, const GaQueueFilter *filter,
						  const GaQueueCursor *cursor, int64 last_tag,
						  GaRowKey *key);

/*
 * Looks at the front of the queue for a row that this filter takes.  Returns when it
 * is due; a time to come: there is none as far as it looked, and it is to look once
 * more then; 0: there is none at all.
 */
extern TimestampTz ga_queue_first(GaChannel channel,
								  const GaQueueFilter *filter);
/* The tag of the first row of a channel; GA_START_TAG_MIN: nothing waits. */
extern int64 ga_queue_first_tag(GaChannel channel);

#endif /* GA_STORE_QUEUE_CLAIM_STORE_H */
