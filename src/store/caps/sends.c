/*
 * sends.c
 *		What was sent to whom, and for which leader, in the last two days.
 *
 * The one dispatcher of a database adds rows and changes none, and there is no unique
 * index: nobody's transaction is waited for.  A claim costs one look into the index and
 * one row, so keys are short (store/contact_hash), and both are done without a plan
 * where the table is as this extension made it; a statement does the same where not.
 *
 * Locks: none on rows, but those of trimming.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/plan_cache.h"
#include "store/row.h"
#include "store/row_access.h"
#include "store/caps/sends.h"
#include "store/table/table_insert.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Removed in one go: some milliseconds. */
#define TRIM_ROWS 10000

static const GaColumn columns[] = {{"key", INT8OID},
								   {"leader", INT8OID},
								   {"message", INT8OID},
								   {"at", TIMESTAMPTZOID}};

#define COLUMNS lengthof(columns)

/* ---- finding -------------------------------------------------------------- */

static void
walk_key(GaRowReader *reader, Datum key, int place, TimestampTz since,
		 GaSendTaker take, void *context)
{
	ScanKeyData scan_key;

	ScanKeyInit(&scan_key, 1, BTEqualStrategyNumber, F_INT8EQ, key);
	ga_row_reader_seek(reader, &scan_key, 1);
	while (ga_row_reader_next(reader))
	{
		GaSend send = {DatumGetInt64(key),
					   DatumGetInt64(ga_row_reader_value(reader, 2)),
					   DatumGetInt64(ga_row_reader_value(reader, 3)),
					   DatumGetTimestampTz(ga_row_reader_value(reader, 4))};

		if (send.at >= since)
			take(context, place, &send);
	}
}

/* False: the table is not as this extension made it. */
static bool
walk_all(const Datum *keys, int count, TimestampTz since, GaSendTaker take,
		 void *context)
{
	static const char *const names[] = {"key", "leader", "message", "at", NULL};
	GaRowReader reader;
	bool is_open;

	PushActiveSnapshot(GetTransactionSnapshot());
	is_open = ga_row_reader_open(&reader, "sends", "sends_key", names, 1);
	if (is_open)
	{
		for (int i = 0; i < count; i++)
			walk_key(&reader, keys[i], i, since, take, context);
		ga_row_reader_close(&reader);
	}
	PopActiveSnapshot();
	return is_open;
}

static void
select_all(const Datum *keys, int count, TimestampTz since, GaSendTaker take,
		   void *context)
{
	static GaPlan plan = {
		.sql = "SELECT o.n::int4, s.leader, s.message, s.at"
			   " FROM unnest($1) WITH ORDINALITY AS o (key, n)"
			   " JOIN group_api_private.sends s ON s.key = o.key"
			   " WHERE s.at >= $2",
		.nargs = 2,
		.argtypes = {INT8ARRAYOID, TIMESTAMPTZOID},
	};
	Datum values[2] = {ga_row_datum_array((Datum *) keys, NULL, count, INT8OID),
					   TimestampTzGetDatum(since)};
	uint64 found = ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);

	for (uint64 row = 0; row < found; row++)
	{
		int place = ga_row_int32(row, 1, 1) - 1;
		GaSend send = {DatumGetInt64(keys[place]), ga_row_int64(row, 2, 0),
					   ga_row_int64(row, 3, 0), ga_row_int64(row, 4, 0)};

		take(context, place, &send);
	}
}

void
ga_sends_find(const Datum *keys, int count, TimestampTz since, GaSendTaker take,
			  void *context)
{
	if (!walk_all(keys, count, since, take, context))
		select_all(keys, count, since, take, context);
}

int64 *
ga_sends_count(const Datum *keys, int count, TimestampTz since)
{
	static GaPlan plan = {
		.sql = "SELECT o.n::int4, c.sent FROM unnest($1) WITH ORDINALITY"
			   "  AS o (key, n), LATERAL (SELECT count(*) AS sent"
			   "  FROM group_api_private.sends s"
			   "  WHERE s.key = o.key AND s.at >= $2) AS c",
		.nargs = 2,
		.argtypes = {INT8ARRAYOID, TIMESTAMPTZOID},
	};
	Datum values[2] = {ga_row_datum_array((Datum *) keys, NULL, count, INT8OID),
					   TimestampTzGetDatum(since)};
	int64 *sent = palloc0(sizeof(int64) * count);
	uint64 found = ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);

	for (uint64 row = 0; row < found; row++)
		sent[ga_row_int32(row, 1, 1) - 1] = ga_row_int64(row, 2, 0);
	return sent;
}

/* ---- adding --------------------------------------------------------------- */

static void
fill(const GaSend *send, Datum *values)
{
	values[0] = Int64GetDatum(send->key);
	values[1] = Int64GetDatum(send->leader);
	values[2] = Int64GetDatum(send->message);
	values[3] = TimestampTzGetDatum(send->at);
}

/* False: a statement has to do it. */
static bool
put_all(const GaSend *sends, int count)
{
	static GaTable table = {
		.name = "sends", .column_count = COLUMNS, .columns = columns};
	static const bool nulls[COLUMNS];
	GaTableInsert insert;
	Datum values[COLUMNS];

	if (!ga_table_insert_begin(&insert, &table))
		return false;
	for (int i = 0; i < count; i++)
	{
		fill(&sends[i], values);
		ga_table_insert_row(&insert, values, nulls);
	}
	ga_table_insert_end(&insert);
	return true;
}

static void
insert_all(const GaSend *sends, int count)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.sends (key, leader, message, at)"
			   " SELECT * FROM unnest($1, $2, $3, $4)",
		.nargs = 4,
		.argtypes = {INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
					 TIMESTAMPTZARRAYOID},
	};
	Datum *lists[COLUMNS];
	Datum values[COLUMNS];

	for (int column = 0; column < COLUMNS; column++)
		lists[column] = palloc(sizeof(Datum) * count);
	for (int i = 0; i < count; i++)
	{
		fill(&sends[i], values);
		for (int column = 0; column < COLUMNS; column++)
			lists[column][i] = values[column];
	}
	for (int column = 0; column < COLUMNS; column++)
		values[column] = ga_row_datum_array(lists[column], NULL, count,
											columns[column].type);
	ga_plan_run(&plan, values, NULL, SPI_OK_INSERT);
}

void
ga_sends_add(const GaSend *sends, int count)
{
	if (!put_all(sends, count))
		insert_all(sends, count);
}

/* ---- forgetting ----------------------------------------------------------- */

bool
ga_sends_trim(void)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.sends WHERE ctid = ANY (ARRAY("
			   " SELECT ctid FROM group_api_private.sends"
			   "  WHERE at < now() - interval '2 days' LIMIT $1"
			   "  FOR UPDATE SKIP LOCKED))",
		.nargs = 1,
		.argtypes = {INT4OID},
		.is_by_range = true,
	};
	Datum values[1] = {Int32GetDatum(TRIM_ROWS)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_DELETE) == TRIM_ROWS;
}
