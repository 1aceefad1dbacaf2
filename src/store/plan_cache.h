/*
 * plan_cache.h
 *		Running the store's statements, each planned once per session, inside
 *		store/owner's bracket; what they return is read by store/row.
 */
#ifndef GA_STORE_PLAN_CACHE_H
#define GA_STORE_PLAN_CACHE_H

#include "postgres.h"

#include "executor/spi.h"
#include "store/owner.h"
#include "store/row.h"

#define GA_PLAN_MAX_ARGS 16

typedef struct GaPlan
{
	const char *sql;
	int nargs;
	Oid argtypes[GA_PLAN_MAX_ARGS];
	const char *no_wait; /* a mark for test/lint/waits.sh, see below */
	bool is_by_range; /* by a BRIN index, which only bitmaps can be read from */
	/*
	 * Not anew for each of its values, as the planner would where a limit, a text or a
	 * group promises less than the average; and by indexes, whatever the table's size.
	 * For ga_plan_read() alone.
	 */
	bool is_planned_once;
	SPIPlanPtr saved; /* NULL until first used in this session */
	SPIPlanPtr saved_for_many;
} GaPlan;

/*
 * The dispatcher waits for nobody's rows: its statements say SKIP LOCKED.  One
 * that does not says who locked its rows before, or why it may meet a lock.
 */
#define GA_ROWS_LOCKED_BY(function) #function
#define GA_MAY_MEET_A_LOCK(reason) reason

/*
 * Runs a plan; `expected` is its SPI_OK_ code.  Returns the rows processed;
 * those returned stand in SPI_tuptable until the next statement.
 */
extern uint64 ga_plan_run(GaPlan *plan, Datum *values, const char *nulls,
						  int expected);
/*
 * The same for a statement that joins a set given as arrays: `count` elements.
 * A large set is joined by hashing or merging; nested loops over it would take
 * seconds where the planner does not know yet that a group has grown.
 */
extern uint64 ga_plan_run_set(GaPlan *plan, Datum *values, int expected,
							  int count);
/*
 * The same for a statement that finds each row by its key (in LATERAL subqueries with
 * OFFSET 0).  No table is read as a whole: a plan made while a table was small stays
 * until the next ANALYZE, and a session can fill it meanwhile.
 */
extern uint64 ga_plan_run_by_keys(GaPlan *plan, Datum *values, int expected);
/* The same for a statement that only reads, in the caller's snapshot. */
extern uint64 ga_plan_read(GaPlan *plan, Datum *values, const char *nulls);

/*
 * Within a transaction: runs a part of it that may be left out, in a
 * subtransaction.  False when it met a lock and so did nothing; other errors are
 * passed on.
 */
extern bool ga_plan_run_without_waiting(void (*part)(const void *arg),
										const void *arg);

#endif /* GA_STORE_PLAN_CACHE_H */
