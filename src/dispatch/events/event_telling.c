/*
 * event_telling.c
 *		Telling webhooks what happened.
 *
 * Each webhook has a queue of its own (event_queue), so that a dead one delays no
 * other.  An event is read, handed to the courier, and taken off the table when the
 * receiver has answered with 2xx.  Nothing is written before it is told: if this
 * process dies in between, the event is told once more, under the same webhook-id,
 * by which a receiver knows it.
 *
 * What is not taken is tried again for three days, ever later; its group waits
 * meanwhile.  Then it is a dead letter: it stays in the table until its retention,
 * replay_events() sends it again, and its group goes on without it.  A receiver that
 * says 410 wants no more: the webhook is paused, and nothing is lost meanwhile.
 *
 * Locks: the tables of GA_STEP_READ_EVENTS and GA_STEP_RECORD_EVENTS, without waiting
 * (dispatch/work), and rows of event_deliveries, skipping those that others hold.
 *
 * Must never: delay an invitation, or lose an event whose transaction committed.
 */
#include "postgres.h"

#include "base/guc.h"
#include "base/shared/channel.h"
#include "base/uuid.h"
#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "dispatch/clock.h"
#include "dispatch/courier/couriers.h"
#include "dispatch/courier/handover.h"
#include "dispatch/events/event_queue.h"
#include "dispatch/events/event_telling.h"
#include "dispatch/courier/suspects.h"
#include "dispatch/ownership.h"
#include "dispatch/provider/backoff.h"
#include "dispatch/provider/pauses.h"
#include "dispatch/provider/providers.h"
#include "dispatch/provider/retire.h"
#include "dispatch/work.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Read and not yet told, of one webhook: some megabytes at the most. */
#define PENDING_MAX 2000
/* With fewer than these, more is read. */
#define PENDING_FEW 500
/*
 * Of a group so many are read at a time, since they are told one after the other: a
 * group with more than that leaves room to others.  With half of them pending it is
 * read no further.
 */
#define GROUP_MAX 100
#define GROUP_FULL (GROUP_MAX / 2)
/* What is left out is passed over anew each time, for a tenth of the time at most. */
#define READING_SHARE 10
/* Before what could not be recorded is tried again. */
#define RETRY_MS 1000
/*
 * For so long results are gathered while more is under way: outcomes of messages make
 * turns of their own, and a commit for each of these would hold up the messages.
 */
#define GATHER_MS 10
/*
 * Of a webhook so many are in flight while messages are under way, and the next ones
 * leave when the former are recorded: some thousands a second, which leaves most of the
 * processors to the messages.
 */
#define BESIDE_MESSAGES 256

/* Of a webhook-id, before the event's own. */
#define KEY_PREFIX "evt_"

/* What is known of a webhook, found by its name. */
typedef struct Webhook
{
	char server[NAMEDATALEN]; /* hash key */
	char *fingerprint;		  /* of the settings it was read with */
	GaEventQueue *queue;
	bool has_more;			/* the table has more than was read */
	bool leaves_out;		/* and more of groups that were full */
	int taken;				/* since that was read */
	GaMonotonic not_before; /* it is read again */
	bool knows_waiting;		/* which groups wait was read since the start */
	TimestampTz next_due;
	List *results; /* of TryResult */
} Webhook;

typedef struct TryResult
{
	GaToldEvent told;
	pg_uuid_t group_id;
} TryResult;

static HTAB *webhooks; /* of Webhook */
static MemoryContext results_context;
static int results_count;
static GaMonotonic record_not_before;
static GaMonotonic gathered_until; /* 0: nothing is gathered */

void
ga_event_telling_init(void)
{
	HASHCTL control = {.keysize = NAMEDATALEN, .entrysize = sizeof(Webhook)};

	webhooks = hash_create("group_api webhooks", 16, &control,
						   HASH_ELEM | HASH_STRINGS);
	results_context = AllocSetContextCreate(
		TopMemoryContext, "group_api results of events", ALLOCSET_SMALL_SIZES);
}

static Webhook *
find_webhook(const GaProvider *provider)
{
	bool found;
	Webhook *webhook =
		hash_search(webhooks, provider->server, HASH_ENTER, &found);

	if (!found)
	{
		memset((char *) webhook + NAMEDATALEN, 0,
			   sizeof(*webhook) - NAMEDATALEN);
		webhook->queue = ga_event_queue_make();
	}
	/* By other settings other words are told. */
	if (webhook->fingerprint != provider->fingerprint)
	{
		webhook->fingerprint = provider->fingerprint;
		ga_event_queue_forget(webhook->queue);
		webhook->has_more = true;
		webhook->knows_waiting = false;
	}
	return webhook;
}

