/*
 * handover.h
 *		Handing claimed invitations over to the courier.
 */
#ifndef GA_DISPATCH_COURIER_HANDOVER_H
#define GA_DISPATCH_COURIER_HANDOVER_H

#include "postgres.h"

#include "dispatch/provider/providers.h"
#include "store/queue/queue_store.h"

/* Jobs of all kinds are numbered; whoever makes the next one counts on. */
extern uint64 ga_handover_last_job_id;
/* From where on, so that no two incarnations use the same number. */
extern void ga_handover_begin(int64 incarnation);

/* Reads the secret of links; in a step's transaction, once the data are ours. */
extern void ga_handover_read_secret(void);

/*
 * Makes a job of each claim, or a record of what cannot be sent; after the claims
 * were committed.
 */
extern void ga_handover_all(GaProvider *provider, const GaClaim *claims,
							int count);

#endif /* GA_DISPATCH_COURIER_HANDOVER_H */
