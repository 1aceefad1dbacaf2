/*
 * group_store.c
 *		Reading groups.
 *
 * The group and its members (member_store) are two statements, so that what is to
 * be seen is not read for those who may not see it.  Statements run in the caller's snapshot,
 * but for ga_group_find_latest().
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "store/group/group_store.h"
#include "store/plan_cache.h"
#include "utils/snapmgr.h"

bool
ga_group_find(const GaOwnerScope *scope, pg_uuid_t id, GaGroup *group)
{
	if (!ga_group_find_alone(scope, id, group))
		return false;
	ga_group_read_members(scope, group);
	return true;
}

bool
ga_group_find_alone(const GaOwnerScope *scope, pg_uuid_t id, GaGroup *group)
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
ga_group_find_latest(const GaOwnerScope *scope, pg_uuid_t id, GaGroup *group)
{
	bool found;

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	found = ga_group_find(scope, id, group);
	PopActiveSnapshot();
	return found;
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
