/*
 * json_values.c
 *		Values of JSON, put behind what is there.
 *
 * Every text that needs it goes through escape_json(), so nothing that somebody typed
 * ends a string.
 */
#include "postgres.h"

#include "base/json/json_values.h"
#include "base/uuid.h"
#include "utils/json.h"

/* What stands in a JSON string as itself. */
static size_t
plain_length(const char *text)
{
	const char *at = text;

	while ((unsigned char) *at >= ' ' && *at != '"' && *at != '\\')
		at++;
	return at - text;
}

/* Nearly all texts need no escape, and are put in one piece then. */
void
ga_json_put_text(StringInfo out, const char *text)
{
	size_t length;

	if (text == NULL)
	{
		appendBinaryStringInfo(out, "null", 4);
		return;
	}
	length = plain_length(text);
	if (text[length] != '\0')
	{
		escape_json(out, text);
		return;
	}
	appendStringInfoCharMacro(out, '"');
	appendBinaryStringInfo(out, text, (int) length);
	appendStringInfoCharMacro(out, '"');
}

void
ga_json_put_uuid(StringInfo out, pg_uuid_t uuid)
{
	char text[GA_UUID_TEXT_SIZE];

	ga_uuid_write(&uuid, text);
	ga_json_put_text(out, text);
}
