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
 * Locks: none.
 *
 * Must never: read a table while nothing has changed.
 */
#include "postgres.h"

#include "base/extension.h"
#include "base/guc.h"
#include "catalog/pg_type.h"
#include "store/events/listener_store.h"
#include "store/plan_cache.h"
#include "store/provider_store.h"
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
	GaEventTypes webhook_types;
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
	cache.list = NULL;
	cache.count = 0;
	cache.types = cache.webhook_types = 0;
	cache.consumers = ga_extension_table("consumers");
}

static void
add_listener(uint64 row, GaEventTypes types, bool contacts)
{
	GaListener *listener = &cache.list[cache.count++];
	bool isnull;

	listener->name = MemoryContextStrdup(
		cache.context, TextDatumGetCString(ga_row_datum(row, 1, &isnull)));
	listener->types = types;
	listener->contacts = contacts;
	cache.types |= types;
}

static void
make_room(uint64 count)
{
	size_t size = sizeof(GaListener) * (cache.count + count + 1);

	cache.list = cache.list == NULL ? MemoryContextAlloc(cache.context, size)
									: repalloc(cache.list, size);
}

static void
read_consumers(void)
{
	static GaPlan plan = {
		.sql = "SELECT name, types, contacts FROM group_api_private.consumers"
			   " ORDER BY name",
	};
	uint64 count = ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT);

	make_room(count);
	for (uint64 i = 0; i < count; i++)
		add_listener(i, (GaEventTypes) ga_row_int32(i, 2, 0),
					 ga_row_bool(i, 3, false));
}

/* The validator has seen their options; what it does not know yet is no event. */
static void
read_webhooks(void)
{
	static GaPlan plan = {
		.sql = "SELECT s.srvname::text, coalesce((SELECT o.option_value"
			   "   FROM pg_options_to_table(s.srvoptions) o"
			   "   WHERE o.option_name = 'events'), '*'),"
			   " EXISTS (SELECT FROM pg_options_to_table(s.srvoptions) o"
			   "  WHERE o.option_name = 'contacts'"
			   "   AND o.option_value = 'true')"
			   " FROM pg_foreign_server s"
			   " JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw"
			   " WHERE " GA_IS_WEBHOOK " ORDER BY s.srvname",
	};
	uint64 count = ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT);

	make_room(count);
	for (uint64 i = 0; i < count; i++)
	{
		bool isnull;
		char *list = TextDatumGetCString(ga_row_datum(i, 2, &isnull));
		GaEventTypes types;
		const char *wrong;
		size_t length;

		if (ga_event_types_read(list, &types, &wrong, &length))
		{
			add_listener(i, types, ga_row_bool(i, 3, false));
			cache.webhook_types |= types;
		}
	}
}

static void
read_listeners(void)
{
	begin_cache();
	/* What changes while this reads is to be read again. */
	cache.is_known = true;
	read_consumers();
	read_webhooks();
}

const GaListener *
ga_listeners(int *count, GaEventTypes *types)
{
	if (!cache.is_known)
	{
		/* Of the statement before, which the caller may still be reading. */
		SPITupleTable *rows = SPI_tuptable;
		uint64 processed = SPI_processed;

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
		SPI_tuptable = rows;
		SPI_processed = processed;
	}
	*count = cache.count;
	*types = cache.types;
	return cache.list;
}

bool
ga_listeners_may_be(void)
{
	return !cache.is_known || cache.types != 0 || ga_settings.notify;
}

GaEventTypes
ga_listeners_webhook_types(void)
{
	return cache.webhook_types;
}

GaEventTypes
ga_listener_types(const char *name)
{
	GaEventTypes all;
	int count;
	const GaListener *listeners = ga_listeners(&count, &all);

	for (int i = 0; i < count; i++)
		if (strcmp(listeners[i].name, name) == 0)
			return listeners[i].types;
	return 0;
}
