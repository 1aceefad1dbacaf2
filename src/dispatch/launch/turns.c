/*
 * turns.c
 *		The line, and making room.
 *
 * Who has waited longest is next.  While some wait, dispatchers with nothing to do
 * are asked to leave; those that are busy are when their turn is over, which puts
 * them at the end of the line.
 *
 * Locks: GaSlots.lock in shared mode, for one pass over the slots.
 */
#include "postgres.h"

#include "dispatch/slots.h"
#include "dispatch/launch/turns.h"
#include "dispatch/launch/workers.h"
#include "utils/memutils.h"

/* How long a busy dispatcher goes on while other databases wait. */
#define TURN_MS 2000

static GaInLine *line; /* room for all slots */

void
ga_turns_init(void)
{
	line = MemoryContextAlloc(TopMemoryContext,
							  sizeof(GaInLine) * ga_slots->count);
}

static bool
is_in_line(int at, GaMonotonic now, GaMonotonic *since)
{
	const GaSlot *slot = &ga_slots->slots[at];
	const GaWorker *worker = &ga_workers[at];

	if (slot->state == GA_SLOT_WANTED)
		*since = slot->wanted_at;
	else if (slot->state == GA_SLOT_IDLE)
		*since = slot->next_start;
	else if (slot->state == GA_SLOT_STOPPED)
		*since = worker->not_before;
	else
		return false;
	if (worker->handle != NULL || slot->pid != 0 || slot->holds > 0 ||
		*since == GA_MONOTONIC_NEVER)
		return false;
	/* A place may be further back than now; a start may not be too early. */
	if (slot->state == GA_SLOT_IDLE && *since > now)
		ga_launch_wake_by(*since);
	else if (worker->not_before > now)
		ga_launch_wake_by(worker->not_before);
	else
		return true;
	return false;
}

static int
compare_places(const void *a, const void *b)
{
	GaMonotonic left = ((const GaInLine *) a)->since;
	GaMonotonic right = ((const GaInLine *) b)->since;

	return left < right ? -1 : left > right;
}

int
ga_turns_line(GaMonotonic now, GaInLine **formed)
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
	qsort(line, count, sizeof(GaInLine), compare_places);
	*formed = line;
	return count;
}

typedef struct Leaver
{
	GaSlot *slot;
	GaMonotonic since;
} Leaver;

static int
compare_leavers(const void *a, const void *b)
{
	GaMonotonic left = ((const Leaver *) a)->since;
	GaMonotonic right = ((const Leaver *) b)->since;

	return left < right ? -1 : left > right;
}

/*
 * Lock held.  Those that may be asked: the ones with nothing to do first, the
 * longest idle before the others, then those whose turn is over.
 */
static int
find_leavers(Leaver *leavers, GaMonotonic now, int *leaving)
{
	int count = 0;

	*leaving = 0;
	for (int i = 0; i < ga_slots->used; i++)
	{
		GaSlot *slot = &ga_slots->slots[i];
		GaMonotonic idle = (GaMonotonic) pg_atomic_read_u64(&slot->idle_since);
		GaMonotonic end = slot->started_at + TURN_MS * 1000;

		if (slot->state != GA_SLOT_RUNNING || slot->latch == NULL)
			continue;
		if (ga_worker_is_asked(slot, now) != GA_NOT_ASKED)
			*leaving += ga_worker_is_asked(slot, now) == GA_IS_LEAVING;
		else if (idle != 0)
			leavers[count++] = (Leaver){slot, idle - now};
		else if (end <= now)
			leavers[count++] = (Leaver){slot, end};
		else
			ga_launch_wake_by(end);
	}
	qsort(leavers, count, sizeof(Leaver), compare_leavers);
	return count;
}

void
ga_turns_make_room(int waiting, GaMonotonic now)
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
		pg_atomic_write_u64(&leavers[i].slot->asked_to_leave, (uint64) now);
		ga_slot_wake_dispatcher(leavers[i].slot);
		/* Looked at again when it would be stuck. */
		(void) ga_worker_is_asked(leavers[i].slot, now);
	}
	LWLockRelease(ga_slots->lock);
	pfree(leavers);
}
