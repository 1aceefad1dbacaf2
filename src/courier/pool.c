/*
 * pool.c
 *		The threads of one provider and the messages waiting for them.
 *
 * A provider has a queue and threads of its own, so a dead one delays nobody
 * else.  Threads are started when there is more to do than idle ones, and end
 * after a minute without work.
 *
 * lock protects all fields below it in GaPool; it is held for a few
 * instructions and never while anything is written or sent.  The order is a pool,
 * then its successor, then descriptors; no other lock is taken under it.
 *
 * A thread writes PICKED before it does anything for a message.  When more is
 * waiting, the outcome of the last message travels in the same write.
 *
 * How many connections a relay takes is often not known to who sets up the
 * provider.  So a refusal because there are too many, while another thread is
 * there, costs no message a try: the message goes back to the front of the queue,
 * its thread ends, and the pool keeps to one connection fewer.  After a while
 * without a refusal it tries one more; each time in vain doubles that while.
 *
 * A provider that is defined anew gets a new pool, the successor.  Until the threads
 * of the old one have closed their connections these count as the successor's: the
 * provider never sees more than it allows.
 *
 * All pools share the process's file descriptors (courier/descriptors).  Where they
 * run out, no message has had a try: the thread ends, or waits where it is the only one.
 */
#include "courier/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/shared/monotonic.h"
#include "courier/descriptors.h"
#include "courier/memory.h"
#include "courier/provider.h"
#include "courier/thread.h"

#define IDLE_S 60
/* While others wait for file descriptors. */
#define IDLE_SHORT_S 1
/* The only thread of a provider waits for some: so long, so often. */
#define DESCRIPTORS_WAIT_NS 200000000
#define DESCRIPTORS_TRIES 50

/* Before one connection more is tried than the provider took last. */
#define GROW_FIRST_S 1
#define GROW_LAST_S 1800

struct GaPool
{
	GaCourierProvider *provider; /* immutable */
	json_t *config;				 /* read by the main thread only */
	GaOutput *output;

	pthread_mutex_t lock;
	pthread_cond_t work;
	GaTask *head;
	GaTask **tail;
	int waiting;	   /* tasks in the queue */
	int idle;		   /* threads waiting for work */
	int threads;	   /* that will look at the queue again */
	int members;	   /* that still use the pool, the leaving included */
	int others;		   /* of earlier pools of the provider, still connected */
	GaPool *successor; /* of a closed pool; lives as long as our threads */
	int limit; /* of threads: what the provider allows, as far as is known */
	GaMonotonic grow_at; /* when one more may be tried */
	time_t grow_s;		 /* the wait before that */
	bool grew;			 /* one more was tried since the last refusal */
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
	pthread_condattr_t attributes;

	pool->provider = ga_provider_open(config);
	pool->config = json_deep_copy(config);
	pool->output = output;
	pool->tail = &pool->head;
	pool->limit = pool->provider->max_connections;
	pool->grow_s = GROW_FIRST_S;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->work, &attributes);
	pthread_condattr_destroy(&attributes);
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
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
	count_pool(-1);
}

void
ga_pool_free_task(GaTask *task)
{
	ga_job_free(&task->job);
	free(task);
}

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
	ga_output_post(output, &frames);
	ga_buffer_free(&frames);
	ga_pool_free_task(task);
}

static GaTask *
pop_task(GaPool *pool)
{
	GaTask *task = pool->head;

	if (task == NULL)
		return NULL;
	pool->head = task->next;
	if (pool->head == NULL)
		pool->tail = &pool->head;
	pool->waiting--;
	return task;
}

/*
 * Waits for a task; NULL: the thread has nothing left to live for.  It stops
 * counting in the same instant, so no task is left to a thread that leaves.
 */
static GaTask *
wait_for_task(GaPool *pool)
{
	struct timespec until;
	GaTask *task;
	int result = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ga_descriptors_are_short() ? IDLE_SHORT_S : IDLE_S;
	pthread_mutex_lock(&pool->lock);
	pool->idle++;
	while ((task = pop_task(pool)) == NULL && !pool->closed &&
		   result != ETIMEDOUT)
		result = pthread_cond_timedwait(&pool->work, &pool->lock, &until);
	pool->idle--;
	if (task == NULL)
		pool->threads--;
	pthread_mutex_unlock(&pool->lock);
	return task;
}

