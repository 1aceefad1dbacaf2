/*
 * counters.c
 *		Counters of providers: written by their dispatcher, read by anybody.
 *
 * One writer, so each count is a read and a write without a locked instruction: a
 * dozen for an outcome.  They stay when a dispatcher ends and are gone with the
 * server.  The pool is shared by all databases; where it is used up a provider is
 * served all the same and not counted.
 *
 * Latency is kept in buckets of a quarter of an octave, this hour's and the last one's:
 * so a percentile is off by less than a fifth, and tells of now.
 *
 * Locks: GaCounterPool.lock, for a few instructions: to find and to free an entry, and
 * for the words of an error, which are written once in ERROR_INTERVAL_US at the most.
 */
#include "postgres.h"

#include "base/bytes.h"
#include "base/guc.h"
#include "base/shared/monotonic.h"
#include "dispatch/provider/counters.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

/* Entries at most; a provider each. */
#define POOL_MAX 512
#define ERROR_INTERVAL_US INT64CONST(100000)
#define FIRST_LATENCY_BITS 6 /* 64 us */
#define QUARTER_US (INT64CONST(900) * USECS_PER_SEC)

typedef struct GaCounterPool
{
	LWLock *lock;
	int count;
	int used; /* protected by lock: no entry at or above was ever taken */
	GaCounters entries[FLEXIBLE_ARRAY_MEMBER];
} GaCounterPool;

static GaCounterPool *pool = NULL;

static shmem_request_hook_type next_request_hook = NULL;
static shmem_startup_hook_type next_startup_hook = NULL;

/* Shared memory cannot grow: room for eight providers a database, and a bound for all. */
static int
pool_count(void)
{
	return Min(ga_settings.max_databases * 8, POOL_MAX);
}

static Size
pool_size(void)
{
	return add_size(offsetof(GaCounterPool, entries),
					mul_size(pool_count(), sizeof(GaCounters)));
}

static void
request_pool(void)
{
	if (next_request_hook)
		next_request_hook();
	RequestAddinShmemSpace(pool_size());
	RequestNamedLWLockTranche("group_api counters", 1);
}

static void
reset_periods(GaCounters *counters)
{
	for (int i = 0; i < GA_RATE_SECONDS; i++)
		pg_atomic_init_u32(&counters->rate[i], 0);
	for (int i = 0; i < GA_LATENCY_PERIODS; i++)
		for (int j = 0; j < GA_LATENCY_BUCKETS; j++)
			pg_atomic_init_u32(&counters->latency[i][j], 0);
	for (int i = 0; i < GA_HISTORY_QUARTERS; i++)
	{
		GaQuarter *quarter = &counters->history[i];

		pg_atomic_init_u32(&quarter->sent, 0);
		pg_atomic_init_u32(&quarter->failed, 0);
		pg_atomic_init_u32(&quarter->uncertain, 0);
		pg_atomic_init_u32(&quarter->put_off, 0);
	}
}

static void
reset(GaCounters *counters)
{
	counters->database = InvalidOid;
	memset(counters->server, 0, sizeof(counters->server));
	memset(counters->error, 0, sizeof(counters->error));
	pg_atomic_init_u64(&counters->error_at, 0);
	pg_atomic_init_u64(&counters->since, 0);
	for (int i = 0; i < GA_OUTCOME_KINDS; i++)
		pg_atomic_init_u64(&counters->outcomes[i], 0);
	pg_atomic_init_u64(&counters->accepted_at, 0);
	pg_atomic_init_u64(&counters->failing_since, 0);
	pg_atomic_init_u32(&counters->failures, 0);
	pg_atomic_init_u32(&counters->in_flight, 0);
	pg_atomic_init_u32(&counters->window, 0);
	pg_atomic_init_u64(&counters->rest_until, 0);
	pg_atomic_init_u64(&counters->silent_since, 0);
	pg_atomic_init_u32(&counters->resumed, 0);
	pg_atomic_init_u64(&counters->rate_second, 0);
	pg_atomic_init_u64(&counters->latency_hour, 0);
	pg_atomic_init_u64(&counters->history_quarter, 0);
	reset_periods(counters);
}

