/*
 * idempotency.c
 *		Creating a group once, however often the call is repeated.
 *
 * A caller names a call by a key (the header Idempotency-Key).  The key is taken
 * before the group is written and in the same transaction, so of two calls at once
 * the second waits for the first, and a call that fails leaves no key behind.
 */
#include "postgres.h"

#include "api/idempotency.h"
#include "base/digest.h"
#include "mb/pg_wchar.h"
#include "request/contract_body.h"
#include "store/plan_cache.h"

const char *
ga_idempotency_key(const GaCaller *caller, const char *field,
				   GaViolations *violations)
{
	const char *key =
		field != NULL ? field : ga_caller_header(caller, "idempotency-key");

	if (key != NULL && pg_mbstrlen(key) > GA_IDEMPOTENCY_KEY_MAX_CHARS)
		ga_violation_add(violations, "Idempotency-Key", GA_VIOLATION_MAX_LENGTH,
						 NULL,
						 "Idempotency-Key must have at most %d characters",
						 GA_IDEMPOTENCY_KEY_MAX_CHARS);
	return key;
}

/* jsonb is canonical: equal bodies have equal bytes. */
static void
hash_body(Jsonb *body, uint8 *hash)
{
	ga_digest_sha256((GaBytes){VARDATA(body), VARSIZE(body) - VARHDRSZ}, hash);
}

bool
ga_idempotency_begin(GaOwnerScope *scope, GaCaller *caller, const char *key,
					 Jsonb *body, GaGroup *group, GaViolations *violations)
{
	GaIdempotency wanted = {.contract = group->contract, .key = key};

	if (key == NULL)
		return true;
	ga_caller_look_up(scope, caller, true);
	wanted.user_id = caller->user.id;
	hash_body(body, wanted.body_hash);
	switch (ga_idempotency_take(&wanted, &group->id))
	{
		case GA_IDEMPOTENCY_FIRST:
			MemoryContextSwitchTo(scope->caller_context);
			return true;
		case GA_IDEMPOTENCY_AGAIN:
			(void) ga_group_find_latest(scope, group->id, group);
			break;
		case GA_IDEMPOTENCY_REUSED:
			/* A fault is told after the scope has ended. */
			MemoryContextSwitchTo(scope->caller_context);
			ga_violation_add(
				violations, "Idempotency-Key", GA_VIOLATION_KEY_REUSED,
				"Use a new key for another group.",
				"Idempotency-Key was used before with another body");
			break;
	}
	return false;
}

void
ga_idempotency_cancel(const GaCaller *caller, const char *key,
					  const GaGroup *group)
{
	if (key != NULL)
		ga_idempotency_forget(caller->user.id, group->contract, key);
}
