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
#include "dispatch/crash_guard.h"
#include "dispatch/databases.h"
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
#include "utils/timestamp.h"

#define MIN_PROBES 2 /* workers that look for the extension at one time */
#define FIRST_BACKOFF_MS 1000
#define LAST_BACKOFF_MS 60000
/* A dispatcher that lived this long had no trouble starting. */
#define HEALTHY_AFTER_MS 60000
/* How long a busy dispatcher goes on while other databases wait. */
#define TURN_MS 2000
/* Who has nothing new is placed in the line as if it came this much later. */
#define LOOK_RANK_MS 5000
/* Before a database that DDL holds locked is tried again. */
#define FIRST_LOCKED_MS 50
#define LAST_LOCKED_MS 5000
/* Before a worker is asked for again when all are used by others. */
#define NO_WORKER_MS 1000
/* Between two looks at pg_database: while changes are told, and without. */
#define LOOK_MS 1000
#define SLOW_LOOK_MS (5 * 60 * 1000)

/* What the launcher knows of a slot's worker; as many as there are slots. */
typedef struct Worker
{
	BackgroundWorkerHandle *handle; /* NULL: none */
	TimestampTz started_at;
	TimestampTz not_before; /* back-off, or DDL on the database */
	int backoff_ms;
	int locked_ms;
	bool forgiven; /* its crashes do not count any more */
} Worker;

/* A slot that may get a worker now. */
typedef struct InLine
{
	int at;
	Oid database;
	TimestampTz since;
} InLine;

static Worker *workers;
static InLine *line;	   /* room for all slots */
static List *candidates;   /* of Oid: databases not tried yet */
static List *tried;		   /* of Oid: open databases that were */
static TimestampTz looked_at;
static TimestampTz wake_at; /* when the next turn is due; DT_NOEND: never */
static TimestampTz no_worker_until;
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
	ga_slots->is_probing = true;
	/* Workers of an earlier launcher still run; the others must start anew. */
	for (int i = 0; i < ga_slots->used; i++)
		if (ga_slots->slots[i].state == GA_SLOT_STARTING ||
			ga_slots->slots[i].state == GA_SLOT_STOPPED)
			ga_slot_want(&ga_slots->slots[i], GetCurrentTimestamp());
	LWLockRelease(ga_slots->lock);
	before_shmem_exit(leave, (Datum) 0);
}

/* The next turn is due no later than this. */
static void
wake_no_later_than(TimestampTz at)
{
	wake_at = Min(wake_at, at);
}

/* ---- which databases there are -------------------------------------------- */

static void
free_slot(int at)
{
	ga_crash_guard_forgive(ga_slots->slots[at].database);
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	if (ga_slots->slots[at].pid == 0)
		ga_slots->slots[at].state = GA_SLOT_FREE;
	LWLockRelease(ga_slots->lock);
	tried = list_delete_oid(tried, ga_slots->slots[at].database);
	workers[at].backoff_ms = 0;
	workers[at].locked_ms = 0;
	workers[at].not_before = 0;
}

/* Slots without a worker whose database is closed; it is tried when it opens. */
static void
free_slots_except(const List *open)
{
	for (int i = 0; i < ga_slots->used; i++)
	{
		const GaSlot *slot = &ga_slots->slots[i];

		if (workers[i].handle == NULL && slot->pid == 0 &&
			slot->state != GA_SLOT_FREE && slot->holds == 0 &&
			!list_member_oid(open, slot->database))
			free_slot(i);
	}
}

static void
look_at_databases(void)
{
	List *open = ga_databases_open();
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	List *kept = NIL;
	List *untried = NIL;
	ListCell *cell;

	foreach (cell, open)
		if (list_member_oid(tried, lfirst_oid(cell)))
			kept = lappend_oid(kept, lfirst_oid(cell));
		else
			untried = lappend_oid(untried, lfirst_oid(cell));
	list_free(tried);
	list_free(candidates);
	tried = kept;
	candidates = untried;
	free_slots_except(open);
	list_free(open);
	MemoryContextSwitchTo(old);
}

/* Who waits for DDL may find it ended. */
static void
try_locked_again(void)
{
	for (int i = 0; i < ga_slots->used; i++)
		if (workers[i].locked_ms > 0)
			workers[i].locked_ms = workers[i].not_before = 0;
}

