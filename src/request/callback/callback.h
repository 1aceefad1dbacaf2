/*
 * callback.h
 *		A provider's callback as it came over HTTP, and whether it is proved.
 */
#ifndef GA_REQUEST_CALLBACK_CALLBACK_H
#define GA_REQUEST_CALLBACK_CALLBACK_H

#include "postgres.h"

#include "base/link_token.h"
#include "lib/stringinfo.h"
#include "request/callback/callback_kind.h"
#include "request/form_fields.h"

/* A header by its name in lower case; NULL: none. */
typedef const char *(*GaHeaderLookup)(void *headers, const char *name);

typedef struct GaCallback
{
	/* the provider */
	const char *server;
	const GaCallbackKind *kind;
	const char *callback_url; /* NULL: none */
	const char *secret;	 /* what its signature is checked with; NULL: none */
	bool secret_is_lost; /* there is one, and it cannot be read */
	/* the request */
	GaBytes body;
	const char *query; /* as it came, without the question mark */
	GaHeaderLookup header;
	void *headers;
	int64 now; /* seconds since 1970 */
	/* what ga_callback_prove() makes of it */
	GaFormFields query_fields;
	GaFormFields form; /* of the body, when it is none of JSON */
	Jsonb *json;	   /* of the body; NULL: it is none */
} GaCallback;

/* What proves that a callback is honest. */
typedef struct GaCallbackProof
{
	bool is_signed;		 /* by the provider, all of it */
	GaLinkToken message; /* which the token names; member_number 0: none */
} GaCallbackProof;

/*
 * Parses query and body into the last part, and says whether a signature, or else a token, proves the callback; a token that is none
 * of ours disproves it.  `key`: GA_LINK_SECRET_LENGTH bytes that tokens are made
 * with; NULL: there are none.
 */
extern bool ga_callback_prove(GaCallback *callback, const uint8 *key,
							  GaCallbackProof *proof);

/* NULL: none. */
extern const char *ga_callback_header(const GaCallback *callback,
									  const char *name);

/* The value of one of the query's fields; NULL: none, or no text. */
extern const char *ga_callback_query(const GaCallback *callback,
									 const char *name);

/* The address it was sent to, as the provider knows it; palloc'ed. */
extern const char *ga_callback_received_url(const GaCallback *callback);

/* Whether such bytes can be a text of the database. */
extern bool ga_callback_bytes_are_text(GaBytes bytes);

/* As much of them as can. */
extern char *ga_callback_bytes_beginning(GaBytes bytes);

/* The bytes of a buffer, which must live as long as they do. */
extern GaBytes ga_callback_bytes_of(StringInfo text);

extern void ga_callback_bytes_append(StringInfo out, GaBytes bytes);

#endif /* GA_REQUEST_CALLBACK_CALLBACK_H */
