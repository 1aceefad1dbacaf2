/*
 * picture_url.c
 *		Addresses of the pictures kept here.
 *
 * The address is made when it is told, so that pictures follow when the service
 * moves to another host.
 */
#include "postgres.h"

#include "base/guc.h"
#include "base/picture_url.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#define NAME_PREFIX "picture:"
#define PLACE "{id}"

char *
ga_picture_name(pg_uuid_t id)
{
	Datum text = DirectFunctionCall1(uuid_out, UUIDPGetDatum(&id));

	return psprintf(NAME_PREFIX "%s", DatumGetCString(text));
}

const char *
ga_picture_url(const char *stored)
{
	const char *url = ga_settings.picture_url;
	const char *place = strstr(url, PLACE);
	const char *id;

	if (stored == NULL ||
		strncmp(stored, NAME_PREFIX, strlen(NAME_PREFIX)) != 0)
		return stored;
	id = stored + strlen(NAME_PREFIX);
	if (place == NULL)
		return psprintf("%s%s", url, id);
	return psprintf("%.*s%s%s", (int) (place - url), url, id,
					place + strlen(PLACE));
}
