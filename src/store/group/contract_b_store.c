/*
 * contract_b_store.c
 *		Statements on contract B's groups, as one user sees them.
 *
 * What a user is to a group stands in three tables: a member without an
 * invitation or with an accepted one is subscribed, an open invitation makes
 * invited, a row of requests makes requested.
 *
 * A page is two statements: the rows, found through an index in the page's
 * order, and their number, which reads all that match.  Only ga_group_v2_lock()
 * locks anything: the row of one group.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "store/events/event_store.h"
#include "store/group/contract_b_store.h"
#include "store/plan_cache.h"
#include "store/row.h"
#include "store/group/subscription_sql.h"
#include "utils/builtins.h"

/* Of groups g, for the viewer $1. */
#define GROUP_COLUMNS                                                          \
	" g.id, g.number, g.status = 'ARCHIVED', g.name, g.description, g.image,"  \
	" g.inviter, g.created_by, g.created_at, g.slug, g.color, g.is_private,"   \
	" g.visible, g.active AND g.status = 'ACTIVE', g.emotional_image,"         \
	" g.emotional_image_position, g.locale, u.id, u.username, u.real_name,"    \
	" u.ext_id, u.avatar, u.created_at,"                                       \
	" (SELECT count(*) FROM group_api_private.members m"                       \
	"   WHERE m.group_id = g.id)"                                              \
	" - (SELECT count(*) FROM group_api_private.invitations i"                 \
	"   WHERE i.group_id = g.id AND NOT " GA_IS_SUBSCRIBED                     \
	")," GA_STATUS_OF("$1")

static void
read_group(const GaOwnerScope *scope, uint64 row, GaGroupV2 *group)
{
	GaGroup *view = &group->common;
	bool isnull;

	memset(group, 0, sizeof(*group));
	view->contract = 'B';
	view->id = *DatumGetUUIDP(ga_row_datum(row, 1, &isnull));
	view->number = ga_row_int64(row, 2, 0);
	view->is_archived = ga_row_bool(row, 3, false);
	view->name = ga_row_text(scope, row, 4);
	view->description = ga_row_text(scope, row, 5);
	view->image = ga_row_text(scope, row, 6);
	view->inviter = ga_row_text(scope, row, 7);
	view->created_by = ga_row_int64(row, 8, 0);
	view->created_at = ga_row_int64(row, 9, 0);
	view->slug = ga_row_text(scope, row, 10);
	view->color = ga_row_text(scope, row, 11);
	view->is_private = ga_row_bool(row, 12, false);
	view->visible = ga_row_bool(row, 13, true);
	view->active = ga_row_bool(row, 14, true);
	view->emotional_image = ga_row_text(scope, row, 15);
	view->emotional_image_position = ga_row_int32(row, 16, 0);
	view->locale = ga_row_text(scope, row, 17);
	group->creator.id = ga_row_int64(row, 18, 0);
	group->creator.username = ga_row_text(scope, row, 19);
	group->creator.real_name = ga_row_text(scope, row, 20);
	group->creator.ext_id = ga_row_text(scope, row, 21);
	group->creator.avatar = ga_row_text(scope, row, 22);
	group->creator.joined_at = ga_row_int64(row, 23, 0);
	group->subscribers = ga_row_int64(row, 24, 0);
	group->status = ga_row_text(scope, row, 25);
}

#define GROUP_BY_NUMBER                                                        \
	"SELECT" GROUP_COLUMNS " FROM group_api_private.groups g"                  \
	" LEFT JOIN group_api_private.users u ON u.id = g.created_by"              \
	" WHERE g.number = $2 AND g.contract = 'B'"

