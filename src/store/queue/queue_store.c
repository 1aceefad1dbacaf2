/*
 * queue_store.c
 *		The queue: invitations whose "due" is not null.
 *
 * The index invitations_start_tag (channel, start_tag, group_id, number) gives the
 * order (base/fair_queue).  The delivery state is in no index, so a claim is a HOT
 * update; recording clears "due", which takes the row out of the index.  What is to
 * be tried later loses its tag, waits in the order of "due" and gets a new tag when
 * its time has come; what goes back at once keeps its place.
 *
 * Locks: claims use SKIP LOCKED and so never wait for a caller; what was
 * skipped is found again because the cursor returns to the front before the
 * dispatcher goes idle.  Only the owner of the database's dispatcher slot calls
 * these; the incarnation in every UPDATE makes a late writer harmless.
 */
#include "postgres.h"

#include "base/guc.h"
#include "catalog/pg_type.h"
#include "store/invitation_events.h"
#include "store/plan_cache.h"
#include "store/queue/accepted_try.h"
#include "store/queue/claim_rows.h"
#include "store/queue/poll_store.h"
#include "store/queue/queue_store.h"
#include "store/queue/record_rows.h"
#include "store/queue/set_aside_store.h"
#include "store/queue/unreadable.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/*
 * How far a provider looks for what a lock left behind: more than it ever has in
 * flight.  What stands further back, behind others' rows, comes nearer.
 */
#define FIRST_ROWS 20000
#define FIRST_ROWS_RETRY_US (60 * USECS_PER_SEC)

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

static void
read_claim(const GaOwnerScope *scope, uint64 row, GaClaim *claim)
{
	bool isnull;

	claim->group_id = *DatumGetUUIDP(ga_row_datum(row, 1, &isnull));
	claim->number = ga_row_int32(row, 2, 0);
	claim->attempt = ga_row_int32(row, 3, 1);
	claim->link_version = ga_row_int32(row, 4, 1);
	claim->group_number = ga_row_int64(row, 5, 0);
	claim->start_tag = ga_row_int64(row, 6, 0);
	claim->expires_at = ga_row_int64(row, 7, 0);
	claim->contact = ga_row_text(scope, row, 8);
	claim->member = ga_row_text(scope, row, 9);
	claim->group_name = ga_row_text(scope, row, 10);
	claim->message = ga_row_text(scope, row, 11);
	claim->inviter = ga_row_text(scope, row, 12);
	claim->description = ga_row_text(scope, row, 13);
	claim->image = ga_row_text(scope, row, 14);
	claim->is_archived = ga_row_bool(row, 15, false);
	claim->locale = ga_row_text(scope, row, 16);
	claim->reminders = ga_row_int32(row, 17, 0);
	claim->created_by = ga_row_int64(row, 18, 0);
	claim->refusals = ga_row_int32(row, 19, 0);
	claim->pauses = ga_row_int32(row, 20, 0);
	claim->crashes = ga_row_int32(row, 21, 0);
	claim->suppressed = NULL;
	claim->later = 0;
	claim->later_reason = NULL;
}

#define CLAIM_ARGS 12

/*
 * The rows a claim takes: its arguments are those of claim_plan.  A start tag means
 * that the row has its turn, whatever the date in "due" has become by a clock that
 * was set back.
 */
#define CLAIMABLE                                                              \
	"SELECT group_id, number, ctid AS at," GA_ACCEPTED_TRY_COLUMNS             \
	"  FROM group_api_private.invitations i"                                   \
	"  WHERE channel = " CHANNEL_1 " AND due IS NOT NULL"                      \
	"   AND (start_tag, group_id, number) > ($2, $3, $4)"                      \
	"   AND (start_tag, group_id, number) <= ($10, $11, $12)"                  \
	"   AND delivery = " GA_SQL_QUEUED "   AND response = " GA_SQL_PENDING     \
	"   AND ($5 IS NULL OR contact LIKE ANY ($5))"                             \
	"   AND NOT contact LIKE ANY ($6)"                                         \
	"   AND NOT" GA_IS_SET_ASIDE_WITH_GROUP(                                   \
		"i", "claim") "  ORDER BY start_tag, group_id, number LIMIT $7"        \
					  "  FOR NO KEY UPDATE SKIP LOCKED"

