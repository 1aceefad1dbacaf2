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
 * Locks: each transaction first takes AccessShareLock on the extension, without
 * waiting: DROP and ALTER EXTENSION take it exclusively before anything else, so
 * the two cannot deadlock and the DDL never waits for more than one short
 * transaction.
 *
 * Must never: wait for the network, hold a snapshot while idle, run a query when
 * there is nothing to do, or send for data that belong to another database.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/link_token.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "dispatch/courier_link.h"
#include "dispatch/crash_guard.h"
#include "dispatch/dispatcher.h"
#include "dispatch/jobs.h"
#include "dispatch/message.h"
#include "dispatch/providers.h"
#include "dispatch/records.h"
#include "dispatch/slots.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "store/installation_store.h"
#include "store/plan_cache.h"
#include "store/provider_store.h"
#include "store/queue_store.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Wait after DDL on the extension was in the way. */
#define LOCKED_OUT_MS 100
/* After a courier that could not be started or died at once. */
#define COURIER_FIRST_WAIT_MS 1000
#define COURIER_LAST_WAIT_MS 60000
/* Before rows and pauses that somebody else holds are looked at again. */
#define STRAYS_RETRY_MS 1000
#define PAUSES_RETRY_MS 1000
/* After outcomes that could not be recorded. */
#define RECORD_FIRST_WAIT_MS 1000
#define RECORD_LAST_WAIT_MS 60000
/* What a lock may cost the last transaction of a server that stops. */
#define FAREWELL_LOCK_MS 300
/* How long messages under way may still end when the server stops. */
#define FAREWELL_MS 700
/* How often the history is trimmed while there is work. */
#define TRIM_INTERVAL_MS 3600000

static GaSlot *slot;
static GaOwnerScope scope;
static MemoryContext turn_context;
static ResourceOwner worker_owner; /* of HMACs made between transactions */
static GaCourierLink courier;
static int64 incarnation;
static Oid my_extension; /* made anew it counts incarnations anew */
static uint64 last_job_id;
static uint8 link_secret[GA_LINK_SECRET_LENGTH];

static bool reload_wanted; /* providers, identity, extension: read again */
static bool is_ours;	   /* the data belong to this database */
static TimestampTz locked_out_until;
static TimestampTz pauses_not_before = DT_NOEND; /* DT_NOEND: none to store */
static TimestampTz strays_not_before = DT_NOEND; /* DT_NOEND: none left */
static TimestampTz records_not_before;
static int record_wait_ms; /* > 0: recording fails */
static TimestampTz courier_not_before;
static int courier_wait_ms;
static bool told_no_courier;
static bool courier_has_worked;
static TimestampTz trimmed_at;
static char *courier_config; /* JSON with secrets; in TopMemoryContext */

/* ---- life of the process ------------------------------------------------ */

/* How a dispatcher ends; `arg` is the state it leaves behind. */
static void
leave_slot(int code, Datum arg)
{
	ga_crash_guard_leave(MyDatabaseId);
	ga_courier_stop(&courier);
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	slot->pid = 0;
	slot->latch = NULL;
	slot->state = (GaSlotState) DatumGetInt32(arg);
	if (ga_slots->launcher_latch != NULL)
		SetLatch(ga_slots->launcher_latch);
	LWLockRelease(ga_slots->lock);
	pg_atomic_write_u32(&slot->courier_pid, 0);
}

/* An end that is no failure. */
static void
leave_in_order(GaSlotState state, int exit_code)
{
	cancel_before_shmem_exit(leave_slot, Int32GetDatum(GA_SLOT_STOPPED));
	before_shmem_exit(leave_slot, Int32GetDatum(state));
	proc_exit(exit_code);
}

