/*
 * recording.h
 *		Writing down what became of messages.
 */
#ifndef GA_DISPATCH_STEPS_RECORDING_H
#define GA_DISPATCH_STEPS_RECORDING_H

#include "postgres.h"

#include "base/shared/monotonic.h"

/* A step: writes down the outcomes that wait, unless a wait is not over. */
extern void ga_recording_write(GaMonotonic now);
/* The same once enough were gathered: for some milliseconds at the most. */
extern void ga_recording_gather(GaMonotonic now);
/* When that is to be done next; never: no outcome waits. */
extern GaMonotonic ga_recording_next_turn(void);

/* The last try failed as a whole, and not for a lock. */
extern bool ga_recording_is_failing(void);
/* It fails or a lock is in its way: nothing more is to be claimed. */
extern bool ga_recording_is_held_up(void);
/* Something is known here alone: in the courier's hands or not yet recorded. */
extern bool ga_recording_is_outstanding(void);

/* Before the last try of the process: everything is tried at once. */
extern void ga_recording_forget_waits(void);
/* What could not be written down is tried again in the next turn. */
extern void ga_recording_retry_soon(void);

#endif /* GA_DISPATCH_STEPS_RECORDING_H */
