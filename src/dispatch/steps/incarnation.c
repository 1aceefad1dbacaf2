/*
 * incarnation.c
 *		Which of the database's dispatchers this one is, and what the earlier ones
 *		left behind.
 *
 * Every row that is claimed bears the number of the incarnation that claimed it.
 * The launcher starts one dispatcher for each slot and never a second one, so a row
 * in the state sending that bears an older number belongs to a dead dispatcher and
 * is taken back.  When data that were copied become this database's own, a new
 * incarnation begins within the same process.
 *
 * Locks: the tables of GA_STEP_BEGIN_INCARNATION and GA_STEP_TAKE_BACK, without
 * waiting (dispatch/work).
 *
 * Must never: begin a new incarnation while something is in flight from here, since
 * it would be taken back and sent a second time.
 */
#include "postgres.h"

#include "base/fair_queue.h"
#include "dispatch/courier/handover.h"
#include "dispatch/ownership.h"
#include "dispatch/provider/retire.h"
#include "dispatch/steps/history.h"
#include "dispatch/steps/incarnation.h"
#include "dispatch/steps/recording.h"
#include "dispatch/orphans.h"
#include "dispatch/work.h"
#include "store/queue/claim_store.h"
#include "store/queue/queue_store.h"

static int64 incarnation;
static bool renewal_wanted; /* the data became ours: a new incarnation begins */

int64
ga_incarnation_number(void)
{
	return incarnation;
}

void
ga_incarnation_outdate(void)
{
	renewal_wanted |= incarnation != 0;
}

bool
ga_incarnation_is_outdated(void)
{
	return renewal_wanted;
}

/* Whoever queues rows from now on stands behind the first of those that wait. */
static void
resume_fair_queue(void)
{
	for (int i = GA_CHANNEL_MOBILE; i < GA_CHANNEL_COUNT; i++)
	{
		int64 tag = ga_queue_first_tag((GaChannel) i);

		if (tag != GA_START_TAG_MIN)
			ga_fair_queue_move_to((GaChannel) i, tag - 1);
	}
}

void
ga_incarnation_begin(GaMonotonic now)
{
	int64 next;
	GaMonotonic trimmed_at;

	if (!ga_work_begin(GA_STEP_BEGIN_INCARNATION))
		return;
	next = ga_queue_new_incarnation();
	resume_fair_queue();
	ga_work_end();
	incarnation = next;
	ga_handover_begin(incarnation);
	ga_retire_init(&trimmed_at);
	ga_history_begin(trimmed_at);
	if (!ga_retire_found_nothing_in_flight())
		ga_orphans_search();
}

/* What is in flight from here must not be taken back: not before it ended. */
void
ga_incarnation_renew(GaMonotonic now)
{
	int64 next;

	if (!renewal_wanted || ga_recording_is_outstanding() ||
		!ga_work_begin(GA_STEP_BEGIN_INCARNATION))
		return;
	next = ga_queue_new_incarnation();
	ga_work_end();
	incarnation = next;
	ga_handover_begin(incarnation);
	renewal_wanted = false;
	ga_orphans_search();
}

/* Before the first claim; what is far behind in the queue while others leave. */
void
ga_incarnation_take_back(GaMonotonic now)
{
	if (ga_ownership_is_ours())
		ga_orphans_take_back_some(now, incarnation);
}
