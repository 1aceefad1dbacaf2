/*
 * set_aside_store.h
 *		Rows at which a step of the dispatcher failed: the step goes on without them.
 *
 * A step that failed as a whole does its rows one by one, each in a
 * subtransaction of its own; the one that fails is written down here with its
 * reason, and the step's statements leave it out until its time has come.
 */
#ifndef GA_STORE_QUEUE_SET_ASIDE_STORE_H
#define GA_STORE_QUEUE_SET_ASIDE_STORE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "store/row.h"

/* A condition on a row of invitations or polls, named `row`: leave it out. */
#define GA_IS_SET_ASIDE(row, step) GA_IS_SET_ASIDE_BY(row, "number", step)
/* The same of a row of a table that names the member in another column. */
#define GA_IS_SET_ASIDE_BY(row, column, step)                                  \
	" EXISTS (SELECT FROM group_api_private.set_aside s"                       \
	" WHERE s.group_id = " row ".group_id AND s.number = " row "." column      \
	" AND s.step = '" step "' AND s.until > now())"

/* The same where a whole group may be, as the number 0. */
#define GA_IS_SET_ASIDE_WITH_GROUP(row, step)                                  \
	" EXISTS (SELECT FROM group_api_private.set_aside s"                       \
	" WHERE s.group_id = " row ".group_id AND s.number IN (0, " row ".number)" \
	" AND s.step = '" step "' AND s.until > now())"

struct GaOwnerScope;

/*
 * Runs a part of a transaction in a subtransaction.  Where it fails it is rolled
 * back; then false, and *error is why (palloc'ed), NULL when it met a lock.  An
 * error that ends the query of a server that stops is passed on.
 */
extern bool ga_set_aside_try(void (*part)(void *arg), void *arg,
							 const char **error);
/* Whether the error that it caught last is about what is on the disk. */
extern bool ga_set_aside_met_storage_error(void);
/* Whether an error is: XX001, XX002, 58030. */
extern bool ga_set_aside_is_storage_error(int sqlstate);

/*
 * Leaves a row out of a step for 5 seconds, and after each further failure four
 * times as long, up to an hour; out of trimming, which is done once an hour, for
 * that hour.
 */
extern void ga_set_aside_put(const char *step, GaRowKey key,
							 const char *reason);
/* The same without a line in the log. */
extern void ga_set_aside_put_silently(const char *step, GaRowKey key,
									  const char *reason);
/*
 * Notes that a message is not sent again before retry_failed(), the row having been
 * recorded as failed; without it there is nothing to note.
 */
extern void ga_set_aside_send(GaRowKey key, const char *reason);
/* The row got through. */
extern void ga_set_aside_remove(const char *step, GaRowKey key);
/* When the next one is tried again; 0: there is none. */
extern TimestampTz ga_set_aside_next(void);
/* Forgets what was tried again long ago. */
extern void ga_set_aside_trim(void);
/*
 * The operator's: all are tried again at once, of what is not sent those that wait
 * again.  Returns how many.
 */
extern uint64 ga_set_aside_end_all(void);

#endif /* GA_STORE_QUEUE_SET_ASIDE_STORE_H */
