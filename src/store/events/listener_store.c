/*
 * listener_store.c
 *		Who hears of events: consumers, which ask for them, and webhooks.
 *
 * Every change of an invitation asks whether anybody listens, so the answer is kept
 * in the session.  It is forgotten when a foreign server changes, and when
 * ga_consumer_create() or ga_consumer_drop() send an invalidation of the table
 * "consumers", which reaches all sessions at commit.  So a transaction that runs while
 * a listener is created may not tell it yet; what begins later does.
 *
 * Locks: the row of the consumer.
 *
 * Must never: read a table while nothing has changed.
 */
#include "postgres.h"

#include "base/extension.h"
#include "catalog/pg_type.h"
#include "store/events/listener_store.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

static struct
{
	bool is_known;
	Oid consumers; /* the table they were read from */
	MemoryContext context;
	GaListener *list;
	int count;
	GaEventTypes types;
} cache;

static void
forget_servers(Datum arg, int cache_id, uint32 hash)
{
	cache.is_known = false;
}

static void
forget_consumers(Datum arg, Oid relation)
{
	if (!OidIsValid(relation) || relation == cache.consumers)
		cache.is_known = false;
}

static void
begin_cache(void)
{
	if (cache.context == NULL)
	{
		CacheRegisterSyscacheCallback(FOREIGNSERVEROID, forget_servers,
									  (Datum) 0);
		CacheRegisterRelcacheCallback(forget_consumers, (Datum) 0);
		cache.context = AllocSetContextCreate(
			TopMemoryContext, "group_api listeners", ALLOCSET_SMALL_SIZES);
	}
	MemoryContextReset(cache.context);
	cache.count = 0;
	cache.types = 0;
	cache.consumers = ga_extension_table("consumers");
}

static void
read_listeners(void)
{
	static GaPlan plan = {
		.sql = "SELECT name, types FROM group_api_private.consumers"
			   " ORDER BY name",
	};
	bool isnull;

	begin_cache();
	/* What changes while this reads is to be read again. */
	cache.is_known = true;
	cache.count = (int) ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT);
	cache.list = MemoryContextAlloc(cache.context,
									sizeof(GaListener) * Max(cache.count, 1));
	for (int i = 0; i < cache.count; i++)
	{
		GaListener *listener = &cache.list[i];

		listener->name = MemoryContextStrdup(
			cache.context, TextDatumGetCString(ga_row_datum(i, 1, &isnull)));
		listener->types = (GaEventTypes) ga_row_int32(i, 2, 0);
		cache.types |= listener->types;
	}
}

const GaListener *
ga_listeners(int *count, GaEventTypes *types)
{
	if (!cache.is_known)
	{
		PG_TRY();
		{
			read_listeners();
		}
		PG_CATCH();
		{
			cache.is_known = false;
			PG_RE_THROW();
		}
		PG_END_TRY();
	}
	*count = cache.count;
	*types = cache.types;
	return cache.list;
}

bool
ga_consumer_create(const char *name, GaEventTypes types, bool contacts)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.consumers (name, types, contacts)"
			   " VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING",
		.nargs = 3,
		.argtypes = {TEXTOID, INT4OID, BOOLOID},
	};
	Datum values[3] = {CStringGetTextDatum(name), Int32GetDatum((int32) types),
					   BoolGetDatum(contacts)};

	if (ga_plan_run(&plan, values, NULL, SPI_OK_INSERT) == 0)
		return false;
	CacheInvalidateRelcacheByRelid(ga_extension_table("consumers"));
	return true;
}

bool
ga_consumer_drop(const char *name)
{
	static GaPlan drop = {
		.sql = "DELETE FROM group_api_private.consumers WHERE name = $1",
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	static GaPlan forget = {
		.sql = "DELETE FROM group_api_private.event_deliveries"
			   " WHERE listener = $1",
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	Datum values[1] = {CStringGetTextDatum(name)};

	if (ga_plan_run(&drop, values, NULL, SPI_OK_DELETE) == 0)
		return false;
	CacheInvalidateRelcacheByRelid(ga_extension_table("consumers"));
	ga_plan_run(&forget, values, NULL, SPI_OK_DELETE);
	return true;
}
