/*
 * consumer_store.c
 *		Events that consumers ask for: handing them out and hearing what was done.
 *
 * What waits for a consumer stands in event_deliveries, one row an event.  Taking one
 * moves its date into the future, so that it is handed to nobody else until the lease
 * ends; acknowledging removes it.  Whoever takes and acknowledges in one transaction
 * needs no lease: until its end the rows are locked, and others skip them.
 *
 * A consumer's role is its oid, and in another cluster, after a dump and a restore, the
 * role of that name, until adopt() ties it to the oid there; after pg_upgrade it is the
 * oid still (as store/role_store).
 *
 * Locks: rows of consumers and event_deliveries; only taking skips those that
 * others hold.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "base/extension.h"
#include "catalog/pg_type.h"
#include "store/events/consumer_store.h"
#include "store/events/event_document.h"
#include "store/events/webhook_store.h"
#include "store/installation_store.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/timestamp.h"

bool
ga_consumer_exists(const char *name)
{
	static GaPlan plan = {
		.sql = "SELECT FROM group_api_private.consumers WHERE name = $1",
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	Datum values[1] = {CStringGetTextDatum(name)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) > 0;
}

static bool
find_consumer(const char *name, int64 former_cluster)
{
	static GaPlan plan = {
		.sql = "SELECT coalesce(r.rolname, c.role)::text, r.oid,"
			   " c.role_cluster NOT IN ($2, $3)"
			   " FROM group_api_private.consumers c"
			   " LEFT JOIN pg_catalog.pg_roles r ON CASE"
			   "   WHEN c.role_cluster IN ($2, $3) THEN r.oid = c.role_oid"
			   "   ELSE r.rolname = c.role END"
			   " WHERE c.name = $1",
		.nargs = 3,
		.argtypes = {TEXTOID, INT8OID, INT8OID},
	};
	Datum values[3] = {CStringGetTextDatum(name),
					   Int64GetDatum((int64) GetSystemIdentifier()),
					   Int64GetDatum(former_cluster)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) > 0;
}

bool
ga_consumer_find(const GaOwnerScope *scope, const char *name,
				 GaConsumerRole *role)
{
	Datum value;
	bool isnull;

	if (!find_consumer(name, 0))
		return false;
	/* Its role is one of another cluster, which pg_upgrade may have moved here. */
	if (ga_row_bool(0, 3, false) &&
		!find_consumer(name, ga_installation_former_cluster()))
		return false;
	role->name = ga_row_text(scope, 0, 1);
	value = ga_row_datum(0, 2, &isnull);
	role->oid = isnull ? InvalidOid : DatumGetObjectId(value);
	return true;
}

bool
ga_consumer_create(const char *name, GaEventTypes types, bool contacts,
				   Oid role)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.consumers"
			   "  (name, types, contacts, role, role_oid, role_cluster)"
			   " SELECT $1, $2, $3, r.rolname, r.oid,"
			   "  CASE WHEN r.oid IS NOT NULL THEN $5 END"
			   " FROM (VALUES ($4)) AS v (role)"
			   " LEFT JOIN pg_catalog.pg_roles r ON r.oid = v.role"
			   " ON CONFLICT (name) DO NOTHING",
		.nargs = 5,
		.argtypes = {TEXTOID, INT4OID, BOOLOID, OIDOID, INT8OID},
	};
	Datum values[5] = {CStringGetTextDatum(name), Int32GetDatum((int32) types),
					   BoolGetDatum(contacts), ObjectIdGetDatum(role),
					   Int64GetDatum((int64) GetSystemIdentifier())};

	if (ga_plan_run(&plan, values, NULL, SPI_OK_INSERT) == 0)
		return false;
	CacheInvalidateRelcacheByRelid(ga_extension_table("consumers"));
	return true;
}

