/*
 * installation_store.c
 *		The identity of the installation and the link secret.
 *
 * The secret is made by the server's strong random source and leaves the
 * database only inside HMACs.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "base/link_token.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "store/installation_store.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"

#define SECRET_DIGEST                                                          \
	"(SELECT sha256(secret) FROM group_api_private.link_secret)"

static void
fill_identity(Datum *values)
{
	values[0] = Int64GetDatum((int64) GetSystemIdentifier());
	values[1] = ObjectIdGetDatum(MyDatabaseId);
}

void
ga_installation_claim(void)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.installation"
			   " (system_identifier, database_oid, secret_digest)"
			   " SELECT $1, $2, sha256(secret)"
			   "  FROM group_api_private.link_secret"
			   " ON CONFLICT (singleton) DO NOTHING",
		.nargs = 2,
		.argtypes = {INT8OID, OIDOID},
	};
	Datum values[2];

	fill_identity(values);
	ga_plan_run(&plan, values, NULL, SPI_OK_INSERT);
}

bool
ga_installation_is_ours(void)
{
	static GaPlan plan = {
		.sql = "SELECT FROM group_api_private.installation"
			   " WHERE (system_identifier, database_oid, secret_digest)"
			   "  = ($1, $2, " SECRET_DIGEST ")",
		.nargs = 2,
		.argtypes = {INT8OID, OIDOID},
	};
	Datum values[2];

	fill_identity(values);
	return ga_plan_read(&plan, values, NULL) > 0;
}

bool
ga_installation_is_foreign(void)
{
	static GaPlan plan = {
		.sql = "SELECT FROM group_api_private.installation"
			   " WHERE (system_identifier, database_oid, secret_digest)"
			   "  IS DISTINCT FROM ($1, $2, " SECRET_DIGEST ")",
		.nargs = 2,
		.argtypes = {INT8OID, OIDOID},
	};
	Datum values[2];

	fill_identity(values);
	return ga_plan_read(&plan, values, NULL) > 0;
}

void
ga_installation_adopt(void)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.installation"
			   " (system_identifier, database_oid, secret_digest)"
			   " SELECT $1, $2, sha256(secret)"
			   "  FROM group_api_private.link_secret"
			   " ON CONFLICT (singleton) DO UPDATE"
			   " SET system_identifier = $1, database_oid = $2,"
			   "  secret_digest = excluded.secret_digest",
		.nargs = 2,
		.argtypes = {INT8OID, OIDOID},
	};
	Datum values[2];

	fill_identity(values);
	ga_plan_run(&plan, values, NULL, SPI_OK_INSERT);
}

void
ga_link_secret_ensure(void)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.link_secret (secret) VALUES ($1)"
			   " ON CONFLICT (singleton) DO NOTHING",
		.nargs = 1,
		.argtypes = {BYTEAOID},
	};
	bytea *secret = palloc(VARHDRSZ + GA_LINK_SECRET_LENGTH);
	Datum values[1] = {PointerGetDatum(secret)};

	SET_VARSIZE(secret, VARHDRSZ + GA_LINK_SECRET_LENGTH);
	if (!pg_strong_random(VARDATA(secret), GA_LINK_SECRET_LENGTH))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate the secret of the links")));
	ga_plan_run(&plan, values, NULL, SPI_OK_INSERT);
	explicit_bzero(VARDATA(secret), GA_LINK_SECRET_LENGTH);
}

bool
ga_link_secret_find(uint8 *secret)
{
	static GaPlan plan = {
		.sql = "SELECT secret FROM group_api_private.link_secret",
	};
	bool isnull;
	bytea *value;

	if (ga_plan_read(&plan, NULL, NULL) == 0)
		return false;
	value = DatumGetByteaPP(ga_row_datum(0, 1, &isnull));
	memcpy(secret, VARDATA_ANY(value), GA_LINK_SECRET_LENGTH);
	return true;
}

void
ga_link_secret_read(uint8 *secret)
{
	if (!ga_link_secret_find(secret))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the secret of the links is missing"),
						errhint("SELECT group_api.adopt();")));
}
