/*
 * unreadable_pages.h
 *		Looking for pages of the disk that cannot be read.
 */
#ifndef GA_DISPATCH_STEPS_UNREADABLE_PAGES_H
#define GA_DISPATCH_STEPS_UNREADABLE_PAGES_H

#include "postgres.h"

#include "base/shared/monotonic.h"

/* Where some are known: whether they can be read by now. */
extern void ga_unreadable_pages_recheck(void);
/* A step: looks for them after an error of the disk, or when asked to. */
extern void ga_unreadable_pages_find(GaMonotonic now);
/* When that is to be done next; never: there is no reason to. */
extern GaMonotonic ga_unreadable_pages_next_turn(void);

#endif /* GA_DISPATCH_STEPS_UNREADABLE_PAGES_H */
