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

#include <signal.h>

#include "access/xact.h"
#include "base/callback_url.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/link_token.h"
#include "dispatch/courier_desk.h"
#include "dispatch/crash_guard.h"
#include "dispatch/dispatcher.h"
#include "dispatch/due_rows.h"
#include "dispatch/jobs.h"
#include "dispatch/message.h"
#include "dispatch/polls.h"
#include "dispatch/providers.h"
#include "dispatch/reading.h"
#include "dispatch/records.h"
#include "dispatch/screening.h"
#include "dispatch/seat.h"
#include "dispatch/work.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/proc.h"
#include "store/installation_store.h"
#include "store/lifecycle_store.h"
#include "store/plan_cache.h"
#include "store/provider_store.h"
#include "store/queue_store.h"
#include "store/template_store.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

/* Before outcomes of rows that somebody holds locked are recorded again. */
#define LOCKED_ROWS_MS 100
/* Before rows and pauses that somebody else holds are looked at again. */
#define STRAYS_RETRY_MS 1000
#define PAUSES_RETRY_MS 1000
/* After outcomes that could not be recorded. */
#define RECORD_FIRST_WAIT_MS 1000
#define RECORD_LAST_WAIT_MS 60000
/* What a lock may cost the last transaction of a server that stops. */
#define FAREWELL_LOCK_MS 300
/* How often the history is trimmed while there is work. */
#define TRIM_INTERVAL_MS 3600000

static int64 incarnation;
static uint64 last_job_id;
static uint8 link_secret[GA_LINK_SECRET_LENGTH];

static bool reload_wanted; /* providers, templates, identity: read again */
static bool is_ours;	   /* the data belong to this database */
static TimestampTz pauses_not_before = DT_NOEND; /* DT_NOEND: none to store */
static TimestampTz strays_not_before = DT_NOEND; /* DT_NOEND: none left */
static TimestampTz records_not_before;
static int record_wait_ms; /* > 0: recording fails */
static TimestampTz trimmed_at;
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
		{"lock_timeout", "0"},
		/* Durable whatever the database says; the stop waits for no standby. */
		{"synchronous_commit", "local"},
		{"idle_in_transaction_session_timeout", "0"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_isolation", "read committed"},
		{"session_replication_role", "origin"},
		{"row_security", "on"},
	};

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
		ga_readings_begin_anew();
	if (due < GA_DUE_NEVER)
		ga_due_rows_look_again(due);
	look_is_known = false;
	ga_polls_look_again();
	/* The first create_group makes the data ours. */
	if (!is_ours)
		reload_wanted = true;
}

/*
 * Whether new rows can be of interest.  Set before the wakes are heard, so that
 * none is lost in between.
 */
static void
prick_up_ears(void)
{
	bool listens = !is_ours;
	ListCell *cell;

	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);

		listens |= !provider->gone && !provider->is_paused;
	}
	pg_atomic_write_u64(&ga_seat->look_at, (uint64) DT_NOEND);
	pg_atomic_write_u32(&ga_seat->deaf, !listens);
	pg_memory_barrier();
}

/*
 * A pause of ours ends when the operator changed the provider's settings.  It
 * is taken off the record later when somebody's open transaction is in the way.
 */
static void
end_outdated_pauses(GaProviderRow *rows, int count)
{
	bool locked = false;

	for (int i = 0; i < count; i++)
	{
		GaProviderRow *row = &rows[i];

		if (!row->is_paused || !row->paused_by_dispatcher ||
			row->paused_for == NULL ||
			strcmp(row->paused_for, row->fingerprint) == 0)
			continue;
		row->is_paused = false;
		locked = locked || ga_pauses_lock();
		if (locked)
			ga_provider_resume(row->server);
		else
			pauses_not_before = TimestampTzPlusMilliseconds(
				GetCurrentTimestamp(), PAUSES_RETRY_MS);
	}
}

static void
reload(void)
{
	GaTemplates templates;
	GaProviderRow *rows;
	StringInfoData json;
	int count;

	if (!reload_wanted || !ga_work_begin("group_api: reading the providers"))
		return;
	reload_wanted = false;
	is_ours = ga_installation_is_ours();
	if (is_ours)
		ga_link_secret_read(link_secret);
	count = ga_providers_read(ga_work_scope(), &rows);
	ga_templates_read(ga_work_scope(), &templates);
	ga_message_take_templates(&templates);
	end_outdated_pauses(rows, count);
	ga_work_end();

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
	if (!ga_settings.dispatch)
		ga_seat_note(GA_TROUBLE_OFF);
	else if (!is_ours)
		ga_seat_note(GA_TROUBLE_FOREIGN);
	else
		return true;
	return false;
}

