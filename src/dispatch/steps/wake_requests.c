/*
 * wake_requests.c
 *		What others ask of this dispatcher through its slot, and when it wants to be
 *		asked.
 *
 * Who commits new rows notes in the slot what is due and where it stands, then wakes
 * the dispatcher (dispatch/wake).  While no provider may send, the slot says so, and
 * new rows wake nobody.
 *
 * Locks: none; the slot's fields are atomic.
 *
 * Must never: take the requests before it is set whether rows are of interest, since
 * a wake in between would be lost.
 */
#include "postgres.h"

#include "dispatch/due_rows.h"
#include "dispatch/events/event_telling.h"
#include "dispatch/ownership.h"
#include "dispatch/polls.h"
#include "dispatch/provider/providers.h"
#include "dispatch/reading.h"
#include "dispatch/records.h"
#include "dispatch/own_slot.h"
#include "dispatch/steps/deadlines.h"
#include "dispatch/steps/reload.h"
#include "dispatch/steps/set_aside.h"
#include "dispatch/steps/unreadable_pages.h"
#include "dispatch/steps/wake_requests.h"
#include "dispatch/orphans.h"
#include "store/queue/unreadable.h"
#include "utils/timestamp.h"

/*
 * Whether new rows can be of interest.  Set before the requests are taken, so
 * that none is lost in between.
 */
void
ga_wake_requests_listen(void)
{
	bool listens = !ga_ownership_is_ours() && !ga_ownership_is_foreign();
	uint32 closed = (1U << GA_CHANNEL_MOBILE) | (1U << GA_CHANNEL_EMAIL);
	ListCell *cell;

	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);

		listens |= ga_ownership_is_ours() && ga_dispatch_is_on() &&
				   !provider->gone && !provider->is_paused;
		if (!provider->gone && !provider->is_paused)
			closed &= ~(1U << provider->channel);
	}
	pg_atomic_write_u32(&ga_own_slot->closed_channels, closed);
	pg_atomic_write_u64(&ga_own_slot->next_deadline, (uint64) DT_NOEND);
	pg_atomic_write_u32(&ga_own_slot->muted, !listens);
	pg_memory_barrier();
}

void
ga_wake_requests_take(void)
{
	bool events = pg_atomic_exchange_u32(&ga_own_slot->events, 0) != 0;
	TimestampTz due = (TimestampTz) pg_atomic_exchange_u64(
		&ga_own_slot->wake_due, (uint64) DT_NOEND);

	if (events)
		ga_event_telling_recheck();
	if (due == DT_NOEND)
		return;
	/* They were noted before the wake. */
	for (int i = 0; i < GA_CHANNEL_COUNT; i++)
		ga_readings_read_again((GaChannel) i,
							   ga_slot_take_tags(ga_own_slot, (GaChannel) i));
	if (due == DT_NOBEGIN)
		ga_readings_begin_anew();
	if (due <= GA_DUE_UNLOCKED)
	{
		ga_readings_retry_locked();
		ga_records_bring_back(GA_MONOTONIC_NEVER);
		ga_set_aside_recheck();
		ga_event_telling_recheck();
		ga_unreadable_pages_recheck();
		if (ga_unreadable_count() > 0)
			ga_orphans_search();
	}
	if (due < GA_DUE_NEVER)
		ga_due_rows_recheck(due == GA_DUE_UNLOCKED ? DT_NOBEGIN : due);
	ga_deadlines_recheck();
	ga_polls_recheck();
	/* The first create_group makes the data ours. */
	if (!ga_ownership_is_ours() && !ga_ownership_is_foreign())
		ga_reload_want();
}