/* Looks when somebody told, or when it is time again. */
static void
follow_databases(TimestampTz now)
{
	static bool changed = true;
	TimestampTz next;

	if (pg_atomic_exchange_u32(&ga_slots->databases_changed, 0) != 0)
	{
		try_locked_again();
		changed = true;
	}
	next = TimestampTzPlusMilliseconds(looked_at,
									   changed ? LOOK_MS : SLOW_LOOK_MS);
	/* A clock that was set back must not put the look off. */
	if (looked_at != 0 && looked_at <= now && now < next)
	{
		wake_no_later_than(next);
		return;
	}
	changed = false;
	look_at_databases();
	looked_at = now;
	wake_no_later_than(TimestampTzPlusMilliseconds(now, SLOW_LOOK_MS));
}

/* Makes a slot for a database nobody spoke of; true when it has none yet. */
static bool
probe(Oid database)
{
	GaSlot copy;

	if (ga_slot_look(database, &copy))
		return false;
	ga_slot_wake(database, DT_NOEND, false);
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	for (int i = 0; i < ga_slots->used; i++)
		if (ga_slots->slots[i].database == database &&
			ga_slots->slots[i].state == GA_SLOT_WANTED)
			ga_slots->slots[i].is_probe = true;
	LWLockRelease(ga_slots->lock);
	return true;
}

/* Hands the next candidates to free slots, a few at a time. */
static void
probe_databases(void)
{
	int probing = 0;
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	/* One that waits for its back-off is in nobody's way. */
	for (int i = 0; i < ga_slots->used; i++)
		if (ga_slots->slots[i].is_probe && workers[i].not_before == 0 &&
			(ga_slots->slots[i].state == GA_SLOT_WANTED ||
			 ga_slots->slots[i].state == GA_SLOT_STARTING))
			probing++;
	while (candidates != NIL && !ga_slots_are_full() &&
		   probing < Max(MIN_PROBES, ga_settings.max_dispatchers))
	{
		Oid database = linitial_oid(candidates);

		candidates = list_delete_first(candidates);
		tried = lappend_oid(tried, database);
		if (probe(database))
			probing++;
	}
	ga_slots->is_probing = candidates != NIL && !ga_slots_are_full();
	MemoryContextSwitchTo(old);
}

/* ---- workers that ended --------------------------------------------------- */

static void
set_stopped(int at)
{
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	ga_slots->slots[at].state = GA_SLOT_STOPPED;
	LWLockRelease(ga_slots->lock);
}

static void
back_off(int at, TimestampTz now)
{
	Worker *worker = &workers[at];

	if (TimestampDifferenceExceeds(worker->started_at, now, HEALTHY_AFTER_MS))
		worker->backoff_ms = 0;
	worker->backoff_ms = worker->backoff_ms == 0
							 ? FIRST_BACKOFF_MS
							 : Min(worker->backoff_ms * 2, LAST_BACKOFF_MS);
	worker->not_before = TimestampTzPlusMilliseconds(now, worker->backoff_ms);
	ga_slots->slots[at].retry_at = worker->not_before;
}

/*
 * A worker we started is gone.  One without the extension freed its slot; one
 * with nothing to do, or told to leave, says when it wants a successor.
 */
static void
bury(int at, TimestampTz now)
{
	GaSlotState state = ga_slots->slots[at].state;

	pfree(workers[at].handle);
	workers[at].handle = NULL;
	if (state == GA_SLOT_STARTING)
		set_stopped(at);
	if (state == GA_SLOT_STARTING || state == GA_SLOT_STOPPED)
		back_off(at, now);
	else
		workers[at].backoff_ms = workers[at].not_before = 0;
}

/* Returns how many dispatchers there are. */
static int
count_workers(TimestampTz now)
{
	int count = 0;

	for (int i = 0; i < ga_slots->used; i++)
	{
		pid_t unused;

		if (workers[i].handle != NULL &&
			GetBackgroundWorkerPid(workers[i].handle, &unused) == BGWH_STOPPED)
			bury(i, now);
		/* One of an earlier launcher has no handle. */
		if (workers[i].handle != NULL || ga_slots->slots[i].pid != 0)
			count++;
	}
	return count;
}

/* ---- who is next ---------------------------------------------------------- */

static bool
is_in_line(int at, TimestampTz now, TimestampTz *since)
{
	const GaSlot *slot = &ga_slots->slots[at];
	const Worker *worker = &workers[at];

	if (slot->state == GA_SLOT_WANTED)
		*since = slot->wanted_at;
	else if (slot->state == GA_SLOT_IDLE)
		*since = slot->next_start;
	else if (slot->state == GA_SLOT_STOPPED)
		*since = worker->not_before;
	else
		return false;
	if (worker->handle != NULL || slot->pid != 0 || slot->holds > 0 ||
		*since == DT_NOEND)
		return false;
	/* A place may be further back than now; a start may not be too early. */
	if (slot->state == GA_SLOT_IDLE && *since > now)
		wake_no_later_than(*since);
	else if (worker->not_before > now)
		wake_no_later_than(worker->not_before);
	else
		return true;
	return false;
}