/* False when DDL on the database asked for its place in the meantime. */
static bool
enter_slot(int at)
{
	bool is_welcome;

	slot = &ga_slots->slots[at];
	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	/* A launcher that started anew may not have known of the other. */
	if (slot->pid != 0)
	{
		LWLockRelease(ga_slots->lock);
		proc_exit(0);
	}
	before_shmem_exit(leave_slot, Int32GetDatum(GA_SLOT_STOPPED));
	slot->pid = MyProcPid;
	slot->latch = MyLatch;
	slot->state = GA_SLOT_RUNNING;
	slot->started_at = GetCurrentTimestamp();
	is_welcome = slot->holds == 0;
	LWLockRelease(ga_slots->lock);
	return is_welcome;
}

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

/* ---- transactions ------------------------------------------------------- */

static void
end_failed_work(void)
{
	PopActiveSnapshot();
	AbortCurrentTransaction();
	CurrentResourceOwner = worker_owner;
	MemoryContextSwitchTo(turn_context);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/*
 * Begins a transaction as the owner of the tables; false when DDL on the
 * extension is under way (try again soon).  Ends the process when the extension
 * is gone.
 */
static bool
begin_work(const char *activity)
{
	Oid extension;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, activity);
	extension = get_extension_oid("group_api", true);
	if (OidIsValid(extension) &&
		!ConditionalLockDatabaseObject(ExtensionRelationId, extension, 0,
									   AccessShareLock))
	{
		end_failed_work();
		locked_out_until =
			TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LOCKED_OUT_MS);
		return false;
	}
	/* Whoever held the lock may have dropped it. */
	if (my_extension == InvalidOid)
		my_extension = extension;
	if (!OidIsValid(extension) || extension != my_extension ||
		get_extension_oid("group_api", true) != extension ||
		!OidIsValid(ga_owner()))
	{
		end_failed_work();
		/* One made anew counts its incarnations anew: so must we. */
		leave_in_order(OidIsValid(extension) ? GA_SLOT_WANTED : GA_SLOT_FREE,
					   0);
	}
	/* Results are to outlive the transaction, but not the turn. */
	MemoryContextSwitchTo(turn_context);
	ga_owner_enter(&scope);
	return true;
}

static void
end_work(void)
{
	ga_owner_leave(&scope);
	PopActiveSnapshot();
	CommitTransactionCommand();
	CurrentResourceOwner = worker_owner;
	MemoryContextSwitchTo(turn_context);
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
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
		courier_wait_ms = 0;
		courier_not_before = 0;
	}
	if (pg_atomic_exchange_u32(&slot->reload, 0) != 0)
		reload_wanted = true;
}

static void
hear_wakes(void)
{
	TimestampTz due = (TimestampTz) pg_atomic_exchange_u64(&slot->wake_due,
														   (uint64) DT_NOEND);

	if (due == DT_NOEND)
		return;
	ga_providers_rewind(due);
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
	pg_atomic_write_u32(&slot->deaf, !listens);
	pg_memory_barrier();
}

static void
note_trouble(GaSlotTrouble trouble)
{
	pg_atomic_write_u32(&slot->trouble, trouble);
}

