/*
 * queue_control.c
 *		What operators do with the queue as a whole: start its dispatcher, try failed
 *		invitations again, wait until there is nothing to do.
 */
#include "postgres.h"

#include "api/arguments.h"
#include "base/compat.h"
#include "base/shared/monotonic.h"
#include "dispatch/progress.h"
#include "dispatch/wake.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "store/invitation_store.h"
#include "store/plan_cache.h"
#include "store/queue/set_aside_store.h"
#include "store/retry_store.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* How often wait_until_idle() looks. */
#define IDLE_POLL_MS 10

PG_FUNCTION_INFO_V1(group_api_start);

Datum
group_api_start(PG_FUNCTION_ARGS)
{
	ga_wake_at_commit(DT_NOBEGIN);
	ga_wake_reload_at_commit();
	PG_RETURN_VOID();
}

static void
read_choice(FunctionCallInfo fcinfo, GaRetryChoice *choice)
{
	choice->group_id = PG_ARGISNULL(0) ? NULL : PG_GETARG_UUID_P(0);
	choice->channel = ga_argument_channel(fcinfo, 1);
	choice->server = PG_ARGISNULL(2) ? NULL : NameStr(*PG_GETARG_NAME(2));
	choice->reason =
		PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	choice->max_age = PG_ARGISNULL(4) ? NULL : PG_GETARG_INTERVAL_P(4);
	choice->max_rows = PG_ARGISNULL(5) ? 0 : PG_GETARG_INT32(5);
	/* in_batches() retries nothing twice that fails again meanwhile. */
	choice->before = ga_progress_began("retry_failed");
	if (!PG_ARGISNULL(5) && choice->max_rows < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("max_rows must be 1 or more"),
						errhint("Leave it out for all of them.")));
}

PG_FUNCTION_INFO_V1(group_api_retry_failed);

Datum
group_api_retry_failed(PG_FUNCTION_ARGS)
{
	GaRetryChoice choice;
	GaOwnerScope scope;
	uint64 count;
	uint64 aside;

	read_choice(fcinfo, &choice);
	ga_owner_enter(&scope);
	count = ga_retry_failed(&choice);
	aside = ga_set_aside_end_all();
	ga_owner_leave(&scope);
	if (aside > 0)
		ga_wake_at_commit(DT_NOBEGIN);
	else if (count > 0)
		ga_wake_at_commit(GetCurrentTransactionStartTimestamp());
	PG_RETURN_INT64((int64) count);
}

PG_FUNCTION_INFO_V1(group_api_retry_set_aside);

Datum
group_api_retry_set_aside(PG_FUNCTION_ARGS)
{
	GaOwnerScope scope;
	uint64 aside;

	ga_owner_enter(&scope);
	aside = ga_set_aside_end_all();
	ga_owner_leave(&scope);
	/* Steps that failed as a whole, and outcomes that could not be recorded. */
	ga_wake_reload_at_commit();
	ga_wake_at_commit(DT_NOBEGIN);
	PG_RETURN_INT64((int64) aside);
}

static bool
is_busy(void)
{
	GaOwnerScope scope;
	bool busy;

	PushActiveSnapshot(GetLatestSnapshot());
	ga_owner_enter(&scope);
	busy = ga_invitations_are_busy();
	ga_owner_leave(&scope);
	PopActiveSnapshot();
	return busy;
}

static void
say_what_is_waited_for(void)
{
	GaOwnerScope scope;
	char *waiting;

	PushActiveSnapshot(GetLatestSnapshot());
	ga_owner_enter(&scope);
	waiting = ga_invitations_busy_words(&scope);
	ga_owner_leave(&scope);
	PopActiveSnapshot();
	if (waiting != NULL)
		ereport(NOTICE,
				(errmsg("the time is over and not all invitations are sent"),
				 errdetail("%s.", waiting),
				 errhint("SELECT * FROM group_api.health() WHERE NOT ok; says "
						 "what is in the way.")));
}

/* An interval may be longer than the clock goes, from PostgreSQL 17 on infinite. */
static GaMonotonic
end_of(const Interval *timeout)
{
	double us = (double) timeout->time + (double) timeout->day * USECS_PER_DAY +
				(double) timeout->month * DAYS_PER_MONTH * USECS_PER_DAY;

	if (us >= (double) (GA_MONOTONIC_NEVER / 2))
		return GA_MONOTONIC_NEVER;
	return ga_monotonic_now() + (int64) Max(us, 0);
}

PG_FUNCTION_INFO_V1(group_api_wait_until_idle);

Datum
group_api_wait_until_idle(PG_FUNCTION_ARGS)
{
	GaMonotonic end;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the timeout must not be null")));
	end = end_of(PG_GETARG_INTERVAL_P(0));
	while (is_busy())
	{
		CHECK_FOR_INTERRUPTS();
		if (ga_monotonic_now() >= end)
		{
			say_what_is_waited_for();
			PG_RETURN_BOOL(false);
		}
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 IDLE_POLL_MS, ga_wait_event("GroupApiWaitUntilIdle"));
		ResetLatch(MyLatch);
	}
	PG_RETURN_BOOL(true);
}
