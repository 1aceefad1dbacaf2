/*
 * fair_queue.c
 *		Start tags: the shared memory behind the order of the queue.
 *
 * Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996) with leaders as
 * its flows.  The virtual time of a channel is the tag of the row claimed last.
 * A leader of whom nothing waits begins right behind it; each further row of the
 * same leader stands one ROUND behind the row before.  So whatever waits, the
 * first row of another leader is next, and leaders with many rows take turns.
 * The first rows of others may go before a leader's next one for as many steps
 * of the virtual time as a round has, so nobody waits for ever.
 *
 * Two tables in shared memory: the virtual times, by database, and the leaders
 * who have rows waiting, by database, channel and user.  Both are small, hashed,
 * and forget: an entry makes room for another one where its bucket is full.  What
 * is forgotten costs fairness and never a row, since each row bears its tag.
 *
 * Locks: none.  All is atomics, and of two who write at once either may win.
 *
 * Must never throw: rows are given tags in the middle of an INSERT's preparation
 * and in the callbacks of a transaction's end.
 */
#include "postgres.h"

#include "base/fair_queue.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

/* Steps of the virtual time between two rows of one leader. */
#define ROUND 256

/* 1024 databases and 8192 leaders with rows waiting: some 300 kB. */
#define DATABASES 1024
#define LEADERS 8192
#define BUCKET 8

/* What one transaction may take and still give back when it aborts. */
#define TAKEN_MAX 64

typedef struct Channel
{
	pg_atomic_uint64 time; /* the virtual time */
	pg_atomic_uint32 busy; /* counts how often the queue was empty */
} Channel;

typedef struct Database
{
	pg_atomic_uint32 oid; /* 0: free */
	Channel channels[GA_CHANNEL_COUNT];
} Database;

typedef struct Leader
{
	pg_atomic_uint64 key; /* 0: free */
	pg_atomic_uint64 last;
	pg_atomic_uint32 waiting; /* rows that are not claimed yet */
	pg_atomic_uint32 busy;	  /* that of the channel when `last` was set */
} Leader;

typedef struct FairQueue
{
	Database databases[DATABASES];
	Leader leaders[LEADERS];
} FairQueue;

typedef struct Taken
{
	Leader *leader;
	uint64 key;
	uint64 before; /* its last tag before and after */
	uint64 after;
	int count;
} Taken;

static FairQueue *queue = NULL;

static shmem_request_hook_type next_request_hook = NULL;
static shmem_startup_hook_type next_startup_hook = NULL;

/* Of this transaction. */
static Taken taken[TAKEN_MAX];
static int taken_count;
static GaTagRange ranges[GA_CHANNEL_COUNT];

/* ---- shared memory ------------------------------------------------------ */

static void
request_memory(void)
{
	if (next_request_hook)
		next_request_hook();
	RequestAddinShmemSpace(sizeof(FairQueue));
}

static void
init_database(Database *database)
{
	pg_atomic_init_u32(&database->oid, 0);
	for (int i = 0; i < GA_CHANNEL_COUNT; i++)
	{
		pg_atomic_init_u64(&database->channels[i].time, 0);
		pg_atomic_init_u32(&database->channels[i].busy, 0);
	}
}

static void
init_leader(Leader *leader)
{
	pg_atomic_init_u64(&leader->key, 0);
	pg_atomic_init_u64(&leader->last, 0);
	pg_atomic_init_u32(&leader->waiting, 0);
	pg_atomic_init_u32(&leader->busy, 0);
}