/* Sending is allowed: only a courier that does not work is still in the way. */
static void
end_trouble(void)
{
	if (pg_atomic_read_u32(&slot->trouble) != GA_TROUBLE_NO_COURIER ||
		courier_has_worked)
		note_trouble(GA_TROUBLE_NONE);
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
set_courier_config(const char *json)
{
	if (courier_config != NULL)
	{
		explicit_bzero(courier_config, strlen(courier_config));
		pfree(courier_config);
	}
	courier_config = MemoryContextStrdup(TopMemoryContext, json);
	if (ga_courier_is_open(&courier))
		ga_courier_put(&courier, GA_FRAME_CONFIG, courier_config,
					   strlen(courier_config));
}

static void
reload(void)
{
	MemoryContext old;
	GaProviderRow *rows;
	StringInfoData json;
	int count;

	if (!reload_wanted || !begin_work("group_api: reading the providers"))
		return;
	reload_wanted = false;
	is_ours = ga_installation_is_ours();
	if (is_ours)
		ga_link_secret_read(link_secret);
	count = ga_providers_read(&scope, &rows);
	end_outdated_pauses(rows, count);
	end_work();

	old = MemoryContextSwitchTo(turn_context);
	initStringInfo(&json);
	ga_providers_load(rows, count, &json);
	set_courier_config(json.data);
	explicit_bzero(json.data, json.len);
	MemoryContextSwitchTo(old);
	ga_providers_rewind(DT_NOBEGIN);
}

/* ---- step: the courier -------------------------------------------------- */

static bool
may_send(void)
{
	if (!ga_settings.dispatch)
		note_trouble(GA_TROUBLE_OFF);
	else if (!is_ours)
		note_trouble(GA_TROUBLE_FOREIGN);
	else
		return true;
	return false;
}

static void
delay_courier(TimestampTz now)
{
	courier_wait_ms = courier_wait_ms == 0
						  ? COURIER_FIRST_WAIT_MS
						  : Min(courier_wait_ms * 2, COURIER_LAST_WAIT_MS);
	courier_not_before = TimestampTzPlusMilliseconds(now, courier_wait_ms);
}

/* True when there is a courier to hand work to. */
static bool
ensure_courier(TimestampTz now)
{
	const char *reason;

	if (ga_courier_is_open(&courier))
		return true;
	if (now < courier_not_before)
		return false;
	if (!ga_courier_start(&courier, &reason))
	{
		note_trouble(GA_TROUBLE_NO_COURIER);
		delay_courier(now);
		if (!told_no_courier)
			ereport(WARNING,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the courier of group_api cannot be started; "
							"invitations wait"),
					 errdetail_internal("%s", reason),
					 errhint("Run \"make install\" of group_api, or set "
							 "group_api.courier_path.")));
		told_no_courier = true;
		return false;
	}
	told_no_courier = false;
	courier_has_worked = false;
	pg_atomic_write_u32(&slot->courier_pid, (uint32) courier.pid);
	ga_courier_put(&courier, GA_FRAME_CONFIG, courier_config,
				   strlen(courier_config));
	return true;
}

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

	if (pauses_not_before > now || !begin_work("group_api: pausing a provider"))
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
	end_work();
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
	old = MemoryContextSwitchTo(ga_records_context());
	record = ga_records_add();
	ga_job_judge(job, outcome, now, record, &must_pause);
	MemoryContextSwitchTo(old);
	/* Not even tried: no part of the history. */
	if (!job->picked)
		record->outcome = NULL;
	ga_provider_finished(job->provider, outcome, now);
	/* What the settings of then did says nothing of today's. */
	if (must_pause && job->fingerprint == job->provider->fingerprint)
		pause_provider(job->provider, record->reason);
	ga_job_remove(job);
}

static void
hear_frame(GaFrameType type, GaSlice payload, TimestampTz now)
{
	GaOutcomeFrame outcome;
	uint64_t job_id;
	GaJob *job;

	switch (type)
	{
		case GA_FRAME_PICKED:
			courier_has_worked = true;
			if (ga_wire_get_picked(payload, &job_id) &&
				(job = ga_job_find(job_id)) != NULL)
				job->picked = true;
			break;
		case GA_FRAME_OUTCOME:
			if (ga_wire_get_outcome(payload, &outcome))
				hear_outcome(&outcome, now);
			else
				courier.ended = true;
			break;
		case GA_FRAME_LOG:
			ereport(LOG, (errmsg("group_api courier: %s",
								 pnstrdup(payload.data, payload.length))));
			break;
		default:
			break;
	}
}

static void
read_frames(TimestampTz now)
{
	GaFrameType type;
	GaSlice payload;
	GaWireResult result;

	while ((result = ga_wire_peek(&courier.in, &type, &payload)) ==
		   GA_WIRE_FRAME)
	{
		hear_frame(type, payload, now);
		ga_buffer_consume(&courier.in, GA_FRAME_HEADER + payload.length);
	}
	if (result == GA_WIRE_BROKEN)
		courier.ended = true;
}

