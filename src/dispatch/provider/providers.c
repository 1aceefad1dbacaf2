/*
 * providers.c
 *		Windows, rates and rests.  No SQL, no network.
 *
 * Window: how much may be in flight follows the speed: it doubles while the
 * provider empties it within FAST_WINDOW_MS and halves when that takes longer than
 * SLOW_WINDOW_MS, down to one message a connection.  So a fast gateway is kept busy,
 * and what is queued last waits for less than a second's worth that was claimed
 * before it.  Rest: after FAULTS_TO_REST faults in a row nothing is sent for a growing
 * time, then one message probes.
 */
#include "postgres.h"

#include "base/guc.h"
#include "base/provider_config.h"
#include "catalog/pg_type.h"
#include "dispatch/clock.h"
#include "dispatch/provider/providers.h"
#include "dispatch/reading.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define FAULTS_TO_REST 5
#define FIRST_REST_MS 1000
#define LONGEST_REST_MS 60000
#define LONGEST_RETRY_AFTER_MS (INT64CONST(24) * 3600 * 1000)
#define FAST_WINDOW_MS 200
#define SLOW_WINDOW_MS 500

List *ga_providers = NIL;

static GaChannel
channel_of(const GaProviderRow *row)
{
	GaProviderConfig config = ga_provider_row_config(row);

	return ga_provider_channel(&config);
}

static int
integer_setting(const GaProviderRow *row, const char *name, int fallback)
{
	const char *value = ga_provider_row_setting(row, name);

	return value ? atoi(value) : fallback;
}

/* As a literal part of a LIKE pattern. */
static char *
escape_like(const char *text)
{
	char *out = palloc(2 * strlen(text) + 1);
	char *to = out;

	for (; *text; text++)
	{
		if (*text == '%' || *text == '_' || *text == '\\')
			*to++ = '\\';
		*to++ = *text;
	}
	*to = '\0';
	return out;
}

static List *
split_prefixes(const char *value)
{
	List *prefixes = NIL;
	char *copy;
	char *state;

	if (value == NULL)
		return NIL;
	copy = pstrdup(value);
	for (char *item = strtok_r(copy, ", ", &state); item != NULL;
		 item = strtok_r(NULL, ", ", &state))
		prefixes = lappend(prefixes, escape_like(item));
	return prefixes;
}

GaProvider *
ga_provider_named(const char *server)
{
	ListCell *cell;

	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);

		if (strcmp(provider->server, server) == 0)
			return provider;
	}
	return NULL;
}

static GaProvider *
new_provider(const char *server)
{
	GaProvider *provider = palloc0(sizeof(GaProvider));

	provider->server = pstrdup(server);
	provider->reading.read_to = GA_START_TAG_MIN;
	provider->routed_anew = true;
	provider->counters = ga_counters_take(server);
	ga_reading_begin_anew(provider);
	ga_providers = lappend(ga_providers, provider);
	return provider;
}

static int
narrowest_window(const GaProvider *provider)
{
	return Min(provider->max_connections, ga_settings.max_in_flight);
}

/* Whoever resumes a provider has put it right: what it said before is over. */
static void
take_pause(GaProvider *provider, const GaProviderRow *row)
{
	bool was_paused = provider->is_paused;

	provider->is_paused = row->is_paused || (provider->unrecorded != NULL &&
											 provider->unrecorded_until == 0);
	if (was_paused && !provider->is_paused)
		memset(&provider->evidence, 0, sizeof(provider->evidence));
	/* What is known here is measured better than a date. */
	if (row->rest_until != 0 && !provider->rest_is_told)
	{
		provider->rest_until = ga_clock_when(row->rest_until);
		provider->rest_is_told = true;
	}
	else if (row->rest_until == 0 && provider->rest_is_told &&
			 provider->unrecorded == NULL && !ga_clock_is_unfollowed())
	{
		/* It was ended before its time. */
		if (provider->rest_until > ga_monotonic_now())
			provider->faults = 0;
		provider->rest_until = 0;
		provider->rest_is_told = false;
	}
}

