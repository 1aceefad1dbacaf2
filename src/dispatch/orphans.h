/*
 * orphans.h
 *		Takes back what earlier dispatchers left in flight.
 */
#ifndef GA_DISPATCH_ORPHANS_H
#define GA_DISPATCH_ORPHANS_H

#include "postgres.h"

#include "base/shared/monotonic.h"

/* Searches the whole queue, from the next turn on. */
extern void ga_orphans_search(void);
/* One slice of the search, or what somebody held locked a moment ago. */
extern void ga_orphans_take_back_some(GaMonotonic now, int64 incarnation);
/* When that is to be done next; never: there are none left. */
extern GaMonotonic ga_orphans_next_turn(void);
/* Whether there may be some, also those that are set aside. */
extern bool ga_orphans_are_left(void);

#endif /* GA_DISPATCH_ORPHANS_H */
