/*
 * set_aside_store.c
 *		Rows at which a step of the dispatcher failed.
 *
 * Locks: the one dispatcher of the database writes these rows, and so do operators'
 * retry_failed() and retry_set_aside() and the deletion of a group, which the
 * dispatcher may meet for a moment (lock_timeout).
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "postmaster/interrupt.h"
#include "store/queue/broken_pages.h"
#include "store/invitation_events.h"
#include "store/plan_cache.h"
#include "store/queue/set_aside_store.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

/* Longer words than these help nobody, and must fit into a line of the log. */
#define REASON_MAX 500

static bool caught_storage_error;

bool
ga_set_aside_is_storage_error(int sqlstate)
{
	return sqlstate == ERRCODE_DATA_CORRUPTED ||
		   sqlstate == ERRCODE_INDEX_CORRUPTED || sqlstate == ERRCODE_IO_ERROR;
}

bool
ga_set_aside_met_storage_error(void)
{
	return caught_storage_error;
}

/* The error just caught, as text in `context`; NULL: a lock. */
static const char *
take_error(MemoryContext context)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	caught_storage_error = ga_set_aside_is_storage_error(error->sqlerrcode);
	if (caught_storage_error && error->message != NULL)
		ga_broken_pages_hear(error->message);
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED && ShutdownRequestPending)
		ReThrowError(error);
	if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED)
		return NULL;
	return psprintf("%.*s (%s)", REASON_MAX,
					error->message ? error->message : "no message",
					unpack_sql_state(error->sqlerrcode));
}

bool
ga_set_aside_try(void (*part)(void *arg), void *arg, const char **error)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = false;

	*error = NULL;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		part(arg);
		ReleaseCurrentSubTransaction();
		done = true;
	}
	PG_CATCH();
	{
		*error = take_error(context);
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return done;
}

static void
warn(const char *step, GaRowKey key, const char *reason)
{
	ereport(WARNING,
			(errmsg("group_api sets a row aside at the step \"%s\"", step),
			 errdetail_internal("member %d of group %s: %s", key.number,
								DatumGetCString(DirectFunctionCall1(
									uuid_out, UUIDPGetDatum(&key.group_id))),
								reason),
			 errhint("SELECT * FROM group_api.set_aside;")));
}

void
ga_set_aside_put_silently(const char *step, GaRowKey key, const char *reason)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.set_aside AS s (group_id,"
			   "  number, step, until, reason)"
			   " VALUES ($1, $2, $3, now() + CASE $3 WHEN 'trim'"
			   "  THEN interval '1 h' ELSE interval '5 s' END, $4)"
			   " ON CONFLICT (group_id, number, step) DO UPDATE"
			   " SET tries = s.tries + 1, reason = $4,"
			   "  until = now() + CASE $3 WHEN 'trim' THEN interval '1 h'"
			   "   ELSE least(interval '5 s' * 4 ^ least(s.tries, 5),"
			   "   interval '1 h') END",
		.no_wait = GA_MAY_MEET_A_LOCK("only the dispatcher adds rows"),
		.nargs = 4,
		.argtypes = {UUIDOID, INT4OID, TEXTOID, TEXTOID},
	};
	Datum values[4] = {UUIDPGetDatum(&key.group_id), Int32GetDatum(key.number),
					   CStringGetTextDatum(step), CStringGetTextDatum(reason)};

	ga_plan_run(&plan, values, NULL, SPI_OK_INSERT);
}

/* One page that cannot be read holds many rows: a line for the first of them. */
static bool
is_of_the_same_page(const char *reason)
{
	static uint32 last;
	uint32 digest =
		hash_bytes((const unsigned char *) reason, (int) strlen(reason));
	bool is_same = digest == last && (strstr(reason, "(XX00") != NULL ||
									  strstr(reason, "(58030)") != NULL);

	last = digest;
	return is_same;
}

void
ga_set_aside_put(const char *step, GaRowKey key, const char *reason)
{
	ga_set_aside_put_silently(step, key, reason);
	if (!is_of_the_same_page(reason))
		warn(step, key, reason);
}

void
ga_set_aside_send(GaRowKey key, const char *reason)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.set_aside AS s (group_id,"
			   "  number, step, until, reason)"
			   " SELECT group_id, number, 'send', 'infinity', $3"
			   "  FROM group_api_private.invitations i"
			   "  WHERE group_id = $1 AND number = $2 AND " GA_FROM_FAILED
			   " ON CONFLICT (group_id, number, step) DO UPDATE"
			   " SET tries = s.tries + 1, reason = $3, until = 'infinity'",
		.no_wait = GA_MAY_MEET_A_LOCK("only the dispatcher adds rows"),
		.nargs = 3,
		.argtypes = {UUIDOID, INT4OID, TEXTOID},
	};
	Datum values[3] = {UUIDPGetDatum(&key.group_id), Int32GetDatum(key.number),
					   CStringGetTextDatum(reason)};

	if (ga_plan_run(&plan, values, NULL, SPI_OK_INSERT) > 0)
		warn("send", key, reason);
}

void
ga_set_aside_remove(const char *step, GaRowKey key)
{
	static GaPlan plan = {
		.sql =
			"DELETE FROM group_api_private.set_aside WHERE ctid = ANY (ARRAY("
			" SELECT ctid FROM group_api_private.set_aside"
			"  WHERE group_id = $1 AND number = $2 AND step = $3"
			"  FOR UPDATE SKIP LOCKED))",
		.nargs = 3,
		.argtypes = {UUIDOID, INT4OID, TEXTOID},
	};
	Datum values[3] = {UUIDPGetDatum(&key.group_id), Int32GetDatum(key.number),
					   CStringGetTextDatum(step)};

	ga_plan_run(&plan, values, NULL, SPI_OK_DELETE);
}

TimestampTz
ga_set_aside_next(void)
{
	static GaPlan plan = {
		.sql = "SELECT min(until) FROM group_api_private.set_aside"
			   " WHERE until > now()",
	};

	ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT);
	return ga_row_int64(0, 1, 0);
}

void
ga_set_aside_trim(void)
{
	static GaPlan plan = {
		.sql =
			"DELETE FROM group_api_private.set_aside WHERE ctid = ANY (ARRAY("
			" SELECT ctid FROM group_api_private.set_aside"
			"  WHERE until < now() - interval '2 h'"
			"  FOR UPDATE SKIP LOCKED))",
	};

	ga_plan_run(&plan, NULL, NULL, SPI_OK_DELETE);
}

uint64
ga_set_aside_end_all(void)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.set_aside s SET until = now()"
			   " WHERE until > now() AND (step <> 'send' OR NOT EXISTS ("
			   "  SELECT FROM group_api_private.invitations i"
			   "  WHERE i.group_id = s.group_id AND i.number = s.number"
			   "   AND " GA_FROM_FAILED "   AND (" GA_IS_OPEN
			   " OR " GA_FROM_EXPIRED ")))",
	};

	return ga_plan_run(&plan, NULL, NULL, SPI_OK_UPDATE);
}
