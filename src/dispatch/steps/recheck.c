/*
 * recheck.c
 *		What waits for a date or was set aside is looked at once more.
 */
#include "postgres.h"

#include "dispatch/clock.h"
#include "dispatch/due_rows.h"
#include "dispatch/orphans.h"
#include "dispatch/ownership.h"
#include "dispatch/polls.h"
#include "dispatch/provider/retire.h"
#include "dispatch/reading.h"
#include "dispatch/steps/deadlines.h"
#include "dispatch/steps/recheck.h"
#include "dispatch/steps/reload.h"
#include "dispatch/steps/set_aside.h"
#include "dispatch/steps/unreadable_pages.h"
#include "utils/timestamp.h"

/* When somebody set it, all that waits for a date waits for another moment. */
static void
recheck_dates(void)
{
	ga_readings_begin_anew();
	ga_due_rows_recheck(DT_NOBEGIN);
	ga_polls_recheck();
	ga_set_aside_recheck();
	ga_deadlines_recheck();
}

void
ga_recheck_follow_clock(GaMonotonic now)
{
	if (!ga_clock_follow())
		return;
	recheck_dates();
	/* What was read meanwhile did not count for rests. */
	ga_reload_want();
}

void
ga_recheck_shorten_waits(GaMonotonic now)
{
	if (ga_ownership_is_ours() && ga_clock_shorten_waits())
		recheck_dates();
}

/* What was set aside is read again like what a lock left behind. */
void
ga_recheck_end_set_aside(GaMonotonic now)
{
	if (!ga_set_aside_is_over(now))
		return;
	ga_readings_begin_anew();
	ga_due_rows_recheck(DT_NOBEGIN);
	ga_polls_recheck();
	ga_deadlines_recheck();
	ga_unreadable_pages_recheck();
	if (!ga_retire_found_nothing_in_flight() || ga_orphans_are_left())
		ga_orphans_search();
}
