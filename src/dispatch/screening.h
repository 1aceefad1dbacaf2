/*
 * screening.h
 *		The last look at a claimed invitation before it leaves: suppressed
 *		contacts, daily caps, groups archived and expiries passed meanwhile.
 */
#ifndef GA_DISPATCH_SCREENING_H
#define GA_DISPATCH_SCREENING_H

#include "postgres.h"

#include "store/queue_store.h"

struct GaOwnerScope;

/* In the transaction of the claim: looks the claims up in the lists. */
extern void ga_screening_mark(const struct GaOwnerScope *scope,
							  GaChannel channel, GaClaim *claims, int count);

/*
 * Whether the claim is not to be sent now; `record` then says what becomes of
 * it.  Strings live in the context of the records.
 */
extern bool ga_screening_holds_back(const GaClaim *claim, GaRecord *record);

/*
 * Puts the contacts that the outcomes tell are dead or opted out on the list, in
 * a transaction of its own.
 */
extern void ga_screening_suppress(const GaRecord *records, int count);

#endif /* GA_DISPATCH_SCREENING_H */
