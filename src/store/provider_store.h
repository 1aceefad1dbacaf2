/*
 * provider_store.h
 *		Providers as CREATE SERVER and CREATE USER MAPPING wrote them, and their
 *		pauses.
 */
#ifndef GA_STORE_PROVIDER_STORE_H
#define GA_STORE_PROVIDER_STORE_H

#include "postgres.h"

#include "base/channel.h"

struct GaOwnerScope;

typedef struct GaProviderSetting
{
	const char *name;
	const char *value; /* may be a secret: never logged */
} GaProviderSetting;

typedef struct GaProviderRow
{
	const char *server;
	const char *kind; /* of ga_provider_kinds */
	int setting_count;
	GaProviderSetting *settings; /* server's, then user mapping's */
	const char *fingerprint;	 /* changes when a setting does */
	bool is_paused;
	bool paused_by_dispatcher;
	const char *paused_for; /* the fingerprint it was paused with */
	const char *pause_reason;
} GaProviderRow;

/* All run inside ga_owner_enter()/leave(). */

extern int ga_providers_read(const struct GaOwnerScope *scope,
							 GaProviderRow **rows);

/*
 * For the dispatcher, which waits for nobody: false while somebody's open
 * transaction pauses or resumes a provider.
 */
extern bool ga_pauses_lock(void);
/* Whether a server of one of our wrappers has this name. */
extern bool ga_provider_exists(const char *server);
/* A pause of the dispatcher's ends when the provider's settings change. */
extern void ga_provider_pause(const char *server, bool by_dispatcher,
							  const char *fingerprint, const char *reason);
/* False when it was not paused. */
extern bool ga_provider_resume(const char *server);

/* Why a channel's queued invitations wait; NULL: they are about to be sent. */
extern const char *ga_provider_waiting_reason(const struct GaOwnerScope *scope,
											  GaChannel channel);

#endif /* GA_STORE_PROVIDER_STORE_H */
