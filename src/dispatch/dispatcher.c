/*
 * dispatcher.c
 *		The background worker of one database: claims due invitations, hands
 *		them to the courier, records what became of them.
 *
 * Each turn of the loop is the list of steps in take_turn().  A row is claimed,
 * stamped with this dispatcher's incarnation and committed before its first byte
 * can leave; its outcome is recorded in another transaction.  No transaction is
 * open while the courier works or while this process waits.
 *
 * Ownership: the launcher starts one dispatcher for each slot and never a second
 * one, and a crash of any process restarts them all, so every row in the state
 * sending that bears an older incarnation belongs to a dead one.
 *
 * Must never: wait for the network, hold a snapshot while idle, run a query when
 * there is nothing to do, or send for data that belong to another database.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/callback_url.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/link_token.h"
#include "dispatch/clock.h"
#include "dispatch/provider/connections.h"
#include "dispatch/courier/courier_desk.h"
#include "dispatch/launch/crash_guard.h"
#include "dispatch/dispatcher.h"
#include "dispatch/due_rows.h"
#include "dispatch/courier/jobs.h"
#include "dispatch/courier/message.h"
#include "dispatch/one_by_one.h"
#include "dispatch/ownership.h"
#include "dispatch/provider/pauses.h"
#include "dispatch/polls.h"
#include "dispatch/provider/providers.h"
#include "dispatch/reading.h"
#include "dispatch/records.h"
#include "dispatch/provider/retire.h"
#include "dispatch/screening.h"
#include "dispatch/seat.h"
#include "dispatch/set_aside.h"
#include "dispatch/signals.h"
#include "dispatch/strays.h"
#include "dispatch/work.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/proc.h"
#include "store/installation_store.h"
#include "store/group/look_store.h"
#include "store/plan_cache.h"
#include "store/provider_store.h"
#include "store/queue/queue_store.h"
#include "store/template_store.h"
#include "store/queue/trim_store.h"
#include "store/queue/unreadable.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

/* Before outcomes of rows that somebody holds locked are recorded again. */
#define LOCKED_ROWS_MS 100
/* Before rows that somebody else holds are looked at again. */
#define STRAYS_RETRY_MS 1000
/* After outcomes that could not be recorded. */
#define RECORD_FIRST_WAIT_MS 1000
#define RECORD_LAST_WAIT_MS 60000
/* Before pages are looked for again after an error whose page was not found. */
#define UNREADABLE_RETRY_MS 60000
/* How often the history is trimmed while there is work. */
#define TRIM_INTERVAL_MS 3600000

static int64 incarnation;
static uint64 last_job_id;
static uint8 link_secret[GA_LINK_SECRET_LENGTH];

static bool reload_wanted;	/* providers, templates, identity: read again */
static bool is_ours;		/* the data belong to this database */
static bool is_foreign;		/* the data belong to another one */
static bool renewal_wanted; /* the data became ours: a new incarnation begins */
static bool unreadable_wanted; /* rows that could not be read are tried again */
static GaMonotonic unreadable_not_before;
static GaMonotonic records_not_before;
static int record_wait_ms; /* > 0: recording fails */
static GaMonotonic trimmed_at;
static TimestampTz look_at;		  /* the next look at groups; DT_NOEND: never */
static bool look_is_known;		  /* look_at is right */
static int reminders_before = -1; /* the setting at the last look; -1: none */

/* ---- life of the process ------------------------------------------------ */

/*
 * The queue's plans must not depend on statistics that are missing or old: the
 * right plan is always the index, in order.  No setting of the database's owner
 * may slow or redirect this worker either.
 */
static void
pin_settings(void)
{
	static const char *const settings[][2] = {
		{"search_path", "pg_catalog, pg_temp"},
		{"enable_seqscan", "off"},
		{"enable_hashjoin", "off"},
		{"enable_mergejoin", "off"},
		{"enable_material", "off"},
		{"enable_sort", "off"},
		{"plan_cache_mode", "force_generic_plan"},
		{"jit", "off"},
		{"statement_timeout", "0"},
		/* No step waits for a lock; this is the net below (dispatch/work). */
		{"lock_timeout", "200"},
		/* Durable whatever the database says; the stop waits for no standby. */
		{"synchronous_commit", "local"},
		{"idle_in_transaction_session_timeout", "0"},
		{"default_transaction_isolation", "read committed"},
		{"session_replication_role", "origin"},
		{"row_security", "on"},
	};

	if (GetConfigOption("transaction_timeout", true, false) != NULL)
		SetConfigOption("transaction_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);
	for (int i = 0; i < lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET,
						PGC_S_OVERRIDE);
}

/* ---- step: what others told us ------------------------------------------ */

static void
serve_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
		reload_wanted = true;
		/* The path of the courier may have been put right. */
		ga_desk_forgive();
	}
	if (pg_atomic_exchange_u32(&ga_seat->reload, 0) != 0)
		reload_wanted = true;
}

