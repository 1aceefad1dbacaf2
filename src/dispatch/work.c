/*
 * work.c
 *		Beginning and ending the dispatcher's transactions.
 *
 * Locks: nobody may hold up the delivery, so the dispatcher waits for no lock.
 * Each step takes the locks on all tables it uses at its beginning, without
 * waiting, and does nothing where one is refused; the statements then find them
 * held.  DROP EXTENSION locks the same tables, each before its indexes, so it
 * waits for one short transaction at the most and the two cannot deadlock.  Nothing
 * else of the extension is locked: on the extension itself anybody can hold a
 * lock (ALTER FUNCTION ... DEPENDS ON EXTENSION), on a table only its owner.
 *
 * Rows are skipped where others hold them (test/lint/waits.sh); lock_timeout is
 * the net below, for uncommitted rows of the same unique key above all.  A step
 * that ran into a lock is tried again after a pause that doubles, while the other
 * steps go on; how long it lasts already stands in the slot for health().
 *
 * Between transactions the turn's memory context and a resource owner of the
 * worker's own are current.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/bytes.h"
#include "base/extension.h"
#include "base/guc.h"
#include "common/hashfn.h"
#include "dispatch/own_slot.h"
#include "dispatch/process/commit.h"
#include "dispatch/work.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "store/events/listener_store.h"
#include "store/queue/broken_pages.h"
#include "store/queue/set_aside_store.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/* Pause of a step after a lock was in its way: the first, and the longest. */
#define FIRST_PAUSE_MS 100
#define LONGEST_PAUSE_MS 500
/* After an error, which costs more than a lock that is refused. */
#define LONGEST_ERROR_PAUSE_MS 2000
/* What a lock may cost a step of one row: another row comes next. */
#define ATTEMPT_LOCK_MS 10
/* A step held up this long is worth a line in the log. */
#define WORTH_TELLING_MS 5000
/* The same error of a step stands in the log once in so long. */
#define SAME_ERROR_MS 60000

#define TABLES_MAX 15

/* Where a step writes events, and what it reads to do so. */
#define IF_HEARD "" /* what follows is locked only where somebody listens */
#define OF_EVENTS IF_HEARD, "events", "event_deliveries", "consumers"
#define OF_MEMBER_EVENTS OF_EVENTS, "members", "users"

/* A step, as pg_stat_activity and health() call it, and the tables it uses. */
typedef struct StepInfo
{
	const char *name;
	const char *tables[TABLES_MAX];
} StepInfo;

static const StepInfo steps[GA_STEP_COUNT] = {
	[GA_STEP_READ_PROVIDERS] = {"reading the providers",
								{"installation", "link_secret", "pauses",
								 "templates", "suppression_salt",
								 "suppressions", "groups", OF_EVENTS}},
	[GA_STEP_BEGIN_INCARNATION] = {"beginning a new incarnation",
								   {"incarnations", "invitations"}},
	[GA_STEP_TAKE_BACK] = {"taking back what was in flight",
						   {"invitations", "attempts", "set_aside",
							OF_MEMBER_EVENTS, "groups"}},
	[GA_STEP_PAUSE] = {"pausing a provider", {"pauses", OF_EVENTS}},
	[GA_STEP_RECORD] = {"recording outcomes",
						{"invitations", "attempts", "polls", "captured",
						 "set_aside", OF_MEMBER_EVENTS, "groups"}},
	[GA_STEP_SUPPRESS] = {"suppressing a contact",
						  {"invitations", "suppressions", "suppression_salt"}},
	[GA_STEP_PLACE_DUE] = {"queueing what is due",
						   {"invitations", "groups", "set_aside"}},
	[GA_STEP_CLAIM] = {"claiming invitations",
					   {"invitations", "groups", "members", "suppressions",
						"suppression_salt", "sends", "set_aside"}},
	[GA_STEP_FIND_NEXT] = {"looking for the next invitation",
						   {"invitations", "set_aside"}},
	[GA_STEP_DEADLINES] = {"looking for what expires",
						   {"groups", "invitations", "polls", "suppressions",
							"suppression_salt", "installation", "set_aside",
							OF_MEMBER_EVENTS}},
	[GA_STEP_FIND_QUESTION] = {"looking for whom to ask",
							   {"polls", "set_aside"}},
	[GA_STEP_ASK] = {"asking for receipts", {"polls", "set_aside"}},
	[GA_STEP_RECORD_ANSWER] = {"recording receipts",
							   {"polls", "invitations", "groups", "attempts",
								"receipts", "link_secret", "suppressions",
								"suppression_salt", OF_MEMBER_EVENTS}},
	[GA_STEP_SET_ASIDE] = {"looking for what was set aside", {"set_aside"}},
	[GA_STEP_FIND_UNREADABLE] = {"looking for pages that cannot be read",
								 {"invitations", "polls", "groups", "attempts",
								  "sends", "captured", "receipts",
								  "set_aside"}},
	[GA_STEP_TRIM] = {"trimming the history",
					  {"invitations", "attempts", "captured",
					   "idempotency_keys", "sends", "resends", "receipts",
					   "receipt_counts", "polls", "set_aside", "events",
					   "event_deliveries", "consumers"}},
	[GA_STEP_FOLLOW_CLOCK] = {"following the clock",
							  {"pauses", "invitations", "polls", "set_aside"}},
	[GA_STEP_READ_EVENTS] = {"reading events", {"events", "event_deliveries"}},
	[GA_STEP_RECORD_EVENTS] = {"recording what webhooks answered",
							   {"events", "event_deliveries"}},
};

