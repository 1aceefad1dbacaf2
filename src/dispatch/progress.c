/*
 * progress.c
 *		The places in which processes tell how far they are with long work.
 *
 * Locks: Places.lock, for a few instructions.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/bytes.h"
#include "dispatch/progress.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

typedef struct Places
{
	LWLock *lock;
	GaProgress places[GA_PROGRESS_PLACES];
} Places;

static Places *shared = NULL;
static int own = -1; /* this process's place; -1: none */
/* What this process is at, even without a place. */
static char own_action[GA_PROGRESS_ACTION_SIZE];
static TimestampTz own_began;
static int own_level; /* how deep its transaction was nested then */

static shmem_request_hook_type next_request_hook = NULL;
static shmem_startup_hook_type next_startup_hook = NULL;

static void
request_places(void)
{
	if (next_request_hook)
		next_request_hook();
	RequestAddinShmemSpace(sizeof(Places));
	RequestNamedLWLockTranche("group_api progress", 1);
}

static void
create_places(void)
{
	bool found;

	if (next_startup_hook)
		next_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("group_api progress", sizeof(Places), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(*shared));
		shared->lock = &(GetNamedLWLockTranche("group_api progress"))->lock;
	}
	LWLockRelease(AddinShmemInitLock);
}

void
ga_progress_init(void)
{
	next_request_hook = shmem_request_hook;
	shmem_request_hook = request_places;
	next_startup_hook = shmem_startup_hook;
	shmem_startup_hook = create_places;
}

static void
give_back(int code, Datum arg)
{
	*own_action = '\0';
	own_began = 0;
	own_level = 0;
	if (own < 0)
		return;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->places[own].pid = 0;
	LWLockRelease(shared->lock);
	own = -1;
}

/* Work that commits on its way ends with the transaction that fails. */
static void
end_at_abort(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		give_back(0, (Datum) 0);
}

/* What is caught further inside than the work is does not end it. */
static void
end_at_inner_abort(SubXactEvent event, SubTransactionId mine,
				   SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB &&
		GetCurrentTransactionNestLevel() <= own_level)
		give_back(0, (Datum) 0);
}

/* Lock held. */
static bool
take_place(void)
{
	for (int i = 0; own < 0 && i < GA_PROGRESS_PLACES; i++)
		if (shared->places[i].pid == 0)
		{
			memset(&shared->places[i], 0, sizeof(GaProgress));
			shared->places[i].pid = MyProcPid;
			shared->places[i].database = MyDatabaseId;
			own = i;
		}
	return own >= 0;
}

void
ga_progress_report(const char *action, int64 done, int64 total)
{
	static bool is_registered = false;
	char name[GA_PROGRESS_ACTION_SIZE];

	if (shared == NULL)
		return;
	if (action == NULL)
	{
		give_back(0, (Datum) 0);
		return;
	}
	if (!is_registered)
	{
		before_shmem_exit(give_back, (Datum) 0);
		RegisterXactCallback(end_at_abort, NULL);
		RegisterSubXactCallback(end_at_inner_abort, NULL);
	}
	is_registered = true;
	ga_bytes_copy_text(name, action, sizeof(name));
	if (strcmp(own_action, name) != 0)
		own_began = GetCurrentTimestamp();
	strlcpy(own_action, name, sizeof(own_action));
	own_level = GetCurrentTransactionNestLevel();
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	if (take_place())
	{
		GaProgress *place = &shared->places[own];

		place->started_at = own_began;
		strlcpy(place->action, name, sizeof(place->action));
		place->done = done;
		place->total = total;
	}
	LWLockRelease(shared->lock);
}

TimestampTz
ga_progress_began(const char *action)
{
	return strcmp(own_action, action) == 0 ? own_began : 0;
}

int
ga_progress_read(GaProgress *places)
{
	int count = 0;

	if (shared == NULL)
		return 0;
	LWLockAcquire(shared->lock, LW_SHARED);
	for (int i = 0; i < GA_PROGRESS_PLACES; i++)
		if (shared->places[i].pid != 0 &&
			shared->places[i].database == MyDatabaseId)
			places[count++] = shared->places[i];
	LWLockRelease(shared->lock);
	return count;
}
