/*
 * stand_in.c
 *		The few functions of PostgreSQL and of rooms that need a server.
 *
 * Memory, strings and formats are PostgreSQL's own, from libpgcommon and
 * libpgport: memory is taken by malloc there and never given back.  Lists and the
 * hash table are as small as the tests need them.
 */
#include "stand_in.h"

#include <time.h>

#include "base/fair_queue.h"
#include "common/pg_prng.h"
#include "dispatch/provider/counters.h"
#include "dispatch/clock.h"
#include "dispatch/provider/routing.h"
#include "dispatch/reading.h"
#include "mb/pg_wchar.h"
#include "store/row.h"
#include "utils/hsearch.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

GaMonotonic the_time;
TimestampTz the_date;
double the_chance;
bool clock_is_unfollowed;
int64 told_position[GA_CHANNEL_COUNT];
GaSettings ga_settings;

/* ---- clocks and chance ---------------------------------------------------- */

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	(void) clock;
	now->tv_sec = the_time / SECOND;
	now->tv_nsec = the_time % SECOND * 1000;
	return 0;
}

TimestampTz
GetCurrentTimestamp(void)
{
	return the_date;
}

GaMonotonic
ga_clock_when(TimestampTz date)
{
	return the_time + (date - the_date);
}

bool
ga_clock_is_unfollowed(void)
{
	return clock_is_unfollowed;
}

pg_prng_state pg_global_prng_state;

double
pg_prng_double(pg_prng_state *state)
{
	(void) state;
	return the_chance;
}

void
pass_ms(int64 ms)
{
	the_time += ms * 1000;
	the_date += ms * 1000;
}

/* ---- memory --------------------------------------------------------------- */

MemoryContext CurrentMemoryContext;
MemoryContext TopMemoryContext;

MemoryContext
AllocSetContextCreateInternal(MemoryContext parent, const char *name,
							  Size least, Size first, Size most)
{
	(void) parent, (void) name, (void) least, (void) first, (void) most;
	return palloc0(1);
}

void
MemoryContextReset(MemoryContext context)
{
	(void) context;
}

void *
MemoryContextAlloc(MemoryContext context, Size size)
{
	(void) context;
	return palloc(size);
}

/* ---- lists ---------------------------------------------------------------- */

List *
lappend(List *list, void *datum)
{
	if (list == NIL)
	{
		list = palloc0(sizeof(List));
		list->type = T_List;
		list->max_length = 64;
		list->elements = palloc0(list->max_length * sizeof(ListCell));
	}
	assert_true(list->length < list->max_length);
	lfirst(&list->elements[list->length++]) = datum;
	return list;
}

List *
list_delete_cell(List *list, ListCell *cell)
{
	int at = (int) (cell - list->elements);

	if (list->length == 1)
		return NIL;
	memmove(cell, cell + 1, (list->length - at - 1) * sizeof(ListCell));
	list->length--;
	return list;
}

List *
list_delete_nth_cell(List *list, int at)
{
	return list_delete_cell(list, &list->elements[at]);
}

List *
list_delete_first(List *list)
{
	return list_delete_nth_cell(list, 0);
}

void
list_free_deep(List *list)
{
	(void) list;
}

/* ---- the table of jobs ------------------------------------------------------ */

struct HTAB
{
	HASHCTL control;
	int count;
	char *entries[64];
};

HTAB *
hash_create(const char *name, long elements, const HASHCTL *control, int flags)
{
	HTAB *table = palloc0(sizeof(HTAB));

	(void) name, (void) elements, (void) flags;
	table->control = *control;
	return table;
}

long
hash_get_num_entries(HTAB *table)
{
	return table->count;
}

void *
hash_search(HTAB *table, const void *key, HASHACTION action, bool *found)
{
	int at = 0;

	while (at < table->count &&
		   memcmp(table->entries[at], key, table->control.keysize) != 0)
		at++;
	if (found)
		*found = at < table->count;
	if (action == HASH_REMOVE && at < table->count)
		table->entries[at] = table->entries[--table->count];
	else if (action == HASH_ENTER && at == table->count)
	{
		assert_true(table->count < lengthof(table->entries));
		table->entries[at] = palloc0(table->control.entrysize);
		memcpy(table->entries[at], key, table->control.keysize);
		table->count++;
	}
	return at < table->count ? table->entries[at] : NULL;
}

void
hash_seq_init(HASH_SEQ_STATUS *status, HTAB *table)
{
	status->hashp = table;
	status->curBucket = 0;
}

void *
hash_seq_search(HASH_SEQ_STATUS *status)
{
	HTAB *table = status->hashp;

	return (int) status->curBucket < table->count
			   ? table->entries[status->curBucket++]
			   : NULL;
}

