/*
 * waiting.c
 *		The dispatcher's wait between two turns, for work, for the couriers or for
 *		the end of the process.
 */
#include "postgres.h"

#include "base/compat.h"
#include "dispatch/courier/couriers.h"
#include "dispatch/courier/event_wait.h"
#include "dispatch/courier/jobs.h"
#include "dispatch/orphans.h"
#include "dispatch/own_slot.h"
#include "dispatch/ownership.h"
#include "dispatch/provider/pauses.h"
#include "dispatch/provider/retire.h"
#include "dispatch/records.h"
#include "dispatch/screening.h"
#include "dispatch/steps/claiming.h"
#include "dispatch/steps/deadlines.h"
#include "dispatch/steps/history.h"
#include "dispatch/steps/recording.h"
#include "dispatch/steps/schedule.h"
#include "dispatch/steps/waiting.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"

/* For so long one that is asked to leave waits for what only it knows to be written. */
#define WRITE_MS 3000

/*
 * Whether contacts wait for their suppression, or pauses for their record, which would be
 * forgotten with the process.  Somebody may hold a lock on them for ever, and one that is
 * asked to leave claims nothing: rather a provider refuses once more.
 */
static bool
is_writing(void)
{
	uint64 asked = pg_atomic_read_u64(&ga_own_slot->asked_to_leave);

	return (ga_screening_next_turn() != GA_MONOTONIC_NEVER ||
			ga_pauses_are_waiting()) &&
		   (asked == 0 ||
			ga_monotonic_now() < (GaMonotonic) asked + WRITE_MS * 1000);
}

/* Whether the next dispatcher is to look for rows in the state sending. */
static bool
leaves_some(void)
{
	return !ga_ownership_is_ours() || ga_orphans_are_left() ||
		   ga_records_aside_count() > 0 || ga_claiming_has_lost_some();
}

/* How long to wait, unless this is the end of the process. */
static long
retire_or_wait(long work_ms)
{
	GaRetireReport report = {
		.must_stay = ga_recording_is_outstanding() || is_writing(),
		.is_foreign = ga_ownership_is_foreign(),
		.leaves_some = leaves_some(),
		.wait_ms = work_ms,
		.trimmed_at = ga_history_trimmed_at(),
	};

	ga_deadlines_tell();
	return ga_retire_or_wait(&report);
}

/*
 * While many messages are under way the courier speaks all the time.  It is listened
 * to some milliseconds later, so that each turn has more to do than to begin.
 */
#define MANY_JOBS 256
#define LISTEN_AGAIN_MS 2

static long
listen_later(GaWaitSocket *sockets, long wait_ms)
{
	if (ga_jobs_count() < MANY_JOBS)
		return wait_ms;
	for (int i = 0; i < GA_COURIER_SOCKETS; i++)
		sockets[i].events &= ~WL_SOCKET_READABLE;
	return wait_ms < 0 ? LISTEN_AGAIN_MS : Min(wait_ms, LISTEN_AGAIN_MS);
}

/*
 * Whether there is to be no wait.  That the latch was set is not enough: waits inside of
 * PostgreSQL, which are more since version 18, use the same one and reset it.
 */
static bool
is_called(void)
{
	return ShutdownRequestPending || ConfigReloadPending || InterruptPending ||
		   pg_atomic_read_u32(&ga_own_slot->reload) != 0;
}

int
ga_waiting_until_event(long wait_ms)
{
	GaWaitSocket sockets[GA_COURIER_SOCKETS];
	int events;

	ga_couriers_sockets(sockets);
	wait_ms = is_called() ? 0 : listen_later(sockets, wait_ms);
	ga_own_slot_note_wait(wait_ms);
	/* Nothing more to come for long: counters must not lie in wait. */
	if (ga_jobs_count() == 0)
		pgstat_report_stat(true);
	events = ga_wait_for_events(sockets, GA_COURIER_SOCKETS, wait_ms,
								ga_wait_event(ga_jobs_count() > 0
												  ? "GroupApiDelivery"
												  : "GroupApiDispatcherMain"));
	ga_own_slot_note_progress();
	/* Set after a time-out it stays so, for the next wait to end at once. */
	if (events != WL_TIMEOUT)
		ResetLatch(MyLatch);
	return events;
}

/* Of two waits; one below 0 has no end. */
static long
sooner(long one_ms, long other_ms)
{
	if (one_ms < 0 || other_ms < 0)
		return Max(one_ms, other_ms);
	return Min(one_ms, other_ms);
}

/* Until there is work; a time-out that was to end the process is none.  A turn takes all that
 * it is woken for, so it is not called again for the same. */
void
ga_waiting_until_turn(void)
{
	long work_ms;
	long wait_ms;
	int events;

	do
	{
		work_ms = sooner(ga_schedule_wait_ms(),
						 ga_couriers_next_check_ms(ga_monotonic_now()));
		/* First, since others may wait for this worker, however often it is woken. */
		wait_ms = retire_or_wait(work_ms);
		if (ga_own_slot_was_woken())
		{
			/* Before the turn that looks: whoever comes after that sets it again. */
			ResetLatch(MyLatch);
			return;
		}
		events = ga_waiting_until_event(wait_ms);
	} while (events == WL_TIMEOUT && wait_ms != work_ms && !is_called());
}
