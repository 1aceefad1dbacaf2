/*
 * recovery.h
 *		Records what the dispatcher before this one did not live to record.
 */
#ifndef GA_DISPATCH_STEPS_RECOVERY_H
#define GA_DISPATCH_STEPS_RECOVERY_H

#include "postgres.h"

#include "base/shared/monotonic.h"

/* Until then nothing may be claimed or taken back. */
extern bool ga_recovery_is_due(void);
extern GaMonotonic ga_recovery_next_turn(void);
/* A step, once the providers were read. */
extern void ga_recovery_run(GaMonotonic now);

#endif /* GA_DISPATCH_STEPS_RECOVERY_H */
