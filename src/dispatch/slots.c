/*
 * slots.c
 *		The slots in shared memory and their one lock.
 *
 * GaSlots.lock is held for a few instructions only, never across a wait, and no
 * other lock is taken under it.  Counters and flags the dispatcher shares with
 * everybody are atomics.
 */
#include "postgres.h"

#include "base/guc.h"
#include "dispatch/slots.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

GaSlots *ga_slots = NULL;

static shmem_request_hook_type next_request_hook = NULL;
static shmem_startup_hook_type next_startup_hook = NULL;

static Size
slots_size(void)
{
	return add_size(offsetof(GaSlots, slots),
					mul_size(ga_settings.max_databases, sizeof(GaSlot)));
}

static void
request_slots(void)
{
	if (next_request_hook)
		next_request_hook();
	RequestAddinShmemSpace(slots_size());
	RequestNamedLWLockTranche("group_api", 1);
}

/* An empty range: its end is before its beginning, so any tag that is noted widens it. */
static void
forget_tags(GaSlot *slot, int channel)
{
	pg_atomic_write_u64(&slot->tags_from[channel], (uint64) GA_START_TAG_MAX);
	pg_atomic_write_u64(&slot->tags_to[channel], (uint64) GA_START_TAG_MIN);
}

static void
reset_slot(GaSlot *slot)
{
	slot->database = InvalidOid;
	slot->state = GA_SLOT_FREE;
	slot->pid = 0;
	slot->latch = NULL;
	slot->holds = 0;
	slot->is_probe = false;
	slot->started_at = 0;
	slot->started_on = 0;
	slot->wanted_at = 0;
	slot->next_start = GA_MONOTONIC_NEVER;
	slot->retry_at = 0;
	slot->crashes = 0;
	slot->is_locked = false;
	pg_atomic_write_u32(&slot->trouble, GA_TROUBLE_NONE);
	pg_atomic_write_u64(&slot->trouble_since, 0);
	pg_atomic_write_u32(&slot->closed_channels, 0);
	pg_atomic_write_u32(&slot->muted, 0);
	pg_atomic_write_u64(&slot->next_deadline, (uint64) DT_NOEND);
	pg_atomic_write_u64(&slot->turn_due_at, (uint64) GA_MONOTONIC_NEVER);
	pg_atomic_write_u32(&slot->courier_pid, 0);
	pg_atomic_write_u64(&slot->courier_silent_since, 0);
	pg_atomic_write_u64(&slot->courier_replaced_at, 0);
	pg_atomic_write_u64(&slot->turns, 0);
	pg_atomic_write_u64(&slot->claimed, 0);
	pg_atomic_write_u64(&slot->recorded, 0);
	pg_atomic_write_u64(&slot->held_up_since, 0);
	pg_atomic_write_u64(&slot->failing_since, 0);
	pg_atomic_write_u64(&slot->wake_due, (uint64) DT_NOEND);
	pg_atomic_write_u32(&slot->reload, 0);
	pg_atomic_write_u32(&slot->events, 0);
	pg_atomic_write_u64(&slot->idle_since, 0);
	pg_atomic_write_u64(&slot->asked_to_leave, 0);
	memset(&slot->kept, 0, sizeof(slot->kept));
	for (int i = 0; i < GA_CHANNEL_COUNT; i++)
		forget_tags(slot, i);
}

