/*
 * claim_rows.h
 *		Claiming rows of the queue without a plan.
 */
#ifndef GA_STORE_QUEUE_CLAIM_ROWS_H
#define GA_STORE_QUEUE_CLAIM_ROWS_H

#include "postgres.h"

#include "base/shared/channel.h"
#include "store/queue/queue_store.h"
#include "store/queue/unreadable.h"

struct GaOwnerScope;

typedef struct GaRowClaims GaRowClaims;

/* `all_may_go`: no row is set aside.  NULL: this has to be done by a plan. */
extern GaRowClaims *ga_row_claims_begin(const struct GaOwnerScope *scope,
										GaChannel channel, const char *server,
										const GaQueueFilter *filter,
										int64 incarnation, bool all_may_go);
/*
 * Claims up to `limit` rows of a range; returns how many.  The cursor of `scan` moves
 * behind what was read, and `scan` tells whether the range goes on there.
 */
extern int ga_row_claims_take(GaRowClaims *rows, const GaQueueRange *range,
							  int limit, GaQueueScan *scan, GaClaim *claims);
extern void ga_row_claims_end(GaRowClaims *rows);

#endif /* GA_STORE_QUEUE_CLAIM_ROWS_H */
