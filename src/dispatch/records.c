/*
 * records.c
 *		The list of outcomes to be recorded.
 */
#include "postgres.h"

#include "dispatch/records.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define FIRST_ROOM 64
/* Before one that could not be written down is tried again: as
 * ga_set_aside_put() tells it. */
#define FIRST_ASIDE_MS 5000
#define LAST_ASIDE_MS 3600000

static MemoryContext context;
static GaRecord *records;
static int count;
static int room;

static void
begin_anew(void)
{
	context = AllocSetContextCreate(
		TopMemoryContext, "group_api records context", ALLOCSET_DEFAULT_SIZES);
	room = FIRST_ROOM;
	records = MemoryContextAlloc(context, sizeof(GaRecord) * room);
	count = 0;
}

void
ga_records_init(void)
{
	begin_anew();
}

GaRecord *
ga_records_add(void)
{
	if (count == room)
	{
		room *= 2;
		records = repalloc(records, sizeof(GaRecord) * room);
	}
	memset(&records[count], 0, sizeof(GaRecord));
	return &records[count++];
}

GaRecord *
ga_records_list(int *how_many)
{
	*how_many = count;
	return records;
}

MemoryContext
ga_records_context(void)
{
	return context;
}

void
ga_records_add_lost(const GaJob *job, TimestampTz now, bool died)
{
	MemoryContext old = MemoryContextSwitchTo(context);

	ga_job_lose(job, now, died, ga_records_add());
	MemoryContextSwitchTo(old);
}

void
ga_records_add_given_back(const GaJob *job, TimestampTz now)
{
	MemoryContext old = MemoryContextSwitchTo(context);

	ga_job_give_back(job, now, ga_records_add());
	MemoryContextSwitchTo(old);
}

static void
copy_text(const char **text)
{
	if (*text != NULL)
		*text = MemoryContextStrdup(context, *text);
}

static void
copy_texts(GaRecord *copy)
{
	copy_text(&copy->server);
	copy_text(&copy->reason);
	copy_text(&copy->message_id);
	copy_text(&copy->code);
	copy_text(&copy->detail);
	copy_text(&copy->captured);
	copy_text(&copy->recipient);
}

/* Copied into fresh memory, so that a long lock does not pile up the old. */
static void
copy_record(const GaRecord *old)
{
	GaRecord *copy = ga_records_add();

	*copy = *old;
	copy_texts(copy);
}

/* ---- those that cannot be written down, each alone ----------------------- */

typedef struct Aside
{
	GaRecord record;
	GaMonotonic until;
	MemoryContext context; /* of this one */
} Aside;

static List *aside; /* of Aside * */

void
ga_records_set_aside(const GaRecord *record)
{
	MemoryContext own = AllocSetContextCreate(
		TopMemoryContext, "group_api record context", ALLOCSET_SMALL_SIZES);
	MemoryContext now_current = context;
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	Aside *one = MemoryContextAlloc(own, sizeof(Aside));

	aside = lappend(aside, one);
	MemoryContextSwitchTo(old);
	one->context = own;
	one->record = *record;
	one->until = ga_monotonic_in_ms(
		Min(FIRST_ASIDE_MS << (2 * Min(record->failures, 5)), LAST_ASIDE_MS));
	one->record.failures++;
	context = own;
	copy_texts(&one->record);
	context = now_current;
}

int
ga_records_aside_count(void)
{
	return list_length(aside);
}

void
ga_records_bring_back(GaMonotonic now)
{
	ListCell *cell;

	foreach (cell, aside)
	{
		Aside *one = lfirst(cell);
		MemoryContext own = one->context;

		if (one->until > now)
			continue;
		aside = foreach_delete_current(aside, cell);
		copy_record(&one->record);
		MemoryContextDelete(own);
	}
}

GaMonotonic
ga_records_next_turn(void)
{
	GaMonotonic next = GA_MONOTONIC_NEVER;
	ListCell *cell;

	foreach (cell, aside)
		next = Min(next, ((const Aside *) lfirst(cell))->until);
	return next;
}

void
ga_records_keep(int kept)
{
	MemoryContext old_context = context;
	const GaRecord *old = records;

	if (kept == 0)
	{
		MemoryContextReset(context);
		room = FIRST_ROOM;
		records = MemoryContextAlloc(context, sizeof(GaRecord) * room);
		count = 0;
		return;
	}
	begin_anew();
	for (int i = 0; i < kept; i++)
		copy_record(&old[i]);
	MemoryContextDelete(old_context);
}
