/*
 * provider_table.h
 *		The kinds of providers: which options each takes, what an HTTP provider is
 *		told and where its answer tells success, the id and the code, as data.
 *
 * One table for the validator of CREATE SERVER (in PostgreSQL) and for the
 * courier.  A row needs no code of its own: courier/http reads it.
 *
 * Pure C: no PostgreSQL header, no allocation.
 */
#ifndef GA_BASE_SHARED_PROVIDER_TABLE_H
#define GA_BASE_SHARED_PROVIDER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/shared/provider_codes.h"

typedef enum GaHttpAuth
{
	GA_AUTH_NONE,
	GA_AUTH_BASIC,	  /* username and password of the mapping */
	GA_AUTH_TEMPLATE, /* the row's fields or headers hold {password} */
	GA_AUTH_AWS,	  /* AWS Signature Version 4: access key and secret */
	GA_AUTH_OPTION,	  /* bearer_token when given, else basic when given */
	GA_AUTH_SIGNATURE /* the body is signed: Standard Webhooks */
} GaHttpAuth;

/* Where the state of one message is asked for, by GET. */
typedef struct GaHttpPoll
{
	const char *url; /* a template; NULL: this kind cannot be asked */
	const char *status_path;
	const char *code_path;
	const char *text_path; /* "" = none */
} GaHttpPoll;

/*
 * A kind.  `takes` has the groups of options that its servers and mappings take
 * besides those of every kind and those that name it (provider_options.c), with a
 * blank between: the channel ("email" or "sms"), "request" (it is spoken to by
 * HTTP), and options that not every kind has.
 *
 * A member behind it that is NULL is taken from the provider's option of that name;
 * those after `codes` have no option, NULL and 0 mean none.
 */
typedef struct GaHttpRow
{
	const char *kind; /* the wrapper is named group_api_<kind> */
	const char *takes;
	const char *method;
	const char *url;	 /* a template; the host holds options at most */
	const char *body;	 /* json, form, query; raw: the text as it is */
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

/* The kinds in the order of the table; NULL: `at` is behind the last one. */
extern const GaHttpRow *ga_provider_table_at(size_t at);

/* NULL: the row does not know this code. */
extern const GaHttpCode *ga_provider_table_code(const GaHttpRow *row,
												const char *code);

#endif /* GA_BASE_SHARED_PROVIDER_TABLE_H */
