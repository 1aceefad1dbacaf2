/*
 * due_events.c
 *		Reading without a plan what is due to a webhook, and taking off what it was told.
 *
 * The same as the statements of webhook_store at a fourth of their price: an event is
 * found once by the index of what is due and once by its id, and its words are written
 * straight from the row.  Where a table is not as this extension made it, the
 * statements do it.
 *
 * Locks: those of the statements; rows that others hold are skipped.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "store/events/due_events.h"
#include "store/events/event_row.h"
#include "store/row_access.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* The columns of event_deliveries up to the last one that is read. */
typedef enum DeliveryColumn
{
	DELIVERY_EVENT = 1,
	DELIVERY_TRIES = 4,
	DELIVERY_CRASHES = 5,
} DeliveryColumn;

static const char *const delivery_columns[] = {"event", "listener", "due",
											   "tries", "crashes",	NULL};

/* One that is due, before its words are written. */
typedef struct DueRow
{
	GaDueEvent event;
	HeapTuple tuple; /* of events */
} DueRow;

/* How many of a group were taken. */
typedef struct GroupCount
{
	pg_uuid_t group; /* hash key; zero: none */
	int taken;
} GroupCount;

typedef struct DueReading
{
	const GaEventRead *read;
	GaRowReader deliveries;
	GaRowReader events;
	int64 *known; /* sorted */
	int known_count;
	Datum *full; /* uuids */
	int full_count;
	DueRow *rows;
	int count;
} DueReading;

/* ---- opening -------------------------------------------------------------- */

static bool
open_tables(DueReading *reading)
{
	if (!ga_row_reader_open(&reading->deliveries, "event_deliveries",
							"event_deliveries_due", delivery_columns, 2))
		return false;
	if (ga_row_reader_open(&reading->events, "events", "events_pkey",
						   ga_event_columns, 1))
		return true;
	ga_row_reader_close(&reading->deliveries);
	return false;
}

static int
compare_ids(const void *one, const void *other)
{
	int64 a = *(const int64 *) one;
	int64 b = *(const int64 *) other;

	return a < b ? -1 : a > b;
}

static void
read_left_out(DueReading *reading)
{
	Datum *ids;

	deconstruct_array(DatumGetArrayTypeP(reading->read->known), INT8OID,
					  sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &ids,
					  NULL, &reading->known_count);
	reading->known = palloc(sizeof(int64) * Max(reading->known_count, 1));
	for (int i = 0; i < reading->known_count; i++)
		reading->known[i] = DatumGetInt64(ids[i]);
	qsort(reading->known, reading->known_count, sizeof(int64), compare_ids);
	deconstruct_array(DatumGetArrayTypeP(reading->read->full), UUIDOID,
					  UUID_LEN, false, TYPALIGN_CHAR, &reading->full, NULL,
					  &reading->full_count);
}

/* ---- reading -------------------------------------------------------------- */

static bool
is_known(const DueReading *reading, int64 id)
{
	return bsearch(&id, reading->known, reading->known_count, sizeof(int64),
				   compare_ids) != NULL;
}

static bool
is_full(const DueReading *reading, const pg_uuid_t *group)
{
	for (int i = 0; i < reading->full_count; i++)
		if (memcmp(DatumGetUUIDP(reading->full[i]), group, UUID_LEN) == 0)
			return true;
	return false;
}

static bool
find_event(GaRowReader *events, int64 id)
{
	ScanKeyData key;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(id));
	ga_row_reader_seek(events, &key, 1);
	return ga_row_reader_next_part(events, GA_EVENT_ABOUT_GROUP);
}

/* Of the delivery that was read; false: it is left out. */
static bool
fill_row(DueReading *reading, DueRow *row)
{
	GaRowReader *events = &reading->events;
	GaDueEvent *event = &row->event;

	memset(event, 0, sizeof(*event));
	event->id = DatumGetInt64(
		ga_row_reader_value(&reading->deliveries, DELIVERY_EVENT));
	if (is_known(reading, event->id) || !find_event(events, event->id))
		return false;
	if (!ga_row_reader_is_null(events, GA_EVENT_ABOUT_GROUP))
	{
		event->group_id =
			*DatumGetUUIDP(ga_row_reader_value(events, GA_EVENT_ABOUT_GROUP));
		if (is_full(reading, &event->group_id))
			return false;
	}
	event->uid = *DatumGetUUIDP(ga_row_reader_value(events, GA_EVENT_UID));
	event->tries = DatumGetInt16(
		ga_row_reader_value(&reading->deliveries, DELIVERY_TRIES));
	event->crashes = DatumGetInt16(
		ga_row_reader_value(&reading->deliveries, DELIVERY_CRASHES));
	row->tuple = ExecCopySlotHeapTuple(events->slot);
	return true;
}

