/*
 * deadline_store.c
 *		Deadlines of groups: open invitations past their end expire, others are
 *		reminded of.  Says when the dispatcher has to do that, and does it.
 *
 * groups.next_deadline is when something is to be done with a group: one small
 * index over groups instead of one over all invitations, which every insert and
 * every record would have to pay for.  It may be too early, never too late: who
 * writes an open invitation moves it forward, and who does what was due sets it anew.
 *
 * Locks: what is locked is skipped; nothing waits.
 */
#include "postgres.h"

#include "base/guc.h"
#include "catalog/pg_type.h"
#include "store/events/event_moves.h"
#include "store/group/deadline_store.h"
#include "store/invitation_events.h"
#include "store/plan_cache.h"
#include "store/queue/set_aside_store.h"
#include "store/suppression_store.h"
#include "store/queue/unreadable.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/timestamp.h"

/* Groups of one transaction: a large one has 10 000 invitations. */
#define GROUPS_AT_ONCE 20
/* Invitations that one transaction changes: the rest waits, so that others do not. */
#define INVITATIONS_AT_ONCE 1000
/* When rows of a group were locked. */
#define LOCKED_RETRY_S "5"
/* Groups that follow a changed setting in one transaction: some 50 ms. */
#define GROUPS_MOVED "5000"

/* ---- when something is due ------------------------------------------------------- */

static int64
reminder_us(void)
{
	return (int64) ga_settings.reminder_before * USECS_PER_MINUTE;
}

TimestampTz
ga_group_expiry(TimestampTz from)
{
	return from + (int64) ga_settings.invitation_expiry * USECS_PER_MINUTE;
}

TimestampTz
ga_group_first_deadline(TimestampTz from, TimestampTz expires_at)
{
	return Max(expires_at - reminder_us(), from);
}

TimestampTz
ga_group_deadline_of_queued(void)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	return ga_group_first_deadline(now, ga_group_expiry(now));
}

void
ga_group_advance_deadline(pg_uuid_t group_id, TimestampTz moment)
{
	static GaPlan plan = {
		.sql =
			"UPDATE group_api_private.groups SET next_deadline = $2"
			" WHERE id = $1 AND (next_deadline IS NULL OR next_deadline > $2)",
		.nargs = 2,
		.argtypes = {UUIDOID, TIMESTAMPTZOID},
	};
	Datum values[2] = {UUIDPGetDatum(&group_id), TimestampTzGetDatum(moment)};

	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
}

/* ---- what is due for some groups -------------------------------------------- */

#define GROUP_IS_SET_ASIDE                                                     \
	" EXISTS (SELECT FROM group_api_private.set_aside s"                       \
	" WHERE s.group_id = g.id AND s.number = 0 AND s.step = 'deadline'"        \
	" AND s.until > now())"

/* Groups of a part of the list: $1 and $2, $3 and $4 are its bounds. */
#define IN_RANGE                                                               \
	" (next_deadline, id) > ($1, $2) AND (next_deadline, id) < ($3, $4)"       \
	" AND NOT" GROUP_IS_SET_ASIDE " ORDER BY next_deadline, id"

static void
begin_range(GaQueueRange *range, TimestampTz end)
{
	GaQueueCursor front = {.start_tag = DT_NOBEGIN};

	ga_queue_range_begin(range, GA_LIST_DEADLINES, &front, end);
}

static void
put_range(Datum *values, const GaQueueRange *range)
{
	values[0] = TimestampTzGetDatum(range->after.start_tag);
	values[1] = UUIDPGetDatum(&range->after.group_id);
	values[2] = TimestampTzGetDatum(range->last.start_tag);
	values[3] = UUIDPGetDatum(&range->last.group_id);
}

/* Ids of groups whose time has come, as uuid[]; NULL when there is none. */
static int
take_groups(TimestampTz now, int limit, Datum *ids)
{
	static GaPlan plan = {
		.sql = "SELECT coalesce(array_agg(id), '{}'), count(*)::int4"
			   " FROM (SELECT id FROM group_api_private.groups g"
			   "  WHERE next_deadline IS NOT NULL AND" IN_RANGE
			   "  LIMIT $5 FOR NO KEY UPDATE SKIP LOCKED) AS g",
		.nargs = 5,
		.argtypes = {TIMESTAMPTZOID, UUIDOID, TIMESTAMPTZOID, UUIDOID, INT4OID},
	};
	Datum values[5];
	GaQueueRange range;
	bool isnull;

	begin_range(&range, now);
	values[4] = Int32GetDatum(limit);
	do
	{
		put_range(values, &range);
		ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
	} while (ga_row_int32(0, 2, 0) == 0 && ga_queue_range_next(&range));
	*ids = ga_row_datum(0, 1, &isnull);
	return ga_row_int32(0, 2, 0);
}

