/*
 * idempotency_store.c
 *		Statements on idempotency keys.
 *
 * The primary key is the lock: the second of two simultaneous requests waits in
 * its INSERT until the first has committed or rolled back.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "store/group/idempotency_store.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"

/* Removed in one go: some milliseconds. */
#define TRIM_ROWS 10000

static bool
take_key(Datum *values)
{
	/* A key older than a day is taken over as if it were new. */
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.idempotency_keys AS k"
			   " (user_id, contract, key, body_hash, group_id)"
			   " VALUES ($1, $2, $3, $4, $5)"
			   " ON CONFLICT (user_id, contract, key) DO UPDATE"
			   " SET body_hash = excluded.body_hash,"
			   "  group_id = excluded.group_id, created_at = now()"
			   " WHERE k.created_at < now() - make_interval(hours => $6)"
			   " RETURNING true",
		.nargs = 6,
		.argtypes = {INT8OID, CHAROID, TEXTOID, BYTEAOID, UUIDOID, INT4OID},
	};

	return ga_plan_run(&plan, values, NULL, SPI_OK_INSERT_RETURNING) > 0;
}

GaIdempotencyResult
ga_idempotency_take(const GaIdempotency *wanted, pg_uuid_t *group_id)
{
	static GaPlan find = {
		.sql = "SELECT group_id, body_hash = $4"
			   " FROM group_api_private.idempotency_keys"
			   " WHERE user_id = $1 AND contract = $2 AND key = $3",
		.nargs = 4,
		.argtypes = {INT8OID, CHAROID, TEXTOID, BYTEAOID},
	};
	bytea *hash = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	Datum values[6];
	bool isnull;

	SET_VARSIZE(hash, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	memcpy(VARDATA(hash), wanted->body_hash, PG_SHA256_DIGEST_LENGTH);
	values[0] = Int64GetDatum(wanted->user_id);
	values[1] = CharGetDatum(wanted->contract);
	values[2] = CStringGetTextDatum(wanted->key);
	values[3] = PointerGetDatum(hash);
	values[4] = UUIDPGetDatum(group_id);
	values[5] = Int32GetDatum(GA_IDEMPOTENCY_HOURS);
	if (take_key(values))
		return GA_IDEMPOTENCY_FIRST;
	/* Not in the caller's snapshot: the other may have committed just now. */
	if (ga_plan_run(&find, values, NULL, SPI_OK_SELECT) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("the idempotency key is being used by another request"),
				 errhint("Try again.")));
	*group_id = *DatumGetUUIDP(ga_row_datum(0, 1, &isnull));
	return ga_row_bool(0, 2, false) ? GA_IDEMPOTENCY_AGAIN
									: GA_IDEMPOTENCY_REUSED;
}

void
ga_idempotency_forget(int64 user_id, char contract, const char *key)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.idempotency_keys"
			   " WHERE user_id = $1 AND contract = $2 AND key = $3",
		.nargs = 3,
		.argtypes = {INT8OID, CHAROID, TEXTOID},
	};
	Datum values[3] = {Int64GetDatum(user_id), CharGetDatum(contract),
					   CStringGetTextDatum(key)};

	ga_plan_run(&plan, values, NULL, SPI_OK_DELETE);
}

bool
ga_idempotency_trim(void)
{
	static GaPlan plan = {
		.sql =
			"DELETE FROM group_api_private.idempotency_keys"
			" WHERE ctid = ANY (ARRAY("
			" SELECT ctid FROM group_api_private.idempotency_keys"
			"  WHERE created_at < now() - make_interval(hours => $1) LIMIT $2"
			"  FOR UPDATE SKIP LOCKED))",
		.nargs = 2,
		.argtypes = {INT4OID, INT4OID},
	};
	Datum values[2] = {Int32GetDatum(GA_IDEMPOTENCY_HOURS),
					   Int32GetDatum(TRIM_ROWS)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_DELETE) == TRIM_ROWS;
}
