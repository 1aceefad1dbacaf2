/*
 * work.c
 *		Beginning and ending the dispatcher's transactions.
 *
 * Locks: each transaction first takes AccessShareLock on the extension, without
 * waiting.  DROP EXTENSION takes it exclusively before anything else, so the two
 * cannot deadlock and the DDL never waits for more than one short transaction.
 *
 * Between transactions the turn's memory context and a resource owner of the
 * worker's own are current.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/extension.h"
#include "catalog/pg_extension.h"
#include "dispatch/seat.h"
#include "dispatch/work.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Wait after DDL on the extension was in the way. */
#define LOCKED_OUT_MS 100

static GaOwnerScope scope;
static MemoryContext turn_context;
static ResourceOwner worker_owner; /* of HMACs made between transactions */
static Oid my_extension;		   /* made anew it counts incarnations anew */
static TimestampTz locked_out_until;

static void
stand_between(void)
{
	CurrentResourceOwner = worker_owner;
	MemoryContextSwitchTo(turn_context);
	pgstat_report_activity(STATE_IDLE, NULL);
}

void
ga_work_init(void)
{
	worker_owner = ResourceOwnerCreate(NULL, "group_api dispatcher");
	turn_context = AllocSetContextCreate(
		TopMemoryContext, "group_api turn context", ALLOCSET_DEFAULT_SIZES);
	stand_between();
}

static void
abort_work(void)
{
	PopActiveSnapshot();
	AbortCurrentTransaction();
	stand_between();
}

bool
ga_work_begin(const char *activity)
{
	Oid extension;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, activity);
	extension = ga_extension_oid();
	if (OidIsValid(extension) &&
		!ConditionalLockDatabaseObject(ExtensionRelationId, extension, 0,
									   AccessShareLock))
	{
		abort_work();
		locked_out_until =
			TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LOCKED_OUT_MS);
		return false;
	}
	/* Whoever held the lock may have dropped it. */
	if (my_extension == InvalidOid)
		my_extension = extension;
	if (!OidIsValid(extension) || extension != my_extension ||
		ga_extension_oid() != extension || !OidIsValid(ga_owner()))
	{
		abort_work();
		/* One made anew counts its incarnations anew: so must we. */
		ga_seat_leave(OidIsValid(extension) ? GA_SLOT_WANTED : GA_SLOT_FREE, 0);
	}
	/* Results are to outlive the transaction, but not the turn. */
	MemoryContextSwitchTo(turn_context);
	ga_owner_enter(&scope);
	return true;
}

void
ga_work_end(void)
{
	ga_owner_leave(&scope);
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(false);
	stand_between();
}

void
ga_work_fail(void)
{
	MemoryContextSwitchTo(turn_context);
	EmitErrorReport();
	FlushErrorState();
	AbortCurrentTransaction();
	stand_between();
}

void
ga_work_attempt(void (*step)(const void *arg), const void *arg, int lock_ms)
{
	int lock_timeout = LockTimeout;

	LockTimeout = lock_ms;
	PG_TRY();
	{
		step(arg);
		ga_work_end();
	}
	PG_CATCH();
	{
		ga_work_fail();
	}
	PG_END_TRY();
	/* One that is to stop set a time-out of its own. */
	if (!ShutdownRequestPending)
		LockTimeout = lock_timeout;
}

const GaOwnerScope *
ga_work_scope(void)
{
	return &scope;
}

TimestampTz
ga_work_locked_out_until(void)
{
	return locked_out_until;
}

void
ga_work_end_turn(void)
{
	MemoryContextReset(turn_context);
}
