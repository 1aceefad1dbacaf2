/*
 * provider_config.h
 *		A provider's settings as the courier gets them.
 */
#ifndef GA_BASE_PROVIDER_CONFIG_H
#define GA_BASE_PROVIDER_CONFIG_H

#include "postgres.h"

#include "base/shared/channel.h"
#include "lib/stringinfo.h"

typedef struct GaProviderSetting
{
	const char *name;
	const char *value; /* may be a secret: never logged */
} GaProviderSetting;

typedef struct GaProviderConfig
{
	const char *server;
	const char *kind; /* smtp, twilio, http, capture */
	int setting_count;
	const GaProviderSetting *settings; /* server's, then user mapping's */
	/* The server's owner is a superuser, who means a private address that stands
	 * in the URL as such. */
	bool by_superuser;
	const char *forbidden; /* why the owner may not use them; NULL: he may */
} GaProviderConfig;

/* As written or the default; NULL when there is neither. */
extern const char *ga_provider_setting(const GaProviderConfig *config,
									   const char *name);
extern GaChannel ga_provider_channel(const GaProviderConfig *config);

/* Appends the object the courier reads; it may hold secrets. */
extern void ga_provider_config_put(StringInfo json,
								   const GaProviderConfig *config);

#endif /* GA_BASE_PROVIDER_CONFIG_H */
