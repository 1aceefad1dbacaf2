/*
 * listener_store.h
 *		Who hears of events: consumers, which ask for them, and webhooks.
 */
#ifndef GA_STORE_EVENTS_LISTENER_STORE_H
#define GA_STORE_EVENTS_LISTENER_STORE_H

#include "postgres.h"

#include "base/shared/event_type.h"

typedef struct GaListener
{
	const char *name;
	GaEventTypes types;
	bool contacts; /* it is told the members' contacts */
} GaListener;

/*
 * Those of this database, and what they all together listen to.  Cheap: read anew
 * only when one came, went or changed.  Within store/owner's bracket.  The list is
 * good until the next call.
 */
extern const GaListener *ga_listeners(int *count, GaEventTypes *types);

/* False: as far as this session knows nobody listens, not by LISTEN either.  No SQL. */
extern bool ga_listeners_may_be(void);

/* What webhooks listen to; after ga_listeners(). */
extern GaEventTypes ga_listeners_webhook_types(void);

/* What one of them listens to; 0: there is none of that name. */
extern GaEventTypes ga_listener_types(const char *name);

#endif /* GA_STORE_EVENTS_LISTENER_STORE_H */
