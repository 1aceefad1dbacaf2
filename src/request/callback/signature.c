/*
 * signature.c
 *		Whether a callback comes from the provider it says.
 *
 * Each scheme follows the provider's own SDK (test/peers/receipt_signatures.pl
 * compares).  Every comparison of a signature takes the same time whichever byte
 * is wrong.  Nothing here throws for what a stranger sends, and no secret leaves
 * this file.
 */
#include "postgres.h"

#include "base/callback_url.h"
#include "base/guc.h"
#include "base/percent.h"
#include "lib/stringinfo.h"
#include "request/callback/callback.h"
#include "base/public_key.h"
#include "request/soft_json.h"

/* What two clocks may differ in, as the SDKs of MessageBird have it. */
#define LEEWAY_S 5
/* Svix signs each repetition anew; its libraries allow five minutes. */
#define SVIX_TOLERANCE_S (5 * 60)
/* Mailgun repeats for eight hours; a token counts once anyway. */
#define MAILGUN_TOLERANCE_S (24 * 60 * 60)

typedef GaSignatureVerdict (*GaSignatureCheck)(const GaCallback *callback);

static GaSignatureVerdict
verdict(bool good)
{
	return good ? GA_SIGNATURE_GOOD : GA_SIGNATURE_BAD;
}

static const char *
header(const GaCallback *callback, const char *name)
{
	return callback->header(callback->headers, name);
}

static const char *
received_url(const GaCallback *callback)
{
	return ga_callback_url_received(
		callback->callback_url ? callback->callback_url : "", callback->query);
}

static GaBytes
bytes_of(StringInfo text)
{
	return (GaBytes){text->data, text->len};
}

static void
append(StringInfo out, GaBytes bytes)
{
	appendBinaryStringInfo(out, bytes.data, (int) bytes.length);
}

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
		append(out, field->name);
		append(out, field->value);
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
	append(&data, parameters);
	digest =
		ga_digest_hmac(PG_SHA1, ga_bytes(callback->secret), bytes_of(&data));
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
static GaSignatureVerdict
check_twilio(const GaCallback *callback)
{
	const char *signature = header(callback, "x-twilio-signature");
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
	urls[0] = received_url(callback);
	urls[1] = normalised(callback, urls[0]);
	for (int i = 0; i < 4; i++)
		if (twilio_signed(callback, with_port(urls[i / 2], i % 2 == 1),
						  bytes_of(&parameters), signature))
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
		append(&out, field->name);
		appendStringInfoChar(&out, '=');
		for (size_t j = 0; j < field->value.length; j++)
			appendStringInfoChar(&out, strchr("&=", field->value.data[j]) &&
											   field->value.data[j] != '\0'
										   ? '_'
										   : field->value.data[j]);
	}
	return bytes_of(&out);
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
	append(&data, text);
	append(&data, secret);
	digest = ga_digest_hash(PG_MD5, bytes_of(&data));
	return ga_digest_is_hex(&digest, signature);
}

/* https://developer.vonage.com/en/getting-started/concepts/signing-messages */
static GaSignatureVerdict
check_vonage(const GaCallback *callback)
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
	return verdict(
		vonage_signed(callback, vonage_text(&fields, false),
					  signature->value) ||
		vonage_signed(callback, vonage_text(&fields, true), signature->value));
}

/* ---- JSON Web Tokens ---------------------------------------------------- */

static Jsonb *
jwt_part(const char *text, size_t length)
{
	uint8 *bytes = palloc(length + 1);
	int size = ga_base64_decode((GaBytes){text, length}, bytes, (int) length);
	Jsonb *part = size > 0 ? ga_soft_json((char *) bytes, size) : NULL;

	return part != NULL && JB_ROOT_IS_OBJECT(part) ? part : NULL;
}

static const char *
claim(Jsonb *claims, const char *name)
{
	JsonbValue value;

	if (getKeyJsonValueFromContainer(&claims->root, name, (int) strlen(name),
									 &value) == NULL)
		return NULL;
	return ga_soft_json_text(&value);
}