static int
compare_places(const void *a, const void *b)
{
	TimestampTz left = ((const InLine *) a)->since;
	TimestampTz right = ((const InLine *) b)->since;

	return left < right ? -1 : left > right;
}

static int
form_line(TimestampTz now)
{
	int count = 0;

	LWLockAcquire(ga_slots->lock, LW_SHARED);
	for (int i = 0; i < ga_slots->used; i++)
		if (is_in_line(i, now, &line[count].since))
		{
			line[count].at = i;
			line[count].database = ga_slots->slots[i].database;
			count++;
		}
	LWLockRelease(ga_slots->lock);
	qsort(line, count, sizeof(InLine), compare_places);
	return count;
}

/* ---- starting ------------------------------------------------------------- */

/* Said once a crash; a reload of the configuration lets it try again at once. */
static bool
is_tripped(int at, Oid database)
{
	GaSlot *slot = &ga_slots->slots[at];
	int crashes;
	TimestampTz retry_at;

	if (workers[at].forgiven)
		ga_crash_guard_forgive(database);
	workers[at].forgiven = false;
	if (!ga_crash_guard_is_tripped(database, &crashes, &retry_at))
		return false;
	if (pg_atomic_read_u32(&slot->trouble) != GA_TROUBLE_CRASHING)
		ereport(WARNING,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("the dispatcher of database %u crashed at its last %d "
						"starts and is left off until %s",
						database, crashes, timestamptz_to_str(retry_at)),
				 errhint("Look for its crash above; SELECT pg_reload_conf(); "
						 "lets it try again now.")));
	slot->crashes = crashes;
	slot->retry_at = retry_at;
	pg_atomic_write_u32(&slot->trouble, GA_TROUBLE_CRASHING);
	workers[at].not_before = retry_at;
	wake_no_later_than(retry_at);
	return true;
}

/* False: not now.  A database that is closed loses its slot. */
static bool
may_start(int at, Oid database, TimestampTz now)
{
	Worker *worker = &workers[at];
	GaDatabaseState state = ga_database_state(database);

	if (state == GA_DATABASE_CLOSED)
	{
		free_slot(at);
		return false;
	}
	if (state == GA_DATABASE_LOCKED)
	{
		worker->locked_ms = worker->locked_ms == 0
								? FIRST_LOCKED_MS
								: Min(worker->locked_ms * 2, LAST_LOCKED_MS);
		worker->not_before =
			TimestampTzPlusMilliseconds(now, worker->locked_ms);
		wake_no_later_than(worker->not_before);
		return false;
	}
	worker->locked_ms = 0;
	return !is_tripped(at, database);
}

/* False when a worker of an earlier launcher has just entered. */
static bool
set_starting(GaSlot *slot)
{
	bool done;

	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	done = slot->pid == 0 && slot->holds == 0 &&
		   (slot->state == GA_SLOT_WANTED || slot->state == GA_SLOT_STOPPED ||
			slot->state == GA_SLOT_IDLE);
	if (done)
	{
		/* For who asks since when it is wanted. */
		if (slot->state != GA_SLOT_WANTED)
			slot->wanted_at = GetCurrentTimestamp();
		slot->state = GA_SLOT_STARTING;
	}
	LWLockRelease(ga_slots->lock);
	return done;
}

static bool
register_worker(int at, Oid database)
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
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	bool done;

	snprintf(worker.bgw_name, BGW_MAXLEN,
			 "group_api dispatcher for database %u", database);
	done = RegisterDynamicBackgroundWorker(&worker, &workers[at].handle);
	MemoryContextSwitchTo(old);
	if (!done)
		workers[at].handle = NULL;
	return done;
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

/* False when there is no worker to be had, whoever is next. */
static bool
start_worker(int at, Oid database, TimestampTz now)
{
	GaSlot *slot = &ga_slots->slots[at];
	uint32 trouble = pg_atomic_read_u32(&slot->trouble);

	if (!set_starting(slot))
		return true;
	workers[at].started_at = now;
	workers[at].not_before = 0;
	if (register_worker(at, database))
	{
		if (trouble == GA_TROUBLE_NO_WORKER || trouble == GA_TROUBLE_CRASHING)
			pg_atomic_write_u32(&slot->trouble, GA_TROUBLE_NONE);
		told_no_worker = false;
		return true;
	}
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	ga_slot_want(slot, slot->wanted_at);
	LWLockRelease(ga_slots->lock);
	return false;
}

