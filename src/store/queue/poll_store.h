/*
 * poll_store.h
 *		Messages whose state the dispatcher asks their provider for, where no
 *		callback can reach the database.
 *
 * All run inside ga_owner_enter()/leave() of the dispatcher.
 */
#ifndef GA_STORE_QUEUE_POLL_STORE_H
#define GA_STORE_QUEUE_POLL_STORE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "store/queue/queue_store.h"
#include "utils/uuid.h"

struct GaOwnerScope;

typedef struct GaPoll
{
	pg_uuid_t group_id;
	int32 number;
	int32 link_version;
	int32 tries; /* this one counted, from 1 */
	int32
		crashes; /* of couriers that asked it, see dispatch/courier/suspects */
	const char *server;
	const char *message_id; /* the provider's */
} GaPoll;

/* Questions about one message: the back-off makes them last about a day. */
#define GA_POLL_TRIES_MAX 30

/* Begins to ask for those of the records that are `polled`. */
extern void ga_polls_add(const GaRecord *records, int count);
/* Takes what is due of these servers (text[]); the next time is set at once. */
extern int ga_polls_take(const struct GaOwnerScope *scope, Datum servers,
						 int limit, GaPoll **polls);
/* The one that ga_polls_take() of one would take; false: there is none. */
extern bool ga_polls_peek(Datum servers, GaRowKey *key);
/* When the next one of these servers is due; 0: never. */
extern TimestampTz ga_polls_next(Datum servers);
/*
 * The courier died while it asked.  At the `limit`th time the question is forgotten:
 * true.  Of one that somebody has locked nothing is noted.
 */
extern bool ga_poll_note_crash(pg_uuid_t group_id, int32 number,
							   const char *message_id, int limit);
/* Locks the invitation and what is asked about it; false when somebody else
 * has one of them, or there is none. */
extern bool ga_poll_lock(pg_uuid_t group_id, int32 number);
/* Unless it is about another message by now; NULL: whichever it is about. */
extern void ga_poll_forget(pg_uuid_t group_id, int32 number,
						   const char *message_id);
/* What nobody asks about any more, its provider being gone; true: there is more. */
extern bool ga_polls_trim(void);

#endif /* GA_STORE_QUEUE_POLL_STORE_H */
