/*
 * performer.h
 *		A thread that performs the transfers of one connection, one after another.
 *
 * For what libcurl does not run beside others: in SMTP it waits for the reply to the
 * final dot, and for the answer to QUIT, without returning.
 */
#ifndef GA_COURIER_PERFORMER_H
#define GA_COURIER_PERFORMER_H

#include <curl/curl.h>
#include <stdbool.h>

#include "courier/transfers.h"

typedef struct GaPerformer GaPerformer;

/* The ends of its transfers are posted to `transfers`.  NULL: no thread could be
 * started. */
extern GaPerformer *ga_performer_open(GaTransfers *transfers);
/* While it performs nothing. */
extern void ga_performer_close(GaPerformer *performer);

/* Begins a transfer; false: there is no handle.  Until ga_transfers_take_done() has
 * returned the context, nobody else may touch the handle nor what its callbacks use. */
extern bool ga_performer_run(GaPerformer *performer, CURL *curl, void *context);

#endif /* GA_COURIER_PERFORMER_H */
