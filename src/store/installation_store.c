/*
 * installation_store.c
 *		Whose data these are, and the key of the links.
 *
 * The row `installation` names cluster and database and holds digests of the
 * key and of the suppression list's salt.  It is dumped with the data, the key is
 * not.  So a copy is told by one of them: a template's by the database's oid, a
 * dump's by the missing key, a logical copy's by either, that of a cluster with a
 * new identity by the system identifier, one without the row by its groups.
 * Only the files of the very same cluster, copied, look the same.
 *
 * The key is made with the first group or receipt_url() and not with the extension, so that a
 * template has none to give away and a logical copy finds the table empty.
 *
 * Locks: the rows named above, in the order salt, installation, key.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "base/compat.h"
#include "base/link_token.h"
#include "base/uuid.h"
#include "base/upgrade_mark.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "store/contact_hash.h"
#include "store/installation_store.h"
#include "store/invitation_events.h"
#include "store/plan_cache.h"
#include "store/table/table_find.h"
#include "utils/builtins.h"

/* $1 the cluster, $2 the database. */
#define FITS                                                                   \
	"(i.system_identifier, i.database_oid, i.secret_digest, i.salt_digest)"    \
	" = ($1, $2, sha256(l.secret), sha256(s.salt))"

/*
 * Each has one row at most. The planner is told so: where a table has no statistics
 * it expects hundreds, of three tables a thousand million, and compiles the
 * expressions (jit), which takes a tenth of a second.
 */
#define THE_ONE(table, alias)                                                  \
	" LEFT JOIN (SELECT t.*, t.xmin AS row_xmin FROM group_api_private." table \
	" t LIMIT 1) " alias " ON true"
#define ALL_THREE                                                              \
	" FROM (VALUES (true)) AS one" THE_ONE("installation", "i")                \
		THE_ONE("link_secret", "l") THE_ONE("suppression_salt", "s")

void
ga_installation_fill_identity(Datum *values)
{
	values[0] = Int64GetDatum((int64) GetSystemIdentifier());
	values[1] = ObjectIdGetDatum(MyDatabaseId);
}

bool
ga_installation_is_named(int *shard)
{
	static const GaColumn columns[] = {{"system_identifier", INT8OID},
									   {"database_oid", OIDOID},
									   {"shard", INT4OID}};
	static GaTable table = {.name = "installation",
							.column_count = lengthof(columns),
							.columns = columns};
	static GaPlan plan = {
		.sql = "SELECT (system_identifier, database_oid) = ($1, $2), shard"
			   " FROM group_api_private.installation",
		.nargs = 2,
		.argtypes = {INT8OID, OIDOID},
	};
	Datum wanted[2];
	Datum values[3];
	bool nulls[3];

	*shard = 0;
	ga_installation_fill_identity(wanted);
	switch (ga_table_find_any(&table, values, nulls))
	{
		case GA_FOUND_NONE:
			return false;
		case GA_FOUND_ONE:
			*shard = DatumGetInt32(values[2]);
			return DatumGetInt64(values[0]) == DatumGetInt64(wanted[0]) &&
				   DatumGetObjectId(values[1]) == DatumGetObjectId(wanted[1]);
		case GA_FOUND_UNKNOWN:
			break;
	}
	if (ga_plan_run(&plan, wanted, NULL, SPI_OK_SELECT) == 0)
		return false;
	*shard = ga_row_int32(0, 2, 0);
	return ga_row_bool(0, 1, false);
}

/* ---- which shard this is ------------------------------------------------- */

int
ga_installation_shard(void)
{
	int shard;

	(void) ga_installation_is_named(&shard);
	return shard;
}

static void
require_no_groups(int shard)
{
	static GaPlan lock = {
		.sql = "LOCK TABLE group_api_private.groups IN SHARE MODE",
	};
	static GaPlan look = {
		.sql = "SELECT FROM group_api_private.groups LIMIT 1",
	};

	/* Whoever creates a group has read the number before. */
	ga_plan_run(&lock, NULL, NULL, SPI_OK_UTILITY);
	if (ga_plan_run(&look, NULL, NULL, SPI_OK_SELECT) > 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the groups of this database are those of shard %d", shard),
			 errdetail("Their ids, their numbers and their links say so."),
			 errhint("Leave it this number, and give another one to an empty "
					 "database.")));
}

