/*
 * claiming.h
 *		Claiming what is due, for as many messages as the providers may send now.
 */
#ifndef GA_DISPATCH_STEPS_CLAIMING_H
#define GA_DISPATCH_STEPS_CLAIMING_H

#include "postgres.h"

#include "base/shared/monotonic.h"

/* Steps of a turn, in their order. */

/* Gives rows whose time has come their place in the queue. */
extern void ga_claiming_place_due(GaMonotonic now);
/* Claims for each provider what it may send, and hands it to the courier. */
extern void ga_claiming_run(GaMonotonic now);
/* Tries a suspect alone, as long as it could still be claimed. */
extern void ga_claiming_try_suspect(GaMonotonic now);
/* Records answers of providers that were asked, and claims the next questions. */
extern void ga_claiming_ask_for_receipts(GaMonotonic now);
/* For providers that have read everything: when the next row is due. */
extern void ga_claiming_ask_next_due(GaMonotonic now);

/* Whether rows may have been claimed that no courier has and no outcome will end. */
extern bool ga_claiming_has_lost_some(void);

#endif /* GA_DISPATCH_STEPS_CLAIMING_H */
