/*
 * routing.h
 *		Whose rows a provider takes, where several serve a channel.
 */
#ifndef GA_DISPATCH_PROVIDER_ROUTING_H
#define GA_DISPATCH_PROVIDER_ROUTING_H

#include "postgres.h"

#include "base/shared/monotonic.h"

/*
 * Makes the filters of all providers anew where one came, went, or became usable or
 * unusable since the last call; those whose rows are others then begin at the front
 * of the queue.  To be called before rows are claimed.
 */
extern void ga_providers_route(GaMonotonic now);

#endif /* GA_DISPATCH_PROVIDER_ROUTING_H */
