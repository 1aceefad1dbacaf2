/*
 * webhook_store.c
 *		Events that webhooks are to be told.
 *
 * What waits stands in event_deliveries, in the order of "due" and then of the events:
 * -infinity is at once, so that what is told first is what happened first.  When one
 * was not taken, the later ones of its group are put off with it to the same date.
 *
 * Locks: rows of event_deliveries, skipping those that others hold.  Besides the
 * dispatcher only replay_events(), resume() and ALTER and DROP SERVER change those of
 * a webhook.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/events/due_events.h"
#include "store/events/event_document.h"
#include "store/events/webhook_store.h"
#include "store/plan_cache.h"
#include "store/provider_store.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static void
read_event(const GaOwnerScope *scope, uint64 row, GaDueEvent *event)
{
	Datum group;
	bool isnull;

	memset(event, 0, sizeof(*event));
	event->id = ga_row_int64(row, 1, 0);
	event->uid = *DatumGetUUIDP(ga_row_datum(row, 2, &isnull));
	group = ga_row_datum(row, 3, &isnull);
	if (!isnull)
		event->group_id = *DatumGetUUIDP(group);
	event->tries = ga_row_int32(row, 4, 0);
	event->crashes = ga_row_int32(row, 5, 0);
	event->document = ga_row_text(scope, row, 6);
}

static int
compare_events(const void *one, const void *other)
{
	int64 a = ((const GaDueEvent *) one)->id;
	int64 b = ((const GaDueEvent *) other)->id;

	return a < b ? -1 : a > b;
}

/* clang-format off */

/*
 * The rows that are due at $7, first ones first; $2: how many, $4 and $5: without these
 * events and groups.  OFFSET 0 has each event looked up in the order of the index, so
 * that the table of events is never read as a whole.
 */
#define DUE_ROWS                                                               \
	"SELECT w.event, w.tries, w.crashes, a.about_group"                        \
	" FROM (SELECT d.event, d.tries, d.crashes, d.due"                         \
	"   FROM group_api_private.event_deliveries d"                             \
	"   WHERE d.listener = $1 AND d.due <= $7"                                 \
	"    AND d.event NOT IN (SELECT unnest($4))"                               \
	"   ORDER BY d.due, d.event OFFSET 0) w"                                   \
	"  CROSS JOIN LATERAL (SELECT e.about_group"                               \
	"   FROM group_api_private.events e WHERE e.id = w.event OFFSET 0) a"      \
	" WHERE (a.about_group = ANY ($5)) IS NOT TRUE"                            \
	" ORDER BY w.due, w.event LIMIT $2"

#define READ_EVENTS                                                            \
	"SELECT e.id, e.uid, e.about_group, d.tries::int4,"                        \
	" d.crashes::int4, " GA_EVENT_DOCUMENT("e", "$3", "$1") ", d.seen"         \
	" FROM (SELECT r.event, r.tries, r.crashes,"                               \
	"   (count(*) OVER ())::int4 AS seen, row_number() OVER"                   \
	"    (PARTITION BY r.about_group ORDER BY r.event) AS place"               \
	"  FROM (" DUE_ROWS ") r) d"                                               \
	" JOIN group_api_private.events e ON e.id = d.event"                       \
	" WHERE d.place <= $6"

/*
 * The rows of the listener $1 and the events $2, up to how they are locked.  OFFSET 0:
 * each by its key; else all that waits for the listener is read and compared with all of
 * the list.
 */
#define ROWS_OF                                                                \
	"SELECT r.at FROM unnest($2) k (id), LATERAL"                              \
	" (SELECT d.ctid AS at FROM group_api_private.event_deliveries d"          \
	"   WHERE d.event = k.id AND d.listener = $1 OFFSET 0"

/* clang-format on */

static int
read_by_statement(const GaOwnerScope *scope, const char *server,
				  const GaEventRead *read, GaDueEvent **events, int *seen)
{
	static GaPlan plan = {
		.sql = READ_EVENTS,
		.nargs = 7,
		.argtypes = {TEXTOID, INT4OID, BOOLOID, INT8ARRAYOID, UUIDARRAYOID,
					 INT4OID, TIMESTAMPTZOID},
	};
	Datum values[7] = {CStringGetTextDatum(server),
					   Int32GetDatum(read->limit),
					   BoolGetDatum(read->contacts),
					   read->known,
					   read->full,
					   Int32GetDatum(read->group_limit),
					   TimestampTzGetDatum(GetCurrentTimestamp())};
	int count = (int) ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);

	*seen = count == 0 ? 0 : ga_row_int32(0, 7, 0);
	*events = MemoryContextAlloc(scope->caller_context,
								 sizeof(GaDueEvent) * Max(count, 1));
	for (int i = 0; i < count; i++)
		read_event(scope, i, &(*events)[i]);
	qsort(*events, count, sizeof(GaDueEvent), compare_events);
	return count;
}

