/*
 * performer.h
 *		A thread that performs the transfers of one connection, one after another.
 *
 * For what cannot be run beside others in one thread: the dialogue of SMTP waits for
 * each reply.
 */
#ifndef GA_COURIER_PERFORMER_H
#define GA_COURIER_PERFORMER_H

#include "courier/provider.h"
#include "courier/transfers.h"

typedef struct GaPerformer GaPerformer;

/* The ends of its transfers are posted to `transfers`.  NULL: no thread could be
 * started. */
extern GaPerformer *ga_performer_open(GaTransfers *transfers);
/* While it performs nothing. */
extern void ga_performer_close(GaPerformer *performer);

/* Begins the transfer that was set up.  Until ga_transfers_take_done() has returned the
 * context, nobody else may touch the sender. */
extern void ga_performer_run(GaPerformer *performer, GaSender *sender,
							 void *context);

#endif /* GA_COURIER_PERFORMER_H */
