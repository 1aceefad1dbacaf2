/*
 * member_store.c
 *		Reading the members of a group.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/group/group_store.h"
#include "store/group/member_store.h"
#include "store/group/subscription_sql.h"
#include "store/plan_cache.h"

/* The one user u whose address or number is the contact of the invitation i. */
#define PICTURE_BY(contact)                                                    \
	"(SELECT max(u.avatar) FROM group_api_private.users u"                     \
	"  WHERE " contact " HAVING count(*) = 1)"

/*
 * The member's picture is the directory's: of the user who the member is, or,
 * once the invitation was accepted, of the one who is known by its contact.
 * Before that it would tell whoever typed the contact that there is such a user.
 */
#define PICTURE_OF_USER                                                        \
	" WHEN m.user_id IS NOT NULL"                                              \
	"  THEN (SELECT u.avatar FROM group_api_private.users u"                   \
	"   WHERE u.id = m.user_id)"
#define PICTURE_OF_ADDRESS                                                     \
	" WHEN i.response = " GA_SQL_ACCEPTED " AND i.channel = 'EMAIL'"           \
	"  THEN " PICTURE_BY("lower(u.email) = lower(i.contact)")
#define PICTURE_OF_NUMBER                                                      \
	" WHEN i.response = " GA_SQL_ACCEPTED " AND i.channel = 'MOBILE'"          \
	"  THEN " PICTURE_BY("u.mobile = i.contact")
#define PICTURE                                                                \
	" coalesce(CASE" PICTURE_OF_USER PICTURE_OF_ADDRESS PICTURE_OF_NUMBER      \
	" END, m.picture),"

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
		.is_planned_once = true,
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
