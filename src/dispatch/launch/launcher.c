/*
 * launcher.c
 *		Shares few background workers among the databases that have the extension.
 *
 * It is connected to no database, so it is in nobody's way.  At its start it
 * tries every database once, a few at a time; a worker that finds no extension
 * says so in its slot and ends.  Afterwards databases announce themselves
 * (CREATE EXTENSION, or the first row to be sent), and utility commands tell of
 * those that come and go.  What neither tells (an UPDATE of pg_database) a slow
 * look finds.  With nothing to do it sleeps.
 *
 * A database that has work waits in line until fewer than
 * group_api.max_dispatchers run.  While some wait, dispatchers with nothing to do
 * are asked to leave, and those that are busy once their turn is over, which puts
 * them at the end of the line: every database is served.
 *
 * A dispatcher that ends with an error is started again after a back-off from
 * one second to one minute, one that was told to leave at once.  Only the
 * launcher starts workers, so there is never a second dispatcher in a database.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/guc.h"
#include "dispatch/clock.h"
#include "dispatch/launch/crash_guard.h"
#include "dispatch/launch/databases.h"
#include "dispatch/launch/launcher.h"
#include "dispatch/launch/probes.h"
#include "dispatch/slots.h"
#include "dispatch/launch/turns.h"
#include "dispatch/launch/workers.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/procsignal.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Before a database that DDL holds locked is tried again. */
#define FIRST_LOCKED_MS 50
#define LAST_LOCKED_MS 1000
/* Before a worker is asked for again when all are used by others. */
#define NO_WORKER_MS 1000

static GaMonotonic no_worker_until;
static bool told_no_worker;

void
ga_launcher_init(void)
{
	BackgroundWorker worker = {
		.bgw_name = "group_api launcher",
		.bgw_type = "group_api launcher",
		.bgw_flags =
			BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = 1,
		.bgw_library_name = "group_api",
		.bgw_function_name = "group_api_launcher_main",
	};

	/* pg_upgrade must find nobody at work. */
	if (IsBinaryUpgrade)
		return;
	RegisterBackgroundWorker(&worker);
}

static void
leave(int code, Datum arg)
{
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	ga_slots->launcher_latch = NULL;
	ga_slots->launcher_down_since = ga_monotonic_now();
	LWLockRelease(ga_slots->lock);
}

static void
enter(void)
{
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	ga_slots->launcher_latch = MyLatch;
	ga_slots->launcher_pid = MyProcPid;
	ga_slots->is_probing = true;
	/* Workers of an earlier launcher still run; the others must start anew. */
	for (int i = 0; i < ga_slots->used; i++)
		if (ga_slots->slots[i].state == GA_SLOT_STARTING ||
			ga_slots->slots[i].state == GA_SLOT_STOPPED)
			ga_slot_want(&ga_slots->slots[i], ga_monotonic_now());
	LWLockRelease(ga_slots->lock);
	before_shmem_exit(leave, (Datum) 0);
}

/* ---- starting ------------------------------------------------------------- */

/* Said once a crash; a reload of the configuration lets it try again at once. */
static bool
is_tripped(int at, Oid database)
{
	GaSlot *slot = &ga_slots->slots[at];
	int crashes;
	GaMonotonic retry_at;

	if (ga_workers[at].crashes_are_reset)
		ga_crash_guard_reset(database);
	ga_workers[at].crashes_are_reset = false;
	if (!ga_crash_guard_is_tripped(database, &crashes, &retry_at))
		return false;
	if (pg_atomic_read_u32(&slot->trouble) != GA_TROUBLE_CRASHING)
		ereport(WARNING,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("the dispatcher of database %u crashed at its last %d "
						"starts and is left off until %s",
						database, crashes,
						timestamptz_to_str(ga_clock_date(retry_at))),
				 errhint("Look for its crash above; SELECT pg_reload_conf(); "
						 "lets it try again now.")));
	slot->crashes = crashes;
	slot->retry_at = retry_at;
	pg_atomic_write_u32(&slot->trouble, GA_TROUBLE_CRASHING);
	ga_workers[at].not_before = retry_at;
	ga_launch_wake_by(retry_at);
	return true;
}

/* False: not now.  A database that is closed loses its slot. */
static bool
may_start(int at, Oid database, GaMonotonic now)
{
	GaWorker *worker = &ga_workers[at];
	GaDatabaseState state = ga_database_state(database);

	if (state == GA_DATABASE_CLOSED)
	{
		ga_probes_free_slot(at);
		return false;
	}
	ga_slots->slots[at].is_locked = state == GA_DATABASE_LOCKED;
	if (state == GA_DATABASE_LOCKED)
	{
		worker->locked_ms = worker->locked_ms == 0
								? FIRST_LOCKED_MS
								: Min(worker->locked_ms * 2, LAST_LOCKED_MS);
		worker->not_before = now + (int64) worker->locked_ms * 1000;
		ga_launch_wake_by(worker->not_before);
		return false;
	}
	worker->locked_ms = 0;
	return !is_tripped(at, database);
}

