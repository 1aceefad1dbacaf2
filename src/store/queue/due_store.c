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
#include "store/queue/due_store.h"
#include "store/plan_cache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

static uint64
find_due(const GaDueCursor *cursor, TimestampTz now, int limit)
{
	static GaPlan plan = {
		.sql =
			"SELECT i.ctid, i.due, i.group_id, i.number,"
			"  CASE i.channel WHEN 'MOBILE' THEN 1 ELSE 2 END,"
			"  (SELECT g.created_by FROM group_api_private.groups g"
			"    WHERE g.id = i.group_id)"
			" FROM group_api_private.invitations i"
			" WHERE i.due IS NOT NULL AND i.start_tag IS NULL"
			"  AND (i.due, i.group_id, i.number) > ($1, $2, $3)"
			"  AND i.due <= $4 AND i.delivery = 'queued'"
			"  AND NOT" GA_IS_SET_ASIDE(
				"i", "place") " ORDER BY i.due, i.group_id, i.number LIMIT $5"
							  " FOR NO KEY UPDATE OF i SKIP LOCKED",
		.nargs = 5,
		.argtypes = {TIMESTAMPTZOID, UUIDOID, INT4OID, TIMESTAMPTZOID, INT8OID},
	};
	Datum values[5] = {TimestampTzGetDatum(cursor->due),
					   UUIDPGetDatum(&cursor->group_id),
					   Int32GetDatum(cursor->number), TimestampTzGetDatum(now),
					   Int64GetDatum(limit)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
}

bool
ga_queue_peek_due(const GaDueCursor *cursor, TimestampTz now, GaRowKey *key)
{
	bool isnull;

	if (find_due(cursor, now, 1) == 0)
		return false;
	key->group_id = *DatumGetUUIDP(ga_row_datum(0, 3, &isnull));
	key->number = ga_row_int32(0, 4, 0);
	return true;
}

int
ga_queue_place_due(GaDueCursor *cursor, TimestampTz now, int limit,
				   GaTagRange *tags)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.invitations i"
			   " SET start_tag = o.start_tag"
			   " FROM unnest($1, $2) AS o (at, start_tag)"
			   " WHERE i.ctid = o.at",
		.no_wait = GA_ROWS_LOCKED_BY(find_due),
		.nargs = 2,
		.argtypes = {TIDARRAYOID, INT8ARRAYOID},
	};
	int count = (int) find_due(cursor, now, limit);
	Datum *places = palloc(sizeof(Datum) * Max(count, 1));
	Datum *given = palloc(sizeof(Datum) * Max(count, 1));
	Datum values[2];
	bool isnull;

	if (count == 0)
		return 0;
	for (int i = 0; i < count; i++)
	{
		GaChannel channel = (GaChannel) ga_row_int32(i, 5, GA_CHANNEL_EMAIL);
		int64 tag = ga_start_tags_take(channel, ga_row_int64(i, 6, 0), 1).first;

		places[i] = ga_row_datum(i, 1, &isnull);
		given[i] = Int64GetDatum(tag);
		ga_tag_range_add(&tags[channel], tag, tag);
	}
	cursor->due = ga_row_int64(count - 1, 2, 0);
	cursor->group_id = *DatumGetUUIDP(ga_row_datum(count - 1, 3, &isnull));
	cursor->number = ga_row_int32(count - 1, 4, 0);
	values[0] = ga_datum_array(places, NULL, count, TIDOID);
	values[1] = ga_datum_array(given, NULL, count, INT8OID);
	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
	return count;
}

TimestampTz
ga_queue_next_due(void)
{
	static GaPlan plan = {
		.sql = "SELECT due FROM group_api_private.invitations i"
			   " WHERE due IS NOT NULL AND start_tag IS NULL"
			   "  AND delivery = 'queued'"
			   "  AND NOT" GA_IS_SET_ASIDE(
				   "i", "place") " ORDER BY due, group_id, number LIMIT 1",
	};

	if (ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT) == 0)
		return 0;
	return ga_row_int64(0, 1, 0);
}
