/*
 * fair_queue.h
 *		Sharing each channel's queue among leaders: start-time fair queueing.
 *
 * Every row that may leave gets a start tag, and rows leave in the order of their
 * tags.  See fair_queue.c for what the tags mean.
 */
#ifndef GA_BASE_FAIR_QUEUE_H
#define GA_BASE_FAIR_QUEUE_H

#include "postgres.h"

#include "base/shared/channel.h"

/* Before and behind all start tags. */
#define GA_START_TAG_MIN PG_INT64_MIN
#define GA_START_TAG_MAX PG_INT64_MAX

/* The tags of some rows of one leader in one channel, in their order. */
typedef struct GaStartTags
{
	int64 first;
	int64 second;
	int64 step; /* from the second to the third, and so on */
} GaStartTags;

/* From the lowest to the highest tag; from > to: none. */
typedef struct GaTagRange
{
	int64 from;
	int64 to;
} GaTagRange;

/* Asks for the shared memory; called while preloading. */
extern void ga_fair_queue_init(void);

/*
 * The tags for `count` rows that a leader (a user's id; 0: nobody known) queues
 * in a channel of this database.  Waits for nobody and never fails.
 */
extern GaStartTags ga_fair_queue_take_tags(GaChannel channel, int64 leader,
										   int count);
/* The tag of the nth of them, from 0. */
extern int64 ga_fair_queue_tag(const GaStartTags *tags, int n);

/* The transaction's end; an abort gives back what it took. */
extern void ga_fair_queue_end_tags(bool is_abort);
/* What this transaction took in a channel. */
extern GaTagRange ga_fair_queue_taken_tags(GaChannel channel);

/* All of the following are the dispatcher's. */

/* The virtual time: how far the channel's queue has been worked off. */
extern void ga_fair_queue_move_to(GaChannel channel, int64 tag);
/* A row of this leader left the queue. */
extern void ga_fair_queue_served(GaChannel channel, int64 leader);
/* Nothing waits in the channel: nobody is ahead of or behind anybody. */
extern void ga_fair_queue_is_empty(GaChannel channel);

static inline void
ga_fair_queue_reset_range(GaTagRange *range)
{
	range->from = GA_START_TAG_MAX;
	range->to = GA_START_TAG_MIN;
}

static inline void
ga_fair_queue_add_range(GaTagRange *range, int64 from, int64 to)
{
	range->from = Min(range->from, from);
	range->to = Max(range->to, to);
}

#endif /* GA_BASE_FAIR_QUEUE_H */
