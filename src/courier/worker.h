/*
 * worker.h
 *		The thread of a pool: it sends the provider's messages.
 */
#ifndef GA_COURIER_WORKER_H
#define GA_COURIER_WORKER_H

/* Runs until the pool needs no thread any more; `pool` is a GaPool. */
extern void *ga_worker_run(void *pool);

#endif /* GA_COURIER_WORKER_H */
