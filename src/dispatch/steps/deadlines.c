/*
 * deadlines.c
 *		Expiries and reminders: applies the deadlines of groups when they are due.
 *
 * The earliest deadline of all groups is read after each time, so that nothing is
 * asked before.  It also stands in the slot: who makes a group with an earlier one
 * wakes the dispatcher, even while no new row is of interest to it.  When the setting
 * of reminders changed, the dates of all groups are moved first, some in each turn.
 *
 * Locks: the tables of GA_STEP_DEADLINES, without waiting (dispatch/work), and
 * rows of groups, invitations, polls and installation, skipping those that others hold.
 *
 * Must never: try groups that somebody holds in a tight loop.
 */
#include "postgres.h"

#include "base/guc.h"
#include "dispatch/clock.h"
#include "dispatch/due_rows.h"
#include "dispatch/one_by_one.h"
#include "dispatch/ownership.h"
#include "dispatch/own_slot.h"
#include "dispatch/progress.h"
#include "dispatch/steps/deadlines.h"
#include "dispatch/steps/recording.h"
#include "dispatch/steps/set_aside.h"
#include "dispatch/work.h"
#include "store/group/deadline_store.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* Before groups that somebody holds are tried again. */
#define LOCKED_RETRY_MS 1000

static TimestampTz next_deadline; /* of all groups; DT_NOEND: none */
static bool deadline_is_known;	  /* next_deadline is right */
static int reminders_before = -1; /* the setting the last time; -1: none */

void
ga_deadlines_recheck(void)
{
	deadline_is_known = false;
}

/* False: There are more groups that are due earlier. */
static bool
follow_setting(TimestampTz now, bool *taken_over)
{
	static pg_uuid_t after;
	static int wanted = -1;

	if (wanted != ga_settings.reminder_before)
		memset(&after, 0, sizeof(after));
	wanted = ga_settings.reminder_before;
	return ga_groups_move_deadlines(now, &after, taken_over);
}

/* Work of one turn is not long; that of several is told, as far as it is. */
static void
tell_progress(const GaDeadlinesDone *done, TimestampTz now)
{
	static uint64 expired = 0;

	expired += done->expired;
	if (next_deadline > now)
		expired = 0;
	ga_progress_report(expired > 0 ? "expire" : NULL, expired, -1);
}

/* Applies what is due, and learns when the next deadline is. */
void
ga_deadlines_check(GaMonotonic unused)
{
	TimestampTz now = GetCurrentTimestamp();
	GaDeadlinesDone done;
	bool changed = reminders_before != ga_settings.reminder_before;
	bool taken_over = true;

	if (!ga_ownership_is_ours() || ga_dispatch_is_frozen() ||
		ga_recording_is_failing() ||
		(deadline_is_known && next_deadline > now && !changed) ||
		!ga_work_begin(GA_STEP_DEADLINES))
		return;
	if (changed && !follow_setting(now, &taken_over))
	{
		ga_work_end();
		deadline_is_known = true;
		next_deadline = now;
		return;
	}
	if (ga_work_is_careful(GA_STEP_DEADLINES))
	{
		ga_set_aside_recheck();
		ga_groups_apply_deadlines_one_by_one(ga_work_scope(), now, &done);
	}
	else
		ga_groups_apply_deadlines(ga_work_scope(), now, &done);
	next_deadline = ga_groups_next_deadline();
	ga_work_end();
	/* While an operator is about to adopt(), the setting is noted later. */
	if (taken_over)
		reminders_before = ga_settings.reminder_before;
	deadline_is_known = true;
	if (next_deadline == 0)
		next_deadline = DT_NOEND;
	tell_progress(&done, now);
	/* Held by somebody: not in a tight loop. */
	if (done.groups == 0 && next_deadline <= now)
		next_deadline = TimestampTzPlusMilliseconds(now, LOCKED_RETRY_MS);
	/* From here on who has an earlier deadline wakes us, muted or not. */
	pg_atomic_write_u64(&ga_own_slot->next_deadline, (uint64) next_deadline);
	if (done.reminded > 0)
		ga_due_rows_recheck(now);
}

/* Who came since then has time until the claims are made. */
void
ga_deadlines_apply(GaMonotonic now)
{
	if (next_deadline <= GetCurrentTimestamp())
		ga_deadlines_check(now);
}

GaMonotonic
ga_deadlines_next_turn(GaMonotonic now)
{
	return Max(deadline_is_known ? ga_clock_when(next_deadline) : now,
			   ga_work_not_before(GA_STEP_DEADLINES));
}

/* Who makes a group with an earlier deadline wakes a muted dispatcher, too. */
void
ga_deadlines_tell(void)
{
	if (deadline_is_known || ga_ownership_is_foreign())
		pg_atomic_write_u64(
			&ga_own_slot->next_deadline,
			(uint64) (ga_ownership_is_ours() ? next_deadline : DT_NOBEGIN));
}