/* In TopMemoryContext; a handful of strings for each change of settings. */
static void
configure(GaProvider *provider, const GaProviderRow *row)
{
	const char *callback_url = ga_provider_row_setting(row, "callback_url");
	const char *policy = ga_provider_row_setting(row, "on_uncertain");
	const char *rate = ga_provider_row_setting(row, "rate");
	const char *polls = ga_provider_row_setting(row, "poll");
	const char *contacts = ga_provider_row_setting(row, "contacts");
	bool changed = provider->fingerprint == NULL ||
				   strcmp(provider->fingerprint, row->fingerprint) != 0;

	provider->gone = false;
	if (changed)
		provider->unrecorded = NULL;
	take_pause(provider, row);
	if (!changed)
		return;
	memset(&provider->evidence, 0, sizeof(provider->evidence));
	provider->fingerprint = pstrdup(row->fingerprint);
	provider->kind = pstrdup(row->kind);
	provider->callback_url = callback_url ? pstrdup(callback_url) : NULL;
	provider->channel = channel_of(row);
	provider->priority = integer_setting(row, "priority", 100);
	provider->max_connections =
		Max(integer_setting(row, "max_connections", 8), 1);
	provider->rate = rate ? strtod(rate, NULL) : 0;
	provider->hold_uncertain = policy && strcmp(policy, "hold") == 0;
	provider->polls = polls && strcmp(polls, "true") == 0;
	provider->tells_contacts = contacts && strcmp(contacts, "true") == 0;
	provider->prefixes =
		split_prefixes(ga_provider_row_setting(row, "prefixes"));
	provider->window = narrowest_window(provider);
	provider->tokens = 1;
	provider->faults = 0;
	provider->unreachable = false;
	provider->rest_until =
		row->rest_until == 0 ? 0 : ga_clock_when(row->rest_until);
	provider->rest_is_told = row->rest_until != 0;
}

void
ga_provider_tell_load(const GaProvider *provider)
{
	ga_counters_note_load(provider->counters, provider->in_flight,
						  provider->window, provider->rest_until);
}

static bool
is_known(const char *server)
{
	return ga_provider_named(server) != NULL;
}

/*
 * Whoever resumes one that fails, or rests, wants it to be tried at once.  A pause or rest
 * that is not on the record yet ends as well: it began before.
 */
static void
take_resumed(GaProvider *provider)
{
	if (!ga_counters_take_resumed(provider->counters))
		return;
	provider->faults = 0;
	provider->unreachable = false;
	provider->unrecorded = NULL;
	if (!provider->rest_is_told)
		provider->rest_until = 0;
}

static void
drop_gone(void)
{
	ListCell *cell;

	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);

		if (provider->gone && provider->in_flight == 0)
			ga_providers = foreach_delete_current(ga_providers, cell);
	}
}

void
ga_providers_load(const GaProviderRow *rows, int count, StringInfo json)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	ListCell *cell;

	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);

		provider->gone = true;
		provider->was_usable = false; /* routes are made anew */
	}
	for (int i = 0; i < count; i++)
	{
		GaProvider *provider = ga_provider_named(rows[i].server);

		if (provider == NULL)
			provider = new_provider(rows[i].server);
		take_resumed(provider);
		configure(provider, &rows[i]);
	}
	drop_gone();
	ga_counters_keep(is_known);
	MemoryContextSwitchTo(old);
	foreach (cell, ga_providers)
		ga_provider_tell_load(lfirst(cell));

	appendStringInfoString(json, "{\"providers\":[");
	for (int i = 0; i < count; i++)
	{
		GaProviderConfig config = ga_provider_row_config(&rows[i]);

		if (i > 0)
			appendStringInfoChar(json, ',');
		ga_provider_config_put(json, &config);
	}
	appendStringInfoString(json, "]}");
}

