/*
 * provider.c
 *		One configured account, and the door every message goes through.
 *
 * Secrets live in the provider alone (libcurl copies them into its handles)
 * and are overwritten when it is closed.  No message, outcome or log line may
 * hold one: ga_provider_deliver is the last place to see to that.
 */
#include "base/shared/monotonic.h"
#include "courier/provider.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/shared/peer_address.h"
#include "base/shared/provider_options.h"
#include "base/shared/secret_file.h"
#include "courier/capture.h"
#include "courier/http/http.h"
#include "base/shared/provider_table.h"
#include "courier/memory.h"
#include "courier/smtp/smtp.h"

static const GaTransport *
find_transport(const char *kind)
{
	if (strcmp(kind, ga_smtp_transport.kind) == 0)
		return &ga_smtp_transport;
	if (strcmp(kind, ga_capture_transport.kind) == 0)
		return &ga_capture_transport;
	return &ga_http_transport;
}

static void
choose_kind(GaCourierProvider *provider, const char *kind)
{
	const GaHttpRow *row = ga_provider_table_find(kind);

	if (row == NULL)
		return;
	provider->kind = row->kind;
	provider->transport = find_transport(kind);
}

#define EITHER_PLACE (GA_OPTION_ON_SERVER | GA_OPTION_ON_MAPPING)

static size_t
count_options(void)
{
	size_t count = 0;

	while (ga_provider_options[count].name)
		count++;
	return count;
}

/* A closed list for json_unpack would not tell which option is wrong. */
static bool
read_option(GaCourierProvider *provider, const char *kind, const char *name,
			const json_t *value, char *complaint, size_t size)
{
	const GaProviderOption *option =
		ga_provider_option_find(kind, name, EITHER_PLACE);
	char rule[256];

	if (option == NULL)
		snprintf(complaint, size, "%s has no option \"%.60s\"", kind, name);
	else if (!json_is_string(value))
		snprintf(complaint, size, "option \"%s\" must be a string", name);
	else if (!ga_provider_option_check(option, json_string_value(value), rule,
									   sizeof(rule)))
		snprintf(complaint, size, "option \"%s\" %s", name, rule);
	else
	{
		char **place = &provider->values[option - ga_provider_options];

		*place = ga_memory_strdup(json_string_value(value));
		return true;
	}
	return false;
}

static bool
find_required(const GaCourierProvider *provider, const char *kind,
			  char *complaint, size_t size)
{
	for (const GaProviderOption *option = ga_provider_options; option->name;
		 option++)
		if ((option->flags & GA_OPTION_REQUIRED) &&
			ga_provider_option_is_for(option, kind, EITHER_PLACE) &&
			provider->values[option - ga_provider_options] == NULL)
		{
			snprintf(complaint, size, "option \"%s\" is missing", option->name);
			return false;
		}
	return true;
}

const char *
ga_provider_option(const GaCourierProvider *provider, const char *name)
{
	const GaProviderOption *option =
		ga_provider_option_find(provider->kind, name, EITHER_PLACE);
	const char *value;

	if (option == NULL)
		return NULL;
	value = provider->values[option - ga_provider_options];
	return value ? value : option->fallback;
}

/*
 * What any template may name.  The password is not among it: only templates of places
 * that are meant for it are compiled with ga_provider_lookup_secret().
 */
const char *
ga_provider_lookup(const void *context, const char *name)
{
	const GaCourierProvider *provider = context;
	const GaProviderOption *option =
		ga_provider_option_find(provider->kind, name, EITHER_PLACE);
	const char *value;

	if (option == NULL || (option->flags & GA_OPTION_SECRET) ||
		option->type == GA_OPTION_JSON)
		return NULL;
	value = ga_provider_option(provider, name);
	return value ? value : "";
}

const char *
ga_provider_lookup_secret(const void *context, const char *name)
{
	const GaCourierProvider *provider = context;

	if (strcmp(name, "password") == 0)
		return provider->password ? provider->password : "";
	return ga_provider_lookup(context, name);
}

static const char *
lookup_written(void *context, const char *name)
{
	return ga_provider_option(context, name);
}

/*
 * The first line of a file that nobody else may read.  Never names more than
 * the path in its complaint.
 */
static bool
read_password_file(GaCourierProvider *provider, const char *option,
				   const char *path, char *complaint, size_t size)
{
	char line[1024];

	switch (ga_secret_file_read(path, line, sizeof(line)))
	{
		case GA_SECRET_FILE_READ:
			provider->password = ga_memory_strdup(line);
			break;
		case GA_SECRET_FILE_UNREADABLE:
			snprintf(complaint, size, "%s \"%s\" cannot be read: %s", option,
					 path, strerror(errno));
			break;
		case GA_SECRET_FILE_OPEN:
			snprintf(complaint, size,
					 "%s \"%s\" must be a regular file that only "
					 "its owner may read (chmod 600)",
					 option, path);
			break;
		case GA_SECRET_FILE_EMPTY:
			snprintf(complaint, size, "%s \"%s\" is empty", option, path);
			break;
	}
	explicit_bzero(line, sizeof(line));
	return provider->password != NULL;
}

