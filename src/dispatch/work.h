/*
 * work.h
 *		The dispatcher's transactions: short, as the owner of the tables, and never
 *		waiting for anybody's lock.
 */
#ifndef GA_DISPATCH_WORK_H
#define GA_DISPATCH_WORK_H

#include "postgres.h"

#include "base/shared/monotonic.h"
#include "store/plan_cache.h"

/* What the dispatcher does in a transaction; work.c names the tables of each. */
typedef enum GaStep
{
	GA_STEP_READ_PROVIDERS,
	GA_STEP_BEGIN_INCARNATION,
	GA_STEP_TAKE_BACK,
	GA_STEP_PAUSE,
	GA_STEP_RECORD,
	GA_STEP_SUPPRESS,
	GA_STEP_PLACE_DUE,
	GA_STEP_CLAIM,
	GA_STEP_FIND_NEXT,
	GA_STEP_DEADLINES,
	GA_STEP_FIND_QUESTION,
	GA_STEP_ASK,
	GA_STEP_RECORD_ANSWER,
	GA_STEP_SET_ASIDE,
	GA_STEP_FIND_UNREADABLE,
	GA_STEP_TRIM,
	GA_STEP_FOLLOW_CLOCK,
	GA_STEP_READ_EVENTS,
	GA_STEP_RECORD_EVENTS,
	GA_STEP_COUNT
} GaStep;

/* Once, when connected. */
extern void ga_work_init(void);

/*
 * Begins a step's transaction; false when a lock is in its way or was a moment
 * ago: try again at ga_work_not_before().  Ends the process when the extension
 * is gone or was made anew.  Results are to be allocated in the turn's memory.
 */
extern bool ga_work_begin(GaStep step);
extern void ga_work_end(void);

/*
 * Runs a part of the turn, which begins and ends transactions of its own.  False
 * when an error cut one of them short: that one is rolled back and tried again,
 * and the process goes on, since what the courier is just sending would be sent
 * again.  After a lock the step is tried again later; after another error at once,
 * row by row (ga_work_is_careful), and later when that fails as well.
 */
extern bool ga_work_survive(void (*part)(GaMonotonic now), GaMonotonic now);

/*
 * Instead of ga_work_end() when an error was caught: rolls back, reports it, and
 * notes it as ga_work_survive() does.
 */
extern void ga_work_fail(void);

/*
 * After ga_work_begin(): runs a step and ends the transaction.  Where it fails,
 * however, it is rolled back as by ga_work_fail(); then false.
 */
extern bool ga_work_attempt(void (*step)(const void *arg), const void *arg);

/*
 * The step failed as a whole: it is to do its rows one by one, each in a
 * subtransaction, and to set aside those that fail (store/queue/set_aside_store).
 */
extern bool ga_work_is_careful(GaStep step);
/* It failed so, too, for another reason than a lock. */
extern bool ga_work_is_failing(GaStep step);

/* Whether a step failed since by an error of the disk: XX001, XX002, 58030. */
extern bool ga_work_met_storage_error(void);
extern void ga_work_forget_storage_error(void);

/* "claiming invitations"; NULL for no step. */
extern const char *ga_work_step_name(GaStep step);
extern const GaOwnerScope *ga_work_scope(void);
/* When a step may be tried again; a moment in the past when nothing is in its way. */
extern GaMonotonic ga_work_not_before(GaStep step);
/* Whoever put things right wants every step to be tried at once. */
extern void ga_work_forget_pauses(void);
/* Forgets everything the turn allocated. */
extern void ga_work_end_turn(void);

#endif /* GA_DISPATCH_WORK_H */
