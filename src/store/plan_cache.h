/*
 * plan_cache.h
 *		Running the store's statements: as the owner, with a pinned search_path,
 *		each planned once per session.
 *
 * Every statement of src/store/ runs between ga_owner_enter() and
 * ga_owner_leave().  An error in between needs no clean-up here: the abort of
 * the (sub)transaction restores the user, the setting and SPI.
 */
#ifndef GA_STORE_PLAN_CACHE_H
#define GA_STORE_PLAN_CACHE_H

#include "postgres.h"

#include "executor/spi.h"

#define GA_PLAN_MAX_ARGS 16

typedef struct GaPlan
{
	const char *sql;
	int nargs;
	Oid argtypes[GA_PLAN_MAX_ARGS];
	const char *no_wait; /* a mark for test/lint/waits.sh, see below */
	SPIPlanPtr saved;	 /* NULL until first used in this session */
	SPIPlanPtr saved_for_many;
} GaPlan;

/*
 * The dispatcher waits for nobody's rows: its statements say SKIP LOCKED.  One
 * that does not says who locked its rows before, or why it may meet a lock.
 */
#define GA_ROWS_LOCKED_BY(function) #function
#define GA_MAY_MEET_A_LOCK(reason) reason

typedef struct GaOwnerScope
{
	Oid user;
	int security;
	int guc_level;
	MemoryContext caller_context; /* results are copied to here */
	ErrorContextCallback on_error;
} GaOwnerScope;

/*
 * Switches to the owner of the extension's tables and connects SPI.
 * Error: 55000 when the extension is not (or no longer) in this database.
 */
extern void ga_owner_enter(GaOwnerScope *scope);
/*
 * Called while an error is made that some statement in between waited too long
 * for a lock (55P03): may add to its words.  group_api.lock_timeout bounds the
 * waits, the session's lock_timeout where that is less.
 */
extern void (*ga_on_lock_timeout)(void);
extern void ga_owner_leave(GaOwnerScope *scope);

/* The owner of the extension's tables; InvalidOid when there are none. */
extern Oid ga_owner(void);
/* False when the owner lost what our statements need: it is no superuser. */
extern bool ga_owner_can_serve(Oid owner);

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
/* The same for a statement that only reads, in the caller's snapshot. */
extern uint64 ga_plan_read(GaPlan *plan, Datum *values, const char *nulls);

/*
 * Within a transaction: runs a part of it that may be left out, in a
 * subtransaction.  False when it met a lock and so did nothing; other errors are
 * passed on.
 */
extern bool ga_run_without_waiting(void (*part)(const void *arg),
								   const void *arg);

/* A column of SPI_tuptable, 1-based; text is copied to the scope's caller. */
extern Datum ga_row_datum(uint64 row, int column, bool *isnull);
extern char *ga_row_text(const GaOwnerScope *scope, uint64 row, int column);
extern int64 ga_row_int64(uint64 row, int column, int64 if_null);
extern int32 ga_row_int32(uint64 row, int column, int32 if_null);
extern bool ga_row_bool(uint64 row, int column, bool if_null);

/* Arrays as parameters; a NULL string becomes a null element. */
extern Datum ga_text_array(const char *const *values, int count);
extern Datum ga_datum_array(Datum *values, bool *nulls, int count, Oid type);

#endif /* GA_STORE_PLAN_CACHE_H */
