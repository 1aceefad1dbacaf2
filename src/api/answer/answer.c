/*
 * answer.c
 *		How an answer reaches the gateway: its status, its headers, its media type.
 *
 * A gateway takes them from settings that last as long as its transaction
 * (docs/postgrest.md).  In SQL nothing is set.
 */
#include "postgres.h"

#include "api/answer/answer.h"
#include "api/answer/json_pieces.h"
#include "utils/builtins.h"
#include "utils/guc.h"

void
ga_answer_set(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}

void
ga_answer_status(const GaCaller *caller, int status)
{
	if (!caller->is_http)
		return;
	ga_answer_set("response.status", psprintf("%d", status));
	/*
	 * A gateway counts the "null" that it then does not send; RFC 9110, 8.6
	 * allows no length at all, and HTTP/2 none but zero.
	 */
	if (status == 204)
		ga_answer_set("response.headers", "[{\"Content-Length\":\"0\"}]");
}

/* RFC 9110, 10.2.3 */
void
ga_answer_retry_after(const GaCaller *caller, int seconds)
{
	if (caller->is_http)
		ga_answer_set("response.headers",
					  psprintf("[{\"Retry-After\":\"%d\"}]", seconds));
}

/* [{"Name": "value"}, ...]: escaped, a value cannot begin another header. */
static void
set_headers(const char *const (*headers)[2], int count)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < count; i++)
	{
		appendStringInfoString(&out, i == 0 ? "[{" : ",{");
		ga_json_put_member(&out, headers[i][0], headers[i][1]);
		appendStringInfoChar(&out, '}');
	}
	appendStringInfoChar(&out, ']');
	ga_answer_set("response.headers", out.data);
}

Datum
ga_answer_media(const GaCaller *caller, int status,
				const StringInfoData *document, const char *const (*headers)[2],
				int count)
{
	ga_answer_status(caller, status);
	if (caller->is_http)
		set_headers(headers, count);
	return PointerGetDatum(
		cstring_to_text_with_len(document->data, document->len));
}