/* The courier is dead: what it had taken up may have been sent. */
static void
lose_job(GaJob *job, void *arg)
{
	TimestampTz now = *(TimestampTz *) arg;
	MemoryContext old = MemoryContextSwitchTo(ga_records_context());

	if (job->picked)
		ga_job_lose(job, now, ga_records_add());
	else
		ga_job_give_back(job, now, ga_records_add());
	MemoryContextSwitchTo(old);
	job->provider->in_flight--;
	ga_job_remove(job);
}

static void
bury_courier(TimestampTz now)
{
	int lost = ga_jobs_count();

	ga_jobs_visit(lose_job, &now);
	ereport(LOG, (errmsg("the courier of group_api ended unexpectedly"),
				  errdetail("%d messages were in its hands.", lost)));
	ga_courier_stop(&courier);
	pg_atomic_write_u32(&slot->courier_pid, 0);
	/* One that did some work may be replaced at once. */
	if (courier_has_worked)
		courier_wait_ms = 0;
	else
	{
		note_trouble(GA_TROUBLE_NO_COURIER);
		delay_courier(now);
	}
	courier_has_worked = false;
}

static void
collect_outcomes(TimestampTz now)
{
	if (!ga_courier_is_open(&courier))
		return;
	ga_courier_fill(&courier);
	read_frames(now);
	if (courier.ended)
		bury_courier(now);
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
		end_work();
		done = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(turn_context);
		EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
		CurrentResourceOwner = worker_owner;
		MemoryContextSwitchTo(turn_context);
		pgstat_report_activity(STATE_IDLE, NULL);
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

static void
record_outcomes(void)
{
	int count;
	int kept;
	GaRecord *records = ga_records_list(&count);

	if (count == 0 ||
		(record_wait_ms > 0 && GetCurrentTimestamp() < records_not_before) ||
		!begin_work("group_api: recording outcomes"))
		return;
	if (!try_to_record(records, count, &kept))
	{
		wait_to_record();
		return;
	}
	record_wait_ms = 0;
	pg_atomic_fetch_add_u64(&slot->recorded, count - kept);
	/* Only now can a query see them. */
	for (int i = kept; i < count; i++)
		if (records[i].due != 0)
			ga_providers_requeued(records[i].channel);
	ga_records_keep(kept);
	/* Rows that somebody holds locked are recorded a little later. */
	if (kept > 0)
		records_not_before =
			TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LOCKED_OUT_MS);
}

/* ---- step: claim and hand over ------------------------------------------ */

/* Why a claimed row is not to be sent after all; false: send it. */
static bool
is_over(const GaClaim *claim, GaRecord *record)
{
	record->delivery = "failed";
	if (claim->is_archived)
	{
		record->delivery = "canceled";
		record->reason = "the group is archived";
	}
	else if (claim->group_name == NULL || claim->member == NULL)
		record->reason = "the group or its member was deleted";
	else if (claim->expires_at != 0 &&
			 claim->expires_at <= GetCurrentTimestamp())
	{
		record->expired = true;
		record->reason = "expired before it could be sent";
	}
	/* Its record failed again and again. */
	else if (claim->attempt > ga_settings.max_attempts)
		record->reason = MemoryContextStrdup(
			ga_records_context(),
			psprintf("given up after %d tries", claim->attempt - 1));
	return record->reason != NULL;
}

static void
record_over(const GaClaim *claim, GaProvider *provider, const GaRecord *how)
{
	GaRecord *record = ga_records_add();

	*record = *how;
	record->group_id = claim->group_id;
	record->number = claim->number;
	record->server = provider->server;
	record->give_back = true;
	provider->in_flight--;
}

static void
hand_over(GaProvider *provider, const GaClaim *claim)
{
	GaRecord over = {0};
	StringInfoData json;
	GaMessage message;
	GaJob *job;

	if (is_over(claim, &over))
	{
		record_over(claim, provider, &over);
		return;
	}
	job = ga_job_add(++last_job_id, provider, claim);
	ga_message_compose(claim, provider->channel,
					   ga_message_link(link_secret, claim), &message);
	job->segments = message.segments;
	ga_provider_sent(provider, Max(message.segments, 1));
	initStringInfo(&json);
	ga_message_job(&json, job->id, provider->server, provider->callback_url,
				   claim, provider->channel, &message);
	if (json.len > GA_FRAME_MAX)
	{
		ga_job_remove(job);
		over.delivery = "failed";
		over.reason = "the message is too long to be sent";
		record_over(claim, provider, &over);
		return;
	}
	ga_courier_put(&courier, GA_FRAME_JOB, json.data, json.len);
}

