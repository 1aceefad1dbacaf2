/*
 * callback.h
 *		A provider's callback as it came over HTTP, and what it may prove.
 */
#ifndef GA_REQUEST_CALLBACK_CALLBACK_H
#define GA_REQUEST_CALLBACK_CALLBACK_H

#include "postgres.h"

#include "request/form_fields.h"

/* A header by its name in lower case; NULL: none. */
typedef const char *(*GaHeaderLookup)(void *headers, const char *name);

typedef struct GaCallback
{
	/* the provider */
	const char *kind;
	const char *callback_url; /* NULL: none */
	const char *secret; /* what its signature is checked with; NULL: none */
	/* the request */
	GaBytes body;
	const char *query; /* as it came, without the question mark */
	const char *method;
	GaHeaderLookup header;
	void *headers;
	int64 now; /* seconds since 1970 */
	/* what ga_callback_open() makes of it */
	GaFormFields query_fields;
	GaFormFields form; /* of the body, when it is none of JSON */
	Jsonb *json;	   /* of the body; NULL: it is none */
} GaCallback;

/* Fills the last part. */
extern void ga_callback_open(GaCallback *callback);

/* The value of one of the query's fields; NULL: none, or no text. */
extern const char *ga_callback_query(const GaCallback *callback,
									 const char *name);

/* Whether such bytes can be a text of the database. */
extern bool ga_bytes_are_text(GaBytes bytes);

/* As much of them as can. */
extern char *ga_bytes_beginning(GaBytes bytes);

/* ---- request/callback/signature.c ------------------------------------------------ */

typedef enum GaSignatureVerdict
{
	GA_SIGNATURE_NONE,	 /* the provider does not sign, or no secret is there */
	GA_SIGNATURE_GOOD,	 /* it covers the event */
	GA_SIGNATURE_PARTLY, /* good, and the event is not covered by it */
	GA_SIGNATURE_BAD	 /* wrong, missing or too old */
} GaSignatureVerdict;

extern GaSignatureVerdict ga_signature_check(const GaCallback *callback);

/* Whether a good signature proves one event only, whichever comes first. */
extern bool ga_signature_counts_once(const GaCallback *callback);

/* Whether the account's password signs, where no other secret is told. */
extern bool ga_signature_uses_password(const char *kind);

/* ---- request/callback/receipt_reader.c ------------------------------------------- */

/* One event.  Texts are UTF-8 without control characters; NULL: not told. */
typedef struct GaReceiptEvent
{
	const char *reference; /* our key of the message */
	const char *message_id;
	const char *word; /* never NULL; may be refined: "Bounce/Permanent/x" */
	const char *code;
	const char *text;
	const char *time;
	const char *nonce; /* what the provider uses once only */
	/* It is no receipt but a message that came in: whose, and what it says. */
	const char *sender;
	const char *said;
	GaBytes raw;
} GaReceiptEvent;

extern bool ga_receipt_kind_is_known(const char *kind);

/* Whether the parts of a long message have ids and receipts of their own. */
extern bool ga_receipt_tells_each_part(const char *kind);

/* Returns how many; 0: the body cannot be read. */
extern int ga_receipt_read(const GaCallback *callback, GaReceiptEvent **events);

#endif /* GA_REQUEST_CALLBACK_CALLBACK_H */
