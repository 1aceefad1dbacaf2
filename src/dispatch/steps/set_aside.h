/*
 * set_aside.h
 *		When rows that were set aside are tried again.
 */
#ifndef GA_DISPATCH_STEPS_SET_ASIDE_H
#define GA_DISPATCH_STEPS_SET_ASIDE_H

#include "postgres.h"

#include "base/shared/monotonic.h"

/* Asks for the next one after something was set aside or ended. */
extern void ga_set_aside_recheck(void);
/* True once when rows are to be tried again: what was read is to be read anew. */
extern bool ga_set_aside_is_over(GaMonotonic now);
/* Whether no row is set aside for claims, as this dispatcher knows, who alone sets some
 * aside and asks for the next one after that.  Of other steps there may be some. */
extern bool ga_set_aside_has_no_claim(void);
/* When ga_set_aside_is_over() may be true; DT_NOEND: nothing is set aside. */
extern GaMonotonic ga_set_aside_next_turn(void);

#endif /* GA_DISPATCH_STEPS_SET_ASIDE_H */
