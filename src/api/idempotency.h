/*
 * idempotency.h
 *		Creating a group once, however often the call is repeated.
 */
#ifndef GA_API_IDEMPOTENCY_H
#define GA_API_IDEMPOTENCY_H

#include "postgres.h"

#include "api/caller.h"
#include "request/violation.h"
#include "store/group/group_store.h"
#include "store/group/idempotency_store.h"
#include "store/plan_cache.h"
#include "utils/jsonb.h"

/*
 * The caller's idempotency key: the field of the body, else the header
 * Idempotency-Key, NULL for none.  A key of more than 255 characters is a fault.
 */
extern const char *ga_idempotency_key(const GaCaller *caller, const char *field,
									  GaViolations *violations);
/*
 * Inside ga_owner_enter()/leave(): takes the key for this body; true: the group is
 * to be made, as with no key always.  Otherwise it was made before and is read into
 * `group`, or a violation was added: the key belongs to another body.  How the key
 * was given makes no other body.  `of_group`: the group that the call adds to, part of
 * what it asks for; NULL: it makes one.
 */
extern bool ga_idempotency_begin(GaOwnerScope *scope, GaCaller *caller,
								 const char *key, Jsonb *body,
								 const pg_uuid_t *of_group, GaGroup *group,
								 GaViolations *violations);
/* The group was not made after all: the key is free again. */
extern void ga_idempotency_cancel(const GaCaller *caller, const char *key,
								  const GaGroup *group);

#endif /* GA_API_IDEMPOTENCY_H */
