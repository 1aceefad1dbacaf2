/*
 * orphan_store.c
 *		Rows that earlier dispatchers left in the state sending.
 *
 * The delivery state is in no index, so that a claim is a HOT update.  So the
 * whole queue has to be searched for these rows; that is done in slices, in the
 * queue's own order, while others are claimed already.  What was claimed last stands
 * at the front of its list; the lists are read in turns, so it is found by the first
 * slices, whatever waits in the others.
 *
 * Locks: rows of invitations, skipping locked ones.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/events/event_moves.h"
#include "store/invitation_events.h"
#include "store/plan_cache.h"
#include "store/queue/orphan_store.h"
#include "store/queue/unreadable.h"

/* Rows of the queue read in one go: some milliseconds. */
#define SLICE_ROWS 2000

#define NOT_SET_ASIDE                                                          \
	" NOT" GA_IS_SET_ASIDE("i", "take back") " AND NOT" GA_IS_SET_ASIDE(       \
		"i", "record")

#define OF_OLDER_INCARNATION                                                   \
	" i.due IS NOT NULL AND " GA_FROM_SENDING                                  \
	" AND i.incarnation IS DISTINCT FROM $1"

#define STOPPED "'the server stopped while the message was under way'"
#define SET_TAKEN_BACK GA_SET_TAKEN_BACK(STOPPED)

/* What could not be recorded was sent. */
#define WAS_SENT                                                               \
	"(i.server = ANY ($2) OR NOT " GA_IS_OPEN " OR EXISTS (SELECT"             \
	" FROM group_api_private.set_aside s WHERE s.group_id = i.group_id"        \
	" AND s.number = i.number AND s.step = 'record'))"

/*
 * The columns of a slice; the tag of a row without one is when it is due.  The last one is
 * null where nothing is to be taken back, and false where that is not the time for it.
 */
#define SLICE(tag, of_list)                                                    \
	"SELECT i.group_id, i.number, " tag ","                                    \
	" CASE WHEN" OF_OLDER_INCARNATION " THEN" NOT_SET_ASIDE " END"             \
	" FROM group_api_private.invitations i"                                    \
	" WHERE " of_list " AND i.due IS NOT NULL"                                 \
	"  AND (" tag ", i.group_id, i.number) > ($3, $4, $5)"                     \
	"  AND (" tag ", i.group_id, i.number) <= ($6, $7, $8)"                    \
	" ORDER BY " tag ", i.group_id, i.number LIMIT $9"

/* Reads a slice of a part of the list; the rows are in SPI_tuptable. */
static int
read_slice(const GaQueueRange *range, int64 incarnation)
{
	static GaPlan tagged = {
		.sql = SLICE("i.start_tag", "i.channel = CASE $2 WHEN 1 THEN"
									" 'MOBILE'::group_api.channel"
									" ELSE 'EMAIL'::group_api.channel END"),
		.nargs = 9,
		.argtypes = {INT8OID, INT4OID, INT8OID, UUIDOID, INT4OID, INT8OID,
					 UUIDOID, INT4OID, INT8OID},
	};
	static GaPlan untagged = {
		.sql = SLICE("i.due", "$2 = 0 AND i.start_tag IS NULL"),
		.nargs = 9,
		.argtypes = {INT8OID, INT4OID, TIMESTAMPTZOID, UUIDOID, INT4OID,
					 TIMESTAMPTZOID, UUIDOID, INT4OID, INT8OID},
	};
	Datum values[9] = {Int64GetDatum(incarnation),
					   Int32GetDatum(range->list),
					   Int64GetDatum(range->after.start_tag),
					   UUIDPGetDatum(&range->after.group_id),
					   Int32GetDatum(range->after.number),
					   Int64GetDatum(range->last.start_tag),
					   UUIDPGetDatum(&range->last.group_id),
					   Int32GetDatum(range->last.number),
					   Int64GetDatum(SLICE_ROWS)};

	return (int) ga_plan_run(range->list == GA_CHANNEL_NONE ? &untagged
															: &tagged,
							 values, NULL, SPI_OK_SELECT);
}

static void
begin(GaOrphanSearch *search)
{
	memset(search, 0, sizeof(*search));
	search->is_begun = true;
	for (int i = 0; i < GA_CHANNEL_COUNT; i++)
		search->at[i].start_tag = GA_START_TAG_MIN;
}

/*
 * Moves the search behind a slice, and to the next list; true: the whole queue has
 * been searched.
 */
static bool
move_on(GaOrphanSearch *search, GaQueueRange *range, const GaQueueCursor *last)
{
	if (last != NULL)
		search->at[search->list] = *last;
	else if (ga_queue_range_next(range))
	{
		search->at[search->list] = range->after;
		search->leaves_some = true;
	}
	else
		search->is_over[search->list] = true;
	for (int i = 0; i < GA_CHANNEL_COUNT; i++)
	{
		search->list = (search->list + 1) % GA_CHANNEL_COUNT;
		if (!search->is_over[search->list])
			return false;
	}
	return true;
}

