/*
 * signature_form.c
 *		The signatures over an address and the fields of a form: Twilio, Vonage, Plivo.
 *
 * What each of them keeps to stands in signature.h.
 */
#include "postgres.h"

#include "base/callback_url.h"
#include "base/digest.h"
#include "base/percent.h"
#include "lib/stringinfo.h"
#include "request/callback/callback.h"
#include "request/callback/signature.h"

/* ---- addresses ---------------------------------------------------------- */

/* Where the port of "https://host:8443/path" begins and ends; none: both after
 * the host. */
static void
find_port(const char *url, size_t *start, size_t *end)
{
	const char *host = strstr(url, "://");
	size_t from = host ? (size_t) (host + 3 - url) : 0;

	*end = from + strcspn(url + from, "/?#");
	*start = *end;
	for (size_t i = *end; i > from && url[i - 1] != ']'; i--)
		if (url[i - 1] == ':')
		{
			*start = i - 1;
			break;
		}
}

/* The address with the scheme's own port where it has none, or without any. */
static const char *
with_port(const char *url, bool wanted)
{
	const char *usual = strncmp(url, "https:", 6) == 0 ? ":443" : ":80";
	size_t start;
	size_t end;

	find_port(url, &start, &end);
	if (wanted)
		return start < end
				   ? url
				   : psprintf("%.*s%s%s", (int) end, url, usual, url + end);
	return psprintf("%.*s%s", (int) start, url, url + end);
}

/* What JavaScript's querystring module leaves as it is. */
#define KEPT_BY_JAVASCRIPT "-_.!~*'()"

/* The address with its query's percent-encoding made uniform. */
static const char *
normalised(const GaCallback *callback, const char *url)
{
	StringInfoData out;

	initStringInfo(&out);
	appendBinaryStringInfo(&out, url, (int) strcspn(url, "?"));
	for (int i = 0; i < callback->query_fields.count; i++)
	{
		appendStringInfoChar(&out, i == 0 ? '?' : '&');
		ga_percent_put(&out, callback->query_fields.list[i].name,
					   KEPT_BY_JAVASCRIPT);
		appendStringInfoChar(&out, '=');
		ga_percent_put(&out, callback->query_fields.list[i].value,
					   KEPT_BY_JAVASCRIPT);
	}
	return out.data;
}

/* ---- Twilio ------------------------------------------------------------- */

/* Names and values one after the other; the same pair twice counts once. */
static void
append_parameters(StringInfo out, const GaFormFields *fields)
{
	for (int i = 0; i < fields->count; i++)
	{
		const GaFormField *field = &fields->list[i];

		if (i > 0 && ga_bytes_compare(field[-1].name, field->name) == 0)
		{
			if (ga_bytes_compare(field[-1].value, field->value) == 0)
				continue;
		}
		ga_callback_bytes_append(out, field->name);
		ga_callback_bytes_append(out, field->value);
	}
}

static bool
twilio_signed(const GaCallback *callback, const char *url, GaBytes parameters,
			  const char *signature)
{
	StringInfoData data;
	GaDigest digest;

	initStringInfo(&data);
	appendStringInfoString(&data, url);
	ga_callback_bytes_append(&data, parameters);
	digest = ga_digest_hmac(PG_SHA1, ga_bytes(callback->secret),
							ga_callback_bytes_of(&data));
	return ga_digest_is_base64(&digest, ga_bytes(signature));
}

/* A body of JSON is signed by its hash in the address. */
static bool
body_hash_is_right(const GaCallback *callback, const char *hash)
{
	GaDigest digest = ga_digest_hash(PG_SHA256, callback->body);

	return ga_digest_is_hex(&digest, ga_bytes(hash));
}

/* https://www.twilio.com/docs/usage/webhooks/webhooks-security */
GaSignatureVerdict
ga_signature_check_twilio(const GaCallback *callback)
{
	const char *signature = ga_callback_header(callback, "x-twilio-signature");
	const char *hash = ga_callback_query(callback, "bodySHA256");
	const char *urls[2];
	StringInfoData parameters;

	if (signature == NULL || callback->callback_url == NULL)
		return GA_SIGNATURE_BAD;
	initStringInfo(&parameters);
	if (hash == NULL)
	{
		GaFormFields sorted = callback->form;

		ga_form_sort(&sorted);
		append_parameters(&parameters, &sorted);
	}
	else if (!body_hash_is_right(callback, hash))
		return GA_SIGNATURE_BAD;
	/* What is no form has no parameters that the signature could cover. */
	if (hash == NULL && callback->json != NULL)
		return GA_SIGNATURE_BAD;
	urls[0] = ga_callback_received_url(callback);
	urls[1] = normalised(callback, urls[0]);
	for (int i = 0; i < 4; i++)
		if (twilio_signed(callback, with_port(urls[i / 2], i % 2 == 1),
						  ga_callback_bytes_of(&parameters), signature))
			return GA_SIGNATURE_GOOD;
	return GA_SIGNATURE_BAD;
}

/* ---- Vonage SMS --------------------------------------------------------- */

/* "&name=value" of each, sorted, where & and = of a value become _. */
static GaBytes
vonage_text(const GaFormFields *fields, bool with_ours)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < fields->count; i++)
	{
		const GaFormField *field = &fields->list[i];

		if (ga_bytes_are(field->name, "sig") ||
			(!with_ours && (ga_bytes_are(field->name, GA_CALLBACK_SERVER) ||
							ga_bytes_are(field->name, GA_CALLBACK_RECEIPT))))
			continue;
		appendStringInfoChar(&out, '&');
		ga_callback_bytes_append(&out, field->name);
		appendStringInfoChar(&out, '=');
		for (size_t j = 0; j < field->value.length; j++)
			appendStringInfoChar(&out, strchr("&=", field->value.data[j]) &&
											   field->value.data[j] != '\0'
										   ? '_'
										   : field->value.data[j]);
	}
	return ga_callback_bytes_of(&out);
}

