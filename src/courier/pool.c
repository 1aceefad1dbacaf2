/*
 * pool.c
 *		One provider's messages that wait, and how many connections it may see.
 *
 * A provider has a queue and a thread of its own (courier/worker), so a dead one
 * delays nobody else.  The thread is started when there is something to do, and ends
 * when its last connection has been idle for a while.  What the main thread read at
 * once is pushed first, and then the thread is woken, where it sleeps at all.  A single
 * message is begun by the main thread itself while that one sleeps: to wake it first would
 * take a tenth of a millisecond.
 *
 * lock protects all fields below it in GaPool; it is held for a few instructions, of
 * which waking the thread is the longest.  Under it the thread cannot take away what
 * it is woken by.  The order is a pool, then its successor; no other lock is taken
 * under it.
 *
 * How many connections a relay takes is often not known to who sets up the provider.
 * A refusal because there are too many takes one away; after a while without a refusal
 * one more is tried, and each time in vain doubles that while.
 *
 * A provider that is defined anew gets a new pool, the successor.  Until the thread
 * of the old one has closed its connections these count as the successor's: the
 * provider never sees more than it allows.
 */
#include "courier/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "courier/memory.h"
#include "courier/thread.h"
#include "courier/worker.h"

/* Before one connection more is tried than the provider took last. */
#define GROW_FIRST_S 1
#define GROW_LAST_S 1800

struct GaPool
{
	GaCourierProvider *provider; /* immutable */
	json_t *config;				 /* read by the main thread only */
	GaOutput *output;
	GaPoolLimit limit; /* of the thread, of which there is one at a time */

	pthread_mutex_t lock;
	GaTask *head;
	GaTask **tail;
	bool has_thread;
	GaPoolWorker *worker; /* of the thread, once it can be woken */
	bool is_asleep;		  /* it found the queue empty */
	int connections;	  /* of the thread */
	int others;			  /* of earlier pools of the provider */
	GaPool *successor;	  /* of a closed pool; lives as long as our thread */
	bool closed;
};

/* How many pools are not freed yet, for whoever waits for their end. */
static pthread_mutex_t count_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t one_less = PTHREAD_COND_INITIALIZER;
static int pool_count;

static void
count_pool(int change)
{
	pthread_mutex_lock(&count_lock);
	pool_count += change;
	pthread_cond_signal(&one_less);
	pthread_mutex_unlock(&count_lock);
}

void
ga_pools_wait(void)
{
	pthread_mutex_lock(&count_lock);
	while (pool_count > 0)
		pthread_cond_wait(&one_less, &count_lock);
	pthread_mutex_unlock(&count_lock);
}

GaPool *
ga_pool_open(const json_t *config, GaOutput *output)
{
	GaPool *pool = ga_memory_alloc(sizeof(*pool));

	pool->provider = ga_provider_open(config);
	pool->config = json_deep_copy(config);
	pool->output = output;
	pool->tail = &pool->head;
	pool->limit.connections = pool->provider->max_connections;
	pthread_mutex_init(&pool->lock, NULL);
	count_pool(1);
	return pool;
}

const char *
ga_pool_name(const GaPool *pool)
{
	return pool->provider->name;
}

const char *
ga_pool_fault(const GaPool *pool)
{
	return pool->provider->fault;
}

bool
ga_pool_is_for(const GaPool *pool, const json_t *config)
{
	/* A password file may have changed, or been put right. */
	return pool->provider->fault == NULL &&
		   json_object_get(json_object_get(config, "options"),
						   "password_file") == NULL &&
		   json_equal(pool->config, config);
}

/* Overwrites the secrets of a configuration before its memory is reused. */
static void
forget_config(json_t *config)
{
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(config, "options"), name, value)
	{
		if (json_is_string(value))
			explicit_bzero((char *) json_string_value(value),
						   json_string_length(value));
	}
	json_decref(config);
}

static void
free_pool(GaPool *pool)
{
	forget_config(pool->config);
	ga_provider_close(pool->provider);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
	count_pool(-1);
}

void
ga_pool_free_task(GaTask *task)
{
	ga_job_free(&task->job);
	/* Its frame has the message with its links. */
	ga_memory_wipe_and_free(task);
}

/*
 * PICKED goes first though nothing was tried: it makes this an outcome, with a line in
 * the history.  One without PICKED would send the row back as if it had never left.
 */
