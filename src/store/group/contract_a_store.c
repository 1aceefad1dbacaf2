/*
 * contract_a_store.c
 *		Groups of contract A without all their members.
 *
 * A page may hold a hundred groups of ten thousand members each: it reads of each
 * the leader, the user whose page it is, and how many there are.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/group/contract_a_store.h"
#include "store/group/subscription_sql.h"
#include "store/plan_cache.h"

static void
read_leader(const GaOwnerScope *scope, GaGroup *group)
{
	static GaPlan plan = {
		.sql = "SELECT number, name, picture FROM group_api_private.members"
			   " WHERE group_id = $1 AND is_leader AND number = 1",
		.nargs = 1,
		.argtypes = {UUIDOID},
	};
	Datum values[1] = {UUIDPGetDatum(&group->id)};

	group->member_count = (int) ga_plan_read(&plan, values, NULL);
	group->members =
		MemoryContextAllocZero(scope->caller_context, sizeof(GaMember));
	if (group->member_count == 0)
		return;
	group->members[0].is_leader = true;
	group->members[0].number = ga_row_int32(0, 1, 1);
	group->members[0].name = ga_row_text(scope, 0, 2);
	group->members[0].picture = ga_row_text(scope, 0, 3);
}

bool
ga_group_find_outline(const GaOwnerScope *scope, pg_uuid_t id, GaGroup *group)
{
	if (!ga_group_find_alone(scope, id, group) || group->contract != 'A')
		return false;
	read_leader(scope, group);
	return true;
}

/* Of the user $1. */
#define OWN_GROUPS                                                             \
	" FROM group_api_private.members m" GA_INVITATION_OF_MEMBER                \
	" JOIN group_api_private.groups g"                                         \
	"  ON g.id = m.group_id AND g.contract = 'A'"                              \
	" WHERE m.user_id = $1 AND " GA_IS_SUBSCRIBED

static void
read_outline(const GaOwnerScope *scope, uint64 row, GaGroupOutline *group)
{
	GaGroup *view = &group->view;
	GaMember *members =
		MemoryContextAllocZero(scope->caller_context, 2 * sizeof(GaMember));
	Datum product;
	bool isnull;

	memset(group, 0, sizeof(*group));
	view->contract = 'A';
	view->id = *DatumGetUUIDP(ga_row_datum(row, 1, &isnull));
	view->is_archived = ga_row_bool(row, 2, false);
	view->name = ga_row_text(scope, row, 3);
	view->image = ga_row_text(scope, row, 4);
	product = ga_row_datum(row, 5, &isnull);
	view->has_product = !isnull;
	if (!isnull)
		view->product_id = *DatumGetUUIDP(product);
	view->created_at = ga_row_int64(row, 6, 0);
	view->created_by = ga_row_int64(row, 7, 0);
	group->members = ga_row_int64(row, 8, 0);
	view->members = members;
	view->member_count = 1;
	members[0].number = 1;
	members[0].is_leader = true;
	members[0].name = ga_row_text(scope, row, 9);
	members[0].picture = ga_row_text(scope, row, 10);
	if (ga_row_int32(row, 11, 1) == 1)
		return;
	view->member_count = 2;
	members[1].number = ga_row_int32(row, 11, 1);
	members[1].name = ga_row_text(scope, row, 12);
	members[1].picture = ga_row_text(scope, row, 13);
	members[1].response = ga_state_row_response(row, 14);
	members[1].responded_at = ga_row_int64(row, 15, 0);
}

GaGroupOutline *
ga_groups_v1_of_user(const GaOwnerScope *scope, int64 user_id,
					 GaPageBounds *bounds, int *count)
{
	static GaPlan page = {
		.sql = "SELECT g.id, g.status = 'ARCHIVED', g.name, g.image,"
			   " g.product_id, g.created_at, g.created_by,"
			   " (SELECT count(*) FROM group_api_private.members a"
			   "   WHERE a.group_id = g.id),"
			   " l.name, l.picture, m.number, m.name, m.picture, i.response,"
			   " i.responded_at"
			   " FROM (SELECT m.group_id, m.number, m.name, m.picture,"
			   "  i.response, i.responded_at, g.number AS place" OWN_GROUPS
			   "  ORDER BY g.number DESC LIMIT $2 OFFSET $3) AS m"
			   " JOIN group_api_private.groups g ON g.id = m.group_id"
			   " LEFT JOIN group_api_private.members l"
			   "  ON l.group_id = m.group_id AND l.number = 1"
			   " CROSS JOIN LATERAL (SELECT m.response, m.responded_at) AS i"
			   " ORDER BY m.place DESC",
		.nargs = 3,
		.argtypes = {INT8OID, INT4OID, INT8OID},
	};
	static GaPlan total = {
		.sql = "SELECT count(*)" OWN_GROUPS,
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	Datum values[3] = {Int64GetDatum(user_id), Int32GetDatum(bounds->limit),
					   Int64GetDatum(bounds->offset)};
	GaGroupOutline *groups;

	ga_plan_read(&total, values, NULL);
	bounds->total = ga_row_int64(0, 1, 0);
	*count = (int) ga_plan_read(&page, values, NULL);
	groups = MemoryContextAlloc(scope->caller_context,
								sizeof(GaGroupOutline) * Max(*count, 1));
	for (int row = 0; row < *count; row++)
		read_outline(scope, row, &groups[row]);
	return groups;
}
