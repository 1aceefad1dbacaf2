/*
 * deadlines.h
 *		Expiries and reminders: applies the deadlines of groups when they are due.
 */
#ifndef GA_DISPATCH_STEPS_DEADLINES_H
#define GA_DISPATCH_STEPS_DEADLINES_H

#include "postgres.h"

#include "base/shared/monotonic.h"

/* Groups changed, or the clock did: the next turn reads the deadlines anew. */
extern void ga_deadlines_recheck(void);
/* A step: applies what is known to be due; before the claims. */
extern void ga_deadlines_apply(GaMonotonic now);
/* A step: applies what is due, and learns when the next deadline is. */
extern void ga_deadlines_check(GaMonotonic now);
/* When the next deadline is, where anything may be done at it at all. */
extern GaMonotonic ga_deadlines_next_turn(GaMonotonic now);
/* Writes the next deadline down in the slot, before the dispatcher waits. */
extern void ga_deadlines_tell(void);

#endif /* GA_DISPATCH_STEPS_DEADLINES_H */
