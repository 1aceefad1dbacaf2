/*
 * creation.h
 *		What the two contracts' create functions share.
 */
#ifndef GA_API_CREATION_H
#define GA_API_CREATION_H

#include "postgres.h"

#include "api/answer.h"
#include "api/caller.h"
#include "fmgr.h"
#include "request/violation.h"
#include "store/group/group_store.h"
#include "store/group/idempotency_store.h"
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
/*
 * The caller's idempotency key: the field of the body, else the header
 * Idempotency-Key, NULL for none.  A key of more than 255 characters is a fault.
 */
extern const char *ga_creation_key(const GaCaller *caller, const char *field,
								   GaViolations *violations);
/*
 * Inside ga_owner_enter()/leave(): takes the key for this body; without a key
 * every call is the first.  _AGAIN: group->id is the group made before.
 * _REUSED: a violation was added.
 */
extern GaIdempotencyResult
ga_creation_take_key(GaOwnerScope *scope, GaCaller *caller, const char *key,
					 Jsonb *body, GaGroupView *group, GaViolations *violations);
/* The group was not made after all: the key is free again. */
extern void ga_creation_leave_key(const GaCaller *caller, const char *key,
								  const GaGroupView *group);

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
