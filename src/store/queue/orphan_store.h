/*
 * orphan_store.h
 *		Rows that earlier dispatchers left in the state sending.
 */
#ifndef GA_STORE_QUEUE_ORPHAN_STORE_H
#define GA_STORE_QUEUE_ORPHAN_STORE_H

#include "postgres.h"

#include "base/fair_queue.h"
#include "store/queue/queue_cursor.h"
#include "store/queue/set_aside_store.h"

struct GaOwnerScope;

/*
 * How far the queue has been searched for them; {0} is its beginning.  The lists of
 * the channels, and as GA_CHANNEL_NONE that of rows without a tag, are read in turns.
 */
typedef struct GaOrphanSearch
{
	bool is_begun;
	bool leaves_some; /* set aside, or on pages that cannot be read */
	int list;		  /* the next one */
	bool is_over[GA_CHANNEL_COUNT];
	GaQueueCursor at[GA_CHANNEL_COUNT];
} GaOrphanSearch;

/* One such row. */
typedef struct GaOrphan
{
	GaRowKey key;
	int list;
	int64 start_tag; /* of a row without a tag: when it is due */
} GaOrphan;

/* All run inside ga_owner_enter()/leave(). */

/*
 * Searches the next 2000 rows of one of the lists for those that are being sent and bear
 * another incarnation, and moves the search behind them.  Returns how many there
 * are; *is_over: there are no more rows.
 */
extern int ga_orphans_find(const struct GaOwnerScope *scope, int64 incarnation,
						   GaOrphanSearch *search, GaOrphan **orphans,
						   bool *is_over);
/*
 * Takes rows back: queued again at once, or uncertain where the provider's option
 * says hold.  Rows somebody holds locked stay as they are.  Returns how many it
 * took.  `with_history`: each gets a line of the history.
 */
extern uint64 ga_orphans_take_back(int64 incarnation, Datum hold_servers,
								   const GaOrphan *orphans, int count,
								   bool with_history);
/*
 * Moves those that are still being sent, so locked by somebody, to the front;
 * returns how many.
 */
extern int ga_orphans_keep_locked(int64 incarnation, GaOrphan *orphans,
								  int count);

#endif /* GA_STORE_QUEUE_ORPHAN_STORE_H */