/* Others have taken every worker: who waits is told so. */
static void
suffer_no_worker(int first, int count, TimestampTz now)
{
	tell_no_worker(line[first].database);
	for (int i = first; i < count; i++)
		pg_atomic_write_u32(&ga_slots->slots[line[i].at].trouble,
							GA_TROUBLE_NO_WORKER);
	no_worker_until = TimestampTzPlusMilliseconds(now, NO_WORKER_MS);
}

/* Starts from the front of the line; returns how many wait on. */
static int
start_workers(int count, int running, TimestampTz now)
{
	int i;

	for (i = 0; i < count && running < ga_settings.max_dispatchers; i++)
	{
		if (!may_start(line[i].at, line[i].database, now))
			continue;
		if (no_worker_until > now ||
			!start_worker(line[i].at, line[i].database, now))
		{
			/* Of our own, one that leaves makes room. */
			if (no_worker_until <= now && running == 0)
				suffer_no_worker(i, count, now);
			if (running == 0)
				wake_no_later_than(no_worker_until);
			break;
		}
		running++;
	}
	return count - i;
}

/* ---- making room ---------------------------------------------------------- */

typedef struct Leaver
{
	GaSlot *slot;
	TimestampTz since;
} Leaver;

static int
compare_leavers(const void *a, const void *b)
{
	TimestampTz left = ((const Leaver *) a)->since;
	TimestampTz right = ((const Leaver *) b)->since;

	return left < right ? -1 : left > right;
}

/*
 * Lock held.  Those that may be asked: the ones with nothing to do first, the
 * longest idle before the others, then those whose turn is over.
 */
static int
find_leavers(Leaver *leavers, TimestampTz now, int *leaving)
{
	int count = 0;

	*leaving = 0;
	for (int i = 0; i < ga_slots->used; i++)
	{
		GaSlot *slot = &ga_slots->slots[i];
		TimestampTz idle = (TimestampTz) pg_atomic_read_u64(&slot->idle_since);
		TimestampTz end =
			TimestampTzPlusMilliseconds(slot->started_at, TURN_MS);

		if (slot->state != GA_SLOT_RUNNING || slot->latch == NULL)
			continue;
		if (pg_atomic_read_u32(&slot->asked_to_leave) != 0)
			(*leaving)++;
		else if (idle != 0)
			leavers[count++] = (Leaver){slot, idle - now};
		else if (end <= now)
			leavers[count++] = (Leaver){slot, end};
		else
			wake_no_later_than(end);
	}
	qsort(leavers, count, sizeof(Leaver), compare_leavers);
	return count;
}

static void
make_room(int waiting, TimestampTz now)
{
	Leaver *leavers;
	int leaving;
	int count;

	pg_atomic_write_u32(&ga_slots->waiting, (uint32) waiting);
	if (waiting == 0)
		return;
	leavers = palloc(sizeof(Leaver) * ga_slots->used);
	LWLockAcquire(ga_slots->lock, LW_SHARED);
	count = find_leavers(leavers, now, &leaving);
	for (int i = 0; i < Min(count, waiting - leaving); i++)
	{
		pg_atomic_write_u32(&leavers[i].slot->asked_to_leave, 1);
		SetLatch(leavers[i].slot->latch);
	}
	LWLockRelease(ga_slots->lock);
	pfree(leavers);
}

/* ---- the loop ------------------------------------------------------------- */

/* Every database looks once what the new settings mean for it. */
static void
follow_reload(void)
{
	TimestampTz place =
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LOOK_RANK_MS);

	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	for (int i = 0; i < ga_slots->used; i++)
	{
		workers[i].forgiven = true;
		if (pg_atomic_read_u32(&ga_slots->slots[i].trouble) ==
			GA_TROUBLE_CRASHING)
			workers[i].not_before = 0;
		if (ga_slots->slots[i].state == GA_SLOT_IDLE)
			ga_slot_want(&ga_slots->slots[i], place);
	}
	LWLockRelease(ga_slots->lock);
	looked_at = 0;
}

static void
serve_all(void)
{
	TimestampTz now = GetCurrentTimestamp();
	int running;
	int count;

	wake_at = DT_NOEND;
	follow_databases(now);
	running = count_workers(now);
	probe_databases();
	count = form_line(now);
	make_room(start_workers(count, running, now), now);
	now = GetCurrentTimestamp();
	(void) WaitLatch(
		MyLatch,
		WL_LATCH_SET | WL_EXIT_ON_PM_DEATH |
			(wake_at != DT_NOEND ? WL_TIMEOUT : 0),
		wake_at <= now ? 1 : TimestampDifferenceMilliseconds(now, wake_at),
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

	workers = MemoryContextAllocZero(TopMemoryContext,
									 sizeof(Worker) * ga_slots->count);
	line = MemoryContextAlloc(TopMemoryContext,
							  sizeof(InLine) * ga_slots->count);
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
