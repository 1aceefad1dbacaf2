/*
 * due_events.h
 *		Reading without a plan what is due to a webhook.
 */
#ifndef GA_STORE_EVENTS_DUE_EVENTS_H
#define GA_STORE_EVENTS_DUE_EVENTS_H

#include "postgres.h"

#include "store/events/webhook_store.h"

/*
 * As ga_webhook_read(), in the order of events; false: the statement has to do it, since
 * a table is not as this extension made it.
 */
extern bool ga_due_events_read(const GaOwnerScope *scope, const char *server,
							   const GaEventRead *read, GaDueEvent **events,
							   int *count, int *seen);

/*
 * Takes what was told off the table.  Events that are left, of whatever reason, move to
 * the front of the array in their order; returns how many.
 */
extern int ga_due_events_remove(const char *server, int64 *told, int count);

#endif /* GA_STORE_EVENTS_DUE_EVENTS_H */
