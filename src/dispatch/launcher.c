/*
 * launcher.c
 *		Finds the databases that have the extension and keeps a dispatcher in
 *		each.
 *
 * It is connected to no database, so it is in nobody's way.  At its start it
 * tries every database once, two at a time; a worker that finds no extension
 * says so in its slot and ends.  Afterwards databases announce themselves
 * (CREATE EXTENSION, or the first row to be sent).  With nothing to do it
 * sleeps without a time-out.
 *
 * A dispatcher that ends with an error is started again after a back-off from
 * one second to one minute, one that was told to leave at once.  Only the
 * launcher starts workers, so there is never a second dispatcher in a database.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/guc.h"
#include "dispatch/crash_guard.h"
#include "dispatch/dispatcher.h"
#include "dispatch/launcher.h"
#include "dispatch/slots.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/procsignal.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define MAX_PROBES 2 /* workers that look for the extension at one time */
#define FIRST_BACKOFF_MS 1000
#define LAST_BACKOFF_MS 60000
/* A dispatcher that lived this long had no trouble starting. */
#define HEALTHY_AFTER_MS 60000

/* What the launcher knows of a slot's worker; as many as there are slots. */
typedef struct Worker
{
	BackgroundWorkerHandle *handle; /* NULL: none */
	TimestampTz started_at;
	TimestampTz not_before; /* back-off */
	int backoff_ms;
	bool forgiven; /* its crashes do not count any more */
} Worker;

static Worker *workers;
static List *candidates; /* of Oid: databases not tried yet */
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
	LWLockRelease(ga_slots->lock);
}

static void
enter(void)
{
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	ga_slots->launcher_latch = MyLatch;
	/* Workers of an earlier launcher still run; the others must start anew. */
	for (int i = 0; i < ga_slots->count; i++)
		if (ga_slots->slots[i].state == GA_SLOT_STARTING ||
			ga_slots->slots[i].state == GA_SLOT_STOPPED)
			ga_slots->slots[i].state = GA_SLOT_WANTED;
	LWLockRelease(ga_slots->lock);
	before_shmem_exit(leave, (Datum) 0);
}

/*
 * Every database one may connect to, but no template: a list in TopMemoryContext.
 */
static List *
list_databases(void)
{
	List *databases = NIL;
	Relation relation;
	TableScanDesc scan;
	HeapTuple tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		/* -2: left half dropped by an interrupted DROP DATABASE */
		if (database->datallowconn && !database->datistemplate &&
			database->datconnlimit != -2)
		{
			MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

			databases = lappend_oid(databases, database->oid);
			MemoryContextSwitchTo(old);
		}
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	return databases;
}

static bool
database_exists(Oid database)
{
	List *databases = list_databases();
	bool found = list_member_oid(databases, database);

	list_free(databases);
	return found;
}

/* One slot's state as seen under the lock. */
static GaSlotState
look(int at, Oid *database, int *holds)
{
	GaSlot *slot = &ga_slots->slots[at];
	GaSlotState state;

	LWLockAcquire(ga_slots->lock, LW_SHARED);
	state = slot->state;
	*database = slot->database;
	*holds = slot->holds;
	LWLockRelease(ga_slots->lock);
	return state;
}

static void
set_state(int at, GaSlotState state)
{
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	ga_slots->slots[at].state = state;
	LWLockRelease(ga_slots->lock);
}

static void
back_off(Worker *worker)
{
	TimestampTz now = GetCurrentTimestamp();

	if (TimestampDifferenceExceeds(worker->started_at, now, HEALTHY_AFTER_MS))
		worker->backoff_ms = 0;
	worker->backoff_ms = worker->backoff_ms == 0
							 ? FIRST_BACKOFF_MS
							 : Min(worker->backoff_ms * 2, LAST_BACKOFF_MS);
	worker->not_before = TimestampTzPlusMilliseconds(now, worker->backoff_ms);
}

/* False when a worker of an earlier launcher has just entered. */
static bool
set_starting(int at)
{
	GaSlot *slot = &ga_slots->slots[at];
	bool done;

	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	done = slot->pid == 0 &&
		   (slot->state == GA_SLOT_WANTED || slot->state == GA_SLOT_STOPPED);
	if (done)
		slot->state = GA_SLOT_STARTING;
	LWLockRelease(ga_slots->lock);
	return done;
}

static bool
start_worker(int at, Oid database)
{
	BackgroundWorker worker = {
		.bgw_type = "group_api dispatcher",
		.bgw_flags =
			BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = BGW_NEVER_RESTART,
		.bgw_library_name = "group_api",
		.bgw_function_name = "group_api_dispatcher_main",
		.bgw_main_arg = Int32GetDatum(at),
		.bgw_notify_pid = MyProcPid,
	};
	MemoryContext old;
	bool done;

	snprintf(worker.bgw_name, BGW_MAXLEN,
			 "group_api dispatcher for database %u", database);
	if (!set_starting(at))
		return true;
	old = MemoryContextSwitchTo(TopMemoryContext);
	done = RegisterDynamicBackgroundWorker(&worker, &workers[at].handle);
	MemoryContextSwitchTo(old);
	workers[at].started_at = GetCurrentTimestamp();
	pg_atomic_write_u32(&ga_slots->slots[at].trouble,
						done ? GA_TROUBLE_NONE : GA_TROUBLE_NO_WORKER);
	if (!done)
	{
		workers[at].handle = NULL;
		set_state(at, GA_SLOT_WANTED);
		back_off(&workers[at]);
		if (!told_no_worker)
			ereport(WARNING,
					(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					 errmsg("no background worker left for the dispatcher of "
							"database %u",
							database),
					 errhint("Increase max_worker_processes; invitations of "
							 "this database wait until then.")));
		told_no_worker = true;
	}
	else
		told_no_worker = false;
	return done;
}