void
ga_installation_set_shard(int shard)
{
	static GaPlan note = {
		.sql = "UPDATE group_api_private.installation SET shard = $1",
		.nargs = 1,
		.argtypes = {INT4OID},
	};
	static GaPlan count = {
		.sql =
			"SELECT setval('group_api_private.groups_number_seq', $1, false),"
			" setval('group_api_private.events_id_seq', $1, false)",
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	int now = ga_installation_shard();
	Datum values[1];

	if (now == shard)
		return;
	require_no_groups(now);
	values[0] = Int32GetDatum(shard);
	ga_plan_run(&note, values, NULL, SPI_OK_UPDATE);
	values[0] = Int64GetDatum(ga_shard_first_number(shard) + 1);
	ga_plan_run(&count, values, NULL, SPI_OK_SELECT);
}

/* ---- where the data come from -------------------------------------------- */

static bool
was_moved(void)
{
	bool isnull;
	Datum identity = ga_row_datum(0, 3, &isnull);
	Datum key;

	if (!ga_row_bool(0, 2, false) || isnull)
		return false;
	key = ga_row_datum(0, 4, &isnull);
	return !isnull && ga_upgrade_mark_covers(DatumGetTransactionId(identity)) &&
		   ga_upgrade_mark_covers(DatumGetTransactionId(key));
}

/* `ignored` may be NULL: the group that was just written. */
static GaOrigin
find_origin(const pg_uuid_t *ignored)
{
	static GaPlan plan = {
		.sql = "SELECT " FITS ", i.system_identifier <> $1"
			   "  AND (i.database_oid, i.secret_digest, i.salt_digest)"
			   "   = ($2, sha256(l.secret), sha256(s.salt)),"
			   " i.row_xmin, l.row_xmin,"
			   /* Data that fit are not looked at: they may be unreadable. */
			   " CASE WHEN " FITS " THEN false"
			   "  ELSE EXISTS (SELECT FROM group_api_private.groups g"
			   "   WHERE g.id IS DISTINCT FROM $3)"
			   "  OR (s.salt IS NULL"
			   "   OR coalesce(i.salt_digest <> sha256(s.salt), false)) AND"
			   "   EXISTS (SELECT FROM group_api_private.suppressions)"
			   "  END" ALL_THREE,
		.nargs = 3,
		.argtypes = {INT8OID, OIDOID, UUIDOID},
	};
	Datum values[3] = {0};
	const char nulls[3] = {' ', ' ', ignored ? ' ' : 'n'};

	ga_installation_fill_identity(values);
	if (ignored)
		values[2] = UUIDPGetDatum(ignored);
	ga_plan_read(&plan, values, nulls);
	if (ga_row_bool(0, 1, false))
		return GA_ORIGIN_OWN;
	if (was_moved())
		return GA_ORIGIN_MOVED;
	return ga_row_bool(0, 5, true) ? GA_ORIGIN_FOREIGN : GA_ORIGIN_EMPTY;
}

GaOrigin
ga_installation_origin(void)
{
	return find_origin(NULL);
}

bool
ga_installation_is_ours(void)
{
	return find_origin(NULL) == GA_ORIGIN_OWN;
}

bool
ga_installation_is_foreign(void)
{
	return find_origin(NULL) == GA_ORIGIN_FOREIGN;
}

int64
ga_installation_moved_from(void)
{
	static GaPlan plan = {
		.sql = "SELECT moved_from FROM group_api_private.installation",
	};

	return ga_plan_read(&plan, NULL, NULL) > 0 ? ga_row_int64(0, 1, 0) : 0;
}

int64
ga_installation_former_cluster(void)
{
	static GaPlan plan = {
		.sql = "SELECT system_identifier = $1, system_identifier, moved_from"
			   " FROM group_api_private.installation",
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	Datum values[1] = {Int64GetDatum((int64) GetSystemIdentifier())};
	int64 written_in;

	if (ga_plan_read(&plan, values, NULL) == 0)
		return 0;
	if (ga_row_bool(0, 1, false))
		return ga_row_int64(0, 3, 0);
	written_in = ga_row_int64(0, 2, 0);
	return find_origin(NULL) == GA_ORIGIN_MOVED ? written_in : 0;
}

/* ---- making the data ours ------------------------------------------------ */

/*
 * The row that was judged, in the statement's own snapshot; NULL: there was none.
 * It is copied out of SPI's memory by the call that it is for.
 */
static Datum
judged_digest(char *null)
{
	static GaPlan plan = {
		.sql = "SELECT secret_digest FROM group_api_private.installation",
	};
	bool isnull = true;
	Datum digest = (Datum) 0;

	if (ga_plan_read(&plan, NULL, NULL) > 0)
		digest = ga_row_datum(0, 1, &isnull);
	*null = isnull ? 'n' : ' ';
	return isnull ? digest : PointerGetDatum(DatumGetByteaPCopy(digest));
}

/*
 * False when another session was faster: its key may have been used already, so
 * only the row that was judged is replaced.
 */
static bool
write_identity(Datum secret)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.installation AS i"
			   " (system_identifier, database_oid, secret_digest, salt_digest)"
			   " SELECT $1, $2, sha256($3), sha256(salt)"
			   "  FROM group_api_private.suppression_salt"
			   " ON CONFLICT (singleton) DO UPDATE"
			   " SET system_identifier = $1, database_oid = $2,"
			   "  secret_digest = excluded.secret_digest,"
			   "  salt_digest = excluded.salt_digest, moved_from = NULL"
			   " WHERE i.secret_digest = $4",
		.nargs = 4,
		.argtypes = {INT8OID, OIDOID, BYTEAOID, BYTEAOID},
	};
	Datum values[4];
	char nulls[4] = {' ', ' ', ' ', ' '};

	ga_installation_fill_identity(values);
	values[2] = secret;
	values[3] = judged_digest(&nulls[3]);
	return ga_plan_run(&plan, values, nulls, SPI_OK_INSERT) > 0;
}

