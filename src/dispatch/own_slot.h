/*
 * own_slot.h
 *		The dispatcher's own place in shared memory: taking it, leaving it, what
 *		it tells there.
 */
#ifndef GA_DISPATCH_OWN_SLOT_H
#define GA_DISPATCH_OWN_SLOT_H

#include "postgres.h"

#include "dispatch/slots.h"

/* The slot of this dispatcher. */
extern GaSlot *ga_own_slot;

/*
 * Takes the slot.  Ends the process when another dispatcher has it; false when
 * DDL on the database asked for its place in the meantime.
 */
extern bool ga_own_slot_take(int at);

/* Ends the process in an orderly way; `state` tells the launcher what next. */
extern void ga_own_slot_leave(GaSlotState state, int exit_code);
/*
 * Ends the process because nothing is to be done before `next_start` (never:
 * before somebody wakes the database).
 */
extern void ga_own_slot_leave_idle(GaMonotonic next_start);

extern void ga_own_slot_note(GaSlotTrouble trouble);

/* For health(): it is alive, and is to take its next turn now ... */
extern void ga_own_slot_note_progress(void);
/* Whether somebody woke it after its last look, so that it does not know of that. */
extern bool ga_own_slot_was_woken(void);
/* ... or, waiting from here on, in so many milliseconds; below 0: when woken. */
extern void ga_own_slot_note_wait(long wait_ms);

#endif /* GA_DISPATCH_OWN_SLOT_H */
