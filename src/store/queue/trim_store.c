/*
 * trim_store.c
 *		Removing history, receipts, events, counts and whatever else is older than its
 *		retention.
 *
 * Locks: rows of the tables that are trimmed, skipping locked ones.
 */
#include "postgres.h"

#include "base/guc.h"
#include "catalog/pg_type.h"
#include "storage/itemptr.h"
#include "store/caps/cap_store.h"
#include "store/events/event_store.h"
#include "store/events/webhook_store.h"
#include "store/group/idempotency_store.h"
#include "store/plan_cache.h"
#include "store/queue/accepted_try.h"
#include "store/queue/poll_store.h"
#include "store/queue/receipt_count_store.h"
#include "store/queue/set_aside_store.h"
#include "store/queue/trim_store.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* History removed in one go: some milliseconds. */
#define TRIM_ROWS 10000
/* Its pages that are trimmed one by one, where one of them cannot be read. */
#define CAREFUL_PAGES 4096
/* The same one by one, after one of them failed. */
#define CAREFUL_ROWS 1000

static int64
attempts_end(void)
{
	return GetCurrentTimestamp() -
		   (int64) ga_settings.attempts_retention * USECS_PER_MINUTE;
}

/* Trims a part of the history; true when there is more. */
static bool
trim_attempts(void)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.attempts WHERE ctid = ANY (ARRAY("
			   " SELECT ctid FROM group_api_private.attempts a"
			   "  WHERE started_at < $1 AND NOT" GA_IS_SET_ASIDE_BY(
				   "a", "member", "trim") "  LIMIT $2 FOR UPDATE SKIP LOCKED))",
		.nargs = 2,
		.argtypes = {TIMESTAMPTZOID, INT4OID},
		.is_by_range = true,
	};
	Datum values[2] = {TimestampTzGetDatum(attempts_end()),
					   Int32GetDatum(TRIM_ROWS)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_DELETE) == TRIM_ROWS;
}

/*
 * By the newest id, so that nothing has to be counted.  An abort uses up an id, too, so
 * there may be fewer than the limit says, and never more.
 */
static bool
trim_captured(void)
{
	static GaPlan plan = {
		.sql =
			"DELETE FROM group_api_private.captured WHERE ctid = ANY (ARRAY("
			" SELECT ctid FROM group_api_private.captured WHERE id <= (SELECT"
			"   max(id) - $1 FROM group_api_private.captured)"
			"  FOR UPDATE SKIP LOCKED))",
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	Datum values[1] = {Int64GetDatum(ga_settings.captured_limit)};

	ga_plan_run(&plan, values, NULL, SPI_OK_DELETE);
	return false;
}

static void
erase_accepted_tries(void *more)
{
	*(bool *) more = ga_accepted_try_erase_old(attempts_end());
}

/* A page of invitations that cannot be read keeps nothing else. */
static bool
trim_others(void)
{
	bool more = ga_idempotency_trim();
	bool more_tries = false;
	const char *error;

	ga_set_aside_trim();
	if (!ga_set_aside_try(erase_accepted_tries, &more_tries, &error) &&
		error != NULL)
		ereport(LOG, (errmsg("group_api cannot erase old tries"),
					  errdetail_internal("%s", error)));
	return more || more_tries;
}

static bool
trim_events(void)
{
	bool more = ga_events_trim(TRIM_ROWS);

	return ga_webhooks_trim(TRIM_ROWS) || more;
}

/* What is trimmed, each without the others where one of them fails. */
#define PARTS 7

/* True when there is more.  Of a part that failed, set_aside has this number. */
static bool
trim_part(int part)
{
	switch (part)
	{
		case 0:
			return trim_attempts();
		case 1:
			return trim_captured();
		case 2:
			return trim_others();
		case 3:
			return ga_caps_trim();
		case 4:
			return ga_receipts_trim();
		case 5:
			return trim_events();
		default:
			return ga_polls_trim();
	}
}

/* What failed before does not any more. */
static void
forget_failures(void)
{
	static GaPlan plan = {
		.sql =
			"DELETE FROM group_api_private.set_aside WHERE ctid = ANY (ARRAY("
			" SELECT ctid FROM group_api_private.set_aside"
			"  WHERE step = 'trim' AND group_id = $1 FOR UPDATE SKIP LOCKED))",
		.nargs = 1,
		.argtypes = {UUIDOID},
	};
	static const pg_uuid_t no_group;
	Datum values[1] = {UUIDPGetDatum(&no_group)};

	ga_plan_run(&plan, values, NULL, SPI_OK_DELETE);
}

bool
ga_queue_trim(void)
{
	bool more = false;

	for (int i = 0; i < PARTS; i++)
		more |= trim_part(i);
	forget_failures();
	return more;
}

bool
ga_queue_has_history(void)
{
	static GaPlan plan = {
		.sql = "SELECT EXISTS (SELECT FROM group_api_private.attempts)"
			   " OR (SELECT accepted_at FROM group_api_private.invitations"
			   "  WHERE accepted_at IS NOT NULL"
			   "  ORDER BY accepted_at LIMIT 1) IS NOT NULL"
			   " OR EXISTS (SELECT FROM group_api_private.receipts)"
			   " OR EXISTS (SELECT FROM group_api_private.events)"
			   " OR EXISTS (SELECT FROM group_api_private.sends)"
			   " OR EXISTS (SELECT FROM group_api_private.consumers)",
	};

	ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT);
	return ga_row_bool(0, 1, true);
}

