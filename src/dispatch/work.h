/*
 * work.h
 *		The dispatcher's transactions: short, as the owner of the tables, and never
 *		in the way of DDL on the extension.
 */
#ifndef GA_DISPATCH_WORK_H
#define GA_DISPATCH_WORK_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "store/plan_cache.h"

/* Once, when connected. */
extern void ga_work_init(void);

/*
 * Begins a transaction; false when DDL on the extension is under way: try again
 * at ga_work_locked_out_until().  Ends the process when the extension is gone or
 * was made anew.  Results are to be allocated in the turn's memory.
 */
extern bool ga_work_begin(const char *activity);
extern void ga_work_end(void);
/* Instead of ga_work_end() when an error was caught: reports and aborts. */
extern void ga_work_fail(void);

/*
 * After ga_work_begin(): runs a step that may have to wait for somebody's lock,
 * and ends the transaction.  What takes longer than `lock_ms`, or fails
 * otherwise, is reported and rolled back; the process must not end of it, since
 * what the courier is just sending would be sent again.
 */
extern void ga_work_attempt(void (*step)(const void *arg), const void *arg,
							int lock_ms);

extern const GaOwnerScope *ga_work_scope(void);
/* A moment in the past when nothing is in the way. */
extern TimestampTz ga_work_locked_out_until(void);
/* Forgets everything the turn allocated. */
extern void ga_work_end_turn(void);

#endif /* GA_DISPATCH_WORK_H */
