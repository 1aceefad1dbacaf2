/*
 * disclosure.h
 *		What of a group's members a caller may be told.
 *
 * The one place that decides it.  Every answer with members, and every preview,
 * takes its group through here.
 */
#ifndef GA_API_DISCLOSURE_H
#define GA_API_DISCLOSURE_H

#include "postgres.h"

#include "api/caller.h"
#include "store/group/group_store.h"

/*
 * Takes out of the group, in place, what the caller may not be told.  Operators
 * are told everything.  Nobody else is told how a user of the directory is
 * reached, nor anything that depends on it (`is_withheld` is set then): the
 * channel, the contact, the language, the delivery.  Of contacts that were typed
 * the group's leader is told everything but why one is suppressed, other members
 * the delivery's status alone.
 *
 * A group that is to be written is written first.  Limiting twice is harmless.
 */
extern void ga_disclosure_limit(const GaCaller *caller, GaGroup *group);

/* Why an invitation waits, in the words for this caller; NULL stays NULL. */
extern const char *ga_disclosure_waiting_reason(const GaCaller *caller,
												const char *reason);

#endif /* GA_API_DISCLOSURE_H */