static void
claim_for(GaProvider *provider, int limit, TimestampTz now)
{
	bool from_front = provider->cursor.due == DT_NOBEGIN;
	GaClaim *claims;
	int count;

	if (!begin_work("group_api: claiming invitations"))
		return;
	count = ga_queue_claim(&scope, provider->channel, provider->server,
						   &provider->filter, incarnation, limit,
						   &provider->cursor, &claims);
	end_work();
	ga_provider_claimed(provider, from_front, count, limit, now);
	pg_atomic_fetch_add_u64(&slot->claimed, count);
	for (int i = 0; i < count; i++)
		hand_over(provider, &claims[i]);
	ga_courier_flush(&courier);
}

static void
claim_due(TimestampTz now)
{
	ListCell *cell;

	if (locked_out_until > now || record_wait_ms > 0 || !may_send())
		return;
	ga_providers_route(now);
	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);
		int limit;

		ga_provider_check_due(provider, now);
		limit = ga_provider_capacity(provider, now);
		if (limit > 0 && !provider->drained && ensure_courier(now))
			claim_for(provider, limit, now);
	}
	end_trouble();
}

/* ---- step: when next? --------------------------------------------------- */

static void
ask_next_due(TimestampTz now)
{
	ListCell *cell;

	if (locked_out_until > now || !is_ours || !ga_settings.dispatch)
		return;
	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);
		TimestampTz next_due;

		if (!provider->drained || provider->due_is_known ||
			!provider->was_usable || provider->has_nothing)
			continue;
		if (!begin_work("group_api: looking for the next invitation"))
			return;
		next_due = ga_queue_next_due(provider->channel, &provider->filter);
		end_work();
		ga_provider_note_next_due(provider, next_due, GetCurrentTimestamp());
	}
}

static void
trim_history(TimestampTz now)
{
	if (trimmed_at != 0 &&
		!TimestampDifferenceExceeds(trimmed_at, now, TRIM_INTERVAL_MS))
		return;
	if (begin_work("group_api: trimming the history"))
	{
		bool more = ga_queue_trim();

		end_work();
		trimmed_at = more ? 0 : now;
	}
}

/* When a provider may claim again, courier included. */
static TimestampTz
next_turn(GaProvider *provider, TimestampTz now)
{
	TimestampTz turn = ga_provider_next_turn(provider, now);

	if (ga_courier_is_open(&courier))
		return turn;
	/* Without a courier no outcome will tell. */
	if (turn == DT_NOEND && provider->was_usable && !provider->drained)
		turn = now;
	return turn == DT_NOEND ? turn : Max(turn, courier_not_before);
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
	if (reload_wanted || locked_out_until > now)
		next = locked_out_until;
	if (waiting > 0)
		next = Min(next, records_not_before);
	next = Min(next, pauses_not_before);
	next = Min(next, strays_not_before);
	if (is_ours && ga_settings.dispatch && record_wait_ms == 0)
		foreach (cell, ga_providers)
		{
			next = Min(next, next_turn(lfirst(cell), now));
		}
	if (next == DT_NOEND)
		return -1;
	next = Max(next, locked_out_until);
	return next <= now ? 0 : TimestampDifferenceMilliseconds(now, next);
}