static void
create_slots(void)
{
	bool found;

	if (next_startup_hook)
		next_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	ga_slots = ShmemInitStruct("group_api slots", slots_size(), &found);
	if (!found)
	{
		ga_slots->lock = &(GetNamedLWLockTranche("group_api"))->lock;
		ga_slots->launcher_latch = NULL;
		ga_slots->launcher_pid = 0;
		ga_slots->launcher_down_since = ga_monotonic_now();
		pg_atomic_init_u64(&ga_slots->launcher_looked_at, 0);
		ga_slots->is_probing = true;
		pg_atomic_init_u32(&ga_slots->launcher_calls, 0);
		pg_atomic_init_u32(&ga_slots->waiting, 0);
		pg_atomic_init_u32(&ga_slots->databases_changed, 0);
		pg_atomic_init_u32(&ga_slots->refused, 0);
		pg_atomic_init_u32(&ga_slots->confinement_told, 0);
		pg_atomic_init_u32(&ga_slots->no_journal_told, 0);
		pg_atomic_init_u32(&ga_slots->settings_prepared, 0);
		ga_slots->count = ga_settings.max_databases;
		ga_slots->used = 0;
		for (int i = 0; i < ga_slots->count; i++)
		{
			GaSlot *slot = &ga_slots->slots[i];

			pg_atomic_init_u32(&slot->trouble, 0);
			pg_atomic_init_u64(&slot->trouble_since, 0);
			pg_atomic_init_u32(&slot->held_up_step, 0);
			pg_atomic_init_u32(&slot->held_up_table, 0);
			pg_atomic_init_u64(&slot->held_up_since, 0);
			pg_atomic_init_u32(&slot->failing_step, 0);
			pg_atomic_init_u64(&slot->failing_since, 0);
			pg_atomic_init_u64(&slot->held_up_until, 0);
			for (int j = 0; j < GA_KEPT_PROVIDERS; j++)
			{
				pg_atomic_init_u64(&slot->allowed[j].server, 0);
				pg_atomic_init_u32(&slot->allowed[j].count, 0);
			}
			pg_atomic_init_u32(&slot->closed_channels, 0);
			pg_atomic_init_u32(&slot->muted, 0);
			pg_atomic_init_u64(&slot->next_deadline, 0);
			pg_atomic_init_u64(&slot->turn_due_at, 0);
			pg_atomic_init_u32(&slot->courier_pid, 0);
			pg_atomic_init_u64(&slot->courier_silent_since, 0);
			pg_atomic_init_u64(&slot->courier_replaced_at, 0);
			pg_atomic_init_u64(&slot->turns, 0);
			pg_atomic_init_u64(&slot->claimed, 0);
			pg_atomic_init_u64(&slot->recorded, 0);
			pg_atomic_init_u64(&slot->wake_due, 0);
			pg_atomic_init_u32(&slot->reload, 0);
			pg_atomic_init_u32(&slot->events, 0);
			pg_atomic_init_u32(&slot->settings_changed, 0);
			pg_atomic_init_u64(&slot->idle_since, 0);
			pg_atomic_init_u64(&slot->asked_to_leave, 0);
			for (int j = 0; j < GA_CHANNEL_COUNT; j++)
			{
				pg_atomic_init_u64(&slot->tags_from[j], 0);
				pg_atomic_init_u64(&slot->tags_to[j], 0);
			}
			reset_slot(slot);
		}
	}
	LWLockRelease(AddinShmemInitLock);
}

void
ga_slots_init(void)
{
	next_request_hook = shmem_request_hook;
	shmem_request_hook = request_slots;
	next_startup_hook = shmem_startup_hook;
	shmem_startup_hook = create_slots;
}

static bool
is_slot_of(int at, Oid database)
{
	const GaSlot *slot = &ga_slots->slots[at];

	return slot->state != GA_SLOT_FREE && slot->database == database;
}

/*
 * Slots are never moved and `used` never falls, so a search ends at the highest one
 * that was ever taken: a server with three databases looks at three of a thousand.
 */
static GaSlot *
find_slot(Oid database)
{
	/* Where this backend found it last: every commit asks. */
	static int last = 0;

	if (last < ga_slots->used && is_slot_of(last, database))
		return &ga_slots->slots[last];
	for (int i = 0; i < ga_slots->used; i++)
		if (is_slot_of(i, database))
		{
			last = i;
			return &ga_slots->slots[i];
		}
	return NULL;
}

/* The slot of a database with the lock held; NULL and no lock: it has none. */
static GaSlot *
lock_slot(Oid database, LWLockMode mode)
{
	GaSlot *slot;

	if (ga_slots == NULL)
		return NULL;
	LWLockAcquire(ga_slots->lock, mode);
	slot = find_slot(database);
	if (slot == NULL)
		LWLockRelease(ga_slots->lock);
	return slot;
}

void
ga_slot_want(GaSlot *slot, GaMonotonic at)
{
	slot->state = GA_SLOT_WANTED;
	slot->wanted_at = at;
}

/* Lock held exclusively.  NULL when all are taken. */
static GaSlot *
take_slot(Oid database)
{
	for (int i = 0; i < ga_slots->count; i++)
		if (ga_slots->slots[i].state == GA_SLOT_FREE)
		{
			GaSlot *slot = &ga_slots->slots[i];

			reset_slot(slot);
			slot->database = database;
			ga_slot_want(slot, ga_monotonic_now());
			ga_slots->used = Max(ga_slots->used, i + 1);
			return slot;
		}
	return NULL;
}

/*
 * A muted dispatcher can send nothing, so new rows need not wake it.  But it still ends
 * invitations: it is interested where a row that is due then would expire, or be
 * reminded of, before the next deadline it knows of.
 */
