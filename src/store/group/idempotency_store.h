/*
 * idempotency_store.h
 *		Which group an idempotency key made.
 *
 * A caller who got no answer asks again with the same key: the group is made
 * once, also when both requests run at the same time.
 */
#ifndef GA_STORE_GROUP_IDEMPOTENCY_STORE_H
#define GA_STORE_GROUP_IDEMPOTENCY_STORE_H

#include "postgres.h"

#include "common/sha2.h"
#include "utils/uuid.h"

/* A key counts for a day; the dispatcher removes older ones. */
#define GA_IDEMPOTENCY_HOURS 24

typedef struct GaIdempotency
{
	char contract; /* 'A' or 'B' */
	int64 user_id;
	const char *key;
	uint8 body_hash[PG_SHA256_DIGEST_LENGTH];
} GaIdempotency;

typedef enum GaIdempotencyResult
{
	GA_IDEMPOTENCY_FIRST, /* go on and make the group */
	GA_IDEMPOTENCY_AGAIN, /* *group_id is the group made before */
	GA_IDEMPOTENCY_REUSED /* the key belongs to another body */
} GaIdempotencyResult;

/*
 * Inside ga_owner_enter()/leave().  Takes the key for *group_id; waits for
 * another transaction that is just using it.
 */
extern GaIdempotencyResult ga_idempotency_take(const GaIdempotency *wanted,
											   pg_uuid_t *group_id);
extern void ga_idempotency_forget(int64 user_id, char contract,
								  const char *key);
/* Forgets keys that count no longer; true: there are more. */
extern bool ga_idempotency_trim(void);

#endif /* GA_STORE_GROUP_IDEMPOTENCY_STORE_H */
