/*
 * operators.c
 *		What operators call, and small functions of the schema.
 *
 * EXECUTE is the right to call them; group_api.grant_access() hands it out.
 */
#include "postgres.h"

#include "api/arguments.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/shared/monotonic.h"
#include "base/shared/sms_text.h"
#include "catalog/pg_type.h"
#include "dispatch/stats.h"
#include "dispatch/wake.h"
#include "funcapi.h"
#include "request/contact/contact.h"
#include "storage/ipc.h"
#include "store/invitation_store.h"
#include "store/plan_cache.h"
#include "store/provider_store.h"
#include "store/queue/set_aside_store.h"
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

PG_FUNCTION_INFO_V1(group_api_sms_segments);

Datum
group_api_sms_segments(PG_FUNCTION_ARGS)
{
	text *message = PG_GETARG_TEXT_PP(0);
	GaSmsCount count = {0};

	if (!ga_sms_count(VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message), &count))
		ereport(ERROR, (errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
						errmsg("the text is not valid UTF-8")));
	PG_RETURN_INT32((int32) count.segments);
}

PG_FUNCTION_INFO_V1(group_api_retry_failed);

Datum
group_api_retry_failed(PG_FUNCTION_ARGS)
{
	const pg_uuid_t *group = PG_ARGISNULL(0) ? NULL : PG_GETARG_UUID_P(0);
	GaChannel channel = ga_argument_channel(fcinfo, 1);
	GaOwnerScope scope;
	uint64 count;
	uint64 aside;

	ga_owner_enter(&scope);
	count = ga_invitations_retry_failed(group, channel);
	aside = ga_set_aside_end_all();
	ga_owner_leave(&scope);
	if (aside > 0)
		ga_wake_at_commit(DT_NOBEGIN);
	else if (count > 0)
		ga_wake_at_commit(GetCurrentTransactionStartTimestamp());
	PG_RETURN_INT64((int64) count);
}

static void
require_provider(const char *server)
{
	if (!ga_provider_exists(server))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("provider \"%s\" does not exist", server),
				 errhint("SELECT * FROM group_api.providers; lists them.")));
}

PG_FUNCTION_INFO_V1(group_api_pause);

Datum
group_api_pause(PG_FUNCTION_ARGS)
{
	GaOwnerScope scope;
	const char *server;
	const char *reason;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the provider must not be null"),
						errhint("SELECT * FROM group_api.providers; lists "
								"them.")));
	server = NameStr(*PG_GETARG_NAME(0));
	reason = PG_ARGISNULL(1) ? "paused by an operator"
							 : text_to_cstring(PG_GETARG_TEXT_PP(1));
	ga_owner_enter(&scope);
	require_provider(server);
	ga_provider_pause(server, false, NULL, 0, reason);
	ga_owner_leave(&scope);
	ga_wake_reload_at_commit();
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(group_api_resume);

Datum
group_api_resume(PG_FUNCTION_ARGS)
{
	GaOwnerScope scope;
	bool was_paused;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the provider must not be null"),
						errhint("SELECT * FROM group_api.providers; lists "
								"them.")));
	ga_owner_enter(&scope);
	require_provider(NameStr(*PG_GETARG_NAME(0)));
	was_paused = ga_provider_resume(NameStr(*PG_GETARG_NAME(0)));
	ga_owner_leave(&scope);
	ga_wake_reload_at_commit();
	PG_RETURN_BOOL(was_paused);
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

PG_FUNCTION_INFO_V1(group_api_wait_until_idle);

Datum
group_api_wait_until_idle(PG_FUNCTION_ARGS)
{
	Interval *timeout;
	GaMonotonic end;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the timeout must not be null")));
	timeout = PG_GETARG_INTERVAL_P(0);
	end = ga_monotonic_now() + timeout->time +
		  (int64) timeout->day * USECS_PER_DAY +
		  (int64) timeout->month * DAYS_PER_MONTH * USECS_PER_DAY;
	while (is_busy())
	{
		CHECK_FOR_INTERRUPTS();
		if (ga_monotonic_now() >= end)
			PG_RETURN_BOOL(false);
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 IDLE_POLL_MS, ga_wait_event("GroupApiWaitUntilIdle"));
		ResetLatch(MyLatch);
	}
	PG_RETURN_BOOL(true);
}

