/*
 * channel.c
 *		The names of channels, as SQL, options and configurations write them.
 */
#include "base/shared/channel.h"

#include <stddef.h>
#include <string.h>

const char *
ga_channel_name(GaChannel channel)
{
	switch (channel)
	{
		case GA_CHANNEL_NONE:
			break;
		case GA_CHANNEL_MOBILE:
			return "MOBILE";
		case GA_CHANNEL_EMAIL:
			return "EMAIL";
	}
	return NULL;
}

GaChannel
ga_channel_named(const char *name)
{
	for (int i = GA_CHANNEL_MOBILE; name != NULL && i < GA_CHANNEL_COUNT; i++)
		if (strcmp(name, ga_channel_name((GaChannel) i)) == 0)
			return (GaChannel) i;
	return GA_CHANNEL_NONE;
}
