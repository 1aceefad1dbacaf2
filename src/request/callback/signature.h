/*
 * signature.h
 *		Whether a callback was signed by the provider it says, one function a
 *		scheme.
 *
 * Each scheme follows the provider's own SDK (test/peers/receipt_signatures.pl
 * compares).  Every comparison of a signature takes the same time whichever byte
 * is wrong.  None throws for what a stranger sends, and none lets a secret out.
 * All are called with a secret, by ga_callback_prove() alone.
 */
#ifndef GA_REQUEST_CALLBACK_SIGNATURE_H
#define GA_REQUEST_CALLBACK_SIGNATURE_H

#include "postgres.h"

struct GaCallback;

typedef enum GaSignatureVerdict
{
	GA_SIGNATURE_NONE,	 /* the provider does not sign, or no secret is there */
	GA_SIGNATURE_GOOD,	 /* it covers the event */
	GA_SIGNATURE_PARTLY, /* good, and the event is not covered by it */
	GA_SIGNATURE_BAD	 /* wrong, missing or too old */
} GaSignatureVerdict;

typedef GaSignatureVerdict GaSignatureCheck(const struct GaCallback *callback);

/* request/callback/signature_form.c: an address and the fields of a form */
extern GaSignatureCheck ga_signature_check_twilio;
extern GaSignatureCheck ga_signature_check_vonage;
extern GaSignatureCheck ga_signature_check_plivo;

/* request/callback/signature_jwt.c: JSON Web Tokens */
extern GaSignatureCheck ga_signature_check_vonage_messages;
extern GaSignatureCheck ga_signature_check_messagebird;

/* request/callback/signature_mail.c: a time, and a token or the body */
extern GaSignatureCheck ga_signature_check_mailgun;
extern GaSignatureCheck ga_signature_check_sendgrid;
extern GaSignatureCheck ga_signature_check_svix;

/* GOOD or BAD. */
static inline GaSignatureVerdict
ga_signature_verdict(bool is_good)
{
	return is_good ? GA_SIGNATURE_GOOD : GA_SIGNATURE_BAD;
}

#endif /* GA_REQUEST_CALLBACK_SIGNATURE_H */