static bool
read_common(GaCourierProvider *provider, char *complaint, size_t size)
{
	bool signs =
		ga_provider_table_find(provider->kind)->auth == GA_AUTH_SIGNATURE;
	const char *option = signs ? "secret_file" : "password_file";
	const char *file = ga_provider_option(provider, option);
	const char *channel = ga_provider_option(provider, "channel");

	provider->channel = signs ? GA_CHANNEL_NONE
						: channel && strcmp(channel, "MOBILE") == 0
							? GA_CHANNEL_MOBILE
							: GA_CHANNEL_EMAIL;
	provider->timeout = atol(ga_provider_option(provider, "timeout"));
	provider->connect_timeout =
		atol(ga_provider_option(provider, "connect_timeout"));
	provider->max_connections =
		atoi(ga_provider_option(provider, "max_connections"));
	provider->allow_private =
		strcmp(ga_provider_option(provider, "allow_private"), "true") == 0;
	if (file)
		return read_password_file(provider, option, file, complaint, size);
	provider->password = ga_memory_strdup(
		ga_provider_option(provider, signs ? "secret" : "password"));
	return true;
}

/*
 * CREATE SERVER has checked the options.  They are checked again since the courier takes
 * descriptions by hand, too, and since a server may be older than the library.  The
 * first complaint counts.  A provider that has one is opened all the same, and answers
 * each message with it.
 */
static bool
configure(GaCourierProvider *provider, const json_t *config, char *complaint,
		  size_t size)
{
	const char *kind = json_string_value(json_object_get(config, "kind"));
	const char *channel = json_string_value(json_object_get(config, "channel"));
	const char *fault = json_string_value(json_object_get(config, "fault"));
	json_t *options = json_object_get(config, "options");
	const char *name;
	json_t *value;

	/* Whoever describes a provider by hand, as for "send", means it. */
	provider->literal_is_meant =
		!json_is_false(json_object_get(config, "private_literal"));
	if (kind)
		choose_kind(provider, kind);
	if (provider->transport == NULL)
	{
		snprintf(complaint, size, "this courier knows no kind \"%.60s\"",
				 kind ? kind : "");
		return false;
	}
	if (fault)
	{
		snprintf(complaint, size, "%s", fault);
		return false;
	}
	/* The channel may stand beside the options or among them. */
	if (channel && json_object_get(options, "channel") == NULL &&
		!read_option(provider, kind, "channel",
					 json_object_get(config, "channel"), complaint, size))
		return false;
	json_object_foreach(options, name, value)
	{
		if (!read_option(provider, kind, name, value, complaint, size))
			return false;
	}
	return find_required(provider, kind, complaint, size) &&
		   ga_provider_options_agree(kind, EITHER_PLACE, lookup_written,
									 provider, complaint, size) &&
		   read_common(provider, complaint, size) &&
		   provider->transport->prepare(provider, complaint, size);
}

static void
note_secrets(GaCourierProvider *provider)
{
	for (size_t i = 0; i < count_options(); i++)
		if (ga_provider_options[i].flags & GA_OPTION_SECRET)
			ga_secrets_add(&provider->secrets, provider->values[i]);
	/* The password may come from a file. */
	ga_secrets_add(&provider->secrets, provider->password);
}

/*
 * Secrets are noted even where the configuration failed half-way, so that the complaint,
 * which may quote an option, can be cleaned of them.
 */
GaCourierProvider *
ga_provider_open(const json_t *config)
{
	GaCourierProvider *provider = ga_memory_alloc(sizeof(*provider));
	const char *name = json_string_value(json_object_get(config, "name"));
	char complaint[512] = "";

	provider->name = ga_memory_strdup(name ? name : "");
	provider->values = ga_memory_alloc(count_options() * sizeof(char *));
	provider->max_connections = 1;
	if (!configure(provider, config, complaint, sizeof(complaint)))
		provider->fault = ga_memory_strdup(complaint);
	note_secrets(provider);
	if (provider->fault)
		ga_secrets_hide_in(&provider->secrets, provider->fault);
	return provider;
}

void
ga_provider_close(GaCourierProvider *provider)
{
	if (provider->plan)
		provider->transport->release(provider->plan);
	for (size_t i = 0; i < count_options(); i++)
		ga_memory_wipe(provider->values[i]);
	ga_memory_wipe(provider->password);
	ga_secrets_free(&provider->secrets);
	free(provider->values);
	free(provider->fault);
	free(provider->name);
	free(provider);
}

