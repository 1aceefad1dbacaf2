/*
 * record_rows.c
 *		Recording without a plan that messages were sent.
 *
 * Most outcomes say that a provider took the message over.  Their rows are written
 * one by one (store/row_access); every other outcome, and rows that somebody holds or
 * has changed, are left to the statement of ga_queue_record().
 *
 * Locks: those of that statement; rows that others hold are skipped.
 */
#include "postgres.h"

#include "access/xact.h"
#include "store/events/event_moves.h"
#include "store/invitation_state.h"
#include "store/queue/accepted_try.h"
#include "store/queue/invitation_row.h"
#include "store/queue/record_rows.h"
#include "store/row_access.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

typedef struct RowRecords
{
	GaRowReader reader;
	GaRowWriter writer;
	int64 incarnation;
	Datum sending;
	Datum sent;
} RowRecords;

static bool
begin(RowRecords *rows, int64 incarnation)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	if (ga_row_reader_open(&rows->reader, "invitations", "invitations_pkey",
						   ga_invitation_columns, 2))
	{
		if (ga_row_writer_open(&rows->writer, rows->reader.table))
		{
			rows->incarnation = incarnation;
			rows->sending =
				ga_row_reader_enum(&rows->reader, GA_INVITATION_DELIVERY,
								   ga_state_delivery_word(GA_DELIVERY_SENDING));
			rows->sent =
				ga_row_reader_enum(&rows->reader, GA_INVITATION_DELIVERY,
								   ga_state_delivery_word(GA_DELIVERY_SENT));
			return true;
		}
		ga_row_reader_close(&rows->reader);
	}
	PopActiveSnapshot();
	return false;
}

static void
end(RowRecords *rows)
{
	ga_row_writer_close(&rows->writer);
	ga_row_reader_close(&rows->reader);
	PopActiveSnapshot();
}

static bool
is_plainly_sent(const GaRecord *record)
{
	return record->delivery == GA_DELIVERY_SENT && record->due == 0 &&
		   record->reason == NULL && !record->give_back && !record->expired &&
		   !record->in_doubt && !record->counts_crashes && !record->set_aside;
}

static bool
is_being_sent(const RowRecords *rows)
{
	const GaRowReader *row = &rows->reader;

	return ga_row_reader_value(row, GA_INVITATION_DELIVERY) == rows->sending &&
		   !ga_row_reader_is_null(row, GA_INVITATION_INCARNATION) &&
		   DatumGetInt64(ga_row_reader_value(row, GA_INVITATION_INCARNATION)) ==
			   rows->incarnation;
}

/* False: it is left to the statement. */
static bool
write_row(RowRecords *rows, GaRecord *record)
{
	GaRowWriter *writer = &rows->writer;
	bool fits = ga_accepted_try_fits(record);

	if (!ga_row_reader_find(&rows->reader, &record->group_id, record->number) ||
		!is_being_sent(rows))
		return false;
	ga_row_writer_copy(writer, rows->reader.slot);
	ga_row_writer_set(writer, GA_INVITATION_DELIVERY, rows->sent);
	ga_row_writer_set_null(writer, GA_INVITATION_DUE);
	ga_row_writer_set_null(writer, GA_INVITATION_REASON);
	if (record->message_id != NULL)
		ga_row_writer_set(writer, GA_INVITATION_MESSAGE_ID,
						  CStringGetTextDatum(record->message_id));
	ga_row_writer_set(
		writer, GA_INVITATION_CHANGED_AT,
		TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
	if (fits)
		ga_accepted_try_set(writer, record);
	if (!ga_row_writer_update(writer, rows->reader.slot))
		return false;
	record->is_with_row = fits;
	return true;
}

static void
write_events(const GaRecord *sent, int count)
{
	GaMovedRow *rows;

	if (count == 0 || !ga_event_moves_are_wanted(GA_MOVE_RECORD))
		return;
	rows = palloc(sizeof(GaMovedRow) * count);
	for (int i = 0; i < count; i++)
		rows[i] = (GaMovedRow){.group_id = sent[i].group_id,
							   .number = sent[i].number,
							   .delivery = GA_DELIVERY_SENT};
	ga_event_write_moves(GA_MOVE_RECORD, rows, count);
}

int
ga_row_records_write(GaRecord *records, int count, int64 incarnation)
{
	RowRecords rows;
	GaRecord *done;
	int done_count = 0;
	int left = 0;

	for (int i = 0; i < count; i++)
		records[i].is_with_row = false;
	if (!begin(&rows, incarnation))
		return count;
	done = palloc(sizeof(GaRecord) * count);
	for (int i = 0; i < count; i++)
		if (is_plainly_sent(&records[i]) && write_row(&rows, &records[i]))
			done[done_count++] = records[i];
		else
			records[left++] = records[i];
	memcpy(&records[left], done, sizeof(GaRecord) * done_count);
	end(&rows);
	write_events(done, done_count);
	return left;
}
