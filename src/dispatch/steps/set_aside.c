/*
 * set_aside.c
 *		When rows that were set aside are tried again.
 *
 * The table is asked once after each change; nothing is asked while nothing is set
 * aside.
 */
#include "postgres.h"

#include "dispatch/clock.h"
#include "dispatch/steps/set_aside.h"
#include "dispatch/work.h"
#include "store/queue/set_aside_store.h"

static bool is_known; /* next_end is right */
static GaMonotonic next_end = GA_MONOTONIC_NEVER;
static bool is_empty; /* nothing was, when next_end was asked for */

void
ga_set_aside_recheck(void)
{
	is_known = false;
}

bool
ga_set_aside_is_over(GaMonotonic now)
{
	bool is_over = next_end <= now;
	TimestampTz found;

	if (is_known && !is_over)
		return false;
	if (!ga_work_begin(GA_STEP_SET_ASIDE))
		return false;
	found = ga_set_aside_next();
	ga_work_end();
	is_empty = found == 0;
	next_end = is_empty ? GA_MONOTONIC_NEVER : ga_clock_when(found);
	is_known = true;
	return is_over;
}

bool
ga_set_aside_has_no_claim(void)
{
	return is_known && is_empty;
}

GaMonotonic
ga_set_aside_next_turn(void)
{
	return Max(is_known ? next_end : 0, ga_work_not_before(GA_STEP_SET_ASIDE));
}