/* A part of the members of a group. */
typedef struct Members
{
	int32 from;
	int32 to;
} Members;

static const Members all_members = {0, PG_INT32_MAX};

#define PAST_EXPIRY                                                            \
	"SELECT group_id, number, ctid AS at"                                      \
	"  FROM group_api_private.invitations i"                                   \
	"  WHERE group_id = ANY ($1) AND number >= $4 AND number <= $5"            \
	"   AND response = " GA_SQL_PENDING                                        \
	"   AND expires_at <= $2 AND NOT" GA_IS_SET_ASIDE(                         \
		"i", "deadline") "  LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED"

static uint64
expire(Datum ids, TimestampTz now, int limit, Members of)
{
	static GaPlan plan = {
		.sql = "WITH old AS MATERIALIZED (" PAST_EXPIRY ")"
			   " UPDATE group_api_private.invitations i" GA_SET_EXPIRED
			   " FROM old WHERE i.ctid = old.at RETURNING " GA_MOVED,
		.nargs = 5,
		.argtypes = {UUIDARRAYOID, TIMESTAMPTZOID, INT4OID, INT4OID, INT4OID},
	};
	Datum values[5] = {ids, TimestampTzGetDatum(now), Int32GetDatum(limit),
					   Int32GetDatum(of.from), Int32GetDatum(of.to)};

	uint64 expired = ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE_RETURNING);

	ga_event_write_moved(GA_MOVE_EXPIRE);
	return expired;
}

/* Whom a reminder is for: the message left, and there is no answer. */
#define MAY_BE_REMINDED                                                        \
	GA_IS_OPEN " AND i.reminders = 0 AND " GA_DELIVERY_BEFORE(REMIND)

/* Invitations to be reminded of, locked, as columns. */
typedef struct Reminders
{
	int count;
	Datum *groups;
	Datum *numbers;
	Datum *wanted; /* false: the contact is suppressed */
} Reminders;

static Reminders
find_reminders(const GaOwnerScope *scope, Datum ids, TimestampTz now, int limit,
			   Members of)
{
	static GaPlan plan = {
		.sql = "SELECT group_id, number, CASE channel WHEN 'MOBILE' THEN 1"
			   "  ELSE 2 END, contact FROM group_api_private.invitations i"
			   " WHERE group_id = ANY ($1) AND number >= $5 AND number <= $6"
			   "  AND " MAY_BE_REMINDED "  AND NOT" GA_IS_SET_ASIDE(
				   "i", "deadline") "  AND expires_at > $2 AND expires_at <= "
									"$3 LIMIT $4"
									" FOR NO KEY UPDATE SKIP LOCKED",
		.nargs = 6,
		.argtypes = {UUIDARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID,
					 INT4OID, INT4OID},
	};
	Datum values[6] = {ids,
					   TimestampTzGetDatum(now),
					   TimestampTzGetDatum(now + reminder_us()),
					   Int32GetDatum(limit),
					   Int32GetDatum(of.from),
					   Int32GetDatum(of.to)};
	int count = (int) ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
	Reminders found = {.count = count};
	GaChannel *channels = palloc(sizeof(GaChannel) * Max(count, 1));
	const char **contacts = palloc(sizeof(char *) * Max(count, 1));
	const char **reasons = palloc(sizeof(char *) * Max(count, 1));
	bool isnull;

	found.groups = palloc(sizeof(Datum) * Max(count, 1));
	found.numbers = palloc(sizeof(Datum) * Max(count, 1));
	found.wanted = palloc(sizeof(Datum) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		found.groups[i] = ga_row_datum(i, 1, &isnull);
		found.numbers[i] = Int32GetDatum(ga_row_int32(i, 2, 0));
		channels[i] = (GaChannel) ga_row_int32(i, 3, GA_CHANNEL_EMAIL);
		contacts[i] = ga_row_text(scope, i, 4);
	}
	(void) ga_suppressions_find(scope, count, channels, contacts, reasons);
	for (int i = 0; i < count; i++)
		found.wanted[i] = BoolGetDatum(reasons[i] == NULL);
	return found;
}

