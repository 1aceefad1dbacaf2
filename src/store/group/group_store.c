/*
 * group_store.c
 *		Reading groups with their members.
 *
 * The group and its members are two statements, so that what is to be seen is not
 * read for those who may not see it.  Statements run in the caller's snapshot,
 * but for ga_group_find_latest().
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "store/group/group_store.h"
#include "store/group/subscription_sql.h"
#include "store/plan_cache.h"
#include "utils/snapmgr.h"

/* The one user u whose address or number is the contact of the invitation i. */
#define PICTURE_BY(contact)                                                    \
	"(SELECT max(u.avatar) FROM group_api_private.users u"                     \
	"  WHERE " contact " HAVING count(*) = 1)"

/*
 * The member's picture is the directory's: of the user who the member is, or,
 * once the invitation was accepted, of the one who is known by its contact.
 * Before that it would tell whoever typed the contact that there is such a user.
 */
#define PICTURE                                                                \
	" coalesce(CASE WHEN m.user_id IS NOT NULL"                                \
	"   THEN (SELECT u.avatar FROM group_api_private.users u"                  \
	"    WHERE u.id = m.user_id)"                                              \
	"  WHEN i.response = " GA_SQL_ACCEPTED " AND i.channel = 'EMAIL'"          \
	"   THEN " PICTURE_BY(                                                     \
		"lower(u.email) = lower(i.contact)") "  WHEN i.response "              \
											 "= " GA_SQL_ACCEPTED              \
											 " AND i.channel = 'MOBILE'"       \
											 "   THEN " PICTURE_BY(            \
												 "u.mobile = i.contact") "  "  \
																		 "END" \
																		 ", "  \
																		 "m."  \
																		 "pic" \
																		 "tur" \
																		 "e),"

void
ga_group_read_members(const GaOwnerScope *scope, GaGroup *group)
{
	static GaPlan plan = {
		.sql = "SELECT m.number, m.is_leader, m.user_id, m.name," PICTURE
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
	group->members = MemoryContextAllocZero(scope->caller_context,
											sizeof(GaMember) * Max(count, 1));
	for (uint64 row = 0; row < count; row++)
	{
		GaMember *member = &group->members[row];
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
		member->delivery = ga_state_row_delivery(row, 8);
		member->reason = ga_row_text(scope, row, 9);
		member->delivery_at = ga_row_int64(row, 10, 0);
		member->response = ga_state_row_response(row, 11);
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
