/*
 * plan_cache.c
 *		The bracket around every statement of the store.
 *
 * The functions callers may execute hold no rights on the tables; these
 * switch to the owner instead, under SECURITY_RESTRICTED_OPERATION, and pin
 * search_path so that neither a caller's nor a database's setting can put an
 * operator or a function of its own in front of ours.  So are settings pinned that
 * would show what runs inside or change its meaning (store/pinned_settings).
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/extension.h"
#include "base/guc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "store/pinned_settings.h"
#include "store/plan_cache.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"

Oid
ga_owner(void)
{
	return ga_extension_owner();
}

void (*ga_on_lock_timeout)(void) = NULL;

static void
tell_lock_timeout(void *arg)
{
	if (geterrcode() == ERRCODE_LOCK_NOT_AVAILABLE &&
		ga_on_lock_timeout != NULL)
		ga_on_lock_timeout();
}

/* Whoever holds a lock, no caller waits for it longer than the setting says. */
static void
bound_waits(GaOwnerScope *scope)
{
	char value[16];

	scope->on_error.callback = tell_lock_timeout;
	scope->on_error.arg = NULL;
	scope->on_error.previous = error_context_stack;
	error_context_stack = &scope->on_error;
	if (LockTimeout > 0 && LockTimeout <= ga_settings.lock_timeout)
		return;
	snprintf(value, sizeof(value), "%d", ga_settings.lock_timeout);
	(void) set_config_option("lock_timeout", value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Row security is forced on the tables, and the passwords in user mappings are
 * for superusers: without, statements fail or find nothing.
 */
bool
ga_owner_can_serve(Oid owner)
{
	return superuser_arg(owner);
}

void
ga_owner_enter(GaOwnerScope *scope)
{
	Oid owner = ga_owner();

	if (!OidIsValid(owner))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("extension group_api is not installed in this "
							   "database"),
						errhint("CREATE EXTENSION group_api;")));
	if (!ga_owner_can_serve(owner))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the owner of extension group_api is not a superuser"),
				 errdetail_log("The owner is role \"%s\".",
							   GetUserNameFromId(owner, true)),
				 errhint("ALTER ROLE ... SUPERUSER; SELECT * FROM "
						 "group_api.health(); names the role.")));
	scope->caller_context = CurrentMemoryContext;
	GetUserIdAndSecContext(&scope->user, &scope->security);
	scope->guc_level = NewGUCNestLevel();
	ga_settings_pin();
	bound_waits(scope);
	SetUserIdAndSecContext(owner, scope->security |
									  SECURITY_LOCAL_USERID_CHANGE |
									  SECURITY_RESTRICTED_OPERATION);
	if (SPI_connect() != SPI_OK_CONNECT)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not connect to SPI")));
}

void
ga_owner_leave(GaOwnerScope *scope)
{
	error_context_stack = scope->on_error.previous;
	SPI_finish();
	SetUserIdAndSecContext(scope->user, scope->security);
	AtEOXact_GUC(false, scope->guc_level);
}

static SPIPlanPtr
get_plan(GaPlan *plan, SPIPlanPtr *saved)
{
	if (*saved == NULL)
	{
		MemoryContext old = CurrentMemoryContext;
		SPIPlanPtr prepared =
			SPI_prepare(plan->sql, plan->nargs, plan->argtypes);

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

uint64
ga_plan_run(GaPlan *plan, Datum *values, const char *nulls, int expected)
{
	return run(get_plan(plan, &plan->saved), values, nulls, expected, false);
}

/* Below this, nested loops are what should be. */
#define FEW 100

uint64
ga_plan_run_set(GaPlan *plan, Datum *values, int expected, int count)
{
	int guc_level;
	uint64 found;

	if (count <= FEW)
		return ga_plan_run(plan, values, NULL, expected);
	/* Planning happens within, also of what has been planned before. */
	guc_level = NewGUCNestLevel();
	(void) set_config_option("enable_nestloop", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	found = run(get_plan(plan, &plan->saved_for_many), values, NULL, expected,
				false);
	AtEOXact_GUC(false, guc_level);
	return found;
}

uint64
ga_plan_read(GaPlan *plan, Datum *values, const char *nulls)
{
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
ga_run_without_waiting(void (*part)(const void *arg), const void *arg)
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

Datum
ga_row_datum(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column,
						 isnull);
}

char *
ga_row_text(const GaOwnerScope *scope, uint64 row, int column)
{
	MemoryContext old = MemoryContextSwitchTo(scope->caller_context);
	char *text =
		SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);

	MemoryContextSwitchTo(old);
	return text;
}

int64
ga_row_int64(uint64 row, int column, int64 if_null)
{
	bool isnull;
	Datum value = ga_row_datum(row, column, &isnull);

	return isnull ? if_null : DatumGetInt64(value);
}

int32
ga_row_int32(uint64 row, int column, int32 if_null)
{
	bool isnull;
	Datum value = ga_row_datum(row, column, &isnull);

	return isnull ? if_null : DatumGetInt32(value);
}

bool
ga_row_bool(uint64 row, int column, bool if_null)
{
	bool isnull;
	Datum value = ga_row_datum(row, column, &isnull);

	return isnull ? if_null : DatumGetBool(value);
}

Datum
ga_datum_array(Datum *values, bool *nulls, int count, Oid type)
{
	int16 length;
	bool byval;
	char align;
	int dims[1] = {count};
	int lbs[1] = {1};

	get_typlenbyvalalign(type, &length, &byval, &align);
	return PointerGetDatum(construct_md_array(values, nulls, 1, dims, lbs, type,
											  length, byval, align));
}

Datum
ga_text_array(const char *const *values, int count)
{
	Datum *datums = palloc(sizeof(Datum) * Max(count, 1));
	bool *nulls = palloc(sizeof(bool) * Max(count, 1));
	int dims[1] = {count};
	int lbs[1] = {1};

	for (int i = 0; i < count; i++)
	{
		nulls[i] = values[i] == NULL;
		datums[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(values[i]);
	}
	/* The type by heart: this one is also called outside transactions. */
	return PointerGetDatum(construct_md_array(
		datums, nulls, 1, dims, lbs, TEXTOID, -1, false, TYPALIGN_INT));
}