static void
wait_for_events(void)
{
	long wait_ms = time_to_wait();
	int events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;

	if (wait_ms >= 0)
		events |= WL_TIMEOUT;
	if (ga_courier_is_open(&courier))
		events |= WL_SOCKET_READABLE;
	if (ga_courier_has_output(&courier))
		events |= WL_SOCKET_WRITEABLE;
	/* Nothing more to come for long: counters must not lie in wait. */
	if (ga_jobs_count() == 0)
		pgstat_report_stat(true);
	(void) WaitLatchOrSocket(MyLatch, events, courier.fd, wait_ms,
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
		!begin_work("group_api: taking back what was in flight"))
		return;
	left = ga_queue_has_strays(incarnation);
	if (left)
	{
		taken = ga_queue_take_back(incarnation, ga_providers_that_hold());
		left = ga_queue_has_strays(incarnation);
	}
	end_work();
	strays_not_before =
		left ? TimestampTzPlusMilliseconds(now, STRAYS_RETRY_MS) : DT_NOEND;
	if (taken == 0)
		return;
	ga_providers_rewind(DT_NOBEGIN);
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
	collect_outcomes(now);
	record_pauses(now);
	record_outcomes();
	take_back_strays(now);
	claim_due(now);
	record_outcomes();
	if (ga_jobs_count() > 0)
		trim_history(now);
	ask_next_due(now);
	ga_courier_flush(&courier);
	pg_atomic_fetch_add_u64(&slot->turns, 1);
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
		   !begin_work("group_api: beginning a new incarnation"))
		wait_for_events();
	if (ShutdownRequestPending && !IsTransactionState())
		return;
	incarnation = ga_queue_new_incarnation();
	end_work();
	strays_not_before = 0;
}

static void
give_back_unpicked(GaJob *job, void *arg)
{
	if (!job->picked)
		lose_job(job, arg);
}

/* Waits for the courier's end until `end`, hearing what it says. */
static void
hear_last_words(TimestampTz end)
{
	TimestampTz now = GetCurrentTimestamp();

	while (!courier.ended && now < end)
	{
		ga_courier_flush(&courier);
		(void) WaitLatchOrSocket(
			MyLatch, WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
			courier.fd, (end - now) / 1000 + 1,
			ga_wait_event("GroupApiFarewell"));
		now = GetCurrentTimestamp();
		ga_courier_fill(&courier);
		read_frames(now);
	}
}

/*
 * The server stops: what is not taken up goes back to the queue, what is under
 * way may end, and what does not end in time is recorded as uncertain.
 */
static void
say_farewell(void)
{
	TimestampTz now = GetCurrentTimestamp();

	if (ga_courier_is_open(&courier))
	{
		ga_courier_put(&courier, GA_FRAME_DRAIN, "", 0);
		hear_last_words(TimestampTzPlusMilliseconds(now, FAREWELL_MS));
		/* After the kill nothing more can leave. */
		kill(courier.pid, SIGKILL);
		hear_last_words(
			TimestampTzPlusMilliseconds(GetCurrentTimestamp(), FAREWELL_MS));
	}
	now = GetCurrentTimestamp();
	ga_jobs_visit(give_back_unpicked, &now);
	ga_jobs_visit(lose_job, &now);
	record_pauses(now);
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

void
group_api_dispatcher_main(Datum arg)
{
	bool proved = false; /* a turn is done */
	Oid database;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, handle_sigterm);
	/* A cancel would break off a record, and what it tells be sent again. */
	pqsignal(SIGINT, SIG_IGN);
	courier.fd = PGINVALID_SOCKET;
	slot = &ga_slots->slots[DatumGetInt32(arg)];
	database = slot->database;
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	if (!enter_slot(DatumGetInt32(arg)))
		leave_in_order(GA_SLOT_WANTED, 1);
	pin_settings();
	worker_owner = ResourceOwnerCreate(NULL, "group_api dispatcher");
	CurrentResourceOwner = worker_owner;
	turn_context = AllocSetContextCreate(
		TopMemoryContext, "group_api turn context", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(turn_context);
	ga_jobs_init();
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
		MemoryContextReset(turn_context);
		wait_for_events();
	}
	say_farewell();
	/* Whoever stopped us did not mean for ever. */
	leave_in_order(GA_SLOT_WANTED, 1);
}
