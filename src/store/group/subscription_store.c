/*
 * subscription_store.c
 *		Statements on who is in a group of contract B, asks to be or is invited.
 *
 * Sets of users travel as arrays.  Locks: the caller holds the group's row, so
 * two calls for one group follow each other; the holder of a link locks an
 * invitation alone, so what users are to the group is read with their
 * invitations locked, in the order of their numbers.
 * The dispatcher passes locked invitations by: callers wake it at the end.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/guc.h"
#include "catalog/pg_type.h"
#include "store/events/event_moves.h"
#include "store/events/event_store.h"
#include "store/invitation_events.h"
#include "store/plan_cache.h"
#include "store/group/subscription_sql.h"
#include "store/group/subscription_store.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static Datum
int8_array(const int64 *values, int count)
{
	Datum *datums = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		datums[i] = Int64GetDatum(values[i]);
	return ga_row_datum_array(datums, NULL, count, INT8OID);
}

static Datum
int4_array(const int32 *values, int count)
{
	Datum *datums = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		datums[i] = Int32GetDatum(values[i]);
	return ga_row_datum_array(datums, NULL, count, INT4OID);
}

/* In the order in which receipts of several invitations lock them, too. */
static void
lock_invitations(Datum *values, int count)
{
	static GaPlan plan = {
		.sql = "SELECT FROM group_api_private.invitations i"
			   " WHERE group_id = $1 AND number IN ("
			   "  SELECT m.number FROM group_api_private.members m"
			   "   JOIN unnest($2) AS o (id) ON o.id = m.user_id"
			   "   WHERE m.group_id = $1)"
			   " ORDER BY number FOR NO KEY UPDATE OF i",
		.nargs = 2,
		.argtypes = {UUIDOID, INT8ARRAYOID},
	};

	ga_plan_run_set(&plan, values, SPI_OK_SELECT, count);
}

void
ga_subscriptions_find(pg_uuid_t group_id, const int64 *ids, int count,
					  GaSubscription *subscriptions)
{
	static GaPlan plan = {
		.sql = "SELECT o.n::int4, m.number,"
			   " m.number IS NOT NULL AND " GA_IS_SUBSCRIBED ","
			   " coalesce(" GA_IS_INVITED ", false), r.user_id IS NOT NULL"
			   " FROM unnest($2) WITH ORDINALITY AS o (id, n)"
			   " LEFT JOIN group_api_private.members m"
			   "  ON m.group_id = $1 AND m.user_id = o.id"
			   " LEFT JOIN group_api_private.invitations i"
			   "  ON i.group_id = m.group_id AND i.number = m.number"
			   " LEFT JOIN group_api_private.requests r"
			   "  ON r.group_id = $1 AND r.user_id = o.id",
		.nargs = 2,
		.argtypes = {UUIDOID, INT8ARRAYOID},
	};
	Datum values[2] = {UUIDPGetDatum(&group_id), int8_array(ids, count)};
	uint64 found;

	/* Holders of links and who withdraws one invitation lock nothing else. */
	lock_invitations(values, count);
	found = ga_plan_run_set(&plan, values, SPI_OK_SELECT, count);
	for (uint64 row = 0; row < found; row++)
	{
		GaSubscription *one = &subscriptions[ga_row_int32(row, 1, 1) - 1];

		one->number = ga_row_int32(row, 2, 0);
		one->is_subscribed = ga_row_bool(row, 3, false);
		one->is_invited = ga_row_bool(row, 4, false);
		one->has_requested = ga_row_bool(row, 5, false);
	}
}

void
ga_subscription_number_members(GaGroup *added)
{
	static GaPlan plan = {
		.sql = "SELECT greatest(g.last_member,"
			   "  (SELECT max(number) FROM group_api_private.members m"
			   "   WHERE m.group_id = g.id))"
			   " FROM group_api_private.groups g WHERE g.id = $1",
		.nargs = 1,
		.argtypes = {UUIDOID},
	};
	Datum values[1] = {UUIDPGetDatum(&added->id)};
	int32 last;

	ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
	last = ga_row_int32(0, 1, 0);
	for (int i = 0; i < added->member_count; i++)
		added->members[i].number = ++last;
}

