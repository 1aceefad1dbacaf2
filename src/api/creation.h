/*
 * creation.h
 *		What the two contracts' create functions share.
 */
#ifndef GA_API_CREATION_H
#define GA_API_CREATION_H

#include "postgres.h"

#include "api/answer/answer.h"
#include "api/caller.h"
#include "fmgr.h"
#include "request/violation.h"
#include "store/group/group_store.h"
#include "store/plan_cache.h"
#include "utils/jsonb.h"

/*
 * Asks for the right to all forms of the function and reads who calls; true
 * with an answer when nobody does, or without a body.  Error: 42501.
 */
extern bool ga_creation_is_refused(FunctionCallInfo fcinfo, GaContract contract,
								   GaCaller *caller, Datum *answer);

/*
 * The argument `at` as a body, given as jsonb, text or bytea; NULL with an
 * answer: it is too large, or none.
 */
extern Jsonb *ga_creation_body(FunctionCallInfo fcinfo, int at,
							   GaContract contract, const GaCaller *caller,
							   Datum *answer);

/* Empties the view and sets what every new group has. */
extern void ga_creation_begin(GaGroupView *group, char contract);
/* Makes members[0] the caller, who has an id by now. */
extern void ga_creation_add_leader(GaGroupView *group, const GaCaller *caller);
/* Whether a gateway is told to roll back what it calls (Prefer: tx=rollback). */
extern bool ga_creation_is_rehearsal(const GaCaller *caller);

/*
 * Inside ga_owner_enter()/leave(): members that would be queued but stand on
 * the suppression list become suppressed.  ga_creation_write() does it too.
 */
extern void ga_creation_mark_suppressed(const GaOwnerScope *scope,
										GaGroupView *group);

/*
 * Writes the group and wakes the dispatcher at commit; false when contract B's
 * name is taken.  Inside ga_owner_enter()/leave().
 */
extern bool ga_creation_write(const GaOwnerScope *scope, GaGroupView *group);

#endif /* GA_API_CREATION_H */
