/*
 * history.c
 *		Trimming the history: what is older than the settings keep is deleted.
 *
 * Some rows in a transaction, the next ones in the next turn, and after the last
 * nothing for a while: a twenty-fourth of the shortest time that is kept, so that nothing gets
 * older than that by more, an hour at the most beside other work, and a day without.  That is a
 * date like any other, for which a dispatcher is started (dispatch/provider/retire),
 * as long as there is history, or a consumer for whom events are kept without a word to us.
 * What failed is tried again at that pace, too.
 *
 * Locks: the tables of GA_STEP_TRIM, without waiting (dispatch/work), and the rows
 * that are deleted, skipping those that others hold.
 *
 * Must never: hold up the delivery, or wake a dispatcher where nothing is kept.
 */
#include "postgres.h"

#include "base/guc.h"
#include "dispatch/courier/jobs.h"
#include "dispatch/ownership.h"
#include "dispatch/provider/retire.h"
#include "dispatch/steps/history.h"
#include "dispatch/steps/incarnation.h"
#include "dispatch/steps/set_aside.h"
#include "dispatch/work.h"
#include "store/queue/trim_store.h"

/* The longest time between two trims: while there is work, and without. */
#define BUSY_INTERVAL_MS 3600000
#define IDLE_INTERVAL_MS 86400000
/* The part of what is kept by which it may get older. */
#define TRIMS_A_RETENTION 24

static GaMonotonic trimmed_at;
static bool may_be_there = true; /* history, as far as this process knows */
static bool has_failed;			 /* one by one: what is left is not known */

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
ga_history_recheck(void)
{
	may_be_there = true;
}

static GaMonotonic
due_at(void)
{
	int64 kept_min =
		Min(ga_settings.events_retention, Min(ga_settings.attempts_retention,
											  ga_settings.receipts_retention));
	int64 longest =
		ga_jobs_count() > 0 || has_failed ? BUSY_INTERVAL_MS : IDLE_INTERVAL_MS;

	if (trimmed_at == 0)
		return 0;
	return trimmed_at +
		   Min(kept_min * (60000 / TRIMS_A_RETENTION), longest) * 1000;
}

static bool
may_trim(void)
{
	return ga_incarnation_number() != 0 && ga_ownership_is_ours() &&
		   !ga_dispatch_is_frozen() && !ga_retire_is_asked();
}

GaMonotonic
ga_history_next_turn(void)
{
	if (!may_be_there || !may_trim())
		return GA_MONOTONIC_NEVER;
	return Max(due_at(), ga_work_not_before(GA_STEP_TRIM));
}

void
ga_history_trim(GaMonotonic now)
{
	may_be_there |= ga_jobs_count() > 0;
	if (!may_be_there || !may_trim() || now < due_at())
		return;
	if (ga_work_begin(GA_STEP_TRIM))
	{
		bool more = false;
		bool is_left = true;

		has_failed = ga_work_is_careful(GA_STEP_TRIM);
		if (has_failed)
		{
			ga_set_aside_recheck();
			ga_queue_trim_one_by_one();
		}
		else
		{
			more = ga_queue_trim();
			is_left = more || ga_queue_has_history();
		}
		ga_work_end();
		trimmed_at = more ? 0 : now;
		may_be_there = is_left;
	}
}