void
ga_subscription_accept(pg_uuid_t group_id, const int32 *numbers, int count)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.invitations i" GA_SET_JOINED
			   " WHERE group_id = $1 AND number IN (SELECT unnest($2))"
			   "  AND response <> " GA_SQL_ACCEPTED " RETURNING " GA_MOVED,
		.nargs = 2,
		.argtypes = {UUIDOID, INT4ARRAYOID},
	};
	Datum values[2] = {UUIDPGetDatum(&group_id), int4_array(numbers, count)};

	ga_plan_run_set(&plan, values, SPI_OK_UPDATE_RETURNING, count);
	ga_event_write_moved(GA_MOVE_JOIN);
}

static void
forget_polls(Datum *values, int count)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.polls"
			   " WHERE group_id = $1 AND number IN (SELECT unnest($2))",
		.nargs = 2,
		.argtypes = {UUIDOID, INT4ARRAYOID},
	};

	ga_plan_run_set(&plan, values, SPI_OK_DELETE, count);
}

/* The parameters of a renewal, one element a member. */
static void
fill_renewal(const GaGroup *again, Datum *values)
{
	int count = again->member_count;
	int32 *numbers = palloc(sizeof(int32) * count);
	int32 *channels = palloc(sizeof(int32) * count);
	const char **contacts = palloc(sizeof(char *) * count);
	const char **locales = palloc(sizeof(char *) * count);
	const char **suppressed = palloc0(sizeof(char *) * count);

	for (int i = 0; i < count; i++)
	{
		const GaMember *member = &again->members[i];

		numbers[i] = member->number;
		channels[i] = (int32) member->channel;
		contacts[i] = member->contact;
		locales[i] = member->locale;
		if (member->delivery == GA_DELIVERY_SUPPRESSED)
			suppressed[i] = member->reason;
	}
	values[0] = UUIDPGetDatum(&again->id);
	values[1] = int4_array(numbers, count);
	values[2] = int4_array(channels, count);
	values[3] = ga_row_text_array(contacts, count);
	values[4] = ga_row_text_array(locales, count);
	values[5] = ga_row_text_array(suppressed, count);
}

#define SET_RENEWED GA_SET_RENEWED("$7", "$8")

void
ga_subscription_renew(const GaGroup *again)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.invitations i" SET_RENEWED
			   " FROM unnest($2, $3, $4, $5, $6)"
			   "  AS o (number, channel, contact, locale, suppressed)"
			   " WHERE i.group_id = $1 AND i.number = o.number"
			   "  AND i.response <> " GA_SQL_ACCEPTED " RETURNING " GA_MOVED,
		.nargs = 8,
		.argtypes = {UUIDOID, INT4ARRAYOID, INT4ARRAYOID, TEXTARRAYOID,
					 TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZOID, INTERVALOID},
	};
	Interval *cooldown = palloc0(sizeof(Interval));
	Datum values[8];

	cooldown->time = (int64) ga_settings.resend_cooldown * USECS_PER_SEC;
	fill_renewal(again, values);
	values[6] = TimestampTzGetDatum(again->expires_at);
	values[7] = IntervalPGetDatum(cooldown);
	ga_plan_run_set(&plan, values, SPI_OK_UPDATE_RETURNING,
					again->member_count);
	ga_event_write_moved(GA_MOVE_RENEW);
	forget_polls(values, again->member_count);
}

void
ga_subscription_withdraw(pg_uuid_t group_id, const int32 *numbers, int count)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.invitations i" GA_SET_WITHDRAWN
			   " WHERE group_id = $1 AND number IN (SELECT unnest($2))"
			   "  AND " GA_IS_OPEN " RETURNING " GA_MOVED,
		.nargs = 2,
		.argtypes = {UUIDOID, INT4ARRAYOID},
	};
	Datum values[2] = {UUIDPGetDatum(&group_id), int4_array(numbers, count)};

	ga_plan_run_set(&plan, values, SPI_OK_UPDATE_RETURNING, count);
	ga_event_write_moved(GA_MOVE_WITHDRAW);
}