Datum
ga_providers_that_hold(void)
{
	const char **names =
		palloc(sizeof(char *) * Max(list_length(ga_providers), 1));
	ListCell *cell;
	int count = 0;

	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);

		if (provider->hold_uncertain)
			names[count++] = provider->server;
	}
	return ga_row_text_array(names, count);
}

bool
ga_provider_is_usable(const GaProvider *provider, GaMonotonic now)
{
	return !provider->gone && !provider->is_paused &&
		   provider->rest_until <= now;
}

/* Whether a provider without a fault takes whatever this one takes. */
static bool
has_standby(const GaProvider *provider, GaMonotonic now)
{
	ListCell *cell;

	foreach (cell, ga_providers)
	{
		GaProvider *other = lfirst(cell);

		if (other != provider && other->channel == provider->channel &&
			!ga_provider_is_webhook(other) && other->prefixes == NIL &&
			other->faults == 0 && ga_provider_is_usable(other, now))
			return true;
	}
	return false;
}

/*
 * After a rest one message shows whether it is over.  One that cannot be reached
 * at all is not asked five times while another one is well.
 */
static bool
is_probed(const GaProvider *provider, GaMonotonic now)
{
	return provider->faults >= FAULTS_TO_REST ||
		   (provider->unreachable && has_standby(provider, now));
}

bool
ga_provider_leads(const GaProvider *provider, GaMonotonic now)
{
	return ga_provider_is_usable(provider, now) && !is_probed(provider, now);
}

static void
refill_tokens(GaProvider *provider, GaMonotonic now)
{
	/* A tenth of a second's worth may be sent at once. */
	double burst = Max(1.0, provider->rate / 10);

	if (provider->tokens_at != 0)
		provider->tokens +=
			provider->rate * (now - provider->tokens_at) / USECS_PER_SEC;
	provider->tokens = Min(provider->tokens, burst);
	provider->tokens_at = now;
}

static GaMonotonic
next_token(const GaProvider *provider)
{
	return provider->tokens_at +
		   (int64) ((1 - provider->tokens) / provider->rate * USECS_PER_SEC) +
		   1;
}

/* The others are left to messages. */
static int
connections_for_questions(const GaProvider *provider)
{
	return Max(provider->max_connections / 2, 1);
}

int
ga_provider_question_room(const GaProvider *provider)
{
	int room = connections_for_questions(provider) - provider->questions;

	return provider->rate > 0 ? Min(room, (int) provider->tokens) : room;
}

GaMonotonic
ga_provider_next_question(GaProvider *provider, GaMonotonic now)
{
	/* With as many under way as may be, an outcome will tell. */
	if (!provider->polls || provider->gone || provider->is_paused ||
		connections_for_questions(provider) <= provider->questions)
		return GA_MONOTONIC_NEVER;
	if (provider->rest_until > now)
		return provider->rest_until;
	if (provider->rate > 0)
	{
		refill_tokens(provider, now);
		if (provider->tokens < 1)
			return next_token(provider);
	}
	return now;
}

/*
 * Questions are few at a time and take no message's place; nor do those that wait
 * to be tried alone.
 */
static int
others_in_flight(const GaProvider *provider)
{
	return provider->in_flight - provider->questions - provider->suspects;
}

int
ga_provider_capacity(GaProvider *provider, GaMonotonic now)
{
	int sending = others_in_flight(provider);
	int room = Min(provider->window - sending,
				   ga_settings.max_in_flight - sending - provider->suspects);

	if (!ga_provider_is_usable(provider, now) || provider->has_nothing ||
		room <= 0)
		return 0;
	if (is_probed(provider, now))
		return sending > 0 ? 0 : 1;
	if (provider->rate > 0)
	{
		refill_tokens(provider, now);
		/* An SMS of several segments may have taken more than there were. */
		return Max(Min(room, (int) provider->tokens), 0);
	}
	/* Few large claims cost less than many small ones; with none to spare each
	 * connection that is free is used at once. */
	if (sending > 0 && room < provider->window / 4 &&
		provider->window > provider->max_connections)
		return 0;
	return room;
}

