/*
 * json_pieces.c
 *		The pieces of which answers in JSON are made.
 *
 * Nothing here knows what an answer says.  Every text goes through escape_json(),
 * so nothing that somebody typed ends a string.
 */
#include "postgres.h"

#include "api/answer/json_pieces.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"

void
ga_json_put_text(StringInfo out, const char *text)
{
	if (text == NULL)
		appendStringInfoString(out, "null");
	else
		escape_json(out, text);
}

void
ga_json_put_member(StringInfo out, const char *name, const char *text)
{
	appendStringInfo(out, "\"%s\":", name);
	ga_json_put_text(out, text);
}

void
ga_json_put_uuid(StringInfo out, pg_uuid_t uuid)
{
	Datum text = DirectFunctionCall1(uuid_out, UUIDPGetDatum(&uuid));

	appendStringInfo(out, "\"%s\"", DatumGetCString(text));
}

/* ISO 8601 in UTC with milliseconds, as a JavaScript Date prints itself. */
void
ga_json_put_moment(StringInfo out, TimestampTz moment)
{
	struct pg_tm tm;
	fsec_t fraction;

	if (moment == 0 ||
		timestamp2tm(moment, NULL, &tm, &fraction, NULL, NULL) != 0)
	{
		appendStringInfoString(out, "null");
		return;
	}
	appendStringInfo(out, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", tm.tm_year,
					 tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
					 (int) (fraction / 1000));
}

Datum
ga_json_finish(StringInfo out)
{
	return PointerGetDatum(cstring_to_text_with_len(out->data, out->len));
}

void
ga_json_put_no_error(StringInfo out)
{
	appendStringInfoString(out, "{\"error\":{\"code\":0,\"message\":\"\"},");
}
