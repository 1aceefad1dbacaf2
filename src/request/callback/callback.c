/*
 * callback.c
 *		Takes a callback apart, and says whether it is proved.
 *
 * The body is judged by itself, not by its Content-Type, which a gateway may
 * have had to change to hand the bytes over.
 *
 * What proves a callback is in this order: a signature, where the provider signs
 * and its secret is known; otherwise the token in the address we gave.
 */
#include "postgres.h"

#include "base/callback_url.h"
#include "mb/pg_wchar.h"
#include "request/callback/callback.h"
#include "request/soft_json.h"

bool
ga_callback_bytes_are_text(GaBytes bytes)
{
	return pg_verify_mbstr(PG_UTF8, bytes.data, (int) bytes.length, true);
}

char *
ga_callback_bytes_beginning(GaBytes bytes)
{
	return pnstrdup(bytes.data, pg_encoding_verifymbstr(PG_UTF8, bytes.data,
														(int) bytes.length));
}

GaBytes
ga_callback_bytes_of(StringInfo text)
{
	return (GaBytes){text->data, text->len};
}

void
ga_callback_bytes_append(StringInfo out, GaBytes bytes)
{
	appendBinaryStringInfo(out, bytes.data, (int) bytes.length);
}

static bool
looks_like_json(GaBytes body)
{
	for (size_t i = 0; i < body.length; i++)
		if (!strchr(" \t\r\n", body.data[i]) || body.data[i] == '\0')
			return body.data[i] == '{' || body.data[i] == '[';
	return false;
}

/* Parses query and body. */
static void
open_parts(GaCallback *callback)
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

	return field && ga_callback_bytes_are_text(field->value) ? field->value.data
															 : NULL;
}

const char *
ga_callback_header(const GaCallback *callback, const char *name)
{
	return callback->header(callback->headers, name);
}

const char *
ga_callback_received_url(const GaCallback *callback)
{
	return ga_callback_url_received(
		callback->callback_url ? callback->callback_url : "", callback->query);
}

/* ---- the proof ---------------------------------------------------------- */

/* Whether the token is one of ours, of a message or of this very server. */
static bool
read_token(const GaCallback *callback, GaBytes token, const uint8 *key,
		   GaLinkToken *message)
{
	if (key == NULL || token.length >= GA_LINK_TOKEN_MAX ||
		strlen(token.data) != token.length ||
		!ga_link_token_read(key, GA_LINK_RECEIPT, token.data, message))
		return false;
	return message->member_number > 0 ||
		   ga_callback_account(callback->server).group_number ==
			   message->group_number;
}

bool
ga_callback_prove(GaCallback *callback, const uint8 *key,
				  GaCallbackProof *proof)
{
	GaSignatureVerdict verdict = GA_SIGNATURE_NONE;
	const GaFormField *token;

	open_parts(callback);
	memset(proof, 0, sizeof(*proof));
	token = ga_form_find(&callback->query_fields, GA_CALLBACK_RECEIPT);
	if (callback->secret_is_lost ||
		(token && !read_token(callback, token->value, key, &proof->message)))
		return false;
	if (callback->secret != NULL && callback->kind->check != NULL)
		verdict = callback->kind->check(callback);
	proof->is_signed = verdict == GA_SIGNATURE_GOOD;
	return proof->is_signed || (token != NULL && verdict != GA_SIGNATURE_BAD);
}
