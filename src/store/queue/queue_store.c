/*
 * queue_store.c
 *		What became of claimed rows is written into the queue.
 *
 * A row waits while its "due" is not null; recording clears it, which takes the row
 * out of the queue's indexes.  What is to be tried later loses its tag, waits in the
 * order of "due" and gets a new tag when its time has come; what goes back at once
 * keeps its place.  Claims are in claim_store.
 *
 * Locks: rows of invitations, skipping locked ones.  Only the owner of the database's
 * dispatcher slot calls these; the incarnation in every UPDATE makes a late writer
 * harmless.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/events/event_moves.h"
#include "store/invitation_events.h"
#include "store/plan_cache.h"
#include "store/queue/accepted_try.h"
#include "store/queue/poll_store.h"
#include "store/queue/queue_store.h"
#include "store/queue/record_rows.h"
#include "store/queue/set_aside_store.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define CHANNEL_1                                                              \
	"CASE $1 WHEN 1 THEN 'MOBILE'::group_api.channel"                          \
	" ELSE 'EMAIL'::group_api.channel END"

int64
ga_queue_new_incarnation(void)
{
	static GaPlan plan = {
		.sql = "SELECT nextval('group_api_private.incarnations')",
	};

	ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT);
	return ga_row_int64(0, 1, 0);
}

/* One parameter of ga_queue_record: a column over all records. */
typedef struct Column
{
	Datum *values;
	bool *nulls;
} Column;

static Column
new_column(int count)
{
	Column column;

	column.values = palloc0(sizeof(Datum) * count);
	column.nulls = palloc0(sizeof(bool) * count);
	return column;
}

static void
put_text(Column *column, int at, const char *text)
{
	column->nulls[at] = text == NULL;
	if (text != NULL)
		column->values[at] = CStringGetTextDatum(text);
}

static void
put_value(Column *column, int at, Datum value, bool isnull)
{
	column->nulls[at] = isnull;
	column->values[at] = value;
}

static uint64
run_with_columns(GaPlan *plan, const Column *columns, const Oid *types,
				 int ncolumns, int count, Datum last, int expected)
{
	Datum values[GA_PLAN_MAX_ARGS];

	for (int i = 0; i < ncolumns; i++)
		values[i] = ga_row_datum_array(columns[i].values, columns[i].nulls,
									   count, types[i]);
	values[ncolumns] = last;
	return ga_plan_run(plan, values, NULL, expected);
}

/* Returns how many rows took their new state. */
static uint64
record_states(const GaRecord *records, int count, int64 incarnation)
{
	static GaPlan plan = {
		.sql = "WITH o AS MATERIALIZED (SELECT o.*, i.ctid AS at"
			   "   , " GA_IS_OPEN " AS was_open"
			   "  FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
			   "   AS o (group_id, number, delivery, due, given_back, reason,"
			   "   message_id, expired, refusals, pauses, crashes)"
			   "  JOIN group_api_private.invitations i"
			   "   ON i.group_id = o.group_id AND i.number = o.number"
			   "  WHERE " GA_FROM_SENDING " AND i.incarnation = $12"
			   "  FOR NO KEY UPDATE OF i SKIP LOCKED)"
			   " UPDATE group_api_private.invitations i" GA_SET_RECORDED
			   " FROM o WHERE i.ctid = o.at RETURNING i.group_id, i.number,"
			   "  i.delivery, CASE WHEN o.was_open THEN i.response END",
		.nargs = 12,
		.argtypes = {UUIDARRAYOID, INT4ARRAYOID, TEXTARRAYOID,
					 TIMESTAMPTZARRAYOID, INT2ARRAYOID, TEXTARRAYOID,
					 TEXTARRAYOID, BOOLARRAYOID, INT2ARRAYOID, INT2ARRAYOID,
					 INT2ARRAYOID, INT8OID},
	};
	static const Oid types[11] = {UUIDOID, INT4OID, TEXTOID, TIMESTAMPTZOID,
								  INT2OID, TEXTOID, TEXTOID, BOOLOID,
								  INT2OID, INT2OID, INT2OID};
	Column columns[11];
	uint64 recorded;

	for (int i = 0; i < 11; i++)
		columns[i] = new_column(count);
	for (int i = 0; i < count; i++)
	{
		const GaRecord *record = &records[i];

		put_value(&columns[0], i, UUIDPGetDatum(&record->group_id), false);
		put_value(&columns[1], i, Int32GetDatum(record->number), false);
		Assert(ga_state_may_record(record->delivery));
		put_text(&columns[2], i, ga_state_delivery_word(record->delivery));
		put_value(&columns[3], i, TimestampTzGetDatum(record->due),
				  record->due == 0);
		put_value(&columns[4], i, Int16GetDatum(record->give_back), false);
		put_text(&columns[5], i, record->reason);
		put_text(&columns[6], i, record->message_id);
		put_value(&columns[7], i, BoolGetDatum(record->expired), false);
		put_value(&columns[8], i, Int16GetDatum((int16) record->refusals),
				  !record->in_doubt);
		put_value(&columns[9], i, Int16GetDatum((int16) record->pauses),
				  !record->in_doubt);
		put_value(&columns[10], i, Int16GetDatum((int16) record->crashes),
				  !record->counts_crashes);
	}
	recorded =
		run_with_columns(&plan, columns, types, 11, count,
						 Int64GetDatum(incarnation), SPI_OK_UPDATE_RETURNING);
	ga_event_write_moved(GA_MOVE_RECORD);
	return recorded;
}