/*
 * A role or a membership changed, in whichever database: the owner of a server
 * may have gained or lost the right to its files.
 */
static void
hear_of_roles(Datum arg, int cache, uint32 hash)
{
	reload_wanted = true;
}

static void
hear_wakes(void)
{
	TimestampTz due = (TimestampTz) pg_atomic_exchange_u64(&ga_seat->wake_due,
														   (uint64) DT_NOEND);

	if (due == DT_NOEND)
		return;
	/* They were noted before the wake. */
	for (int i = 0; i < GA_CHANNEL_COUNT; i++)
		ga_readings_look_again((GaChannel) i,
							   ga_slot_take_tags(ga_seat, (GaChannel) i));
	if (due == DT_NOBEGIN)
	{
		ga_readings_begin_anew();
		ga_records_bring_back(GA_MONOTONIC_NEVER);
		ga_set_aside_look_again();
		unreadable_wanted |= ga_unreadable_count() > 0;
		if (ga_unreadable_count() > 0)
			ga_strays_search();
	}
	if (due < GA_DUE_NEVER)
		ga_due_rows_look_again(due);
	look_is_known = false;
	ga_polls_look_again();
	/* The first create_group makes the data ours. */
	if (!is_ours && !is_foreign)
		reload_wanted = true;
}

/*
 * Whether new rows can be of interest.  Set before the wakes are heard, so that
 * none is lost in between.
 */
static void
prick_up_ears(void)
{
	bool listens = !is_ours && !is_foreign;
	ListCell *cell;

	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);

		listens |= is_ours && ga_dispatch_is_on() && !provider->gone &&
				   !provider->is_paused;
	}
	pg_atomic_write_u64(&ga_seat->look_at, (uint64) DT_NOEND);
	pg_atomic_write_u32(&ga_seat->deaf, !listens);
	pg_memory_barrier();
}

/*
 * What was under way when the data were copied came after this dispatcher looked
 * for such rows, and may bear its incarnation: once the data are ours a new one begins.
 */
static void
take_origin(GaOrigin origin)
{
	bool was_ours = is_ours;

	is_ours = origin == GA_ORIGIN_OWN;
	is_foreign = origin == GA_ORIGIN_FOREIGN;
	renewal_wanted |= is_ours && !was_ours && incarnation != 0;
}

static void
reload(GaMonotonic now)
{
	GaTemplates templates;
	GaProviderRow *rows;
	StringInfoData json;
	GaOrigin origin;
	bool settings_changed;
	int count;

	if (!reload_wanted || !ga_work_begin(GA_STEP_READ_PROVIDERS))
		return;
	/* A commit wakes us before it tells the caches: who is a member of what is
	 * looked up anew. */
	InvalidateSystemCaches();
	origin = ga_ownership_read();
	if (origin == GA_ORIGIN_OWN)
		ga_link_secret_read(link_secret);
	settings_changed = ga_ownership_settings_changed();
	count = ga_providers_read(ga_work_scope(), &rows);
	ga_templates_read(ga_work_scope(), &templates);
	ga_message_take_templates(&templates);
	ga_pauses_end_outdated(rows, count);
	ga_work_end();
	reload_wanted = false;
	take_origin(origin);
	/* As when somebody stops it: its successor starts at once. */
	if (settings_changed)
	{
		ShutdownRequestPending = true;
		SetLatch(MyLatch);
	}

	initStringInfo(&json);
	ga_providers_load(rows, count, &json);
	ga_desk_configure(json.data);
	explicit_bzero(json.data, json.len);
	ga_readings_begin_anew();
	ga_due_rows_look_again(DT_NOBEGIN);
	ga_polls_look_again();
	look_is_known = false;
}

static bool
may_send(void)
{
	if (!ga_dispatch_is_on())
		return false;
	if (!is_ours)
		ga_seat_note(GA_TROUBLE_FOREIGN);
	return is_ours;
}

/* ---- step: the clock ----------------------------------------------------- */

/* When somebody set it, all that waits for a date waits for another moment. */
static void
look_at_dates_again(void)
{
	ga_readings_begin_anew();
	ga_due_rows_look_again(DT_NOBEGIN);
	ga_polls_look_again();
	ga_set_aside_look_again();
	look_is_known = false;
}