bool
ga_group_v2_is_seen(int64 number, GaViewer viewer)
{
	static GaPlan find = {
		.sql = "SELECT id, visible OR created_by = $1"
			   " FROM group_api_private.groups"
			   " WHERE number = $2 AND contract = 'B'",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	/* Asked of any id: what is hidden is as much work as what is not there. */
	static GaPlan tie = {
		.sql = "SELECT" GA_STATUS_OF("$1") " IS NOT NULL"
										   " FROM (SELECT $2 AS id) AS g",
		.nargs = 2,
		.argtypes = {INT8OID, UUIDOID},
	};
	Datum values[2] = {Int64GetDatum(viewer.user_id), Int64GetDatum(number)};
	pg_uuid_t id = {{0}};
	bool is_open = false;
	bool isnull;

	if (ga_plan_read(&find, values, NULL) > 0)
	{
		id = *DatumGetUUIDP(ga_row_datum(0, 1, &isnull));
		is_open = ga_row_bool(0, 2, false) || viewer.sees_all;
	}
	values[1] = UUIDPGetDatum(&id);
	ga_plan_read(&tie, values, NULL);
	return ga_row_bool(0, 1, false) || is_open;
}

bool
ga_group_v2_find(const GaOwnerScope *scope, int64 number, GaViewer viewer,
				 GaGroupV2 *group)
{
	static GaPlan plan = {
		.sql = GROUP_BY_NUMBER,
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	Datum values[2] = {Int64GetDatum(viewer.user_id), Int64GetDatum(number)};

	if (ga_plan_read(&plan, values, NULL) == 0)
		return false;
	read_group(scope, 0, group);
	return true;
}

bool
ga_group_v2_lock(const GaOwnerScope *scope, int64 number, GaViewer viewer,
				 GaGroupV2 *group)
{
	static GaPlan lock = {
		.sql = "SELECT FROM group_api_private.groups"
			   " WHERE number = $1 AND contract = 'B' FOR NO KEY UPDATE",
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	/* A statement of its own: it sees what was committed before the lock. */
	static GaPlan plan = {
		.sql = GROUP_BY_NUMBER,
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	Datum values[2] = {Int64GetDatum(viewer.user_id), Int64GetDatum(number)};

	if (ga_plan_run(&lock, &values[1], NULL, SPI_OK_SELECT) == 0 ||
		ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) == 0)
		return false;
	read_group(scope, 0, group);
	return true;
}

/* ---- pages of groups ---------------------------------------------------- */

/*
 * $1 the viewer, $2 limit, $3 offset, $4 search, $5 the viewer sees all, $6
 * another user.
 */
#define PAGE_ARGS 6
#define PAGE_TYPES                                                             \
	{                                                                          \
		INT8OID, INT4OID, INT8OID, TEXTOID, BOOLOID, INT8OID                   \
	}
#define GROUPS_PAGE(source)                                                    \
	{                                                                          \
		.sql = "SELECT" GROUP_COLUMNS " FROM (SELECT g.* FROM " source         \
			   " ORDER BY g.number DESC LIMIT $2 OFFSET $3) AS g"              \
			   " LEFT JOIN group_api_private.users u ON u.id = g.created_by"   \
			   " ORDER BY g.number DESC",                                      \
		.nargs = PAGE_ARGS, .argtypes = PAGE_TYPES,                            \
	}
#define PAGE_COUNT(source)                                                     \
	{                                                                          \
		.sql = "SELECT count(*) FROM " source, .nargs = PAGE_ARGS,             \
		.argtypes = PAGE_TYPES,                                                \
	}

static void
fill_page_values(GaViewer viewer, int64 other, const GaPageBounds *bounds,
				 Datum *values, char *nulls)
{
	memset(nulls, ' ', PAGE_ARGS);
	values[0] = Int64GetDatum(viewer.user_id);
	values[1] = Int32GetDatum(bounds->limit);
	values[2] = Int64GetDatum(bounds->offset);
	values[3] =
		bounds->search ? CStringGetTextDatum(bounds->search) : (Datum) 0;
	nulls[3] = bounds->search ? ' ' : 'n';
	values[4] = BoolGetDatum(viewer.sees_all);
	values[5] = Int64GetDatum(other);
}

static GaGroupV2 *
read_groups(const GaOwnerScope *scope, int count)
{
	GaGroupV2 *groups = MemoryContextAlloc(scope->caller_context,
										   sizeof(GaGroupV2) * Max(count, 1));

	for (int row = 0; row < count; row++)
		read_group(scope, row, &groups[row]);
	return groups;
}

static GaGroupV2 *
read_groups_page(const GaOwnerScope *scope, GaPlan *page, GaPlan *total,
				 GaViewer viewer, int64 other, GaPageBounds *bounds, int *count)
{
	Datum values[PAGE_ARGS];
	char nulls[PAGE_ARGS];

	fill_page_values(viewer, other, bounds, values, nulls);
	ga_plan_read(total, values, nulls);
	bounds->total = ga_row_int64(0, 1, 0);
	*count = (int) ga_plan_read(page, values, nulls);
	return read_groups(scope, *count);
}

/* A name is searched as ga_groups_v2_search() does; a user's groups are few. */
#define NAMED " AND ($4 IS NULL OR strpos(g.search_name, lower($4)) > 0)"
/* The groups a user has a place in, as a member or as invited. */
#define PLACES_OF(user)                                                        \
	"group_api_private.members m"                                              \
	" JOIN group_api_private.groups g"                                         \
	"  ON g.id = m.group_id AND g.contract = 'B'"                              \
	" LEFT JOIN group_api_private.invitations i"                               \
	"  ON i.group_id = m.group_id AND i.number = m.number"                     \
	" WHERE m.user_id = " user NAMED " AND "
/* The groups a user is subscribed to. */
#define GROUPS_OF(user) PLACES_OF(user) GA_IS_SUBSCRIBED
/* What is archived can be joined no more. */
#define GROUPS_INVITING                                                        \
	PLACES_OF("$1") GA_IS_INVITED " AND g.status = 'ACTIVE' AND g.active"

GaGroupV2 *
ga_groups_v2_own(const GaOwnerScope *scope, GaViewer viewer,
				 GaPageBounds *bounds, int *count)
{
	static GaPlan page = GROUPS_PAGE(GROUPS_OF("$1"));
	static GaPlan total = PAGE_COUNT(GROUPS_OF("$1"));

	return read_groups_page(scope, &page, &total, viewer, 0, bounds, count);
}

GaGroupV2 *
ga_groups_v2_inviting(const GaOwnerScope *scope, GaViewer viewer,
					  GaPageBounds *bounds, int *count)
{
	static GaPlan page = GROUPS_PAGE(GROUPS_INVITING);
	static GaPlan total = PAGE_COUNT(GROUPS_INVITING);

	return read_groups_page(scope, &page, &total, viewer, 0, bounds, count);
}

/* Asked once for a statement, however many groups it looks at. */
#define GROUPS_JOINED(user, condition)                                         \
	"SELECT m.group_id FROM group_api_private.members m"                       \
	" LEFT JOIN group_api_private.invitations i"                               \
	"  ON i.group_id = m.group_id AND i.number = m.number"                     \
	" WHERE m.user_id = " user " AND (" condition ")"

/* Who is in a private group is for its members to know. */
#define GROUPS_TO_SHOW                                                         \
	GROUPS_OF("$6")                                                            \
	" AND ($5 OR $1 = $6 OR (g.visible AND NOT g.is_private)"                  \
	"  OR g.id = ANY (ARRAY(" GROUPS_JOINED("$1", GA_IS_SUBSCRIBED) ")))"

GaGroupV2 *
ga_groups_v2_of_user(const GaOwnerScope *scope, GaViewer viewer, int64 user_id,
					 GaPageBounds *bounds, int *count)
{
	static GaPlan page = GROUPS_PAGE(GROUPS_TO_SHOW);
	static GaPlan total = PAGE_COUNT(GROUPS_TO_SHOW);

	return read_groups_page(scope, &page, &total, viewer, user_id, bounds,
							count);
}

GaGroupV2 *
ga_groups_v2_numbered(const GaOwnerScope *scope, GaViewer viewer,
					  const int64 *numbers, int *count)
{
	static GaPlan plan = {
		.sql = "SELECT" GROUP_COLUMNS " FROM group_api_private.groups g"
			   " LEFT JOIN group_api_private.users u ON u.id = g.created_by"
			   " WHERE g.number = ANY ($2) AND g.contract = 'B'"
			   " ORDER BY g.number DESC",
		.nargs = 2,
		.argtypes = {INT8OID, INT8ARRAYOID},
	};
	Datum *datums = palloc(sizeof(Datum) * Max(*count, 1));
	Datum values[2] = {Int64GetDatum(viewer.user_id)};

	for (int i = 0; i < *count; i++)
		datums[i] = Int64GetDatum(numbers[i]);
	values[1] = ga_row_datum_array(datums, NULL, *count, INT8OID);
	*count = (int) ga_plan_read(&plan, values, NULL);
	return read_groups(scope, *count);
}

/* ---- pages of users ----------------------------------------------------- */

#define USER_COLUMNS                                                           \
	"u.id, u.username, u.real_name, u.ext_id, u.avatar, u.created_at"

static GaUser *
read_users_page(const GaOwnerScope *scope, GaPlan *page, GaPlan *total,
				Datum *values, const char *nulls, GaPageBounds *bounds,
				int *count)
{
	GaUser *users;

	ga_plan_read(total, values, nulls);
	bounds->total = ga_row_int64(0, 1, 0);
	*count = (int) ga_plan_read(page, values, nulls);
	users = MemoryContextAllocZero(scope->caller_context,
								   sizeof(GaUser) * Max(*count, 1));
	for (int row = 0; row < *count; row++)
	{
		users[row].id = ga_row_int64(row, 1, 0);
		users[row].username = ga_row_text(scope, row, 2);
		users[row].real_name = ga_row_text(scope, row, 3);
		users[row].ext_id = ga_row_text(scope, row, 4);
		users[row].avatar = ga_row_text(scope, row, 5);
		users[row].joined_at = ga_row_int64(row, 6, 0);
	}
	return users;
}

/* Of the group $1; those whom the directory does not know are not shown. */
#define MEMBERS                                                                \
	"group_api_private.members m" GA_INVITATION_OF_MEMBER                      \
	" JOIN group_api_private.users u ON u.id = m.user_id"                      \
	" WHERE m.group_id = $1 AND "
#define REQUESTS                                                               \
	"group_api_private.requests r"                                             \
	" JOIN group_api_private.users u ON u.id = r.user_id"                      \
	" WHERE r.group_id = $1"
#define USERS_PAGE(source, place)                                              \
	{                                                                          \
		.sql = "SELECT " USER_COLUMNS " FROM " source " ORDER BY " place       \
			   " LIMIT $2 OFFSET $3",                                          \
		.nargs = 3, .argtypes = {UUIDOID, INT4OID, INT8OID},                   \
	}
#define USERS_COUNT(source)                                                    \
	{                                                                          \
		.sql = "SELECT count(*) FROM " source, .nargs = 3,                     \
		.argtypes = {UUIDOID, INT4OID, INT8OID},                               \
	}

GaUser *
ga_group_v2_users(const GaOwnerScope *scope, pg_uuid_t group_id,
				  GaUserList list, GaPageBounds *bounds, int *count)
{
	static GaPlan pages[GA_USERS_LIST_COUNT] = {
		[GA_USERS_SUBSCRIBED] =
			USERS_PAGE(MEMBERS GA_IS_SUBSCRIBED, "m.number"),
		[GA_USERS_INVITED] = USERS_PAGE(MEMBERS GA_IS_INVITED, "m.number"),
		[GA_USERS_REQUESTING] =
			USERS_PAGE(REQUESTS, "r.requested_at, r.user_id"),
	};
	static GaPlan totals[GA_USERS_LIST_COUNT] = {
		[GA_USERS_SUBSCRIBED] = USERS_COUNT(MEMBERS GA_IS_SUBSCRIBED),
		[GA_USERS_INVITED] = USERS_COUNT(MEMBERS GA_IS_INVITED),
		[GA_USERS_REQUESTING] = USERS_COUNT(REQUESTS),
	};
	Datum values[3] = {UUIDPGetDatum(&group_id), Int32GetDatum(bounds->limit),
					   Int64GetDatum(bounds->offset)};

	return read_users_page(scope, &pages[list], &totals[list], values, NULL,
						   bounds, count);
}

/* ---- changing ----------------------------------------------------------- */

void
ga_group_v2_update(const GaGroup *group)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.groups SET name = $2,"
			   " description = $3, color = $4, is_private = $5, visible = $6,"
			   " image = $7, emotional_image = $8,"
			   " emotional_image_position = $9 WHERE id = $1",
		.nargs = 9,
		.argtypes = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID, BOOLOID,
					 TEXTOID, TEXTOID, INT4OID},
	};
	Datum values[9];
	char nulls[9];

	memset(nulls, ' ', sizeof(nulls));
	values[0] = UUIDPGetDatum(&group->id);
	values[1] = CStringGetTextDatum(group->name);
	values[2] = ga_row_text_datum(group->description, &nulls[2]);
	values[3] = ga_row_text_datum(group->color, &nulls[3]);
	values[4] = BoolGetDatum(group->is_private);
	values[5] = BoolGetDatum(group->visible);
	values[6] = ga_row_text_datum(group->image, &nulls[6]);
	values[7] = ga_row_text_datum(group->emotional_image, &nulls[7]);
	values[8] = Int32GetDatum(group->emotional_image_position);
	ga_plan_run(&plan, values, nulls, SPI_OK_UPDATE);
	ga_event_write(GA_EVENT_GROUP_UPDATED, group->id, 0);
}