void
ga_consumers_follow_upgrade(int64 former_cluster)
{
	static GaPlan plan = {
		.sql = "WITH old AS MATERIALIZED (SELECT c.ctid AS at"
			   "  FROM group_api_private.consumers c"
			   "  WHERE c.role_cluster = $1 FOR UPDATE SKIP LOCKED)"
			   " UPDATE group_api_private.consumers c SET role_cluster = $2"
			   " FROM old WHERE c.ctid = old.at",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	Datum values[2] = {Int64GetDatum(former_cluster),
					   Int64GetDatum((int64) GetSystemIdentifier())};

	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
}

void
ga_consumers_adopt(void)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.consumers c"
			   " SET role_cluster = $1, role_oid = r.oid"
			   " FROM pg_catalog.pg_roles r"
			   " WHERE c.role = r.rolname AND c.role_cluster <> $1",
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	Datum values[1] = {Int64GetDatum((int64) GetSystemIdentifier())};

	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
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
	ga_webhooks_forget_contacts();
	return true;
}

int
ga_consumer_take(const GaOwnerScope *scope, const char *name, int limit,
				 int lease, GaConsumedEvent **events)
{
	static GaPlan plan = {
		.sql = "WITH taken AS (UPDATE group_api_private.event_deliveries"
			   "  SET due = $4 + $3 * interval '1 ms',"
			   "   tries = least(tries + 1, 32767)"
			   "  WHERE ctid = ANY (ARRAY(SELECT d.ctid"
			   "   FROM group_api_private.event_deliveries d"
			   "   WHERE d.listener = $1 AND d.due <= $4"
			   "   ORDER BY d.due, d.event LIMIT $2"
			   "   FOR NO KEY UPDATE SKIP LOCKED))"
			   "  RETURNING event)"
			   " SELECT e.id, e.uid, e.type, e.at,"
			   "  " GA_EVENT_DOCUMENT(
				   "e", "c.contacts",
				   "$1") " FROM taken t JOIN LATERAL"
						 "   (SELECT * FROM group_api_private.events e"
						 "     WHERE e.id = t.event OFFSET 0) e ON true"
						 "  JOIN group_api_private.consumers c ON c.name = $1"
						 " ORDER BY e.id",
		.nargs = 4,
		.argtypes = {TEXTOID, INT4OID, INT4OID, TIMESTAMPTZOID},
	};
	Datum values[4] = {CStringGetTextDatum(name), Int32GetDatum(limit),
					   Int32GetDatum(lease),
					   TimestampTzGetDatum(GetCurrentTimestamp())};
	int count = (int) ga_plan_run_by_keys(&plan, values, SPI_OK_SELECT);
	bool isnull;

	*events = MemoryContextAlloc(scope->caller_context,
								 sizeof(GaConsumedEvent) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		GaConsumedEvent *event = &(*events)[i];

		event->id = ga_row_int64(i, 1, 0);
		event->uid = *DatumGetUUIDP(ga_row_datum(i, 2, &isnull));
		event->type = ga_row_text(scope, i, 3);
		event->at = ga_row_int64(i, 4, 0);
		event->document = ga_row_text(scope, i, 5);
	}
	return count;
}

int64
ga_consumer_ack(const char *name, Datum ids)
{
	static GaPlan plan = {
		/* OFFSET 0: each by its key, however many wait for the consumer. */
		.sql =
			"DELETE FROM group_api_private.event_deliveries"
			" WHERE ctid = ANY (ARRAY(SELECT r.at"
			"  FROM (SELECT DISTINCT unnest($2) AS id) k, LATERAL"
			"   (SELECT d.ctid AS at FROM group_api_private.event_deliveries d"
			"     WHERE d.event = k.id AND d.listener = $1"
			"     OFFSET 0 FOR UPDATE) r))",
		.nargs = 2,
		.argtypes = {TEXTOID, INT8ARRAYOID},
	};
	Datum values[2] = {CStringGetTextDatum(name), ids};

	return (int64) ga_plan_run_by_keys(&plan, values, SPI_OK_DELETE);
}