static void
follow_clock(GaMonotonic now)
{
	if (!ga_clock_follow())
		return;
	look_at_dates_again();
	/* What was read meanwhile did not count for rests. */
	reload_wanted = true;
}

static void
shorten_waits(GaMonotonic now)
{
	if (is_ours && ga_clock_shorten_waits())
		look_at_dates_again();
}

/* ---- step: what became of messages ---- */

static void
record_pauses(GaMonotonic now)
{
	reload_wanted |= ga_pauses_record(now);
}

/* What an outcome says of the provider. */
static void
teach_provider(const GaJob *job, const GaOutcomeFrame *outcome)
{
	GaMonotonic now = ga_monotonic_now();
	GaProvider *provider = job->provider;
	GaMonotonic rested_until = provider->rest_until;

	if (job->picked)
		ga_connections_learn(provider, GA_OUTCOME_CONNECTIONS(outcome->flags));
	ga_provider_finished(provider, outcome, now);
	if (outcome->retry_after_ms > 0)
		ga_pauses_hear_rest(provider, rested_until, now,
							ga_job_reason(outcome));
}

static void
hear_outcome(const GaOutcomeFrame *outcome, TimestampTz now)
{
	GaJob *job = ga_job_find(outcome->job_id);
	MemoryContext old;
	GaRecord *record;
	bool must_pause;

	if (job == NULL)
		return;
	if (job->is_poll)
	{
		ga_polls_hear(job, outcome);
		teach_provider(job, outcome);
		ga_job_remove(job);
		return;
	}
	old = MemoryContextSwitchTo(ga_records_context());
	record = ga_records_add();
	ga_job_judge(job, outcome, now, record, &must_pause);
	MemoryContextSwitchTo(old);
	/* Not even tried: no part of the history. */
	if (!job->picked)
		record->outcome = NULL;
	teach_provider(job, outcome);
	if (record->due != 0 && outcome->outcome == GA_OUTCOME_RETRY &&
		ga_provider_gives_way(job->provider, ga_monotonic_now()))
		record->due = now;
	/* What the settings of then did says nothing of today's. */
	if (must_pause && job->fingerprint == job->provider->fingerprint)
		ga_pauses_begin(job->provider, record->reason);
	ga_job_remove(job);
}

/* ---- step: record ------------------------------------------------------- */

/*
 * Writes outcomes down; false when that fails.  The process must not end of it:
 * what the courier is just sending would be sent again.
 */
static bool
try_to_record(GaRecord *records, int count, int *kept, int *failed)
{
	volatile bool done = false;

	*failed = 0;
	PG_TRY();
	{
		*kept = ga_work_is_careful(GA_STEP_RECORD)
					? ga_record_one_by_one(records, count, incarnation, failed)
					: ga_queue_record(records, count, incarnation);
		ga_work_end();
		done = true;
	}
	PG_CATCH();
	{
		ga_work_fail();
	}
	PG_END_TRY();
	return done;
}

/* Until it works again nothing more is claimed. */
static void
wait_to_record(void)
{
	record_wait_ms = record_wait_ms == 0
						 ? RECORD_FIRST_WAIT_MS
						 : Min(record_wait_ms * 2, RECORD_LAST_WAIT_MS);
	records_not_before = ga_monotonic_in_ms(record_wait_ms);
}

/* What is due at once kept its place; for others a time is waited for. */
static void
note_requeued(const GaRecord *record, TimestampTz now)
{
	GaTagRange tags = {record->start_tag, record->start_tag};

	ga_due_rows_note(record->due);
	if (record->due <= now)
		ga_readings_look_again(record->channel, tags);
}

static void
record_outcomes(GaMonotonic now)
{
	/* Of rows that somebody holds locked: they stand first in the list. */
	static int held = 0;
	int count;
	int kept;
	int failed;
	GaRecord *records;
	int first;

	ga_records_bring_back(now);
	records = ga_records_list(&count);
	first = ga_monotonic_now() < records_not_before ? held : 0;
	if (count == first ||
		(record_wait_ms > 0 && ga_monotonic_now() < records_not_before) ||
		!ga_work_begin(GA_STEP_RECORD))
		return;
	if (!try_to_record(records + first, count - first, &kept, &failed))
	{
		held = 0;
		/* What is held up by a lock or an error has a pause of its own. */
		if (ga_work_is_failing(GA_STEP_RECORD))
			wait_to_record();
		return;
	}
	record_wait_ms = 0;
	kept += first;
	held = kept;
	for (int i = kept; i < kept + failed; i++)
		ga_records_set_aside(&records[i]);
	if (failed > 0)
		ga_set_aside_look_again();
	memmove(&records[kept], &records[kept + failed],
			sizeof(GaRecord) * (count - kept - failed));
	count -= failed;
	ga_polls_look_again();
	ga_screening_suppress(records + kept, count - kept);
	pg_atomic_fetch_add_u64(&ga_seat->recorded, count - kept);
	/* Only now can a query see them. */
	for (int i = kept; i < count; i++)
		if (records[i].due != 0)
			note_requeued(&records[i], GetCurrentTimestamp());
	ga_records_keep(kept);
	/* They are recorded a little later, and hold up no others meanwhile. */
	if (kept > 0 && first == 0)
		records_not_before = ga_monotonic_in_ms(LOCKED_ROWS_MS);
}