/* The lock is held: after some time without a refusal, one connection more. */
static void
grow(GaPool *pool)
{
	GaMonotonic now;

	if (pool->limit >= pool->provider->max_connections)
		return;
	now = ga_monotonic_now();
	if (now < pool->grow_at)
		return;
	pool->limit++;
	pool->grew = true;
	pool->grow_at = now + (int64_t) pool->grow_s * 1000000;
}

static void *send_tasks(void *context);

/* The lock is held: as many connections as the provider may see of ours. */
static int
count_connections(const GaPool *pool)
{
	return pool->members + pool->others;
}

/* The lock is held; true: a thread will come for the queue. */
static bool
start_thread(GaPool *pool)
{
	if (pool->idle >= pool->waiting)
		return true;
	if (count_connections(pool) >= pool->limit)
		grow(pool);
	/* Whoever leaves looks whether another one is needed. */
	if (count_connections(pool) >= pool->limit ||
		!ga_descriptors_take(pool->members == 0))
		return true;
	if (ga_thread_start(send_tasks, pool))
	{
		pool->threads++;
		pool->members++;
	}
	else
		ga_descriptors_give_back();
	return count_connections(pool) > 0;
}

/* Without a single thread: answers what waits. */
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

/* The lock is held: takes all that waits. */
static GaTask *
take_all(GaPool *pool)
{
	GaTask *all = pool->head;

	pool->head = NULL;
	pool->tail = &pool->head;
	pool->waiting = 0;
	return all;
}

static GaTask *
take_task(GaPool *pool)
{
	GaTask *task;

	pthread_mutex_lock(&pool->lock);
	task = pop_task(pool);
	/* There may be room for another one by now. */
	if (task != NULL && !pool->closed)
		(void) start_thread(pool);
	pthread_mutex_unlock(&pool->lock);
	return task;
}

/* The lock is held: a connection of the provider is closed; what is left waiting. */
static GaTask *
go_on_with_one_less(GaPool *pool)
{
	if (!pool->closed && pool->waiting > 0 && !start_thread(pool))
		return take_all(pool);
	return NULL;
}

static bool
is_abandoned(const GaPool *pool)
{
	return pool->closed && count_connections(pool) == 0;
}

/* Whoever is the last to leave a closed pool turns off the light. */
static void
leave_pool(GaPool *pool)
{
	int *count = &pool->members;

	ga_descriptors_give_back();
	/* The pool, and those that took its place. */
	while (pool)
	{
		GaPool *successor;
		GaTask *stranded;
		bool last;

		pthread_mutex_lock(&pool->lock);
		(*count)--;
		stranded = go_on_with_one_less(pool);
		last = is_abandoned(pool);
		successor = pool->successor;
		pthread_mutex_unlock(&pool->lock);
		refuse_stranded(pool, stranded);
		if (last)
			free_pool(pool);
		pool = successor;
		count = pool ? &pool->others : NULL;
	}
}

/* Whether the answer is about the provider and holds for the next message. */
static bool
speaks_for_all(const GaVerdict *verdict)
{
	return verdict->outcome == GA_OUTCOME_MISCONFIGURED ||
		   (verdict->outcome == GA_OUTCOME_RETRY &&
			(verdict->flags & GA_OUTCOME_PROVIDER_FAULT) &&
			verdict->retry_after_ms > 0);
}

/*
 * Gives the waiting messages back untried, so without PICKED: to try each of
 * them with a wrong password would lock the account, and a gateway that asked
 * for a pause is to have it.
 */
static void
spare_waiting(GaPool *pool, GaBuffer *frames, const GaOutcome *outcome)
{
	GaTask *task;

	while ((task = take_task(pool)) != NULL)
	{
		ga_outcome_put(frames, task->job.id, outcome);
		ga_pool_free_task(task);
	}
}

/* The lock is held: to the front of the queue. */
static void
put_back(GaPool *pool, GaTask *task)
{
	task->next = pool->head;
	if (pool->head == NULL)
		pool->tail = &task->next;
	pool->head = task;
	pool->waiting++;
}

/*
 * The lock is held: the message goes back to the front, and the caller's thread has
 * to end.  False: it is the only one.
 */
static bool
retire_thread(GaPool *pool, GaTask *task)
{
	if (pool->threads <= 1 || pool->closed)
		return false;
	put_back(pool, task);
	pool->threads--;
	pthread_cond_signal(&pool->work);
	return true;
}

