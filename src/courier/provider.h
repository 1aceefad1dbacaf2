/*
 * provider.h
 *		One configured account at a relay or gateway, ready for use.
 *
 * Built from the dispatcher's configuration and immutable afterwards, so that
 * threads share it without a lock.
 */
#ifndef GA_COURIER_PROVIDER_H
#define GA_COURIER_PROVIDER_H

#include <curl/curl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "courier/job.h"
#include "courier/outcome.h"
#include "courier/secrets.h"
#include "courier/text.h"
#include "courier/transfers.h"

typedef struct GaCourierProvider GaCourierProvider;

/* How the providers of one or more kinds work. */
typedef struct GaTransport
{
	const char *kind; /* NULL: every kind with a row in the provider table */
	/* Builds provider->plan.  false: `complaint` says what is wrong. */
	bool (*prepare)(GaCourierProvider *provider, char *complaint, size_t size);
	void (*release)(void *plan);
	/* A connection and its buffers; `transfers`: where it will be run. */
	void *(*open)(const GaCourierProvider *provider, GaTransfers *transfers);
	void (*close)(void *sender);
	/* Sets the transfer of a message up, or of the question how the message job->poll
	 * fares.  false: there is none to be run, the outcome is known. */
	bool (*begin)(void *sender, const GaCourierJob *job, GaOutcome *outcome);
	/* After the transfer.  false: it is to be run once more. */
	bool (*end)(void *sender, const GaCourierJob *job, CURLcode result,
				GaOutcome *outcome);
	/* Where the transfer is set up; may be another one for the next. */
	CURL *(*handle)(void *sender);
	/* Whether the next transfer can go over an open connection; NULL: it may take long
	 * to begin one in any case. */
	bool (*is_connected)(void *sender);
	bool answers_questions;
	/* NULL: the handle is run by whoever began.  Otherwise it runs the transfer itself,
	 * and takes as long as the network takes: in a thread of its own
	 * (courier/performer), with no `transfers`. */
	CURLcode (*perform)(void *sender);
	/* The message as it leaves: a MIME message, or the text of an SMS. */
	bool (*compose)(const GaCourierProvider *provider, const GaCourierJob *job,
					GaText *out, char *complaint, size_t size);
} GaTransport;

struct GaCourierProvider
{
	char *name;
	const char *kind;			  /* of provider_table.h; NULL: unknown */
	const GaTransport *transport; /* NULL: unknown kind */
	GaChannel channel;
	char *fault;	/* not NULL: no message can be sent, and why */
	char **values;	/* as written, by row of ga_provider_options */
	char *password; /* from the mapping or from password_file */
	GaSecrets secrets;
	long timeout; /* seconds */
	long connect_timeout;
	int max_connections;
	bool allow_private;
	/* A superuser wrote the URL: a private address in it is meant. */
	bool literal_is_meant;
	bool host_is_literal;  /* set by prepare from the URL in use */
	bool host_is_loopback; /* likewise */
	void *plan;
};

/*
 * Never NULL: what is wrong with the configuration becomes the fault of the
 * provider, and later the outcome of its messages.
 */
extern GaCourierProvider *ga_provider_open(const json_t *config);
extern void ga_provider_close(GaCourierProvider *provider);

/* The value in force: as written or the default; NULL when there is none. */
extern const char *ga_provider_option(const GaCourierProvider *provider,
									  const char *name);
/* As above for templates: never a secret. */
extern const char *ga_provider_lookup(const void *provider, const char *name);
/* As above where a template may name {password}. */
extern const char *ga_provider_lookup_secret(const void *provider,
											 const char *name);

/*
 * Parses the URL messages are sent to, notes what kind of host it names.
 * false: `complaint`.  `scheme` may be NULL.
 */
extern bool ga_provider_inspect_url(GaCourierProvider *provider,
									const char *url, char *scheme,
									size_t scheme_size, char *complaint,
									size_t size);

/* One connection to the provider, for one message at a time. */
typedef struct GaSender GaSender;

/* Whether the next transfer can go over an open connection. */
extern bool ga_provider_is_connected(const GaSender *sender);

/* Whether its transfers are run by ga_provider_perform(). */
extern bool ga_provider_blocks(const GaCourierProvider *provider);
/* Whether others come first on busy processors: a relay's threads are many, and nobody waits
 * for a webhook's events. */
extern bool ga_provider_has_low_priority(const GaCourierProvider *provider);
/* `transfers`: where its transfers will be run; NULL: by themselves. */
extern GaSender *ga_provider_open_sender(const GaCourierProvider *provider,
										 GaTransfers *transfers);
/* Waits for nobody. */
extern void ga_provider_close_sender(GaSender *sender);
/*
 * Sets the transfer of a message up.  false: there is none to be run, and `outcome`
 * is filled.
 */
extern bool ga_provider_begin(GaSender *sender, const GaCourierJob *job,
							  GaOutcome *outcome);
/* The handle to be run; NULL: libcurl has none, which is CURLE_FAILED_INIT. */
extern CURL *ga_provider_handle(GaSender *sender);
/* Runs the transfer that was set up; takes as long as the network takes. */
extern CURLcode ga_provider_perform(GaSender *sender);
/*
 * Fills `outcome` after the transfer ended with that result.  false: what its handle
 * is now is to be run once more.
 */
extern bool ga_provider_end(GaSender *sender, const GaCourierJob *job,
							CURLcode result, GaOutcome *outcome);
/* All of that; takes as long as the network takes. */
extern void ga_provider_deliver(GaSender *sender, const GaCourierJob *job,
								GaOutcome *outcome);

/* false: the message cannot be sent by this provider; `complaint` says why. */
extern bool ga_provider_compose(const GaCourierProvider *provider,
								const GaCourierJob *job, GaText *out,
								char *complaint, size_t size);

#endif /* GA_COURIER_PROVIDER_H */