bool
ga_slot_is_interested(GaSlot *slot, TimestampTz due)
{
	int64 minutes =
		(int64) ga_settings.invitation_expiry - ga_settings.reminder_before;
	TimestampTz from = due <= GA_DUE_UNLOCKED || due >= GA_DUE_NEVER
						   ? GetCurrentTimestamp()
						   : due;

	return pg_atomic_read_u32(&slot->muted) == 0 ||
		   from + Max(minutes, 0) * USECS_PER_MINUTE <
			   (TimestampTz) pg_atomic_read_u64(&slot->next_deadline);
}

/*
 * Of a process that may have gone since the pointer was read: latches lie in shared memory
 * that stays, so who has that one now wakes for nothing at the worst.
 */
static void
set_latch(Latch *latch)
{
	if (latch != NULL)
		SetLatch(latch);
}

/* Lock held: notes that there is something new for it, whose latch this is. */
static Latch *
call_launcher(void)
{
	pg_atomic_fetch_add_u32(&ga_slots->launcher_calls, 1);
	return ga_slots->launcher_latch;
}

void
ga_slots_call_launcher(void)
{
	set_latch(call_launcher());
}

/*
 * Lock held exclusively.  A database whose dispatcher would not hear gets none
 * either: it sleeps until its next start, whoever commits.  Returns the latch to be set.
 */
static Latch *
wake_slot(GaSlot *slot, TimestampTz due, bool reload)
{
	GaMonotonic now = ga_monotonic_now();

	if (slot->state == GA_SLOT_IDLE &&
		(reload || ga_slot_is_interested(slot, due)))
		ga_slot_want(slot, now);
	else if (slot->state == GA_SLOT_WANTED && slot->wanted_at > now)
		slot->wanted_at = now;
	slot->is_probe = false;
	return slot->state != GA_SLOT_IDLE ? call_launcher() : NULL;
}

/* The atomics hold signed numbers. */
static void
lessen(pg_atomic_uint64 *lowest, int64 value)
{
	uint64 current = pg_atomic_read_u64(lowest);

	while (value < (int64) current &&
		   !pg_atomic_compare_exchange_u64(lowest, &current, (uint64) value))
		;
}

static void
heighten(pg_atomic_uint64 *highest, int64 value)
{
	uint64 current = pg_atomic_read_u64(highest);

	while (value > (int64) current &&
		   !pg_atomic_compare_exchange_u64(highest, &current, (uint64) value))
		;
}

/*
 * The shared lock is enough for many who commit at once: each bound is moved atomically.
 * It keeps out only ga_slot_take_tags(), which must see both bounds of each.
 */
bool
ga_slot_note_tags(Oid database, GaChannel channel, GaTagRange tags)
{
	GaSlot *slot;

	slot = lock_slot(database, LW_SHARED);
	if (slot == NULL)
		return false;
	heighten(&slot->tags_to[channel], tags.to);
	lessen(&slot->tags_from[channel], tags.from);
	LWLockRelease(ga_slots->lock);
	return true;
}

GaTagRange
ga_slot_take_tags(GaSlot *slot, GaChannel channel)
{
	GaTagRange tags;

	ga_fair_queue_reset_range(&tags);
	if ((int64) pg_atomic_read_u64(&slot->tags_from[channel]) == tags.from)
		return tags;
	/* Whoever notes some holds the lock, so none is taken by half. */
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	tags.from = (int64) pg_atomic_read_u64(&slot->tags_from[channel]);
	tags.to = (int64) pg_atomic_read_u64(&slot->tags_to[channel]);
	forget_tags(slot, channel);
	LWLockRelease(ga_slots->lock);
	return tags;
}

/* Lock held.  Returns the latch to be set. */
static Latch *
wake_dispatcher(GaSlot *slot)
{
	lessen(&slot->turn_due_at, ga_monotonic_now());
	return slot->latch;
}

void
ga_slot_wake_dispatcher(GaSlot *slot)
{
	set_latch(wake_dispatcher(slot));
}

/*
 * Called at each commit that queued something, mostly while the dispatcher runs: that
 * takes the shared lock alone.  A slot that has to be taken, or a dispatcher that has to
 * be started, takes the exclusive one; the slot is looked for again, since between the
 * two locks another may have done it.  The latch is set behind the lock, which whoever
 * wakes wants first of all.
 */
