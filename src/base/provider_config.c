/*
 * provider_config.c
 *		A provider's settings: looking one up, and all as JSON for the courier.
 */
#include "postgres.h"

#include "base/provider_config.h"
#include "base/shared/provider_options.h"
#include "utils/json.h"

const char *
ga_provider_setting(const GaProviderConfig *config, const char *name)
{
	const GaProviderOption *option;

	/* The user mapping comes last and wins. */
	for (int i = config->setting_count - 1; i >= 0; i--)
		if (strcmp(config->settings[i].name, name) == 0)
			return config->settings[i].value;
	option = ga_provider_option_find(config->kind, name, GA_OPTION_ON_SERVER);
	return option ? option->fallback : NULL;
}

GaChannel
ga_provider_channel(const GaProviderConfig *config)
{
	const char *value = ga_provider_setting(config, "channel");

	if (strcmp(config->kind, "webhook") == 0)
		return GA_CHANNEL_NONE;
	return value == NULL || strcmp(value, "MOBILE") == 0 ? GA_CHANNEL_MOBILE
														 : GA_CHANNEL_EMAIL;
}

static void
put_member(StringInfo json, const char *name, const char *value, bool first)
{
	if (!first)
		appendStringInfoChar(json, ',');
	escape_json(json, name);
	appendStringInfoChar(json, ':');
	escape_json(json, value);
}

/* What the owner may not use does not even leave the server. */
static bool
needs_right(const GaProviderConfig *config, const GaProviderSetting *setting)
{
	const GaProviderOption *option =
		ga_provider_option_find(config->kind, setting->name,
								GA_OPTION_ON_SERVER | GA_OPTION_ON_MAPPING);

	return option && ga_provider_option_asks_right(option, setting->value);
}

void
ga_provider_config_put(StringInfo json, const GaProviderConfig *config)
{
	GaChannel channel = ga_provider_channel(config);
	bool first = true;

	appendStringInfoChar(json, '{');
	put_member(json, "name", config->server, true);
	put_member(json, "kind", config->kind, false);
	if (channel != GA_CHANNEL_NONE)
		put_member(json, "channel",
				   channel == GA_CHANNEL_MOBILE ? "MOBILE" : "EMAIL", false);
	appendStringInfo(json, ",\"private_literal\":%s",
					 config->by_superuser ? "true" : "false");
	if (config->forbidden)
		put_member(json, "fault", config->forbidden, false);
	appendStringInfoString(json, ",\"options\":{");
	for (int i = 0; i < config->setting_count; i++)
	{
		const GaProviderSetting *setting = &config->settings[i];

		if (config->forbidden && needs_right(config, setting))
			continue;
		put_member(json, setting->name, setting->value, first);
		first = false;
	}
	appendStringInfoString(json, "}}");
}
