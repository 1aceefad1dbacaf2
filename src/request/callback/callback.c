/*
 * callback.c
 *		Takes a callback apart.
 *
 * The body is judged by itself, not by its Content-Type, which a gateway may
 * have had to change to hand the bytes over.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "request/callback/callback.h"
#include "request/soft_json.h"

bool
ga_bytes_are_text(GaBytes bytes)
{
	return pg_verify_mbstr(PG_UTF8, bytes.data, (int) bytes.length, true);
}

char *
ga_bytes_beginning(GaBytes bytes)
{
	return pnstrdup(bytes.data, pg_encoding_verifymbstr(PG_UTF8, bytes.data,
														(int) bytes.length));
}

static bool
looks_like_json(GaBytes body)
{
	for (size_t i = 0; i < body.length; i++)
		if (!strchr(" \t\r\n", body.data[i]) || body.data[i] == '\0')
			return body.data[i] == '{' || body.data[i] == '[';
	return false;
}

void
ga_callback_open(GaCallback *callback)
{
	callback->query_fields = ga_form_read(ga_bytes(callback->query));
	if (looks_like_json(callback->body))
		callback->json =
			ga_soft_json(callback->body.data, callback->body.length);
	else
		callback->form = ga_form_read(callback->body);
}

const char *
ga_callback_query(const GaCallback *callback, const char *name)
{
	const GaFormField *field = ga_form_find(&callback->query_fields, name);

	return field && ga_bytes_are_text(field->value) ? field->value.data : NULL;
}