static bool
jwt_type(Jsonb *head, pg_cryptohash_type *type)
{
	const char *name = claim(head, "alg");

	if (name == NULL)
		return false;
	*type = strcmp(name, "HS512") == 0	 ? PG_SHA512
			: strcmp(name, "HS384") == 0 ? PG_SHA384
										 : PG_SHA256;
	return *type != PG_SHA256 || strcmp(name, "HS256") == 0;
}

/* The claims of a token signed with the secret, in its time; NULL: not so. */
static Jsonb *
jwt_open(const GaCallback *callback, const char *token)
{
	const char *dot = strchr(token, '.');
	const char *last = dot ? strchr(dot + 1, '.') : NULL;
	pg_cryptohash_type type;
	const char *not_before;
	const char *expires;
	GaDigest digest;
	Jsonb *part;

	if (last == NULL || strchr(last + 1, '.') != NULL)
		return NULL;
	part = jwt_part(token, dot - token);
	if (part == NULL || !jwt_type(part, &type))
		return NULL;
	digest = ga_digest_hmac(type, ga_bytes(callback->secret),
							(GaBytes){token, last - token});
	if (!ga_digest_is_base64(&digest, ga_bytes(last + 1)))
		return NULL;
	part = jwt_part(dot + 1, last - dot - 1);
	if (part == NULL)
		return NULL;
	not_before = claim(part, "nbf");
	expires = claim(part, "exp");
	if ((not_before && strtod(not_before, NULL) > callback->now + LEEWAY_S) ||
		(expires && strtod(expires, NULL) <= callback->now - LEEWAY_S))
		return NULL;
	return part;
}

/* Whether a claim is the SHA-256 of something; `missing` where there is none. */
static bool
claim_is_hash(Jsonb *claims, const char *name, GaBytes of, bool missing)
{
	const char *written = claim(claims, name);
	GaDigest digest;

	if (written == NULL)
		return missing;
	digest = ga_digest_hash(PG_SHA256, of);
	return ga_digest_is_hex(&digest, ga_bytes(written));
}

/* https://developer.vonage.com/en/getting-started/concepts/webhooks */
static GaSignatureVerdict
check_vonage_messages(const GaCallback *callback)
{
	/* A gateway with tokens of its own passes it under another name. */
	const char *value = header(callback, "x-receipt-authorization");
	Jsonb *claims;

	if (value == NULL)
		value = header(callback, "authorization");
	if (value == NULL || pg_strncasecmp(value, "Bearer ", 7) != 0)
		return GA_SIGNATURE_BAD;
	claims = jwt_open(callback, value + 7);
	return verdict(claims != NULL && claim_is_hash(claims, "payload_hash",
												   callback->body, false));
}

/* https://developers.messagebird.com, "Verifying HTTP requests" */
static GaSignatureVerdict
check_messagebird(const GaCallback *callback)
{
	const char *token = header(callback, "messagebird-signature-jwt");
	Jsonb *claims = token ? jwt_open(callback, token) : NULL;
	const char *issuer = claims ? claim(claims, "iss") : NULL;

	return verdict(issuer != NULL && strcmp(issuer, "MessageBird") == 0 &&
				   callback->callback_url != NULL &&
				   claim(claims, "jti") != NULL &&
				   claim_is_hash(claims, "url_hash",
								 ga_bytes(received_url(callback)), false) &&
				   claim_is_hash(claims, "payload_hash", callback->body,
								 callback->body.length == 0));
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
	const char *nonce = header(callback, "x-plivo-signature-v2-nonce");
	StringInfoData data;

	if (nonce == NULL)
		return false;
	initStringInfo(&data);
	appendBinaryStringInfo(&data, callback->callback_url,
						   (int) strcspn(callback->callback_url, "?#"));
	appendStringInfoString(&data, nonce);
	return plivo_signed(callback, bytes_of(&data),
						header(callback, "x-plivo-signature-v2")) ||
		   plivo_signed(callback, bytes_of(&data),
						header(callback, "x-plivo-signature-ma-v2"));
}

