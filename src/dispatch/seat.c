/*
 * seat.c
 *		How a dispatcher begins and ends in its slot.
 *
 * Locks: GaSlots.lock, for a few instructions.  However the process ends, the
 * slot says so and the launcher is woken.
 */
#include "postgres.h"

#include "dispatch/crash_guard.h"
#include "dispatch/seat.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"

GaSlot *ga_seat = NULL;

/* What is left behind; an error is the case nobody announces. */
static GaSlotState state_to_leave = GA_SLOT_STOPPED;

static void
leave(int code, Datum arg)
{
	ga_crash_guard_leave(MyDatabaseId);
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	ga_seat->pid = 0;
	ga_seat->latch = NULL;
	ga_seat->state = state_to_leave;
	if (ga_slots->launcher_latch != NULL)
		SetLatch(ga_slots->launcher_latch);
	LWLockRelease(ga_slots->lock);
}

bool
ga_seat_take(int at)
{
	bool is_welcome;

	ga_seat = &ga_slots->slots[at];
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	/* A launcher that started anew may not have known of the other. */
	if (ga_seat->pid != 0)
	{
		LWLockRelease(ga_slots->lock);
		proc_exit(0);
	}
	before_shmem_exit(leave, (Datum) 0);
	ga_seat->pid = MyProcPid;
	ga_seat->latch = MyLatch;
	ga_seat->state = GA_SLOT_RUNNING;
	ga_seat->started_at = GetCurrentTimestamp();
	is_welcome = ga_seat->holds == 0;
	LWLockRelease(ga_slots->lock);
	return is_welcome;
}

void
ga_seat_leave(GaSlotState state, int exit_code)
{
	state_to_leave = state;
	proc_exit(exit_code);
}

void
ga_seat_note(GaSlotTrouble trouble)
{
	pg_atomic_write_u32(&ga_seat->trouble, trouble);
}
