/*
 * event_store.h
 *		Writing events: what happened, in the transaction in which it happened.
 *
 * Each function does nothing unless somebody listens to what it is told of.  They run
 * within store/owner's bracket, after the statement that changed the rows (before the
 * one that deletes them), since an event is a snapshot of that moment.  They replace
 * SPI_tuptable.
 */
#ifndef GA_STORE_EVENTS_EVENT_STORE_H
#define GA_STORE_EVENTS_EVENT_STORE_H

#include "postgres.h"

#include "base/shared/event_type.h"
#include "datatype/timestamp.h"
#include "utils/uuid.h"

typedef struct GaEvent
{
	GaEventType type;
	pg_uuid_t group_id;
	int32 number;  /* the member; 0: the group itself, or a request */
	int64 user_id; /* who made the request; 0: it is about none */
} GaEvent;

/* Whether somebody listens to any of these. */
extern bool ga_events_are_wanted(GaEventTypes types);

/* Called when something was written that a webhook is to be told. */
typedef void (*GaEventsWritten)(void);
extern GaEventsWritten ga_events_on_written;

/* Several, which keep their order. */
extern void ga_events_write(const GaEvent *events, int count);
extern void ga_event_write(GaEventType type, pg_uuid_t group_id, int32 number);

/* About requests of users to join a group. */
extern void ga_event_write_request(GaEventType type, pg_uuid_t group_id,
								   const int64 *users, int count);

/* About a provider; `reason` may be NULL. */
extern void ga_event_write_provider(GaEventType type, const char *server,
									const char *reason);

/*
 * Everything since then that is still kept is to be told to a listener once more.
 * Returns how many.
 */
extern int64 ga_events_replay(const char *listener, GaEventTypes types,
							  TimestampTz since);
/* Removes up to `rows` that are older than their retention; true: there are more. */
extern bool ga_events_trim(int rows);

#endif /* GA_STORE_EVENTS_EVENT_STORE_H */
