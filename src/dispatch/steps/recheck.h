/*
 * recheck.h
 *		What waits for a date or was set aside is looked at once more.
 */
#ifndef GA_DISPATCH_STEPS_RECHECK_H
#define GA_DISPATCH_STEPS_RECHECK_H

#include "base/shared/monotonic.h"

/* After somebody set the clock: every date is another moment now. */
extern void ga_recheck_follow_clock(GaMonotonic now);
/* Those that wait for far longer than a date can be trusted are cut short. */
extern void ga_recheck_shorten_waits(GaMonotonic now);
/* Rows that failed alone have had their rest (steps/set_aside). */
extern void ga_recheck_end_set_aside(GaMonotonic now);

#endif /* GA_DISPATCH_STEPS_RECHECK_H */
