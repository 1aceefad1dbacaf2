/*
 * signature_mail.c
 *		The signatures of providers of mail, over a time and a token or the body.
 *
 * What each of them keeps to stands in signature.h.
 */
#include "postgres.h"

#include "base/digest.h"
#include "base/guc.h"
#include "base/public_key.h"
#include "lib/stringinfo.h"
#include "request/callback/callback.h"
#include "request/callback/signature.h"
#include "request/soft_json.h"

/* Svix signs each repetition anew; its libraries allow five minutes. */
#define SVIX_TOLERANCE_S (5 * 60)
/* Mailgun repeats for eight hours; a token counts once anyway. */
#define MAILGUN_TOLERANCE_S (24 * 60 * 60)

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
GaSignatureVerdict
ga_signature_check_mailgun(const GaCallback *callback)
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
	return ga_signature_verdict(
		ga_digest_is_hex(&digest, ga_bytes(signature)) &&
		is_recent(callback, timestamp, MAILGUN_TOLERANCE_S));
}

/*
 * Covers a time and the body.  Repetitions may come for a day; an event that is
 * kept is known as a replay, so what is older than those is refused.
 *
 * https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/
 * getting-started-event-webhook-security-features
 */
GaSignatureVerdict
ga_signature_check_sendgrid(const GaCallback *callback)
{
	const char *signature =
		ga_callback_header(callback, "x-twilio-email-event-webhook-signature");
	const char *timestamp =
		ga_callback_header(callback, "x-twilio-email-event-webhook-timestamp");
	StringInfoData data;

	if (signature == NULL ||
		!is_recent(callback, timestamp,
				   (int64) ga_settings.receipts_retention * 60))
		return GA_SIGNATURE_BAD;
	initStringInfo(&data);
	appendStringInfoString(&data, timestamp);
	ga_callback_bytes_append(&data, callback->body);
	return ga_signature_verdict(ga_public_key_verify(
		callback->secret, ga_callback_bytes_of(&data), ga_bytes(signature)));
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
	length = ga_digest_decode_base64(text, key, (int) text.length);
	return (GaBytes){(char *) key, (size_t) Max(length, 0)};
}

static const char *
svix_header(const GaCallback *callback, const char *name)
{
	const char *value = ga_callback_header(callback, psprintf("svix-%s", name));

	return value ? value
				 : ga_callback_header(callback, psprintf("webhook-%s", name));
}

/* https://docs.svix.com/receiving/verifying-payloads/how-manual */
GaSignatureVerdict
ga_signature_check_svix(const GaCallback *callback)
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
	ga_callback_bytes_append(&data, callback->body);
	digest = ga_digest_hmac(PG_SHA256, key, ga_callback_bytes_of(&data));
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
