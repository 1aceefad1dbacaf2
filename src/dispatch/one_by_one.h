/*
 * one_by_one.h
 *		Steps after an error: each row in a subtransaction, without those that fail.
 *
 * Each is called in the place of the statement that failed, in the step's
 * transaction.  Rows that fail are set aside (store/queue/set_aside_store).  Where the
 * first few fail and none gets through, nothing is wrong with them: an error.
 */
#ifndef GA_DISPATCH_ONE_BY_ONE_H
#define GA_DISPATCH_ONE_BY_ONE_H

#include "postgres.h"

#include "dispatch/provider/providers.h"
#include "store/queue/due_store.h"
#include "store/queue/poll_store.h"
#include "store/queue/queue_store.h"
#include "store/queue/orphan_store.h"

/* As ga_queue_claim() and ga_screening_mark(). */
extern int ga_one_by_one_claim(const GaProvider *provider, int64 incarnation,
							   int limit, GaQueueScan *scan, GaClaim **claims);
/*
 * As ga_queue_record(); behind the records that are kept since their rows are
 * locked stand `failed` ones, which the caller is to set aside, too.
 */
extern int ga_one_by_one_record(GaRecord *records, int count, int64 incarnation,
								int *failed);
/* As ga_queue_place_due(). */
extern int ga_one_by_one_place_due(GaDueCursor *cursor, TimestampTz now,
								   int limit, GaTagRange *tags);
/* As ga_polls_take(). */
extern int ga_one_by_one_take_polls(Datum servers, int limit, GaPoll **polls);
/* As ga_orphans_take_back(). */
extern uint64 ga_one_by_one_take_back(int64 incarnation,
									  const GaOrphan *orphans, int count);

#endif /* GA_DISPATCH_ONE_BY_ONE_H */
