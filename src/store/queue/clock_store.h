/*
 * clock_store.h
 *		Waits that rows keep as dates, after somebody set the clock.
 */
#ifndef GA_STORE_QUEUE_CLOCK_STORE_H
#define GA_STORE_QUEUE_CLOCK_STORE_H

#include "postgres.h"

#include "store/queue/due_store.h"

/* All run inside ga_owner_enter()/leave(). */

/*
 * Moves the rests on the record along with the clock, which was set by `step_us`;
 * 0: nobody knows by how much.  One that begins in the future begins now.  Under
 * ga_provider_lock_pauses().
 */
extern void ga_clock_move_rests(int64 step_us);

/*
 * What waits since a date that is still to come waits from now on, as long as it
 * was to: invitations, of up to `limit` behind the cursor, which moves on, then
 * questions and rows set aside.  True when all were looked at.
 */
extern bool ga_clock_shorten_rows(GaDueCursor *cursor, int limit);

#endif /* GA_STORE_QUEUE_CLOCK_STORE_H */
