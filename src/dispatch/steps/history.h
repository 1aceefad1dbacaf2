/*
 * history.h
 *		Trimming the history: what is older than the settings keep is deleted.
 */
#ifndef GA_DISPATCH_STEPS_HISTORY_H
#define GA_DISPATCH_STEPS_HISTORY_H

#include "postgres.h"

#include "base/shared/monotonic.h"

/* Once: when an earlier dispatcher trimmed it; 0: never. */
extern void ga_history_begin(GaMonotonic at);
/* When it was trimmed last; 0: never, or there is more to be trimmed. */
extern GaMonotonic ga_history_trimmed_at(void);
/* There may be history again, or a consumer. */
extern void ga_history_recheck(void);
/* When some of it is to be trimmed. */
extern GaMonotonic ga_history_next_turn(void);
/* A step: trims some of it when that is due. */
extern void ga_history_trim(GaMonotonic now);

#endif /* GA_DISPATCH_STEPS_HISTORY_H */
