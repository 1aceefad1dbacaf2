/*
 * event_queue.h
 *		The events of one webhook that the dispatcher has read: in the order of each
 *		group, one at a time.  No SQL, no network.
 */
#ifndef GA_DISPATCH_EVENTS_EVENT_QUEUE_H
#define GA_DISPATCH_EVENTS_EVENT_QUEUE_H

#include "postgres.h"

#include "base/shared/monotonic.h"
#include "store/events/webhook_store.h"

typedef struct GaEventQueue GaEventQueue;

extern GaEventQueue *ga_event_queue_make(void);
/* Forgets what is not in flight, and which groups wait: all is to be read again. */
extern void ga_event_queue_forget(GaEventQueue *queue);

extern int ga_event_queue_count(const GaEventQueue *queue);
/* Their ids, those in flight included: int8[]. */
extern Datum ga_event_queue_known(GaEventQueue *queue);

/* The groups with so many pending or more: uuid[], `count` of them. */
extern Datum ga_event_queue_full(GaEventQueue *queue, int pending, int *count);

/* Takes over what was read, in its order. */
extern void ga_event_queue_add(GaEventQueue *queue, const GaDueEvent *event);
/* The group waits until then: its events are not to be told before. */
extern void ga_event_queue_wait(GaEventQueue *queue, pg_uuid_t group,
								TimestampTz until);
/* 0: the group does not wait at this time. */
extern TimestampTz ga_event_queue_waits_until(GaEventQueue *queue,
											  pg_uuid_t group, TimestampTz now);

/*
 * Calls for those whose group has none in flight and does not wait, `limit` at most.
 * They are in flight from then on; the event is good until the call returns.  Returns
 * how many.
 */
typedef void (*GaEventHandler)(const GaDueEvent *event, void *arg);
extern int ga_event_queue_take(GaEventQueue *queue, TimestampTz now, int limit,
							   GaEventHandler handle, void *arg);
/* Whether ga_event_queue_take() would find one. */
extern bool ga_event_queue_has_next(GaEventQueue *queue, TimestampTz now);
/* It is in flight no more, whatever became of it. */
extern void ga_event_queue_done(GaEventQueue *queue, int64 id, pg_uuid_t group);

/* Takes the events of a group out; their ids as int8[], `count` of them. */
extern Datum ga_event_queue_take_group(GaEventQueue *queue, pg_uuid_t group,
									   int *count);

#endif /* GA_DISPATCH_EVENTS_EVENT_QUEUE_H */
