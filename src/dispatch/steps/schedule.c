/*
 * schedule.c
 *		When the dispatcher is to take its next turn without being woken.
 *
 * Each subject knows when it has something to do; here is the earliest of these
 * moments, without those whose work may not be done now, so that the dispatcher
 * does not turn in vain.
 *
 * Locks: none.
 *
 * Must never: run a query, or leave out a moment at which only the clock tells that
 * there is work.
 */
#include "postgres.h"

#include "dispatch/clock.h"
#include "dispatch/courier/couriers.h"
#include "dispatch/due_rows.h"
#include "dispatch/events/event_telling.h"
#include "dispatch/ownership.h"
#include "dispatch/polls.h"
#include "dispatch/provider/pauses.h"
#include "dispatch/provider/providers.h"
#include "dispatch/provider/retire.h"
#include "dispatch/reading.h"
#include "dispatch/records.h"
#include "dispatch/screening.h"
#include "dispatch/steps/deadlines.h"
#include "dispatch/steps/history.h"
#include "dispatch/steps/incarnation.h"
#include "dispatch/steps/recording.h"
#include "dispatch/steps/recovery.h"
#include "dispatch/steps/reload.h"
#include "dispatch/steps/schedule.h"
#include "dispatch/steps/set_aside.h"
#include "dispatch/steps/unreadable_pages.h"
#include "dispatch/orphans.h"
#include "dispatch/work.h"

/* When a provider may claim again, courier included. */
static GaMonotonic
next_turn_of(GaProvider *provider, GaMonotonic now)
{
	GaMonotonic turn = ga_provider_next_turn(provider, now);

	if (ga_couriers_is_open())
		return turn;
	/* Without a courier no outcome will tell. */
	if (turn == GA_MONOTONIC_NEVER && provider->was_usable &&
		ga_reading_has_more(provider))
		turn = now;
	return turn == GA_MONOTONIC_NEVER ? turn
									  : Max(turn, ga_couriers_next_start());
}

/* When the next message or question may be claimed. */
static GaMonotonic
next_claim(GaMonotonic now)
{
	GaMonotonic next = GA_MONOTONIC_NEVER;
	ListCell *cell;

	foreach (cell, ga_providers)
		if (!ga_provider_is_webhook(lfirst(cell)))
			next = Min(next, next_turn_of(lfirst(cell), now));
	next = Max(next, Max(ga_work_not_before(GA_STEP_CLAIM),
						 ga_work_not_before(GA_STEP_FIND_NEXT)));
	return Min(next, ga_polls_next_turn());
}

/*
 * When the next step of the start may be tried (dispatch/dispatcher).  Nothing else is done
 * before, and other subjects do not know yet when they have something to do.
 */
static GaMonotonic
next_turn_of_start(void)
{
	if (ga_reload_is_wanted())
		return ga_work_not_before(GA_STEP_READ_PROVIDERS);
	if (ga_recovery_is_due())
		return ga_recovery_next_turn();
	return ga_work_not_before(GA_STEP_BEGIN_INCARNATION);
}

/* When the next step of a turn may have something to do. */
static GaMonotonic
next_turn_at_work(GaMonotonic now)
{
	GaMonotonic next = GA_MONOTONIC_NEVER;
	bool may_claim = ga_ownership_is_ours() && ga_dispatch_is_on() &&
					 !ga_incarnation_is_outdated() &&
					 !ga_recording_is_held_up() &&
					 !(ga_retire_is_asked() && ga_recording_is_outstanding());

	if (ga_reload_is_wanted())
		next = ga_work_not_before(GA_STEP_READ_PROVIDERS);
	if (ga_incarnation_is_outdated() && !ga_recording_is_outstanding())
		next = Min(next, ga_work_not_before(GA_STEP_BEGIN_INCARNATION));
	next = Min(next, ga_recording_next_turn());
	next = Min(next, ga_pauses_next_turn());
	if (ga_ownership_is_ours())
		next = Min(next, ga_orphans_next_turn());
	next = Min(next, ga_unreadable_pages_next_turn());
	next = Min(next, ga_screening_next_turn());
	next = Min(next, Min(ga_records_next_turn(), ga_set_aside_next_turn()));
	if (ga_ownership_is_ours() && !ga_dispatch_is_frozen() &&
		!ga_recording_is_failing())
		next = Min(next, ga_deadlines_next_turn(now));
	if (may_claim)
		next = Min(next, Min(next_claim(now), ga_event_telling_next_turn(now)));
	if (may_claim)
		next = Min(next, Max(ga_due_rows_next_turn(),
							 ga_work_not_before(GA_STEP_PLACE_DUE)));
	next = Min(next, ga_history_next_turn());
	if (ga_ownership_is_ours())
		next = Min(next, ga_clock_next_turn());
	return next;
}

long
ga_schedule_wait_ms(void)
{
	GaMonotonic now = ga_monotonic_now();
	GaMonotonic next = ga_incarnation_number() == 0 ? next_turn_of_start()
													: next_turn_at_work(now);

	if (next == GA_MONOTONIC_NEVER)
		return -1;
	return ga_monotonic_ms_between(now, next);
}