#define SET_CLAIMED GA_SET_CLAIMED("$8", "$9")

static GaPlan claim_plan = {
	.sql = "WITH due AS MATERIALIZED (" CLAIMABLE "),"
		   " history AS (" GA_ACCEPTED_TRY_MOVE ")"
		   " UPDATE group_api_private.invitations i" SET_CLAIMED "  FROM due d"
		   "   LEFT JOIN group_api_private.groups g ON g.id = d.group_id"
		   "   LEFT JOIN group_api_private.members m"
		   "    ON m.group_id = d.group_id AND m.number = d.number"
		   "  WHERE i.ctid = d.at"
		   "  RETURNING i.group_id, i.number, i.attempts::int4,"
		   "   i.link_version::int4, g.number, i.start_tag, i.expires_at,"
		   "   i.contact,"
		   "   m.name, g.name, g.message, g.inviter, g.description, g.image,"
		   "   g.status = 'ARCHIVED', coalesce(i.locale, g.locale),"
		   "   i.reminders::int4, g.created_by, i.refusals::int4,"
		   "   i.pauses::int4, i.crashes::int4",
	.nargs = CLAIM_ARGS,
	.argtypes = {INT4OID, INT8OID, UUIDOID, INT4OID, TEXTARRAYOID, TEXTARRAYOID,
				 INT8OID, INT8OID, TEXTOID, INT8OID, UUIDOID, INT4OID},
};

static void
fill_claim(Datum *values, char *nulls, const char *server,
		   const GaQueueFilter *filter, int64 incarnation, int limit,
		   const GaQueueRange *range)
{
	memset(nulls, ' ', CLAIM_ARGS);
	values[0] = Int32GetDatum(range->list);
	values[1] = Int64GetDatum(range->after.start_tag);
	values[2] = UUIDPGetDatum(&range->after.group_id);
	values[3] = Int32GetDatum(range->after.number);
	values[4] = filter->taken;
	nulls[4] = filter->has_taken ? ' ' : 'n';
	values[5] = filter->left;
	values[6] = Int64GetDatum(limit);
	values[7] = Int64GetDatum(incarnation);
	values[8] = CStringGetTextDatum(server);
	values[9] = Int64GetDatum(range->last.start_tag);
	values[10] = UUIDPGetDatum(&range->last.group_id);
	values[11] = Int32GetDatum(range->last.number);
}

bool
ga_queue_peek(GaChannel channel, const GaQueueFilter *filter,
			  const GaQueueCursor *cursor, int64 last_tag, GaRowKey *key)
{
	/* What a claim of one row would take; the arguments are the same. */
	static GaPlan plan = {
		.sql = CLAIMABLE,
		.nargs = CLAIM_ARGS,
		.argtypes = {INT4OID, INT8OID, UUIDOID, INT4OID, TEXTARRAYOID,
					 TEXTARRAYOID, INT8OID, INT8OID, TEXTOID, INT8OID, UUIDOID,
					 INT4OID},
	};
	Datum values[CLAIM_ARGS];
	char nulls[CLAIM_ARGS];
	GaQueueRange range;

	ga_queue_range_begin(&range, (int) channel, cursor, last_tag);
	do
	{
		fill_claim(values, nulls, "", filter, 0, 1, &range);
		if (ga_plan_run(&plan, values, nulls, SPI_OK_SELECT) > 0)
		{
			ga_set_aside_read_key(0, key);
			return true;
		}
	} while (ga_queue_range_next(&range));
	return false;
}

/* What was claimed is read. */
static void
move_cursor(const GaClaim *claims, int count, GaQueueCursor *cursor)
{
	for (int i = 0; i < count; i++)
	{
		GaQueueCursor at = {claims[i].start_tag, claims[i].group_id,
							claims[i].number};

		if (ga_queue_cursor_compare(&at, cursor) > 0)
			*cursor = at;
	}
}

