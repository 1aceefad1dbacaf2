/*
 * usage_store.c
 *		What a caller has made on one day (UTC), counted against the daily caps.
 *
 * A caller may be a whole app, so nobody waits for a counter: one that another
 * transaction holds is passed by and a further row begun.  A day's usage is the sum
 * of the rows.  Transactions at once do not see each other's, so that a cap can be
 * passed by as many as run at once.  What was counted before today goes with the
 * first row of a day.
 *
 * Every group of a caller reads and writes a row here, so both are done without a
 * statement (store/table/table_rows); what happens once a day is not.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "store/plan_cache.h"
#include "store/table/table_rows.h"
#include "store/usage_store.h"
#include "utils/date.h"
#include "utils/timestamp.h"

/* $1 the user, $2 groups, $3 bytes of pictures. */
#define ARGS 3
#define TYPES                                                                  \
	{                                                                          \
		INT8OID, INT8OID, INT8OID                                              \
	}
#define TODAY "(now() AT TIME ZONE 'UTC')::date"

enum
{
	ID,
	USER_ID,
	DAY,
	GROUPS,
	PICTURE_BYTES
};

static const GaColumn columns[] = {
	{"id", INT8OID, true}, {"user_id", INT8OID},	   {"day", DATEOID},
	{"groups", INT8OID},   {"picture_bytes", INT8OID},
};

static GaTable usage = {
	.name = "usage",
	.column_count = lengthof(columns),
	.columns = columns,
};

/*
 * A call reads what was counted and adds to a row later, so where that stood is kept in
 * between.  Of several the session keeps to its own one, so that sessions of one caller
 * seldom meet.  Both are guesses: the row itself tells whether it is one of the user's.
 */
static int64 own_row;
static ItemPointerData row_to_add_to;

/* Both count from the same midnight of UTC. */
static Datum
today(void)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	return DateADTGetDatum((DateADT) (now / USECS_PER_DAY));
}

/* The user's rows of today; false: a statement has to look. */
static bool
begin_rows(GaTableRows *rows, GaTableUse use, int64 user_id)
{
	const GaTableKey keys[2] = {{USER_ID, Int64GetDatum(user_id)},
								{DAY, today()}};

	return ga_table_rows_begin(rows, &usage, use, keys, lengthof(keys));
}

static int64
counted(const GaTableRows *rows, int column)
{
	return DatumGetInt64(ga_table_rows_value(rows, column));
}

static GaUsage
read_by_statement(int64 user_id)
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

GaUsage
ga_usage_read(int64 user_id)
{
	GaUsage used = {0};
	GaTableRows rows;

	ItemPointerSetInvalid(&row_to_add_to);
	if (!begin_rows(&rows, GA_TABLE_READ, user_id))
		return read_by_statement(user_id);
	while (ga_table_rows_next(&rows))
	{
		if (!ItemPointerIsValid(&row_to_add_to) ||
			counted(&rows, ID) == own_row)
			row_to_add_to = ga_table_rows_place(&rows);
		used.groups += counted(&rows, GROUPS);
		used.picture_bytes += counted(&rows, PICTURE_BYTES);
	}
	ga_table_rows_end(&rows);
	return used;
}

static bool
add_by_statement(Datum *values)
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

/* To the row at hand; false: another transaction holds it or has just changed it. */
static bool
add_to_this(GaTableRows *rows, const Datum *values)
{
	static const int changed[2] = {GROUPS, PICTURE_BYTES};
	const Datum sums[2] = {
		Int64GetDatum(counted(rows, GROUPS) + DatumGetInt64(values[1])),
		Int64GetDatum(counted(rows, PICTURE_BYTES) + DatumGetInt64(values[2]))};

	if (!ga_table_rows_change(rows, changed, sums, lengthof(sums)))
		return false;
	own_row = counted(rows, ID);
	return true;
}

/* False when there is no row yet that can be added to. */
static bool
add_to_row(Datum *values)
{
	GaTableRows rows;
	bool done;

	if (!begin_rows(&rows, GA_TABLE_CHANGED, DatumGetInt64(values[0])))
		return add_by_statement(values);
	done =
		ga_table_rows_go_to(&rows, row_to_add_to) && add_to_this(&rows, values);
	while (!done && ga_table_rows_next(&rows))
		done = add_to_this(&rows, values);
	ga_table_rows_end(&rows);
	return done;
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
			   " VALUES ($1, " TODAY ", $2, $3) RETURNING id",
		.nargs = ARGS,
		.argtypes = TYPES,
	};

	/* With a snapshot of its own, a row changed since would be an error. */
	if (!IsolationUsesXactSnapshot())
		ga_plan_run(&trim, values, NULL, SPI_OK_DELETE);
	ga_plan_run(&insert, values, NULL, SPI_OK_INSERT_RETURNING);
	own_row = ga_row_int64(0, 1, 0);
}

void
ga_usage_add(int64 user_id, GaUsage more)
{
	Datum values[ARGS] = {Int64GetDatum(user_id), Int64GetDatum(more.groups),
						  Int64GetDatum(more.picture_bytes)};

	if (IsolationUsesXactSnapshot() || !add_to_row(values))
		begin_row(values);
}