/* ---- texts ---------------------------------------------------------------- */

bool
pg_verify_mbstr(int encoding, const char *text, int length, bool no_error)
{
	(void) no_error;
	return pg_encoding_verifymbstr(encoding, text, length) == length;
}

/* What the courier is told is not looked at here. */
void
escape_json(StringInfo out, const char *text)
{
	appendStringInfo(out, "\"%s\"", text);
}

Datum
ga_row_text_array(const char *const *texts, int count)
{
	Texts *copy = palloc0(sizeof(Texts));

	assert_true(count <= lengthof(copy->list));
	copy->count = count;
	for (int i = 0; i < count; i++)
		copy->list[i] = pstrdup(texts[i]);
	return PointerGetDatum(copy);
}

const Texts *
texts_of(Datum array)
{
	return (const Texts *) DatumGetPointer(array);
}

/* ---- the queue in shared memory ------------------------------------------- */

void
ga_fair_queue_move_to(GaChannel channel, int64 tag)
{
	told_position[channel] = tag;
}

void
ga_fair_queue_is_empty(GaChannel channel)
{
	told_position[channel] = -1;
}

/* ---- providers ------------------------------------------------------------- */

int
begin_anew(void **state)
{
	(void) state;
	the_time = BEGIN;
	the_date = BEGIN_DATE;
	the_chance = 0.5;
	clock_is_unfollowed = false;
	memset(told_position, 0, sizeof(told_position));
	ga_settings = (GaSettings){
		.max_attempts = GA_MAX_ATTEMPTS_DEFAULT,
		.max_in_flight = GA_MAX_IN_FLIGHT_DEFAULT,
		.retry_base = GA_RETRY_BASE_DEFAULT,
		.retry_cap = GA_RETRY_CAP_DEFAULT,
	};
	ga_providers = NIL;
	ga_jobs_init();
	return 0;
}

GaProviderRow
row_of(const char *server, const char *kind, ...)
{
	GaProviderSetting *settings = palloc0(16 * sizeof(*settings));
	GaProviderRow row = {.server = server, .kind = kind, .settings = settings};
	StringInfoData fingerprint;
	const char *name;
	va_list pairs;

	initStringInfo(&fingerprint);
	appendStringInfoString(&fingerprint, kind);
	va_start(pairs, kind);
	while ((name = va_arg(pairs, const char *)) != NULL)
	{
		GaProviderSetting *setting = &settings[row.setting_count++];

		assert_true(row.setting_count <= 16);
		setting->name = name;
		setting->value = va_arg(pairs, const char *);
		appendStringInfo(&fingerprint, " %s=%s", name, setting->value);
	}
	va_end(pairs);
	row.fingerprint = fingerprint.data;
	return row;
}

void
load(int count, ...)
{
	GaProviderRow rows[8];
	StringInfoData json;
	va_list list;

	assert_true(count <= lengthof(rows));
	va_start(list, count);
	for (int i = 0; i < count; i++)
		rows[i] = va_arg(list, GaProviderRow);
	va_end(list);
	initStringInfo(&json);
	ga_providers_load(rows, count, &json);
	ga_providers_route(the_time);
}

/* ---- the counters, which no decision asks ------------------------------- */

GaCounters *
ga_counters_take(const char *server)
{
	return NULL;
}

void
ga_counters_keep(bool (*is_known)(const char *server))
{
}

void
ga_counters_note_load(GaCounters *counters, int in_flight, int window,
					  int64 rest_until)
{
}

bool
ga_counters_take_resumed(GaCounters *counters)
{
	return false;
}

/* ---- what happens to a provider ----------------------------------------- */

void
claim(GaProvider *provider, int count, int limit)
{
	GaQueueScan scan = {.goes_on = count == limit, .tells_locked = true};

	scan.cursor = ga_reading_cursor(provider, &scan.last_tag);
	ga_fair_queue_reset_range(&scan.locked);
	if (count > 0)
		scan.cursor->start_tag = Max(scan.cursor->start_tag, 0) + count;
	scan.claimed_to = scan.cursor->start_tag;
	ga_provider_claimed(provider, &scan, count, limit, the_time);
}

void
finish_with(GaProvider *provider, GaOutcomeClass outcome, uint32 flags,
			const char *code, int64 retry_after_ms)
{
	GaOutcomeFrame frame = {
		.outcome = outcome,
		.flags = flags,
		.retry_after_ms = retry_after_ms,
		.code = {code, (uint32) strlen(code)},
	};

	ga_provider_finished(provider, &frame, the_time);
}

void
finish(GaProvider *provider, GaOutcomeClass outcome, uint32 flags)
{
	finish_with(provider, outcome, flags, "", -1);
}
