/*
 * json_pieces.c
 *		The pieces of which answers in JSON are made.
 *
 * Nothing here knows what an answer says.
 */
#include "postgres.h"

#include "api/answer/json_pieces.h"
#include "base/compat.h"
#include "utils/timestamp.h"

void
ga_json_put_member(StringInfo out, const char *name, const char *text)
{
	appendStringInfoCharMacro(out, '"');
	appendStringInfoString(out, name);
	appendBinaryStringInfo(out, "\":", 2);
	ga_json_put_text(out, text);
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
