/*
 * webhook_signature.h
 *		Signing what a webhook is told, as Standard Webhooks 1.0 has it
 *		(https://www.standardwebhooks.com).
 */
#ifndef GA_COURIER_HTTP_WEBHOOK_SIGNATURE_H
#define GA_COURIER_HTTP_WEBHOOK_SIGNATURE_H

#include <stdbool.h>

#define GA_SIGNING_KEY_MAX 64 /* bytes */

/* The key of today and, while receivers change over, that of before. */
typedef struct GaSigningKeys
{
	int count;
	struct _GHmac *prepared[2]; /* GLib's, to be copied for each event */
} GaSigningKeys;

/* "v1," and base64 of 32 bytes, for each key, with blanks between. */
#define GA_SIGNATURE_MAX 100

/* Adds "whsec_" and base64.  false: it is not written so. */
extern bool ga_webhook_add_key(GaSigningKeys *keys, const char *secret);
extern void ga_webhook_forget_keys(GaSigningKeys *keys);

/* Writes the value of the header webhook-signature. */
extern void ga_webhook_sign(const GaSigningKeys *keys, const char *id,
							const char *timestamp, const char *body,
							char signature[GA_SIGNATURE_MAX]);

#endif /* GA_COURIER_HTTP_WEBHOOK_SIGNATURE_H */
