/*
 * usage_store.c
 *		What a caller has made on one day (UTC), counted against the daily caps.
 *
 * A caller may be a whole app, so nobody waits for a counter: one that another
 * transaction holds is passed by and a further row begun.  A day's usage is the sum
 * of the rows.  Transactions at once do not see each other's, so that a cap can be
 * passed by as many as run at once.  What was counted before today goes with the
 * first row of a day.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "store/plan_cache.h"
#include "store/usage_store.h"

/* $1 the user, $2 groups, $3 bytes of pictures. */
#define ARGS 3
#define TYPES                                                                  \
	{                                                                          \
		INT8OID, INT8OID, INT8OID                                              \
	}
#define TODAY "(now() AT TIME ZONE 'UTC')::date"

GaUsage
ga_usage_read(int64 user_id)
{
	static GaPlan plan = {
		.sql = "SELECT sum(groups)::int8, sum(picture_bytes)::int8"
			   " FROM group_api_private.usage"
			   " WHERE user_id = $1 AND day = " TODAY,
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	Datum values[1] = {Int64GetDatum(user_id)};

	/* Not in the caller's snapshot: several calls may be one statement. */
	ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
	return (GaUsage){ga_row_int64(0, 1, 0), ga_row_int64(0, 2, 0)};
}

/* False when there is no row yet that nobody holds. */
static bool
add_to_row(Datum *values)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.usage SET groups = groups + $2,"
			   " picture_bytes = picture_bytes + $3 WHERE id = ("
			   "  SELECT id FROM group_api_private.usage"
			   "   WHERE user_id = $1 AND day = " TODAY
			   "   ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)",
		.nargs = ARGS,
		.argtypes = TYPES,
	};

	return ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE) > 0;
}

static void
begin_row(Datum *values)
{
	static GaPlan trim = {
		.sql = "DELETE FROM group_api_private.usage WHERE id = ANY (ARRAY("
			   " SELECT id FROM group_api_private.usage"
			   "  WHERE user_id = $1 AND day < " TODAY
			   "  FOR UPDATE SKIP LOCKED))",
		.nargs = ARGS,
		.argtypes = TYPES,
	};
	static GaPlan insert = {
		.sql = "INSERT INTO group_api_private.usage"
			   " (user_id, day, groups, picture_bytes)"
			   " VALUES ($1, " TODAY ", $2, $3)",
		.nargs = ARGS,
		.argtypes = TYPES,
	};

	/* With a snapshot of its own, a row changed since would be an error. */
	if (!IsolationUsesXactSnapshot())
		ga_plan_run(&trim, values, NULL, SPI_OK_DELETE);
	ga_plan_run(&insert, values, NULL, SPI_OK_INSERT);
}

void
ga_usage_add(int64 user_id, GaUsage more)
{
	Datum values[ARGS] = {Int64GetDatum(user_id), Int64GetDatum(more.groups),
						  Int64GetDatum(more.picture_bytes)};

	if (IsolationUsesXactSnapshot() || !add_to_row(values))
		begin_row(values);
}