static void
write_secret(Datum secret)
{
	static GaPlan plan = {
		.sql =
			"INSERT INTO group_api_private.link_secret (secret) VALUES ($1)"
			" ON CONFLICT (singleton) DO UPDATE SET secret = excluded.secret",
		.nargs = 1,
		.argtypes = {BYTEAOID},
	};
	Datum values[1] = {secret};

	ga_plan_run(&plan, values, NULL, SPI_OK_INSERT);
}

static bytea *
make_secret(void)
{
	bytea *secret = palloc(VARHDRSZ + GA_LINK_SECRET_LENGTH);

	SET_VARSIZE(secret, VARHDRSZ + GA_LINK_SECRET_LENGTH);
	if (!pg_strong_random(VARDATA(secret), GA_LINK_SECRET_LENGTH))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate the key of the links")));
	return secret;
}

static bool
become_ours(bytea *secret)
{
	bool done;

	ga_contact_salt_ensure();
	done = write_identity(PointerGetDatum(secret));
	if (done)
		write_secret(PointerGetDatum(secret));
	explicit_bzero(VARDATA(secret), GA_LINK_SECRET_LENGTH);
	return done;
}

bool
ga_installation_claim(const pg_uuid_t *group)
{
	return find_origin(group) == GA_ORIGIN_EMPTY && become_ours(make_secret());
}

bool
ga_installation_take_over(void)
{
	static GaPlan plan = {
		.sql = "WITH old AS MATERIALIZED (SELECT ctid AS at"
			   "  FROM group_api_private.installation"
			   "  FOR NO KEY UPDATE SKIP LOCKED)"
			   " UPDATE group_api_private.installation i"
			   " SET moved_from = system_identifier, system_identifier = $1"
			   " FROM old WHERE i.ctid = old.at",
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	Datum values[1] = {Int64GetDatum((int64) GetSystemIdentifier())};

	return ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE) > 0;
}

void
ga_installation_disown(void)
{
	static GaPlan plan = {
		.sql = "WITH old AS MATERIALIZED (SELECT ctid AS at"
			   "  FROM group_api_private.installation"
			   "  WHERE system_identifier <> $1 AND database_oid = $2"
			   "  FOR NO KEY UPDATE SKIP LOCKED)"
			   " UPDATE group_api_private.installation i SET database_oid = 0"
			   " FROM old WHERE i.ctid = old.at",
		.nargs = 2,
		.argtypes = {INT8OID, OIDOID},
	};
	Datum values[2];

	ga_installation_fill_identity(values);
	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
}

/* ---- adopt() ------------------------------------------------------------- */

void
ga_installation_plan_adoption(GaAdoption *plan)
{
	static GaPlan count = {
		.sql = "SELECT count(*), count(*) FILTER (WHERE late),"
			   " count(*) FILTER (WHERE NOT late AND channel = 'MOBILE'),"
			   " count(*) FILTER (WHERE NOT late AND channel = 'EMAIL'),"
			   " count(DISTINCT lower(contact)) FILTER (WHERE NOT late),"
			   " count(DISTINCT group_id) FILTER (WHERE NOT late),"
			   " count(*) FILTER (WHERE NOT late AND " GA_FROM_SENDING "),"
			   " (SELECT count(*) FROM group_api_private.suppressions"
			   "   WHERE NOT EXISTS (SELECT"
			   "    FROM group_api_private.suppression_salt s"
			   "    LEFT JOIN group_api_private.installation i ON true"
			   "    WHERE i.salt_digest IS NULL"
			   "     OR i.salt_digest = sha256(s.salt))),"
			   " EXISTS (SELECT FROM group_api_private.link_secret)"
			   " FROM (SELECT *, coalesce(expires_at <= now(), false) AS late"
			   "  FROM group_api_private.invitations WHERE due IS NOT NULL) i",
	};

	ga_plan_run(&count, NULL, NULL, SPI_OK_SELECT);
	plan->waiting = ga_row_int64(0, 1, 0);
	plan->expired = ga_row_int64(0, 2, 0);
	plan->sms = ga_row_int64(0, 3, 0);
	plan->mails = ga_row_int64(0, 4, 0);
	plan->contacts = ga_row_int64(0, 5, 0);
	plan->groups = ga_row_int64(0, 6, 0);
	plan->under_way = ga_row_int64(0, 7, 0);
	plan->forgotten = ga_row_int64(0, 8, 0);
	plan->has_key = ga_row_bool(0, 9, false);
}