/* What is in the way of a step, a lock or an error; since 0: nothing. */
typedef struct Hindrance
{
	GaMonotonic since;
	GaMonotonic not_before;
	int pause_ms;
	Oid table; /* InvalidOid: rows of one of them */
	bool is_told;
	bool is_error;
	char reason[GA_FAILING_REASON_SIZE]; /* of an error */
} Hindrance;

static Hindrance hindrances[GA_STEP_COUNT];
static GaStep current_step;
static GaOwnerScope scope;
static MemoryContext turn_context;
static ResourceOwner worker_owner; /* of HMACs made between transactions */
static Oid tables[GA_STEP_COUNT][TABLES_MAX];
/* Steps that failed as a whole do their rows one by one. */
static bool is_careful[GA_STEP_COUNT];
static bool met_storage_error;
static Oid my_queue; /* made anew it counts incarnations anew */

static void
stand_between(void)
{
	CurrentResourceOwner = worker_owner;
	MemoryContextSwitchTo(turn_context);
	pgstat_report_activity(STATE_IDLE, NULL);
}

void
ga_work_init(void)
{
	worker_owner = ResourceOwnerCreate(NULL, "group_api dispatcher");
	turn_context = AllocSetContextCreate(
		TopMemoryContext, "group_api turn context", ALLOCSET_DEFAULT_SIZES);
	/* What held up an earlier dispatcher is its own affair. */
	pg_atomic_write_u64(&ga_own_slot->held_up_since, 0);
	pg_atomic_write_u64(&ga_own_slot->failing_since, 0);
	stand_between();
}

const char *
ga_work_step_name(GaStep step)
{
	return step < GA_STEP_COUNT ? steps[step].name : NULL;
}

/* ---- what is in the way -------------------------------------------------- */

/* The step that a lock, or an error, is in the way of longest; -1: none. */
static int
find_longest(bool by_error)
{
	int longest = -1;

	for (int i = 0; i < GA_STEP_COUNT; i++)
		if (hindrances[i].since != 0 && hindrances[i].is_error == by_error &&
			(longest < 0 || hindrances[i].since < hindrances[longest].since))
			longest = i;
	return longest;
}

static void
publish_failure(void)
{
	int longest = find_longest(true);

	LWLockAcquire(ga_slots->lock, LW_EXCLUSIVE);
	if (longest >= 0)
	{
		strlcpy(ga_own_slot->failing_reason, hindrances[longest].reason,
				sizeof(ga_own_slot->failing_reason));
		pg_atomic_write_u32(&ga_own_slot->failing_step, longest);
	}
	pg_atomic_write_u64(&ga_own_slot->failing_since,
						longest < 0 ? 0 : (uint64) hindrances[longest].since);
	LWLockRelease(ga_slots->lock);
}

/* For whoever asks. */
static void
publish(void)
{
	int longest = find_longest(false);

	if (longest < 0)
	{
		pg_atomic_write_u64(&ga_own_slot->held_up_since, 0);
		return;
	}
	pg_atomic_write_u32(&ga_own_slot->held_up_step, longest);
	pg_atomic_write_u32(&ga_own_slot->held_up_table, hindrances[longest].table);
	pg_atomic_write_u64(&ga_own_slot->held_up_until,
						(uint64) hindrances[longest].not_before);
	pg_atomic_write_u64(&ga_own_slot->held_up_since,
						(uint64) hindrances[longest].since);
}

/* Until when a step is put off: longer each time. */
static void
put_off(Hindrance *hindrance, int longest_ms, GaMonotonic now)
{
	if (hindrance->since == 0)
		hindrance->since = now;
	hindrance->pause_ms = hindrance->pause_ms == 0
							  ? FIRST_PAUSE_MS
							  : Min(hindrance->pause_ms * 2, longest_ms);
	hindrance->not_before = now + (int64) hindrance->pause_ms * 1000;
}

