/*
 * claiming.c
 *		Claiming what is due, for as many messages as the providers may send now.
 *
 * A claim is stamped with this dispatcher's incarnation and committed before its
 * first byte can leave; only then is it handed over.  When a provider has read the
 * queue to its end, one query asks whether something was left behind, less often
 * where much stands in its way.
 *
 * Locks: the tables of GA_STEP_CLAIM, GA_STEP_PLACE_DUE, GA_STEP_FIND_NEXT and of
 * polls, without waiting (dispatch/work), and the claimed rows, skipping those that
 * others hold.
 *
 * Must never: claim while outcomes cannot be recorded, while the data are not ours,
 * or by settings that are known to be outdated.
 */
#include "postgres.h"

#include <time.h>

#include "dispatch/courier/couriers.h"
#include "dispatch/courier/handover.h"
#include "dispatch/due_rows.h"
#include "dispatch/one_by_one.h"
#include "dispatch/ownership.h"
#include "dispatch/polls.h"
#include "dispatch/provider/providers.h"
#include "dispatch/provider/routing.h"
#include "dispatch/provider/retire.h"
#include "dispatch/reading.h"
#include "dispatch/screening.h"
#include "dispatch/own_slot.h"
#include "dispatch/steps/claiming.h"
#include "dispatch/steps/incarnation.h"
#include "dispatch/steps/recording.h"
#include "dispatch/steps/reload.h"
#include "dispatch/steps/set_aside.h"
#include "dispatch/work.h"
#include "store/queue/claim_store.h"

/* Claimed, and not handed over since an error came in between: no outcome will tell. */
static int64 lost;

bool
ga_claiming_has_lost_some(void)
{
	return lost > 0;
}

void
ga_claiming_place_due(GaMonotonic now)
{
	if (!ga_recording_is_held_up() && ga_ownership_may_send() &&
		!ga_retire_is_asked())
		ga_due_rows_place(now);
}

static void
claim_for(GaProvider *provider, int limit, GaMonotonic now)
{
	GaQueueScan scan = {0};
	GaClaim *claims;
	int count;

	if (!ga_work_begin(GA_STEP_CLAIM))
		return;
	/* What was just heard of is read before anything more is sent. */
	if (ga_reload_comes_first())
	{
		ga_work_end();
		return;
	}
	scan.cursor = ga_reading_cursor(provider, &scan.last_tag);
	scan.all_may_go = ga_set_aside_has_no_claim();
	if (ga_work_is_careful(GA_STEP_CLAIM))
		count = ga_one_by_one_claim(provider, ga_incarnation_number(), limit,
									&scan, &claims);
	else
	{
		count = ga_queue_claim(ga_work_scope(), provider->channel,
							   provider->server, &provider->filter,
							   ga_incarnation_number(), limit, &scan, &claims);
		ga_screening_mark(ga_work_scope(), provider->channel, claims, count);
	}
	lost += count;
	ga_work_end();
	ga_provider_claimed(provider, &scan, count, limit, now);
	ga_readings_tell_position(provider->channel);
	pg_atomic_fetch_add_u64(&ga_own_slot->claimed, count);
	ga_handover_all(provider, claims, count);
	lost -= count;
	ga_couriers_flush();
}

static bool
may_claim(void)
{
	return !ga_recording_is_held_up() && ga_ownership_may_send() &&
		   !ga_incarnation_is_outdated() && !ga_retire_is_asked();
}

void
ga_claiming_run(GaMonotonic now)
{
	ListCell *cell;

	if (!may_claim())
		return;
	ga_providers_route(now);
	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);
		int limit;

		if (ga_provider_is_webhook(provider))
			continue;
		ga_reading_check_due(provider, now);
		limit = ga_provider_capacity(provider, now);
		if (limit == 0 || !ga_reading_has_more(provider))
			continue;
		/* What is in flight and not yet recorded is bounded. */
		ga_recording_write(now);
		if (ga_recording_is_held_up())
			return;
		if (ga_couriers_open(now))
			claim_for(provider, limit, now);
	}
	ga_couriers_end_trouble();
}

/* Suspects wait after they were claimed: what has changed since counts for them, too. */
void
ga_claiming_try_suspect(GaMonotonic now)
{
	ga_couriers_try_suspect(now, may_claim());
}

/* Microseconds of CPU that this process has had. */
static int64
cpu_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (int64) time.tv_sec * USECS_PER_SEC + time.tv_nsec / 1000;
}

static bool
ask_next_due(GaProvider *provider)
{
	TimestampTz next_due;
	int64 began;

	if (!ga_work_begin(GA_STEP_FIND_NEXT))
		return false;
	began = cpu_us();
	next_due = ga_queue_first(provider->channel, &provider->filter);
	ga_reading_note_cost(provider, cpu_us() - began);
	ga_due_rows_ask();
	ga_work_end();
	ga_reading_note_next_due(provider, next_due);
	ga_readings_tell_empty(provider->channel);
	return true;
}

void
ga_claiming_ask_next_due(GaMonotonic now)
{
	ListCell *cell;

	if (!ga_ownership_is_ours() || !ga_dispatch_is_on())
		return;
	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);

		if (!ga_provider_is_webhook(provider) &&
			ga_reading_is_at_end(provider) && provider->was_usable &&
			!provider->has_nothing && !ask_next_due(provider))
			return;
	}
}

void
ga_claiming_ask_for_receipts(GaMonotonic now)
{
	ga_polls_record();
	if (!ga_recording_is_held_up() && ga_ownership_may_send() &&
		!ga_retire_is_asked())
		ga_polls_ask(now, &ga_handover_last_job_id);
}
