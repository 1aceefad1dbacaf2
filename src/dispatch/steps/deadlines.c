/*
 * deadlines.c
 *		Expiries and reminders: when groups are looked at, and what is done then.
 *
 * The earliest date of all open groups is known after each look, so that nothing is
 * asked before.  It also stands in the slot: who makes a group with an earlier one
 * wakes the dispatcher, even while no new row is of interest to it.  When the setting
 * of reminders changed, the dates of all groups are moved first, some in each turn.
 *
 * Locks: the tables of GA_STEP_LOOK_AT_GROUPS, without waiting (dispatch/work), and
 * rows of groups, skipping those that others hold.
 *
 * Must never: look in a tight loop at groups that somebody holds.
 */
#include "postgres.h"

#include "base/guc.h"
#include "dispatch/clock.h"
#include "dispatch/due_rows.h"
#include "dispatch/one_by_one.h"
#include "dispatch/ownership.h"
#include "dispatch/own_slot.h"
#include "dispatch/steps/deadlines.h"
#include "dispatch/steps/recording.h"
#include "dispatch/steps/set_aside.h"
#include "dispatch/work.h"
#include "store/group/deadline_store.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* Before groups that somebody holds are looked at again. */
#define LOCKED_RETRY_MS 1000

static TimestampTz look_at;		  /* the next look at groups; DT_NOEND: never */
static bool look_is_known;		  /* look_at is right */
static int reminders_before = -1; /* the setting at the last look; -1: none */

void
ga_deadlines_look_again(void)
{
	look_is_known = false;
}

/* False: there are more groups to be looked at earlier. */
static bool
follow_setting(TimestampTz now, bool *taken_over)
{
	static pg_uuid_t after;
	static int wanted = -1;

	if (wanted != ga_settings.reminder_before)
		memset(&after, 0, sizeof(after));
	wanted = ga_settings.reminder_before;
	return ga_groups_look_again(now, &after, taken_over);
}

/* Expiries and reminders: one look, and when the next one is. */
void
ga_deadlines_look(GaMonotonic unused)
{
	TimestampTz now = GetCurrentTimestamp();
	GaLook look;
	bool changed = reminders_before != ga_settings.reminder_before;
	bool taken_over = true;

	if (!ga_ownership_is_ours() || ga_dispatch_is_frozen() ||
		ga_recording_is_failing() ||
		(look_is_known && look_at > now && !changed) ||
		!ga_work_begin(GA_STEP_LOOK_AT_GROUPS))
		return;
	if (changed && !follow_setting(now, &taken_over))
	{
		ga_work_end();
		look_is_known = true;
		look_at = now;
		return;
	}
	if (ga_work_is_careful(GA_STEP_LOOK_AT_GROUPS))
	{
		ga_set_aside_look_again();
		ga_groups_look_one_by_one(ga_work_scope(), now, &look);
	}
	else
		ga_groups_look(ga_work_scope(), now, &look);
	look_at = ga_groups_next_look();
	ga_work_end();
	/* While an operator is about to adopt(), the setting is noted later. */
	if (taken_over)
		reminders_before = ga_settings.reminder_before;
	look_is_known = true;
	if (look_at == 0)
		look_at = DT_NOEND;
	/* Held by somebody: not in a tight loop. */
	else if (look.groups == 0 && look_at <= now)
		look_at = TimestampTzPlusMilliseconds(now, LOCKED_RETRY_MS);
	/* From here on who needs an earlier look wakes us, muted or not. */
	pg_atomic_write_u64(&ga_own_slot->look_at, (uint64) look_at);
	if (look.reminded > 0)
		ga_due_rows_look_again(now);
}

GaMonotonic
ga_deadlines_next_turn(GaMonotonic now)
{
	return Max(look_is_known ? ga_clock_when(look_at) : now,
			   ga_work_not_before(GA_STEP_LOOK_AT_GROUPS));
}

/* A database that is muted hears of the looks that are earlier than its own. */
void
ga_deadlines_tell(void)
{
	if (look_is_known || ga_ownership_is_foreign())
		pg_atomic_write_u64(
			&ga_own_slot->look_at,
			(uint64) (ga_ownership_is_ours() ? look_at : DT_NOBEGIN));
}