static int
claim_by_plan(const GaOwnerScope *scope, Datum *values, const char *nulls,
			  GaClaim *claims)
{
	int count =
		(int) ga_plan_run(&claim_plan, values, nulls, SPI_OK_UPDATE_RETURNING);

	for (int i = 0; i < count; i++)
		read_claim(scope, i, &claims[i]);
	return count;
}

int
ga_queue_claim(const GaOwnerScope *scope, GaChannel channel, const char *server,
			   const GaQueueFilter *filter, int64 incarnation, int limit,
			   GaQueueCursor *cursor, int64 last_tag, GaClaim **claims)
{
	Datum values[CLAIM_ARGS];
	char nulls[CLAIM_ARGS];
	GaQueueRange range;
	GaRowClaims *rows;
	int count = 0;

	*claims = MemoryContextAlloc(scope->caller_context,
								 sizeof(GaClaim) * Max(limit, 1));
	rows = ga_row_claims_begin(scope, channel, server, filter, incarnation);
	ga_queue_range_begin(&range, (int) channel, cursor, last_tag);
	do
	{
		GaClaim *next = *claims + count;
		int more;

		fill_claim(values, nulls, server, filter, incarnation, limit - count,
				   &range);
		more = rows != NULL
				   ? ga_row_claims_take(rows, &range, limit - count, next)
				   : claim_by_plan(scope, values, nulls, next);
		move_cursor(next, more, cursor);
		count += more;
	} while (count < limit && ga_queue_range_next(&range));
	if (rows != NULL)
		ga_row_claims_end(rows);
	return count;
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
			   "  FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
			   "   AS o (group_id, number, delivery, due, given_back, reason,"
			   "   message_id, expired, refusals, pauses, crashes)"
			   "  JOIN group_api_private.invitations i"
			   "   ON i.group_id = o.group_id AND i.number = o.number"
			   "  WHERE " GA_FROM_SENDING " AND i.incarnation = $12"
			   "  FOR NO KEY UPDATE OF i SKIP LOCKED)"
			   " UPDATE group_api_private.invitations i" GA_SET_RECORDED
			   " FROM o WHERE i.ctid = o.at",
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
	return run_with_columns(&plan, columns, types, 11, count,
							Int64GetDatum(incarnation), SPI_OK_UPDATE);
}

/*
 * Moves the records whose rows are still being sent, so locked by somebody, to
 * the front; returns how many.
 */
static int
keep_locked(GaRecord *records, int count, int64 incarnation)
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

	/* A row that is no longer being sent was answered or deleted: nothing to
	 * keep, and of a deleted one no history either. */
	if (!all_are_there)
		kept = keep_locked(records, left, incarnation);
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

/* The bounds of a range as six arguments. */
static void
put_range(Datum *values, const GaQueueRange *range)
{
	values[0] = Int64GetDatum(range->after.start_tag);
	values[1] = UUIDPGetDatum(&range->after.group_id);
	values[2] = Int32GetDatum(range->after.number);
	values[3] = Int64GetDatum(range->last.start_tag);
	values[4] = UUIDPGetDatum(&range->last.group_id);
	values[5] = Int32GetDatum(range->last.number);
}

/* Whether there are more waiting rows than are looked at; whose ever they are. */
static bool
has_more_rows(GaChannel channel)
{
	static GaPlan plan = {
		.sql = "SELECT FROM group_api_private.invitations"
			   " WHERE channel = " CHANNEL_1 " AND due IS NOT NULL"
			   "  AND (start_tag, group_id, number) > ($3, $4, $5)"
			   "  AND (start_tag, group_id, number) <= ($6, $7, $8)"
			   " ORDER BY start_tag, group_id, number OFFSET $2 LIMIT 1",
		.nargs = 8,
		.argtypes = {INT4OID, INT8OID, INT8OID, UUIDOID, INT4OID, INT8OID,
					 UUIDOID, INT4OID},
	};
	GaQueueCursor front = {.start_tag = GA_START_TAG_MIN};
	Datum values[8] = {Int32GetDatum((int32) channel),
					   Int64GetDatum(FIRST_ROWS)};
	GaQueueRange range;

	ga_queue_range_begin(&range, (int) channel, &front, GA_START_TAG_MAX);
	do
	{
		put_range(&values[2], &range);
		if (ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) > 0)
			return true;
	} while (ga_queue_range_next(&range));
	return false;
}

