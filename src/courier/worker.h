/*
 * worker.h
 *		The thread of a pool: it sends the provider's messages.
 */
#ifndef GA_COURIER_WORKER_H
#define GA_COURIER_WORKER_H

#include <stdbool.h>

typedef struct GaPoolWorker GaPoolWorker;

/* Runs until the pool needs no thread any more; `pool` is a GaPool. */
extern void *ga_worker_run(void *pool);

/* Any thread: ends a wait, the present one or the next. */
extern void ga_worker_wake(GaPoolWorker *worker);
/* Any thread: keeps the worker's thread from going on, where it waits; false: it does
 * not. */
extern bool ga_worker_try_hold(GaPoolWorker *worker);
/* Who holds it: begins the one message in the queue, as its thread would, where a
 * connection is open.  False: the thread is to be woken for the rest. */
extern bool ga_worker_begin_waiting(GaPoolWorker *worker);
/* The thread may go on. */
extern void ga_worker_release(GaPoolWorker *worker);

#endif /* GA_COURIER_WORKER_H */
