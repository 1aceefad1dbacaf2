/*
 * webhook_signature.c
 *		Signing what a webhook is told, as Standard Webhooks 1.0 has it.
 *
 * What is signed is the event's id, the second in which it is sent and the body,
 * with dots between: who replays an old request is found out by its date, and who
 * changes a byte by the signature.  What the key alone makes of the digest is made once
 * and copied for each event.  Must never: leave a key in memory that is not wiped.
 */
#include "courier/http/webhook_signature.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "base/shared/provider_options.h"

#define DIGEST_LENGTH 32 /* SHA-256 */

bool
ga_webhook_add_key(GaSigningKeys *keys, const char *secret)
{
	size_t prefix = strlen(GA_SIGNING_KEY_PREFIX);
	gsize length = 0;
	guchar *bytes;
	bool is_key;

	if (strncmp(secret, GA_SIGNING_KEY_PREFIX, prefix) != 0)
		return false;
	bytes = g_base64_decode(secret + prefix, &length);
	is_key = bytes && length > 0 && length <= GA_SIGNING_KEY_MAX;
	if (is_key)
		keys->prepared[keys->count++] =
			g_hmac_new(G_CHECKSUM_SHA256, bytes, length);
	if (bytes)
		explicit_bzero(bytes, length);
	g_free(bytes);
	return is_key;
}

void
ga_webhook_forget_keys(GaSigningKeys *keys)
{
	while (keys->count > 0)
		g_hmac_unref(keys->prepared[--keys->count]);
}

static void
sign(const GHmac *prepared, const char *id, const char *timestamp,
	 const char *body, char *out, size_t size)
{
	GHmac *hmac = g_hmac_copy(prepared);
	guint8 digest[DIGEST_LENGTH];
	gsize length = sizeof(digest);
	gchar *encoded;

	g_hmac_update(hmac, (const guchar *) id, (gssize) strlen(id));
	g_hmac_update(hmac, (const guchar *) ".", 1);
	g_hmac_update(hmac, (const guchar *) timestamp, (gssize) strlen(timestamp));
	g_hmac_update(hmac, (const guchar *) ".", 1);
	g_hmac_update(hmac, (const guchar *) body, (gssize) strlen(body));
	g_hmac_get_digest(hmac, digest, &length);
	g_hmac_unref(hmac);
	encoded = g_base64_encode(digest, length);
	snprintf(out, size, "v1,%s", encoded);
	g_free(encoded);
}

void
ga_webhook_sign(const GaSigningKeys *keys, const char *id,
				const char *timestamp, const char *body,
				char signature[GA_SIGNATURE_MAX])
{
	size_t used = 0;

	signature[0] = '\0';
	for (int i = 0; i < keys->count; i++)
	{
		if (used > 0)
			signature[used++] = ' ';
		sign(keys->prepared[i], id, timestamp, body, signature + used,
			 GA_SIGNATURE_MAX - used);
		used = strlen(signature);
	}
}
