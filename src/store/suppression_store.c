/*
 * suppression_store.c
 *		The list of contacts that get nothing more.
 *
 * The salt is made with the first entry and dumped with the list: it keeps
 * hashes made in advance from being of use, not somebody with the dump from
 * trying numbers one by one.
 *
 * Locks: rows of the list only.  Must never store or log a contact.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "store/plan_cache.h"
#include "store/suppression_store.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

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

static pg_cryptohash_ctx *
new_hash(void)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);

	if (context == NULL)
		hash_failed();
	return context;
}

static bool
take_salt(uint64 rows, uint8 *salt)
{
	bool isnull;
	bytea *value;

	if (rows == 0)
		return false;
	value = DatumGetByteaPP(ga_row_datum(0, 1, &isnull));
	if (isnull || VARSIZE_ANY_EXHDR(value) != SALT_LENGTH)
		return false;
	memcpy(salt, VARDATA_ANY(value), SALT_LENGTH);
	return true;
}

static bool
find_salt(uint8 *salt)
{
	static GaPlan plan = {
		.sql = "SELECT salt FROM group_api_private.suppression_salt",
	};

	return take_salt(ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT), salt);
}

/* Of two first entries at once one waits for the other's salt. */
static void
ensure_salt(uint8 *salt)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.suppression_salt (salt)"
			   " VALUES ($1) ON CONFLICT (singleton)"
			   " DO UPDATE SET salt = suppression_salt.salt RETURNING salt",
		.nargs = 1,
		.argtypes = {BYTEAOID},
	};
	bytea *fresh = palloc(VARHDRSZ + SALT_LENGTH);
	Datum values[1] = {PointerGetDatum(fresh)};

	if (find_salt(salt))
		return;
	SET_VARSIZE(fresh, VARHDRSZ + SALT_LENGTH);
	if (!pg_strong_random(VARDATA(fresh), SALT_LENGTH))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate a salt")));
	(void) take_salt(ga_plan_run(&plan, values, NULL, SPI_OK_INSERT_RETURNING),
					 salt);
}

bool
ga_suppression_add(GaChannel channel, const char *contact, const char *reason,
				   const char *server, const char *code)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.suppressions (contact_hash,"
			   "  channel, reason, server, code)"
			   " VALUES ($1, CASE $2 WHEN 1 THEN 'MOBILE'::group_api.channel"
			   "  ELSE 'EMAIL'::group_api.channel END,"
			   "  $3::group_api.suppression, $4, $5)"
			   " ON CONFLICT (contact_hash) DO NOTHING",
		.nargs = 5,
		.argtypes = {BYTEAOID, INT4OID, TEXTOID, TEXTOID, TEXTOID},
	};
	pg_cryptohash_ctx *context = new_hash();
	uint8 salt[SALT_LENGTH];
	Datum values[5];
	char nulls[5] = {' ', ' ', ' ', server ? ' ' : 'n', code ? ' ' : 'n'};

	ensure_salt(salt);
	values[0] = hash_contact(context, salt, channel, contact);
	pg_cryptohash_free(context);
	values[1] = Int32GetDatum((int32) channel);
	values[2] = CStringGetTextDatum(reason);
	values[3] = server ? CStringGetTextDatum(server) : (Datum) 0;
	values[4] = code ? CStringGetTextDatum(code) : (Datum) 0;
	return ga_plan_run(&plan, values, nulls, SPI_OK_INSERT) > 0;
}

bool
ga_suppression_add_member(Datum group_id, int32 number, const char *reason,
						  const char *server, const char *code)
{
	static GaPlan plan = {
		.sql = "SELECT CASE channel WHEN 'MOBILE' THEN 1 ELSE 2 END, contact"
			   " FROM group_api_private.invitations"
			   " WHERE group_id = $1 AND number = $2 AND contact IS NOT NULL",
		.nargs = 2,
		.argtypes = {UUIDOID, INT4OID},
	};
	Datum values[2] = {group_id, Int32GetDatum(number)};
	GaChannel channel;
	char *contact;
	bool isnull;

	if (ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) == 0)
		return false;
	channel = (GaChannel) ga_row_int32(0, 1, GA_CHANNEL_EMAIL);
	contact = TextDatumGetCString(ga_row_datum(0, 2, &isnull));
	return ga_suppression_add(channel, contact, reason, server, code);
}

bool
ga_suppression_remove(GaChannel channel, const char *contact)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.suppressions"
			   " WHERE contact_hash = $1",
		.nargs = 1,
		.argtypes = {BYTEAOID},
	};
	pg_cryptohash_ctx *context;
	uint8 salt[SALT_LENGTH];
	Datum values[1];

	if (!find_salt(salt))
		return false;
	context = new_hash();
	values[0] = hash_contact(context, salt, channel, contact);
	pg_cryptohash_free(context);
	return ga_plan_run(&plan, values, NULL, SPI_OK_DELETE) > 0;
}

static bool
is_list_empty(uint8 *salt)
{
	static GaPlan plan = {
		.sql = "SELECT salt FROM group_api_private.suppression_salt"
			   " WHERE EXISTS (SELECT FROM group_api_private.suppressions)",
	};

	return !take_salt(ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT), salt);
}

int
ga_suppressions_find(const GaOwnerScope *scope, int count,
					 const GaChannel *channels, const char *const *contacts,
					 const char **reasons)
{
	static GaPlan plan = {
		.sql = "SELECT o.n::int4, s.reason::text"
			   " FROM unnest($1) WITH ORDINALITY AS o (hash, n)"
			   " JOIN group_api_private.suppressions s"
			   "  ON s.contact_hash = o.hash",
		.nargs = 1,
		.argtypes = {BYTEAARRAYOID},
	};
	uint8 salt[SALT_LENGTH];
	pg_cryptohash_ctx *context;
	Datum *hashes;
	Datum values[1];
	int found;

	memset(reasons, 0, sizeof(*reasons) * count);
	if (count == 0 || is_list_empty(salt))
		return 0;
	hashes = palloc(sizeof(Datum) * count);
	context = new_hash();
	for (int i = 0; i < count; i++)
		hashes[i] = hash_contact(context, salt, channels[i],
								 contacts[i] ? contacts[i] : "");
	pg_cryptohash_free(context);
	values[0] = ga_datum_array(hashes, NULL, count, BYTEAOID);
	found = (int) ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
	for (int row = 0; row < found; row++)
		reasons[ga_row_int32(row, 1, 1) - 1] = ga_row_text(scope, row, 2);
	return found;
}

const char *
ga_suppression_words(const char *reason)
{
	static const char *const words[][2] = {
		{"bounced", "not sent: messages to this contact came back before"},
		{"complained",
		 "not sent: the person reported an earlier message as unwanted"},
		{"unsubscribed", "not sent: the person wants no more messages"},
		{"opted_out", "not sent: the person answered STOP before"},
		{"operator", "not sent: an operator suppressed this contact"},
	};

	for (int i = 0; i < lengthof(words); i++)
		if (strcmp(words[i][0], reason) == 0)
			return words[i][1];
	return "not sent: this contact is suppressed";
}