/*
 * Who is suppressed meanwhile has got the invitation: nothing changes.  Returns how
 * many are queued; `is_cut`: there may be more.
 */
static uint64
remind(const GaOwnerScope *scope, Datum ids, TimestampTz now, int limit,
	   Members of, bool *is_cut)
{
	/* OFFSET 0: by the key for each, however small polls was when planned. */
	static GaPlan plan = {
		.sql = "WITH o AS MATERIALIZED (SELECT *"
			   "  FROM unnest($1, $2, $3) AS o (group_id, number, wanted)),"
			   " p AS (DELETE FROM group_api_private.polls"
			   "  WHERE ctid = ANY (ARRAY(SELECT p.at FROM o, LATERAL"
			   "   (SELECT ctid AS at FROM group_api_private.polls p"
			   "     WHERE p.group_id = o.group_id AND p.number = o.number"
			   "     OFFSET 0 FOR UPDATE SKIP LOCKED) AS p WHERE o.wanted))),"
			   " i AS (UPDATE group_api_private.invitations i" GA_SET_REMINDED
			   "  FROM o WHERE i.group_id = o.group_id AND i.number = o.number"
			   "  RETURNING o.wanted)"
			   " SELECT count(*) FROM i WHERE wanted",
		.no_wait = GA_ROWS_LOCKED_BY(find_reminders),
		.nargs = 3,
		.argtypes = {UUIDARRAYOID, INT4ARRAYOID, BOOLARRAYOID},
	};
	Reminders found;
	Datum values[3];

	/* Longer than an invitation lives: it would follow at its heels. */
	if (ga_settings.reminder_before == 0 ||
		ga_settings.reminder_before >= ga_settings.invitation_expiry)
		return 0;
	found = find_reminders(scope, ids, now, limit, of);
	*is_cut |= found.count == limit;
	if (found.count == 0)
		return 0;
	values[0] = ga_row_datum_array(found.groups, NULL, found.count, UUIDOID);
	values[1] = ga_row_datum_array(found.numbers, NULL, found.count, INT4OID);
	values[2] = ga_row_datum_array(found.wanted, NULL, found.count, BOOLOID);
	ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
	return (uint64) ga_row_int64(0, 1, 0);
}

#define SET_ASIDE_UNTIL                                                        \
	"(SELECT s.until FROM group_api_private.set_aside s"                       \
	" WHERE s.group_id = i.group_id AND s.number = i.number"                   \
	" AND s.step = 'deadline')"

static void
set_next_deadline(Datum ids, TimestampTz now)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.groups g SET next_deadline ="
			   " (SELECT min(CASE WHEN " SET_ASIDE_UNTIL " > $2"
			   "    THEN " SET_ASIDE_UNTIL "   WHEN i.expires_at <= $2"
			   "    THEN $2 + interval '" LOCKED_RETRY_S " s'"
			   "   WHEN i.expires_at - $3 <= $2 OR i.reminders > 0"
			   "    OR i.channel IS NULL THEN i.expires_at"
			   "   ELSE i.expires_at - $3 END)"
			   "  FROM group_api_private.invitations i"
			   "  WHERE i.group_id = g.id AND " GA_IS_OPEN
			   "   AND i.expires_at IS NOT NULL)"
			   " WHERE g.id = ANY ($1)",
		.no_wait = GA_ROWS_LOCKED_BY(take_groups),
		.nargs = 3,
		.argtypes = {UUIDARRAYOID, TIMESTAMPTZOID, INTERVALOID},
	};
	Interval *ahead = palloc0(sizeof(Interval));
	Datum values[3] = {ids, TimestampTzGetDatum(now), IntervalPGetDatum(ahead)};

	ahead->time = reminder_us();
	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
}