/* The sorted query, decoded, and the sorted fields of the body behind a dot. */
static bool
plivo_v3_signed(const GaCallback *callback)
{
	const char *nonce = header(callback, "x-plivo-signature-v3-nonce");
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
		append(&data, query.list[i].name);
		appendStringInfoChar(&data, '=');
		append(&data, query.list[i].value);
	}
	if (form.count > 0)
		appendStringInfoChar(&data, query.count > 0 ? '.' : '?');
	for (int i = 0; i < form.count; i++)
	{
		append(&data, form.list[i].name);
		append(&data, form.list[i].value);
	}
	appendStringInfo(&data, ".%s", nonce);
	return plivo_signed(callback, bytes_of(&data),
						header(callback, "x-plivo-signature-v3")) ||
		   plivo_signed(callback, bytes_of(&data),
						header(callback, "x-plivo-signature-ma-v3"));
}

/* https://docs.plivo.com/docs/messaging/concepts/signature-validation */
static GaSignatureVerdict
check_plivo(const GaCallback *callback)
{
	if (callback->callback_url == NULL || callback->json != NULL)
		return GA_SIGNATURE_BAD;
	if (plivo_v3_signed(callback))
		return GA_SIGNATURE_GOOD;
	return plivo_v2_signed(callback) ? GA_SIGNATURE_PARTLY : GA_SIGNATURE_BAD;
}

/* ---- providers of mail -------------------------------------------------- */

/* Digits alone: what is signed behind the time must not pass for a part of it. */
static bool
is_recent(const GaCallback *callback, const char *timestamp, int64 tolerance)
{
	size_t length = timestamp ? strlen(timestamp) : 0;
	int64 at;

	if (length == 0 || length > 12 || strspn(timestamp, "0123456789") != length)
		return false;
	at = strtoll(timestamp, NULL, 10);
	return at >= callback->now - tolerance && at <= callback->now + tolerance;
}

static const char *
member(Jsonb *object, const char *name)
{
	JsonbValue value;

	if (getKeyJsonValueFromContainer(&object->root, "signature", 9, &value) ==
			NULL ||
		value.type != jbvBinary ||
		!JsonContainerIsObject(value.val.binary.data) ||
		getKeyJsonValueFromContainer(value.val.binary.data, name,
									 (int) strlen(name), &value) == NULL)
		return NULL;
	return ga_soft_json_text(&value);
}

/*
 * Covers a time and a token, not the event: so a token is taken once only,
 * which the digest of the receipt sees to (GaReceiptEvent.nonce), kept whatever
 * the event is about.
 */
static GaSignatureVerdict
check_mailgun(const GaCallback *callback)
{
	Jsonb *body = callback->json;
	bool is_object = body != NULL && JB_ROOT_IS_OBJECT(body);
	const char *timestamp = is_object ? member(body, "timestamp") : NULL;
	const char *token = is_object ? member(body, "token") : NULL;
	const char *signature = is_object ? member(body, "signature") : NULL;
	GaDigest digest;

	if (timestamp == NULL || token == NULL || signature == NULL)
		return GA_SIGNATURE_BAD;
	digest = ga_digest_hmac(PG_SHA256, ga_bytes(callback->secret),
							ga_bytes(psprintf("%s%s", timestamp, token)));
	return verdict(ga_digest_is_hex(&digest, ga_bytes(signature)) &&
				   is_recent(callback, timestamp, MAILGUN_TOLERANCE_S));
}

/*
 * Covers a time and the body.  Repetitions may come for a day; an event that is
 * kept is known as a replay, so what is older than those is refused.
 *
 * https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/
 * getting-started-event-webhook-security-features
 */
