/*
 * records.c
 *		The list of outcomes to be recorded.
 */
#include "postgres.h"

#include "dispatch/records.h"
#include "utils/memutils.h"

#define FIRST_ROOM 64

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

static void
copy_text(const char **text)
{
	if (*text != NULL)
		*text = MemoryContextStrdup(context, *text);
}

/* Copied into fresh memory, so that a long lock does not pile up the old. */
static void
copy_record(const GaRecord *old)
{
	GaRecord *copy = ga_records_add();

	*copy = *old;
	copy_text(&copy->server);
	copy_text(&copy->reason);
	copy_text(&copy->message_id);
	copy_text(&copy->code);
	copy_text(&copy->detail);
	copy_text(&copy->captured);
	copy_text(&copy->recipient);
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
