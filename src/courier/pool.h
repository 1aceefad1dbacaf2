/*
 * pool.h
 *		One provider's messages that wait, and how many connections it may see.
 */
#ifndef GA_COURIER_POOL_H
#define GA_COURIER_POOL_H

#include <jansson.h>

#include "base/shared/monotonic.h"
#include "courier/job.h"
#include "courier/output.h"
#include "courier/outcome.h"
#include "courier/provider.h"
#include "courier/worker.h"

typedef struct GaPool GaPool;

/* One message waiting; owned by whoever holds it. */
typedef struct GaTask
{
	GaCourierJob job;
	struct GaTask *next;
	char frame[]; /* what the job points into */
} GaTask;

/* How many connections the provider takes, as far as is known; it is kept from one
 * thread of the pool to the next. */
typedef struct GaPoolLimit
{
	int connections;
	GaMonotonic grow_at; /* when one more may be tried */
	int64_t grow_s;		 /* the wait before that; 0: none was refused yet */
	bool grew;			 /* one more was tried since the last refusal */
} GaPoolLimit;

/* ---- the main thread ----------------------------------------------------- */

/* `config` is the provider's entry in the CONFIG frame; it is copied. */
extern GaPool *ga_pool_open(const json_t *config, GaOutput *output);

extern const char *ga_pool_name(const GaPool *pool);
/* NULL: nothing is wrong with the provider. */
extern const char *ga_pool_fault(const GaPool *pool);
/* Whether the pool was opened with just this configuration. */
extern bool ga_pool_is_for(const GaPool *pool, const json_t *config);

/* Takes over the task.  It is looked at after ga_pool_wake(), once for many. */
extern void ga_pool_push(GaPool *pool, GaTask *task);
/* Where tasks were pushed: wakes the pool's thread, or starts it.  `may_begin`: one task
 * was, so that there is time to begin it here, where it can be. */
extern void ga_pool_wake(GaPool *pool, bool may_begin);

/*
 * Ends the pool: returns the tasks nobody has picked up; those under way are
 * finished, then the thread ends and frees the pool.  `successor`: the new pool of
 * the same provider, which opens no connection before there is room; or NULL.
 */
extern GaTask *ga_pool_close(GaPool *pool, GaPool *successor);

/* Waits until every pool is closed and the outcomes of its messages are on their
 * way to the output. */
extern void ga_pools_wait(void);

extern void ga_pool_free_task(GaTask *task);

/* Answers a task that no thread will take; never blocks; frees the task. */
extern void ga_pool_refuse_task(GaTask *task, GaOutput *output,
								GaVerdict verdict, const char *code,
								const char *detail);

/* ---- the pool's thread (courier/worker) ----------------------------------- */

extern const GaCourierProvider *ga_pool_provider(const GaPool *pool);
extern GaOutput *ga_pool_output(const GaPool *pool);
extern bool ga_pool_is_closed(GaPool *pool);
/* For the pool's thread alone. */
extern GaPoolLimit *ga_pool_limit(GaPool *pool);
/* After some time without a refusal, one more; never more than `most`. */
extern void ga_pool_limit_grow(GaPoolLimit *limit, int most);
/* The provider took no more than `taken`. */
extern void ga_pool_limit_refused(GaPoolLimit *limit, int taken);

/* Whom ga_pool_wake() wakes from now on. */
extern void ga_pool_set_worker(GaPool *pool, GaPoolWorker *worker);
/* The first one; NULL: there is none, and the next one will be woken for. */
extern GaTask *ga_pool_take(GaPool *pool);
/* To the front of the queue; false: the pool is closed. */
extern bool ga_pool_put_back(GaPool *pool, GaTask *task);

/* Counts one more connection, if there are fewer than `limit`, those of earlier
 * pools included, and the pool is not closed. */
extern bool ga_pool_connect(GaPool *pool, int limit);
/* A connection is closed. */
extern void ga_pool_disconnect(GaPool *pool);

/* The thread ends; false: there is work again.  May free the pool. */
extern bool ga_pool_leave(GaPool *pool);

#endif /* GA_COURIER_POOL_H */
