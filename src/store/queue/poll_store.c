/*
 * poll_store.c
 *		Statements on group_api_private.polls.
 *
 * A question is counted and its successor scheduled before it is asked, so a
 * crash costs one answer, never a loop.
 *
 * Locks: rows of polls only, skipping locked ones.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/invitation_events.h"
#include "store/plan_cache.h"
#include "store/queue/poll_store.h"
#include "store/queue/unreadable.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Removed in one go: some milliseconds. */
#define TRIM_ROWS 10000

/* Part of ga_plan_run_without_waiting(): `arg` are the arrays of the two columns. */
static void
add_polls(const void *arg)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.polls (group_id, number,"
			   "  link_version, next_at, server, message_id)"
			   " SELECT i.group_id, i.number, i.link_version,"
			   "  now() + interval '15 s', i.server, i.message_id"
			   " FROM unnest($1, $2) AS o (group_id, number)"
			   " JOIN group_api_private.invitations i"
			   "  ON i.group_id = o.group_id AND i.number = o.number"
			   " WHERE " GA_FROM_SENT " AND i.message_id IS NOT NULL"
			   " ON CONFLICT (group_id, number) DO UPDATE"
			   " SET link_version = excluded.link_version, tries = 0,"
			   "  crashes = 0,"
			   "  next_at = excluded.next_at, server = excluded.server,"
			   "  message_id = excluded.message_id",
		.no_wait = GA_MAY_MEET_A_LOCK("part of ga_plan_run_without_waiting()"),
		.nargs = 2,
		.argtypes = {UUIDARRAYOID, INT4ARRAYOID},
	};

	ga_plan_run(&plan, (Datum *) arg, NULL, SPI_OK_INSERT);
}

/*
 * All at once; where one of the rows is held by somebody, one after the other, so that
 * only the one that is held is never asked about.
 */
void
ga_polls_add(const GaRecord *records, int count)
{
	Datum *groups = palloc(sizeof(Datum) * Max(count, 1));
	Datum *numbers = palloc(sizeof(Datum) * Max(count, 1));
	Datum values[2];
	int at = 0;

	for (int i = 0; i < count; i++)
	{
		if (!records[i].polled)
			continue;
		groups[at] = UUIDPGetDatum(&records[i].group_id);
		numbers[at++] = Int32GetDatum(records[i].number);
	}
	if (at == 0)
		return;
	values[0] = ga_row_datum_array(groups, NULL, at, UUIDOID);
	values[1] = ga_row_datum_array(numbers, NULL, at, INT4OID);
	/* A row of this table guards nothing: the message is recorded without. */
	if (ga_plan_run_without_waiting(add_polls, values))
		return;
	for (int i = 0; i < at; i++)
	{
		values[0] = ga_row_datum_array(&groups[i], NULL, 1, UUIDOID);
		values[1] = ga_row_datum_array(&numbers[i], NULL, 1, INT4OID);
		(void) ga_plan_run_without_waiting(add_polls, values);
	}
}

/* The bounds of a part of the list, as six arguments. */
static void
put_range(Datum *values, const GaQueueRange *range)
{
	values[0] = TimestampTzGetDatum(range->after.start_tag);
	values[1] = UUIDPGetDatum(&range->after.group_id);
	values[2] = Int32GetDatum(range->after.number);
	values[3] = TimestampTzGetDatum(range->last.start_tag);
	values[4] = UUIDPGetDatum(&range->last.group_id);
	values[5] = Int32GetDatum(range->last.number);
}

/*
 * The list is walked like the queue, with next_at in the place of the tag: in one range,
 * unless pages of the table cannot be read, which lie between several.
 */
static void
begin_range(GaQueueRange *range, TimestampTz end)
{
	GaQueueCursor front = {.start_tag = DT_NOBEGIN};

	ga_queue_range_begin(range, GA_LIST_POLLS, &front, end);
}

