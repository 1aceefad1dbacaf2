/*
 * deadlines.h
 *		Expiries and reminders: when groups are looked at, and what is done then.
 */
#ifndef GA_DISPATCH_STEPS_DEADLINES_H
#define GA_DISPATCH_STEPS_DEADLINES_H

#include "postgres.h"

#include "base/shared/monotonic.h"

/* Groups changed, or the clock did: the next turn looks at them. */
extern void ga_deadlines_look_again(void);
/* A step: one look, when it is time, and when the next one is. */
extern void ga_deadlines_look(GaMonotonic now);
/* When the next look is, where groups may be looked at at all. */
extern GaMonotonic ga_deadlines_next_turn(GaMonotonic now);
/* Writes the next look down in the slot, before the dispatcher waits. */
extern void ga_deadlines_tell(void);

#endif /* GA_DISPATCH_STEPS_DEADLINES_H */
