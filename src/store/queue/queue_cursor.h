/*
 * queue_cursor.h
 *		A place in the queue: what stands behind it comes next.
 */
#ifndef GA_STORE_QUEUE_QUEUE_CURSOR_H
#define GA_STORE_QUEUE_QUEUE_CURSOR_H

#include "postgres.h"

#include "base/fair_queue.h"
#include "utils/uuid.h"

/*
 * How far a provider has read its channel's queue, so that rows already taken
 * are not walked over again (their dead index entries cost most when some old
 * snapshot keeps vacuum away).  GA_START_TAG_MIN: from the front.
 */
typedef struct GaQueueCursor
{
	int64 start_tag;
	pg_uuid_t group_id;
	int32 number;
} GaQueueCursor;

/* The order of the index: the tag, then the group, then the member. */
static inline int
ga_queue_cursor_compare(const GaQueueCursor *a, const GaQueueCursor *b)
{
	int order;

	if (a->start_tag != b->start_tag)
		return a->start_tag > b->start_tag ? 1 : -1;
	order = memcmp(a->group_id.data, b->group_id.data, UUID_LEN);
	if (order != 0)
		return order;
	return a->number > b->number ? 1 : a->number < b->number ? -1 : 0;
}

/* One scan for rows that a provider takes, behind a cursor. */
typedef struct GaQueueScan
{
	GaQueueCursor *cursor; /* where it begins; moved behind what was read */
	int64 last_tag;		   /* it ends behind this one */
	bool all_may_go;	   /* no row is set aside, as is known beforehand */

	/* what it saw */
	bool goes_on;	   /* there may be more up to the last tag */
	int64 claimed_to;  /* the highest tag of what it took */
	bool tells_locked; /* the next one is right: a statement does not tell */
	GaTagRange locked; /* of rows that others held, which it left out */
} GaQueueScan;

#endif /* GA_STORE_QUEUE_QUEUE_CURSOR_H */
