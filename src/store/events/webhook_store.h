/*
 * webhook_store.h
 *		Events that webhooks are to be told: for the dispatcher, which waits for nobody.
 *
 * All run inside store/owner's bracket.
 */
#ifndef GA_STORE_EVENTS_WEBHOOK_STORE_H
#define GA_STORE_EVENTS_WEBHOOK_STORE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "store/owner.h"
#include "utils/uuid.h"

typedef struct GaDueEvent
{
	int64 id;
	pg_uuid_t uid;
	pg_uuid_t group_id; /* zero: it is about no group */
	int32 tries;
	int32 crashes; /* of couriers that told it */
	char *document;
} GaDueEvent;

/* What became of a try. */
typedef struct GaToldEvent
{
	int64 id;
	bool is_told;
	/* else: when to try again, DT_NOEND: never; DT_NOBEGIN: at once */
	TimestampTz due;
	bool is_try; /* it counts */
	int32 crashes;
	const char *reason;
} GaToldEvent;

/* What is read of the events that are due to a webhook. */
typedef struct GaEventRead
{
	bool contacts;
	Datum known;	 /* int8[]: without these */
	Datum full;		 /* uuid[]: nor those of these groups */
	int limit;		 /* so many are looked at */
	int group_limit; /* and of them so many of a group are taken, the first ones */
} GaEventRead;

/* Those of a group in their order; `*seen`: how many were looked at. */
extern int ga_webhook_read(const GaOwnerScope *scope, const char *server,
						   const GaEventRead *read, GaDueEvent **events,
						   int *seen);
/* When the next one that waits for a time is due; 0: none. */
extern TimestampTz ga_webhook_next_due(const char *server);

/* Groups whose events wait for a time, and until when: arrays of `*count`. */
extern int ga_webhook_read_waiting(const GaOwnerScope *scope,
								   const char *server, pg_uuid_t **groups,
								   TimestampTz **until);

/*
 * Three days after its first try an event is a dead letter, which is told in `due`.  How
 * long it has been tried is asked of its row: it may have been resumed since it was read.
 */
extern void ga_webhook_record(const char *server, GaToldEvent *events,
							  int count);
/* The time in which what waits is tried is counted anew. */
extern void ga_webhook_count_anew(const char *server);
/* Events of int8[] wait until then, since one of their group before them does. */
extern void ga_webhook_put_off(const char *server, Datum ids, TimestampTz due);

/* Whether a server of this name is a webhook. */
extern bool ga_webhook_exists(const char *server);
/* What waits for a webhook waits for it under its new name. */
extern void ga_webhook_rename(const char *from, const char *to);

/* Whoever gets the name of a listener that is gone hears none of its contacts. */
extern void ga_webhooks_forget_contacts(void);

/* What is for webhooks and consumers that are gone; true: there is more. */
extern bool ga_webhooks_trim(int rows);

#endif /* GA_STORE_EVENTS_WEBHOOK_STORE_H */
