/*
 * due_store.c
 *		Rows of the queue that wait for a time: what is to be tried later, what a
 *		cap keeps until tomorrow, reminders, what was queued as a whole.
 *
 * They have no start tag.  When they are due they get one as if they were new, so
 * that ten thousand of one leader, due at the same moment, do not go before the
 * one of another (base/fair_queue).  That is an update more than others cost, so
 * what is to leave at once gets its tag when it is written.
 *
 * Locks: rows of invitations only, skipping locked ones.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/invitation_events.h"
#include "store/queue/due_store.h"
#include "store/plan_cache.h"
#include "store/queue/unreadable.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* A part of the list, up to a moment; the rows are in SPI_tuptable. */
static uint64
find_in_range(const GaQueueRange *range, TimestampTz now, int limit)
{
	static GaPlan plan = {
		.sql =
			"SELECT i.group_id, i.number, i.ctid, i.due,"
			"  CASE i.channel WHEN 'MOBILE' THEN 1 ELSE 2 END"
			" FROM group_api_private.invitations i"
			" WHERE i.due IS NOT NULL AND i.start_tag IS NULL"
			"  AND (i.due, i.group_id, i.number) > ($1, $2, $3)"
			"  AND (i.due, i.group_id, i.number) <= ($6, $7, $8)"
			"  AND i.due <= $4 AND " GA_FROM_QUEUED
			"  AND NOT" GA_IS_SET_ASIDE_WITH_GROUP(
				"i", "place") " ORDER BY i.due, i.group_id, i.number LIMIT $5"
							  " FOR NO KEY UPDATE OF i SKIP LOCKED",
		.nargs = 8,
		.argtypes = {TIMESTAMPTZOID, UUIDOID, INT4OID, TIMESTAMPTZOID, INT8OID,
					 TIMESTAMPTZOID, UUIDOID, INT4OID},
	};
	Datum values[8] = {TimestampTzGetDatum(range->after.start_tag),
					   UUIDPGetDatum(&range->after.group_id),
					   Int32GetDatum(range->after.number),
					   TimestampTzGetDatum(now),
					   Int64GetDatum(limit),
					   TimestampTzGetDatum(range->last.start_tag),
					   UUIDPGetDatum(&range->last.group_id),
					   Int32GetDatum(range->last.number)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
}

/* The first of them that can be read. */
static uint64
find_due(const GaDueCursor *cursor, TimestampTz now, int limit)
{
	GaQueueCursor after = {cursor->due, cursor->group_id, cursor->number};
	GaQueueRange range;
	uint64 count;

	ga_queue_range_begin(&range, GA_CHANNEL_NONE, &after, now);
	do
	{
		count = find_in_range(&range, now, limit);
	} while (count == 0 && ga_queue_range_next(&range));
	return count;
}

bool
ga_queue_peek_due(const GaDueCursor *cursor, TimestampTz now, GaRowKey *key)
{
	if (find_due(cursor, now, 1) == 0)
		return false;
	ga_row_read_key(0, key);
	return true;
}

/* The rows of find_due(), as they are placed. */
typedef struct DueRows
{
	int count;
	Datum *places;
	Datum *groups;
	GaChannel *channels;
} DueRows;

static DueRows
read_due_rows(int count, GaDueCursor *cursor)
{
	DueRows rows = {.count = count};
	bool isnull;

	rows.places = palloc(sizeof(Datum) * count);
	rows.groups = palloc(sizeof(Datum) * count);
	rows.channels = palloc(sizeof(GaChannel) * count);
	for (int i = 0; i < count; i++)
	{
		rows.groups[i] = ga_row_datum(i, 1, &isnull);
		rows.places[i] = ga_row_datum(i, 3, &isnull);
		rows.channels[i] = (GaChannel) ga_row_int32(i, 5, GA_CHANNEL_EMAIL);
	}
	cursor->group_id = *DatumGetUUIDP(rows.groups[count - 1]);
	cursor->number = ga_row_int32(count - 1, 2, 0);
	cursor->due = ga_row_int64(count - 1, 4, 0);
	return rows;
}

/* Takes a tag for each, as one of its group's leader's; an array. */
static Datum
take_tags(const DueRows *rows, GaTagRange *tags)
{
	static GaPlan plan = {
		.sql = "SELECT g.created_by FROM unnest($1) WITH ORDINALITY"
			   "  AS o (group_id, n)"
			   " LEFT JOIN group_api_private.groups g ON g.id = o.group_id"
			   " ORDER BY o.n",
		.nargs = 1,
		.argtypes = {UUIDARRAYOID},
	};
	Datum *given = palloc(sizeof(Datum) * rows->count);
	Datum values[1] = {
		ga_row_datum_array(rows->groups, NULL, rows->count, UUIDOID)};

	ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
	for (int i = 0; i < rows->count; i++)
	{
		GaChannel channel = rows->channels[i];
		int64 tag =
			ga_fair_queue_take_tags(channel, ga_row_int64(i, 1, 0), 1).first;

		given[i] = Int64GetDatum(tag);
		ga_fair_queue_add_range(&tags[channel], tag, tag);
	}
	return ga_row_datum_array(given, NULL, rows->count, INT8OID);
}

int
ga_queue_place_due(GaDueCursor *cursor, TimestampTz now, int limit,
				   GaTagRange *tags)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.invitations i" GA_SET_PLACED
			   " FROM unnest($1, $2) AS o (at, start_tag)"
			   " WHERE i.ctid = o.at",
		.no_wait = GA_ROWS_LOCKED_BY(find_in_range),
		.nargs = 2,
		.argtypes = {TIDARRAYOID, INT8ARRAYOID},
	};
	int count = (int) find_due(cursor, now, limit);
	DueRows rows;
	Datum values[2];

	if (count == 0)
		return 0;
	rows = read_due_rows(count, cursor);
	values[0] = ga_row_datum_array(rows.places, NULL, count, TIDOID);
	values[1] = take_tags(&rows, tags);
	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
	return count;
}

TimestampTz
ga_queue_next_due(void)
{
	static GaPlan plan = {
		.sql = "SELECT due FROM group_api_private.invitations i"
			   " WHERE due IS NOT NULL AND start_tag IS NULL"
			   "  AND (due, group_id, number) > ($1, $2, $3)"
			   "  AND (due, group_id, number) <= ($4, $5, $6)"
			   "  AND " GA_FROM_QUEUED "  AND NOT" GA_IS_SET_ASIDE_WITH_GROUP(
				   "i", "place") " ORDER BY due, group_id, number LIMIT 1",
		.nargs = 6,
		.argtypes = {TIMESTAMPTZOID, UUIDOID, INT4OID, TIMESTAMPTZOID, UUIDOID,
					 INT4OID},
	};
	GaQueueCursor front = {.start_tag = DT_NOBEGIN};
	GaQueueRange range;

	ga_queue_range_begin(&range, GA_CHANNEL_NONE, &front, DT_NOEND);
	do
	{
		Datum values[6] = {TimestampTzGetDatum(range.after.start_tag),
						   UUIDPGetDatum(&range.after.group_id),
						   Int32GetDatum(range.after.number),
						   TimestampTzGetDatum(range.last.start_tag),
						   UUIDPGetDatum(&range.last.group_id),
						   Int32GetDatum(range.last.number)};

		if (ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) > 0)
			return ga_row_int64(0, 1, 0);
	} while (ga_queue_range_next(&range));
	return 0;
}
