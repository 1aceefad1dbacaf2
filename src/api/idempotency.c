/*
 * idempotency.c
 *		Creating a group, or adding to one, once, however often the call is repeated.
 *
 * A caller names a call by a key (the header Idempotency-Key).  The key is taken
 * before the group is written and in the same transaction, so of two calls at once
 * the second waits for the first, and a call that fails leaves no key behind.
 */
#include "postgres.h"

#include "api/idempotency.h"
#include "base/compat.h"
#include "base/digest.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "request/contract_body.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

const char *
ga_idempotency_key(const GaCaller *caller, const char *field,
				   GaViolations *violations)
{
	const char *key =
		field != NULL ? field : ga_caller_header(caller, "idempotency-key");

	/* Taken for none, it would let the repeated call write again. */
	if (field == NULL &&
		ga_caller_header_is_unreadable(caller, "idempotency-key"))
		ga_violation_add(
			violations, "Idempotency-Key", GA_VIOLATION_INVALID_CHARACTERS,
			"Use letters, digits and hyphens, such as those of a UUID.",
			"Idempotency-Key has characters that cannot be shown, or too many");
	if (key != NULL && pg_mbstrlen(key) > GA_IDEMPOTENCY_KEY_MAX_CHARS)
		ga_violation_add(violations, "Idempotency-Key", GA_VIOLATION_MAX_LENGTH,
						 NULL,
						 "Idempotency-Key must have at most %d characters",
						 GA_IDEMPOTENCY_KEY_MAX_CHARS);
	return key;
}

/* The body says the key, or which group is meant, only where nothing else does. */
static Jsonb *
without_field(Jsonb *body, const char *name)
{
	JsonbValue value;

	if (getKeyJsonValueFromContainer(&body->root, name, (int) strlen(name),
									 &value) == NULL)
		return body;
	return DatumGetJsonbP(DirectFunctionCall2(
		jsonb_delete, JsonbPGetDatum(body), CStringGetTextDatum(name)));
}

/*
 * What the call asks for, however it says its key and its group.  jsonb is
 * canonical: equal bodies have equal bytes.
 */
static void
hash_request(Jsonb *body, const pg_uuid_t *group_id, uint8 *hash)
{
	StringInfoData asked;

	body = without_field(body, "idempotencyKey");
	body = without_field(body, "idempotency_key");
	if (group_id == NULL)
	{
		ga_digest_sha256((GaBytes){VARDATA(body), VARSIZE(body) - VARHDRSZ},
						 hash);
		return;
	}
	body = without_field(body, "groupId");
	initStringInfo(&asked);
	appendBinaryStringInfo(&asked, (const char *) group_id, sizeof(*group_id));
	appendBinaryStringInfo(&asked, VARDATA(body), VARSIZE(body) - VARHDRSZ);
	ga_digest_sha256((GaBytes){asked.data, asked.len}, hash);
}

bool
ga_idempotency_begin(GaOwnerScope *scope, GaCaller *caller, const char *key,
					 Jsonb *body, const pg_uuid_t *of_group, GaGroup *group,
					 GaViolations *violations)
{
	GaIdempotency wanted = {.contract = group->contract, .key = key};

	if (key == NULL)
		return true;
	ga_caller_look_up(scope, caller, true);
	wanted.user_id = caller->user.id;
	hash_request(body, of_group, wanted.body_hash);
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
				"Use a new key for another request.",
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
