/*
 * accepted_try.h
 *		The try that was accepted, as it stands with its invitation.
 *
 * Of most messages there is only this one, so it costs no row of its own in the table
 * attempts.  When the message is claimed once more (a reminder, a new link) it moves
 * there.  The view attempts shows both.
 */
#ifndef GA_STORE_QUEUE_ACCEPTED_TRY_H
#define GA_STORE_QUEUE_ACCEPTED_TRY_H

#include "postgres.h"

#include "store/queue/queue_store.h"
#include "store/row_access.h"

/* Whether an outcome may stand with its invitation. */
extern bool ga_accepted_try_fits(const GaRecord *record);
extern void ga_accepted_try_set(GaRowWriter *writer, const GaRecord *record);

/* Into the history: the row as it was read, before it is claimed. */
extern void ga_accepted_try_move(const GaRowReader *invitation);

/*
 * The same for a statement: of the rows of "due", which has these columns, what is
 * accepted moves into the history.
 */
#define GA_ACCEPTED_TRY_COLUMNS                                                \
	" accepted_at, accepted_us, segments, accepted_code, accepted_detail,"     \
	" server"
#define GA_ACCEPTED_TRY_MOVE                                                   \
	" INSERT INTO group_api_private.attempts (group_id, member, attempt,"      \
	"  segments, outcome, server, started_at, elapsed, code, detail)"          \
	" SELECT group_id, number, 1, segments, 'accepted' AS outcome, server,"    \
	"  accepted_at, make_interval(secs => accepted_us / 1000000.0::float8), "  \
	"accepted_code,"                                                           \
	"  accepted_detail"                                                        \
	" FROM due WHERE accepted_at IS NOT NULL"

/* Erases some that began earlier; true: there are more. */
extern bool ga_accepted_try_erase_old(TimestampTz before);

#endif /* GA_STORE_QUEUE_ACCEPTED_TRY_H */