static void
wake(Oid database, TimestampTz due, bool reload, bool events)
{
	Latch *latch = NULL;
	GaSlot *slot;
	bool is_running;

	if (ga_slots == NULL)
		return;
	LWLockAcquire(ga_slots->lock, LW_SHARED);
	slot = find_slot(database);
	is_running = slot != NULL && slot->state == GA_SLOT_RUNNING;
	if (!is_running)
	{
		LWLockRelease(ga_slots->lock);
		LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
		slot = find_slot(database);
		if (slot == NULL)
			slot = take_slot(database);
		/* It may never speak again: the launcher comes back to it. */
		if (slot == NULL)
			pg_atomic_write_u32(&ga_slots->refused, 1);
	}
	if (slot != NULL)
	{
		lessen(&slot->wake_due, due);
		if (reload)
			pg_atomic_fetch_or_u32(&slot->reload, GA_RELOAD_PROVIDERS);
		if (events)
			pg_atomic_write_u32(&slot->events, 1);
		if (slot->state != GA_SLOT_RUNNING)
			latch = wake_slot(slot, due, reload);
		else if (reload || ga_slot_is_interested(slot, due))
			latch = wake_dispatcher(slot);
	}
	LWLockRelease(ga_slots->lock);
	set_latch(latch);
}

void
ga_slot_wake(Oid database, TimestampTz due, bool reload)
{
	wake(database, due, reload, false);
}

void
ga_slot_wake_for_events(Oid database)
{
	wake(database, GA_DUE_NEVER, false, true);
}

void
ga_slots_prepare_settings(void)
{
	if (ga_slots != NULL)
		pg_atomic_write_u32(&ga_slots->settings_prepared, 1);
}

bool
ga_slots_have_prepared_settings(void)
{
	return ga_slots != NULL &&
		   pg_atomic_read_u32(&ga_slots->settings_prepared) != 0;
}

void
ga_slots_change_settings(Oid database)
{
	GaMonotonic place = OidIsValid(database)
							? ga_monotonic_now()
							: ga_monotonic_in_ms(GA_RELOAD_RANK_MS);

	if (ga_slots == NULL)
		return;
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	for (int i = 0; i < ga_slots->used; i++)
	{
		GaSlot *slot = &ga_slots->slots[i];

		if (OidIsValid(database) && slot->database != database)
			continue;
		pg_atomic_write_u32(&slot->settings_changed, 1);
		pg_atomic_fetch_or_u32(&slot->reload, GA_RELOAD_PROVIDERS);
		if (slot->state == GA_SLOT_RUNNING)
			ga_slot_wake_dispatcher(slot);
		/* It may have been stilled by what is changed now, and would hear nobody. */
		else if (slot->state == GA_SLOT_IDLE)
			ga_slot_want(slot, place);
	}
	ga_slots_call_launcher();
	LWLockRelease(ga_slots->lock);
}

void
ga_slots_check_databases(void)
{
	if (ga_slots == NULL)
		return;
	pg_atomic_write_u32(&ga_slots->databases_changed, 1);
	LWLockAcquire(ga_slots->lock, LW_SHARED);
	ga_slots_call_launcher();
	LWLockRelease(ga_slots->lock);
}

bool
ga_slot_hold(Oid database)
{
	GaSlot *slot;

	slot = lock_slot(database, LW_EXCLUSIVE);
	if (slot == NULL)
		return false;
	slot->holds++;
	LWLockRelease(ga_slots->lock);
	return true;
}

void
ga_slot_release(Oid database)
{
	GaSlot *slot;

	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	slot = find_slot(database);
	if (slot != NULL && slot->holds > 0)
		slot->holds--;
	/* A look meanwhile could not free the slot of a database that is gone. */
	pg_atomic_write_u32(&ga_slots->databases_changed, 1);
	ga_slots_call_launcher();
	LWLockRelease(ga_slots->lock);
}

pid_t
ga_slot_pid(Oid database)
{
	GaSlot copy;

	return ga_slot_read(database, &copy) ? copy.pid : 0;
}

bool
ga_slot_channel_is_closed(Oid database, GaChannel channel)
{
	GaSlot *slot = lock_slot(database, LW_SHARED);
	uint32 closed;

	if (slot == NULL)
		return false;
	closed = pg_atomic_read_u32(&slot->closed_channels);
	LWLockRelease(ga_slots->lock);
	return (closed & (1U << channel)) != 0;
}

bool
ga_slot_read(Oid database, GaSlot *copy)
{
	GaSlot *slot;

	slot = lock_slot(database, LW_SHARED);
	if (slot == NULL)
		return false;
	*copy = *slot;
	LWLockRelease(ga_slots->lock);
	return true;
}

bool
ga_slots_are_full(void)
{
	bool full = true;

	if (ga_slots == NULL)
		return false;
	LWLockAcquire(ga_slots->lock, LW_SHARED);
	for (int i = 0; i < ga_slots->count; i++)
		full &= ga_slots->slots[i].state != GA_SLOT_FREE;
	LWLockRelease(ga_slots->lock);
	return full;
}
