/*
 * pool.h
 *		The threads of one provider and the messages waiting for them.
 */
#ifndef GA_COURIER_POOL_H
#define GA_COURIER_POOL_H

#include <jansson.h>

#include "courier/job.h"
#include "courier/output.h"
#include "courier/outcome.h"

typedef struct GaPool GaPool;

/* One message waiting; owned by whoever holds it. */
typedef struct GaTask
{
	GaCourierJob job;
	struct GaTask *next;
} GaTask;

/* `config` is the provider's entry in the CONFIG frame; it is copied. */
extern GaPool *ga_pool_open(const json_t *config, GaOutput *output);

extern const char *ga_pool_name(const GaPool *pool);
/* NULL: nothing is wrong with the provider. */
extern const char *ga_pool_fault(const GaPool *pool);
/* Whether the pool was opened with just this configuration. */
extern bool ga_pool_is_for(const GaPool *pool, const json_t *config);

/* Takes over the task; starts a thread when one is wanted. */
extern void ga_pool_push(GaPool *pool, GaTask *task);

/*
 * Ends the pool: returns the tasks nobody has picked up; those under way are
 * finished, then the threads end and the last one frees the pool.  `successor`: the
 * new pool of the same provider, which opens no connection before there is room; or
 * NULL.
 */
extern GaTask *ga_pool_close(GaPool *pool, GaPool *successor);

/* Waits until every pool is closed and the outcomes of its messages are
 * written. */
extern void ga_pools_wait(void);

extern void ga_pool_free_task(GaTask *task);

/* Answers a task that no thread will take; never blocks; frees the task. */
extern void ga_pool_refuse_task(GaTask *task, GaOutput *output,
								GaVerdict verdict, const char *code,
								const char *detail);

#endif /* GA_COURIER_POOL_H */
