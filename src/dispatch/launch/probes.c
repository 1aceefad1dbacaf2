/*
 * probes.c
 *		Trying databases nobody spoke of.
 *
 * Each open database is tried once: a worker looks for the extension and ends.
 * One that is closed to connections, a template or gone loses its slot and is
 * tried again when it opens.  Utility commands tell of such changes, a reload
 * looks, and so does a slow look for those nothing tells of.
 *
 * Locks: GaSlots.lock, for a few instructions.
 */
#include "postgres.h"

#include "base/guc.h"
#include "dispatch/launch/crash_guard.h"
#include "dispatch/launch/databases.h"
#include "dispatch/launch/probes.h"
#include "dispatch/provider/counters.h"
#include "dispatch/slots.h"
#include "dispatch/launch/workers.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/latch.h"
#include "utils/memutils.h"

/* Workers that look for the extension at one time, at least. */
#define MIN_PROBES 2
/* Until the next look whether a probe ended its start: nobody tells of that. */
#define PROBE_MS 100
/* Between two looks at pg_database: while changes are told, and without. */
#define CHECK_MS 1000
#define SLOW_CHECK_MS (5 * 60 * 1000)

static List *candidates; /* of Oid: databases not tried yet */
static List *tried;		 /* of Oid: open databases that were */
static GaMonotonic checked_at;

void
ga_probes_free_slot(int at)
{
	ga_crash_guard_reset(ga_slots->slots[at].database);
	ga_counters_free(ga_slots->slots[at].database);
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	if (ga_slots->slots[at].pid == 0)
		ga_slots->slots[at].state = GA_SLOT_FREE;
	/* Another turn: some database may have been refused one. */
	ga_slots_call_launcher();
	LWLockRelease(ga_slots->lock);
	tried = list_delete_oid(tried, ga_slots->slots[at].database);
	ga_workers[at].backoff_ms = 0;
	ga_workers[at].locked_ms = 0;
	ga_workers[at].not_before = 0;
}

/*
 * Slots without a worker whose database is closed; it is tried when it opens.
 * True when the worker of one is about to end: its slot is free only then.
 */
static bool
free_slots_except(const List *open)
{
	bool is_left = false;

	for (int i = 0; i < ga_slots->used; i++)
	{
		const GaSlot *slot = &ga_slots->slots[i];

		if (slot->state == GA_SLOT_FREE ||
			list_member_oid(open, slot->database))
			continue;
		if (ga_workers[i].handle == NULL && slot->pid == 0 && slot->holds == 0)
			ga_probes_free_slot(i);
		else
			is_left |= slot->state != GA_SLOT_RUNNING;
	}
	return is_left;
}

/* True when it must look again soon. */
static bool
check_databases(void)
{
	bool is_left;
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
	is_left = free_slots_except(open);
	list_free(open);
	MemoryContextSwitchTo(old);
	return is_left;
}

/* Who waits for DDL may find it ended. */
static void
try_locked_again(void)
{
	for (int i = 0; i < ga_slots->used; i++)
		if (ga_workers[i].locked_ms > 0)
			ga_workers[i].locked_ms = ga_workers[i].not_before = 0;
}

/* A slot is free again, and some database did not get one: all are tried anew. */
static void
try_refused_again(void)
{
	if (ga_slots_are_full() ||
		pg_atomic_exchange_u32(&ga_slots->refused, 0) == 0)
		return;
	list_free(tried);
	tried = NIL;
	ga_probes_recheck();
}

/* Looks when somebody told, or when it is time again. */
void
ga_probes_follow_databases(GaMonotonic now)
{
	static bool changed = true;
	GaMonotonic next;

	try_refused_again();
	if (pg_atomic_exchange_u32(&ga_slots->databases_changed, 0) != 0)
	{
		try_locked_again();
		changed = true;
	}
	next = checked_at + (changed ? CHECK_MS : SLOW_CHECK_MS) * INT64CONST(1000);
	if (checked_at != 0 && now < next)
	{
		ga_launch_wake_by(next);
		return;
	}
	changed = check_databases();
	checked_at = now;
	ga_launch_wake_by(now +
					  (changed ? CHECK_MS : SLOW_CHECK_MS) * INT64CONST(1000));
}

/* Makes a slot for a database nobody spoke of; true when it has none yet. */
static bool
probe(Oid database)
{
	GaSlot copy;

	if (ga_slot_read(database, &copy))
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
void
ga_probes_begin(void)
{
	int probing = 0;
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	/* One that waits for its back-off is in nobody's way. */
	for (int i = 0; i < ga_slots->used; i++)
		if (ga_slots->slots[i].is_probe && ga_workers[i].not_before == 0 &&
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
	if (ga_slots->is_probing)
		ga_launch_wake_by(ga_monotonic_in_ms(PROBE_MS));
	MemoryContextSwitchTo(old);
}

void
ga_probes_recheck(void)
{
	checked_at = 0;
}