int
ga_orphans_find(const GaOwnerScope *scope, int64 incarnation,
				GaOrphanSearch *search, GaOrphan **orphans, bool *is_over)
{
	GaQueueRange range;
	GaQueueCursor at = {0};
	int rows;
	int count = 0;

	if (!search->is_begun)
		begin(search);
	ga_queue_range_begin(&range, search->list, &search->at[search->list],
						 GA_START_TAG_MAX);
	rows = read_slice(&range, incarnation);
	*orphans = MemoryContextAlloc(scope->caller_context,
								  sizeof(GaOrphan) * Max(rows, 1));
	for (int i = 0; i < rows; i++)
	{
		GaRowKey key;

		ga_row_read_key(i, &key);
		at = (GaQueueCursor){ga_row_int64(i, 3, 0), key.group_id, key.number};
		if (ga_row_bool(i, 4, false))
			(*orphans)[count++] = (GaOrphan){key, search->list, at.start_tag};
		search->leaves_some |= !ga_row_bool(i, 4, true);
	}
	*is_over = move_on(search, &range, rows == SLICE_ROWS ? &at : NULL);
	return count;
}

/* The keys as the arrays $3 and $4, or those of another place. */
static void
put_keys(Datum *values, const GaOrphan *orphans, int count)
{
	Datum *groups = palloc(sizeof(Datum) * Max(count, 1));
	Datum *numbers = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
	{
		groups[i] = UUIDPGetDatum(&orphans[i].key.group_id);
		numbers[i] = Int32GetDatum(orphans[i].key.number);
	}
	values[0] = ga_row_datum_array(groups, NULL, count, UUIDOID);
	values[1] = ga_row_datum_array(numbers, NULL, count, INT4OID);
}

uint64
ga_orphans_take_back(int64 incarnation, Datum hold_servers,
					 const GaOrphan *orphans, int count, bool with_history)
{
	static GaPlan plan = {
		.sql =
			"WITH o AS MATERIALIZED (SELECT i.ctid AS at,"
			"   " WAS_SENT " AS was_sent"
			"  FROM unnest($3, $4) AS o (group_id, number)"
			"  JOIN group_api_private.invitations i"
			"   ON i.group_id = o.group_id AND i.number = o.number"
			"  WHERE" OF_OLDER_INCARNATION " AND" NOT_SET_ASIDE
			"  FOR NO KEY UPDATE OF i SKIP LOCKED),"
			" back AS (UPDATE group_api_private.invitations i" SET_TAKEN_BACK
			"  FROM o WHERE i.ctid = o.at"
			"  RETURNING " GA_MOVED ", i.attempts, i.server, i.due),"
			" history AS (INSERT INTO group_api_private.attempts (group_id,"
			"  member, attempt, outcome, server, started_at, elapsed, next_at,"
			"  code, detail)"
			" SELECT group_id, number, attempts, 'uncertain' AS outcome,"
			"  server, now(), '0', CASE WHEN due IS NOT NULL THEN now() END,"
			" 'crash', " STOPPED " FROM back"
			"  WHERE $5)"
			" SELECT * FROM back",
		.nargs = 5,
		.argtypes = {INT8OID, TEXTARRAYOID, UUIDARRAYOID, INT4ARRAYOID,
					 BOOLOID},
	};
	Datum values[5] = {Int64GetDatum(incarnation), hold_servers};
	uint64 taken;

	put_keys(&values[2], orphans, count);
	values[4] = BoolGetDatum(with_history);
	taken = ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
	ga_event_write_moved(GA_MOVE_TAKE_BACK);
	return taken;
}

int
ga_orphans_keep_locked(int64 incarnation, GaOrphan *orphans, int count)
{
	static GaPlan plan = {
		.sql =
			"SELECT o.n::int4 FROM unnest($2, $3) WITH ORDINALITY"
			"  AS o (group_id, number, n)"
			" JOIN group_api_private.invitations i"
			"  ON i.group_id = o.group_id AND i.number = o.number"
			" WHERE" OF_OLDER_INCARNATION " AND" NOT_SET_ASIDE " ORDER BY o.n",
		.nargs = 3,
		.argtypes = {INT8OID, UUIDARRAYOID, INT4ARRAYOID},
	};
	Datum values[3] = {Int64GetDatum(incarnation)};
	int kept;

	put_keys(&values[1], orphans, count);
	kept = (int) ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
	for (int i = 0; i < kept; i++)
		orphans[i] = orphans[ga_row_int32(i, 1, 1) - 1];
	return kept;
}