static GaSignatureVerdict
check_sendgrid(const GaCallback *callback)
{
	const char *signature =
		header(callback, "x-twilio-email-event-webhook-signature");
	const char *timestamp =
		header(callback, "x-twilio-email-event-webhook-timestamp");
	StringInfoData data;

	if (signature == NULL ||
		!is_recent(callback, timestamp,
				   (int64) ga_settings.receipts_retention * 60))
		return GA_SIGNATURE_BAD;
	initStringInfo(&data);
	appendStringInfoString(&data, timestamp);
	append(&data, callback->body);
	return verdict(ga_public_key_verify(callback->secret, bytes_of(&data),
										ga_bytes(signature)));
}

/* "whsec_" and base64, as Svix hands it out. */
static GaBytes
svix_key(const char *secret)
{
	GaBytes text = ga_bytes(secret);
	uint8 *key = palloc(text.length + 1);
	int length;

	if (strncmp(secret, "whsec_", 6) == 0)
		text = ga_bytes(secret + 6);
	length = ga_base64_decode(text, key, (int) text.length);
	return (GaBytes){(char *) key, (size_t) Max(length, 0)};
}

static const char *
svix_header(const GaCallback *callback, const char *name)
{
	const char *value = header(callback, psprintf("svix-%s", name));

	return value ? value : header(callback, psprintf("webhook-%s", name));
}

/* https://docs.svix.com/receiving/verifying-payloads/how-manual */
static GaSignatureVerdict
check_svix(const GaCallback *callback)
{
	const char *id = svix_header(callback, "id");
	const char *timestamp = svix_header(callback, "timestamp");
	const char *signatures = svix_header(callback, "signature");
	GaBytes key = svix_key(callback->secret);
	StringInfoData data;
	GaDigest digest;

	if (id == NULL || timestamp == NULL || signatures == NULL ||
		key.length == 0 || !is_recent(callback, timestamp, SVIX_TOLERANCE_S))
		return GA_SIGNATURE_BAD;
	initStringInfo(&data);
	appendStringInfo(&data, "%s.%s.", id, timestamp);
	append(&data, callback->body);
	digest = ga_digest_hmac(PG_SHA256, key, bytes_of(&data));
	while (*signatures)
	{
		size_t length = strcspn(signatures, " ");

		if (length > 3 && strncmp(signatures, "v1,", 3) == 0 &&
			ga_digest_is_base64(&digest, (GaBytes){signatures + 3, length - 3}))
			return GA_SIGNATURE_GOOD;
		signatures += length;
		signatures += strspn(signatures, " ");
	}
	return GA_SIGNATURE_BAD;
}

/* ---- the table ---------------------------------------------------------- */

static const struct
{
	const char *kind;
	GaSignatureCheck check;
	bool uses_password; /* the account's own token signs */
	bool counts_once;	/* it does not cover the event */
} schemes[] = {
	{"twilio", check_twilio, true, false},
	{"vonage", check_vonage, false, false},
	{"vonage_messages", check_vonage_messages, false, false},
	{"messagebird", check_messagebird, false, false},
	{"plivo", check_plivo, true, false},
	{"mailgun", check_mailgun, false, true},
	{"sendgrid", check_sendgrid, false, false},
	{"resend", check_svix, false, false},
};

bool
ga_signature_uses_password(const char *kind)
{
	for (int i = 0; i < lengthof(schemes); i++)
		if (strcmp(schemes[i].kind, kind) == 0)
			return schemes[i].uses_password;
	return false;
}

bool
ga_signature_counts_once(const GaCallback *callback)
{
	for (int i = 0; i < lengthof(schemes); i++)
		if (strcmp(schemes[i].kind, callback->kind) == 0)
			return callback->secret != NULL && schemes[i].counts_once;
	return false;
}

GaSignatureVerdict
ga_signature_check(const GaCallback *callback)
{
	for (int i = 0; i < lengthof(schemes); i++)
		if (strcmp(schemes[i].kind, callback->kind) == 0)
			return callback->secret ? schemes[i].check(callback)
									: GA_SIGNATURE_NONE;
	return GA_SIGNATURE_NONE;
}
