/*
 * retire.h
 *		When a dispatcher ends of itself: nothing is left to do, or its turn is over
 *		and another database waits.
 */
#ifndef GA_DISPATCH_PROVIDER_RETIRE_H
#define GA_DISPATCH_PROVIDER_RETIRE_H

#include "postgres.h"

#include "base/shared/monotonic.h"

/* What the dispatcher says of itself at the end of each turn. */
typedef struct GaRetireReport
{
	bool must_stay;			/* something is in flight or not yet recorded */
	bool is_foreign;		/* the data come from another database */
	bool leaves_some;		/* rows may be left in the state sending */
	long wait_ms;			/* until something is to be done; -1: never */
	GaMonotonic trimmed_at; /* when the history was trimmed; 0: never */
} GaRetireReport;

/* Once, after the providers were read: takes over what the last one left. */
extern void ga_retire_init(GaMonotonic *trimmed_at);
/* Whether the last dispatcher left no row in the state sending. */
extern bool ga_retire_found_nothing_in_flight(void);

/* Whether the turn is over: what is in flight may end, nothing is claimed. */
extern bool ga_retire_is_asked(void);

/* At any other orderly end: the next dispatcher is to know of rests and rates. */
extern void ga_retire_keep(GaMonotonic trimmed_at);

/*
 * Ends the process when that is due; else returns how long to wait, -1 for ever.
 * To be called when everything that was heard is done.
 */
extern long ga_retire_or_wait(const GaRetireReport *report);

#endif /* GA_DISPATCH_PROVIDER_RETIRE_H */
