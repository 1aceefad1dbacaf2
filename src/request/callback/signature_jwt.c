/*
 * signature_jwt.c
 *		The signatures that are JSON Web Tokens (RFC 7519): Vonage Messages, MessageBird.
 *
 * What each of them keeps to stands in signature.h.
 */
#include "postgres.h"

#include "base/digest.h"
#include "request/callback/callback.h"
#include "request/callback/signature.h"
#include "request/soft_json.h"

/* What two clocks may differ in, as the SDKs of MessageBird have it. */
#define LEEWAY_S 5

static Jsonb *
jwt_part(const char *text, size_t length)
{
	uint8 *bytes = palloc(length + 1);
	int size =
		ga_digest_decode_base64((GaBytes){text, length}, bytes, (int) length);
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
GaSignatureVerdict
ga_signature_check_vonage_messages(const GaCallback *callback)
{
	/* A gateway with tokens of its own passes it under another name. */
	const char *value = ga_callback_header(callback, "x-receipt-authorization");
	Jsonb *claims;

	if (value == NULL)
		value = ga_callback_header(callback, "authorization");
	if (value == NULL || pg_strncasecmp(value, "Bearer ", 7) != 0)
		return GA_SIGNATURE_BAD;
	claims = jwt_open(callback, value + 7);
	return ga_signature_verdict(
		claims != NULL &&
		claim_is_hash(claims, "payload_hash", callback->body, false));
}

/* https://developers.messagebird.com, "Verifying HTTP requests" */
GaSignatureVerdict
ga_signature_check_messagebird(const GaCallback *callback)
{
	const char *token =
		ga_callback_header(callback, "messagebird-signature-jwt");
	Jsonb *claims = token ? jwt_open(callback, token) : NULL;
	const char *issuer = claims ? claim(claims, "iss") : NULL;

	return ga_signature_verdict(
		issuer != NULL && strcmp(issuer, "MessageBird") == 0 &&
		callback->callback_url != NULL && claim(claims, "jti") != NULL &&
		claim_is_hash(claims, "url_hash",
					  ga_bytes(ga_callback_received_url(callback)), false) &&
		claim_is_hash(claims, "payload_hash", callback->body,
					  callback->body.length == 0));
}
