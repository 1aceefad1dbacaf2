/*
 * claim_store.c
 *		The dispatcher takes rows of the queue: invitations whose "due" is not null.
 *
 * The index invitations_start_tag (channel, start_tag, group_id, number) gives the
 * order (base/fair_queue).  The delivery state is in no index, so a claim is a HOT
 * update.
 *
 * Others' rows may stand between those that a provider takes, as many as wait.  So a
 * claim reads a bounded number of them, moves the cursor behind what it read, and
 * says whether the queue goes on there; what it has read it never reads again, but
 * for what it tells of: rows that others held.
 *
 * Locks: claims use SKIP LOCKED and so never wait for a caller.  Only the owner of
 * the database's dispatcher slot calls these.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/invitation_events.h"
#include "store/plan_cache.h"
#include "store/queue/accepted_try.h"
#include "store/queue/claim_rows.h"
#include "store/queue/claim_store.h"
#include "store/queue/unreadable.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/*
 * How far a provider looks for what was left behind: more than it ever has in
 * flight.
 */
#define FIRST_ROWS 20000
#define FIRST_ROWS_RETRY_US (60 * USECS_PER_SEC)

#define CHANNEL_1                                                              \
	"CASE $1 WHEN 1 THEN 'MOBILE'::group_api.channel"                          \
	" ELSE 'EMAIL'::group_api.channel END"

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
			ga_row_read_key(0, key);
			return true;
		}
	} while (ga_queue_range_next(&range));
	return false;
}

static int
claim_by_plan(const GaOwnerScope *scope, Datum *values, const char *nulls,
			  GaQueueScan *scan, GaClaim *claims)
{
	int count =
		(int) ga_plan_run(&claim_plan, values, nulls, SPI_OK_UPDATE_RETURNING);

	for (int i = 0; i < count; i++)
	{
		GaQueueCursor at;

		read_claim(scope, i, &claims[i]);
		at = (GaQueueCursor){claims[i].start_tag, claims[i].group_id,
							 claims[i].number};
		/* What was claimed is read. */
		if (ga_queue_cursor_compare(&at, scan->cursor) > 0)
			*scan->cursor = at;
	}
	return count;
}

int
ga_queue_claim(const GaOwnerScope *scope, GaChannel channel, const char *server,
			   const GaQueueFilter *filter, int64 incarnation, int limit,
			   GaQueueScan *scan, GaClaim **claims)
{
	Datum values[CLAIM_ARGS];
	char nulls[CLAIM_ARGS];
	GaQueueRange range;
	GaRowClaims *rows;
	int count = 0;

	*claims = MemoryContextAlloc(scope->caller_context,
								 sizeof(GaClaim) * Max(limit, 1));
	rows = ga_row_claims_begin(scope, channel, server, filter, incarnation,
							   scan->all_may_go);
	scan->goes_on = false;
	scan->tells_locked = rows != NULL;
	scan->claimed_to = GA_START_TAG_MIN;
	ga_fair_queue_reset_range(&scan->locked);
	ga_queue_range_begin(&range, (int) channel, scan->cursor, scan->last_tag);
	do
	{
		GaClaim *next = *claims + count;

		fill_claim(values, nulls, server, filter, incarnation, limit - count,
				   &range);
		count += rows != NULL ? ga_row_claims_take(rows, &range, limit - count,
												   scan, next)
							  : claim_by_plan(scope, values, nulls, scan, next);
	} while (count < limit && !scan->goes_on && ga_queue_range_next(&range));
	scan->goes_on |= count == limit;
	for (int i = 0; i < count; i++)
		scan->claimed_to = Max(scan->claimed_to, (*claims)[i].start_tag);
	if (rows != NULL)
		ga_row_claims_end(rows);
	return count;
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
