/*
 * dispatcher.c
 *		The background worker of one database: claims due invitations, hands
 *		them to the courier, records what became of them.
 *
 * Here are the loop, its turn, its start and its end.  Each turn is the list of
 * steps in take_turn(); most of them are in dispatch/steps.  A row is claimed,
 * stamped with this dispatcher's incarnation and committed before its first byte
 * can leave; its outcome is recorded in another transaction.  No transaction is
 * open while the courier works or while this process waits.
 *
 * Ownership: the launcher starts one dispatcher for each slot and never a second
 * one, and a crash of any process restarts them all (dispatch/steps/incarnation).
 *
 * Locks: none of its own; each step begins with those that it needs, without
 * waiting (dispatch/work).
 *
 * Must never: wait for the network, hold a snapshot while idle, run a query when
 * there is nothing to do, or send for data that belong to another database.
 */
#include "postgres.h"

#include "base/guc.h"
#include "dispatch/clock.h"
#include "dispatch/courier/couriers.h"
#include "dispatch/courier/jobs.h"
#include "dispatch/courier/outcomes.h"
#include "dispatch/courier/own_journal.h"
#include "dispatch/dispatcher.h"
#include "dispatch/due_rows.h"
#include "dispatch/events/event_telling.h"
#include "dispatch/launch/crash_guard.h"
#include "dispatch/own_slot.h"
#include "dispatch/polls.h"
#include "dispatch/process/worker_settings.h"
#include "dispatch/process/signals.h"
#include "dispatch/provider/connections.h"
#include "dispatch/provider/pauses.h"
#include "dispatch/provider/retire.h"
#include "dispatch/reading.h"
#include "dispatch/records.h"
#include "dispatch/screening.h"
#include "dispatch/steps/claiming.h"
#include "dispatch/steps/deadlines.h"
#include "dispatch/steps/history.h"
#include "dispatch/steps/incarnation.h"
#include "dispatch/steps/recheck.h"
#include "dispatch/steps/recording.h"
#include "dispatch/steps/recovery.h"
#include "dispatch/steps/reload.h"
#include "dispatch/steps/schedule.h"
#include "dispatch/steps/unreadable_pages.h"
#include "dispatch/steps/waiting.h"
#include "dispatch/steps/wake_requests.h"
#include "dispatch/work.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

static void
serve_interrupts(void)
{
	uint32 reload;

	CHECK_FOR_INTERRUPTS();
	reload = pg_atomic_exchange_u32(&ga_own_slot->reload, 0);
	if (ConfigReloadPending || (reload & GA_RELOAD_CONFIGURATION) != 0)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
		ga_reload_want();
		/* The path of the courier may have been put right. */
		ga_couriers_reset_backoff();
	}
	if (reload != 0)
	{
		/* Somebody may have put right what a step failed at. */
		ga_work_forget_pauses();
		ga_recording_retry_soon();
		ga_reload_want();
	}
}

static void
record_pauses(GaMonotonic now)
{
	if (ga_pauses_record(now, ga_reload_is_wanted()))
		ga_reload_want();
}

/*
 * Why the steps stand in this order:
 *
 * A turn begins with what it is decided by.  A clock that was set gives rests new
 * dates, so it is followed before the providers, whose rests these are, are read.
 * What others asked for is taken before anything is claimed, since a provider that
 * was just paused, or a database that was just copied, sends nothing more.
 *
 * Then comes what is over.  Outcomes are fetched from the couriers and written down
 * first: what is in flight and not written down is sent a second time after a crash,
 * and a claim that came before them would make that more.  Contacts whose
 * suppression waited for a lock are suppressed now, as the next claim asks the list.
 * A new incarnation begins before orphans are looked for: they are known by an older
 * number.
 *
 * Then comes what is due.  Deadlines go before claims, so that an invitation which
 * expired is not sent; those of groups that came since they were last asked for are
 * asked for behind the claims, which need not wait for that.  Rows whose time has come get their place in the queue, and
 * then the queue is read, so that a retry leaves in this turn and not in the next.
 * A suspect is tried alone, after the messages of others.  What failed before its
 * first byte is already an outcome, and is written down in the second gathering.
 *
 * What nobody waits for is last: questions about messages that were sent, dates far
 * off, and the history, which is trimmed from time to time.
 * At the very end the queue is asked what is due next, since until here there could
 * still be something to claim.
 */
