/*
 * dispatcher_state.c
 *		What the dispatcher shows of itself in shared memory, for the view
 *		group_api.dispatcher and for health().
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "dispatch/stats.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

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
	Datum values[20] = {0};
	bool nulls[20] = {false};
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
	values[18] = TimestampTzGetDatum(stats.since);
	nulls[18] = stats.since == 0;
	nulls[19] = stats.command == NULL;
	if (stats.command != NULL)
		values[19] = CStringGetTextDatum(stats.command);
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
