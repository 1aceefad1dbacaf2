/*
 * consumer_store.h
 *		Events that consumers ask for: handing them out and hearing what was done.
 */
#ifndef GA_STORE_EVENTS_CONSUMER_STORE_H
#define GA_STORE_EVENTS_CONSUMER_STORE_H

#include "postgres.h"

#include "base/shared/event_type.h"
#include "datatype/timestamp.h"
#include "store/owner.h"
#include "utils/uuid.h"

typedef struct GaConsumedEvent
{
	int64 id;
	pg_uuid_t uid; /* names the event everywhere */
	char *type;
	TimestampTz at;
	char *document; /* JSON */
} GaConsumedEvent;

/* Whose a consumer is. */
typedef struct GaConsumerRole
{
	const char *name; /* NULL: everybody's */
	Oid oid;		  /* InvalidOid: there is no such role here */
} GaConsumerRole;

extern bool ga_consumer_exists(const char *name);

/* False: there is none. */
extern bool ga_consumer_find(const GaOwnerScope *scope, const char *name,
							 GaConsumerRole *role);

/* Notes that pg_upgrade moved the roles of that cluster here, whatever their names. */
extern void ga_consumers_follow_upgrade(int64 former_cluster);
/* A dump's consumers: what they know by a role's name is tied to the role of that name. */
extern void ga_consumers_adopt(void);

/* `role`: InvalidOid for everybody's.  False: there is one of that name. */
extern bool ga_consumer_create(const char *name, GaEventTypes types,
							   bool contacts, Oid role);
/* With all that waits for it.  False: there is none. */
extern bool ga_consumer_drop(const char *name);

/*
 * Hands out up to `limit` events to this session; `lease` is in milliseconds.  Who
 * asks meanwhile gets others.  Those that are not acknowledged within the lease are
 * handed out again.
 */
extern int ga_consumer_take(const GaOwnerScope *scope, const char *name,
							int limit, int lease, GaConsumedEvent **events);

/* Those of an int8[] are done; returns how many of them were not before. */
extern int64 ga_consumer_ack(const char *name, Datum ids);

#endif /* GA_STORE_EVENTS_CONSUMER_STORE_H */