int
ga_webhook_read(const GaOwnerScope *scope, const char *server,
				const GaEventRead *read, GaDueEvent **events, int *seen)
{
	int count;

	if (ga_due_events_read(scope, server, read, events, &count, seen))
		return count;
	return read_by_statement(scope, server, read, events, seen);
}

TimestampTz
ga_webhook_next_due(const char *server)
{
	/* Not clock_timestamp(): all that is due would be passed over. */
	static GaPlan plan = {
		.sql = "SELECT due FROM group_api_private.event_deliveries"
			   " WHERE listener = $1 AND due > $2 ORDER BY due LIMIT 1",
		.nargs = 2,
		.argtypes = {TEXTOID, TIMESTAMPTZOID},
	};
	Datum values[2] = {CStringGetTextDatum(server),
					   TimestampTzGetDatum(GetCurrentTimestamp())};
	TimestampTz due;

	if (ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) == 0)
		return 0;
	due = ga_row_int64(0, 1, 0);
	return TIMESTAMP_NOT_FINITE(due) ? 0 : due;
}

int
ga_webhook_read_waiting(const GaOwnerScope *scope, const char *server,
						pg_uuid_t **groups, TimestampTz **until)
{
	static GaPlan plan = {
		.sql = "SELECT e.about_group, max(d.due)"
			   " FROM group_api_private.event_deliveries d"
			   " JOIN group_api_private.events e ON e.id = d.event"
			   " WHERE d.listener = $1 AND d.due > clock_timestamp()"
			   "  AND d.due < 'infinity' AND e.about_group IS NOT NULL"
			   " GROUP BY e.about_group",
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	Datum values[1] = {CStringGetTextDatum(server)};
	int count = (int) ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
	bool isnull;

	*groups = MemoryContextAlloc(scope->caller_context,
								 sizeof(pg_uuid_t) * Max(count, 1));
	*until = MemoryContextAlloc(scope->caller_context,
								sizeof(TimestampTz) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		(*groups)[i] = *DatumGetUUIDP(ga_row_datum(i, 1, &isnull));
		(*until)[i] = ga_row_int64(i, 2, 0);
	}
	return count;
}

static void
remove_by_statement(Datum server, const int64 *told, int count)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.event_deliveries"
			   " WHERE ctid = ANY (ARRAY(" ROWS_OF
			   "   FOR UPDATE SKIP LOCKED) r))",
		.nargs = 2,
		.argtypes = {TEXTOID, INT8ARRAYOID},
	};
	Datum *ids = palloc(sizeof(Datum) * count);
	Datum values[2] = {server};

	for (int i = 0; i < count; i++)
		ids[i] = Int64GetDatum(told[i]);
	values[1] = ga_row_datum_array(ids, NULL, count, INT8OID);
	ga_plan_run(&plan, values, NULL, SPI_OK_DELETE);
}

/* What the first way leaves, since somebody has changed or holds it, the second does. */
static void
remove_told(const char *server, Datum name, const GaToldEvent *events,
			int count)
{
	int64 *told = palloc(sizeof(int64) * Max(count, 1));
	int told_count = 0;

	for (int i = 0; i < count; i++)
		if (events[i].is_told)
			told[told_count++] = events[i].id;
	if (told_count > 0)
		told_count = ga_due_events_remove(server, told, told_count);
	if (told_count > 0)
		remove_by_statement(name, told, told_count);
}

/* From its first try on; Standard Webhooks 1.0 tells of days.  Then it is a dead letter. */
#define EVENT_LIFE "interval '3 days'"

static void
note_failure(Datum server, GaToldEvent *event)
{
	static GaPlan plan = {
		.sql =
			"UPDATE group_api_private.event_deliveries"
			" SET due = CASE WHEN $4 > 0"
			"   AND $3 > coalesce(tried_since, now()) + " EVENT_LIFE
			"   THEN 'infinity' ELSE $3 END, tries = least(tries + $4, 32767),"
			"  crashes = $5, failed = coalesce($6, failed),"
			"  tried_since = CASE WHEN $4 > 0"
			"   THEN coalesce(tried_since, now()) ELSE tried_since END"
			" WHERE ctid = ANY (ARRAY(SELECT ctid"
			"  FROM group_api_private.event_deliveries"
			"  WHERE listener = $1 AND event = $2"
			"  FOR NO KEY UPDATE SKIP LOCKED)) RETURNING due",
		.nargs = 6,
		.argtypes = {TEXTOID, INT8OID, TIMESTAMPTZOID, INT4OID, INT4OID,
					 TEXTOID},
	};
	Datum values[6] = {
		server,
		Int64GetDatum(event->id),
		TimestampTzGetDatum(event->due),
		Int32GetDatum(event->is_try ? 1 : 0),
		Int32GetDatum(Min(event->crashes, PG_INT16_MAX)),
		event->reason ? CStringGetTextDatum(event->reason) : (Datum) 0,
	};
	char nulls[6] = {' ', ' ', ' ', ' ', ' ', event->reason ? ' ' : 'n'};

	if (ga_plan_run(&plan, values, nulls, SPI_OK_UPDATE_RETURNING) > 0)
		event->due = ga_row_int64(0, 1, 0);
}

