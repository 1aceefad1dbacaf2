/*
 * history.c
 *		Trimming the history: what is older than the settings keep is deleted.
 *
 * Some rows in a transaction, the next ones in the next turn, and after the last
 * nothing for TRIM_INTERVAL_MS.  When that was is kept for the next dispatcher
 * (dispatch/provider/retire), which goes on from there.
 *
 * Locks: the tables of GA_STEP_TRIM, without waiting (dispatch/work), and the rows
 * that are deleted, skipping those that others hold.
 *
 * Must never: hold up the delivery.
 */
#include "postgres.h"

#include "dispatch/steps/history.h"
#include "dispatch/steps/set_aside.h"
#include "dispatch/work.h"
#include "store/queue/trim_store.h"

/* How often the history is trimmed while there is work. */
#define TRIM_INTERVAL_MS 3600000

static GaMonotonic trimmed_at;

void
ga_history_begin(GaMonotonic at)
{
	trimmed_at = at;
}

GaMonotonic
ga_history_trimmed_at(void)
{
	return trimmed_at;
}

void
ga_history_trim(GaMonotonic now)
{
	if (trimmed_at != 0 &&
		now - trimmed_at < TRIM_INTERVAL_MS * INT64CONST(1000))
		return;
	if (ga_work_begin(GA_STEP_TRIM))
	{
		bool more = false;

		if (ga_work_is_careful(GA_STEP_TRIM))
		{
			ga_set_aside_recheck();
			ga_queue_trim_one_by_one();
		}
		else
			more = ga_queue_trim();
		ga_work_end();
		trimmed_at = more ? 0 : now;
	}
}
