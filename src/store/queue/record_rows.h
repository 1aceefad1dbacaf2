/*
 * record_rows.h
 *		Recording without a plan that messages were sent.
 */
#ifndef GA_STORE_QUEUE_RECORD_ROWS_H
#define GA_STORE_QUEUE_RECORD_ROWS_H

#include "postgres.h"

#include "store/queue/queue_store.h"

/*
 * Records what was sent and nothing else.  Those that are left, of whatever reason,
 * move to the front of the array in their order; returns how many.
 */
extern int ga_row_records_write(GaRecord *records, int count,
								int64 incarnation);

#endif /* GA_STORE_QUEUE_RECORD_ROWS_H */