/* The key that came along, if it is the one of these data. */
static bytea *
find_old_secret(void)
{
	static GaPlan plan = {
		.sql = "SELECT l.secret, i.secret_digest IS NULL"
			   "  OR i.secret_digest = sha256(l.secret)"
			   " FROM group_api_private.link_secret l"
			   " LEFT JOIN group_api_private.installation i ON true",
	};
	bool isnull;

	if (ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the key of the links did not come along"),
				 errdetail("It is no part of a dump."),
				 errhint("Copy the row of group_api_private.link_secret from "
						 "the origin, as docs/upgrade-postgresql.md tells; or "
						 "SELECT group_api.adopt(); and old links end.")));
	if (!ga_row_bool(0, 2, false))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the key of the links is not the one of these data"),
				 errhint("Copy the row of group_api_private.link_secret from "
						 "the origin, as docs/upgrade-postgresql.md tells; or "
						 "SELECT group_api.adopt(); and old links end.")));
	return DatumGetByteaPCopy(ga_row_datum(0, 1, &isnull));
}

/* The list and its salt: nobody could tell who was on it. */
static void
forget_suppressions(void)
{
	static GaPlan list = {
		.sql = "DELETE FROM group_api_private.suppressions",
	};
	static GaPlan salt = {
		.sql = "DELETE FROM group_api_private.suppression_salt",
	};

	ga_plan_run(&list, NULL, NULL, SPI_OK_DELETE);
	ga_plan_run(&salt, NULL, NULL, SPI_OK_DELETE);
}

/* What was under way belongs to no dispatcher of this database. */
static void
end_incarnations(void)
{
	static GaPlan plan = {
		.sql = "SELECT setval('group_api_private.incarnations', greatest("
			   " (SELECT last_value FROM group_api_private.incarnations),"
			   " (SELECT max(incarnation) FROM group_api_private.invitations))"
			   " + 1)",
	};

	ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT);
}

bool
ga_installation_adopt(bool keep_links, bool forgets)
{
	if (forgets)
		forget_suppressions();
	if (!become_ours(keep_links ? find_old_secret() : make_secret()))
		return false;
	end_incarnations();
	return true;
}

/* ---- the key -------------------------------------------------------------- */

static bool
copy_secret(uint64 rows, uint8 *secret)
{
	bool isnull;

	if (rows > 0)
		memcpy(secret,
			   VARDATA_ANY(DatumGetByteaPP(ga_row_datum(0, 1, &isnull))),
			   GA_LINK_SECRET_LENGTH);
	return rows > 0;
}

bool
ga_installation_find_link_secret(uint8 *secret)
{
	static GaPlan ours = {
		.sql = "SELECT l.secret FROM group_api_private.link_secret l,"
			   " group_api_private.installation i,"
			   " group_api_private.suppression_salt s WHERE " FITS,
		.nargs = 2,
		.argtypes = {INT8OID, OIDOID},
	};
	static GaPlan moved = {
		.sql = "SELECT secret FROM group_api_private.link_secret",
	};
	Datum values[2];

	ga_installation_fill_identity(values);
	if (copy_secret(ga_plan_read(&ours, values, NULL), secret))
		return true;
	return find_origin(NULL) == GA_ORIGIN_MOVED &&
		   copy_secret(ga_plan_read(&moved, NULL, NULL), secret);
}

void
ga_installation_read_link_secret(uint8 *secret)
{
	if (ga_installation_find_link_secret(secret))
		return;
	if (find_origin(NULL) != GA_ORIGIN_EMPTY)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the data come from another database and were not "
						"adopted"),
				 errdetail("No link of theirs is valid here."),
				 errhint("SELECT group_api.adopt(dry_run => true); says what "
						 "adopt() would do.")));
	if (!pg_strong_random(secret, GA_LINK_SECRET_LENGTH))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate the key of the links")));
}
