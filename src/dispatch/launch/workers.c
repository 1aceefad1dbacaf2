/*
 * workers.c
 *		Starting background workers and noticing their end.
 *
 * A worker that ended with an error is followed by another one after a back-off
 * from one second to one minute.
 *
 * Locks: GaSlots.lock, for a few instructions.  What is read without it (state and
 * pid of a slot) decides only whether the launcher looks closer.
 */
#include "postgres.h"

#include "dispatch/launch/workers.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* workers that look for the extension at one time */
#define FIRST_BACKOFF_MS 1000
#define LAST_BACKOFF_MS 60000
/* A dispatcher that lived this long had no trouble starting. */
#define HEALTHY_AFTER_MS 60000
/* One that was asked that long ago waits for a provider's answer, or worse. */
#define STUCK_MS 5000

GaWorker *ga_workers;
GaMonotonic ga_launcher_wake_at;

void
ga_workers_init(void)
{
	ga_workers = MemoryContextAllocZero(TopMemoryContext,
										sizeof(GaWorker) * ga_slots->count);
}

void
ga_launch_wake_by(GaMonotonic at)
{
	ga_launcher_wake_at = Min(ga_launcher_wake_at, at);
}

static void
set_stopped(int at)
{
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	ga_slots->slots[at].state = GA_SLOT_STOPPED;
	LWLockRelease(ga_slots->lock);
}

static void
back_off(int at, GaMonotonic now)
{
	GaWorker *worker = &ga_workers[at];

	if (now - worker->started_at >= HEALTHY_AFTER_MS * 1000)
		worker->backoff_ms = 0;
	worker->backoff_ms = worker->backoff_ms == 0
							 ? FIRST_BACKOFF_MS
							 : Min(worker->backoff_ms * 2, LAST_BACKOFF_MS);
	worker->not_before = now + (int64) worker->backoff_ms * 1000;
	ga_slots->slots[at].retry_at = worker->not_before;
}

/*
 * A worker we started is gone.  One without the extension freed its slot; one
 * with nothing to do, or told to leave, says when it wants a successor.
 */
static void
reap(int at, GaMonotonic now)
{
	GaSlotState state = ga_slots->slots[at].state;

	pfree(ga_workers[at].handle);
	ga_workers[at].handle = NULL;
	if (state == GA_SLOT_STARTING)
		set_stopped(at);
	if (state == GA_SLOT_STARTING || state == GA_SLOT_STOPPED)
		back_off(at, now);
	else
		ga_workers[at].backoff_ms = ga_workers[at].not_before = 0;
}

GaAsked
ga_worker_is_asked(GaSlot *slot, GaMonotonic now)
{
	GaMonotonic since = (GaMonotonic) pg_atomic_read_u64(&slot->asked_to_leave);
	GaMonotonic end = since + STUCK_MS * 1000;

	if (since == 0)
		return GA_NOT_ASKED;
	if (end <= now)
		return GA_IS_STUCK;
	ga_launch_wake_by(end);
	return GA_IS_LEAVING;
}

static bool
has_ended(int at)
{
	pid_t unused;

	return ga_workers[at].handle != NULL &&
		   GetBackgroundWorkerPid(ga_workers[at].handle, &unused) ==
			   BGWH_STOPPED;
}

bool
ga_workers_have_ended(void)
{
	for (int i = 0; i < ga_slots->used; i++)
		if (has_ended(i))
			return true;
	return false;
}

/* Returns how many dispatchers there are, without those that are stuck. */
int
ga_workers_count(GaMonotonic now)
{
	int count = 0;

	for (int i = 0; i < ga_slots->used; i++)
	{
		if (has_ended(i))
			reap(i, now);
		/* One of an earlier launcher has no handle. */
		if ((ga_workers[i].handle != NULL || ga_slots->slots[i].pid != 0) &&
			ga_worker_is_asked(&ga_slots->slots[i], now) != GA_IS_STUCK)
			count++;
	}
	return count;
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
			slot->wanted_at = ga_monotonic_now();
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
	done = RegisterDynamicBackgroundWorker(&worker, &ga_workers[at].handle);
	MemoryContextSwitchTo(old);
	if (!done)
		ga_workers[at].handle = NULL;
	return done;
}

bool
ga_worker_start(int at, Oid database, GaMonotonic now)
{
	GaSlot *slot = &ga_slots->slots[at];
	uint32 trouble = pg_atomic_read_u32(&slot->trouble);

	if (!set_starting(slot))
		return true;
	ga_workers[at].started_at = now;
	ga_workers[at].not_before = 0;
	if (register_worker(at, database))
	{
		if (trouble == GA_TROUBLE_NO_WORKER || trouble == GA_TROUBLE_CRASHING)
			pg_atomic_write_u32(&slot->trouble, GA_TROUBLE_NONE);
		return true;
	}
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	ga_slot_want(slot, slot->wanted_at);
	LWLockRelease(ga_slots->lock);
	return false;
}