void
ga_groups_apply_deadlines(const GaOwnerScope *scope, TimestampTz now,
						  GaDeadlinesDone *done)
{
	Datum ids;
	bool is_cut;

	memset(done, 0, sizeof(*done));
	done->groups = take_groups(now, GROUPS_AT_ONCE, &ids);
	if (done->groups == 0)
		return;
	done->expired = expire(ids, now, INVITATIONS_AT_ONCE, all_members);
	is_cut = done->expired == INVITATIONS_AT_ONCE;
	done->reminded =
		remind(scope, ids, now, INVITATIONS_AT_ONCE, all_members, &is_cut);
	/* Otherwise the groups are still due, at once. */
	if (!is_cut)
		set_next_deadline(ids, now);
}

/* ---- the same after an error: one group, row by row ---------------------- */

typedef struct OneGroup
{
	const GaOwnerScope *scope;
	Datum ids; /* of one group */
	pg_uuid_t group_id;
	TimestampTz now;
	Members of;
	uint64 changed;
} OneGroup;

static void
expire_one(void *arg)
{
	OneGroup *one = arg;

	one->changed = expire(one->ids, one->now, 1, one->of);
}

static void
remind_one(void *arg)
{
	OneGroup *one = arg;
	bool found = false;

	one->changed = remind(one->scope, one->ids, one->now, 1, one->of, &found);
	/* One that is suppressed is not queued, but done. */
	if (found)
		one->changed = 1;
}

static void
set_one_next_deadline(void *arg)
{
	const OneGroup *one = arg;

	set_next_deadline(one->ids, one->now);
}

/* Which row expire() or remind() would take next; NULL: there is none. */
static GaRowKey *
find_next(const OneGroup *one, bool to_remind)
{
	static GaPlan plan = {
		.sql = PAST_EXPIRY,
		.nargs = 5,
		.argtypes = {UUIDARRAYOID, TIMESTAMPTZOID, INT4OID, INT4OID, INT4OID},
	};
	Datum values[5] = {one->ids, TimestampTzGetDatum(one->now),
					   Int32GetDatum(1), Int32GetDatum(one->of.from),
					   Int32GetDatum(one->of.to)};
	GaRowKey *key = palloc0(sizeof(GaRowKey));

	if (to_remind)
	{
		Reminders found =
			find_reminders(one->scope, one->ids, one->now, 1, one->of);

		if (found.count == 0)
			return NULL;
		key->group_id = *DatumGetUUIDP(found.groups[0]);
		key->number = DatumGetInt32(found.numbers[0]);
		return key;
	}
	if (ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) == 0)
		return NULL;
	ga_row_read_key(0, key);
	return key;
}

static uint64 do_each(OneGroup *one, bool to_remind, Members of);

/*
 * Some of these members' rows cannot be read, and so cannot be named by reading
 * them: halves are tried, down to the one.
 */
static uint64
do_halves(OneGroup *one, bool to_remind, Members of, const char *error)
{
	GaRowKey key = {one->group_id, of.from};
	int32 middle = of.from + (of.to - of.from) / 2;

	if (of.from < of.to)
		return do_each(one, to_remind, (Members){of.from, middle}) +
			   do_each(one, to_remind, (Members){middle + 1, of.to});
	ga_set_aside_put("deadline", key, error);
	return 0;
}

/* Returns how many changed; those that fail are set aside. */
static uint64
do_each(OneGroup *one, bool to_remind, Members of)
{
	uint64 changed = 0;

	for (int i = 0; i < INVITATIONS_AT_ONCE; i++)
	{
		const char *error;
		GaRowKey *key;

		one->of = of;
		if (ga_set_aside_try(to_remind ? remind_one : expire_one, one, &error))
		{
			if (one->changed == 0)
				break;
			changed++;
			continue;
		}
		if (error != NULL && ga_set_aside_met_storage_error())
			return changed + do_halves(one, to_remind, of, error);
		if (error == NULL || (key = find_next(one, to_remind)) == NULL)
			break;
		ga_set_aside_put("deadline", *key, error);
	}
	return changed;
}

void
ga_groups_apply_deadlines_one_by_one(const GaOwnerScope *scope, TimestampTz now,
									 GaDeadlinesDone *done)
{
	OneGroup one = {.scope = scope, .now = now};
	const char *error;
	GaRowKey group = {.number = 0};
	Datum *ids;
	int count;

	memset(done, 0, sizeof(*done));
	done->groups = take_groups(now, 1, &one.ids);
	if (done->groups == 0)
		return;
	one.ids = datumCopy(one.ids, false, -1);
	deconstruct_array(DatumGetArrayTypeP(one.ids), UUIDOID, UUID_LEN, false,
					  TYPALIGN_CHAR, &ids, NULL, &count);
	group.group_id = one.group_id = *DatumGetUUIDP(ids[0]);
	done->expired = do_each(&one, false, all_members);
	done->reminded = do_each(&one, true, all_members);
	if (!ga_set_aside_try(set_one_next_deadline, &one, &error) && error != NULL)
		ga_set_aside_put("deadline", group, error);
}

