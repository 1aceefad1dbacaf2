/*
 * pauses.c
 *		Providers that are left alone, on the record.
 *
 * A pause lasts until an operator resumes the provider or changes its settings; a
 * rest, which a quota or a long Retry-After asks for, also ends by its time.  Both
 * count here at once and are recorded afterwards, in the table `pauses`: that
 * outlives the process and the server, health() and the view of providers read it,
 * and resume() takes the row away.
 *
 * Locks: the record is written only when nobody's open transaction pauses or
 * resumes (ga_provider_lock_pauses()); else a second later.
 */
#include "postgres.h"

#include "dispatch/clock.h"
#include "dispatch/own_slot.h"
#include "dispatch/provider/pauses.h"
#include "dispatch/work.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Before pauses are recorded that somebody's transaction is in the way of. */
#define RETRY_MS 1000

/* A shorter rest is over before anybody has read of it. */
#define WORTH_TELLING_MS 10000

static GaMonotonic not_before = GA_MONOTONIC_NEVER; /* never: none to record */

static void
forget_unrecorded(GaProvider *provider)
{
	if (provider->unrecorded != NULL)
		pfree(provider->unrecorded);
	provider->unrecorded = NULL;
}

static void
note(GaProvider *provider, TimestampTz until, const char *reason)
{
	forget_unrecorded(provider);
	provider->unrecorded = MemoryContextStrdup(
		TopMemoryContext, reason ? reason : "no reason given");
	provider->unrecorded_until = until;
	not_before = ga_monotonic_now();
}

void
ga_pauses_begin(GaProvider *provider, const char *reason)
{
	if (provider->is_paused)
		return;
	provider->is_paused = true;
	note(provider, 0, reason);
	ereport(WARNING,
			(errmsg("provider \"%s\" of group_api is paused", provider->server),
			 errdetail_internal("%s", provider->unrecorded),
			 errhint("Correct it with ALTER SERVER or ALTER USER MAPPING; or "
					 "SELECT group_api.resume('%s');",
					 provider->server)));
}

void
ga_pauses_hear_rest(GaProvider *provider, GaMonotonic rested_until,
					GaMonotonic now, const char *reason)
{
	if (provider->rest_until == rested_until || provider->is_paused ||
		provider->rest_until - now < WORTH_TELLING_MS * 1000)
		return;
	provider->rest_is_told = true;
	note(provider, ga_clock_date(provider->rest_until), reason);
	ereport(LOG, (errmsg("provider \"%s\" of group_api rests until %s",
						 provider->server,
						 timestamptz_to_str(provider->unrecorded_until)),
				  errdetail_internal("%s", provider->unrecorded)));
}

void
ga_pauses_end_outdated(GaProviderRow *rows, int count)
{
	bool locked = false;

	for (int i = 0; i < count; i++)
	{
		GaProviderRow *row = &rows[i];

		if (!row->paused_by_dispatcher || row->paused_for == NULL ||
			strcmp(row->paused_for, row->fingerprint) == 0)
			continue;
		row->is_paused = false;
		row->rest_until = 0;
		locked = locked || ga_provider_lock_pauses();
		/* Somebody's open transaction is in the way: later. */
		if (locked)
			ga_provider_resume(row->server);
		else
			not_before = ga_monotonic_in_ms(RETRY_MS);
	}
}

bool
ga_pauses_record(GaMonotonic now, bool outdated)
{
	ListCell *cell;
	bool locked;

	if (not_before > now || !ga_work_begin(GA_STEP_PAUSE))
		return false;
	/* Of a provider that was resumed meanwhile nothing is to be recorded.  Who resumes
	 * tells it before his lock is released. */
	locked = !outdated && ga_provider_lock_pauses() &&
			 pg_atomic_read_u32(&ga_own_slot->reload) == 0;
	if (locked)
		foreach (cell, ga_providers)
		{
			GaProvider *provider = lfirst(cell);

			if (provider->unrecorded != NULL && !provider->gone)
				ga_provider_pause(provider->server, true, provider->fingerprint,
								  provider->unrecorded_until,
								  provider->unrecorded);
		}
	ga_work_end();
	not_before = locked ? GA_MONOTONIC_NEVER : now + RETRY_MS * 1000;
	if (!locked)
		return false;
	foreach (cell, ga_providers)
		forget_unrecorded(lfirst(cell));
	/* What an outdated pause left on the record goes with this. */
	return true;
}

GaMonotonic
ga_pauses_next_turn(void)
{
	return Max(not_before, ga_work_not_before(GA_STEP_PAUSE));
}

bool
ga_pauses_are_waiting(void)
{
	ListCell *cell;

	foreach (cell, ga_providers)
		if (((const GaProvider *) lfirst(cell))->unrecorded != NULL)
			return true;
	return false;
}