/* ---- step: what became of messages ---- */

static void
pause_provider(GaProvider *provider, const char *reason)
{
	if (provider->is_paused)
		return;
	provider->is_paused = true;
	provider->unrecorded = MemoryContextStrdup(
		TopMemoryContext, reason ? reason : "no reason given");
	pauses_not_before = GetCurrentTimestamp();
	ereport(WARNING,
			(errmsg("provider \"%s\" of group_api is paused", provider->server),
			 errdetail_internal("%s", provider->unrecorded),
			 errhint("Correct it with ALTER SERVER or ALTER USER MAPPING; or "
					 "SELECT group_api.resume('%s');",
					 provider->server)));
}

/* Stores the pauses; never waits for an operator who is about to do the same. */
static void
record_pauses(TimestampTz now)
{
	ListCell *cell;
	bool locked;

	if (pauses_not_before > now ||
		!ga_work_begin("group_api: pausing a provider"))
		return;
	locked = ga_pauses_lock();
	if (locked)
		foreach (cell, ga_providers)
		{
			GaProvider *provider = lfirst(cell);

			if (provider->unrecorded != NULL && !provider->gone)
				ga_provider_pause(provider->server, true, provider->fingerprint,
								  provider->unrecorded);
		}
	ga_work_end();
	pauses_not_before =
		locked ? DT_NOEND : TimestampTzPlusMilliseconds(now, PAUSES_RETRY_MS);
	if (!locked)
		return;
	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);

		if (provider->unrecorded != NULL)
			pfree(provider->unrecorded);
		provider->unrecorded = NULL;
	}
	/* What an outdated pause left on the record goes with this. */
	reload_wanted = true;
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
		ga_provider_finished(job->provider, outcome, now);
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
	ga_provider_finished(job->provider, outcome, now);
	if (record->due != 0 && outcome->outcome == GA_OUTCOME_RETRY &&
		ga_provider_gives_way(job->provider, now))
		record->due = now;
	/* What the settings of then did says nothing of today's. */
	if (must_pause && job->fingerprint == job->provider->fingerprint)
		pause_provider(job->provider, record->reason);
	ga_job_remove(job);
}

/* ---- step: record ------------------------------------------------------- */

/*
 * Writes outcomes down; false when that fails.  The process must not end of it:
 * what the courier is just sending would be sent again.
 */
static bool
try_to_record(GaRecord *records, int count, int *kept)
{
	volatile bool done = false;

	PG_TRY();
	{
		*kept = ga_queue_record(records, count, incarnation);
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
	records_not_before =
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), record_wait_ms);
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
record_outcomes(void)
{
	int count;
	int kept;
	GaRecord *records = ga_records_list(&count);

	if (count == 0 ||
		(record_wait_ms > 0 && GetCurrentTimestamp() < records_not_before) ||
		!ga_work_begin("group_api: recording outcomes"))
		return;
	if (!try_to_record(records, count, &kept))
	{
		wait_to_record();
		return;
	}
	record_wait_ms = 0;
	ga_polls_look_again();
	ga_screening_suppress(records + kept, count - kept);
	pg_atomic_fetch_add_u64(&ga_seat->recorded, count - kept);
	/* Only now can a query see them. */
	for (int i = kept; i < count; i++)
		if (records[i].due != 0)
			note_requeued(&records[i], GetCurrentTimestamp());
	ga_records_keep(kept);
	/* Rows that somebody holds locked are recorded a little later. */
	if (kept > 0)
		records_not_before =
			TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LOCKED_ROWS_MS);
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
		over.reason = "the message is too long to be sent";
		record_over(claim, provider, &over);
		return;
	}
	ga_desk_put_job(json.data, json.len);
}

static void
claim_for(GaProvider *provider, int limit, TimestampTz now)
{
	int64 last_tag;
	GaQueueCursor *cursor = ga_reading_cursor(provider, &last_tag);
	bool from_front = cursor->start_tag == GA_START_TAG_MIN;
	GaClaim *claims;
	int count;

	if (!ga_work_begin("group_api: claiming invitations"))
		return;
	count = ga_queue_claim(ga_work_scope(), provider->channel, provider->server,
						   &provider->filter, incarnation, limit, cursor,
						   last_tag, &claims);
	ga_screening_mark(ga_work_scope(), provider->channel, claims, count);
	ga_work_end();
	ga_provider_claimed(provider, cursor, from_front, count, limit, now);
	ga_readings_tell_position(provider->channel);
	pg_atomic_fetch_add_u64(&ga_seat->claimed, count);
	for (int i = 0; i < count; i++)
	{
		ga_fair_queue_served(provider->channel, claims[i].created_by);
		hand_over(provider, &claims[i]);
	}
	ga_desk_flush();
}