/*
 * A worker we started is gone.  One without the extension freed its slot; one
 * that was told to leave, for DDL on its database, wants a successor at once.
 */
static void
bury(int at, GaSlotState state)
{
	Worker *worker = &workers[at];

	pfree(worker->handle);
	worker->handle = NULL;
	if (state == GA_SLOT_FREE || state == GA_SLOT_WANTED)
	{
		worker->backoff_ms = 0;
		return;
	}
	if (state == GA_SLOT_STARTING)
		set_state(at, GA_SLOT_STOPPED);
	back_off(worker);
}

/* Said once; a reload of the configuration lets it try again. */
static bool
is_tripped(int at, Oid database)
{
	if (workers[at].forgiven)
	{
		workers[at].forgiven = false;
		ga_crash_guard_leave(database);
	}
	if (!ga_crash_guard_is_tripped(database))
		return false;
	if (pg_atomic_read_u32(&ga_slots->slots[at].trouble) != GA_TROUBLE_CRASHING)
		ereport(WARNING,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("the dispatcher of database %u crashed at its last %d "
						"starts and is left off",
						database, GA_CRASHES_ALLOWED),
				 errhint("Look for its crash above; SELECT pg_reload_conf(); "
						 "lets it try again.")));
	pg_atomic_write_u32(&ga_slots->slots[at].trouble, GA_TROUBLE_CRASHING);
	return true;
}

/* Returns the milliseconds until this slot wants to be looked at, -1 = never. */
static long
serve_slot(int at)
{
	Worker *worker = &workers[at];
	Oid database;
	int holds;
	GaSlotState state = look(at, &database, &holds);
	TimestampTz now;

	if (worker->handle != NULL)
	{
		pid_t unused;

		if (GetBackgroundWorkerPid(worker->handle, &unused) != BGWH_STOPPED)
			return -1;
		bury(at, look(at, &database, &holds));
		state = look(at, &database, &holds);
	}
	if (state == GA_SLOT_FREE)
		worker->backoff_ms = 0;
	if ((state != GA_SLOT_WANTED && state != GA_SLOT_STOPPED) || holds > 0)
		return -1;
	now = GetCurrentTimestamp();
	if (worker->backoff_ms > 0 && now < worker->not_before)
		return TimestampDifferenceMilliseconds(now, worker->not_before) + 1;
	if (!database_exists(database))
	{
		ga_crash_guard_leave(database);
		set_state(at, GA_SLOT_FREE);
		return -1;
	}
	if (is_tripped(at, database))
		return -1;
	if (start_worker(at, database))
		return -1;
	return worker->backoff_ms;
}

/* Hands the next candidates to free slots, a few at a time. */
static void
probe_databases(void)
{
	int probing = 0;

	for (int i = 0; i < ga_slots->count; i++)
		if (ga_slots->slots[i].state == GA_SLOT_WANTED ||
			ga_slots->slots[i].state == GA_SLOT_STARTING)
			probing++;
	while (candidates != NIL && probing < MAX_PROBES && !ga_slots_are_full())
	{
		Oid database = linitial_oid(candidates);

		candidates = list_delete_first(candidates);
		ga_slot_wake(database, DT_NOBEGIN, false);
		probing++;
	}
}

static void
serve_all(void)
{
	long wait_ms = -1;

	probe_databases();
	for (int i = 0; i < ga_slots->count; i++)
	{
		long slot_ms = serve_slot(i);

		if (slot_ms >= 0 && (wait_ms < 0 || slot_ms < wait_ms))
			wait_ms = slot_ms;
	}
	/* Probes end within milliseconds; the rest announces itself. */
	if (candidates != NIL && !ga_slots_are_full() &&
		(wait_ms < 0 || wait_ms > 50))
		wait_ms = 50;
	(void) WaitLatch(MyLatch,
					 WL_LATCH_SET | WL_EXIT_ON_PM_DEATH |
						 (wait_ms >= 0 ? WL_TIMEOUT : 0),
					 wait_ms, ga_wait_event("GroupApiLauncherMain"));
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

	workers = MemoryContextAllocZero(TopMemoryContext,
									 sizeof(Worker) * ga_slots->count);
	enter();
	candidates = list_databases();
	while (!ShutdownRequestPending)
	{
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			for (int i = 0; i < ga_slots->count; i++)
				workers[i].forgiven = true;
		}
		serve_all();
	}
	proc_exit(1);
}