/* The log has the error already. */
static void
note_failure(GaStep step, const char *reason)
{
	Hindrance *hindrance = &hindrances[step];

	put_off(hindrance, LONGEST_ERROR_PAUSE_MS, ga_monotonic_now());
	hindrance->is_error = true;
	strlcpy(hindrance->reason, reason, sizeof(hindrance->reason));
	publish();
	publish_failure();
}

static void
note_hindrance(GaStep step, Oid table)
{
	Hindrance *hindrance = &hindrances[step];
	GaMonotonic now = ga_monotonic_now();

	put_off(hindrance, LONGEST_PAUSE_MS, now);
	hindrance->table = table;
	publish();
	if (hindrance->is_told || now - hindrance->since < WORTH_TELLING_MS * 1000)
		return;
	hindrance->is_told = true;
	ereport(LOG, (errmsg("group_api is held up by a lock while %s",
						 steps[step].name),
				  errhint("SELECT * FROM group_api.health();")));
}

static void
note_success(GaStep step)
{
	bool was_error = hindrances[step].is_error;

	if (hindrances[step].not_before == 0)
		return;
	memset(&hindrances[step], 0, sizeof(Hindrance));
	publish();
	if (was_error)
		publish_failure();
}

GaMonotonic
ga_work_not_before(GaStep step)
{
	return hindrances[step].not_before;
}

void
ga_work_forget_pauses(void)
{
	for (int i = 0; i < GA_STEP_COUNT; i++)
		if (hindrances[i].not_before != 0)
		{
			hindrances[i].not_before = 1; /* long past; 0: nothing hinders it */
			hindrances[i].pause_ms = 0;
		}
}

/* ---- transactions -------------------------------------------------------- */

static void
abort_work(void)
{
	AbortCurrentTransaction();
	stand_between();
}

/*
 * Locks the tables of a step as its statements will; false when one is refused.
 * They are looked up once: made anew they are others'.
 */
static bool
lock_tables(GaStep step, Oid *refused)
{
	for (int i = 0; i < TABLES_MAX && steps[step].tables[i] != NULL; i++)
	{
		Oid *table = &tables[step][i];

		if (steps[step].tables[i][0] == '\0')
		{
			if (!ga_listeners_may_be())
				break;
			continue;
		}
		if (!OidIsValid(*table))
			*table = ga_extension_table(steps[step].tables[i]);
		if (OidIsValid(*table) &&
			!ConditionalLockRelationOid(*table, RowExclusiveLock))
		{
			*refused = *table;
			return false;
		}
	}
	return true;
}

/* Whether it is the extension that this dispatcher began with. */
static bool
is_still_there(GaStep step)
{
	if (!OidIsValid(my_queue))
		my_queue = ga_extension_table("invitations");
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(my_queue)))
		return false;
	for (int i = 0; i < TABLES_MAX && steps[step].tables[i] != NULL; i++)
	{
		if (steps[step].tables[i][0] == '\0')
			return !ga_listeners_may_be() || OidIsValid(tables[step][i + 1]);
		if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(tables[step][i])))
			return false;
	}
	return true;
}

/* dispatch/stats tells what is `wrong`; said once in the log. */
static void
rest_for(GaStep step, const char *wrong)
{
	static bool is_told = false;

	abort_work();
	hindrances[step].not_before = ga_monotonic_in_ms(LONGEST_PAUSE_MS);
	if (!is_told)
		ereport(WARNING, (errmsg("%s: nothing is sent", wrong),
						  errhint("SELECT * FROM group_api.health(); says what "
								  "helps.")));
	is_told = true;
}