void
ga_pool_refuse_task(GaTask *task, GaOutput *output, GaVerdict verdict,
					const char *code, const char *detail)
{
	GaOutcome outcome = {0};
	GaBuffer frames = {0};

	ga_outcome_reset(&outcome);
	ga_outcome_set(&outcome, verdict, code, detail);
	if (!ga_wire_put_picked(&frames, task->job.id))
		abort();
	ga_outcome_put(&frames, task->job.id, &outcome);
	ga_output_write(output, &frames);
	ga_buffer_free(&frames);
	ga_pool_free_task(task);
}

/* The lock is held: takes all that waits. */
static GaTask *
take_all(GaPool *pool)
{
	GaTask *all = pool->head;

	pool->head = NULL;
	pool->tail = &pool->head;
	return all;
}

/* Without a thread: answers what waits. */
static void
refuse_stranded(GaPool *pool, GaTask *task)
{
	while (task)
	{
		GaTask *next = task->next;

		ga_pool_refuse_task(
			task, pool->output,
			(GaVerdict){GA_OUTCOME_RETRY, GA_OUTCOME_PROVIDER_FAULT, -1},
			"courier", "no thread could be started");
		task = next;
	}
}

/* Wakes nobody: the main thread pushes all that one read gave it, and wakes once. */
void
ga_pool_push(GaPool *pool, GaTask *task)
{
	task->next = NULL;
	pthread_mutex_lock(&pool->lock);
	*pool->tail = task;
	pool->tail = &task->next;
	pthread_mutex_unlock(&pool->lock);
}

/* The lock is held. */
static void
wake_thread(GaPool *pool)
{
	pool->is_asleep = false;
	if (pool->worker)
		ga_worker_wake(pool->worker);
}

/* The lock is held: whether one message alone waits, and the thread for nothing else. */
static bool
has_single_task(const GaPool *pool)
{
	return pool->worker != NULL && pool->is_asleep && pool->head != NULL &&
		   pool->head->next == NULL;
}

/*
 * What the thread would do first when it was woken.  It cannot end meanwhile, since it is
 * kept from going on; nor can the pool, which the main thread alone closes.  Under no
 * lock of the pool: to begin a message takes it.
 */
static void
begin_single_task(GaPool *pool)
{
	GaPoolWorker *held = NULL;
	bool is_begun;

	pthread_mutex_lock(&pool->lock);
	if (has_single_task(pool) && ga_worker_try_hold(pool->worker))
		held = pool->worker;
	pthread_mutex_unlock(&pool->lock);
	if (held == NULL)
		return;
	is_begun = ga_worker_begin_waiting(held);
	pthread_mutex_lock(&pool->lock);
	ga_worker_release(held);
	if (!is_begun)
		wake_thread(pool);
	pthread_mutex_unlock(&pool->lock);
}

/*
 * What is refused for want of a thread is answered after the lock was given back:
 * answering takes the output's lock, and none is taken under ours.
 */
void
ga_pool_wake(GaPool *pool, bool may_begin)
{
	GaTask *stranded = NULL;

	if (may_begin)
		begin_single_task(pool);
	pthread_mutex_lock(&pool->lock);
	if (pool->head != NULL && !pool->has_thread)
	{
		pool->has_thread = ga_thread_start(ga_worker_run, pool);
		if (!pool->has_thread)
			stranded = take_all(pool);
	}
	else if (pool->head != NULL && pool->is_asleep)
		wake_thread(pool);
	pthread_mutex_unlock(&pool->lock);
	refuse_stranded(pool, stranded);
}

/* The lock is held: nobody will look at the pool any more. */
static bool
is_abandoned(const GaPool *pool)
{
	return pool->closed && !pool->has_thread && pool->connections == 0 &&
		   pool->others == 0;
}

/*
 * A provider was changed: what waits goes to the successor, what is under way ends
 * here.  Four connections are allowed, say, and three are busy.  The successor counts
 * the three as `others` and opens one; each time one of them closes it is told by
 * ga_pool_disconnect() and may open one more.  Where the successor is replaced in its
 * turn, meanwhile, it cannot be freed: the threads of the first still count down in it,
 * and in whoever came after it.
 */
GaTask *
ga_pool_close(GaPool *pool, GaPool *successor)
{
	GaTask *left;
	bool empty;

	pthread_mutex_lock(&pool->lock);
	left = take_all(pool);
	pool->closed = true;
	empty = is_abandoned(pool);
	if (successor && !empty)
	{
		pthread_mutex_lock(&successor->lock);
		successor->others += pool->connections + pool->others;
		pthread_mutex_unlock(&successor->lock);
		pool->successor = successor;
	}
	wake_thread(pool);
	pthread_mutex_unlock(&pool->lock);
	if (empty)
		free_pool(pool);
	return left;
}

