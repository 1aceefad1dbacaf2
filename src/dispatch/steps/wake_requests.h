/*
 * wake_requests.h
 *		What others ask of this dispatcher through its slot, and when it wants to be
 *		asked.
 */
#ifndef GA_DISPATCH_STEPS_WAKE_REQUESTS_H
#define GA_DISPATCH_STEPS_WAKE_REQUESTS_H

#include "postgres.h"

/*
 * Sets whether new rows can be of interest.  In each turn before the requests are
 * taken, so that none is lost in between.
 */
extern void ga_wake_requests_listen(void);
/* Takes what was asked since: what is to be read again is noted where it is read. */
extern void ga_wake_requests_take(void);

#endif /* GA_DISPATCH_STEPS_WAKE_REQUESTS_H */
