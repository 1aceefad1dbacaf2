/*
 * event_store.c
 *		Writing events: what happened, in the transaction in which it happened.
 *
 * An event is one row, the snapshot, whoever listens to it, and one small row for
 * each listener that is to have it (event_deliveries).  The second is what makes a
 * slow transaction lose nothing: a listener does not remember how far it has read, so
 * an event that is committed late, with a low id, is one more row that waits.
 *
 * Locks: none; rows are only added.
 *
 * Must never: write a row that nobody listens to, hold a contact that no listener is
 * to have, or a contact's secret: links are in no event.
 */
#include "postgres.h"

#include "base/guc.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "miscadmin.h"
#include "store/events/event_document.h"
#include "store/events/event_store.h"
#include "store/events/listener_store.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* What is heard by LISTEN, when group_api.notify is on. */
#define NOTIFY_CHANNEL "group_api"

/* Everything an event tells, read from the rows as they are now. */
#define INSERT_EVENTS                                                          \
	"WITH written AS (INSERT INTO group_api_private.events"                    \
	"  (type, about_group, group_number, group_name, product_id, member,"      \
	"   member_name, delivery, reason, response, user_id, user_subject,"       \
	"   channel, contact, contact_for)"

#define HIDDEN_REASON GA_EVENT_HIDDEN("i.reason", "i.contact")

/* The contact is kept only where somebody is to have it: c.listeners. */
#define SNAPSHOT                                                               \
	"g.id, g.number, g.name, g.product_id, m.number, m.name, i.delivery,"      \
	" CASE WHEN c.listeners IS NULL THEN " HIDDEN_REASON " ELSE i.reason END," \
	" i.response, u.id, u.subject, i.channel,"                                 \
	" CASE WHEN c.listeners IS NOT NULL THEN i.contact END,"                   \
	" CASE WHEN i.contact IS NOT NULL THEN c.listeners END"

/* Who is to have the contacts of a type: $3 says it of each pair. */
#define CONTACT_LISTENERS                                                      \
	"(SELECT l.type, array_agg(l.name) AS listeners"                           \
	"  FROM unnest($1, $2, $3) l (name, type, contacts)"                       \
	"  WHERE l.contacts GROUP BY l.type)"

/*
 * One row for each listener: $1 and $2 are pairs of listener and type.  Where a
 * consumer and a webhook have come to the same name, that is one listener.
 */
#define INSERT_DELIVERIES                                                      \
	" RETURNING id, type)"                                                     \
	" INSERT INTO group_api_private.event_deliveries (listener, event)"        \
	" SELECT DISTINCT l.name, w.id FROM written w"                             \
	"  JOIN unnest($1, $2) l (name, type) ON l.type = w.type"

/* clang-format off */

/* One row, whatever the planner believes of the size of the table. */
#define BY_KEY(row, key)                                                       \
	"LATERAL (SELECT * FROM group_api_private." row " WHERE " key " OFFSET 0)"

#define ROWS_OF_EVENTS                                                         \
	" JOIN " BY_KEY("groups g", "g.id = k.group_id") " g ON true"              \
	" LEFT JOIN " BY_KEY("members m",                                          \
		"m.group_id = k.group_id AND m.number = k.number") " m ON true"        \
	" LEFT JOIN " BY_KEY("invitations i",                                      \
		"i.group_id = k.group_id AND i.number = k.number") " i ON true"        \
	" LEFT JOIN " BY_KEY("users u",                                            \
		"u.id = coalesce(m.user_id, nullif(k.user_id, 0))") " u ON true"

/* clang-format on */

GaEventsWritten ga_events_on_written = NULL;

bool
ga_events_are_wanted(GaEventTypes types)
{
	GaEventTypes wanted;
	int count;

	(void) ga_listeners(&count, &wanted);
	return ga_settings.notify || (wanted & types) != 0;
}

/* Tells whoever listens by LISTEN; false: nobody wants the events themselves. */
static bool
notify(GaEventTypes types)
{
	GaEventTypes wanted;
	int count;

	if (ga_settings.notify)
		Async_Notify(NOTIFY_CHANNEL, "");
	(void) ga_listeners(&count, &wanted);
	return (wanted & types) != 0;
}

/*
 * The pairs of listener and type that `types` make, as two arrays, and a third one of
 * whether the listener is told contacts (bool[], where it is asked for).
 */
