/*
 * screening.h
 *		The last look at a claimed invitation before it leaves: suppressed
 *		contacts, daily caps, groups archived and expiries passed meanwhile.
 */
#ifndef GA_DISPATCH_SCREENING_H
#define GA_DISPATCH_SCREENING_H

#include "postgres.h"

#include "store/queue/queue_store.h"

struct GaOwnerScope;

/* In the transaction of the claim: looks the claims up in the lists. */
extern void ga_screening_mark(const struct GaOwnerScope *scope,
							  GaChannel channel, GaClaim *claims, int count);

/*
 * Whether the claim is not to be sent now; `record` then says what becomes of
 * it.  Strings live in the context of the records.
 */
extern bool ga_screening_holds_back(const GaClaim *claim, GaRecord *record);

/* Once, when the dispatcher starts. */
extern void ga_screening_init(void);

/*
 * Remembers the contacts that the outcomes tell are dead or opted out; they are
 * put on the list by ga_screening_suppress_waiting(), each in a transaction of
 * its own.  One that somebody else is about to list is tried again.
 */
extern void ga_screening_suppress(const GaRecord *records, int count);
extern void ga_screening_suppress_waiting(void);
/* When that is to be called next; DT_NOEND: nobody waits. */
extern GaMonotonic ga_screening_next_turn(void);

#endif /* GA_DISPATCH_SCREENING_H */