bool
ga_work_begin(GaStep step)
{
	Oid refused = InvalidOid;

	/* Whoever stops gets a last try. */
	if (hindrances[step].not_before > ga_monotonic_now() &&
		!ShutdownRequestPending)
		return false;
	current_step = step;
	ga_own_slot_note_progress();
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	/* A freeze is for what is claimed (dispatch/ownership); what was sent is
	 * recorded in any case. */
	XactReadOnly = false;
	/* First, since another version may have other tables. */
	if (!ga_extension_fits())
	{
		rest_for(step, "library and extension group_api are of different "
					   "versions");
		return false;
	}
	pgstat_report_activity(STATE_RUNNING,
						   psprintf("group_api: %s", steps[step].name));
	if (!lock_tables(step, &refused))
	{
		abort_work();
		note_hindrance(step, refused);
		return false;
	}
	/* Whoever held a lock may have dropped it all. */
	if (!is_still_there(step))
	{
		bool is_made_anew = OidIsValid(ga_extension_oid());

		abort_work();
		/* One made anew counts its incarnations anew: so must we. */
		ga_own_slot_leave(is_made_anew ? GA_SLOT_WANTED : GA_SLOT_FREE, 0);
	}
	if (!ga_owner_can_serve(ga_owner()))
	{
		rest_for(step, ga_owner_fault(ga_owner()));
		return false;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	/* Results are to outlive the transaction, but not the turn. */
	MemoryContextSwitchTo(turn_context);
	ga_owner_enter(&scope);
	/* Its errors are caught here, and told to nobody's client. */
	error_context_stack = scope.on_error.previous;
	return true;
}

void
ga_work_end(void)
{
	ga_owner_leave(&scope);
	PopActiveSnapshot();
	if (current_step == GA_STEP_CLAIM && ga_settings.synchronous_claims)
		ga_commit_replicated();
	else
		CommitTransactionCommand();
	ga_own_slot_note_progress();
	is_careful[current_step] = false;
	note_success(current_step);
	pgstat_report_stat(false);
	stand_between();
}

/*
 * Whether the error just caught is a lock: of the net below, of a deadlock that
 * was resolved at our cost, or of the cancel that ends a wait when the server
 * stops.
 */
static bool
is_lock_error(void)
{
	int code = geterrcode();

	return code == ERRCODE_LOCK_NOT_AVAILABLE ||
		   code == ERRCODE_T_R_DEADLOCK_DETECTED ||
		   (code == ERRCODE_QUERY_CANCELED && ShutdownRequestPending);
}

/* Those whose rows can be done one by one. */
static bool
can_be_careful(GaStep step)
{
	return step == GA_STEP_CLAIM || step == GA_STEP_RECORD ||
		   step == GA_STEP_DEADLINES || step == GA_STEP_PLACE_DUE ||
		   step == GA_STEP_ASK || step == GA_STEP_TAKE_BACK ||
		   step == GA_STEP_TRIM;
}

/* A step that failed is tried row by row at once; when that fails, too, later. */
static void
note_error(GaStep step, const char *reason)
{
	is_careful[step] = can_be_careful(step) && !is_careful[step];
	if (!is_careful[step])
		note_failure(step, reason);
}

bool
ga_work_is_careful(GaStep step)
{
	return is_careful[step];
}

bool
ga_work_is_failing(GaStep step)
{
	return hindrances[step].is_error;
}

/* Whether an error is worth lines in the log: not the same as a moment ago. */
static bool
is_news(GaStep step, const char *reason)
{
	static GaMonotonic told_at[GA_STEP_COUNT];
	static uint32 told[GA_STEP_COUNT];
	GaMonotonic now = ga_monotonic_now();
	uint32 digest =
		hash_bytes((const unsigned char *) reason, (int) strlen(reason));

	if (told[step] == digest && now < told_at[step] + SAME_ERROR_MS * 1000L)
		return false;
	told[step] = digest;
	told_at[step] = now;
	return true;
}

void
ga_work_fail(void)
{
	bool is_lock = is_lock_error();
	bool is_storage = ga_set_aside_is_storage_error(geterrcode());
	char reason[GA_FAILING_REASON_SIZE] = "";

	MemoryContextSwitchTo(turn_context);
	if (!is_lock)
	{
		const char *message = CopyErrorData()->message;

		ga_bytes_copy_text(reason, message ? message : "", sizeof(reason));
		if (is_storage)
			ga_broken_pages_hear(reason);
		if (is_news(current_step, reason))
			EmitErrorReport();
	}
	FlushErrorState();
	abort_work();
	/* That of the search itself says nothing new. */
	met_storage_error |= is_storage && current_step != GA_STEP_FIND_UNREADABLE;
	if (is_lock)
		note_hindrance(current_step, InvalidOid);
	else
		note_error(current_step, reason);
}

bool
ga_work_met_storage_error(void)
{
	return met_storage_error;
}

void
ga_work_forget_storage_error(void)
{
	met_storage_error = false;
}

bool
ga_work_survive(void (*part)(GaMonotonic now), GaMonotonic now)
{
	volatile bool done = false;

	PG_TRY();
	{
		part(now);
		done = true;
	}
	PG_CATCH();
	{
		/* Outside a transaction nothing else gives these back. */
		if (!IsTransactionState())
			LWLockReleaseAll();
		ga_work_fail();
	}
	PG_END_TRY();
	return done;
}

bool
ga_work_attempt(void (*step)(const void *arg), const void *arg)
{
	int lock_timeout = LockTimeout;
	volatile bool done = false;

	LockTimeout = ATTEMPT_LOCK_MS;
	PG_TRY();
	{
		step(arg);
		ga_work_end();
		done = true;
	}
	PG_CATCH();
	{
		ga_work_fail();
	}
	PG_END_TRY();
	/* One that is to stop set a time-out of its own. */
	if (!ShutdownRequestPending)
		LockTimeout = lock_timeout;
	return done;
}

const GaOwnerScope *
ga_work_scope(void)
{
	return &scope;
}

void
ga_work_end_turn(void)
{
	MemoryContextReset(turn_context);
}