static void
tell_no_worker(Oid database)
{
	if (!told_no_worker)
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("no background worker left for the dispatcher of "
						"database %u",
						database),
				 errhint("Increase max_worker_processes; invitations wait "
						 "until then.")));
	told_no_worker = true;
}

/* Others have taken every worker: who waits is told so. */
static void
suffer_no_worker(const GaInLine *line, int count, GaMonotonic now)
{
	tell_no_worker(line[0].database);
	for (int i = 0; i < count; i++)
		pg_atomic_write_u32(&ga_slots->slots[line[i].at].trouble,
							GA_TROUBLE_NO_WORKER);
	no_worker_until = now + NO_WORKER_MS * 1000;
}

/* Starts from the front of the line; returns how many wait on. */
static int
start_workers(const GaInLine *line, int count, int running, GaMonotonic now)
{
	int i;

	for (i = 0; i < count && running < ga_settings.max_dispatchers; i++)
	{
		if (!may_start(line[i].at, line[i].database, now))
			continue;
		if (no_worker_until > now ||
			!ga_worker_start(line[i].at, line[i].database, now))
		{
			/* Of our own, one that leaves makes room. */
			if (no_worker_until <= now && running == 0)
				suffer_no_worker(line + i, count - i, now);
			if (running == 0)
				ga_launch_wake_by(no_worker_until);
			break;
		}
		told_no_worker = false;
		running++;
	}
	return count - i;
}

/* ---- the loop ------------------------------------------------------------- */

/* Neither a dispatcher that is about to end nor one that starts may miss it. */
static void
hand_on_reload(GaSlot *slot)
{
	pg_atomic_fetch_or_u32(&slot->reload,
						   GA_RELOAD_PROVIDERS | GA_RELOAD_CONFIGURATION);
	if (slot->state == GA_SLOT_RUNNING)
		ga_slot_wake_dispatcher(slot);
}

/* Every database looks once what the new settings mean for it. */
static void
follow_reload(void)
{
	GaMonotonic place = ga_monotonic_in_ms(GA_RELOAD_RANK_MS);

	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	for (int i = 0; i < ga_slots->used; i++)
	{
		GaSlot *slot = &ga_slots->slots[i];

		ga_workers[i].crashes_are_reset = true;
		if (pg_atomic_read_u32(&slot->trouble) == GA_TROUBLE_CRASHING)
			ga_workers[i].not_before = 0;
		if (slot->state == GA_SLOT_IDLE)
			ga_slot_want(slot, place);
		else if (slot->state == GA_SLOT_RUNNING ||
				 slot->state == GA_SLOT_STARTING)
			hand_on_reload(slot);
	}
	LWLockRelease(ga_slots->lock);
	ga_probes_recheck();
}

/*
 * Whether something came after all was looked at, `calls` ago.  That the latch was set is
 * not enough: waits inside of PostgreSQL, as for a page of pg_database, reset it.
 */
static bool
is_called(uint32 calls)
{
	return ShutdownRequestPending || ConfigReloadPending || InterruptPending ||
		   pg_atomic_read_u32(&ga_slots->launcher_calls) != calls ||
		   ga_workers_have_ended();
}

static void
serve_all(void)
{
	uint32 calls = pg_atomic_read_u32(&ga_slots->launcher_calls);
	GaMonotonic now = ga_monotonic_now();
	GaInLine *line;
	int running;
	int waiting;
	int count;

	pg_atomic_write_u64(&ga_slots->launcher_looked_at, (uint64) now);
	ga_launcher_wake_at = GA_MONOTONIC_NEVER;
	ga_probes_follow_databases(now);
	running = ga_workers_count(now);
	ga_probes_begin();
	count = ga_turns_line(now, &line);
	waiting = start_workers(line, count, running, now);
	/* A reload may have made the setting smaller. */
	ga_turns_make_room(Max(waiting, running - ga_settings.max_dispatchers),
					   now);
	now = ga_monotonic_now();
	if (!is_called(calls))
		(void) WaitLatch(
			MyLatch,
			WL_LATCH_SET | WL_EXIT_ON_PM_DEATH |
				(ga_launcher_wake_at != GA_MONOTONIC_NEVER ? WL_TIMEOUT : 0),
			ga_launcher_wake_at <= now
				? 1
				: ga_monotonic_ms_between(now, ga_launcher_wake_at),
			ga_wait_event("GroupApiLauncherMain"));
	ResetLatch(MyLatch);
}

void
group_api_launcher_main(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	pgstat_report_appname("group_api launcher");
	/* A reload since the fork may have been missed; nobody tells the launcher again. */
	ProcessConfigFile(PGC_SIGHUP);

	ga_workers_init();
	ga_turns_init();
	enter();
	while (!ShutdownRequestPending)
	{
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
			follow_reload();
		serve_all();
	}
	proc_exit(1);
}
