/*
 * outcomes.c
 *		What the courier says became of a message: a record to be written, and what
 *		it teaches of the provider.
 *
 * Called for each outcome that the courier sent; no transaction is open.  The record
 * waits for the next step that writes (dispatch/steps/recording).
 *
 * Locks: none.
 *
 * Must never: run a query, or drop the outcome of a message whose bytes may have left.
 */
#include "postgres.h"

#include "dispatch/courier/jobs.h"
#include "dispatch/courier/outcomes.h"
#include "dispatch/events/event_telling.h"
#include "dispatch/polls.h"
#include "dispatch/provider/connections.h"
#include "dispatch/provider/counters.h"
#include "dispatch/provider/pauses.h"
#include "dispatch/provider/providers.h"
#include "dispatch/records.h"
#include "utils/memutils.h"

/* What an outcome says of the provider. */
static void
note_in_provider(const GaJob *job, const GaOutcomeFrame *outcome)
{
	GaMonotonic now = ga_monotonic_now();
	GaProvider *provider = job->provider;
	GaMonotonic rested_until = provider->rest_until;

	if (job->picked)
		ga_connections_learn(provider, GA_OUTCOME_CONNECTIONS(outcome->flags));
	ga_provider_finished(provider, outcome, now);
	ga_provider_tell_load(provider);
	if (outcome->retry_after_ms > 0)
		ga_pauses_hear_rest(provider, rested_until, now,
							ga_job_hide_recipient(job, ga_job_reason(outcome)));
}

static GaFate
fate_of(const GaRecord *record)
{
	switch (record->delivery)
	{
		case GA_DELIVERY_SENT:
			return GA_FATE_SENT;
		case GA_DELIVERY_UNCERTAIN:
			return GA_FATE_UNCERTAIN;
		case GA_DELIVERY_QUEUED:
			return GA_FATE_PUT_OFF;
		default:
			return GA_FATE_FAILED;
	}
}

/* What was not even tried counts for nothing. */
static void
count(const GaJob *job, const GaOutcomeFrame *outcome, const GaRecord *record,
	  TimestampTz now)
{
	bool blames_provider = (outcome->flags & GA_OUTCOME_PROVIDER_FAULT) ||
						   outcome->outcome == GA_OUTCOME_UNCERTAIN ||
						   outcome->outcome == GA_OUTCOME_MISCONFIGURED;

	if (!job->picked || (outcome->flags & GA_OUTCOME_NO_TRY))
		return;
	ga_counters_note_outcome(job->provider->counters, outcome, fate_of(record),
							 blames_provider,
							 ga_job_hide_recipient(job, record->reason), now);
}

void
ga_outcomes_take(const GaOutcomeFrame *outcome, TimestampTz now)
{
	GaJob *job = ga_job_find(outcome->job_id);
	MemoryContext old;
	GaRecord *record;
	bool must_pause;

	if (job == NULL)
		return;
	if (job->is_poll)
	{
		ga_polls_note_answer(job, outcome);
		note_in_provider(job, outcome);
		ga_job_remove(job);
		return;
	}
	if (job->is_event)
	{
		ga_event_telling_hear(job, outcome, now);
		note_in_provider(job, outcome);
		ga_job_remove(job);
		return;
	}
	old = MemoryContextSwitchTo(ga_records_context());
	record = ga_records_add();
	ga_job_judge(job, outcome, now, record, &must_pause);
	MemoryContextSwitchTo(old);
	/* Not even tried: no part of the history. */
	if (!job->picked)
		record->outcome = NULL;
	note_in_provider(job, outcome);
	count(job, outcome, record, now);
	if (record->due != 0 && outcome->outcome == GA_OUTCOME_RETRY &&
		ga_provider_gives_way(job->provider, ga_monotonic_now()))
		record->due = now;
	/* What the settings of then did says nothing of today's. */
	if (must_pause && job->fingerprint == job->provider->fingerprint)
		ga_pauses_begin(job->provider,
						ga_job_hide_recipient(job, record->reason));
	ga_job_remove(job);
}