void
ga_event_telling_recheck(void)
{
	HASH_SEQ_STATUS status;
	Webhook *webhook;

	hash_seq_init(&status, webhooks);
	while ((webhook = hash_seq_search(&status)) != NULL)
		webhook->has_more = true;
}

/* ---- reading -------------------------------------------------------------- */

static void
read_waiting(Webhook *webhook)
{
	pg_uuid_t *groups;
	TimestampTz *until;
	int count;

	if (webhook->knows_waiting)
		return;
	count = ga_webhook_read_waiting(ga_work_scope(), webhook->server, &groups,
									&until);
	for (int i = 0; i < count; i++)
		ga_event_queue_wait(webhook->queue, groups[i], until[i]);
	webhook->knows_waiting = true;
}

/* One of a group that waits is put off to the same date; true: it was. */
static bool
add_or_put_off(Webhook *webhook, const GaDueEvent *event, TimestampTz now)
{
	TimestampTz until =
		ga_event_queue_waits_until(webhook->queue, event->group_id, now);
	Datum id = Int64GetDatum(event->id);
	bool isnull = false;

	if (until == 0)
		ga_event_queue_add(webhook->queue, event);
	else
		ga_webhook_put_off(webhook->server,
						   ga_row_datum_array(&id, &isnull, 1, INT8OID), until);
	return until != 0;
}

static bool
needs_reading(const Webhook *webhook, TimestampTz now)
{
	int pending = ga_event_queue_count(webhook->queue);

	return pending < PENDING_FEW &&
		   (webhook->has_more ||
			(webhook->leaves_out &&
			 (webhook->taken >= GROUP_FULL || pending == 0)) ||
			(webhook->next_due != 0 && webhook->next_due <= now));
}

/* Whether there is more now, or when those that were full have been told. */
static void
note_read(Webhook *webhook, GaMonotonic began, bool has_more, bool leaves_out)
{
	GaMonotonic now = ga_monotonic_now();

	webhook->has_more = has_more;
	webhook->leaves_out = leaves_out;
	webhook->taken = 0;
	webhook->not_before =
		leaves_out && !has_more ? now + (now - began) * READING_SHARE : 0;
}

static void
read_events(Webhook *webhook, const GaProvider *provider, TimestampTz now)
{
	GaMonotonic began = ga_monotonic_now();
	GaEventRead read = {.contacts = provider->tells_contacts,
						.group_limit = GROUP_MAX};
	GaDueEvent *events;
	bool has_more = false;
	int count;
	int full;
	int seen;

	if (!needs_reading(webhook, now) || webhook->not_before > began ||
		!ga_work_begin(GA_STEP_READ_EVENTS))
		return;
	read_waiting(webhook);
	read.limit = PENDING_MAX - ga_event_queue_count(webhook->queue);
	read.known = ga_event_queue_known(webhook->queue);
	read.full = ga_event_queue_full(webhook->queue, GROUP_FULL, &full);
	count = ga_webhook_read(ga_work_scope(), webhook->server, &read, &events,
							&seen);
	/* A group that waits is put off as a whole before its time comes. */
	for (int i = 0; i < count; i++)
		has_more |= add_or_put_off(webhook, &events[i], now);
	note_read(webhook, began, has_more || seen == read.limit,
			  full > 0 || count < seen);
	webhook->next_due = ga_webhook_next_due(webhook->server);
	ga_work_end();
}

/* ---- telling -------------------------------------------------------------- */

typedef struct Telling
{
	GaProvider *provider;
} Telling;

static void
put_event(const GaDueEvent *event, void *arg)
{
	GaProvider *provider = ((Telling *) arg)->provider;
	GaJob *job = ga_job_add_event(++ga_handover_last_job_id, provider, event);
	GaJobFrame frame = {.job_id = job->id};
	char key[] = KEY_PREFIX "00000000-0000-0000-0000-000000000000";

	ga_uuid_write(&event->uid, key + strlen(KEY_PREFIX));
	frame.strings[GA_JOB_PROVIDER] = provider->server;
	frame.strings[GA_JOB_MESSAGE_KEY] = key;
	frame.strings[GA_JOB_TEXT] = event->document;
	ga_provider_sent(provider, 1);
	ga_couriers_put_job(job, &frame);
}

static bool
are_messages_under_way(void)
{
	ListCell *cell;

	foreach (cell, ga_providers)
	{
		const GaProvider *provider = lfirst(cell);

		if (provider->in_flight > 0 && !ga_provider_is_webhook(provider))
			return true;
	}
	return false;
}