/* Nothing more is claimed while what was sent cannot be recorded. */
static bool
is_recording_held_up(void)
{
	int waiting;

	(void) ga_records_list(&waiting);
	return record_wait_ms > 0 ||
		   (waiting > 0 && ga_work_not_before(GA_STEP_RECORD) != 0);
}

/* ---- step: claim and hand over ------------------------------------------ */

static void
record_over(const GaClaim *claim, GaProvider *provider, const GaRecord *how)
{
	GaRecord *record = ga_records_add();

	*record = *how;
	record->group_id = claim->group_id;
	record->number = claim->number;
	record->start_tag = claim->start_tag;
	record->server = provider->server;
	record->channel = provider->channel;
	record->give_back = true;
	provider->in_flight--;
}

static void
hand_over(GaProvider *provider, const GaClaim *claim)
{
	const char *callback_url = provider->callback_url;
	GaRecord over = {0};
	StringInfoData json;
	GaMessage message;
	GaJob *job;

	if (ga_screening_holds_back(claim, &over))
	{
		record_over(claim, provider, &over);
		return;
	}
	job = ga_job_add(++last_job_id, provider, claim);
	ga_message_for_claim(link_secret, claim, provider->channel, &message);
	job->segments = message.segments;
	ga_provider_sent(provider, Max(message.segments, 1));
	initStringInfo(&json);
	if (callback_url != NULL)
		callback_url = ga_callback_url_make(
			callback_url, provider->server, link_secret,
			(GaLinkToken){claim->group_number, claim->number,
						  claim->link_version});
	ga_message_job(&json, job->id, link_secret, provider->server, callback_url,
				   claim, provider->channel, &message);
	if (json.len > GA_FRAME_MAX)
	{
		ga_job_remove(job);
		over.delivery = "failed";
		over.set_aside = true;
		over.reason = "the message is too long to be sent";
		record_over(claim, provider, &over);
		return;
	}
	ga_desk_put_job(job, json.data, json.len);
}

/* No message can be made of this one: it has failed, and the others go on. */
static void
fail_to_hand_over(GaProvider *provider, const GaClaim *claim, uint64 last_id,
				  MemoryContext context)
{
	GaRecord over = {.delivery = "failed", .set_aside = true};
	ErrorData *error;
	GaJob *job;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	EmitErrorReport();
	FlushErrorState();
	job = last_job_id == last_id ? NULL : ga_job_find(last_job_id);
	if (job != NULL)
		ga_job_remove(job);
	over.reason = MemoryContextStrdup(
		ga_records_context(),
		psprintf("the message cannot be made: %s",
				 error->message ? error->message : "unknown error"));
	record_over(claim, provider, &over);
}

static void
hand_over_all(GaProvider *provider, const GaClaim *claims, int count)
{
	MemoryContext context = CurrentMemoryContext;

	for (volatile int i = 0; i < count; i++)
	{
		uint64 last_id = last_job_id;

		ga_fair_queue_served(provider->channel, claims[i].created_by);
		PG_TRY();
		{
			hand_over(provider, &claims[i]);
		}
		PG_CATCH();
		{
			fail_to_hand_over(provider, &claims[i], last_id, context);
		}
		PG_END_TRY();
	}
}

static void
claim_for(GaProvider *provider, int limit, GaMonotonic now)
{
	int64 last_tag;
	GaQueueCursor *cursor = ga_reading_cursor(provider, &last_tag);
	bool from_front = cursor->start_tag == GA_START_TAG_MIN;
	GaClaim *claims;
	int count;

	if (!ga_work_begin(GA_STEP_CLAIM))
		return;
	/* What was just heard of is read before anything more is sent. */
	if (reload_wanted)
	{
		ga_work_end();
		return;
	}
	if (ga_work_is_careful(GA_STEP_CLAIM))
		count = ga_claim_one_by_one(provider, incarnation, limit, cursor,
									last_tag, &claims);
	else
	{
		count = ga_queue_claim(ga_work_scope(), provider->channel,
							   provider->server, &provider->filter, incarnation,
							   limit, cursor, last_tag, &claims);
		ga_screening_mark(ga_work_scope(), provider->channel, claims, count);
	}
	ga_work_end();
	ga_provider_claimed(provider, cursor, from_front, count, limit, now);
	ga_readings_tell_position(provider->channel);
	pg_atomic_fetch_add_u64(&ga_seat->claimed, count);
	hand_over_all(provider, claims, count);
	ga_desk_flush();
}

