/*
 * json_pieces.c
 *		The pieces of which answers in JSON are made.
 *
 * Nothing here knows what an answer says.  Every text goes through escape_json(),
 * so nothing that somebody typed ends a string.
 */
#include "postgres.h"

#include "api/answer/json_pieces.h"
#include "base/compat.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"

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
ga_json_put_member(StringInfo out, const char *name, const char *text)
{
	appendStringInfoCharMacro(out, '"');
	appendStringInfoString(out, name);
	appendBinaryStringInfo(out, "\":", 2);
	ga_json_put_text(out, text);
}

void
ga_json_put_uuid(StringInfo out, pg_uuid_t uuid)
{
	Datum text = DirectFunctionCall1(uuid_out, UUIDPGetDatum(&uuid));

	appendStringInfo(out, "\"%s\"", DatumGetCString(text));
}

/* ISO 8601 in UTC with milliseconds, as a JavaScript Date prints itself. */
static void
format_moment(TimestampTz moment, char *text, size_t size)
{
	struct pg_tm tm;
	fsec_t fraction;

	if (moment == 0 ||
		timestamp2tm(moment, NULL, &tm, &fraction, NULL, NULL) != 0)
		strlcpy(text, "null", size);
	else
		snprintf(text, size, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"",
				 tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min,
				 tm.tm_sec, (int) (fraction / 1000));
}

/* The members of a group share most moments, so the last one is kept as text. */
void
ga_json_put_moment(StringInfo out, TimestampTz moment)
{
	static TimestampTz kept = 0;
	static char text[64] = "null";

	if (moment != kept)
	{
		format_moment(moment, text, sizeof(text));
		kept = moment;
	}
	appendStringInfoString(out, text);
}

/* The head of the value is part of what is put together: an answer may have 12 MB. */
void
ga_json_begin(StringInfo out)
{
	initStringInfo(out);
	appendStringInfoSpaces(out, VARHDRSZ);
}

Datum
ga_json_finish(StringInfo out)
{
	SET_VARSIZE(out->data, out->len);
	return PointerGetDatum(out->data);
}

void
ga_json_put_no_error(StringInfo out)
{
	appendStringInfoString(out, "{\"error\":{\"code\":0,\"message\":\"\"},");
}
