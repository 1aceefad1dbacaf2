/*
 * one_by_one.c
 *		Steps after an error: each row in a subtransaction, without those that fail.
 *
 * A trigger of the owner's, a constraint, a damaged value: what fails at one row
 * must not stop the others, and a step that ends as a whole changes nothing.
 */
#include "postgres.h"

#include "dispatch/one_by_one.h"
#include "dispatch/records.h"
#include "dispatch/screening.h"
#include "dispatch/steps/set_aside.h"
#include "dispatch/work.h"
#include "store/queue/claim_store.h"
#include "store/queue/unreadable.h"

/* So many in a row without one that gets through: the fault is not theirs. */
#define FAILURES_MAX 3

/* Outcomes that a page of the disk may keep from being recorded. */
#define RECORDS_ASIDE_MAX 1000

/* By step: how many failed since one got through. */
static int failures[GA_STEP_COUNT];

/*
 * Whether an error of the disk is about some rows alone.  That of a page may be met at
 * rows that stand elsewhere, too: an index that is full looks into the table for what
 * can be removed from it.  An outcome that was set aside is kept in memory, so there
 * must not be too many.
 */
static bool
is_of_page(GaStep step, GaRowKey *key)
{
	bool reads_group = step == GA_STEP_CLAIM || step == GA_STEP_PLACE_DUE;

	if (!ga_set_aside_met_storage_error())
		return false;
	if (step == GA_STEP_RECORD)
		return ga_records_aside_count() < RECORDS_ASIDE_MAX;
	return ga_unreadable_has_row(key, reads_group) || ga_unreadable_count() > 0;
}

/* Sets a row aside, or ends the step since it is not the row's fault. */
static void
note_failed(GaStep step, const char *name, GaRowKey key, const char *error)
{
	/* One page holds many rows, or the group of many. */
	if (!is_of_page(step, &key) && ++failures[step] > FAILURES_MAX)
	{
		failures[step] = FAILURES_MAX;
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg_internal("%s", error)));
	}
	ga_set_aside_put(name, key, error);
	ga_set_aside_recheck();
}

/* ---- claiming ------------------------------------------------------------ */

typedef struct OneClaim
{
	const GaProvider *provider;
	int64 incarnation;
	GaQueueCursor cursor; /* a copy: what is rolled back is not read */
	GaQueueScan scan;
	GaClaim *claim;
	int count;
} OneClaim;

static void
claim_one(void *arg)
{
	OneClaim *one = arg;
	const GaProvider *provider = one->provider;

	one->count = ga_queue_claim(ga_work_scope(), provider->channel,
								provider->server, &provider->filter,
								one->incarnation, 1, &one->scan, &one->claim);
	ga_screening_mark(ga_work_scope(), provider->channel, one->claim,
					  one->count);
}

/* One look after the other is one. */
static void
add_scan(GaQueueScan *scan, const GaQueueScan *one)
{
	*scan->cursor = *one->cursor;
	scan->goes_on = one->goes_on;
	scan->claimed_to = Max(scan->claimed_to, one->claimed_to);
	scan->tells_locked &= one->tells_locked;
	ga_fair_queue_add_range(&scan->locked, one->locked.from, one->locked.to);
}

int
ga_one_by_one_claim(const GaProvider *provider, int64 incarnation, int limit,
					GaQueueScan *scan, GaClaim **claims)
{
	int count = 0;

	scan->goes_on = true;
	scan->claimed_to = GA_START_TAG_MIN;
	scan->tells_locked = true;
	ga_fair_queue_reset_range(&scan->locked);
	*claims = MemoryContextAlloc(ga_work_scope()->caller_context,
								 sizeof(GaClaim) * Max(limit, 1));
	for (int tried = 0; tried < limit; tried++)
	{
		OneClaim one = {.provider = provider,
						.incarnation = incarnation,
						.cursor = *scan->cursor,
						.scan.last_tag = scan->last_tag};
		const char *error;
		GaRowKey key;

		one.scan.cursor = &one.cursor;
		if (ga_set_aside_try(claim_one, &one, &error))
		{
			add_scan(scan, &one.scan);
			if (one.count == 0)
				break;
			(*claims)[count++] = *one.claim;
			failures[GA_STEP_CLAIM] = 0;
			continue;
		}
		scan->tells_locked &= error != NULL;
		if (error == NULL ||
			!ga_queue_peek(provider->channel, &provider->filter, scan->cursor,
						   scan->last_tag, &key))
		{
			scan->goes_on = false;
			break;
		}
		note_failed(GA_STEP_CLAIM, "claim", key, error);
	}
	return count;
}

/* ---- recording ----------------------------------------------------------- */

typedef struct OneRecord
{
	GaRecord *record;
	GaRecord bare; /* without what need not be kept */
	int64 incarnation;
	bool is_locked;
} OneRecord;

static void
record_one(void *arg)
{
	OneRecord *one = arg;

	one->is_locked = ga_queue_record(one->record, 1, one->incarnation) > 0;
}

static void
record_bare(void *arg)
{
	OneRecord *one = arg;

	one->is_locked = ga_queue_record(&one->bare, 1, one->incarnation) > 0;
}

/*
 * What was sent is not sent again because a page of the history cannot be written:
 * then its state alone is recorded.
 */