/* Those of a part of the list; the first two arguments stand before the bounds. */
#define IN_RANGE                                                               \
	" server = ANY ($1)"                                                       \
	" AND (next_at, group_id, number) > ($3, $4, $5)"                          \
	" AND (next_at, group_id, number) <= ($6, $7, $8)"                         \
	" AND NOT" GA_IS_SET_ASIDE("q",                                            \
							   "poll") " ORDER BY next_at, group_id, number"

static void
read_polls(const GaOwnerScope *scope, GaPoll *polls, int count)
{
	for (int i = 0; i < count; i++)
	{
		GaPoll *poll = &polls[i];
		bool isnull;

		poll->group_id = *DatumGetUUIDP(ga_row_datum(i, 1, &isnull));
		poll->number = ga_row_int32(i, 2, 0);
		poll->link_version = ga_row_int32(i, 3, 1);
		poll->tries = ga_row_int32(i, 4, 1);
		poll->server = ga_row_text(scope, i, 5);
		poll->message_id = ga_row_text(scope, i, 6);
		poll->crashes = ga_row_int32(i, 7, 0);
	}
}

int
ga_polls_take(const GaOwnerScope *scope, Datum servers, int limit,
			  GaPoll **polls)
{
	/* 15 s, 30 s, 1 min ... an hour at the most. */
	static GaPlan plan = {
		.sql = "WITH due AS MATERIALIZED (SELECT ctid AS at"
			   "  FROM group_api_private.polls q WHERE" IN_RANGE
			   "  LIMIT $2 FOR UPDATE SKIP LOCKED)"
			   " UPDATE group_api_private.polls p"
			   " SET tries = least(p.tries + 1, 32767),"
			   "  next_at = $9 + least(interval '15 s'"
			   "   * 2 ^ least(p.tries + 1, 10), interval '1 h')"
			   " FROM due WHERE p.ctid = due.at"
			   " RETURNING p.group_id, p.number, p.link_version::int4,"
			   "  p.tries::int4, p.server, p.message_id, p.crashes::int4",
		.nargs = 9,
		.argtypes = {TEXTARRAYOID, INT4OID, TIMESTAMPTZOID, UUIDOID, INT4OID,
					 TIMESTAMPTZOID, UUIDOID, INT4OID, TIMESTAMPTZOID},
	};
	TimestampTz now = GetCurrentTimestamp();
	Datum values[9] = {servers};
	GaQueueRange range;
	int count = 0;

	*polls = MemoryContextAllocZero(scope->caller_context,
									sizeof(GaPoll) * Max(limit, 1));
	values[8] = TimestampTzGetDatum(now);
	begin_range(&range, now);
	do
	{
		int more;

		values[1] = Int32GetDatum(limit - count);
		put_range(&values[2], &range);
		more = (int) ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE_RETURNING);
		read_polls(scope, *polls + count, more);
		count += more;
	} while (count < limit && ga_queue_range_next(&range));
	return count;
}

/* The row on which a take failed is the first of the list: the one to be tried alone. */
bool
ga_polls_peek(Datum servers, GaRowKey *key)
{
	static GaPlan plan = {
		.sql = "SELECT group_id, number FROM group_api_private.polls q"
			   " WHERE" IN_RANGE " LIMIT $2 FOR UPDATE SKIP LOCKED",
		.nargs = 8,
		.argtypes = {TEXTARRAYOID, INT4OID, TIMESTAMPTZOID, UUIDOID, INT4OID,
					 TIMESTAMPTZOID, UUIDOID, INT4OID},
	};
	Datum values[8] = {servers, Int32GetDatum(1)};
	GaQueueRange range;

	begin_range(&range, GetCurrentTimestamp());
	do
	{
		put_range(&values[2], &range);
		if (ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) > 0)
		{
			ga_row_read_key(0, key);
			return true;
		}
	} while (ga_queue_range_next(&range));
	return false;
}