/* One line of the history, its place and its invitation. */
typedef struct OldAttempt
{
	ItemPointerData at;
	GaRowKey key;
} OldAttempt;

static void
trim_attempt(void *arg)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.attempts WHERE ctid = ANY (ARRAY("
			   " SELECT ctid FROM group_api_private.attempts WHERE ctid = $1"
			   "  FOR UPDATE SKIP LOCKED))",
		.nargs = 1,
		.argtypes = {TIDOID},
	};
	Datum values[1] = {PointerGetDatum(&((OldAttempt *) arg)->at)};

	ga_plan_run(&plan, values, NULL, SPI_OK_DELETE);
}

/*
 * Some line cannot be deleted: a trigger of somebody's, a rule.  Each is tried in a
 * subtransaction, and the one that fails is set aside, so that the rest gets through
 * and the next round does not meet it again.
 */
static void
trim_attempts_one_by_one(void)
{
	static GaPlan plan = {
		.sql = "SELECT group_id, member, ctid"
			   " FROM group_api_private.attempts a"
			   " WHERE started_at < $1 AND NOT" GA_IS_SET_ASIDE_BY(
				   "a", "member", "trim") " LIMIT $2",
		.nargs = 2,
		.argtypes = {TIMESTAMPTZOID, INT4OID},
		.is_by_range = true,
	};
	Datum values[2] = {TimestampTzGetDatum(attempts_end()),
					   Int32GetDatum(CAREFUL_ROWS)};
	int count = (int) ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
	OldAttempt *old = palloc(sizeof(OldAttempt) * Max(count, 1));
	const char *error;
	bool isnull;

	for (int i = 0; i < count; i++)
	{
		ga_row_read_key(i, &old[i].key);
		ItemPointerCopy(
			(ItemPointer) DatumGetPointer(ga_row_datum(i, 3, &isnull)),
			&old[i].at);
	}
	for (int i = 0; i < count; i++)
		if (!ga_set_aside_try(trim_attempt, &old[i], &error) && error != NULL)
			ga_set_aside_put("trim", old[i].key, error);
}

/* A part of the history by its pages: from one on, up to another. */
typedef struct Pages
{
	int64 from;
	int64 to;
} Pages;

/* The place before the first line of a page: lines count from 1. */
static Datum
page_start(int64 page)
{
	ItemPointer at = palloc(sizeof(ItemPointerData));

	ItemPointerSet(at, (BlockNumber) page, 0);
	return PointerGetDatum(at);
}

/* By a range of ctid, so the pages between are read and no others: no index is asked. */
static void
trim_pages(void *arg)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.attempts WHERE ctid = ANY (ARRAY("
			   " SELECT ctid FROM group_api_private.attempts a"
			   "  WHERE ctid >= $1 AND ctid < $2 AND started_at < $3"
			   "   AND NOT" GA_IS_SET_ASIDE_BY(
				   "a", "member", "trim") "  FOR UPDATE SKIP LOCKED))",
		.nargs = 3,
		.argtypes = {TIDOID, TIDOID, TIMESTAMPTZOID},
	};
	const Pages *pages = arg;
	Datum values[3] = {page_start(pages->from), page_start(pages->to),
					   TimestampTzGetDatum(attempts_end())};

	ga_plan_run(&plan, values, NULL, SPI_OK_DELETE);
}

/* Halves are tried, down to the page that cannot be read. */
static void
trim_halves(Pages pages)
{
	const char *error;
	int64 middle = pages.from + (pages.to - pages.from) / 2;

	if (pages.from == pages.to ||
		ga_set_aside_try(trim_pages, &pages, &error) || error == NULL ||
		!ga_set_aside_met_storage_error())
		return;
	if (pages.to - pages.from == 1)
	{
		ga_set_aside_put("trim", (GaRowKey){{{0}}, 0}, error);
		return;
	}
	trim_halves((Pages){pages.from, middle});
	trim_halves((Pages){middle, pages.to});
}

/* The next pages of the history, from where the last time ended. */
static void
trim_attempts_by_pages(void)
{
	static int64 next = 0;
	static GaPlan plan = {
		.sql = "SELECT pg_relation_size('group_api_private.attempts')"
			   " / current_setting('block_size')::int8",
	};
	int64 count;

	ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT);
	count = ga_row_int64(0, 1, 0);
	if (next >= count)
		next = 0;
	trim_halves((Pages){next, Min(next + CAREFUL_PAGES, count)});
	next += CAREFUL_PAGES;
}

static void
trim_attempts_anyhow(void *arg)
{
	trim_attempts_one_by_one();
}

static void
run_part(void *arg)
{
	(void) trim_part(*(const int *) arg);
}

/*
 * After a trim failed as a whole: each part by itself, and of the history, which is the
 * one that grows, each line, or each page where the disk is what failed.
 */
void
ga_queue_trim_one_by_one(void)
{
	const char *error;

	for (int i = 0; i < PARTS; i++)
	{
		if (ga_set_aside_try(run_part, &i, &error) || error == NULL)
			continue;
		if (i == 0 && ga_set_aside_met_storage_error())
			trim_attempts_by_pages();
		else if (i == 0)
		{
			if (!ga_set_aside_try(trim_attempts_anyhow, NULL, &error) &&
				error != NULL)
				trim_attempts_by_pages();
		}
		else
			ga_set_aside_put("trim", (GaRowKey){{{0}}, i}, error);
	}
}
