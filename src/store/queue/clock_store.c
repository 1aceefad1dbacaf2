/*
 * clock_store.c
 *		Waits that rows keep as dates.
 *
 * A date alone does not tell a wait from a day in the calendar.  What tells it is
 * since when the row waits, or how often it was tried: the wait that follows is
 * known, and no wait is longer than that.
 *
 * Locks: rows of pauses under ga_provider_lock_pauses(); others are skipped where locked.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/queue/clock_store.h"
#include "store/invitation_events.h"
#include "store/plan_cache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* A time service corrects a clock by less, and a commit takes a moment. */
#define SOON "now() + interval '1 s'"

void
ga_clock_move_rests(int64 step_us)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.pauses"
			   " SET until = least(until + s.step, now() + (until - since)),"
			   "  since = least(since + s.step, now())"
			   " FROM (SELECT make_interval(secs => $1)) AS s (step)"
			   " WHERE by_dispatcher AND until IS NOT NULL"
			   "  AND ($1 <> 0 OR since > " SOON ")",
		.no_wait = GA_MAY_MEET_A_LOCK(
			"who pauses or resumes is shut out: ga_provider_lock_pauses()"),
		.nargs = 1,
		.argtypes = {FLOAT8OID},
	};
	Datum values[1] = {
		Float8GetDatum((double) step_us / (double) USECS_PER_SEC)};

	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
}

/* Of the part of the queue behind the cursor; false: there is no more. */
static bool
shorten_invitations(GaDueCursor *cursor, int limit)
{
	static GaPlan plan = {
		.sql = "WITH part AS MATERIALIZED (SELECT ctid AS at, due, group_id,"
			   "   number, changed_at FROM group_api_private.invitations"
			   "  WHERE due IS NOT NULL AND start_tag IS NULL"
			   "   AND (due, group_id, number) > ($1, $2, $3)"
			   "  ORDER BY due, group_id, number LIMIT $4),"
			   " late AS MATERIALIZED (SELECT ctid AS at"
			   "  FROM group_api_private.invitations WHERE ctid = ANY (ARRAY("
			   "   SELECT at FROM part WHERE changed_at > " SOON "))"
			   "   AND changed_at > " SOON "  FOR NO KEY UPDATE SKIP LOCKED),"
			   " shortened AS (UPDATE group_api_private.invitations "
			   "i" GA_SET_SHORTENED "  FROM late WHERE i.ctid = late.at)"
			   " SELECT due, group_id, number, count(*) OVER ()::int4 FROM part"
			   "  ORDER BY due DESC, group_id DESC, number DESC LIMIT 1",
		.nargs = 4,
		.argtypes = {TIMESTAMPTZOID, UUIDOID, INT4OID, INT8OID},
	};
	Datum values[4] = {TimestampTzGetDatum(cursor->due),
					   UUIDPGetDatum(&cursor->group_id),
					   Int32GetDatum(cursor->number), Int64GetDatum(limit)};
	bool isnull;

	if (ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) == 0)
		return false;
	cursor->due = ga_row_int64(0, 1, 0);
	cursor->group_id = *DatumGetUUIDP(ga_row_datum(0, 2, &isnull));
	cursor->number = ga_row_int32(0, 3, 0);
	return ga_row_int32(0, 4, 0) == limit;
}

/* As long as ga_polls_add() and ga_polls_take() make a question wait. */
static void
shorten_polls(void)
{
	static GaPlan plan = {
		.sql = "WITH late AS MATERIALIZED (SELECT ctid AS at,"
			   "   now() + least(interval '15 s' * 2 ^ least(tries, 10),"
			   "   interval '1 h') AS latest FROM group_api_private.polls"
			   "  WHERE next_at > " SOON " + least(interval '15 s'"
			   "   * 2 ^ least(tries, 10), interval '1 h')"
			   "  FOR UPDATE SKIP LOCKED)"
			   " UPDATE group_api_private.polls p SET next_at = late.latest"
			   " FROM late WHERE p.ctid = late.at",
	};

	ga_plan_run(&plan, NULL, NULL, SPI_OK_UPDATE);
}

/* As long as ga_set_aside_put() sets a row aside. */
static void
shorten_set_aside(void)
{
	static GaPlan plan = {
		.sql = "WITH late AS MATERIALIZED (SELECT ctid AS at, now() + CASE step"
			   "   WHEN 'trim' THEN interval '1 h' ELSE least(interval '5 s'"
			   "    * 4 ^ least(tries - 1, 5), interval '1 h') END AS latest"
			   "  FROM group_api_private.set_aside WHERE until > now()"
			   "  FOR UPDATE SKIP LOCKED)"
			   " UPDATE group_api_private.set_aside s SET until = late.latest"
			   " FROM late WHERE s.ctid = late.at AND s.until > late.latest",
	};

	ga_plan_run(&plan, NULL, NULL, SPI_OK_UPDATE);
}

bool
ga_clock_shorten_rows(GaDueCursor *cursor, int limit)
{
	if (shorten_invitations(cursor, limit))
		return false;
	shorten_polls();
	shorten_set_aside();
	return true;
}
