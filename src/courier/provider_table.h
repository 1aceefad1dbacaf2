/*
 * provider_table.h
 *		What each HTTP provider is told and how it answers, as data.
 *
 * A row needs no code of its own; http.c reads it.
 */
#ifndef GA_COURIER_PROVIDER_TABLE_H
#define GA_COURIER_PROVIDER_TABLE_H

#include <stdint.h>

#include "base/wire.h"

typedef enum GaHttpAuth
{
	GA_AUTH_NONE,
	GA_AUTH_BASIC,	/* username and password of the mapping */
	GA_AUTH_BEARER, /* bearer_token of the mapping */
	GA_AUTH_OPTION	/* bearer_token when given, else basic when given */
} GaHttpAuth;

/* One error code of a provider; flags and retry as in GaVerdict. */
typedef struct GaHttpCode
{
	const char *code;
	GaOutcomeClass outcome;
	uint32_t flags;
	int64_t retry_after_ms; /* -1 = none */
} GaHttpCode;

/* A member that is NULL is taken from the provider's option of that name. */
typedef struct GaHttpRow
{
	const char *kind;
	const char *method;
	const char *url;	 /* a template; the host is constant */
	const char *body;	 /* json, form or query */
	const char *fields;	 /* JSON object of templates */
	const char *headers; /* likewise; "{}" = none */
	GaHttpAuth auth;
	const char *default_username; /* option used when username is not given */
	const char *idempotency;	  /* header that carries the key; "" = none */
	int64_t validity_max;		  /* seconds {validity} is cut to; 0 = any */
	const char *success;		  /* statuses and path=value conditions */
	const char *id_path;
	const char *code_path;
	const char *text_path;
	const GaHttpCode *codes; /* ends with a NULL code; may be NULL */
} GaHttpRow;

/* NULL: no such kind. */
extern const GaHttpRow *ga_provider_table_find(const char *kind);

/* NULL: the row does not know this code. */
extern const GaHttpCode *ga_provider_table_code(const GaHttpRow *row,
												const char *code);

#endif /* GA_COURIER_PROVIDER_TABLE_H */