/* How many may be told now. */
static int
room_of(GaProvider *provider, GaMonotonic now)
{
	int room = ga_provider_capacity(provider, now);

	if (room <= 0 || !are_messages_under_way())
		return room;
	return results_count > 0 ? 0
							 : Min(room, BESIDE_MESSAGES - provider->in_flight);
}

static void
tell(GaProvider *provider, GaMonotonic now)
{
	Webhook *webhook = find_webhook(provider);
	TimestampTz date = GetCurrentTimestamp();
	Telling telling = {provider};
	int limit = room_of(provider, now);
	int count;

	if (limit <= 0)
		return;
	read_events(webhook, provider, date);
	if (!ga_event_queue_has_next(webhook->queue, date) ||
		!ga_couriers_open(now))
		return;
	count =
		ga_event_queue_take(webhook->queue, date, limit, put_event, &telling);
	webhook->taken += count;
	ga_provider_took(provider, count, limit, now);
}

void
ga_event_telling_run(GaMonotonic now)
{
	ListCell *cell;

	if (!ga_ownership_may_send() || ga_retire_is_asked() ||
		record_not_before > now)
		return;
	foreach (cell, ga_providers)
		if (ga_provider_is_webhook(lfirst(cell)))
			tell(lfirst(cell), now);
	ga_couriers_flush();
}

/* ---- what became of it ---------------------------------------------------- */

static void
add_result(const GaJob *job, const GaToldEvent *told)
{
	Webhook *webhook = find_webhook(job->provider);
	MemoryContext old = MemoryContextSwitchTo(results_context);
	TryResult *result = palloc(sizeof(TryResult));

	result->told = *told;
	result->told.id = job->event_id;
	result->group_id = job->group_id;
	if (told->reason != NULL)
		result->told.reason = pstrdup(told->reason);
	webhook->results = lappend(webhook->results, result);
	results_count++;
	MemoryContextSwitchTo(old);
}

static bool
is_gone(const GaOutcomeFrame *outcome)
{
	static const char code[] = "http 410";

	return outcome->code.length == strlen(code) &&
		   memcmp(outcome->code.data, code, outcome->code.length) == 0;
}

/* The settings cannot be used at all: a file that cannot be read, say. */
static bool
is_unusable(const GaOutcomeFrame *outcome)
{
	static const char code[] = "provider";

	return outcome->outcome == GA_OUTCOME_MISCONFIGURED &&
		   outcome->code.length == strlen(code) &&
		   memcmp(outcome->code.data, code, outcome->code.length) == 0;
}

static void
try_again(const GaJob *job, const GaOutcomeFrame *outcome, TimestampTz now,
		  GaToldEvent *told)
{
	int64 wait_ms = ga_backoff_ms(
		job->attempt, ga_settings.retry_base, ga_settings.retry_cap,
		outcome->retry_after_ms, pg_prng_double(&pg_global_prng_state));

	told->is_try = true;
	told->due = TimestampTzPlusMilliseconds(now, wait_ms);
	told->reason = ga_job_reason(outcome);
}

void
ga_event_telling_hear(const GaJob *job, const GaOutcomeFrame *outcome,
					  TimestampTz now)
{
	GaToldEvent told = {.due = DT_NOBEGIN};

	if (outcome->outcome == GA_OUTCOME_ACCEPTED)
		told.is_told = true;
	else if (is_gone(outcome) || is_unusable(outcome))
	{
		told.reason = ga_job_reason(outcome);
		if (job->fingerprint == job->provider->fingerprint)
			ga_pauses_begin(job->provider, told.reason);
	}
	else if (job->picked && (outcome->flags & GA_OUTCOME_NO_TRY) == 0)
		try_again(job, outcome, now, &told);
	add_result(job, &told);
}

void
ga_event_telling_lose(const GaJob *job, bool died, TimestampTz now)
{
	GaToldEvent told = {
		.due = DT_NOBEGIN,
		.is_try = true,
		.crashes = died ? job->crashes + 1 : job->crashes,
		.reason = "the courier died while telling it",
	};

	if (told.crashes >= GA_CRASHES_MAX && ga_suspects_blame())
		told.due = DT_NOEND;
	add_result(job, &told);
}

void
ga_event_telling_give_back(const GaJob *job)
{
	add_result(job, &(GaToldEvent){.due = DT_NOBEGIN, .crashes = job->crashes});
}

/* ---- recording ------------------------------------------------------------ */