GaMonotonic
ga_provider_next_turn(GaProvider *provider, GaMonotonic now)
{
	if (provider->gone || provider->is_paused || provider->has_nothing)
		return GA_MONOTONIC_NEVER;
	if (provider->rest_until > now)
		return provider->rest_until;
	if (!ga_reading_has_more(provider))
		return ga_reading_next_turn(provider);
	/* With room left, at once; with a full window an outcome will tell. */
	return ga_provider_next_room(provider, now);
}

static void
follow_speed(GaProvider *provider, GaMonotonic now)
{
	int64 emptied_ms;

	if (provider->filled_at == 0 || provider->finished == 0)
		return;
	emptied_ms = (now - provider->filled_at) / 1000 * provider->window /
				 provider->finished;
	if (emptied_ms < FAST_WINDOW_MS)
		provider->window = Min(provider->window * 2, ga_settings.max_in_flight);
	else if (emptied_ms > SLOW_WINDOW_MS)
		provider->window =
			Max(provider->window / 2, narrowest_window(provider));
}

static void
note_taken(GaProvider *provider, int count, int limit, GaMonotonic now)
{
	if (count < limit)
		return;
	follow_speed(provider, now);
	provider->filled_at = now;
	provider->finished = 0;
}

void
ga_provider_took(GaProvider *provider, int count, int limit, GaMonotonic now)
{
	provider->in_flight += count;
	if (count < limit)
		provider->filled_at = 0;
	note_taken(provider, count, limit, now);
	ga_provider_tell_load(provider);
}

GaMonotonic
ga_provider_next_room(GaProvider *provider, GaMonotonic now)
{
	if (provider->rest_until > now)
		return provider->rest_until;
	if (provider->rate > 0 && provider->tokens < 1 &&
		others_in_flight(provider) < provider->window)
		return next_token(provider);
	return ga_provider_capacity(provider, now) > 0 ? now : GA_MONOTONIC_NEVER;
}

void
ga_provider_claimed(GaProvider *provider, const GaQueueScan *scan, int count,
					int limit, GaMonotonic now)
{
	provider->in_flight += count;
	if (!ga_reading_claimed(provider, scan, count))
		provider->filled_at = 0;
	else
		note_taken(provider, count, limit, now);
	ga_provider_tell_load(provider);
}

void
ga_provider_sent(GaProvider *provider, int weight)
{
	if (provider->rate > 0)
		provider->tokens -= weight;
}

static void
take_a_rest(GaProvider *provider, GaMonotonic now)
{
	int rests = Max(0, Min(provider->faults - FAULTS_TO_REST, 10));
	int64 ms = Min((int64) FIRST_REST_MS << rests, LONGEST_REST_MS);

	provider->rest_until = Max(provider->rest_until, now + ms * 1000);
}

void
ga_provider_finished(GaProvider *provider, const GaOutcomeFrame *outcome,
					 GaMonotonic now)
{
	provider->in_flight--;
	provider->finished++;
	if ((outcome->flags & GA_OUTCOME_PROVIDER_FAULT) == 0)
	{
		provider->faults = 0;
		provider->unreachable = false;
		return;
	}
	/* What was under way when the rest began is no further fault. */
	if (provider->rest_until > now)
		return;
	if (outcome->retry_after_ms > 0)
		provider->rest_until = Max(
			provider->rest_until,
			now + Min(outcome->retry_after_ms, LONGEST_RETRY_AFTER_MS) * 1000);
	if (provider->faults < 1000)
		provider->faults++;
	provider->unreachable = (outcome->flags & GA_OUTCOME_UNREACHED) != 0;
	if (is_probed(provider, now))
		take_a_rest(provider, now);
}

bool
ga_provider_gives_way(const GaProvider *provider, GaMonotonic now)
{
	return provider->unreachable && provider->rest_until > now &&
		   has_standby(provider, now);
}
