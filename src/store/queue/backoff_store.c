/*
 * backoff_store.c
 *		Messages that wait for their next try, found by the index of what is due.
 *
 * Locks: the rows it changes, skipping those that others hold.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/invitation_events.h"
#include "store/plan_cache.h"
#include "store/queue/backoff_store.h"
#include "utils/builtins.h"

uint64
ga_backoff_end(const char *server)
{
	static GaPlan plan = {
		/* What waits for a cap or a cool-down waits for no provider. */
		.sql = "UPDATE group_api_private.invitations i" GA_SET_DUE_NOW
			   " FROM (SELECT group_id, number"
			   "  FROM group_api_private.invitations"
			   "  WHERE due > now() AND start_tag IS NULL AND server = $1"
			   "   AND delivery = " GA_SQL_QUEUED
			   "   AND reason NOT LIKE 'later: %'"
			   "  LIMIT 10000 FOR UPDATE SKIP LOCKED) o"
			   " WHERE i.group_id = o.group_id AND i.number = o.number",
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	Datum values[1] = {CStringGetTextDatum(server)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
}
