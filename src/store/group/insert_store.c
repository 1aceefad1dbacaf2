/*
 * insert_store.c
 *		Writing a new group.
 *
 * The rows go in as COPY's do (store/table/table_insert), those of members and
 * invitations by store/group/member_insert.  Where somebody has changed a table,
 * its rows are a statement's.  Only the unique index knows for certain whether a
 * name of contract B is free, so there an INSERT says it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "base/uuid.h"
#include "store/group/insert_store.h"
#include "store/group/deadline_store.h"
#include "store/installation_store.h"
#include "store/group/member_insert.h"
#include "store/plan_cache.h"
#include "store/row.h"
#include "store/table/table_insert.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Where open invitations expire; what is held back has no end yet. */
static Datum
next_deadline(const GaGroup *group, char *null)
{
	bool expires = false;

	for (int i = 0; i < group->member_count && !expires; i++)
	{
		const GaMember *member = &group->members[i];

		expires = member->response != GA_RESPONSE_NONE &&
				  member->delivery != GA_DELIVERY_HELD;
	}
	*null = expires ? ' ' : 'n';
	return TimestampTzGetDatum(
		ga_group_first_deadline(group->created_at, group->expires_at));
}

/* Whether the data are known to be ours; the numbers of cluster and database. */
#define IS_OURS(cluster, database)                                             \
	"EXISTS (SELECT FROM group_api_private.installation"                       \
	" WHERE (system_identifier, database_oid) = (" cluster ", " database "))"

/* What both INSERTs return first; the first group makes the data ours. */
static void
take_returned(GaGroup *group)
{
	group->number = ga_row_int64(0, 1, 0);
	if (!ga_row_bool(0, 2, false))
		group->is_first = ga_installation_claim(&group->id);
}

static const GaColumn group_columns[] = {
	{"id", UUIDOID},
	{"number", INT8OID, true},
	{"contract", CHAROID},
	{"name", TEXTOID},
	{"description", TEXTOID},
	{"image", TEXTOID},
	{"message", TEXTOID},
	{"inviter", TEXTOID},
	{"product_id", UUIDOID},
	{"created_by", INT8OID},
	{"created_at", TIMESTAMPTZOID},
	{"next_deadline", TIMESTAMPTZOID},
	{"locale", TEXTOID},
};

static GaTable groups = {
	.name = "groups",
	.column_count = lengthof(group_columns),
	.columns = group_columns,
};

/* False: a statement has to do it. */
static bool
put_group_v1(GaGroup *group)
{
	const char *const texts[] = {group->name, group->description, group->image,
								 group->message, group->inviter};
	Datum values[lengthof(group_columns)];
	bool nulls[lengthof(group_columns)] = {false};
	char no_deadline;
	GaTableInsert insert;

	if (!ga_table_insert_begin(&insert, &groups))
		return false;
	group->number = ga_table_insert_identity(&insert);
	values[0] = UUIDPGetDatum(&group->id);
	values[1] = Int64GetDatum(group->number);
	values[2] = CharGetDatum('A');
	for (int i = 0; i < lengthof(texts); i++)
		values[3 + i] = ga_table_insert_text(&insert, texts[i], &nulls[3 + i]);
	values[8] = UUIDPGetDatum(&group->product_id);
	values[9] = Int64GetDatum(group->created_by);
	values[10] = TimestampTzGetDatum(group->created_at);
	values[11] = next_deadline(group, &no_deadline);
	nulls[11] = no_deadline == 'n';
	values[12] = ga_table_insert_text(&insert, group->locale, &nulls[12]);
	ga_table_insert_row(&insert, values, nulls);
	ga_table_insert_end(&insert);
	if (!group->is_named)
		group->is_first = ga_installation_claim(&group->id);
	return true;
}

static void
insert_group_v1(GaGroup *group)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.groups (id, contract, name,"
			   " description, image, message, inviter, product_id, created_by,"
			   " created_at, next_deadline, locale)"
			   " VALUES ($1, 'A', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
			   " RETURNING number, " IS_OURS("$12", "$13"),
		.nargs = 13,
		.argtypes = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
					 UUIDOID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID,
					 INT8OID, OIDOID},
	};
	Datum values[13];
	char nulls[13];

	memset(nulls, ' ', sizeof(nulls));
	values[0] = UUIDPGetDatum(&group->id);
	values[1] = CStringGetTextDatum(group->name);
	values[2] = ga_row_text_datum(group->description, &nulls[2]);
	values[3] = ga_row_text_datum(group->image, &nulls[3]);
	values[4] = ga_row_text_datum(group->message, &nulls[4]);
	values[5] = ga_row_text_datum(group->inviter, &nulls[5]);
	values[6] = UUIDPGetDatum(&group->product_id);
	values[7] = Int64GetDatum(group->created_by);
	values[8] = TimestampTzGetDatum(group->created_at);
	values[9] = next_deadline(group, &nulls[9]);
	values[10] = ga_row_text_datum(group->locale, &nulls[10]);
	ga_installation_fill_identity(&values[11]);
	ga_plan_run(&plan, values, nulls, SPI_OK_INSERT_RETURNING);
	take_returned(group);
}