static void
place_due_rows(TimestampTz now)
{
	if (ga_work_locked_out_until() <= now && record_wait_ms == 0 && may_send())
		ga_due_rows_place(now);
}

static void
claim_due(TimestampTz now)
{
	ListCell *cell;

	if (ga_work_locked_out_until() > now || record_wait_ms > 0 || !may_send())
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
ask_next_due(TimestampTz now)
{
	ListCell *cell;

	if (ga_work_locked_out_until() > now || !is_ours || !ga_settings.dispatch)
		return;
	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);
		TimestampTz next_due;

		if (!provider->drained || provider->due_is_known ||
			!provider->was_usable || provider->has_nothing)
			continue;
		if (!ga_work_begin("group_api: looking for the next invitation"))
			return;
		next_due = ga_queue_first(provider->channel, &provider->filter);
		ga_due_rows_ask();
		ga_work_end();
		ga_reading_note_next_due(provider, next_due, GetCurrentTimestamp());
		ga_readings_tell_empty(provider->channel);
	}
}

static void
ask_for_receipts(TimestampTz now)
{
	ga_polls_record(now);
	if (ga_work_locked_out_until() <= now && record_wait_ms == 0 && may_send())
		ga_polls_ask(now, &last_job_id);
}

/* False: there are more groups to be looked at earlier. */
static bool
follow_setting(TimestampTz now)
{
	static pg_uuid_t after;
	static int wanted = -1;

	if (wanted != ga_settings.reminder_before)
		memset(&after, 0, sizeof(after));
	wanted = ga_settings.reminder_before;
	return ga_groups_look_again(now, &after);
}

/* Expiries and reminders: one look, and when the next one is. */
static void
look_at_groups(TimestampTz now)
{
	GaLook look;
	bool changed = reminders_before != ga_settings.reminder_before;

	if (!is_ours || record_wait_ms > 0 ||
		(look_is_known && look_at > now && !changed) ||
		!ga_work_begin("group_api: looking for what expires"))
		return;
	if (changed && !follow_setting(now))
	{
		ga_work_end();
		look_is_known = true;
		look_at = now;
		return;
	}
	ga_groups_look(ga_work_scope(), now, &look);
	look_at = ga_groups_next_look();
	ga_work_end();
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
trim_history(TimestampTz now)
{
	if (trimmed_at != 0 &&
		!TimestampDifferenceExceeds(trimmed_at, now, TRIM_INTERVAL_MS))
		return;
	if (ga_work_begin("group_api: trimming the history"))
	{
		bool more = ga_queue_trim();

		ga_work_end();
		trimmed_at = more ? 0 : now;
	}
}

/* When a provider may claim again, courier included. */
static TimestampTz
next_turn(GaProvider *provider, TimestampTz now)
{
	TimestampTz turn = ga_provider_next_turn(provider, now);

	if (ga_desk_is_open())
		return turn;
	/* Without a courier no outcome will tell. */
	if (turn == DT_NOEND && provider->was_usable &&
		ga_reading_has_more(provider))
		turn = now;
	return turn == DT_NOEND ? turn : Max(turn, ga_desk_not_before());
}

/* Milliseconds until something is to be done without an event; -1: never. */
static long
time_to_wait(void)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz next = DT_NOEND;
	ListCell *cell;
	int waiting;

	(void) ga_records_list(&waiting);
	if (reload_wanted || ga_work_locked_out_until() > now)
		next = ga_work_locked_out_until();
	if (waiting > 0)
		next = Min(next, records_not_before);
	next = Min(next, pauses_not_before);
	next = Min(next, strays_not_before);
	if (is_ours && record_wait_ms == 0 && look_is_known)
		next = Min(next, look_at);
	if (is_ours && record_wait_ms == 0 && ga_settings.dispatch)
		next = Min(next, ga_polls_next_turn());
	if (is_ours && ga_settings.dispatch && record_wait_ms == 0)
		next = Min(next, ga_due_rows_next_turn());
	if (is_ours && ga_settings.dispatch && record_wait_ms == 0)
		foreach (cell, ga_providers)
		{
			next = Min(next, next_turn(lfirst(cell), now));
		}
	if (next == DT_NOEND)
		return -1;
	next = Max(next, ga_work_locked_out_until());
	return next <= now ? 0 : TimestampDifferenceMilliseconds(now, next);
}