void
ga_subscription_decline(pg_uuid_t group_id, int32 number)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.invitations i" GA_SET_DECLINED
			   " WHERE group_id = $1 AND number = $2 AND " GA_IS_OPEN
			   " RETURNING " GA_MOVED,
		.nargs = 2,
		.argtypes = {UUIDOID, INT4OID},
	};
	Datum values[2] = {UUIDPGetDatum(&group_id), Int32GetDatum(number)};

	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE_RETURNING);
	ga_event_write_moved(GA_MOVE_DECLINE);
}

bool
ga_subscription_expel(pg_uuid_t group_id, int32 number)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.invitations i" GA_SET_EXPELLED
			   " WHERE group_id = $1 AND number = $2"
			   "  AND contact IS NOT NULL RETURNING " GA_MOVED,
		.nargs = 2,
		.argtypes = {UUIDOID, INT4OID},
	};
	Datum values[2] = {UUIDPGetDatum(&group_id), Int32GetDatum(number)};

	if (ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE_RETURNING) == 0)
		return false;
	ga_event_write_moved(GA_MOVE_EXPEL);
	return true;
}

void
ga_subscription_remove_member(pg_uuid_t group_id, int32 number, bool by_manager)
{
	/* A number used again would bring the old links back to life. */
	static GaPlan remember = {
		.sql = "UPDATE group_api_private.groups g SET last_member ="
			   " greatest(g.last_member, (SELECT max(number)"
			   "  FROM group_api_private.members m WHERE m.group_id = g.id))"
			   " WHERE g.id = $1",
		.nargs = 1,
		.argtypes = {UUIDOID},
	};
	static GaPlan remove = {
		.sql = "WITH i AS (DELETE FROM group_api_private.invitations"
			   "  WHERE group_id = $1 AND number = ANY ($2))"
			   " DELETE FROM group_api_private.members"
			   " WHERE group_id = $1 AND number = ANY ($2)",
		.nargs = 2,
		.argtypes = {UUIDOID, INT4ARRAYOID},
	};
	Datum values[2] = {UUIDPGetDatum(&group_id), int4_array(&number, 1)};

	/* The snapshot is of rows that are still there. */
	ga_event_write(by_manager ? GA_EVENT_MEMBER_REMOVED : GA_EVENT_MEMBER_LEFT,
				   group_id, number);
	ga_plan_run(&remember, values, NULL, SPI_OK_UPDATE);
	ga_plan_run(&remove, values, NULL, SPI_OK_DELETE);
	forget_polls(values, 1);
}

void
ga_subscription_add_request(pg_uuid_t group_id, int64 user_id)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.requests (group_id, user_id)"
			   " VALUES ($1, $2) ON CONFLICT DO NOTHING",
		.nargs = 2,
		.argtypes = {UUIDOID, INT8OID},
	};
	Datum values[2] = {UUIDPGetDatum(&group_id), Int64GetDatum(user_id)};

	if (ga_plan_run(&plan, values, NULL, SPI_OK_INSERT) > 0)
		ga_event_write_request(GA_EVENT_REQUEST_MADE, group_id, &user_id, 1);
}

/* Leaves those in SPI_tuptable who had asked. */
static uint64
remove_requests(pg_uuid_t group_id, const int64 *ids, int count)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.requests"
			   " WHERE group_id = $1 AND user_id IN (SELECT unnest($2))"
			   " RETURNING user_id",
		.nargs = 2,
		.argtypes = {UUIDOID, INT8ARRAYOID},
	};
	Datum values[2] = {UUIDPGetDatum(&group_id), int8_array(ids, count)};

	return ga_plan_run_set(&plan, values, SPI_OK_DELETE_RETURNING, count);
}

void
ga_subscription_remove_requests(pg_uuid_t group_id, const int64 *ids, int count)
{
	(void) remove_requests(group_id, ids, count);
}

void
ga_subscription_accept_requests(pg_uuid_t group_id, const int64 *ids, int count)
{
	int accepted = (int) remove_requests(group_id, ids, count);
	int64 *users = palloc(sizeof(int64) * Max(accepted, 1));

	for (int i = 0; i < accepted; i++)
		users[i] = ga_row_int64(i, 1, 0);
	ga_event_write_request(GA_EVENT_REQUEST_ACCEPTED, group_id, users,
						   accepted);
}