void
ga_webhook_record(const char *server, GaToldEvent *events, int count)
{
	Datum name = CStringGetTextDatum(server);

	remove_told(server, name, events, count);
	for (int i = 0; i < count; i++)
		if (!events[i].is_told)
			note_failure(name, &events[i]);
}

void
ga_webhook_count_anew(const char *server)
{
	/* What was tried waits for a date, or is told at once; or is a dead letter. */
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.event_deliveries"
			   " SET tried_since = NULL"
			   " WHERE listener = $1 AND due < 'infinity'"
			   "  AND tried_since IS NOT NULL",
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	Datum values[1] = {CStringGetTextDatum(server)};

	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
}

void
ga_webhook_put_off(const char *server, Datum ids, TimestampTz due)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.event_deliveries SET due = $3"
			   " WHERE ctid = ANY (ARRAY(" ROWS_OF
			   "   FOR NO KEY UPDATE SKIP LOCKED) r))",
		.nargs = 3,
		.argtypes = {TEXTOID, INT8ARRAYOID, TIMESTAMPTZOID},
	};
	Datum values[3] = {CStringGetTextDatum(server), ids,
					   TimestampTzGetDatum(due)};

	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
}

bool
ga_webhook_exists(const char *server)
{
	static GaPlan plan = {
		.sql = "SELECT FROM pg_foreign_server s"
			   " JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw"
			   " WHERE s.srvname = $1 AND " GA_IS_WEBHOOK,
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	Datum values[1] = {CStringGetTextDatum(server)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) > 0;
}

void
ga_webhook_rename(const char *from, const char *to)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.event_deliveries SET listener = $2"
			   " WHERE listener = $1",
		.nargs = 2,
		.argtypes = {TEXTOID, TEXTOID},
	};
	static GaPlan contacts = {
		.sql = "UPDATE group_api_private.events"
			   " SET contact_for = array_replace(contact_for, $1, $2)"
			   " WHERE $1 = ANY (contact_for)",
		.nargs = 2,
		.argtypes = {TEXTOID, TEXTOID},
	};
	Datum values[2] = {CStringGetTextDatum(from), CStringGetTextDatum(to)};

	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
	ga_plan_run(&contacts, values, NULL, SPI_OK_UPDATE);
}

void
ga_webhooks_forget_contacts(void)
{
	static GaPlan plan = {
		.sql =
			"WITH gone AS MATERIALIZED (SELECT DISTINCT n.name"
			"  FROM group_api_private.events e, unnest(e.contact_for) n(name)"
			"  WHERE NOT EXISTS (SELECT FROM group_api_private.consumers c"
			"    WHERE c.name = n.name)"
			"   AND NOT EXISTS (SELECT FROM pg_foreign_server s"
			"    WHERE s.srvname = n.name))"
			" UPDATE group_api_private.events e"
			"  SET contact_for = ARRAY(SELECT n.name"
			"   FROM unnest(e.contact_for) n(name)"
			"   WHERE n.name NOT IN (SELECT g.name FROM gone g))"
			"  WHERE e.contact_for && ARRAY(SELECT g.name FROM gone g)",
	};

	ga_plan_run(&plan, NULL, NULL, SPI_OK_UPDATE);
}

bool
ga_webhooks_trim(int rows)
{
	/* By the index: one listener after the other. */
	static GaPlan plan = {
		.sql = "WITH RECURSIVE listeners (name) AS ("
			   "  (SELECT listener FROM group_api_private.event_deliveries"
			   "    ORDER BY listener LIMIT 1)"
			   "  UNION ALL SELECT (SELECT d.listener"
			   "    FROM group_api_private.event_deliveries d"
			   "    WHERE d.listener > l.name ORDER BY d.listener LIMIT 1)"
			   "   FROM listeners l WHERE l.name IS NOT NULL)"
			   " DELETE FROM group_api_private.event_deliveries"
			   "  WHERE ctid = ANY (ARRAY(SELECT d.ctid FROM listeners l"
			   "   JOIN group_api_private.event_deliveries d"
			   "    ON d.listener = l.name"
			   "   WHERE NOT EXISTS (SELECT FROM group_api_private.consumers c"
			   "     WHERE c.name = l.name)"
			   "    AND NOT EXISTS (SELECT FROM pg_foreign_server s"
			   "     WHERE s.srvname = l.name)"
			   "   LIMIT $1 FOR UPDATE OF d SKIP LOCKED))",
		.nargs = 1,
		.argtypes = {INT4OID},
	};
	Datum values[1] = {Int32GetDatum(rows)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_DELETE) == (uint64) rows;
}
