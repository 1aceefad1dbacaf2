/*
 * clock.c
 *		Dates and waits.
 *
 * A wait is measured by the monotonic clock (base/shared/monotonic), a date by the wall
 * clock.  Tables keep dates, also of what is a wait: a rest, a next try, a next
 * question.  Whether somebody set the clock is seen by its distance from the
 * monotonic one, at each turn and from one dispatcher to the next.  Then the rests
 * on the record are moved along with it.  Of the rest a row itself tells whether
 * the clock was set back, also while the server was down: it waits since a date
 * that is still to come.  Such a wait begins anew, so it lasts twice as long at
 * the most.  When the clock is set forward a row is due early, which costs a try;
 * the provider's own rest is honoured.
 *
 * Locks: rests only while nobody's open transaction pauses or resumes
 * (ga_provider_lock_pauses()); rows that somebody holds are skipped.
 */
#include "postgres.h"

#include <math.h>

#include "dispatch/clock.h"
#include "dispatch/work.h"
#include "store/queue/clock_store.h"
#include "store/provider_store.h"
#include "utils/timestamp.h"

/* Less is a time service that corrects the clock by and by. */
#define SET_US (1 * USECS_PER_SEC)
/* Before rests that somebody's transaction is in the way of are moved. */
#define RETRY_MS 1000
/* Rows that wait, looked at in one transaction. */
#define ROWS_AT_ONCE 2000

static int64 known_offset;
static int64 unfollowed_us; /* how far the clock was set */
static bool rests_are_checked;
static GaMonotonic not_before;
static bool has_checked_rows; /* at all rows that wait */
static GaDueCursor cursor;

GaMonotonic
ga_clock_when(TimestampTz date)
{
	if (TIMESTAMP_NOT_FINITE(date))
		return date == DT_NOEND ? GA_MONOTONIC_NEVER : 0;
	return Max(ga_monotonic_now() + (date - GetCurrentTimestamp()), 0);
}

TimestampTz
ga_clock_date(GaMonotonic at)
{
	if (at == 0 || at == GA_MONOTONIC_NEVER)
		return at;
	return GetCurrentTimestamp() + (at - ga_monotonic_now());
}

static int64
read_offset(void)
{
	return GetCurrentTimestamp() - ga_monotonic_now();
}

int64
ga_clock_offset(void)
{
	/* What is not done yet is left to the next one, which looks at all. */
	return has_checked_rows && rests_are_checked ? known_offset - unfollowed_us
												 : 0;
}

static void
check_all_rows(void)
{
	has_checked_rows = false;
	memset(&cursor, 0, sizeof(cursor));
	cursor.due = GetCurrentTimestamp();
}

void
ga_clock_begin(int64 offset)
{
	known_offset = offset == 0 ? read_offset() : offset;
	/* What came before is told by the rows alone. */
	rests_are_checked = offset != 0;
	check_all_rows();
	has_checked_rows = offset != 0;
}

/* Notices that the clock was set. */
static void
compare_clocks(void)
{
	int64 offset = read_offset();
	int64 step = offset - known_offset;

	if (step > -SET_US && step < SET_US)
		return;
	ereport(LOG, (errmsg("group_api noticed that the clock was set %s by "
						 "%.0f s",
						 step < 0 ? "back" : "forward",
						 fabs((double) step) / USECS_PER_SEC)));
	known_offset = offset;
	unfollowed_us += step;
	not_before = 0;
	if (step < 0)
		check_all_rows();
}

bool
ga_clock_is_unfollowed(void)
{
	/* It may have been set since the turn began. */
	compare_clocks();
	return unfollowed_us != 0;
}

bool
ga_clock_follow(void)
{
	bool was_set;
	bool locked;

	compare_clocks();
	was_set = unfollowed_us != 0;
	if ((!was_set && rests_are_checked) || not_before > ga_monotonic_now() ||
		!ga_work_begin(GA_STEP_FOLLOW_CLOCK))
		return false;
	locked = ga_provider_lock_pauses();
	if (locked)
		ga_clock_move_rests(unfollowed_us);
	ga_work_end();
	if (!locked)
	{
		not_before = ga_monotonic_in_ms(RETRY_MS);
		return false;
	}
	unfollowed_us = 0;
	rests_are_checked = true;
	return was_set;
}

bool
ga_clock_shorten_waits(void)
{
	if (has_checked_rows || !ga_work_begin(GA_STEP_FOLLOW_CLOCK))
		return false;
	has_checked_rows = ga_clock_shorten_rows(&cursor, ROWS_AT_ONCE);
	ga_work_end();
	return has_checked_rows;
}

GaMonotonic
ga_clock_next_turn(void)
{
	GaMonotonic next = has_checked_rows ? GA_MONOTONIC_NEVER : 0;

	if (unfollowed_us != 0 || !rests_are_checked)
		next = Min(next, not_before);
	return Max(next, ga_work_not_before(GA_STEP_FOLLOW_CLOCK));
}