/* ---- the pool's thread ---------------------------------------------------- */

const GaCourierProvider *
ga_pool_provider(const GaPool *pool)
{
	return pool->provider;
}

GaOutput *
ga_pool_output(const GaPool *pool)
{
	return pool->output;
}

GaPoolLimit *
ga_pool_limit(GaPool *pool)
{
	return &pool->limit;
}

void
ga_pool_limit_grow(GaPoolLimit *limit, int most)
{
	GaMonotonic now;

	if (limit->connections >= most)
		return;
	now = ga_monotonic_now();
	if (now < limit->grow_at)
		return;
	limit->connections++;
	limit->grew = true;
	limit->grow_at = now + limit->grow_s * 1000000;
}

void
ga_pool_limit_refused(GaPoolLimit *limit, int taken)
{
	if (limit->grow_s == 0)
		limit->grow_s = GROW_FIRST_S;
	/* What was tried in vain is tried again later. */
	if (limit->grew)
		limit->grow_s =
			limit->grow_s * 2 > GROW_LAST_S ? GROW_LAST_S : limit->grow_s * 2;
	limit->grew = false;
	limit->connections = taken;
	limit->grow_at = ga_monotonic_in_ms(limit->grow_s * 1000);
}

bool
ga_pool_is_closed(GaPool *pool)
{
	bool closed;

	pthread_mutex_lock(&pool->lock);
	closed = pool->closed;
	pthread_mutex_unlock(&pool->lock);
	return closed;
}

void
ga_pool_set_worker(GaPool *pool, GaPoolWorker *worker)
{
	pthread_mutex_lock(&pool->lock);
	pool->worker = worker;
	pthread_mutex_unlock(&pool->lock);
}

/*
 * That the thread found nothing is noted under the lock under which others push, so
 * between its look and its sleep nothing can come that it is not woken for.
 */
GaTask *
ga_pool_take(GaPool *pool)
{
	GaTask *task;

	pthread_mutex_lock(&pool->lock);
	task = pool->head;
	if (task)
		pool->head = task->next;
	if (pool->head == NULL)
		pool->tail = &pool->head;
	pool->is_asleep = task == NULL;
	pthread_mutex_unlock(&pool->lock);
	return task;
}

/*
 * To the front, since it was first.  Not into a closed pool, whose thread may end
 * without looking again: then it is the caller's to answer.
 */
bool
ga_pool_put_back(GaPool *pool, GaTask *task)
{
	bool closed;

	pthread_mutex_lock(&pool->lock);
	closed = pool->closed;
	if (!closed)
	{
		task->next = pool->head;
		if (pool->head == NULL)
			pool->tail = &task->next;
		pool->head = task;
	}
	pthread_mutex_unlock(&pool->lock);
	return !closed;
}

bool
ga_pool_connect(GaPool *pool, int limit)
{
	bool good;

	pthread_mutex_lock(&pool->lock);
	/* What a closed one opened now, its successor would not know of. */
	good = !pool->closed && pool->connections + pool->others < limit;
	if (good)
		pool->connections++;
	pthread_mutex_unlock(&pool->lock);
	return good;
}

void
ga_pool_disconnect(GaPool *pool)
{
	GaPool *next;

	pthread_mutex_lock(&pool->lock);
	pool->connections--;
	next = pool->successor;
	pthread_mutex_unlock(&pool->lock);
	/* Those that took its place may have waited for that. */
	while (next)
	{
		GaPool *successor = next;
		bool last;

		pthread_mutex_lock(&successor->lock);
		successor->others--;
		wake_thread(successor);
		last = is_abandoned(successor);
		next = successor->successor;
		pthread_mutex_unlock(&successor->lock);
		if (last)
			free_pool(successor);
	}
}

/*
 * The thread wants to end.  It may not while something waits: whoever pushed that saw
 * has_thread set and started no other.  Both happen under the lock, so one of the two
 * always sees the other.
 */
bool
ga_pool_leave(GaPool *pool)
{
	bool last;

	pthread_mutex_lock(&pool->lock);
	if (pool->head != NULL)
	{
		pthread_mutex_unlock(&pool->lock);
		return false;
	}
	pool->has_thread = false;
	pool->worker = NULL;
	pool->is_asleep = false;
	last = is_abandoned(pool);
	pthread_mutex_unlock(&pool->lock);
	if (last)
		free_pool(pool);
	return true;
}