static void
place_due_rows(GaMonotonic now)
{
	if (!is_recording_held_up() && may_send() && !ga_retire_is_asked())
		ga_due_rows_place(now);
}

static void
claim_due(GaMonotonic now)
{
	ListCell *cell;

	if (is_recording_held_up() || !may_send() || renewal_wanted ||
		ga_retire_is_asked())
		return;
	ga_providers_route(now);
	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);
		int limit;

		ga_reading_check_due(provider, now);
		limit = ga_provider_capacity(provider, now);
		if (limit > 0 && ga_reading_has_more(provider) && ga_desk_open(now))
			claim_for(provider, limit, now);
	}
	ga_desk_end_trouble();
}

/* ---- step: when next? --------------------------------------------------- */

static void
ask_next_due(GaMonotonic now)
{
	ListCell *cell;

	if (!is_ours || !ga_dispatch_is_on())
		return;
	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);
		TimestampTz next_due;

		if (!provider->drained || provider->due_is_known ||
			!provider->was_usable || provider->has_nothing)
			continue;
		if (!ga_work_begin(GA_STEP_FIND_NEXT))
			return;
		next_due = ga_queue_first(provider->channel, &provider->filter);
		ga_due_rows_ask();
		ga_work_end();
		ga_reading_note_next_due(provider, next_due);
		ga_readings_tell_empty(provider->channel);
	}
}

static void
ask_for_receipts(GaMonotonic now)
{
	ga_polls_record();
	if (!is_recording_held_up() && may_send() && !ga_retire_is_asked())
		ga_polls_ask(now, &last_job_id);
}

/* False: there are more groups to be looked at earlier. */
static bool
follow_setting(TimestampTz now, bool *taken_over)
{
	static pg_uuid_t after;
	static int wanted = -1;

	if (wanted != ga_settings.reminder_before)
		memset(&after, 0, sizeof(after));
	wanted = ga_settings.reminder_before;
	return ga_groups_look_again(now, &after, taken_over);
}

/* Expiries and reminders: one look, and when the next one is. */
static void
look_at_groups(GaMonotonic unused)
{
	TimestampTz now = GetCurrentTimestamp();
	GaLook look;
	bool changed = reminders_before != ga_settings.reminder_before;
	bool taken_over = true;

	if (!is_ours || ga_dispatch_is_frozen() || record_wait_ms > 0 ||
		(look_is_known && look_at > now && !changed) ||
		!ga_work_begin(GA_STEP_LOOK_AT_GROUPS))
		return;
	if (changed && !follow_setting(now, &taken_over))
	{
		ga_work_end();
		look_is_known = true;
		look_at = now;
		return;
	}
	if (ga_work_is_careful(GA_STEP_LOOK_AT_GROUPS))
	{
		ga_set_aside_look_again();
		ga_groups_look_one_by_one(ga_work_scope(), now, &look);
	}
	else
		ga_groups_look(ga_work_scope(), now, &look);
	look_at = ga_groups_next_look();
	ga_work_end();
	/* While an operator is about to adopt(), the setting is noted later. */
	if (taken_over)
		reminders_before = ga_settings.reminder_before;
	look_is_known = true;
	if (look_at == 0)
		look_at = DT_NOEND;
	/* Held by somebody: not in a tight loop. */
	else if (look.groups == 0 && look_at <= now)
		look_at = TimestampTzPlusMilliseconds(now, STRAYS_RETRY_MS);
	/* From here on who needs an earlier look wakes us, deaf or not. */
	pg_atomic_write_u64(&ga_seat->look_at, (uint64) look_at);
	if (look.reminded > 0)
		ga_due_rows_look_again(now);
}

static void
trim_history(GaMonotonic now)
{
	if (trimmed_at != 0 &&
		now - trimmed_at < TRIM_INTERVAL_MS * INT64CONST(1000))
		return;
	if (ga_work_begin(GA_STEP_TRIM))
	{
		bool more = false;

		if (ga_work_is_careful(GA_STEP_TRIM))
		{
			ga_set_aside_look_again();
			ga_queue_trim_one_by_one();
		}
		else
			more = ga_queue_trim();
		ga_work_end();
		trimmed_at = more ? 0 : now;
	}
}

