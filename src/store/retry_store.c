/*
 * retry_store.c
 *		Failed and uncertain invitations, queued again by an operator.
 *
 * Locks: first the groups, in the order of their ids, as everybody does who changes
 * them; then their invitations.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/guc.h"
#include "catalog/pg_type.h"
#include "store/events/event_moves.h"
#include "store/group/deadline_store.h"
#include "store/invitation_events.h"
#include "store/plan_cache.h"
#include "store/retry_store.h"
#include "utils/builtins.h"

/* The parameters that both statements share. */
#define CHOICE_ARGS 7
#define MAY_BE_RETRIED                                                         \
	GA_DELIVERY_BEFORE(RETRY)                                                  \
	" AND i.response IN (" GA_SQL_PENDING ", " GA_SQL_EXPIRED ")"              \
	" AND ($2 = 0 OR i.channel = CASE $2"                                      \
	"  WHEN 1 THEN 'MOBILE'::group_api.channel"                                \
	"  ELSE 'EMAIL'::group_api.channel END)"                                   \
	" AND ($3 IS NULL OR i.server = $3)"                                       \
	" AND ($4 IS NULL OR i.reason LIKE $4)"                                    \
	" AND ($7 IS NULL OR i.changed_at < $7)"                                   \
	" AND ($5 IS NULL OR i.changed_at >= now() - $5)"

/* Groups with such invitations, locked: uuid[].  Each has one at least. */
static Datum
lock_groups(Datum *values, char *nulls)
{
	static GaPlan plan = {
		.sql = "SELECT coalesce(array_agg(id), '{}') FROM (SELECT id"
			   "  FROM group_api_private.groups g"
			   "  WHERE status = 'ACTIVE' AND ($1 IS NULL OR id = $1)"
			   "   AND EXISTS (SELECT FROM group_api_private.invitations i"
			   "    WHERE i.group_id = g.id AND " MAY_BE_RETRIED ")"
			   "  ORDER BY id LIMIT nullif($6, 0) FOR NO KEY UPDATE) AS o",
		.nargs = CHOICE_ARGS,
		.argtypes = {UUIDOID, INT4OID, TEXTOID, TEXTOID, INTERVALOID, INT4OID,
					 TIMESTAMPTZOID},
	};
	bool isnull;

	ga_plan_run(&plan, values, nulls, SPI_OK_SELECT);
	return ga_row_datum(0, 1, &isnull);
}

static void
fill(const GaRetryChoice *choice, Datum *values, char *nulls)
{
	memset(nulls, ' ', CHOICE_ARGS);
	if (choice->group_id == NULL)
		nulls[0] = 'n';
	else
		values[0] = UUIDPGetDatum(choice->group_id);
	values[1] = Int32GetDatum((int32) choice->channel);
	if (choice->server == NULL)
		nulls[2] = 'n';
	else
		values[2] = CStringGetTextDatum(choice->server);
	if (choice->reason == NULL)
		nulls[3] = 'n';
	else
		values[3] = CStringGetTextDatum(choice->reason);
	if (choice->max_age == NULL)
		nulls[4] = 'n';
	else
		values[4] = IntervalPGetDatum(choice->max_age);
	values[5] = Int32GetDatum(choice->max_rows);
	if (choice->before == 0)
		nulls[6] = 'n';
	else
		values[6] = TimestampTzGetDatum(choice->before);
}

#define SET_RETRIED GA_SET_RETRIED("now() + $8")

uint64
ga_retry_failed(const GaRetryChoice *choice)
{
	static GaPlan plan = {
		.sql = "WITH c AS (SELECT i.group_id, i.number"
			   "  FROM group_api_private.invitations i"
			   "  WHERE i.group_id = ANY ($10) AND " MAY_BE_RETRIED
			   "  LIMIT nullif($6, 0)),"
			   " r AS (UPDATE group_api_private.invitations i" SET_RETRIED
			   "  FROM c WHERE i.group_id = c.group_id AND i.number = c.number"
			   "   AND ($1 IS NULL OR i.group_id = $1) AND " MAY_BE_RETRIED
			   "  RETURNING " GA_MOVED "),"
			   " l AS (UPDATE group_api_private.groups g SET next_deadline = $9"
			   "  WHERE g.id IN (SELECT group_id FROM r)"
			   "   AND (g.next_deadline IS NULL OR g.next_deadline > $9))"
			   " SELECT r.*, n.n FROM (SELECT count(*) AS n FROM r) AS n"
			   "  LEFT JOIN r ON $11",
		.nargs = CHOICE_ARGS + 4,
		.argtypes = {UUIDOID, INT4OID, TEXTOID, TEXTOID, INTERVALOID, INT4OID,
					 TIMESTAMPTZOID, INTERVALOID, TIMESTAMPTZOID, UUIDARRAYOID,
					 BOOLOID},
	};
	Interval expiry = {.time = (int64) ga_settings.invitation_expiry *
							   USECS_PER_MINUTE};
	/* There may be many: they are named only where somebody wants to know. */
	bool is_wanted = ga_event_moves_are_wanted(GA_MOVE_RETRY);
	Datum values[CHOICE_ARGS + 4];
	char nulls[CHOICE_ARGS + 4];
	int64 retried;

	fill(choice, values, nulls);
	values[CHOICE_ARGS + 2] = lock_groups(values, nulls);
	values[CHOICE_ARGS] = IntervalPGetDatum(&expiry);
	values[CHOICE_ARGS + 1] =
		TimestampTzGetDatum(ga_group_deadline_of_queued());
	values[CHOICE_ARGS + 3] = BoolGetDatum(is_wanted);
	memset(nulls + CHOICE_ARGS, ' ', 4);
	ga_plan_run(&plan, values, nulls, SPI_OK_SELECT);
	retried = ga_row_int64(0, 5, 0);
	if (is_wanted && retried > 0)
		ga_event_write_moved(GA_MOVE_RETRY);
	return (uint64) retried;
}