static void
pair_listeners(GaEventTypes types, Datum *names, Datum *type_names,
			   Datum *contacts)
{
	GaEventTypes wanted;
	int count;
	const GaListener *listeners = ga_listeners(&count, &wanted);
	int room = Max(count * GA_EVENT_COUNT, 1);
	const char **name = palloc(sizeof(char *) * room);
	const char **type = palloc(sizeof(char *) * room);
	Datum *told = palloc(sizeof(Datum) * room);
	int pairs = 0;

	for (int i = 0; i < count; i++)
		for (int j = 0; j < GA_EVENT_COUNT; j++)
			if (listeners[i].types & types & GA_EVENT_BIT(j))
			{
				name[pairs] = listeners[i].name;
				told[pairs] = BoolGetDatum(listeners[i].contacts);
				type[pairs++] = ga_event_type_name((GaEventType) j);
			}
	*names = ga_row_text_array(name, pairs);
	*type_names = ga_row_text_array(type, pairs);
	if (contacts != NULL)
		*contacts = ga_row_datum_array(told, NULL, pairs, BOOLOID);
}

static void
tell_written(GaEventTypes types)
{
	if ((ga_listeners_webhook_types() & types) && ga_events_on_written != NULL)
		ga_events_on_written();
}

static GaEventTypes
types_of(const GaEvent *events, int count)
{
	GaEventTypes types = 0;

	for (int i = 0; i < count; i++)
		types |= GA_EVENT_BIT(events[i].type);
	return types;
}

/* The columns of ga_events_write(), one element an event. */
typedef struct Columns
{
	Datum *types;
	Datum *groups;
	Datum *numbers;
	Datum *users;
} Columns;

/* Without those that nobody listens to. */
static int
pick_wanted(const GaEvent *events, int count, Columns *columns)
{
	GaEventTypes wanted;
	int listeners;
	int picked = 0;

	(void) ga_listeners(&listeners, &wanted);
	for (int i = 0; i < count; i++)
	{
		const GaEvent *event = &events[i];

		if (!(wanted & GA_EVENT_BIT(event->type)))
			continue;
		columns->types[picked] =
			CStringGetTextDatum(ga_event_type_name(event->type));
		columns->groups[picked] = UUIDPGetDatum(&event->group_id);
		columns->numbers[picked] = Int32GetDatum(event->number);
		columns->users[picked++] = Int64GetDatum(event->user_id);
	}
	return picked;
}

static void
put_columns(const GaEvent *events, int count, Datum *values)
{
	Columns columns = {
		palloc(sizeof(Datum) * count), palloc(sizeof(Datum) * count),
		palloc(sizeof(Datum) * count), palloc(sizeof(Datum) * count)};
	int picked = pick_wanted(events, count, &columns);

	values[0] = ga_row_datum_array(columns.types, NULL, picked, TEXTOID);
	values[1] = ga_row_datum_array(columns.groups, NULL, picked, UUIDOID);
	values[2] = ga_row_datum_array(columns.numbers, NULL, picked, INT4OID);
	values[3] = ga_row_datum_array(columns.users, NULL, picked, INT8OID);
}

/* So many are written at a time: a large group's need no more memory than these. */
#define BATCH 1000