/* When a provider may claim again, courier included. */
static GaMonotonic
next_turn(GaProvider *provider, GaMonotonic now)
{
	GaMonotonic turn = ga_provider_next_turn(provider, now);

	if (ga_desk_is_open())
		return turn;
	/* Without a courier no outcome will tell. */
	if (turn == GA_MONOTONIC_NEVER && provider->was_usable &&
		ga_reading_has_more(provider))
		turn = now;
	return turn == GA_MONOTONIC_NEVER ? turn : Max(turn, ga_desk_not_before());
}

/* When the next message or question may be claimed. */
static GaMonotonic
next_claim(GaMonotonic now)
{
	GaMonotonic next = GA_MONOTONIC_NEVER;
	ListCell *cell;

	foreach (cell, ga_providers)
	{
		next = Min(next, next_turn(lfirst(cell), now));
	}
	next = Max(next, Max(ga_work_not_before(GA_STEP_CLAIM),
						 ga_work_not_before(GA_STEP_FIND_NEXT)));
	return Min(next, ga_polls_next_turn());
}

/* Something is known here alone: in the courier's hands or not yet recorded. */
static bool
must_stay(void)
{
	int waiting;

	(void) ga_records_list(&waiting);
	return waiting > 0 || ga_jobs_count() > 0 || ga_pauses_are_waiting();
}

static GaMonotonic unreadable_next_turn(void);

/* Milliseconds until something is to be done without an event; -1: never. */
static long
time_to_wait(void)
{
	GaMonotonic now = ga_monotonic_now();
	GaMonotonic next = GA_MONOTONIC_NEVER;
	int waiting;
	bool may_claim = is_ours && ga_dispatch_is_on() && !renewal_wanted &&
					 !is_recording_held_up() &&
					 !(ga_retire_is_asked() && must_stay());

	(void) ga_records_list(&waiting);
	if (incarnation == 0)
		next = Max(ga_work_not_before(GA_STEP_READ_PROVIDERS),
				   ga_work_not_before(GA_STEP_BEGIN_INCARNATION));
	if (reload_wanted)
		next = ga_work_not_before(GA_STEP_READ_PROVIDERS);
	if (renewal_wanted && !must_stay())
		next = Min(next, ga_work_not_before(GA_STEP_BEGIN_INCARNATION));
	if (waiting > 0)
		next = Min(next,
				   Max(records_not_before, ga_work_not_before(GA_STEP_RECORD)));
	next = Min(next, ga_pauses_next_turn());
	if (is_ours)
		next = Min(next, ga_strays_next_turn());
	next = Min(next, unreadable_next_turn());
	next = Min(next, ga_screening_next_turn());
	next = Min(next, Min(ga_records_next_turn(), ga_set_aside_next_turn()));
	if (is_ours && !ga_dispatch_is_frozen() && record_wait_ms == 0)
		next = Min(next, Max(look_is_known ? ga_clock_when(look_at) : now,
							 ga_work_not_before(GA_STEP_LOOK_AT_GROUPS)));
	if (may_claim)
		next = Min(next, next_claim(now));
	if (may_claim)
		next = Min(next, Max(ga_due_rows_next_turn(),
							 ga_work_not_before(GA_STEP_PLACE_DUE)));
	if (is_ours)
		next = Min(next, ga_clock_next_turn());
	if (next == GA_MONOTONIC_NEVER)
		return -1;
	return ga_monotonic_ms_between(now, next);
}

/* A database that is deaf hears of the looks that are earlier than its own. */
static void
say_when_to_wake(void)
{
	if (look_is_known || is_foreign)
		pg_atomic_write_u64(&ga_seat->look_at,
							(uint64) (is_ours ? look_at : DT_NOBEGIN));
}

/* How long to wait, unless this is the end of the process. */
static long
retire_or_wait(long work_ms)
{
	GaRetireReport report = {
		.must_stay = must_stay(),
		.is_foreign = is_foreign,
		.has_strays = !is_ours || ga_strays_are_left(),
		.wait_ms = work_ms,
		.trimmed_at = trimmed_at,
	};

	say_when_to_wake();
	return ga_retire_or_wait(&report);
}

