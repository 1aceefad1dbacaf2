/*
 * provider_table.h
 *		What each HTTP provider is told and how it answers, as data.
 *
 * A row needs no code of its own; http.c reads it.
 */
#ifndef GA_COURIER_PROVIDER_TABLE_H
#define GA_COURIER_PROVIDER_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/shared/wire.h"

typedef enum GaHttpAuth
{
	GA_AUTH_NONE,
	GA_AUTH_BASIC,	  /* username and password of the mapping */
	GA_AUTH_TEMPLATE, /* the row's fields or headers hold {password} */
	GA_AUTH_AWS,	  /* AWS Signature Version 4: access key and secret */
	GA_AUTH_OPTION	  /* bearer_token when given, else basic when given */
} GaHttpAuth;

/* One error code of a provider; flags and retry as in GaVerdict. */
typedef struct GaHttpCode
{
	const char *code; /* the provider's, what it is about, or "http 413" */
	GaOutcomeClass outcome;
	uint32_t flags;
	int64_t retry_after_ms; /* -1 = none */
} GaHttpCode;

/* Where the state of one message is asked for, by GET. */
typedef struct GaHttpPoll
{
	const char *url; /* a template; NULL: this kind cannot be asked */
	const char *status_path;
	const char *code_path;
	const char *text_path; /* "" = none */
} GaHttpPoll;

/* A member that is NULL is taken from the provider's option of that name; those
 * after `codes` have no option, NULL and 0 mean none. */
typedef struct GaHttpRow
{
	const char *kind;
	const char *method;
	const char *url;	 /* a template; the host holds options at most */
	const char *body;	 /* json, form or query */
	const char *fields;	 /* JSON object of templates */
	const char *headers; /* likewise; "{}" = none */
	GaHttpAuth auth;
	const char *default_username; /* option used when username is not given */
	const char *idempotency;	  /* header that carries the key; "" = none */
	int64_t validity_min;		  /* seconds {validity} is raised to */
	int64_t validity_max;		  /* seconds {validity} is cut to; 0 = any */
	const char *success;		  /* statuses and path=value conditions */
	const char *id_path;
	const char *code_path;
	const char *text_path;
	const GaHttpCode *codes; /* ends with a NULL code */

	const char *username;	 /* the same for every account */
	const char *aws_service; /* for GA_AUTH_AWS */
	bool answers_xml;		 /* paths are names of elements */
	const char *id_header;	 /* carries the id instead of the answer */
	const char *code_header; /* likewise the code */
	const char *code_good;	 /* code of the parts that went well */
	char code_after;		 /* the code begins after the last of these */
	char code_before;		 /* and ends before the first of these */
	const char *about_path;	 /* what is wrong, when no code tells: a field */
	GaHttpPoll poll;
} GaHttpRow;

/* NULL: no such kind. */
extern const GaHttpRow *ga_provider_table_find(const char *kind);

/* NULL: the row does not know this code. */
extern const GaHttpCode *ga_provider_table_code(const GaHttpRow *row,
												const char *code);

#endif /* GA_COURIER_PROVIDER_TABLE_H */
