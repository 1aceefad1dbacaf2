/*
 * statistics.c
 *		What shared memory counts of the providers, as rows.
 *
 * Nothing is locked but for a copy of the counters (dispatch/provider/counters), so
 * whoever asks holds up nobody.
 */
#include "postgres.h"

#include "base/extension.h"
#include "dispatch/progress.h"
#include "dispatch/provider/counters.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#define FIGURES_COLUMNS 20

/* A row under construction. */
typedef struct Row
{
	Datum values[FIGURES_COLUMNS];
	bool nulls[FIGURES_COLUMNS];
	int count;
} Row;

static void
put(Row *row, Datum value, bool is_null)
{
	row->values[row->count] = value;
	row->nulls[row->count++] = is_null;
}

/* 0: none. */
static void
put_date(Row *row, TimestampTz date)
{
	put(row, TimestampTzGetDatum(date), date == 0);
}

static void
put_interval(Row *row, int64 us, bool is_null)
{
	Interval *interval = palloc0(sizeof(Interval));

	interval->time = us;
	put(row, IntervalPGetDatum(interval), is_null);
}

static Datum
name_of(const char *server)
{
	return DirectFunctionCall1(namein, CStringGetDatum(server));
}

static void
put_row(ReturnSetInfo *result, Row *row)
{
	tuplestore_putvalues(result->setResult, result->setDesc, row->values,
						 row->nulls);
}

static void
fill_figures(const GaProviderFigures *figures, Row *row)
{
	put(row, name_of(figures->server), false);
	put_date(row, figures->since);
	for (int i = 0; i < GA_OUTCOME_KINDS; i++)
		put(row, Int64GetDatum((int64) figures->outcomes[i]), false);
	put_date(row, figures->accepted_at);
	put_date(row, figures->failing_since);
	put(row, Int32GetDatum(figures->failures), false);
	put(row, Int32GetDatum(figures->in_flight), false);
	put(row, Int32GetDatum(figures->window), false);
	put_interval(row, figures->rest_us, figures->rest_us == 0);
	put_interval(row, figures->silent_us, figures->silent_us == 0);
	put(row, Float8GetDatum(figures->rate), false);
	for (int i = 0; i < lengthof(figures->latency_us); i++)
		put_interval(row, figures->latency_us[i], figures->latency_us[i] < 0);
	put_date(row, figures->error_at);
	put(row, CStringGetTextDatum(figures->error), figures->error_at == 0);
}

PG_FUNCTION_INFO_V1(group_api_provider_figures);

Datum
group_api_provider_figures(PG_FUNCTION_ARGS)
{
	GaProviderFigures *figures;
	int count;

	InitMaterializedSRF(fcinfo, 0);
	count = ga_counters_read(&figures);
	for (int i = 0; i < count; i++)
	{
		Row row = {.count = 0};

		fill_figures(&figures[i], &row);
		Assert(row.count == FIGURES_COLUMNS);
		put_row((ReturnSetInfo *) fcinfo->resultinfo, &row);
	}
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(group_api_provider_history);

Datum
group_api_provider_history(PG_FUNCTION_ARGS)
{
	GaQuarterFigures *quarters;
	int count;

	InitMaterializedSRF(fcinfo, 0);
	count = ga_counters_read_history(&quarters);
	for (int i = 0; i < count; i++)
	{
		const GaQuarterFigures *quarter = &quarters[i];
		Row row = {.count = 0};

		put(&row, name_of(quarter->server), false);
		put_date(&row, quarter->at);
		put(&row, Int64GetDatum(quarter->sent), false);
		put(&row, Int64GetDatum(quarter->failed), false);
		put(&row, Int64GetDatum(quarter->uncertain), false);
		put(&row, Int64GetDatum(quarter->put_off), false);
		put_row((ReturnSetInfo *) fcinfo->resultinfo, &row);
	}
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(group_api_progress);

Datum
group_api_progress(PG_FUNCTION_ARGS)
{
	GaProgress places[GA_PROGRESS_PLACES];
	int count;

	InitMaterializedSRF(fcinfo, 0);
	count = ga_progress_read(places);
	for (int i = 0; i < count; i++)
	{
		Row row = {.count = 0};

		put(&row, Int32GetDatum(places[i].pid), false);
		put(&row, CStringGetTextDatum(places[i].action), false);
		put_date(&row, places[i].started_at);
		put(&row, Int64GetDatum(places[i].done), false);
		put(&row, Int64GetDatum(places[i].total), places[i].total < 0);
		put_row((ReturnSetInfo *) fcinfo->resultinfo, &row);
	}
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(group_api_report_progress);

Datum
group_api_report_progress(PG_FUNCTION_ARGS)
{
	ga_progress_report(PG_ARGISNULL(0) ? NULL
									   : text_to_cstring(PG_GETARG_TEXT_PP(0)),
					   PG_ARGISNULL(1) ? 0 : PG_GETARG_INT64(1),
					   PG_ARGISNULL(2) ? -1 : PG_GETARG_INT64(2));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(group_api_library_version);

Datum
group_api_library_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(GA_VERSION));
}

/*
 * The first that a script says. The server keeps the library that it was started with, in
 * which what a newer script wants is missing.
 */
PG_FUNCTION_INFO_V1(group_api_check_library);

Datum
group_api_check_library(PG_FUNCTION_ARGS)
{
	char *version = ga_extension_version();

	if (version != NULL && ga_extension_is_newer(version))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the library of group_api that the server loaded is of "
						"version %s, older than version %s of the extension",
						GA_VERSION, version),
				 errhint("Restart the server, then repeat this command.")));
	PG_RETURN_VOID();
}