/* ---- the next deadline ------------------------------------------------------ */

TimestampTz
ga_groups_next_deadline(void)
{
	static GaPlan plan = {
		.sql = "SELECT next_deadline FROM group_api_private.groups g"
			   " WHERE next_deadline IS NOT NULL AND" IN_RANGE " LIMIT 1",
		.nargs = 4,
		.argtypes = {TIMESTAMPTZOID, UUIDOID, TIMESTAMPTZOID, UUIDOID},
	};
	Datum values[4];
	GaQueueRange range;

	begin_range(&range, DT_NOEND);
	do
	{
		put_range(values, &range);
		if (ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) > 0)
			return ga_row_int64(0, 1, 0);
	} while (ga_queue_range_next(&range));
	return 0;
}

/* How much earlier than before groups are due; 0: they are not. */
static int64
growth_of_setting(void)
{
	static GaPlan plan = {
		.sql =
			"SELECT $1 - reminder_before FROM group_api_private.installation",
		.nargs = 1,
		.argtypes = {INT4OID},
	};
	Datum values[1] = {Int32GetDatum(ga_settings.reminder_before)};

	if (ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) == 0)
		return 0;
	return Max(ga_row_int32(0, 1, 0), 0) * USECS_PER_MINUTE;
}

/* False while somebody holds the row. */
static bool
take_over_setting(void)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.installation"
			   " SET reminder_before = $1 WHERE ctid = ANY (ARRAY("
			   " SELECT ctid FROM group_api_private.installation"
			   "  WHERE reminder_before <> $1"
			   "  FOR NO KEY UPDATE SKIP LOCKED))",
		.nargs = 1,
		.argtypes = {INT4OID},
	};
	static GaPlan find = {
		.sql = "SELECT FROM group_api_private.installation"
			   " WHERE reminder_before <> $1",
		.nargs = 1,
		.argtypes = {INT4OID},
	};
	Datum values[1] = {Int32GetDatum(ga_settings.reminder_before)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE) > 0 ||
		   ga_plan_run(&find, values, NULL, SPI_OK_SELECT) == 0;
}

/* Moves the deadlines of the next groups forward; false: there are no more. */
static bool
move_deadlines(TimestampTz now, int64 earlier_us, pg_uuid_t *after)
{
	static GaPlan plan = {
		.sql = "WITH next AS MATERIALIZED (SELECT id"
			   "  FROM group_api_private.groups WHERE id > $3"
			   "  ORDER BY id LIMIT " GROUPS_MOVED "),"
			   " old AS MATERIALIZED (SELECT g.ctid AS at"
			   "  FROM next JOIN group_api_private.groups g USING (id)"
			   "  WHERE g.next_deadline > $1"
			   "  FOR NO KEY UPDATE OF g SKIP LOCKED),"
			   " moved AS (UPDATE group_api_private.groups g"
			   "  SET next_deadline = greatest($1, g.next_deadline - $2)"
			   "  FROM old WHERE g.ctid = old.at)"
			   " SELECT id FROM next ORDER BY id DESC LIMIT 1",
		.nargs = 3,
		.argtypes = {TIMESTAMPTZOID, INTERVALOID, UUIDOID},
	};
	Interval *earlier = palloc0(sizeof(Interval));
	Datum values[3] = {TimestampTzGetDatum(now), IntervalPGetDatum(earlier),
					   UUIDPGetDatum(after)};
	bool isnull;

	earlier->time = earlier_us;
	if (ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) == 0)
		return false;
	*after = *DatumGetUUIDP(ga_row_datum(0, 1, &isnull));
	return true;
}

bool
ga_groups_move_deadlines(TimestampTz now, pg_uuid_t *after, bool *taken_over)
{
	int64 earlier_us = growth_of_setting();

	if (earlier_us > 0 && move_deadlines(now, earlier_us, after))
		return false;
	*taken_over = take_over_setting();
	return true;
}
