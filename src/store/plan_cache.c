/*
 * plan_cache.c
 *		The store's statements: each is planned once a session.
 *
 * A statement that joins a large set has a second plan, made without nested loops.
 * They run inside the bracket of store/owner.
 */
#include "postgres.h"

#include "access/xact.h"
#include "storage/proc.h"
#include "store/plan_cache.h"
#include "utils/guc.h"
#include "utils/resowner.h"

static SPIPlanPtr
get_plan(GaPlan *plan, SPIPlanPtr *saved)
{
	if (*saved == NULL)
	{
		MemoryContext old = CurrentMemoryContext;
		SPIPlanPtr prepared = SPI_prepare_cursor(
			plan->sql, plan->nargs, plan->argtypes,
			plan->is_planned_once ? CURSOR_OPT_GENERIC_PLAN : 0);

		if (prepared == NULL || SPI_keepplan(prepared) != 0)
			ereport(
				ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not prepare a statement of group_api"),
				 errdetail_internal("%s", SPI_result_code_string(SPI_result))));
		/* SPI leaves its own behind, which ends with the scope. */
		MemoryContextSwitchTo(old);
		*saved = prepared;
	}
	return *saved;
}

static uint64
run(SPIPlanPtr saved, Datum *values, const char *nulls, int expected,
	bool read_only)
{
	MemoryContext old = CurrentMemoryContext;
	int result = SPI_execute_plan(saved, values, nulls, read_only, 0);

	/* SPI leaves its own behind, which ends with the scope. */
	MemoryContextSwitchTo(old);
	if (result != expected)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("unexpected result of a statement of group_api"),
				 errdetail_internal("%s", SPI_result_code_string(result))));
	return SPI_processed;
}

/* Planning happens within, also of what has been planned before. */
static uint64
run_with(const char *setting, const char *value, GaPlan *plan,
		 SPIPlanPtr *saved, Datum *values, const char *nulls, int expected,
		 bool read_only)
{
	int guc_level = NewGUCNestLevel();
	uint64 found;

	(void) set_config_option(setting, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	found = run(get_plan(plan, saved), values, nulls, expected, read_only);
	AtEOXact_GUC(false, guc_level);
	return found;
}

uint64
ga_plan_run(GaPlan *plan, Datum *values, const char *nulls, int expected)
{
	/* The dispatcher reads by keys alone otherwise (process/worker_settings). */
	if (plan->is_by_range)
		return run_with("enable_bitmapscan", "on", plan, &plan->saved, values,
						nulls, expected, false);
	return run(get_plan(plan, &plan->saved), values, nulls, expected, false);
}

/* Below this, nested loops are what should be. */
#define FEW 100

uint64
ga_plan_run_set(GaPlan *plan, Datum *values, int expected, int count)
{
	if (count <= FEW)
		return ga_plan_run(plan, values, NULL, expected);
	return run_with("enable_nestloop", "off", plan, &plan->saved_for_many,
					values, NULL, expected, false);
}

/*
 * No table is read as a whole.  What such a plan costs at the most would seem worth
 * compiling, each time anew: 50 MB and a tenth of a second.
 */
static uint64
run_by_index(GaPlan *plan, Datum *values, const char *nulls, int expected,
			 bool read_only)
{
	int guc_level = NewGUCNestLevel();
	uint64 found;

	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	found = run_with("enable_seqscan", "off", plan, &plan->saved, values, nulls,
					 expected, read_only);
	AtEOXact_GUC(false, guc_level);
	return found;
}

uint64
ga_plan_run_by_keys(GaPlan *plan, Datum *values, int expected)
{
	return run_by_index(plan, values, NULL, expected, false);
}

uint64
ga_plan_read(GaPlan *plan, Datum *values, const char *nulls)
{
	if (plan->is_planned_once)
		return run_by_index(plan, values, nulls, SPI_OK_SELECT, true);
	return run(get_plan(plan, &plan->saved), values, nulls, SPI_OK_SELECT,
			   true);
}

/* Long enough for who is about to let go, short enough to be left out often. */
#define PART_LOCK_MS 10

static bool
is_lock_error(void)
{
	return geterrcode() == ERRCODE_LOCK_NOT_AVAILABLE ||
		   geterrcode() == ERRCODE_T_R_DEADLOCK_DETECTED;
}

bool
ga_plan_run_without_waiting(void (*part)(const void *arg), const void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	int lock_timeout = LockTimeout;
	volatile bool done = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	LockTimeout = PART_LOCK_MS;
	PG_TRY();
	{
		part(arg);
		ReleaseCurrentSubTransaction();
		done = true;
	}
	PG_CATCH();
	{
		LockTimeout = lock_timeout;
		if (!is_lock_error())
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	LockTimeout = lock_timeout;
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return done;
}