/* The account's setting decides for one of five methods; the length tells. */
static bool
vonage_signed(const GaCallback *callback, GaBytes text, GaBytes signature)
{
	static const pg_cryptohash_type types[] = {PG_MD5, PG_SHA1, PG_SHA256,
											   PG_SHA512};
	GaBytes secret = ga_bytes(callback->secret);
	StringInfoData data;
	GaDigest digest;

	for (int i = 0; i < lengthof(types); i++)
	{
		digest = ga_digest_hmac(types[i], secret, text);
		if (ga_digest_is_hex(&digest, signature))
			return true;
	}
	initStringInfo(&data);
	ga_callback_bytes_append(&data, text);
	ga_callback_bytes_append(&data, secret);
	digest = ga_digest_hash(PG_MD5, ga_callback_bytes_of(&data));
	return ga_digest_is_hex(&digest, signature);
}

/* https://developer.vonage.com/en/getting-started/concepts/signing-messages */
GaSignatureVerdict
ga_signature_check_vonage(const GaCallback *callback)
{
	GaFormFields fields = callback->form;
	const GaFormField *signature;

	if (callback->body.length == 0)
		fields = callback->query_fields;
	else if (callback->json != NULL && JB_ROOT_IS_OBJECT(callback->json))
		fields = ga_form_of_json(callback->json);
	signature = ga_form_find(&fields, "sig");
	if (signature == NULL)
		return GA_SIGNATURE_BAD;
	ga_form_sort(&fields);
	signature = ga_form_find(&fields, "sig");
	return ga_signature_verdict(
		vonage_signed(callback, vonage_text(&fields, false),
					  signature->value) ||
		vonage_signed(callback, vonage_text(&fields, true), signature->value));
}

/* ---- Plivo -------------------------------------------------------------- */

/* Several may stand there while a token is exchanged, with commas between. */
static bool
plivo_signed(const GaCallback *callback, GaBytes data, const char *signatures)
{
	GaDigest digest =
		ga_digest_hmac(PG_SHA256, ga_bytes(callback->secret), data);

	while (signatures != NULL && *signatures)
	{
		size_t length = strcspn(signatures, ", ");

		if (ga_digest_is_base64(&digest, (GaBytes){signatures, length}))
			return true;
		signatures += length;
		signatures += strspn(signatures, ", ");
	}
	return false;
}

/* scheme, host, port and path alone */
static bool
plivo_v2_signed(const GaCallback *callback)
{
	const char *nonce =
		ga_callback_header(callback, "x-plivo-signature-v2-nonce");
	StringInfoData data;

	if (nonce == NULL)
		return false;
	initStringInfo(&data);
	appendBinaryStringInfo(&data, callback->callback_url,
						   (int) strcspn(callback->callback_url, "?#"));
	appendStringInfoString(&data, nonce);
	return plivo_signed(callback, ga_callback_bytes_of(&data),
						ga_callback_header(callback, "x-plivo-signature-v2")) ||
		   plivo_signed(
			   callback, ga_callback_bytes_of(&data),
			   ga_callback_header(callback, "x-plivo-signature-ma-v2"));
}

/* The sorted query, decoded, and the sorted fields of the body behind a dot. */
static bool
plivo_v3_signed(const GaCallback *callback)
{
	const char *nonce =
		ga_callback_header(callback, "x-plivo-signature-v3-nonce");
	GaFormFields query = callback->query_fields;
	GaFormFields form = callback->form;
	StringInfoData data;

	if (nonce == NULL)
		return false;
	ga_form_sort(&query);
	ga_form_sort(&form);
	initStringInfo(&data);
	appendBinaryStringInfo(&data, callback->callback_url,
						   (int) strcspn(callback->callback_url, "?#"));
	for (int i = 0; i < query.count; i++)
	{
		appendStringInfoChar(&data, i == 0 ? '?' : '&');
		ga_callback_bytes_append(&data, query.list[i].name);
		appendStringInfoChar(&data, '=');
		ga_callback_bytes_append(&data, query.list[i].value);
	}
	if (form.count > 0)
		appendStringInfoChar(&data, query.count > 0 ? '.' : '?');
	for (int i = 0; i < form.count; i++)
	{
		ga_callback_bytes_append(&data, form.list[i].name);
		ga_callback_bytes_append(&data, form.list[i].value);
	}
	appendStringInfo(&data, ".%s", nonce);
	return plivo_signed(callback, ga_callback_bytes_of(&data),
						ga_callback_header(callback, "x-plivo-signature-v3")) ||
		   plivo_signed(
			   callback, ga_callback_bytes_of(&data),
			   ga_callback_header(callback, "x-plivo-signature-ma-v3"));
}

/* https://docs.plivo.com/docs/messaging/concepts/signature-validation */
GaSignatureVerdict
ga_signature_check_plivo(const GaCallback *callback)
{
	if (callback->callback_url == NULL || callback->json != NULL)
		return GA_SIGNATURE_BAD;
	if (plivo_v3_signed(callback))
		return GA_SIGNATURE_GOOD;
	return plivo_v2_signed(callback) ? GA_SIGNATURE_PARTLY : GA_SIGNATURE_BAD;
}
