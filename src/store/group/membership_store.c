/*
 * membership_store.c
 *		Making a member a user.
 *
 * Locks: the caller has the member's invitation, so one place has one taker.  The
 * user's row comes after it, so one taker has one place: of two invitations to one
 * group, which the same user accepts at the same time, the second waits and sees
 * the first.  Nobody else waits; other members of the group are not held up.  The
 * unique index members_user_key is the net below.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/group/membership_store.h"
#include "store/plan_cache.h"

static void
lock_user(int64 user_id)
{
	static GaPlan plan = {
		.sql = "SELECT FROM group_api_private.users WHERE id = $1"
			   " FOR NO KEY UPDATE",
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	Datum values[1] = {Int64GetDatum(user_id)};

	ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
}

/* A statement of its own: it sees what was committed before the lock. */
static bool
has_place(pg_uuid_t group_id, int64 user_id)
{
	static GaPlan plan = {
		.sql = "SELECT FROM group_api_private.members"
			   " WHERE user_id = $1 AND group_id = $2",
		.nargs = 2,
		.argtypes = {INT8OID, UUIDOID},
	};
	Datum values[2] = {Int64GetDatum(user_id), UUIDPGetDatum(&group_id)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) > 0;
}

bool
ga_membership_give(pg_uuid_t group_id, int32 number, int64 user_id)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.members SET user_id = $3"
			   " WHERE group_id = $1 AND number = $2 AND user_id IS NULL",
		.nargs = 3,
		.argtypes = {UUIDOID, INT4OID, INT8OID},
	};
	Datum values[3] = {UUIDPGetDatum(&group_id), Int32GetDatum(number),
					   Int64GetDatum(user_id)};

	lock_user(user_id);
	if (has_place(group_id, user_id))
		return false;
	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
	return true;
}