int
ga_queue_find_sending(GaRecord *records, int count, int64 incarnation)
{
	static GaPlan plan = {
		.sql = "SELECT o.n::int4 FROM unnest($1, $2) WITH ORDINALITY"
			   "  AS o (group_id, number, n)"
			   " JOIN group_api_private.invitations i"
			   "  ON i.group_id = o.group_id AND i.number = o.number"
			   " WHERE " GA_FROM_SENDING " AND i.incarnation = $3"
			   " ORDER BY o.n",
		.nargs = 3,
		.argtypes = {UUIDARRAYOID, INT4ARRAYOID, INT8OID},
	};
	static const Oid types[2] = {UUIDOID, INT4OID};
	Column columns[2] = {new_column(count), new_column(count)};
	int kept;

	for (int i = 0; i < count; i++)
	{
		put_value(&columns[0], i, UUIDPGetDatum(&records[i].group_id), false);
		put_value(&columns[1], i, Int32GetDatum(records[i].number), false);
	}
	kept = (int) run_with_columns(&plan, columns, types, 2, count,
								  Int64GetDatum(incarnation), SPI_OK_SELECT);
	for (int i = 0; i < kept; i++)
	{
		int at = ga_row_int32(i, 1, 1) - 1;
		GaRecord record = records[at];

		memmove(&records[i + 1], &records[i], sizeof(GaRecord) * (at - i));
		records[i] = record;
	}
	return kept;
}

static void
record_attempts(const GaRecord *records, int count, bool all_are_there)
{
	static GaPlan plan = {
		.sql =
			"INSERT INTO group_api_private.attempts (group_id, member,"
			" attempt, segments, outcome, server, started_at, elapsed,"
			" next_at, code, detail)"
			" SELECT group_id, number, attempt, nullif(segments, 0), outcome,"
			"  server, started_at,"
			"  make_interval(secs => elapsed_us / 1000000.0::float8),"
			"  next_at, code, detail"
			" FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
			"  AS o (group_id, number, attempt, segments, outcome, server,"
			"  started_at, elapsed_us, next_at, code, detail)"
			" WHERE $12 OR EXISTS (SELECT FROM group_api_private.invitations i"
			"  WHERE i.group_id = o.group_id AND i.number = o.number)",
		.nargs = 12,
		.argtypes = {UUIDARRAYOID, INT4ARRAYOID, INT2ARRAYOID, INT2ARRAYOID,
					 TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID,
					 INT8ARRAYOID, TIMESTAMPTZARRAYOID, TEXTARRAYOID,
					 TEXTARRAYOID, BOOLOID},
	};
	static const Oid types[11] = {
		UUIDOID,		INT4OID, INT2OID,		 INT2OID, TEXTOID, TEXTOID,
		TIMESTAMPTZOID, INT8OID, TIMESTAMPTZOID, TEXTOID, TEXTOID};
	Column columns[11];
	int at = 0;

	for (int i = 0; i < 11; i++)
		columns[i] = new_column(count);
	for (int i = 0; i < count; i++)
	{
		const GaRecord *record = &records[i];

		if (record->outcome == NULL || record->is_with_row)
			continue;
		put_value(&columns[0], at, UUIDPGetDatum(&record->group_id), false);
		put_value(&columns[1], at, Int32GetDatum(record->number), false);
		put_value(&columns[2], at, Int16GetDatum((int16) record->attempt),
				  false);
		put_value(&columns[3], at, Int16GetDatum((int16) record->segments),
				  false);
		put_text(&columns[4], at, record->outcome);
		put_text(&columns[5], at, record->server);
		put_value(&columns[6], at, TimestampTzGetDatum(record->started_at),
				  false);
		put_value(&columns[7], at, Int64GetDatum(record->elapsed_us), false);
		put_value(&columns[8], at, TimestampTzGetDatum(record->due),
				  record->due == 0);
		put_text(&columns[9], at, record->code);
		put_text(&columns[10], at, record->detail);
		at++;
	}
	if (at > 0)
		run_with_columns(&plan, columns, types, 11, at,
						 BoolGetDatum(all_are_there), SPI_OK_INSERT);
}

static void
record_captured(const GaRecord *record)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.captured (group_id, member,"
			   " server, channel, recipient, message)"
			   " SELECT group_id, number, $4, " CHANNEL_1 ", $5, $6"
			   " FROM group_api_private.invitations"
			   " WHERE group_id = $2 AND number = $3",
		.nargs = 6,
		.argtypes = {INT4OID, UUIDOID, INT4OID, TEXTOID, TEXTOID, TEXTOID},
	};
	Datum values[6];

	values[0] = Int32GetDatum((int32) record->channel);
	values[1] = UUIDPGetDatum(&record->group_id);
	values[2] = Int32GetDatum(record->number);
	values[3] = CStringGetTextDatum(record->server);
	values[4] = CStringGetTextDatum(record->recipient);
	values[5] = CStringGetTextDatum(record->captured);
	ga_plan_run(&plan, values, NULL, SPI_OK_INSERT);
}

int
ga_queue_record(GaRecord *records, int count, int64 incarnation)
{
	int left = ga_row_records_write(records, count, incarnation);
	bool all_are_there =
		left == 0 || record_states(records, left, incarnation) == left;
	int kept = 0;

	/* One that is still being sent is locked by somebody.  A row that is not was
	 * answered or deleted: nothing to keep, and of a deleted one no history either. */
	if (!all_are_there)
		kept = ga_queue_find_sending(records, left, incarnation);
	record_attempts(records + kept, count - kept, all_are_there);
	ga_polls_add(records + kept, count - kept);
	for (int i = kept; i < count; i++)
	{
		const GaRecord *record = &records[i];

		if (record->captured != NULL)
			record_captured(record);
		if (record->set_aside)
			ga_set_aside_send((GaRowKey){record->group_id, record->number},
							  record->reason);
	}
	return kept;
}
