/*
 * due_store.h
 *		Rows of the queue that wait for a time, and their way into its order.
 */
#ifndef GA_STORE_QUEUE_DUE_STORE_H
#define GA_STORE_QUEUE_DUE_STORE_H

#include "postgres.h"

#include "base/fair_queue.h"
#include "datatype/timestamp.h"
#include "store/queue/set_aside_store.h"
#include "utils/uuid.h"

/* How far they have been read, as in queue_store.h.  DT_NOBEGIN: from the front. */
typedef struct GaDueCursor
{
	TimestampTz due;
	pg_uuid_t group_id;
	int32 number;
} GaDueCursor;

/* All run inside ga_owner_enter()/leave(). */

/*
 * Gives up to `limit` rows whose time has come their place in the queue, and moves
 * the cursor behind them.  Returns how many there were; `tags` takes the ranges
 * given out, by channel.
 */
extern int ga_queue_place_due(GaDueCursor *cursor, TimestampTz now, int limit,
							  GaTagRange *tags);
/* The row that it would take next; false: there is none. */
extern bool ga_queue_peek_due(const GaDueCursor *cursor, TimestampTz now,
							  GaRowKey *key);
/* When the first row without a place in the queue is due; 0: there is none. */
extern TimestampTz ga_queue_next_due(void);

#endif /* GA_STORE_QUEUE_DUE_STORE_H */