static void
read_rows(DueReading *reading, const char *server)
{
	GaRowReader *deliveries = &reading->deliveries;
	ScanKeyData keys[2];

	ga_row_reader_text_key(deliveries, 1, CStringGetTextDatum(server),
						   &keys[0]);
	ScanKeyInit(&keys[1], 2, BTLessEqualStrategyNumber, F_TIMESTAMPTZ_LE,
				TimestampTzGetDatum(GetCurrentTimestamp()));
	ga_row_reader_seek(deliveries, keys, 2);
	while (reading->count < reading->read->limit &&
		   ga_row_reader_next_part(deliveries, DELIVERY_CRASHES))
	{
		CHECK_FOR_INTERRUPTS();
		if (fill_row(reading, &reading->rows[reading->count]))
			reading->count++;
	}
}

/* ---- what of it is taken -------------------------------------------------- */

static int
compare_rows(const void *one, const void *other)
{
	return compare_ids(&((const DueRow *) one)->event.id,
					   &((const DueRow *) other)->event.id);
}

/*
 * Of each group the first ones; an earlier one may stand behind others, since it had to
 * wait for a date.
 */
static void
leave_out_later_ones(DueReading *reading)
{
	HASHCTL control = {.keysize = sizeof(pg_uuid_t),
					   .entrysize = sizeof(GroupCount),
					   .hcxt = CurrentMemoryContext};
	HTAB *groups = hash_create("group_api groups of due events", 256, &control,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	int kept = 0;

	qsort(reading->rows, reading->count, sizeof(DueRow), compare_rows);
	for (int i = 0; i < reading->count; i++)
	{
		bool found;
		GroupCount *group = hash_search(
			groups, &reading->rows[i].event.group_id, HASH_ENTER, &found);

		group->taken = found ? group->taken + 1 : 1;
		if (group->taken <= reading->read->group_limit)
			reading->rows[kept++] = reading->rows[i];
	}
	reading->count = kept;
}

/* False: of one the statement has to write the words. */
static bool
write_documents(const DueReading *reading, const char *server,
				GaDueEvent *events, MemoryContext context)
{
	TupleDesc descriptor = RelationGetDescr(reading->events.table);
	Datum *values = palloc(sizeof(Datum) * descriptor->natts);
	bool *nulls = palloc(sizeof(bool) * descriptor->natts);
	GaEventRow row = {values, nulls};
	StringInfoData document;

	initStringInfo(&document);
	for (int i = 0; i < reading->count; i++)
	{
		heap_deform_tuple(reading->rows[i].tuple, descriptor, values, nulls);
		resetStringInfo(&document);
		if (!ga_event_row_put_document(&document, &row, reading->read->contacts,
									   server))
			return false;
		events[i] = reading->rows[i].event;
		events[i].document =
			MemoryContextAlloc(context, (Size) document.len + 1);
		memcpy(events[i].document, document.data, (Size) document.len + 1);
	}
	return true;
}

/* In a memory of its own: the rows are some hundred bytes each. */
static bool
read_all(DueReading *reading, const GaOwnerScope *scope, const char *server,
		 GaDueEvent **events, int *seen)
{
	read_left_out(reading);
	reading->rows = palloc(sizeof(DueRow) * Max(reading->read->limit, 1));
	read_rows(reading, server);
	*seen = reading->count;
	leave_out_later_ones(reading);
	*events = MemoryContextAlloc(scope->caller_context,
								 sizeof(GaDueEvent) * Max(reading->count, 1));
	return write_documents(reading, server, *events, scope->caller_context);
}

bool
ga_due_events_read(const GaOwnerScope *scope, const char *server,
				   const GaEventRead *read, GaDueEvent **events, int *count,
				   int *seen)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "group_api due events", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	DueReading reading = {.read = read};
	bool is_read = false;

	PushActiveSnapshot(GetTransactionSnapshot());
	if (open_tables(&reading))
	{
		is_read = read_all(&reading, scope, server, events, seen);
		*count = reading.count;
		ga_row_reader_close(&reading.events);
		ga_row_reader_close(&reading.deliveries);
	}
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return is_read;
}

/* ---- taking off ----------------------------------------------------------- */

static bool
remove_one(GaRowReader *deliveries, ScanKeyData keys[2], int64 id)
{
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(id));
	ga_row_reader_seek(deliveries, keys, 2);
	return ga_row_reader_next_part(deliveries, 1) &&
		   ga_row_reader_delete(deliveries);
}

int
ga_due_events_remove(const char *server, int64 *told, int count)
{
	GaRowReader deliveries;
	ScanKeyData keys[2];
	int left = 0;

	PushActiveSnapshot(GetTransactionSnapshot());
	if (!ga_row_reader_open(&deliveries, "event_deliveries",
							"event_deliveries_pkey", delivery_columns, 2))
	{
		PopActiveSnapshot();
		return count;
	}
	ga_row_reader_text_key(&deliveries, 2, CStringGetTextDatum(server),
						   &keys[1]);
	if (!ga_row_reader_may_delete(&deliveries))
		left = count;
	else
		for (int i = 0; i < count; i++)
			if (!remove_one(&deliveries, keys, told[i]))
				told[left++] = told[i];
	ga_row_reader_close(&deliveries);
	PopActiveSnapshot();
	CommandCounterIncrement();
	return left;
}
