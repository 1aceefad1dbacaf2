/*
 * due_rows.c
 *		When rows that wait for a time get their place in the queue.
 *
 * One list for the whole database, in the order of "due", whatever the providers
 * do.  It is read like the queue itself (dispatch/reading): from a cursor on, and
 * from the front before nothing more is thought to be due.
 */
#include "postgres.h"

#include "dispatch/clock.h"
#include "dispatch/due_rows.h"
#include "dispatch/one_by_one.h"
#include "dispatch/reading.h"
#include "dispatch/work.h"
#include "store/queue/due_store.h"
#include "utils/timestamp.h"

/* In one transaction: some 10 ms, since others wait for their claim. */
#define PLACED_AT_ONCE 500
#define LOCKED_RETRY_MS 1000

static GaDueCursor cursor = {.due = DT_NOBEGIN};
static bool is_known;		 /* next_due is right */
static TimestampTz next_due; /* 0: nothing waits */
static GaMonotonic
	not_before; /* when rows others hold locked are tried again */

static void
go_back_to(TimestampTz due)
{
	memset(&cursor, 0, sizeof(cursor));
	/* Rows of exactly this moment must be seen again. */
	cursor.due = due == DT_NOBEGIN ? due : due - 1;
}

void
ga_due_rows_recheck(TimestampTz due)
{
	is_known = false;
	not_before = 0;
	if (due <= cursor.due)
		go_back_to(due);
}

void
ga_due_rows_note(TimestampTz due)
{
	if (due <= cursor.due)
		ga_due_rows_recheck(due);
	else if (is_known && (next_due == 0 || due < next_due))
		next_due = due;
}

void
ga_due_rows_ask(void)
{
	if (is_known)
		next_due = ga_queue_next_due();
}

/* All that was due has been read, but for what stands before the cursor. */
static void
note_next_due(TimestampTz found, bool found_nothing_from_front, TimestampTz now)
{
	is_known = true;
	next_due = found;
	not_before = 0;
	if (found == 0 || found > now)
		return;
	if (found_nothing_from_front)
		not_before = ga_monotonic_in_ms(LOCKED_RETRY_MS);
	else
		ga_due_rows_recheck(DT_NOBEGIN);
}

void
ga_due_rows_place(GaMonotonic now)
{
	TimestampTz today = GetCurrentTimestamp();
	bool from_front;
	GaTagRange tags[GA_CHANNEL_COUNT];
	TimestampTz found = 0;
	int count;

	if (ga_due_rows_next_turn() > now || !ga_work_begin(GA_STEP_PLACE_DUE))
		return;
	/* Left behind by a lock. */
	if (is_known && next_due <= cursor.due)
		go_back_to(DT_NOBEGIN);
	from_front = cursor.due == DT_NOBEGIN;
	for (int i = 0; i < GA_CHANNEL_COUNT; i++)
		ga_fair_queue_reset_range(&tags[i]);
	count = ga_work_is_careful(GA_STEP_PLACE_DUE)
				? ga_one_by_one_place_due(&cursor, today, PLACED_AT_ONCE, tags)
				: ga_queue_place_due(&cursor, today, PLACED_AT_ONCE, tags);
	if (count < PLACED_AT_ONCE)
		found = ga_queue_next_due();
	ga_work_end();
	for (int i = 0; i < GA_CHANNEL_COUNT; i++)
		ga_readings_read_again((GaChannel) i, tags[i]);
	if (count < PLACED_AT_ONCE)
		note_next_due(found, from_front && count == 0, today);
	else
		ga_due_rows_recheck(DT_NOEND);
}

GaMonotonic
ga_due_rows_next_turn(void)
{
	if (!is_known)
		return not_before;
	return next_due == 0 ? GA_MONOTONIC_NEVER
						 : Max(ga_clock_when(next_due), not_before);
}