bool
ga_provider_inspect_url(GaCourierProvider *provider, const char *url,
						char *scheme, size_t scheme_size, char *complaint,
						size_t size)
{
	CURLU *parsed = curl_url();
	char *host = NULL;
	char *found = NULL;
	bool good = parsed != NULL &&
				curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
				curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
				curl_url_get(parsed, CURLUPART_SCHEME, &found, 0) == CURLUE_OK;

	if (good)
	{
		provider->host_is_literal = ga_peer_is_literal(host);
		provider->host_is_loopback = ga_peer_is_loopback(host);
		if (scheme)
			snprintf(scheme, scheme_size, "%s", found);
	}
	else
		/* It may hold the password by now. */
		snprintf(complaint, size, "the URL cannot be parsed");
	curl_free(host);
	curl_free(found);
	curl_url_cleanup(parsed);
	return good;
}

struct GaSender
{
	const GaCourierProvider *provider;
	void *state; /* the transport's; NULL when the provider has a fault */
	GaMonotonic began_at;
};

GaSender *
ga_provider_open_sender(const GaCourierProvider *provider,
						GaTransfers *transfers)
{
	GaSender *sender = ga_memory_alloc(sizeof(*sender));

	sender->provider = provider;
	if (provider->fault == NULL)
		sender->state = provider->transport->open(provider, transfers);
	return sender;
}

void
ga_provider_close_sender(GaSender *sender)
{
	if (sender->state)
		sender->provider->transport->close(sender->state);
	free(sender);
}

bool
ga_provider_blocks(const GaCourierProvider *provider)
{
	return provider->fault == NULL && provider->transport->perform != NULL;
}

bool
ga_provider_has_low_priority(const GaCourierProvider *provider)
{
	return ga_provider_blocks(provider) || provider->channel == GA_CHANNEL_NONE;
}

bool
ga_provider_is_connected(const GaSender *sender)
{
	const GaCourierProvider *provider = sender->provider;

	return provider->fault == NULL &&
		   provider->transport->is_connected != NULL &&
		   provider->transport->is_connected(sender->state);
}

CURL *
ga_provider_handle(GaSender *sender)
{
	return sender->provider->transport->handle(sender->state);
}

/* true: the transfer is set up. */
static bool
begin(GaSender *sender, const GaCourierJob *job, GaOutcome *outcome)
{
	const GaCourierProvider *provider = sender->provider;
	char complaint[256];

	if (provider->fault)
		ga_outcome_setf(outcome, GA_OUTCOME_MISCONFIGURED, "provider", "%s",
						provider->fault);
	else if (!ga_job_check(job, provider->channel, complaint,
						   sizeof(complaint)))
		ga_outcome_setf(outcome, GA_OUTCOME_REJECTED, "message", "%s",
						complaint);
	else if (*job->poll && !provider->transport->answers_questions)
		ga_outcome_setf(outcome, GA_OUTCOME_REJECTED, "poll",
						"a provider of kind %s cannot be asked",
						provider->kind);
	else
		return provider->transport->begin(sender->state, job, outcome);
	return false;
}

/* Tokens open doors, and both relays and gateways quote what they refuse. */
static void
hide_secrets(const GaCourierProvider *provider, const GaCourierJob *job,
			 GaOutcome *outcome)
{
	ga_secrets_hide(&provider->secrets, outcome);
	ga_outcome_hide(outcome, job->link);
	ga_outcome_hide(outcome, job->receipt);
	ga_outcome_hide(outcome, job->unsubscribe);
}

static void
finish(const GaSender *sender, const GaCourierJob *job, GaOutcome *outcome)
{
	hide_secrets(sender->provider, job, outcome);
	outcome->elapsed_us = ga_monotonic_now() - sender->began_at;
}

bool
ga_provider_begin(GaSender *sender, const GaCourierJob *job, GaOutcome *outcome)
{
	sender->began_at = ga_monotonic_now();
	ga_outcome_reset(outcome);
	if (begin(sender, job, outcome))
		return true;
	finish(sender, job, outcome);
	return false;
}

bool
ga_provider_end(GaSender *sender, const GaCourierJob *job, CURLcode result,
				GaOutcome *outcome)
{
	ga_outcome_reset(outcome);
	if (!sender->provider->transport->end(sender->state, job, result, outcome))
		return false;
	finish(sender, job, outcome);
	return true;
}

CURLcode
ga_provider_perform(GaSender *sender)
{
	CURL *curl = ga_provider_handle(sender);

	if (curl == NULL)
		return CURLE_FAILED_INIT;
	if (ga_provider_blocks(sender->provider))
		return sender->provider->transport->perform(sender->state);
	return curl_easy_perform(curl);
}

void
ga_provider_deliver(GaSender *sender, const GaCourierJob *job,
					GaOutcome *outcome)
{
	CURLcode result;

	if (!ga_provider_begin(sender, job, outcome))
		return;
	do
	{
		result = ga_provider_perform(sender);
	} while (!ga_provider_end(sender, job, result, outcome));
}

bool
ga_provider_compose(const GaCourierProvider *provider, const GaCourierJob *job,
					GaText *out, char *complaint, size_t size)
{
	if (provider->fault)
	{
		snprintf(complaint, size, "%s", provider->fault);
		return false;
	}
	return ga_job_check(job, provider->channel, complaint, size) &&
		   provider->transport->compose(provider, job, out, complaint, size);
}
