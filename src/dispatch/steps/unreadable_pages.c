/*
 * unreadable_pages.c
 *		Looking for pages of the disk that cannot be read, so that lists are read
 *		around them.
 *
 * An error of the disk tells no row.  After one the tables are walked once
 * (store/queue/unreadable); when nothing was found, the error was another's, and
 * the next walk waits for UNREADABLE_RETRY_MS.
 *
 * Locks: the tables of GA_STEP_FIND_UNREADABLE, without waiting (dispatch/work).
 *
 * Must never: walk the tables in each turn for an error whose page is not found.
 */
#include "postgres.h"

#include "dispatch/steps/set_aside.h"
#include "dispatch/steps/unreadable_pages.h"
#include "dispatch/work.h"
#include "store/queue/unreadable.h"

/* Before pages are looked for again after an error whose page was not found. */
#define UNREADABLE_RETRY_MS 60000

static bool unreadable_wanted; /* rows that could not be read are tried again */
static GaMonotonic unreadable_not_before;

void
ga_unreadable_pages_recheck(void)
{
	unreadable_wanted |= ga_unreadable_count() > 0;
}

static bool
wants_unreadable(void)
{
	return unreadable_wanted || ga_work_met_storage_error();
}

/* When pages are to be looked for; not again and again for an error of others. */
GaMonotonic
ga_unreadable_pages_next_turn(void)
{
	if (!wants_unreadable())
		return GA_MONOTONIC_NEVER;
	return Max(unreadable_wanted ? 0 : unreadable_not_before,
			   ga_work_not_before(GA_STEP_FIND_UNREADABLE));
}

/* After an error that may come of a page of the disk; lists are read around it. */
void
ga_unreadable_pages_find(GaMonotonic now)
{
	bool is_news;

	if (!wants_unreadable() ||
		ga_unreadable_pages_next_turn() > ga_monotonic_now() ||
		!ga_work_begin(GA_STEP_FIND_UNREADABLE))
		return;
	unreadable_not_before = ga_monotonic_in_ms(UNREADABLE_RETRY_MS);
	is_news = ga_unreadable_find();
	ga_work_end();
	if (is_news)
		unreadable_not_before = 0;
	unreadable_wanted = false;
	ga_work_forget_storage_error();
	ga_set_aside_recheck();
}