/*
 * The provider takes no more connections: a thread that is not the only one ends,
 * and the pool keeps to what is left.  False: it is, so that the refusal counts.
 */
static bool
give_up_connection(GaPool *pool, GaTask *task)
{
	bool others;

	pthread_mutex_lock(&pool->lock);
	others = retire_thread(pool, task);
	if (others)
	{
		/* What was tried in vain is tried again later. */
		if (pool->grew)
			pool->grow_s =
				pool->grow_s * 2 > GROW_LAST_S ? GROW_LAST_S : pool->grow_s * 2;
		pool->grew = false;
		pool->limit = pool->threads;
		pool->grow_at = ga_monotonic_in_ms((int64_t) pool->grow_s * 1000);
	}
	pthread_mutex_unlock(&pool->lock);
	return others;
}

/* As above where it is file descriptors that are too few: the limit stays. */
static bool
give_up_thread(GaPool *pool, GaTask *task)
{
	bool others;

	pthread_mutex_lock(&pool->lock);
	others = retire_thread(pool, task);
	pthread_mutex_unlock(&pool->lock);
	return others;
}

/*
 * Delivers a message; false: it went back to the queue since there are too few file
 * descriptors, and the thread has to end.
 */
static bool
deliver(GaPool *pool, GaSender *sender, GaTask *task, GaOutcome *outcome)
{
	const struct timespec pause = {0, DESCRIPTORS_WAIT_NS};

	for (int i = 0; i <= DESCRIPTORS_TRIES; i++)
	{
		bool is_news;
		int allowed;

		ga_provider_deliver(sender, &task->job, outcome);
		if (!(outcome->verdict.flags & GA_OUTCOME_NO_TRY))
			return true;
		allowed = ga_descriptors_shrink(&is_news);
		if (is_news)
			ga_output_log(
				pool->output,
				"too few file descriptors: the courier keeps to %d "
				"connections at once; raise the limit under which the "
				"server runs (ulimit -n, or LimitNOFILE of its service)",
				allowed);
		if (give_up_thread(pool, task))
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

/* What was learnt travels with each outcome. */
static void
note_limit(GaPool *pool, GaOutcome *outcome)
{
	pthread_mutex_lock(&pool->lock);
	if (pool->limit < pool->provider->max_connections)
		outcome->verdict.flags |= GA_OUTCOME_WITH_CONNECTIONS(pool->limit);
	pthread_mutex_unlock(&pool->lock);
}

static void *
send_tasks(void *context)
{
	GaPool *pool = context;
	GaSender *sender = ga_provider_open_sender(pool->provider);
	GaBuffer frames = {0};
	GaOutcome outcome = {0};
	GaTask *task;

	for (;;)
	{
		task = take_task(pool);
		if (task == NULL && ga_buffer_length(&frames) > 0)
			ga_output_write(pool->output, &frames);
		if (task == NULL)
			task = wait_for_task(pool);
		if (task == NULL)
			break;
		if (!ga_wire_put_picked(&frames, task->job.id))
			abort();
		ga_output_write(pool->output, &frames);
		if (!deliver(pool, sender, task, &outcome))
			break;
		if ((outcome.verdict.flags & GA_OUTCOME_CROWDED) &&
			give_up_connection(pool, task))
			break;
		note_limit(pool, &outcome);
		ga_outcome_put(&frames, task->job.id, &outcome);
		ga_pool_free_task(task);
		if (speaks_for_all(&outcome.verdict))
			spare_waiting(pool, &frames, &outcome);
	}
	ga_provider_close_sender(sender);
	ga_buffer_free(&frames);
	ga_text_free(&outcome.captured);
	leave_pool(pool);
	return NULL;
}

void
ga_pool_push(GaPool *pool, GaTask *task)
{
	GaTask *stranded = NULL;

	task->next = NULL;
	pthread_mutex_lock(&pool->lock);
	*pool->tail = task;
	pool->tail = &task->next;
	pool->waiting++;
	if (!start_thread(pool))
		stranded = take_all(pool);
	else if (pool->idle > 0)
		pthread_cond_signal(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	refuse_stranded(pool, stranded);
}

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
		successor->others += count_connections(pool);
		pthread_mutex_unlock(&successor->lock);
		pool->successor = successor;
	}
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	if (empty)
		free_pool(pool);
	return left;
}