static int
wait_for_events(long wait_ms)
{
	GaWaitSocket sockets[GA_DESK_SOCKETS];
	int events;

	ga_desk_sockets(sockets);
	ga_seat_note_wait(wait_ms);
	/* Nothing more to come for long: counters must not lie in wait. */
	if (ga_jobs_count() == 0)
		pgstat_report_stat(true);
	events = ga_wait_for_events(sockets, GA_DESK_SOCKETS, wait_ms,
								ga_wait_event(ga_jobs_count() > 0
												  ? "GroupApiDelivery"
												  : "GroupApiDispatcherMain"));
	ga_seat_note_progress();
	ResetLatch(MyLatch);
	return events;
}

/* ---- step: what earlier dispatchers left --------------------------------- */

/* Before the first claim; what is far behind in the queue while others leave. */
static void
take_back_strays(GaMonotonic now)
{
	if (is_ours)
		ga_strays_take_back_some(now, incarnation);
}

/* What is in flight from here must not be taken back: not before it ended. */
static void
renew_incarnation(GaMonotonic now)
{
	int64 next;

	if (!renewal_wanted || must_stay() ||
		!ga_work_begin(GA_STEP_BEGIN_INCARNATION))
		return;
	next = ga_queue_new_incarnation();
	ga_work_end();
	incarnation = next;
	renewal_wanted = false;
	ga_strays_search();
}

static bool
wants_unreadable(void)
{
	return unreadable_wanted || ga_work_met_storage_error();
}

/* When pages are to be looked for; not again and again for an error of others. */
static GaMonotonic
unreadable_next_turn(void)
{
	if (!wants_unreadable())
		return GA_MONOTONIC_NEVER;
	return Max(unreadable_wanted ? 0 : unreadable_not_before,
			   ga_work_not_before(GA_STEP_FIND_UNREADABLE));
}

/* After an error that may come of a page of the disk; lists are read around it. */
static void
find_unreadable(GaMonotonic now)
{
	bool is_news;

	if (!wants_unreadable() || unreadable_next_turn() > ga_monotonic_now() ||
		!ga_work_begin(GA_STEP_FIND_UNREADABLE))
		return;
	unreadable_not_before = ga_monotonic_in_ms(UNREADABLE_RETRY_MS);
	is_news = ga_unreadable_find();
	ga_work_end();
	if (is_news)
		unreadable_not_before = 0;
	unreadable_wanted = false;
	ga_work_forget_storage_error();
	ga_set_aside_look_again();
}

/* What was set aside is read again like what a lock left behind. */
static void
end_set_aside(GaMonotonic now)
{
	if (!ga_set_aside_is_over(now))
		return;
	ga_readings_begin_anew();
	ga_due_rows_look_again(DT_NOBEGIN);
	ga_polls_look_again();
	look_is_known = false;
	unreadable_wanted |= ga_unreadable_count() > 0;
	if (!ga_retire_found_nothing_in_flight())
		ga_strays_search();
}

/* ---- the loop ----------------------------------------------------------- */

static void
take_turn(void)
{
	GaMonotonic now;

	serve_interrupts();
	ga_work_survive(follow_clock, 0);
	ga_work_survive(reload, 0);
	prick_up_ears();
	hear_wakes();
	now = ga_monotonic_now();
	ga_desk_collect(GetCurrentTimestamp());
	ga_work_survive(record_pauses, now);
	ga_work_survive(record_outcomes, now);
	ga_screening_suppress_waiting();
	ga_work_survive(renew_incarnation, now);
	ga_work_survive(end_set_aside, now);
	ga_work_survive(find_unreadable, now);
	ga_work_survive(take_back_strays, now);
	ga_work_survive(look_at_groups, now);
	if (!ga_work_survive(place_due_rows, now))
		ga_due_rows_look_again(DT_NOBEGIN);
	/* What was read of the queue and rolled back is to be read again. */
	if (!ga_work_survive(claim_due, now))
		ga_readings_begin_anew();
	ga_work_survive(ga_desk_try_suspect, now);
	ga_work_survive(record_outcomes, now);
	if (!ga_work_survive(ask_for_receipts, now))
		ga_polls_look_again();
	ga_work_survive(shorten_waits, now);
	if (ga_retire_is_asked())
		ga_desk_drain();
	else if (ga_jobs_count() > 0)
		ga_work_survive(trim_history, now);
	ga_work_survive(ask_next_due, now);
	ga_desk_flush();
	pg_atomic_fetch_add_u64(&ga_seat->turns, 1);
}

/* Locked out by DDL before the first turn: others need not wait for that. */
static void
wait_to_start(void)
{
	if (ga_retire_is_asked())
		ga_seat_leave(GA_SLOT_WANTED, 0);
	(void) wait_for_events(time_to_wait());
}

