/*
 * retire.c
 *		When a dispatcher gives its background worker back.
 *
 * Workers are few (max_worker_processes, group_api.max_dispatchers) and databases
 * may be many.  A dispatcher with nothing to do ends at once where another
 * database waits for one or the data are foreign, else after
 * group_api.dispatcher_idle_timeout.  It says in its slot when it is to be started
 * again; a commit or a change of providers starts it earlier.  One that is busy is
 * asked by the launcher to leave once its turn is over: it claims nothing more,
 * lets what is under way end and records that, so that nothing is sent twice and
 * no try is spent, and goes to the end of the line.
 *
 * What would be forgotten with the process, and must not be, stays in the slot:
 * rests, faults and rates of providers (else a commit would break a Retry-After),
 * and that no row is in flight (else each start would look for such rows).
 *
 * Locks: GaSlots.lock, by way of dispatch/own_slot.
 */
#include "postgres.h"

#include "base/guc.h"
#include "common/hashfn.h"
#include "dispatch/clock.h"
#include "dispatch/courier/couriers.h"
#include "dispatch/provider/providers.h"
#include "dispatch/provider/retire.h"
#include "dispatch/own_slot.h"
#include "utils/timestamp.h"

/* What comes sooner is waited for even while others wait. */
#define SHORT_WAIT_MS 500
/* What comes sooner is waited for rather than started anew. */
#define LONG_WAIT_MS 10000

static bool found_nothing_in_flight;

/* ---- what is kept for the next one --------------------------------------- */

static uint64
digest_of(const GaProvider *provider)
{
	uint64 name = hash_bytes_extended((const unsigned char *) provider->server,
									  (int) strlen(provider->server), 0);
	uint64 digest =
		hash_bytes_extended((const unsigned char *) provider->fingerprint,
							(int) strlen(provider->fingerprint), name);

	return digest == 0 ? 1 : digest;
}

static void
keep_providers(GaMonotonic now)
{
	GaKeptProvider *kept = ga_own_slot->kept.providers;
	ListCell *cell;
	int count = 0;

	memset(kept, 0, sizeof(ga_own_slot->kept.providers));
	foreach (cell, ga_providers)
	{
		const GaProvider *provider = lfirst(cell);

		if (provider->gone || count == GA_KEPT_PROVIDERS ||
			(provider->rate <= 0 && provider->faults == 0 &&
			 provider->rest_until <= now))
			continue;
		kept[count++] = (GaKeptProvider){
			.digest = digest_of(provider),
			.rest_until = provider->rest_until,
			.tokens_at = provider->tokens_at,
			.tokens = provider->tokens,
			.faults = provider->faults,
			.window = provider->window,
			.unreachable = provider->unreachable,
			.rest_is_told = provider->rest_is_told,
		};
	}
}

static void
take_over(GaProvider *provider, const GaKeptProvider *kept)
{
	provider->tokens_at = kept->tokens_at;
	provider->tokens = kept->tokens;
	provider->window = kept->window;
	/* An operator ended its rest meanwhile. */
	if (kept->rest_is_told && !provider->rest_is_told)
		return;
	provider->rest_until = Max(provider->rest_until, kept->rest_until);
	provider->faults = kept->faults;
	provider->unreachable = kept->unreachable;
}

void
ga_retire_init(GaMonotonic *trimmed_at)
{
	GaKept *kept = &ga_own_slot->kept;
	ListCell *cell;

	found_nothing_in_flight = kept->nothing_in_flight;
	*trimmed_at = kept->trimmed_at;
	ga_couriers_take_over(kept->courier_wait_ms);
	foreach (cell, ga_providers)
	{
		uint64 digest = digest_of(lfirst(cell));

		for (int i = 0; i < GA_KEPT_PROVIDERS; i++)
			if (kept->providers[i].digest == digest)
				take_over(lfirst(cell), &kept->providers[i]);
	}
	/* However this process ends, only its own word counts. */
	memset(kept, 0, sizeof(*kept));
}

bool
ga_retire_found_nothing_in_flight(void)
{
	return found_nothing_in_flight;
}

/* ---- the decision -------------------------------------------------------- */

bool
ga_retire_is_asked(void)
{
	return pg_atomic_read_u64(&ga_own_slot->asked_to_leave) != 0;
}

/* Since when there is nothing to do; the launcher reads it as well. */
static GaMonotonic
note_idle(bool is_idle, GaMonotonic now)
{
	GaMonotonic since =
		(GaMonotonic) pg_atomic_read_u64(&ga_own_slot->idle_since);

	if (!is_idle)
		since = 0;
	else if (since == 0)
		since = now;
	pg_atomic_write_u64(&ga_own_slot->idle_since, (uint64) since);
	return since;
}

void
ga_retire_keep(GaMonotonic trimmed_at)
{
	keep_providers(ga_monotonic_now());
	ga_own_slot->kept.clock_offset = ga_clock_offset();
	ga_own_slot->kept.trimmed_at = trimmed_at;
	ga_own_slot->kept.courier_wait_ms = ga_couriers_wait_ms();
}

static void
retire(const GaRetireReport *report, GaMonotonic now)
{
	ga_retire_keep(report->trimmed_at);
	ga_own_slot->kept.nothing_in_flight = !report->leaves_some;
	ga_own_slot_leave_idle(report->wait_ms < 0
							   ? GA_MONOTONIC_NEVER
							   : now + (int64) report->wait_ms * 1000);
}

long
ga_retire_or_wait(const GaRetireReport *report)
{
	GaMonotonic now = ga_monotonic_now();
	long wait_ms = report->wait_ms;
	bool is_idle =
		!report->must_stay && (wait_ms < 0 || wait_ms >= SHORT_WAIT_MS);
	GaMonotonic idle_since = note_idle(is_idle, now);
	GaMonotonic end;

	if (!report->must_stay &&
		(ga_retire_is_asked() ||
		 (is_idle &&
		  (report->is_foreign || pg_atomic_read_u32(&ga_slots->waiting) > 0))))
		retire(report, now);
	if (!is_idle || ga_settings.dispatcher_idle_timeout < 0 ||
		(wait_ms >= 0 && wait_ms < LONG_WAIT_MS))
		return wait_ms;
	end = idle_since +
		  (int64) ga_settings.dispatcher_idle_timeout * USECS_PER_SEC;
	if (now >= end)
		retire(report, now);
	if (wait_ms < 0 || ga_monotonic_ms_between(now, end) < wait_ms)
		wait_ms = ga_monotonic_ms_between(now, end);
	return wait_ms;
}