/* False when the name is taken, or (rarely) when the slug was just taken. */
static bool
try_insert_group_v2(const GaOwnerScope *scope, GaGroup *group)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.groups (id, contract, name,"
			   " description, image, inviter, created_by, created_at, slug,"
			   " color, is_private, visible, emotional_image,"
			   " emotional_image_position, next_deadline, locale)"
			   " SELECT $1, 'B', $2, $3, $4, $5, $6, $7,"
			   "  CASE WHEN EXISTS (SELECT FROM group_api_private.groups g"
			   "    WHERE g.contract = 'B' AND g.slug = s.slug)"
			   "   THEN s.slug || '-' || left(md5(random()::text), 6) ELSE "
			   "s.slug END,"
			   "  $8, $9, $10, $11, $12, $13, $14"
			   " FROM group_api_private.slug($2) AS s (slug)"
			   " ON CONFLICT DO NOTHING RETURNING number,"
			   " " IS_OURS("$15", "$16") ", slug",
		.nargs = 16,
		.argtypes = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID,
					 TIMESTAMPTZOID, TEXTOID, BOOLOID, BOOLOID, TEXTOID,
					 INT4OID, TIMESTAMPTZOID, TEXTOID, INT8OID, OIDOID},
	};
	Datum values[16];
	char nulls[16];

	memset(nulls, ' ', sizeof(nulls));
	values[0] = UUIDPGetDatum(&group->id);
	values[1] = CStringGetTextDatum(group->name);
	values[2] = ga_row_text_datum(group->description, &nulls[2]);
	values[3] = ga_row_text_datum(group->image, &nulls[3]);
	values[4] = ga_row_text_datum(group->inviter, &nulls[4]);
	values[5] = Int64GetDatum(group->created_by);
	values[6] = TimestampTzGetDatum(group->created_at);
	values[7] = ga_row_text_datum(group->color, &nulls[7]);
	values[8] = BoolGetDatum(group->is_private);
	values[9] = BoolGetDatum(group->visible);
	values[10] = ga_row_text_datum(group->emotional_image, &nulls[10]);
	values[11] = Int32GetDatum(group->emotional_image_position);
	values[12] = next_deadline(group, &nulls[12]);
	values[13] = ga_row_text_datum(group->locale, &nulls[13]);
	ga_installation_fill_identity(&values[14]);
	if (ga_plan_run(&plan, values, nulls, SPI_OK_INSERT_RETURNING) == 0)
		return false;
	group->slug = ga_row_text(scope, 0, 3);
	take_returned(group);
	return true;
}

bool
ga_group_name_is_taken(const char *name, const pg_uuid_t *but)
{
	static GaPlan plan = {
		.sql = "SELECT FROM group_api_private.groups"
			   " WHERE contract = 'B' AND group_api_private.name_key(name)"
			   "  = group_api_private.name_key($1) AND id <> $2",
		.nargs = 2,
		.argtypes = {TEXTOID, UUIDOID},
	};
	Datum values[2] = {CStringGetTextDatum(name), UUIDPGetDatum(but)};

	/* Not in the caller's snapshot: a name taken since then counts as well. */
	return ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) > 0;
}

static bool
insert_group_v2(const GaOwnerScope *scope, GaGroup *group)
{
	/* Only the slug may collide twice; its suffix is drawn anew. */
	for (int try = 0; try < 3; try++)
	{
		if (try_insert_group_v2(scope, group))
			return true;
		if (ga_group_name_is_taken(group->name, &group->id))
			return false;
	}
	return false;
}

/* adopt() may have given another number since the id was made. */
static void
require_one_shard(const GaGroup *group)
{
	if (ga_shard_of_number(group->number) != ga_shard_of_uuid(&group->id))
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("the shard got another number meanwhile"),
						errhint("Try again.")));
}

bool
ga_group_insert(const GaOwnerScope *scope, GaGroup *group)
{
	if (group->contract == 'A')
	{
		if (!put_group_v1(group))
			insert_group_v1(group);
	}
	else if (!insert_group_v2(scope, group))
		return false;
	require_one_shard(group);
	ga_members_insert(group);
	return true;
}

int64
ga_group_next_number(void)
{
	static GaPlan plan = {
		.sql = "SELECT last_value + is_called::int"
			   " FROM group_api_private.groups_number_seq",
	};

	ga_plan_read(&plan, NULL, NULL);
	return ga_row_int64(0, 1, 1);
}