static Datum
interval_of(int64 us)
{
	Interval *interval = palloc0(sizeof(Interval));

	interval->time = us;
	return IntervalPGetDatum(interval);
}

PG_FUNCTION_INFO_V1(group_api_dispatcher_state);

Datum
group_api_dispatcher_state(PG_FUNCTION_ARGS)
{
	TupleDesc descriptor;
	Datum values[18] = {0};
	bool nulls[18] = {false};
	GaDispatcherStats stats;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("the caller accepts no record")));
	ga_stats_of_dispatcher(MyDatabaseId, &stats);
	values[0] = Int32GetDatum(stats.pid);
	nulls[0] = stats.pid == 0;
	values[1] = CStringGetTextDatum(stats.state);
	nulls[2] = stats.reason == NULL;
	if (stats.reason != NULL)
		values[2] = CStringGetTextDatum(stats.reason);
	values[3] = Int32GetDatum(stats.courier_pid);
	nulls[3] = stats.courier_pid == 0;
	values[4] = TimestampTzGetDatum(stats.started_at);
	nulls[4] = stats.started_at == 0;
	values[5] = Int64GetDatum((int64) stats.turns);
	values[6] = Int64GetDatum((int64) stats.claimed);
	values[7] = Int64GetDatum((int64) stats.recorded);
	nulls[8] = stats.hint == NULL;
	if (stats.hint != NULL)
		values[8] = CStringGetTextDatum(stats.hint);
	nulls[9] = nulls[11] = stats.held_up_while == NULL;
	if (stats.held_up_while != NULL)
		values[9] = CStringGetTextDatum(stats.held_up_while);
	values[10] = ObjectIdGetDatum(stats.held_up_table);
	nulls[10] = !OidIsValid(stats.held_up_table);
	values[11] = TimestampTzGetDatum(stats.held_up_since);
	nulls[12] = nulls[13] = nulls[14] = stats.failing_while == NULL;
	if (stats.failing_while != NULL)
	{
		values[12] = CStringGetTextDatum(stats.failing_while);
		values[13] = CStringGetTextDatum(stats.failing_reason);
	}
	values[14] = TimestampTzGetDatum(stats.failing_since);
	values[15] = interval_of(stats.overdue_us);
	nulls[15] = stats.overdue_us == 0;
	values[16] = interval_of(stats.courier_silent_us);
	nulls[16] = stats.courier_silent_us == 0;
	values[17] = TimestampTzGetDatum(stats.courier_replaced_at);
	nulls[17] = stats.courier_replaced_at == 0;
	PG_RETURN_DATUM(HeapTupleGetDatum(
		heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}

PG_FUNCTION_INFO_V1(group_api_allowed_connections);

Datum
group_api_allowed_connections(PG_FUNCTION_ARGS)
{
	int count = ga_stats_connections(MyDatabaseId, NameStr(*PG_GETARG_NAME(0)));

	if (count == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(count);
}

PG_FUNCTION_INFO_V1(group_api_phone_tables);

Datum
group_api_phone_tables(PG_FUNCTION_ARGS)
{
	TupleDesc descriptor;
	GaPhoneTables tables;
	Datum values[3];
	bool nulls[3] = {false};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("the caller accepts no record")));
	ga_contact_phone_tables(&tables);
	values[0] =
		CStringGetTextDatum(psprintf("%04d-%02d", tables.year, tables.month));
	values[1] = Int32GetDatum(tables.age);
	values[2] = BoolGetDatum(tables.is_old);
	PG_RETURN_DATUM(HeapTupleGetDatum(
		heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