static void
wait_for_events(void)
{
	long wait_ms = time_to_wait();
	int events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | ga_desk_events();

	if (wait_ms >= 0)
		events |= WL_TIMEOUT;
	/* Nothing more to come for long: counters must not lie in wait. */
	if (ga_jobs_count() == 0)
		pgstat_report_stat(true);
	(void) WaitLatchOrSocket(MyLatch, events, ga_desk_socket(), wait_ms,
							 ga_wait_event(ga_jobs_count() > 0
											   ? "GroupApiDelivery"
											   : "GroupApiDispatcherMain"));
	ResetLatch(MyLatch);
}

/* ---- step: what earlier dispatchers left --------------------------------- */

/* Before the first claim; again while somebody holds such a row locked. */
static void
take_back_strays(TimestampTz now)
{
	uint64 taken = 0;
	bool left;

	if (strays_not_before > now ||
		!ga_work_begin("group_api: taking back what was in flight"))
		return;
	left = ga_queue_has_strays(incarnation);
	if (left)
	{
		taken = ga_queue_take_back(incarnation, ga_providers_that_hold());
		left = ga_queue_has_strays(incarnation);
	}
	ga_work_end();
	strays_not_before =
		left ? TimestampTzPlusMilliseconds(now, STRAYS_RETRY_MS) : DT_NOEND;
	if (taken == 0)
		return;
	ga_readings_begin_anew();
	ga_due_rows_look_again(DT_NOBEGIN);
	ereport(LOG, (errmsg("group_api took back " UINT64_FORMAT
						 " invitations that were in flight",
						 taken)));
}

/* ---- the loop ----------------------------------------------------------- */

static void
take_turn(void)
{
	TimestampTz now;

	serve_interrupts();
	reload();
	prick_up_ears();
	hear_wakes();
	now = GetCurrentTimestamp();
	ga_desk_collect(now);
	record_pauses(now);
	record_outcomes();
	take_back_strays(now);
	look_at_groups(now);
	place_due_rows(now);
	claim_due(now);
	record_outcomes();
	ask_for_receipts(now);
	if (ga_jobs_count() > 0)
		trim_history(now);
	ask_next_due(now);
	ga_desk_flush();
	pg_atomic_fetch_add_u64(&ga_seat->turns, 1);
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
start_incarnation(void)
{
	while (reload_wanted && !ShutdownRequestPending)
	{
		serve_interrupts();
		reload();
		if (reload_wanted)
			wait_for_events();
	}
	while (!ShutdownRequestPending &&
		   !ga_work_begin("group_api: beginning a new incarnation"))
		wait_for_events();
	if (ShutdownRequestPending && !IsTransactionState())
		return;
	incarnation = ga_queue_new_incarnation();
	resume_fair_queue();
	ga_work_end();
	strays_not_before = 0;
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
	record_pauses(GetCurrentTimestamp());
	record_outcomes();
}

/* A lock that nobody releases must not keep the server from stopping. */
static void
handle_sigterm(SIGNAL_ARGS)
{
	int save_errno = errno;

	ShutdownRequestPending = true;
	/* For a wait that begins only now. */
	LockTimeout = FAREWELL_LOCK_MS;
	if (MyProc != NULL && MyProc->waitStatus == PROC_WAIT_STATUS_WAITING)
	{
		QueryCancelPending = true;
		InterruptPending = true;
	}
	SetLatch(MyLatch);
	errno = save_errno;
}

/*
 * A cancel would break off a record, and what it tells be sent again; only a
 * time-out of ours on a lock, which comes as this signal as well, may do that.
 */
static void
handle_sigint(SIGNAL_ARGS)
{
	int save_errno = errno;

	if (get_timeout_indicator(LOCK_TIMEOUT, false))
	{
		QueryCancelPending = true;
		InterruptPending = true;
		SetLatch(MyLatch);
	}
	errno = save_errno;
}

void
group_api_dispatcher_main(Datum arg)
{
	bool proved = false; /* a turn is done */
	Oid database;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, handle_sigterm);
	pqsignal(SIGINT, handle_sigint);
	database = ga_slots->slots[DatumGetInt32(arg)].database;
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	if (!ga_seat_take(DatumGetInt32(arg)))
		ga_seat_leave(GA_SLOT_WANTED, 1);
	pin_settings();
	ga_work_init();
	ga_desk_init(hear_outcome);
	ga_jobs_init();
	ga_polls_init();
	ga_records_init();
	reload_wanted = true;
	ga_crash_guard_enter(database);
	start_incarnation();
	while (!ShutdownRequestPending)
	{
		take_turn();
		if (!proved)
			ga_crash_guard_leave(database);
		proved = true;
		ga_work_end_turn();
		wait_for_events();
	}
	say_farewell();
	/* Whoever stopped us did not mean for ever. */
	ga_seat_leave(GA_SLOT_WANTED, 1);
}