static void
create_pool(void)
{
	bool found;

	if (next_startup_hook)
		next_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	pool = ShmemInitStruct("group_api counters", pool_size(), &found);
	if (!found)
	{
		pool->lock = &(GetNamedLWLockTranche("group_api counters"))->lock;
		pool->count = pool_count();
		pool->used = 0;
		for (int i = 0; i < pool->count; i++)
			reset(&pool->entries[i]);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
ga_counters_init(void)
{
	next_request_hook = shmem_request_hook;
	shmem_request_hook = request_pool;
	next_startup_hook = shmem_startup_hook;
	shmem_startup_hook = create_pool;
}

/* ---- who has which ------------------------------------------------------- */

/* Lock held. */
static GaCounters *
find(Oid database, const char *server)
{
	for (int i = 0; i < pool->used; i++)
	{
		GaCounters *counters = &pool->entries[i];

		if (counters->database == database &&
			(!OidIsValid(database) || strcmp(counters->server, server) == 0))
			return counters;
	}
	return NULL;
}

/* Lock held.  One that somebody gave back goes before one that was never taken. */
static GaCounters *
take_free(const char *server)
{
	GaCounters *counters = find(InvalidOid, NULL);

	if (counters == NULL && pool->used < pool->count)
		counters = &pool->entries[pool->used++];
	if (counters == NULL)
		return NULL;
	reset(counters);
	counters->database = MyDatabaseId;
	strlcpy(counters->server, server, sizeof(counters->server));
	pg_atomic_write_u64(&counters->since, (uint64) GetCurrentTimestamp());
	return counters;
}

GaCounters *
ga_counters_take(const char *server)
{
	GaCounters *counters;

	LWLockAcquire(pool->lock, LW_EXCLUSIVE);
	counters = find(MyDatabaseId, server);
	if (counters == NULL)
		counters = take_free(server);
	LWLockRelease(pool->lock);
	return counters;
}

/* After the providers were read: entries of those that were dropped are for others. */
void
ga_counters_keep(bool (*is_known)(const char *server))
{
	LWLockAcquire(pool->lock, LW_EXCLUSIVE);
	for (int i = 0; i < pool->used; i++)
		if (pool->entries[i].database == MyDatabaseId &&
			!is_known(pool->entries[i].server))
			pool->entries[i].database = InvalidOid;
	LWLockRelease(pool->lock);
}

void
ga_counters_free(Oid database)
{
	LWLockAcquire(pool->lock, LW_EXCLUSIVE);
	for (int i = 0; i < pool->used; i++)
		if (pool->entries[i].database == database)
			pool->entries[i].database = InvalidOid;
	LWLockRelease(pool->lock);
}

/*
 * Called in an operator's session, which is not the one writer.  So it changes no count;
 * it leaves a mark, which the dispatcher takes with its next turn.  Where no dispatcher
 * runs the mark waits for one.
 */
bool
ga_counters_resume(const char *server)
{
	GaCounters *counters;
	bool was_failing = false;

	if (pool == NULL)
		return false;
	LWLockAcquire(pool->lock, LW_SHARED);
	counters = find(MyDatabaseId, server);
	if (counters != NULL)
	{
		was_failing = pg_atomic_read_u64(&counters->failing_since) != 0 ||
					  (GaMonotonic) pg_atomic_read_u64(&counters->rest_until) >
						  ga_monotonic_now();
		pg_atomic_write_u32(&counters->resumed, 1);
	}
	LWLockRelease(pool->lock);
	return was_failing;
}

bool
ga_counters_take_resumed(GaCounters *counters)
{
	if (counters == NULL || pg_atomic_read_u32(&counters->resumed) == 0)
		return false;
	pg_atomic_write_u32(&counters->resumed, 0);
	pg_atomic_write_u64(&counters->failing_since, 0);
	pg_atomic_write_u32(&counters->failures, 0);
	return true;
}

/* ---- counting: the one writer -------------------------------------------- */

static void
add_u32(pg_atomic_uint32 *counter, uint32 amount)
{
	pg_atomic_write_u32(counter, pg_atomic_read_u32(counter) + amount);
}

static void
add_u64(pg_atomic_uint64 *counter, uint64 amount)
{
	pg_atomic_write_u64(counter, pg_atomic_read_u64(counter) + amount);
}

/*
 * A ring with a count for each of the last seconds.  Seconds in which nothing was sent
 * were never written, so those that passed since the last outcome are emptied first;
 * after a long silence that is the whole ring, and never more.
 */
static void
count_rate(GaCounters *counters, GaMonotonic now)
{
	uint64 second = (uint64) (now / USECS_PER_SEC);
	uint64 last = pg_atomic_read_u64(&counters->rate_second);

	if (second != last)
	{
		uint64 from = Max(last + 1, second - Min(second, GA_RATE_SECONDS - 1));

		for (uint64 i = from; i <= second; i++)
			pg_atomic_write_u32(&counters->rate[i % GA_RATE_SECONDS], 0);
		pg_atomic_write_u64(&counters->rate_second, second);
	}
	add_u32(&counters->rate[second % GA_RATE_SECONDS], 1);
}

/*
 * The highest bit tells the octave, the two bits below it the quarter: 64 to 79 us are
 * the first bucket, 80 to 95 the second, 128 to 159 the fifth.  What is faster than the
 * first is in it, too, and what is slower than the last in that.
 */
static int
latency_bucket(int64 us)
{
	int bits;
	int bucket;

	if (us < (1 << FIRST_LATENCY_BITS))
		return 0;
	bits = pg_leftmost_one_pos64((uint64) us);
	bucket = (bits - FIRST_LATENCY_BITS) * 4 + (int) ((us >> (bits - 2)) & 3);
	return Min(bucket, GA_LATENCY_BUCKETS - 1);
}

/* The middle of a bucket. */
static int64
latency_of(int bucket)
{
	int64 octave = INT64CONST(1) << (FIRST_LATENCY_BITS + bucket / 4);

	return octave + octave / 4 * (bucket % 4) + octave / 8;
}

/*
 * Whoever reads adds this hour's buckets and the last one's, so that a percentile does
 * not begin anew with each hour.  The period that begins is emptied; both are where
 * nothing was sent for so long that neither is of now.
 */
static void
count_latency(GaCounters *counters, int64 us, GaMonotonic now)
{
	uint64 hour = (uint64) (now / USECS_PER_HOUR);
	uint64 last = pg_atomic_read_u64(&counters->latency_hour);

	if (hour != last)
	{
		for (int i = 0; i < GA_LATENCY_PERIODS; i++)
			if (hour - last >= GA_LATENCY_PERIODS ||
				i == (int) (hour % GA_LATENCY_PERIODS))
				for (int j = 0; j < GA_LATENCY_BUCKETS; j++)
					pg_atomic_write_u32(&counters->latency[i][j], 0);
		pg_atomic_write_u64(&counters->latency_hour, hour);
	}
	add_u32(&counters->latency[hour % GA_LATENCY_PERIODS][latency_bucket(us)],
			1);
}

static GaQuarter *
present_quarter(GaCounters *counters, TimestampTz now)
{
	uint64 quarter = (uint64) (now / QUARTER_US);
	uint64 last = pg_atomic_read_u64(&counters->history_quarter);

	/* A clock that was set back writes on where it was. */
	if (quarter > last)
	{
		uint64 from =
			Max(last + 1, quarter - Min(quarter, GA_HISTORY_QUARTERS - 1));

		for (uint64 i = from; i <= quarter; i++)
		{
			GaQuarter *at = &counters->history[i % GA_HISTORY_QUARTERS];

			pg_atomic_write_u32(&at->sent, 0);
			pg_atomic_write_u32(&at->failed, 0);
			pg_atomic_write_u32(&at->uncertain, 0);
			pg_atomic_write_u32(&at->put_off, 0);
		}
		pg_atomic_write_u64(&counters->history_quarter, quarter);
		last = quarter;
	}
	return &counters->history[last % GA_HISTORY_QUARTERS];
}

static void
count_fate(GaCounters *counters, GaFate fate, TimestampTz now)
{
	GaQuarter *quarter = present_quarter(counters, now);

	switch (fate)
	{
		case GA_FATE_SENT:
			add_u32(&quarter->sent, 1);
			break;
		case GA_FATE_FAILED:
			add_u32(&quarter->failed, 1);
			break;
		case GA_FATE_UNCERTAIN:
			add_u32(&quarter->uncertain, 1);
			break;
		case GA_FATE_PUT_OFF:
			add_u32(&quarter->put_off, 1);
			break;
	}
}

/*
 * Words cannot be written atomically, hence the lock, and hence not each time: a
 * provider that refuses thousands a second says the same thousands of times.
 */
static void
note_error(GaCounters *counters, const char *reason, TimestampTz now)
{
	TimestampTz last = (TimestampTz) pg_atomic_read_u64(&counters->error_at);

	if (now >= last && now - last < ERROR_INTERVAL_US)
		return;
	LWLockAcquire(pool->lock, LW_EXCLUSIVE);
	ga_bytes_copy_text(counters->error, reason, sizeof(counters->error));
	pg_atomic_write_u64(&counters->error_at, (uint64) now);
	LWLockRelease(pool->lock);
}

/* Whether it says that the provider does its work: it answered for the message. */
static bool
is_progress(const GaOutcomeFrame *outcome)
{
	return outcome->outcome == GA_OUTCOME_ACCEPTED ||
		   (outcome->outcome == GA_OUTCOME_REJECTED &&
			(outcome->flags & GA_OUTCOME_UNSURE) == 0);
}

void
ga_counters_note_outcome(GaCounters *counters, const GaOutcomeFrame *outcome,
						 GaFate fate, bool blames_provider, const char *reason,
						 TimestampTz now)
{
	int kind = (int) outcome->outcome - GA_OUTCOME_ACCEPTED;
	GaMonotonic at = ga_monotonic_now();

	if (counters == NULL || kind < 0 || kind >= GA_OUTCOME_KINDS)
		return;
	add_u64(&counters->outcomes[kind], 1);
	count_rate(counters, at);
	count_latency(counters, outcome->elapsed_us, at);
	count_fate(counters, fate, now);
	if (is_progress(outcome))
	{
		if (outcome->outcome == GA_OUTCOME_ACCEPTED)
			pg_atomic_write_u64(&counters->accepted_at, (uint64) now);
		pg_atomic_write_u64(&counters->failing_since, 0);
		pg_atomic_write_u32(&counters->failures, 0);
	}
	else if (blames_provider)
	{
		if (pg_atomic_read_u64(&counters->failing_since) == 0)
			pg_atomic_write_u64(&counters->failing_since, (uint64) now);
		add_u32(&counters->failures, 1);
	}
	if (reason != NULL)
		note_error(counters, reason, now);
}

void
ga_counters_note_load(GaCounters *counters, int in_flight, int window,
					  int64 rest_until)
{
	if (counters == NULL)
		return;
	pg_atomic_write_u32(&counters->in_flight, (uint32) in_flight);
	pg_atomic_write_u32(&counters->window, (uint32) window);
	pg_atomic_write_u64(&counters->rest_until, (uint64) rest_until);
	pg_atomic_write_u64(&counters->silent_since,
						in_flight == 0 ? 0 : (uint64) ga_monotonic_now());
}

/* ---- reading ------------------------------------------------------------- */

static double
read_rate(GaCounters *counters, GaMonotonic now)
{
	uint64 second = (uint64) (now / USECS_PER_SEC);
	uint64 last = pg_atomic_read_u64(&counters->rate_second);
	uint64 total = 0;

	for (uint64 i = second - Min(second, GA_RATE_SECONDS - 1); i <= last; i++)
		total += pg_atomic_read_u32(&counters->rate[i % GA_RATE_SECONDS]);
	return (double) total / GA_RATE_SECONDS;
}

static void
read_latency(GaCounters *counters, int64 *latency_us, GaMonotonic now)
{
	static const double shares[] = {0.50, 0.95, 0.99};
	uint32 counts[GA_LATENCY_BUCKETS];
	uint64 hour = (uint64) (now / USECS_PER_HOUR);
	uint64 last = pg_atomic_read_u64(&counters->latency_hour);
	uint64 total = 0;

	for (int i = 0; i < GA_LATENCY_BUCKETS; i++)
	{
		counts[i] = 0;
		for (int j = 0; j < GA_LATENCY_PERIODS; j++)
			if (hour - last < GA_LATENCY_PERIODS)
				counts[i] += pg_atomic_read_u32(&counters->latency[j][i]);
		total += counts[i];
	}
	for (int i = 0; i < lengthof(shares); i++)
	{
		uint64 below = 0;
		int bucket = 0;

		latency_us[i] = -1;
		if (total == 0)
			continue;
		while (bucket < GA_LATENCY_BUCKETS - 1 &&
			   below + counts[bucket] < shares[i] * total)
			below += counts[bucket++];
		latency_us[i] = latency_of(bucket);
	}
}

static void
read_figures(GaCounters *counters, GaProviderFigures *figures)
{
	GaMonotonic now = ga_monotonic_now();
	GaMonotonic rest_until =
		(GaMonotonic) pg_atomic_read_u64(&counters->rest_until);
	GaMonotonic silent_since =
		(GaMonotonic) pg_atomic_read_u64(&counters->silent_since);

	strlcpy(figures->server, counters->server, sizeof(figures->server));
	strlcpy(figures->error, counters->error, sizeof(figures->error));
	figures->error_at = (TimestampTz) pg_atomic_read_u64(&counters->error_at);
	figures->since = (TimestampTz) pg_atomic_read_u64(&counters->since);
	for (int i = 0; i < GA_OUTCOME_KINDS; i++)
		figures->outcomes[i] = pg_atomic_read_u64(&counters->outcomes[i]);
	figures->accepted_at =
		(TimestampTz) pg_atomic_read_u64(&counters->accepted_at);
	figures->failing_since =
		(TimestampTz) pg_atomic_read_u64(&counters->failing_since);
	figures->failures = (int) pg_atomic_read_u32(&counters->failures);
	figures->in_flight = (int) pg_atomic_read_u32(&counters->in_flight);
	figures->window = (int) pg_atomic_read_u32(&counters->window);
	figures->rest_us = Max(rest_until - now, 0);
	figures->silent_us = silent_since == 0 ? 0 : now - silent_since;
	figures->rate = read_rate(counters, now);
	read_latency(counters, figures->latency_us, now);
}

int
ga_counters_read(GaProviderFigures **figures)
{
	int count = 0;

	*figures = NULL;
	if (pool == NULL)
		return 0;
	/* Beforehand: no memory is asked for under the lock. */
	*figures = palloc0(sizeof(GaProviderFigures) * pool->count);
	LWLockAcquire(pool->lock, LW_SHARED);
	for (int i = 0; i < pool->used; i++)
		if (pool->entries[i].database == MyDatabaseId)
			read_figures(&pool->entries[i], &(*figures)[count++]);
	LWLockRelease(pool->lock);
	return count;
}

/* The quarters of the last day that were not empty, of one provider. */
static int
read_history(GaCounters *counters, GaQuarterFigures *quarters)
{
	uint64 now = (uint64) (GetCurrentTimestamp() / QUARTER_US);
	uint64 last = pg_atomic_read_u64(&counters->history_quarter);
	int count = 0;

	for (uint64 i = now - Min(now, GA_HISTORY_QUARTERS - 1); i <= last; i++)
	{
		GaQuarter *quarter = &counters->history[i % GA_HISTORY_QUARTERS];
		GaQuarterFigures *to = &quarters[count];

		/* One before what was counted was not emptied yet. */
		if (i + GA_HISTORY_QUARTERS <= last)
			continue;
		strlcpy(to->server, counters->server, sizeof(to->server));
		to->at = (TimestampTz) i * QUARTER_US;
		to->sent = pg_atomic_read_u32(&quarter->sent);
		to->failed = pg_atomic_read_u32(&quarter->failed);
		to->uncertain = pg_atomic_read_u32(&quarter->uncertain);
		to->put_off = pg_atomic_read_u32(&quarter->put_off);
		if (to->sent + to->failed + to->uncertain + to->put_off > 0)
			count++;
	}
	return count;
}

int
ga_counters_read_history(GaQuarterFigures **quarters)
{
	int count = 0;
	int providers = 0;

	*quarters = NULL;
	if (pool == NULL)
		return 0;
	for (int i = 0; i < pool->count; i++)
		providers += pool->entries[i].database == MyDatabaseId;
	/* One more: some provider may be new meanwhile. */
	*quarters = palloc0(sizeof(GaQuarterFigures) *
						((providers + 1) * GA_HISTORY_QUARTERS + 1));
	LWLockAcquire(pool->lock, LW_SHARED);
	for (int i = 0; i < pool->used && providers > 0; i++)
		if (pool->entries[i].database == MyDatabaseId)
		{
			count += read_history(&pool->entries[i], *quarters + count);
			providers--;
		}
	LWLockRelease(pool->lock);
	return count;
}
