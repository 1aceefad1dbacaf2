/*
 * couriers.h
 *		The couriers of a dispatcher: gives them jobs, reads their answers, keeps one running,
 *		replaces one that hangs, and knows what becomes of jobs when it dies.
 */
#ifndef GA_DISPATCH_COURIER_COURIERS_H
#define GA_DISPATCH_COURIER_COURIERS_H

#include "postgres.h"

#include "base/shared/monotonic.h"
#include "base/shared/wire.h"
#include "datatype/timestamp.h"
#include "dispatch/courier/event_wait.h"
#include "dispatch/courier/jobs.h"

/* Told of every outcome the courier reports. */
typedef void (*GaOutcomeHandler)(const GaOutcomeFrame *outcome,
								 TimestampTz now);

/*
 * Before anything else, when there will be something to send: loading the program
 * takes about as long as connecting to the database, so both go on at once.
 */
extern void ga_couriers_start_early(void);
extern void ga_couriers_init(GaOutcomeHandler hear);
/* The providers as JSON, with their secrets; kept for the next courier too. */
extern void ga_couriers_configure(const char *json);

/* Starts a courier if there is none; false while that must wait. */
extern bool ga_couriers_open(GaMonotonic now);
extern bool ga_couriers_is_open(void);
/* When a courier may be started again; at once after a reload. */
extern GaMonotonic ga_couriers_next_start(void);
extern void ga_couriers_reset_backoff(void);

/*
 * One that was taken up by couriers that died is kept until its turn comes to be
 * tried alone, in a courier of its own.
 */
extern void ga_couriers_put_job(GaJob *job, const GaJobFrame *frame);
extern void ga_couriers_flush(void);
/*
 * Tries the next one alone, unless one is under way.  Where nothing may be sent now those
 * that wait go back to the queue instead.
 */
extern void ga_couriers_try_suspect(GaMonotonic now, bool may_send);

/*
 * Hears what came; jobs lost with a dead courier become records.  A courier that
 * makes no progress is killed, and so replaced.  `now` is a date.
 */
extern void ga_couriers_collect(TimestampTz now);
/* Milliseconds until a courier is to be checked; -1: only when it speaks. */
extern long ga_couriers_next_check_ms(GaMonotonic now);
/*
 * What the courier has not taken up goes back, the rest may end; no job may be
 * put any more.
 */
extern void ga_couriers_drain(void);

/* The pause after a courier that could not be started, from one to the next. */
extern int ga_couriers_wait_ms(void);
extern void ga_couriers_take_over(int wait_ms);

/* Before the process ends: lets what is under way end, then ends the courier. */
extern void ga_couriers_close(void);

/* What to wait for besides the latch, GA_COURIER_SOCKETS of them. */
#define GA_COURIER_SOCKETS 2
extern void ga_couriers_sockets(GaWaitSocket *sockets);

/* Sending is allowed: only a courier that does not work is still in the way. */
extern void ga_couriers_end_trouble(void);

#endif /* GA_DISPATCH_COURIER_COURIERS_H */