TimestampTz
ga_polls_next(Datum servers)
{
	static GaPlan plan = {
		.sql = "SELECT next_at FROM group_api_private.polls q"
			   " WHERE" IN_RANGE " LIMIT $2",
		.nargs = 8,
		.argtypes = {TEXTARRAYOID, INT4OID, TIMESTAMPTZOID, UUIDOID, INT4OID,
					 TIMESTAMPTZOID, UUIDOID, INT4OID},
	};
	Datum values[8] = {servers, Int32GetDatum(1)};
	GaQueueRange range;

	begin_range(&range, DT_NOEND);
	do
	{
		put_range(&values[2], &range);
		if (ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) > 0)
			return ga_row_int64(0, 1, 0);
	} while (ga_queue_range_next(&range));
	return 0;
}

/*
 * Counted in one statement with the end of the count, so that a dispatcher that dies in
 * between has done both or neither.  True: it was the last, and nobody asks again.
 */
bool
ga_poll_note_crash(pg_uuid_t group_id, int32 number, const char *message_id,
				   int limit)
{
	static GaPlan plan = {
		.sql = "WITH p AS MATERIALIZED (SELECT ctid AS at, crashes"
			   "  FROM group_api_private.polls"
			   "  WHERE group_id = $1 AND number = $2 AND message_id = $3"
			   "  FOR UPDATE SKIP LOCKED),"
			   " counted AS (UPDATE group_api_private.polls q"
			   "  SET crashes = q.crashes + 1 FROM p"
			   "  WHERE q.ctid = p.at AND p.crashes + 1 < $4)"
			   " DELETE FROM group_api_private.polls q USING p"
			   " WHERE q.ctid = p.at AND p.crashes + 1 >= $4",
		.nargs = 4,
		.argtypes = {UUIDOID, INT4OID, TEXTOID, INT4OID},
	};
	Datum values[4] = {UUIDPGetDatum(&group_id), Int32GetDatum(number),
					   CStringGetTextDatum(message_id), Int32GetDatum(limit)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_DELETE) > 0;
}

bool
ga_poll_lock(pg_uuid_t group_id, int32 number)
{
	static GaPlan invitation = {
		.sql = "SELECT FROM group_api_private.invitations"
			   " WHERE group_id = $1 AND number = $2"
			   " FOR NO KEY UPDATE SKIP LOCKED",
		.nargs = 2,
		.argtypes = {UUIDOID, INT4OID},
	};
	static GaPlan poll = {
		.sql = "SELECT FROM group_api_private.polls"
			   " WHERE group_id = $1 AND number = $2"
			   " FOR UPDATE SKIP LOCKED",
		.nargs = 2,
		.argtypes = {UUIDOID, INT4OID},
	};
	Datum values[2] = {UUIDPGetDatum(&group_id), Int32GetDatum(number)};

	return ga_plan_run(&invitation, values, NULL, SPI_OK_SELECT) > 0 &&
		   ga_plan_run(&poll, values, NULL, SPI_OK_SELECT) > 0;
}

/* The id keeps a late answer about an earlier message from ending the questions of a new one. */
void
ga_poll_forget(pg_uuid_t group_id, int32 number, const char *message_id)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.polls"
			   " WHERE group_id = $1 AND number = $2"
			   "  AND ($3 IS NULL OR message_id = $3)",
		.no_wait = GA_ROWS_LOCKED_BY(ga_poll_lock),
		.nargs = 3,
		.argtypes = {UUIDOID, INT4OID, TEXTOID},
	};
	Datum values[3] = {UUIDPGetDatum(&group_id), Int32GetDatum(number),
					   message_id ? CStringGetTextDatum(message_id)
								  : (Datum) 0};
	char nulls[3] = {' ', ' ', message_id ? ' ' : 'n'};

	ga_plan_run(&plan, values, nulls, SPI_OK_DELETE);
}

bool
ga_polls_trim(void)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.polls WHERE ctid = ANY (ARRAY("
			   " SELECT ctid FROM group_api_private.polls"
			   "  WHERE next_at < now() - interval '2 days' LIMIT $1"
			   "  FOR UPDATE SKIP LOCKED))",
		.nargs = 1,
		.argtypes = {INT4OID},
	};
	Datum values[1] = {Int32GetDatum(TRIM_ROWS)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_DELETE) == TRIM_ROWS;
}
