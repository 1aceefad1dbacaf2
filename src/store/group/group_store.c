/*
 * group_store.c
 *		Statements on groups and members.
 *
 * A group of any size is two statements: members and invitations travel as
 * arrays, never row by row (store/invitation_store).
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/guc.h"
#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "port/pg_bswap.h"
#include "store/group/group_store.h"
#include "store/installation_store.h"
#include "store/invitation_store.h"
#include "store/plan_cache.h"
#include "store/group/subscription_sql.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

pg_uuid_t
ga_uuid_v7(TimestampTz moment)
{
	pg_uuid_t uuid;
	uint64 unix_ms = (uint64) (moment / 1000) +
					 UINT64CONST(1000) * SECS_PER_DAY *
						 (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE);
	uint64 network = pg_hton64(unix_ms << 16);

	if (!pg_strong_random(uuid.data, UUID_LEN))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate a UUID")));
	memcpy(uuid.data, &network, 6);
	uuid.data[6] = (uuid.data[6] & 0x0F) | 0x70; /* version 7 */
	uuid.data[8] = (uuid.data[8] & 0x3F) | 0x80; /* variant of RFC 9562 */
	return uuid;
}

static Datum
text_or_null(const char *text, char *null)
{
	*null = text == NULL ? 'n' : ' ';
	return text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

/* When the dispatcher looks at the open invitations: to remind, or at their
 * end.  What is held back has no end yet. */
static Datum
first_look(const GaGroupView *group, char *null)
{
	int64 ahead = (int64) ga_settings.reminder_before * USECS_PER_MINUTE;
	bool expires = false;

	for (int i = 0; i < group->member_count && !expires; i++)
	{
		const GaMemberView *member = &group->members[i];

		expires =
			member->response != NULL &&
			(member->delivery == NULL || strcmp(member->delivery, "held") != 0);
	}
	*null = expires ? ' ' : 'n';
	return TimestampTzGetDatum(
		Max(group->expires_at - ahead, group->created_at));
}

/* Whether the data are known to be ours; the numbers of cluster and database. */
#define IS_OURS(cluster, database)                                             \
	"EXISTS (SELECT FROM group_api_private.installation"                       \
	" WHERE (system_identifier, database_oid) = (" cluster ", " database "))"

/* What both INSERTs return first; the first group makes the data ours. */
static void
take_returned(GaGroupView *group)
{
	group->number = ga_row_int64(0, 1, 0);
	if (!ga_row_bool(0, 2, false))
		group->is_first = ga_installation_claim(&group->id);
}

static void
insert_group_v1(GaGroupView *group)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.groups (id, contract, name,"
			   " description, image, message, inviter, product_id, created_by,"
			   " created_at, next_look, locale)"
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
	values[2] = text_or_null(group->description, &nulls[2]);
	values[3] = text_or_null(group->image, &nulls[3]);
	values[4] = text_or_null(group->message, &nulls[4]);
	values[5] = text_or_null(group->inviter, &nulls[5]);
	values[6] = UUIDPGetDatum(&group->product_id);
	values[7] = Int64GetDatum(group->created_by);
	values[8] = TimestampTzGetDatum(group->created_at);
	values[9] = first_look(group, &nulls[9]);
	values[10] = text_or_null(group->locale, &nulls[10]);
	ga_installation_fill_identity(&values[11]);
	ga_plan_run(&plan, values, nulls, SPI_OK_INSERT_RETURNING);
	take_returned(group);
}

/* False when the name is taken, or (rarely) when the slug was just taken. */
static bool
try_insert_group_v2(const GaOwnerScope *scope, GaGroupView *group)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.groups (id, contract, name,"
			   " description, image, inviter, created_by, created_at, slug,"
			   " color, is_private, visible, emotional_image,"
			   " emotional_image_position, next_look, locale)"
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
	values[2] = text_or_null(group->description, &nulls[2]);
	values[3] = text_or_null(group->image, &nulls[3]);
	values[4] = text_or_null(group->inviter, &nulls[4]);
	values[5] = Int64GetDatum(group->created_by);
	values[6] = TimestampTzGetDatum(group->created_at);
	values[7] = text_or_null(group->color, &nulls[7]);
	values[8] = BoolGetDatum(group->is_private);
	values[9] = BoolGetDatum(group->visible);
	values[10] = text_or_null(group->emotional_image, &nulls[10]);
	values[11] = Int32GetDatum(group->emotional_image_position);
	values[12] = first_look(group, &nulls[12]);
	values[13] = text_or_null(group->locale, &nulls[13]);
	ga_installation_fill_identity(&values[14]);
	if (ga_plan_run(&plan, values, nulls, SPI_OK_INSERT_RETURNING) == 0)
		return false;
	group->slug = ga_row_text(scope, 0, 3);
	take_returned(group);
	return true;
}

bool
ga_group_name_is_taken(const char *name)
{
	static GaPlan plan = {
		.sql = "SELECT FROM group_api_private.groups"
			   " WHERE contract = 'B' AND name = $1",
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	Datum values[1] = {CStringGetTextDatum(name)};

	/* Not in the caller's snapshot: a name taken since then counts as well. */
	return ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) > 0;
}

static bool
insert_group_v2(const GaOwnerScope *scope, GaGroupView *group)
{
	/* Only the slug may collide twice; its suffix is drawn anew. */
	for (int try = 0; try < 3; try++)
	{
		if (try_insert_group_v2(scope, group))
			return true;
		if (ga_group_name_is_taken(group->name))
			return false;
	}
	return false;
}

bool
ga_group_insert(const GaOwnerScope *scope, GaGroupView *group)
{
	if (group->contract == 'A')
		insert_group_v1(group);
	else if (!insert_group_v2(scope, group))
		return false;
	ga_members_insert(group);
	return true;
}

void
ga_group_read_members(const GaOwnerScope *scope, GaGroupView *group)
{
	static GaPlan plan = {
		.sql = "SELECT m.number, m.is_leader, m.user_id, m.name, m.picture,"
			   " i.channel, i.contact, i.delivery, i.reason, i.changed_at,"
			   " i.response, i.responded_at, i.locale, i.expires_at,"
			   " i.link_version::int4, i.reminders::int4"
			   " FROM group_api_private.members m" GA_INVITATION_OF_MEMBER
			   " WHERE m.group_id = $1 ORDER BY m.number",
		.nargs = 1,
		.argtypes = {UUIDOID},
	};
	Datum values[1] = {UUIDPGetDatum(&group->id)};
	uint64 count = ga_plan_read(&plan, values, NULL);

	group->member_count = (int) count;
	group->members = MemoryContextAllocZero(
		scope->caller_context, sizeof(GaMemberView) * Max(count, 1));
	for (uint64 row = 0; row < count; row++)
	{
		GaMemberView *member = &group->members[row];
		char *channel = ga_row_text(scope, row, 6);

		member->number = ga_row_int32(row, 1, 0);
		member->is_leader = ga_row_bool(row, 2, false);
		member->user_id = ga_row_int64(row, 3, 0);
		member->name = ga_row_text(scope, row, 4);
		member->picture = ga_row_text(scope, row, 5);
		member->channel = channel == NULL	  ? GA_CHANNEL_NONE
						  : channel[0] == 'M' ? GA_CHANNEL_MOBILE
											  : GA_CHANNEL_EMAIL;
		member->contact = ga_row_text(scope, row, 7);
		member->delivery = ga_row_text(scope, row, 8);
		member->reason = ga_row_text(scope, row, 9);
		member->delivery_at = ga_row_int64(row, 10, 0);
		member->response = ga_row_text(scope, row, 11);
		member->responded_at = ga_row_int64(row, 12, 0);
		member->locale = ga_row_text(scope, row, 13);
		member->expires_at = ga_row_int64(row, 14, 0);
		member->link_version = ga_row_int32(row, 15, 1);
		member->reminders = ga_row_int32(row, 16, 0);
		/* Contract A's are typed, contract B names users. */
		member->is_from_directory = group->contract == 'B';
	}
}

bool
ga_group_has_member(pg_uuid_t id, int64 user_id)
{
	static GaPlan plan = {
		.sql = "SELECT FROM group_api_private.members"
			   " WHERE user_id = $1 AND group_id = $2",
		.nargs = 2,
		.argtypes = {INT8OID, UUIDOID},
	};
	Datum values[2] = {Int64GetDatum(user_id), UUIDPGetDatum(&id)};

	return ga_plan_read(&plan, values, NULL) > 0;
}

bool
ga_group_find(const GaOwnerScope *scope, pg_uuid_t id, GaGroupView *group)
{
	if (!ga_group_find_alone(scope, id, group))
		return false;
	ga_group_read_members(scope, group);
	return true;
}

bool
ga_group_find_alone(const GaOwnerScope *scope, pg_uuid_t id, GaGroupView *group)
{
	static GaPlan plan = {
		.sql = "SELECT number, contract, status = 'ARCHIVED', name,"
			   " description, image, message, inviter, product_id, created_by,"
			   " created_at, slug, color, is_private, visible, active,"
			   " emotional_image, emotional_image_position, locale"
			   " FROM group_api_private.groups WHERE id = $1",
		.nargs = 1,
		.argtypes = {UUIDOID},
	};
	Datum values[1] = {UUIDPGetDatum(&id)};
	Datum product;
	bool isnull;

	if (ga_plan_read(&plan, values, NULL) == 0)
		return false;
	memset(group, 0, sizeof(*group));
	group->id = id;
	group->number = ga_row_int64(0, 1, 0);
	group->contract = ga_row_text(scope, 0, 2)[0];
	group->is_archived = ga_row_bool(0, 3, false);
	group->name = ga_row_text(scope, 0, 4);
	group->description = ga_row_text(scope, 0, 5);
	group->image = ga_row_text(scope, 0, 6);
	group->message = ga_row_text(scope, 0, 7);
	group->inviter = ga_row_text(scope, 0, 8);
	product = ga_row_datum(0, 9, &isnull);
	group->has_product = !isnull;
	if (!isnull)
		group->product_id = *DatumGetUUIDP(product);
	group->created_by = ga_row_int64(0, 10, 0);
	group->created_at = ga_row_int64(0, 11, 0);
	group->slug = ga_row_text(scope, 0, 12);
	group->color = ga_row_text(scope, 0, 13);
	group->is_private = ga_row_bool(0, 14, false);
	group->visible = ga_row_bool(0, 15, true);
	group->active = ga_row_bool(0, 16, true);
	group->emotional_image = ga_row_text(scope, 0, 17);
	group->emotional_image_position = ga_row_int32(0, 18, 0);
	group->locale = ga_row_text(scope, 0, 19);
	return true;
}

bool
ga_group_find_latest(const GaOwnerScope *scope, pg_uuid_t id,
					 GaGroupView *group)
{
	bool found;

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	found = ga_group_find(scope, id, group);
	PopActiveSnapshot();
	return found;
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

bool
ga_group_find_number(int64 number, pg_uuid_t *id)
{
	static GaPlan plan = {
		.sql = "SELECT id FROM group_api_private.groups WHERE number = $1",
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	Datum values[1] = {Int64GetDatum(number)};
	bool isnull;

	if (ga_plan_read(&plan, values, NULL) == 0)
		return false;
	*id = *DatumGetUUIDP(ga_row_datum(0, 1, &isnull));
	return true;
}