/* values[3] and those behind it are set here. */
static void
write_all(GaPlan *plan, Datum *values, const GaEvent *events, int count)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "group_api events", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	for (int from = 0; from < count; from += BATCH)
	{
		CHECK_FOR_INTERRUPTS();
		put_columns(&events[from], Min(count - from, BATCH), &values[3]);
		ga_plan_run_by_keys(plan, values, SPI_OK_INSERT);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

void
ga_events_write(const GaEvent *events, int count)
{
	static GaPlan plan = {
		.sql = INSERT_EVENTS
		" SELECT k.type, " SNAPSHOT " FROM unnest($4, $5, $6, $7)"
		"  WITH ORDINALITY k (type, group_id, number, user_id, "
		"place)" ROWS_OF_EVENTS " LEFT JOIN " CONTACT_LISTENERS
		" c ON c.type = k.type"
		" ORDER BY k.place" INSERT_DELIVERIES,
		.nargs = 7,
		.argtypes = {TEXTARRAYOID, TEXTARRAYOID, BOOLARRAYOID, TEXTARRAYOID,
					 UUIDARRAYOID, INT4ARRAYOID, INT8ARRAYOID},
	};
	GaEventTypes about = types_of(events, count);
	Datum values[7];

	if (count == 0 || !ga_events_are_wanted(about) || !notify(about))
		return;
	pair_listeners(about, &values[0], &values[1], &values[2]);
	write_all(&plan, values, events, count);
	tell_written(about);
}

void
ga_event_write(GaEventType type, pg_uuid_t group_id, int32 number)
{
	GaEvent event = {.type = type, .group_id = group_id, .number = number};

	ga_events_write(&event, 1);
}

void
ga_event_write_request(GaEventType type, pg_uuid_t group_id, const int64 *users,
					   int count)
{
	GaEvent *events;

	if (count == 0 || !ga_events_are_wanted(GA_EVENT_BIT(type)))
		return;
	events = palloc0(sizeof(GaEvent) * count);
	for (int i = 0; i < count; i++)
	{
		events[i].type = type;
		events[i].group_id = group_id;
		events[i].user_id = users[i];
	}
	ga_events_write(events, count);
	pfree(events);
}

void
ga_event_write_provider(GaEventType type, const char *server,
						const char *reason)
{
	static GaPlan plan = {
		.sql = "WITH written AS (INSERT INTO group_api_private.events"
			   "  (type, server, reason) VALUES ($3, $4, $5)" INSERT_DELIVERIES,
		.nargs = 5,
		.argtypes = {TEXTARRAYOID, TEXTARRAYOID, TEXTOID, TEXTOID, TEXTOID},
	};
	char nulls[5] = {' ', ' ', ' ', ' ', reason ? ' ' : 'n'};
	Datum values[5];

	if (!ga_events_are_wanted(GA_EVENT_BIT(type)) ||
		!notify(GA_EVENT_BIT(type)))
		return;
	pair_listeners(GA_EVENT_BIT(type), &values[0], &values[1], NULL);
	values[2] = CStringGetTextDatum(ga_event_type_name(type));
	values[3] = CStringGetTextDatum(server);
	values[4] = reason ? CStringGetTextDatum(reason) : (Datum) 0;
	ga_plan_run(&plan, values, nulls, SPI_OK_INSERT);
	tell_written(GA_EVENT_BIT(type));
}

int64
ga_events_replay(const char *listener, GaEventTypes types, TimestampTz since)
{
	static GaPlan plan = {
		.sql =
			"INSERT INTO group_api_private.event_deliveries (listener, event)"
			" SELECT $1, e.id FROM group_api_private.events e"
			"  WHERE e.at >= $2 AND e.type = ANY ($3)"
			" ON CONFLICT (event, listener) DO UPDATE"
			"  SET due = '-infinity', tries = 0, failed = NULL,"
			"   tried_since = NULL",
		.nargs = 3,
		.argtypes = {TEXTOID, TIMESTAMPTZOID, TEXTARRAYOID},
	};
	const char *names[GA_EVENT_COUNT];
	Datum values[3];
	int64 replayed;
	int count = 0;

	for (int i = 0; i < GA_EVENT_COUNT; i++)
		if (types & GA_EVENT_BIT(i))
			names[count++] = ga_event_type_name((GaEventType) i);
	values[0] = CStringGetTextDatum(listener);
	values[1] = TimestampTzGetDatum(since);
	values[2] = ga_row_text_array(names, count);
	replayed = (int64) ga_plan_run(&plan, values, NULL, SPI_OK_INSERT);
	tell_written(types);
	return replayed;
}

bool
ga_events_trim(int rows)
{
	/* The index is a coarse one: what is oldest stands at the front. */
	static GaPlan plan = {
		.sql = "WITH gone AS (DELETE FROM group_api_private.events"
			   "  WHERE ctid = ANY (ARRAY("
			   "   SELECT ctid FROM group_api_private.events WHERE at < $1"
			   "    LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING id)"
			   " , undelivered AS (DELETE"
			   "  FROM group_api_private.event_deliveries d"
			   "  WHERE d.ctid = ANY (ARRAY(SELECT w.ctid FROM gone"
			   "    JOIN group_api_private.event_deliveries w"
			   "     ON w.event = gone.id FOR UPDATE OF w SKIP LOCKED)))"
			   " SELECT FROM gone",
		.nargs = 2,
		.argtypes = {TIMESTAMPTZOID, INT4OID},
		.is_by_range = true,
	};
	TimestampTz end = GetCurrentTimestamp() -
					  (int64) ga_settings.events_retention * USECS_PER_MINUTE;
	Datum values[2] = {TimestampTzGetDatum(end), Int32GetDatum(rows)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) == (uint64) rows;
}