/* Whoever queues rows from now on stands behind the first of those that wait. */
static void
resume_fair_queue(void)
{
	for (int i = GA_CHANNEL_MOBILE; i < GA_CHANNEL_COUNT; i++)
	{
		int64 tag = ga_queue_first_tag((GaChannel) i);

		if (tag != GA_START_TAG_MIN)
			ga_fair_queue_move_to((GaChannel) i, tag - 1);
	}
}

static void
begin_incarnation(GaMonotonic now)
{
	int64 next;

	if (!ga_work_begin(GA_STEP_BEGIN_INCARNATION))
		return;
	next = ga_queue_new_incarnation();
	resume_fair_queue();
	ga_work_end();
	incarnation = next;
	ga_retire_init(&trimmed_at);
	if (!ga_retire_found_nothing_in_flight())
		ga_strays_search();
}

static void
start_incarnation(void)
{
	while (incarnation == 0 && !ShutdownRequestPending)
	{
		serve_interrupts();
		ga_work_survive(follow_clock, 0);
		ga_work_survive(reload, 0);
		ga_work_survive(find_unreadable, 0);
		if (!reload_wanted)
			ga_work_survive(begin_incarnation, 0);
		if (incarnation == 0)
			wait_to_start();
	}
}

/*
 * The server stops: what is not taken up goes back to the queue, what is under
 * way may end, and what does not end in time is recorded as uncertain.
 */
static void
say_farewell(void)
{
	ga_desk_close();
	/* A last try, however often it failed before. */
	record_wait_ms = 0;
	records_not_before = 0;
	ga_records_bring_back(GA_MONOTONIC_NEVER);
	ga_work_survive(record_pauses, ga_monotonic_now());
	ga_work_survive(record_outcomes, ga_monotonic_now());
	ga_screening_suppress_waiting();
	ga_retire_keep(trimmed_at);
}

/* Started for new rows, or at the time that was said. */
static bool
is_started_for_work(GaSlot *slot)
{
	return ga_settings.dispatch &&
		   (pg_atomic_read_u64(&slot->wake_due) != (uint64) DT_NOEND ||
			slot->next_start <= ga_monotonic_now());
}

static void
begin(int at)
{
	Oid database = ga_slots->slots[at].database;

	ga_crash_guard_enter(database);
	if (is_started_for_work(&ga_slots->slots[at]))
		ga_desk_start_early();
	BackgroundWorkerUnblockSignals();
	/* What changes from here on is noticed (dispatch/ownership). */
	pg_atomic_write_u32(&ga_slots->slots[at].settings_changed, 0);
	pg_memory_barrier();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	if (!ga_seat_take(at))
		ga_seat_leave(GA_SLOT_WANTED, 1);
	pin_settings();
	ga_work_init();
	ga_clock_begin(ga_seat->kept.clock_offset);
	ga_connections_begin();
	ga_desk_init(hear_outcome);
	ga_jobs_init();
	ga_polls_init();
	ga_records_init();
	ga_screening_init();
	CacheRegisterSyscacheCallback(AUTHOID, hear_of_roles, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, hear_of_roles, (Datum) 0);
	reload_wanted = true;
	start_incarnation();
}

/* Of two waits; one below 0 has no end. */
static long
sooner(long one_ms, long other_ms)
{
	if (one_ms < 0 || other_ms < 0)
		return Max(one_ms, other_ms);
	return Min(one_ms, other_ms);
}

/* Until there is work; a time-out that was to end the process is none. */
static void
wait_for_turn(void)
{
	long work_ms;
	long wait_ms;
	int events;

	do
	{
		work_ms =
			sooner(time_to_wait(), ga_desk_next_turn_ms(ga_monotonic_now()));
		wait_ms = retire_or_wait(work_ms);
		events = wait_for_events(wait_ms);
	} while (events == WL_TIMEOUT && wait_ms != work_ms);
}

/* The start is no fault any more: it claimed and recorded, or had nothing to. */
static void
prove_itself(uint64 recorded_before)
{
	if (ga_jobs_count() == 0 ||
		pg_atomic_read_u64(&ga_seat->recorded) != recorded_before)
		ga_crash_guard_prove();
}

void
group_api_dispatcher_main(Datum arg)
{
	uint64 recorded;

	ga_dispatcher_signals_init();
	begin(DatumGetInt32(arg));
	recorded = pg_atomic_read_u64(&ga_seat->recorded);
	while (!ShutdownRequestPending)
	{
		take_turn();
		prove_itself(recorded);
		ga_work_end_turn();
		wait_for_turn();
	}
	say_farewell();
	/* Whoever stopped us did not mean for ever. */
	ga_seat_leave(GA_SLOT_WANTED, 1);
}