TimestampTz
ga_queue_first(GaChannel channel, const GaQueueFilter *filter)
{
	static GaPlan plan = {
		.sql =
			"SELECT due FROM (SELECT due, contact, delivery, response,"
			"   group_id, number"
			"  FROM group_api_private.invitations"
			"  WHERE channel = " CHANNEL_1 " AND due IS NOT NULL"
			"   AND (start_tag, group_id, number) > ($5, $6, $7)"
			"   AND (start_tag, group_id, number) <= ($8, $9, $10)"
			"  ORDER BY start_tag, group_id, number LIMIT $4) AS first"
			" WHERE delivery = " GA_SQL_QUEUED
			"  AND response = " GA_SQL_PENDING
			"  AND NOT" GA_IS_SET_ASIDE_WITH_GROUP(
				"first", "claim") "  AND ($2 IS NULL OR contact LIKE ANY ($2))"
								  "  AND NOT contact LIKE ANY ($3) LIMIT 1",
		.nargs = 10,
		.argtypes = {INT4OID, TEXTARRAYOID, TEXTARRAYOID, INT8OID, INT8OID,
					 UUIDOID, INT4OID, INT8OID, UUIDOID, INT4OID},
	};
	GaQueueCursor front = {.start_tag = GA_START_TAG_MIN};
	Datum values[10] = {Int32GetDatum((int32) channel), filter->taken,
						filter->left, Int64GetDatum(FIRST_ROWS)};
	char nulls[10];
	GaQueueRange range;

	memset(nulls, ' ', sizeof(nulls));
	nulls[1] = filter->has_taken ? ' ' : 'n';
	ga_queue_range_begin(&range, (int) channel, &front, GA_START_TAG_MAX);
	do
	{
		put_range(&values[4], &range);
		if (ga_plan_run(&plan, values, nulls, SPI_OK_SELECT) > 0)
			/* It has its turn, whatever the clock says now. */
			return Min(ga_row_int64(0, 1, 0), GetCurrentTimestamp());
	} while (ga_queue_range_next(&range));
	if ((filter->has_taken || filter->has_left) && has_more_rows(channel))
		return GetCurrentTimestamp() + FIRST_ROWS_RETRY_US;
	return 0;
}

int64
ga_queue_first_tag(GaChannel channel)
{
	static GaPlan plan = {
		.sql = "SELECT start_tag FROM group_api_private.invitations"
			   " WHERE channel = " CHANNEL_1 " AND due IS NOT NULL"
			   "  AND (start_tag, group_id, number) > ($2, $3, $4)"
			   "  AND (start_tag, group_id, number) <= ($5, $6, $7)"
			   " ORDER BY start_tag, group_id, number LIMIT 1",
		.nargs = 7,
		.argtypes = {INT4OID, INT8OID, UUIDOID, INT4OID, INT8OID, UUIDOID,
					 INT4OID},
	};
	GaQueueCursor front = {.start_tag = GA_START_TAG_MIN};
	Datum values[7] = {Int32GetDatum((int32) channel)};
	GaQueueRange range;

	ga_queue_range_begin(&range, (int) channel, &front, GA_START_TAG_MAX);
	do
	{
		put_range(&values[1], &range);
		if (ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) > 0)
			return ga_row_int64(0, 1, GA_START_TAG_MIN);
	} while (ga_queue_range_next(&range));
	return GA_START_TAG_MIN;
}