static void
create_memory(void)
{
	bool found;

	if (next_startup_hook)
		next_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	queue = ShmemInitStruct("group_api fair queue", sizeof(FairQueue), &found);
	if (!found)
	{
		for (int i = 0; i < DATABASES; i++)
			init_database(&queue->databases[i]);
		for (int i = 0; i < LEADERS; i++)
			init_leader(&queue->leaders[i]);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
ga_fair_queue_init(void)
{
	next_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	next_startup_hook = shmem_startup_hook;
	shmem_startup_hook = create_memory;
	ga_fair_queue_end_tags(false);
}

/* ---- the two tables ----------------------------------------------------- */

/* The entry of this database; where its bucket is full, another one's. */
static Database *
find_database(void)
{
	uint32 oid = (uint32) MyDatabaseId;
	uint32 at = hash_bytes_uint32(oid) % (DATABASES / BUCKET) * BUCKET;

	for (int i = 0; i < BUCKET; i++)
	{
		Database *database = &queue->databases[at + i];
		uint32 found = 0;

		if (pg_atomic_read_u32(&database->oid) == oid ||
			pg_atomic_compare_exchange_u32(&database->oid, &found, oid) ||
			found == oid)
			return database;
	}
	/* Dropped databases are never told of: the first of the bucket gives way. */
	pg_atomic_write_u32(&queue->databases[at].oid, oid);
	return &queue->databases[at];
}

static Channel *
find_channel(GaChannel channel)
{
	return &find_database()->channels[channel];
}

static uint64
leader_key(GaChannel channel, int64 leader)
{
	uint64 place = ((uint64) MyDatabaseId << 2) | (uint64) channel;
	uint64 key = hash_combine64(
		hash_bytes_extended((unsigned char *) &leader, sizeof(leader), 0),
		hash_bytes_extended((unsigned char *) &place, sizeof(place), 0));

	return key == 0 ? 1 : key;
}

static Leader *
find_leader(uint64 key)
{
	Leader *bucket = &queue->leaders[key % (LEADERS / BUCKET) * BUCKET];

	for (int i = 0; i < BUCKET; i++)
		if (pg_atomic_read_u64(&bucket[i].key) == key)
			return &bucket[i];
	return NULL;
}

/* In place of the one of its bucket with the fewest rows waiting. */
static Leader *
add_leader(uint64 key)
{
	Leader *bucket = &queue->leaders[key % (LEADERS / BUCKET) * BUCKET];
	Leader *least = bucket;

	for (int i = 1; i < BUCKET; i++)
		if (pg_atomic_read_u32(&bucket[i].waiting) <
			pg_atomic_read_u32(&least->waiting))
			least = &bucket[i];
	pg_atomic_write_u32(&least->waiting, 0);
	pg_atomic_write_u64(&least->last, 0);
	pg_atomic_write_u64(&least->key, key);
	return least;
}

/* Down to zero: rows queued before the server's start are not counted. */
static void
count_down(Leader *leader, uint32 count)
{
	uint32 waiting = pg_atomic_read_u32(&leader->waiting);

	while (!pg_atomic_compare_exchange_u32(&leader->waiting, &waiting,
										   waiting - Min(count, waiting)))
		;
}

/* ---- tags --------------------------------------------------------------- */

int64
ga_fair_queue_tag(const GaStartTags *tags, int n)
{
	return n == 0 ? tags->first : tags->second + (n - 1) * tags->step;
}

static void
remember(GaChannel channel, const Taken *what, const GaStartTags *tags)
{
	if (taken_count < TAKEN_MAX)
		taken[taken_count++] = *what;
	ga_fair_queue_add_range(&ranges[channel], tags->first, (int64) what->after);
}

GaStartTags
ga_fair_queue_take_tags(GaChannel channel, int64 leader, int count)
{
	GaStartTags tags = {.step = ROUND};
	Channel *place;
	Taken what = {.count = count};
	uint64 now;
	uint32 busy;
	bool waits;

	if (count <= 0)
		return tags;
	place = find_channel(channel);
	now = pg_atomic_read_u64(&place->time);
	busy = pg_atomic_read_u32(&place->busy);
	what.key = leader_key(channel, leader);
	what.leader = find_leader(what.key);
	if (what.leader == NULL)
		what.leader = add_leader(what.key);
	waits = pg_atomic_read_u32(&what.leader->waiting) > 0 &&
			pg_atomic_read_u32(&what.leader->busy) == busy;
	what.before = pg_atomic_read_u64(&what.leader->last);
	do
	{
		if (waits && what.before > now)
		{
			tags.first = (int64) what.before + ROUND;
			tags.second = tags.first + ROUND;
		}
		else
		{
			/* From the second on, leaders keep out of each other's way. */
			tags.first = (int64) now + 1;
			tags.second = tags.first + ROUND + (int64) (what.key >> 32) % ROUND;
		}
		what.after = (uint64) ga_fair_queue_tag(&tags, count - 1);
	} while (!pg_atomic_compare_exchange_u64(&what.leader->last, &what.before,
											 what.after));
	pg_atomic_write_u32(&what.leader->busy, busy);
	pg_atomic_fetch_add_u32(&what.leader->waiting, count);
	remember(channel, &what, &tags);
	return tags;
}

GaTagRange
ga_fair_queue_taken_tags(GaChannel channel)
{
	return ranges[channel];
}

/* The latest first, so that each finds what it left. */
static void
give_back(void)
{
	for (int i = taken_count - 1; i >= 0; i--)
	{
		Taken *what = &taken[i];

		if (pg_atomic_read_u64(&what->leader->key) != what->key)
			continue;
		count_down(what->leader, what->count);
		(void) pg_atomic_compare_exchange_u64(&what->leader->last, &what->after,
											  what->before);
	}
}

void
ga_fair_queue_end_tags(bool is_abort)
{
	if (is_abort)
		give_back();
	taken_count = 0;
	for (int i = 0; i < GA_CHANNEL_COUNT; i++)
		ga_fair_queue_reset_range(&ranges[i]);
}

/* ---- the dispatcher's --------------------------------------------------- */

void
ga_fair_queue_move_to(GaChannel channel, int64 tag)
{
	/* Rows written by hand may bear any tag; room is left behind it. */
	pg_atomic_write_u64(&find_channel(channel)->time,
						(uint64) Max(Min(tag, PG_INT64_MAX / 2), 0));
}

void
ga_fair_queue_served(GaChannel channel, int64 leader)
{
	Leader *found = find_leader(leader_key(channel, leader));

	if (found != NULL)
		count_down(found, 1);
}

void
ga_fair_queue_is_empty(GaChannel channel)
{
	pg_atomic_fetch_add_u32(&find_channel(channel)->busy, 1);
}
