/*
 * provider_options.h
 *		Which options a provider takes: one table for the validator of CREATE
 *		SERVER (in PostgreSQL) and for the courier that obeys them.
 *
 * Pure C: no PostgreSQL header.
 */
#ifndef GA_BASE_SHARED_PROVIDER_OPTIONS_H
#define GA_BASE_SHARED_PROVIDER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* RFC 5321 4.5.3.1.1 allows 64 left of the @: a plus sign and a token of 40
 * follow (base/link_token.h). */
#define GA_BOUNCE_NAME_MAX 23

/* What the key of a webhook begins with (Standard Webhooks 1.0). */
#define GA_SIGNING_KEY_PREFIX "whsec_"

typedef enum GaOptionType
{
	GA_OPTION_TEXT,	   /* any text without control characters */
	GA_OPTION_URL,	   /* absolute URL; schemes in `choices` */
	GA_OPTION_MAILBOX, /* addr-spec or Name <addr-spec> */
	GA_OPTION_INTEGER, /* min..max */
	GA_OPTION_NUMBER,  /* decimal, min..max */
	GA_OPTION_BOOLEAN, /* true | false */
	GA_OPTION_CHOICE,  /* one of `choices`, separated by | */
	GA_OPTION_JSON,	   /* a JSON object */
	GA_OPTION_KEY,	   /* a public key: ECDSA P-256, base64 */
	GA_OPTION_EVENTS,  /* names of events (base/shared/event_type) */
	GA_OPTION_SIGNING, /* a key of Standard Webhooks: whsec_ and base64 */
	GA_OPTION_FILE	   /* absolute path */
} GaOptionType;

/* Where an option is written. */
#define GA_OPTION_ON_SERVER 0x01
#define GA_OPTION_ON_MAPPING 0x02 /* user mapping: secrets live here */
#define GA_OPTION_REQUIRED 0x04	  /* CREATE SERVER fails without it */
#define GA_OPTION_SECRET 0x08	  /* the value is never shown or logged */
/* Reads the server's files or its network: asks for pg_read_server_files. */
#define GA_OPTION_PRIVILEGED 0x10

typedef struct GaProviderOption
{
	const char *name;
	const char *kinds; /* "*", or kinds and groups: "capture +request" */
	GaOptionType type;
	int flags;
	double min;
	double max;
	const char *choices;
	const char *fallback; /* default as written, NULL = none */
	const char *help;	  /* one sentence for documents and errors */
} GaProviderOption;

/* Ends with an entry whose name is NULL. */
extern const GaProviderOption ga_provider_options[];

/* NULL: no such option for this kind at this place (flags, one of _ON_). */
extern const GaProviderOption *
ga_provider_option_find(const char *kind, const char *name, int place);
extern bool ga_provider_option_is_for(const GaProviderOption *option,
									  const char *kind, int place);

/*
 * Whether `value` is one the option takes.  false: `complaint` says why, as a
 * clause without the option's name ("must be a whole number from 1 to 64").
 * A secret is never repeated in it.
 */
extern bool ga_provider_option_check(const GaProviderOption *option,
									 const char *value, char *complaint,
									 size_t size);

/* Whether this value needs the right that the flag tells of. */
extern bool ga_provider_option_asks_right(const GaProviderOption *option,
										  const char *value);

/*
 * What no single option can tell: a kind that needs one of two options, or two
 * that exclude each other.  `lookup` answers the value as written or NULL.
 * false: `complaint` is a whole sentence.  With `place` _ON_SERVER only the
 * server's own options are judged, with _ON_MAPPING only the mapping's.
 */
typedef const char *(*GaOptionLookup)(void *context, const char *name);
extern bool ga_provider_options_agree(const char *kind, int place,
									  GaOptionLookup lookup, void *context,
									  char *complaint, size_t size);

#endif /* GA_BASE_SHARED_PROVIDER_OPTIONS_H */
