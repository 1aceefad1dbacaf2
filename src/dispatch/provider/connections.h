/*
 * connections.h
 *		How many connections each provider was found to allow.
 */
#ifndef GA_DISPATCH_PROVIDER_CONNECTIONS_H
#define GA_DISPATCH_PROVIDER_CONNECTIONS_H

#include "postgres.h"

#include "dispatch/provider/providers.h"
#include "dispatch/slots.h"

/* A dispatcher begins: its courier knows nothing yet. */
extern void ga_connections_begin(void);
/* What the courier says with an outcome; 0: as many as configured. */
extern void ga_connections_learn(GaProvider *provider, int count);
/* For anybody; 0: as many as configured. */
extern int ga_connections_allowed(GaSlot *slot, const char *server);

#endif /* GA_DISPATCH_PROVIDER_CONNECTIONS_H */
