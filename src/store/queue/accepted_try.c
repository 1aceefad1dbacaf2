/*
 * accepted_try.c
 *		The try that was accepted, as it stands with its invitation.
 *
 * It is erased when the history it belongs to is trimmed: a small index tells which
 * are old, so that nobody looks at all invitations for them.
 *
 * Locks: a new row of attempts, of which nobody waits; old rows of invitations,
 * skipping locked ones.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/plan_cache.h"
#include "store/queue/accepted_try.h"
#include "store/queue/invitation_row.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Erased in one go: some milliseconds. */
#define ERASE_ROWS 1000

/* Longer words of a provider would make each later version of the row as long. */
#define DETAIL_MAX 200

bool
ga_accepted_try_fits(const GaRecord *record)
{
	return record->outcome != NULL &&
		   strcmp(record->outcome, "accepted") == 0 && record->attempt == 1 &&
		   record->elapsed_us >= 0 && record->elapsed_us <= PG_INT32_MAX &&
		   (record->detail == NULL || strlen(record->detail) <= DETAIL_MAX);
}

static void
set_text(GaRowWriter *writer, GaInvitationColumn column, const char *text)
{
	if (text != NULL)
		ga_row_writer_set(writer, column, CStringGetTextDatum(text));
}

void
ga_accepted_try_set(GaRowWriter *writer, const GaRecord *record)
{
	ga_row_writer_set(writer, GA_INVITATION_ACCEPTED_AT,
					  TimestampTzGetDatum(record->started_at));
	ga_row_writer_set(writer, GA_INVITATION_ACCEPTED_US,
					  Int32GetDatum((int32) record->elapsed_us));
	if (record->segments > 0)
		ga_row_writer_set(writer, GA_INVITATION_SEGMENTS,
						  Int16GetDatum((int16) record->segments));
	set_text(writer, GA_INVITATION_ACCEPTED_CODE, record->code);
	set_text(writer, GA_INVITATION_ACCEPTED_DETAIL, record->detail);
}

void
ga_accepted_try_move(const GaRowReader *invitation)
{
	static GaPlan plan = {
		.sql =
			"WITH due (group_id, number," GA_ACCEPTED_TRY_COLUMNS
			") AS (SELECT $1, $2, $3, $4, $5, $6, $7, $8)" GA_ACCEPTED_TRY_MOVE,
		.nargs = 8,
		.argtypes = {UUIDOID, INT4OID, TIMESTAMPTZOID, INT4OID, INT2OID,
					 TEXTOID, TEXTOID, TEXTOID},
	};
	static const GaInvitationColumn columns[8] = {
		GA_INVITATION_GROUP_ID,		   GA_INVITATION_NUMBER,
		GA_INVITATION_ACCEPTED_AT,	   GA_INVITATION_ACCEPTED_US,
		GA_INVITATION_SEGMENTS,		   GA_INVITATION_ACCEPTED_CODE,
		GA_INVITATION_ACCEPTED_DETAIL, GA_INVITATION_SERVER};
	Datum values[8];
	char nulls[8];

	for (int i = 0; i < lengthof(columns); i++)
	{
		values[i] = ga_row_reader_value(invitation, columns[i]);
		nulls[i] = ga_row_reader_is_null(invitation, columns[i]) ? 'n' : ' ';
	}
	ga_plan_run(&plan, values, nulls, SPI_OK_INSERT);
}

bool
ga_accepted_try_erase_old(TimestampTz before)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.invitations SET accepted_at = NULL,"
			   "  accepted_us = NULL, segments = NULL, accepted_code = NULL,"
			   "  accepted_detail = NULL WHERE ctid = ANY (ARRAY("
			   " SELECT ctid FROM group_api_private.invitations"
			   "  WHERE accepted_at < $1 ORDER BY accepted_at LIMIT $2"
			   "  FOR NO KEY UPDATE SKIP LOCKED))",
		.nargs = 2,
		.argtypes = {TIMESTAMPTZOID, INT4OID},
	};
	Datum values[2] = {TimestampTzGetDatum(before), Int32GetDatum(ERASE_ROWS)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE) == ERASE_ROWS;
}
