/*
 * own_slot.c
 *		How a dispatcher begins and ends in its slot.
 *
 * Locks: GaSlots.lock, for a few instructions.  However the process ends, the
 * slot says so and the launcher is woken.
 */
#include "postgres.h"

#include "dispatch/own_slot.h"
#include "dispatch/provider/counters.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"

GaSlot *ga_own_slot = NULL;

/* What is left behind; an error is the case nobody announces. */
static GaSlotState state_to_leave = GA_SLOT_STOPPED;
static GaMonotonic next_start = GA_MONOTONIC_NEVER;

bool
ga_own_slot_was_woken(void)
{
	TimestampTz due = (TimestampTz) pg_atomic_read_u64(&ga_own_slot->wake_due);

	return pg_atomic_read_u32(&ga_own_slot->reload) != 0 ||
		   pg_atomic_read_u32(&ga_own_slot->events) != 0 ||
		   (due != DT_NOEND && ga_slot_is_interested(ga_own_slot, due));
}

static void
leave(int code, Datum arg)
{
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	ga_own_slot->pid = 0;
	ga_own_slot->latch = NULL;
	ga_own_slot->state = state_to_leave;
	ga_own_slot->next_start = next_start;
	if (state_to_leave == GA_SLOT_WANTED ||
		(state_to_leave == GA_SLOT_IDLE && ga_own_slot_was_woken()))
		ga_slot_want(ga_own_slot, ga_monotonic_now());
	pg_atomic_write_u64(&ga_own_slot->idle_since, 0);
	pg_atomic_write_u64(&ga_own_slot->asked_to_leave, 0);
	pg_atomic_write_u32(&ga_own_slot->courier_pid, 0);
	ga_slots_call_launcher();
	LWLockRelease(ga_slots->lock);
	if (state_to_leave == GA_SLOT_FREE)
		ga_counters_free(MyDatabaseId);
}

bool
ga_own_slot_take(int at)
{
	bool is_welcome;

	ga_own_slot = &ga_slots->slots[at];
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	/* A launcher that started anew may not have known of the other. */
	if (ga_own_slot->pid != 0)
	{
		LWLockRelease(ga_slots->lock);
		proc_exit(0);
	}
	before_shmem_exit(leave, (Datum) 0);
	ga_own_slot->pid = MyProcPid;
	ga_own_slot->latch = MyLatch;
	ga_own_slot->state = GA_SLOT_RUNNING;
	ga_own_slot->is_probe = false;
	ga_own_slot->started_at = ga_monotonic_now();
	ga_own_slot->started_on = GetCurrentTimestamp();
	ga_own_slot_note_progress();
	pg_atomic_write_u64(&ga_own_slot->idle_since, 0);
	pg_atomic_write_u64(&ga_own_slot->asked_to_leave, 0);
	is_welcome = ga_own_slot->holds == 0;
	LWLockRelease(ga_slots->lock);
	return is_welcome;
}

void
ga_own_slot_leave(GaSlotState state, int exit_code)
{
	state_to_leave = state;
	proc_exit(exit_code);
}

void
ga_own_slot_leave_idle(GaMonotonic until)
{
	next_start = until;
	ga_own_slot_leave(GA_SLOT_IDLE, 0);
}

void
ga_own_slot_note(GaSlotTrouble trouble)
{
	if (pg_atomic_read_u32(&ga_own_slot->trouble) == (uint32) trouble)
		return;
	pg_atomic_write_u64(&ga_own_slot->trouble_since,
						(uint64) GetCurrentTimestamp());
	pg_atomic_write_u32(&ga_own_slot->trouble, trouble);
}

void
ga_own_slot_note_progress(void)
{
	pg_atomic_write_u64(&ga_own_slot->turn_due_at, (uint64) ga_monotonic_now());
}

void
ga_own_slot_note_wait(long wait_ms)
{
	GaMonotonic due =
		wait_ms < 0 ? GA_MONOTONIC_NEVER : ga_monotonic_in_ms(wait_ms);

	pg_atomic_write_u64(&ga_own_slot->turn_due_at, (uint64) due);
	/* Woken in between, it does not sleep. */
	if (MyLatch->is_set)
		ga_own_slot_note_progress();
}