static void
take_turn(void)
{
	GaMonotonic now;

	serve_interrupts();
	ga_work_survive(ga_recheck_follow_clock, 0);
	ga_work_survive(ga_reload_run, 0);
	ga_wake_requests_listen();
	ga_wake_requests_take();
	now = ga_monotonic_now();
	ga_couriers_collect(GetCurrentTimestamp());
	ga_work_survive(record_pauses, now);
	ga_work_survive(ga_recording_gather, now);
	ga_screening_suppress_waiting();
	ga_work_survive(ga_incarnation_renew, now);
	ga_work_survive(ga_recheck_end_set_aside, now);
	ga_work_survive(ga_unreadable_pages_find, now);
	ga_work_survive(ga_incarnation_take_back, now);
	ga_work_survive(ga_deadlines_apply, now);
	if (!ga_work_survive(ga_claiming_place_due, now))
		ga_due_rows_recheck(DT_NOBEGIN);
	/* What was read of the queue and rolled back is to be read again. */
	if (!ga_work_survive(ga_claiming_run, now))
		ga_readings_begin_anew();
	ga_work_survive(ga_event_telling_record, now);
	ga_work_survive(ga_event_telling_run, now);
	ga_work_survive(ga_claiming_try_suspect, now);
	ga_work_survive(ga_recording_gather, now);
	ga_work_survive(ga_deadlines_check, now);
	if (!ga_work_survive(ga_claiming_ask_for_receipts, now))
		ga_polls_recheck();
	ga_work_survive(ga_recheck_shorten_waits, now);
	if (ga_retire_is_asked())
		ga_couriers_drain();
	else
		ga_work_survive(ga_history_trim, now);
	ga_work_survive(ga_claiming_ask_next_due, now);
	ga_couriers_flush();
	pg_atomic_fetch_add_u64(&ga_own_slot->turns, 1);
}

/* Locked out by DDL before the first turn: others need not wait for that. */
static void
wait_to_start(void)
{
	if (ga_retire_is_asked())
		ga_own_slot_leave(GA_SLOT_WANTED, 0);
	(void) ga_waiting_until_event(ga_schedule_wait_ms());
}

static void
start_incarnation(void)
{
	while (ga_incarnation_number() == 0 && !ShutdownRequestPending)
	{
		serve_interrupts();
		ga_work_survive(ga_recheck_follow_clock, 0);
		ga_work_survive(ga_reload_run, 0);
		ga_work_survive(ga_unreadable_pages_find, 0);
		if (!ga_reload_is_wanted())
			ga_work_survive(ga_recovery_run, ga_monotonic_now());
		if (!ga_reload_is_wanted() && !ga_recovery_is_due())
			ga_work_survive(ga_incarnation_begin, 0);
		ga_work_end_turn();
		if (ga_incarnation_number() == 0)
			wait_to_start();
	}
}

/*
 * The server stops: what is not taken up goes back to the queue, what is under
 * way may end, and what does not end in time is recorded as uncertain.
 */
static void
finish(void)
{
	ga_couriers_close();
	/* A last try, however often it failed before. */
	ga_recording_forget_waits();
	ga_work_survive(record_pauses, ga_monotonic_now());
	ga_work_survive(ga_recording_write, ga_monotonic_now());
	ga_work_survive(ga_event_telling_record, GA_MONOTONIC_NEVER - 1);
	ga_screening_suppress_waiting();
	ga_retire_keep(ga_history_trimmed_at());
}

/* Started for new rows, or at the time that was said. */
static bool
is_started_for_work(GaSlot *slot)
{
	return ga_settings.dispatch &&
		   (pg_atomic_read_u64(&slot->wake_due) != (uint64) DT_NOEND ||
			slot->next_start <= ga_monotonic_now());
}

static void
begin(int at)
{
	Oid database = ga_slots->slots[at].database;

	ga_crash_guard_enter(database);
	ga_own_journal_open(database);
	if (is_started_for_work(&ga_slots->slots[at]))
		ga_couriers_start_early();
	BackgroundWorkerUnblockSignals();
	/* What changes from here on is noticed (dispatch/ownership). */
	pg_atomic_write_u32(&ga_slots->slots[at].settings_changed, 0);
	pg_memory_barrier();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	if (!ga_own_slot_take(at))
		ga_own_slot_leave(GA_SLOT_WANTED, 1);
	ga_worker_settings_pin();
	ga_work_init();
	ga_clock_begin(ga_own_slot->kept.clock_offset);
	ga_connections_begin();
	ga_couriers_init(ga_outcomes_take);
	ga_jobs_init();
	ga_polls_init();
	ga_event_telling_init();
	ga_records_init();
	ga_screening_init();
	ga_reload_init();
	start_incarnation();
}

/* The start is no fault any more: it claimed and recorded, or had nothing to. */
static void
prove_itself(uint64 recorded_before)
{
	if (ga_jobs_count() == 0 ||
		pg_atomic_read_u64(&ga_own_slot->recorded) != recorded_before)
		ga_crash_guard_prove();
}

void
group_api_dispatcher_main(Datum arg)
{
	uint64 recorded;

	ga_signals_init();
	begin(DatumGetInt32(arg));
	recorded = pg_atomic_read_u64(&ga_own_slot->recorded);
	while (!ShutdownRequestPending)
	{
		take_turn();
		prove_itself(recorded);
		ga_work_end_turn();
		ga_waiting_until_turn();
	}
	finish();
	/* Whoever stopped us did not mean for ever. */
	ga_own_slot_leave(GA_SLOT_WANTED, 1);
}
