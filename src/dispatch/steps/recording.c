/*
 * recording.c
 *		Writing down what became of messages.
 *
 * Outcomes are gathered (dispatch/records) and written together: for some milliseconds
 * while more messages are under way, and always before more are claimed, so that what
 * is in flight and not yet recorded stays within its bound.
 * While they cannot be written nothing more is claimed; the wait between two tries
 * doubles from RECORD_FIRST_WAIT_MS to RECORD_LAST_WAIT_MS.  Rows that somebody holds
 * locked stay in the list and are tried again soon; a record that fails alone is set
 * aside, and the others go on.
 *
 * Locks: the tables of GA_STEP_RECORD, without waiting (dispatch/work), and the rows
 * themselves, skipping those that others hold.
 *
 * Must never: end the process of an error, since what the courier is just sending
 * would be sent again; count or tell of an outcome before its transaction committed.
 */
#include "postgres.h"

#include "dispatch/courier/jobs.h"
#include "dispatch/courier/own_journal.h"
#include "dispatch/due_rows.h"
#include "dispatch/events/event_telling.h"
#include "dispatch/one_by_one.h"
#include "dispatch/polls.h"
#include "dispatch/reading.h"
#include "dispatch/records.h"
#include "dispatch/screening.h"
#include "dispatch/own_slot.h"
#include "dispatch/steps/incarnation.h"
#include "dispatch/steps/recording.h"
#include "dispatch/steps/set_aside.h"
#include "dispatch/work.h"
#include "store/queue/queue_store.h"
#include "utils/timestamp.h"

/* For so long outcomes are gathered while more messages are under way. */
#define GATHER_MS 5
/* Before outcomes of rows that somebody holds locked are recorded again. */
#define LOCKED_ROWS_MS 100
/* After outcomes that could not be recorded. */
#define RECORD_FIRST_WAIT_MS 1000
#define RECORD_LAST_WAIT_MS 60000

static GaMonotonic records_not_before;
static int record_wait_ms;		   /* > 0: recording fails */
static GaMonotonic gathered_until; /* 0: nothing is gathered */

/*
 * Writes outcomes down; false when that fails.  The process must not end of it:
 * what the courier is just sending would be sent again.
 */
static bool
try_to_record(GaRecord *records, int count, int *kept, int *failed)
{
	volatile bool done = false;

	*failed = 0;
	PG_TRY();
	{
		*kept = ga_work_is_careful(GA_STEP_RECORD)
					? ga_one_by_one_record(records, count,
										   ga_incarnation_number(), failed)
					: ga_queue_record(records, count, ga_incarnation_number());
		ga_work_end();
		done = true;
	}
	PG_CATCH();
	{
		ga_work_fail();
	}
	PG_END_TRY();
	return done;
}

/* Until it works again nothing more is claimed. */
static void
wait_to_record(void)
{
	record_wait_ms = record_wait_ms == 0
						 ? RECORD_FIRST_WAIT_MS
						 : Min(record_wait_ms * 2, RECORD_LAST_WAIT_MS);
	records_not_before = ga_monotonic_in_ms(record_wait_ms);
}

/* What is due at once kept its place; for others a time is waited for. */
static void
note_requeued(const GaRecord *record, TimestampTz now)
{
	GaTagRange tags = {record->start_tag, record->start_tag};

	ga_due_rows_note(record->due);
	if (record->due <= now)
		ga_readings_read_again(record->channel, tags);
}

void
ga_recording_write(GaMonotonic now)
{
	/* Of rows that somebody holds locked: they stand first in the list. */
	static int held = 0;
	int count;
	int kept;
	int failed;
	GaRecord *records;
	int first;

	gathered_until = 0;
	ga_records_bring_back(now);
	records = ga_records_list(&count);
	first = ga_monotonic_now() < records_not_before ? held : 0;
	if (count == first ||
		(record_wait_ms > 0 && ga_monotonic_now() < records_not_before) ||
		!ga_work_begin(GA_STEP_RECORD))
		return;
	if (!try_to_record(records + first, count - first, &kept, &failed))
	{
		held = 0;
		/* What is held up by a lock or an error has a pause of its own. */
		if (ga_work_is_failing(GA_STEP_RECORD))
			wait_to_record();
		return;
	}
	record_wait_ms = 0;
	kept += first;
	held = kept;
	for (int i = kept; i < kept + failed; i++)
		ga_records_set_aside(&records[i]);
	if (failed > 0)
		ga_set_aside_recheck();
	memmove(&records[kept], &records[kept + failed],
			sizeof(GaRecord) * (count - kept - failed));
	count -= failed;
	ga_polls_recheck();
	ga_screening_suppress(records + kept, count - kept);
	pg_atomic_fetch_add_u64(&ga_own_slot->recorded, count - kept);
	/* Only now can a query see them. */
	for (int i = kept; i < count; i++)
	{
		ga_own_journal_release(records[i].job_id);
		if (records[i].due != 0)
			note_requeued(&records[i], GetCurrentTimestamp());
	}
	ga_records_keep(kept);
	/* They are recorded a little later, and hold up no others meanwhile. */
	if (kept > 0 && first == 0)
		records_not_before = ga_monotonic_in_ms(LOCKED_ROWS_MS);
}

void
ga_recording_gather(GaMonotonic now)
{
	int waiting;

	(void) ga_records_list(&waiting);
	if (waiting > 0 && gathered_until == 0)
		gathered_until = ga_monotonic_in_ms(GATHER_MS);
	/* Without a message under way there is nothing more to wait for. */
	if (waiting == 0 || ga_jobs_count() == 0 ||
		gathered_until <= ga_monotonic_now())
		ga_recording_write(now);
}

bool
ga_recording_is_failing(void)
{
	return record_wait_ms > 0;
}

/* Nothing more is claimed while what was sent cannot be recorded. */
bool
ga_recording_is_held_up(void)
{
	int waiting;

	(void) ga_records_list(&waiting);
	return record_wait_ms > 0 ||
		   (waiting > 0 && ga_work_not_before(GA_STEP_RECORD) != 0);
}

/* Something is known here alone: in the courier's hands or not yet recorded. */
bool
ga_recording_is_outstanding(void)
{
	int waiting;

	(void) ga_records_list(&waiting);
	return waiting > 0 || ga_jobs_count() > 0 ||
		   ga_event_telling_is_outstanding();
}

GaMonotonic
ga_recording_next_turn(void)
{
	int waiting;

	(void) ga_records_list(&waiting);
	if (waiting == 0)
		return GA_MONOTONIC_NEVER;
	return Max(Max(records_not_before, gathered_until),
			   ga_work_not_before(GA_STEP_RECORD));
}

void
ga_recording_forget_waits(void)
{
	record_wait_ms = 0;
	records_not_before = 0;
	ga_records_bring_back(GA_MONOTONIC_NEVER);
}

void
ga_recording_retry_soon(void)
{
	if (record_wait_ms > 0)
		records_not_before = 0;
}
