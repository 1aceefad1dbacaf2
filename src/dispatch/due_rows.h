/*
 * due_rows.h
 *		Rows of the queue that wait for a time.
 */
#ifndef GA_DISPATCH_DUE_ROWS_H
#define GA_DISPATCH_DUE_ROWS_H

#include "postgres.h"

#include "base/shared/monotonic.h"
#include "datatype/timestamp.h"

/* Rows came that are due from then on; DT_NOBEGIN: all are read again. */
extern void ga_due_rows_recheck(TimestampTz due);
/* One more waits for a time. */
extern void ga_due_rows_note(TimestampTz due);

/* Finds what was written by hand; within a transaction of the dispatcher's. */
extern void ga_due_rows_ask(void);

/* Gives what is due its place in the queue, some at a time. */
extern void ga_due_rows_place(GaMonotonic now);
/* When that is to be done next; DT_NOEND: when an event tells. */
extern GaMonotonic ga_due_rows_next_turn(void);

#endif /* GA_DISPATCH_DUE_ROWS_H */
