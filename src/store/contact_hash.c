/*
 * contact_hash.c
 *		Contacts as they are kept on lists: salted SHA-256.
 *
 * The salt is made with the first group or entry and dumped with the lists: it keeps
 * hashes made in advance from being of use, not somebody with the dump from
 * trying numbers one by one.
 *
 * Must never store or log a contact.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/hashfn.h"
#include "common/sha2.h"
#include "store/contact_hash.h"
#include "store/plan_cache.h"
#include "store/table/table_find.h"
#include "utils/builtins.h"

#define SALT_LENGTH 16
#define HASH_LENGTH PG_SHA256_DIGEST_LENGTH

static char
to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c + ('a' - 'A')) : c;
}

static void
hash_failed(void)
{
	ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
					errmsg("could not hash a contact")));
}

static Datum
hash_contact(pg_cryptohash_ctx *context, const uint8 *salt, GaChannel channel,
			 const char *contact)
{
	bytea *hash = palloc(VARHDRSZ + HASH_LENGTH);
	char *folded = pstrdup(contact);
	uint8 prefix = (uint8) channel;

	for (char *c = folded; *c; c++)
		*c = to_lower(*c);
	SET_VARSIZE(hash, VARHDRSZ + HASH_LENGTH);
	if (pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, salt, SALT_LENGTH) < 0 ||
		pg_cryptohash_update(context, &prefix, 1) < 0 ||
		pg_cryptohash_update(context, (uint8 *) folded, strlen(folded)) < 0 ||
		pg_cryptohash_final(context, (uint8 *) VARDATA(hash), HASH_LENGTH) < 0)
		hash_failed();
	pfree(folded);
	return PointerGetDatum(hash);
}

static void
hash_all(const uint8 *salt, int count, const GaChannel *channels,
		 const char *const *contacts, Datum *hashes)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);

	if (context == NULL)
		hash_failed();
	for (int i = 0; i < count; i++)
		hashes[i] = hash_contact(context, salt, channels[i],
								 contacts[i] ? contacts[i] : "");
	pg_cryptohash_free(context);
}

static bool
take_salt(Datum datum, bool isnull, uint8 *salt)
{
	bytea *value = isnull ? NULL : DatumGetByteaPP(datum);

	if (value == NULL || VARSIZE_ANY_EXHDR(value) != SALT_LENGTH)
		return false;
	memcpy(salt, VARDATA_ANY(value), SALT_LENGTH);
	return true;
}

/* Of the one row that the statement has found. */
static bool
take_found_salt(uint64 rows, uint8 *salt)
{
	bool isnull;
	Datum value;

	if (rows == 0)
		return false;
	value = ga_row_datum(0, 1, &isnull);
	return take_salt(value, isnull, salt);
}

static bool
find_salt(uint8 *salt)
{
	static const GaColumn columns[] = {{"salt", BYTEAOID}};
	static GaTable table = {.name = "suppression_salt",
							.column_count = lengthof(columns),
							.columns = columns};
	static GaPlan plan = {
		.sql = "SELECT salt FROM group_api_private.suppression_salt",
	};
	Datum values[lengthof(columns)];
	bool nulls[lengthof(columns)];
	GaFound found = ga_table_find_any(&table, values, nulls);

	if (found == GA_FOUND_UNKNOWN)
		return take_found_salt(ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT),
							   salt);
	return found == GA_FOUND_ONE && take_salt(values[0], nulls[0], salt);
}

/* A new salt would make the list's entries unknown for good. */
static void
require_empty_list(void)
{
	static GaPlan plan = {
		.sql = "SELECT FROM group_api_private.suppressions LIMIT 1",
	};

	if (ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT) > 0)
		ga_contact_salt_is_missing();
}

void
ga_contact_salt_is_missing(void)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("the salt of the suppression list is missing"),
		 errdetail("Nobody can tell who is on the list."),
		 errhint("Copy the row of group_api_private.suppression_salt from "
				 "the origin; or SELECT group_api.adopt(forget_suppressions "
				 "=> true); and contacts that are on the list get messages "
				 "again.")));
}

/* Of two first entries at once one waits for the other's salt. */
static void
ensure_salt(uint8 *salt)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.suppression_salt (salt)"
			   " VALUES ($1) ON CONFLICT (singleton)"
			   " DO UPDATE SET salt = suppression_salt.salt RETURNING salt",
		.no_wait = GA_MAY_MEET_A_LOCK("whoever made a group has committed one"),
		.nargs = 1,
		.argtypes = {BYTEAOID},
	};
	bytea *fresh = palloc(VARHDRSZ + SALT_LENGTH);
	Datum values[1] = {PointerGetDatum(fresh)};

	if (find_salt(salt))
		return;
	require_empty_list();
	SET_VARSIZE(fresh, VARHDRSZ + SALT_LENGTH);
	if (!pg_strong_random(VARDATA(fresh), SALT_LENGTH))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate a salt")));
	(void) take_found_salt(
		ga_plan_run(&plan, values, NULL, SPI_OK_INSERT_RETURNING), salt);
}

void
ga_contact_salt_ensure(void)
{
	uint8 salt[SALT_LENGTH];

	ensure_salt(salt);
}

void
ga_contact_hashes_make(int count, const GaChannel *channels,
					   const char *const *contacts, Datum *hashes)
{
	uint8 salt[SALT_LENGTH];

	ensure_salt(salt);
	hash_all(salt, count, channels, contacts, hashes);
}

/* int8 Datums; `kind` keeps contacts and leaders apart. */
static Datum
make_key(uint64 seed, uint8 kind, const void *bytes, int length)
{
	uint64 hash = hash_bytes_extended(bytes, length, seed + kind);

	return Int64GetDatum((int64) hash);
}

static uint64
read_seed(void)
{
	uint8 salt[SALT_LENGTH];
	uint64 seed;

	ensure_salt(salt);
	memcpy(&seed, salt, sizeof(seed));
	return seed;
}

void
ga_contact_keys_make(int count, const GaChannel *channels,
					 const char *const *contacts, Datum *keys)
{
	uint64 seed = read_seed();

	for (int i = 0; i < count; i++)
	{
		char *folded = pstrdup(contacts[i] ? contacts[i] : "");

		for (char *c = folded; *c; c++)
			*c = to_lower(*c);
		keys[i] = make_key(seed, (uint8) channels[i], folded, strlen(folded));
		pfree(folded);
	}
}

void
ga_contact_hash_leader_keys(int count, const int64 *leaders, Datum *keys)
{
	uint64 seed = read_seed();

	for (int i = 0; i < count; i++)
		keys[i] =
			make_key(seed, UINT8_MAX, &leaders[i], (int) sizeof(leaders[i]));
}

bool
ga_contact_hashes_find(int count, const GaChannel *channels,
					   const char *const *contacts, Datum *hashes)
{
	uint8 salt[SALT_LENGTH];

	if (!find_salt(salt))
		return false;
	hash_all(salt, count, channels, contacts, hashes);
	return true;
}
