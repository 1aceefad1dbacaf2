/*
 * connections.c
 *		How many connections each provider was found to allow, for whoever asks.
 *
 * The courier learns it from refusals (courier/pool) and says it with each
 * outcome.  It counts only as long as that courier lives, so it stands in shared
 * memory, in the slot: the dispatcher alone writes it, and only when it changes.
 * Where more providers are narrow than there is room for, some are not told of.
 *
 * Locks: none.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "dispatch/provider/connections.h"
#include "dispatch/own_slot.h"

static uint64
digest_of(const char *server)
{
	uint64 digest = hash_bytes_extended((const unsigned char *) server,
										(int) strlen(server), 0);

	return digest == 0 ? 1 : digest;
}

void
ga_connections_begin(void)
{
	for (int i = 0; i < GA_KEPT_PROVIDERS; i++)
	{
		pg_atomic_write_u32(&ga_own_slot->allowed[i].count, 0);
		pg_atomic_write_u64(&ga_own_slot->allowed[i].server, 0);
	}
}

static GaAllowed *
find(GaSlot *slot, uint64 digest)
{
	for (int i = 0; i < GA_KEPT_PROVIDERS; i++)
		if (pg_atomic_read_u64(&slot->allowed[i].server) == digest)
			return &slot->allowed[i];
	return NULL;
}

void
ga_connections_learn(GaProvider *provider, int count)
{
	uint64 digest = digest_of(provider->server);
	GaAllowed *place;

	if (provider->allowed == count)
		return;
	provider->allowed = count;
	place = find(ga_own_slot, digest);
	if (place == NULL)
		place = find(ga_own_slot, 0);
	if (place == NULL)
		return;
	/* Whoever reads in between finds a provider, or none. */
	if (count == 0)
		pg_atomic_write_u64(&place->server, 0);
	pg_atomic_write_u32(&place->count, (uint32) count);
	if (count != 0)
		pg_atomic_write_u64(&place->server, digest);
}

int
ga_connections_allowed(GaSlot *slot, const char *server)
{
	GaAllowed *place = find(slot, digest_of(server));

	return place == NULL ? 0 : (int) pg_atomic_read_u32(&place->count);
}
