/*
 * recovery.c
 *		Records what the dispatcher before this one did not live to record.
 *
 * Rows in the state sending that an earlier dispatcher left may have been sent, so they
 * are sent again (dispatch/orphans).  Of some it is known: their provider took them over,
 * and the courier noted it in the journal (base/shared/journal), where it survives the
 * dispatcher and the server, though not the machine.  These are recorded as sent.
 *
 * The courier of a dispatcher that died still ends what is under way.  That is waited
 * for, for GA_JOURNAL_LINGER_MS at the most; it takes no longer than the gateways do.
 *
 * It is the first step of a dispatcher, as its own messages need the journal's slots.
 * A row that somebody holds locked, or that alone cannot be recorded, is not tried again:
 * it goes the way of all others that were left behind.  So does all of it where two
 * dispatchers have died while they read.  While nothing can be recorded, as on a full
 * disk, it is tried again and again, and nothing is sent: else all of it would be sent
 * twice.
 *
 * Locks: the tables of GA_STEP_RECORD, without waiting (dispatch/work), and the rows,
 * skipping those that others hold.
 */
#include "postgres.h"

#include "dispatch/courier/jobs.h"
#include "dispatch/courier/own_journal.h"
#include "dispatch/one_by_one.h"
#include "dispatch/ownership.h"
#include "dispatch/provider/counters.h"
#include "dispatch/provider/providers.h"
#include "dispatch/steps/recovery.h"
#include "dispatch/work.h"
#include "store/queue/queue_store.h"
#include "utils/timestamp.h"

/* Between two looks whether the last courier has ended. */
#define LOOK_MS 20

static bool is_done;
static GaMonotonic wait_until; /* at the longest; 0: nobody asked yet */

/* What the courier said is its word: it is believed for a bounded time. */
static bool
is_courier_busy(GaMonotonic now)
{
	if (wait_until == 0)
		wait_until = now + GA_JOURNAL_LINGER_MS * 1000;
	return now < wait_until && now < ga_journal_busy_until(ga_own_journal());
}

bool
ga_recovery_is_due(void)
{
	return !is_done && ga_own_journal() != NULL;
}

GaMonotonic
ga_recovery_next_turn(void)
{
	GaMonotonic next = ga_work_not_before(GA_STEP_RECORD);
	GaMonotonic now = ga_monotonic_now();

	return is_courier_busy(now) ? Max(next, now + LOOK_MS * 1000) : next;
}

/* False: it says nothing of a provider of ours. */
static bool
read_slot(int at, TimestampTz now, GaRecord *record)
{
	char *answer = palloc(GA_JOURNAL_ANSWER_MAX);
	GaJournalMessage message;
	GaOutcomeFrame outcome;
	GaJob job = {0};
	uint32 length;
	bool must_pause;

	if (!ga_journal_read(ga_own_journal(), at, &message, answer, &length) ||
		!ga_wire_get_outcome((GaSlice){answer, length}, &outcome) ||
		outcome.outcome != GA_OUTCOME_ACCEPTED)
		return false;
	job.provider = ga_provider_named(message.server);
	if (job.provider == NULL)
		return false;
	job.id = message.job_id;
	memcpy(job.group_id.data, message.group_id, sizeof(job.group_id.data));
	job.number = message.number;
	job.attempt = message.attempt;
	job.segments = message.segments;
	job.handed_at =
		IS_VALID_TIMESTAMP(message.handed_at) ? message.handed_at : now;
	ga_job_judge(&job, &outcome, now, record, &must_pause);
	return true;
}

/*
 * Moves what was recorded to the front, and tells how many that are.  The last
 * dispatcher may have died between the commit of an outcome and the end of its slot:
 * that has its line in the history already.
 */
static int
record_of(int64 incarnation, GaRecord *records, int count)
{
	int failed = 0;
	int kept;

	count = ga_queue_find_sending(records, count, incarnation);
	if (count == 0)
		return 0;
	kept = ga_work_is_careful(GA_STEP_RECORD)
			   ? ga_one_by_one_record(records, count, incarnation, &failed)
			   : ga_queue_record(records, count, incarnation);
	count -= kept + failed;
	memmove(records, records + kept + failed, sizeof(GaRecord) * count);
	return count;
}

/* The same for all.  There may be some of several dispatchers that died. */
static int
record_all(GaRecord *records, int count)
{
	GaRecord *done = palloc(sizeof(GaRecord) * Max(count, 1));
	int recorded = 0;

	while (count > 0)
	{
		int64 incarnation = ga_own_journal_incarnation(records[0].job_id);
		int others = 0;
		GaRecord *same = done + recorded;
		int same_count = 0;

		for (int i = 0; i < count; i++)
			if (ga_own_journal_incarnation(records[i].job_id) == incarnation)
				same[same_count++] = records[i];
			else
				records[others++] = records[i];
		recorded += record_of(incarnation, same, same_count);
		count = others;
	}
	memcpy(records, done, sizeof(GaRecord) * recorded);
	return recorded;
}

/* Once it is committed. */
static void
count_recorded(const GaRecord *records, int count, TimestampTz now)
{
	for (int i = 0; i < count; i++)
	{
		const GaProvider *provider = ga_provider_named(records[i].server);
		GaOutcomeFrame outcome = {.outcome = GA_OUTCOME_ACCEPTED,
								  .retry_after_ms = -1,
								  .elapsed_us = records[i].elapsed_us};

		if (provider != NULL)
			ga_counters_note_outcome(provider->counters, &outcome, GA_FATE_SENT,
									 false, NULL, now);
	}
}

/* Records what is in the journal, and tells how many messages that are. */
static int
read_journal(GaRecord *records)
{
	int count = 0;
	int recorded;

	for (int i = 0; ga_ownership_is_ours() && i < GA_JOURNAL_SLOTS; i++)
		if (read_slot(i, GetCurrentTimestamp(), &records[count]))
			count++;
	recorded = record_all(records, count);
	ga_work_end();
	return recorded;
}

void
ga_recovery_run(GaMonotonic now)
{
	GaRecord *records;
	volatile int recorded = 0;

	if (!ga_recovery_is_due() || is_courier_busy(now))
		return;
	is_done = ga_journal_is_empty(ga_own_journal());
	if (is_done || !ga_work_begin(GA_STEP_RECORD))
		return;
	records = MemoryContextAlloc(ga_work_scope()->caller_context,
								 sizeof(GaRecord) * GA_JOURNAL_SLOTS);
	if (!ga_journal_begin(ga_own_journal()))
		ga_own_journal_clear();
	PG_TRY();
	{
		recorded = read_journal(records);
	}
	PG_CATCH();
	{
		/* Whoever lives to see the error did not die of what is there. */
		ga_journal_put_off(ga_own_journal());
		PG_RE_THROW();
	}
	PG_END_TRY();
	ga_own_journal_clear();
	is_done = true;
	count_recorded(records, recorded, GetCurrentTimestamp());
	if (recorded > 0)
		ereport(LOG, (errmsg("group_api recorded %d messages that had been "
							 "sent before the server or its dispatcher ended",
							 recorded)));
}