static bool
record_somehow(OneRecord *one, const char **error)
{
	if (ga_set_aside_try(record_one, one, error))
		return true;
	if (*error == NULL || !ga_set_aside_met_storage_error())
		return false;
	one->bare = *one->record;
	one->bare.outcome = NULL;
	one->bare.polled = false;
	return ga_set_aside_try(record_bare, one, error);
}

/* Brings the record at `at` forward to `to`; those in between move back. */
static void
move_forward(GaRecord *records, int at, int to)
{
	GaRecord record = records[at];

	memmove(&records[to + 1], &records[to], sizeof(GaRecord) * (at - to));
	records[to] = record;
}

int
ga_one_by_one_record(GaRecord *records, int count, int64 incarnation,
					 int *failed)
{
	int locked = 0;

	*failed = 0;
	for (int i = 0; i < count; i++)
	{
		OneRecord one = {.record = &records[i], .incarnation = incarnation};
		const char *error;
		GaRowKey key = {records[i].group_id, records[i].number};

		if (record_somehow(&one, &error) && !one.is_locked)
		{
			failures[GA_STEP_RECORD] = 0;
			if (records[i].failures > 0)
				ga_set_aside_remove("record", key);
		}
		else if (error == NULL)
			move_forward(records, i, locked++);
		else
		{
			note_failed(GA_STEP_RECORD, "record", key, error);
			move_forward(records, i, locked + (*failed)++);
		}
	}
	return locked;
}

/* ---- queueing what is due ------------------------------------------------ */

typedef struct OneDue
{
	GaDueCursor cursor;
	TimestampTz now;
	GaTagRange tags[GA_CHANNEL_COUNT];
	int count;
} OneDue;

static void
place_one(void *arg)
{
	OneDue *one = arg;

	for (int i = 0; i < GA_CHANNEL_COUNT; i++)
		ga_fair_queue_reset_range(&one->tags[i]);
	one->count = ga_queue_place_due(&one->cursor, one->now, 1, one->tags);
}

int
ga_one_by_one_place_due(GaDueCursor *cursor, TimestampTz now, int limit,
						GaTagRange *tags)
{
	int count = 0;

	while (count < limit)
	{
		OneDue one = {.cursor = *cursor, .now = now};
		const char *error;
		GaRowKey key;

		if (ga_set_aside_try(place_one, &one, &error))
		{
			if (one.count == 0)
				break;
			count++;
			*cursor = one.cursor;
			failures[GA_STEP_PLACE_DUE] = 0;
			for (int i = 0; i < GA_CHANNEL_COUNT; i++)
				if (one.tags[i].from <= one.tags[i].to)
					ga_fair_queue_add_range(&tags[i], one.tags[i].from,
											one.tags[i].to);
			continue;
		}
		if (error == NULL || !ga_queue_peek_due(cursor, now, &key))
			break;
		note_failed(GA_STEP_PLACE_DUE, "place", key, error);
	}
	return count;
}

/* ---- asking for receipts ------------------------------------------------- */

typedef struct OnePoll
{
	Datum servers;
	GaPoll *poll;
	int count;
} OnePoll;

static void
take_one(void *arg)
{
	OnePoll *one = arg;

	one->count = ga_polls_take(ga_work_scope(), one->servers, 1, &one->poll);
}

int
ga_one_by_one_take_polls(Datum servers, int limit, GaPoll **polls)
{
	int count = 0;

	*polls = MemoryContextAllocZero(ga_work_scope()->caller_context,
									sizeof(GaPoll) * Max(limit, 1));
	while (count < limit)
	{
		OnePoll one = {.servers = servers};
		const char *error;
		GaRowKey key;

		if (ga_set_aside_try(take_one, &one, &error))
		{
			if (one.count == 0)
				break;
			(*polls)[count++] = *one.poll;
			failures[GA_STEP_ASK] = 0;
			continue;
		}
		if (error == NULL || !ga_polls_peek(servers, &key))
			break;
		note_failed(GA_STEP_ASK, "poll", key, error);
	}
	return count;
}

/* ---- taking back --------------------------------------------------------- */

typedef struct OneOrphan
{
	int64 incarnation;
	bool with_history;
	const GaOrphan *orphan;
	uint64 taken;
} OneOrphan;

static void
take_back_one(void *arg)
{
	OneOrphan *one = arg;

	one->taken =
		ga_orphans_take_back(one->incarnation, ga_providers_that_hold(),
							 one->orphan, 1, one->with_history);
}

uint64
ga_one_by_one_take_back(int64 incarnation, const GaOrphan *orphans, int count)
{
	uint64 taken = 0;

	for (int i = 0; i < count; i++)
	{
		OneOrphan one = {.incarnation = incarnation,
						 .with_history = true,
						 .orphan = &orphans[i]};
		const char *error;
		bool done = ga_set_aside_try(take_back_one, &one, &error);

		if (!done && error != NULL && ga_set_aside_met_storage_error())
		{
			one.with_history = false;
			done = ga_set_aside_try(take_back_one, &one, &error);
		}
		if (done)
		{
			taken += one.taken;
			failures[GA_STEP_TAKE_BACK] = 0;
		}
		else if (error != NULL)
			note_failed(GA_STEP_TAKE_BACK, "take back", orphans[i].key, error);
	}
	return taken;
}