/* Those of its group that were read go with it. */
static void
put_off_group(Webhook *webhook, pg_uuid_t group_id, const GaToldEvent *told)
{
	int count;
	Datum ids;

	if (told->is_told || !told->is_try || told->due == DT_NOEND ||
		told->due == DT_NOBEGIN)
		return;
	/* What is taken out here is read again, should this be rolled back. */
	webhook->has_more = true;
	ga_event_queue_wait(webhook->queue, group_id, told->due);
	ids = ga_event_queue_take_group(webhook->queue, group_id, &count);
	if (count > 0)
		ga_webhook_put_off(webhook->server, ids, told->due);
	webhook->next_due =
		webhook->next_due == 0 ? told->due : Min(webhook->next_due, told->due);
}

static void
record(Webhook *webhook)
{
	int count = list_length(webhook->results);
	GaToldEvent *events = palloc(sizeof(GaToldEvent) * Max(count, 1));

	for (int i = 0; i < count; i++)
		events[i] = ((TryResult *) list_nth(webhook->results, i))->told;
	ga_webhook_record(webhook->server, events, count);
	for (int i = 0; i < count; i++)
		put_off_group(webhook,
					  ((TryResult *) list_nth(webhook->results, i))->group_id,
					  &events[i]);
}

/*
 * What goes back at once is read again, and with it what stands behind it: the later
 * ones of its group must not be told before.
 */
static void
read_again(Webhook *webhook, const TryResult *result)
{
	int ignored;

	(void) ga_event_queue_take_group(webhook->queue, result->group_id,
									 &ignored);
	webhook->has_more = true;
}

/* Only now may the next of their groups be told. */
static void
forget_results(Webhook *webhook)
{
	ListCell *cell;

	foreach (cell, webhook->results)
	{
		TryResult *result = lfirst(cell);

		ga_event_queue_done(webhook->queue, result->told.id, result->group_id);
		if (!result->told.is_told && result->told.due == DT_NOBEGIN)
			read_again(webhook, result);
	}
	webhook->results = NIL;
}

/* Without a job under way there is nothing more to wait for. */
static bool
is_gathering(GaMonotonic now)
{
	if (gathered_until == 0)
		gathered_until = ga_monotonic_in_ms(GATHER_MS);
	return ga_jobs_count() > 0 && gathered_until > now;
}

void
ga_event_telling_record(GaMonotonic now)
{
	HASH_SEQ_STATUS status;
	Webhook *webhook;

	if (results_count == 0 || record_not_before > now || is_gathering(now))
		return;
	gathered_until = 0;
	record_not_before = now + RETRY_MS * 1000;
	if (!ga_work_begin(GA_STEP_RECORD_EVENTS))
		return;
	hash_seq_init(&status, webhooks);
	while ((webhook = hash_seq_search(&status)) != NULL)
		if (webhook->results != NIL)
			record(webhook);
	ga_work_end();
	record_not_before = 0;
	hash_seq_init(&status, webhooks);
	while ((webhook = hash_seq_search(&status)) != NULL)
		forget_results(webhook);
	results_count = 0;
	MemoryContextReset(results_context);
}

bool
ga_event_telling_is_outstanding(void)
{
	return results_count > 0;
}

/* Never: an outcome, or its record, will tell. */
static GaMonotonic
next_room_of(GaProvider *provider, GaMonotonic now)
{
	GaMonotonic next = ga_provider_next_room(provider, now);

	return next <= now && room_of(provider, now) <= 0 ? GA_MONOTONIC_NEVER
													  : next;
}

static GaMonotonic
next_turn_of(GaProvider *provider, GaMonotonic now)
{
	Webhook *webhook = find_webhook(provider);
	TimestampTz date = GetCurrentTimestamp();
	GaMonotonic next = GA_MONOTONIC_NEVER;

	if (provider->gone || provider->is_paused)
		return next;
	if (ga_event_queue_has_next(webhook->queue, date))
		next = next_room_of(provider, now);
	else if (needs_reading(webhook, date))
		next = Max(next_room_of(provider, now), webhook->not_before);
	else if (webhook->next_due != 0)
		next = ga_clock_when(webhook->next_due);
	if (next == GA_MONOTONIC_NEVER)
		return next;
	if (!ga_couriers_is_open())
		next = Max(next, ga_couriers_next_start());
	return Max(next, ga_work_not_before(GA_STEP_READ_EVENTS));
}

GaMonotonic
ga_event_telling_next_turn(GaMonotonic now)
{
	GaMonotonic next = GA_MONOTONIC_NEVER;
	ListCell *cell;

	if (results_count > 0)
		next = Max(gathered_until, ga_work_not_before(GA_STEP_RECORD_EVENTS));
	foreach (cell, ga_providers)
		if (ga_provider_is_webhook(lfirst(cell)))
			next = Min(next, next_turn_of(lfirst(cell), now));
	return Max(next, record_not_before);
}
