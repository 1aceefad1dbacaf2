/*
 * callback_provider.h
 *		The provider a callback says it comes from, and what it signs with.
 */
#ifndef GA_API_INBOUND_CALLBACK_PROVIDER_H
#define GA_API_INBOUND_CALLBACK_PROVIDER_H

#include "postgres.h"

#include "request/callback/callback.h"
#include "store/plan_cache.h"

/*
 * Fills what the callback needs to know of its provider.  False: there is no such
 * server, or none whose kind sends callbacks; then its name counts nevertheless
 * where a server of ours has it.  Runs inside the owner's scope.
 */
extern bool ga_callback_provider_find(const GaOwnerScope *scope,
									  const char *server, GaCallback *callback);

#endif /* GA_API_INBOUND_CALLBACK_PROVIDER_H */
