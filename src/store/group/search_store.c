/*
 * search_store.c
 *		Searching groups of contract B and users by a part of their names.
 *
 * Anybody may search, so no search may cost what reading all names costs, nor
 * does any lean on statistics:
 *
 * - Without a searched text a page walks an index in the page's order.
 * - With one, an index over pieces of the names (search_grams) finds the matches,
 *   and a fence (OFFSET 0) keeps the planner from walking in the page's order past
 *   all that do not match.  They are counted up to a limit.
 * - What matches more often than the limit is frequent, so a page of it is looked
 *   for among the newest rows first.
 *
 * What is found is a list of numbers; the rows are read by them.
 */
#include "postgres.h"

#include "base/guc.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "store/plan_cache.h"
#include "store/group/search_grams.h"
#include "store/group/search_store.h"
#include "store/group/subscription_sql.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

/* Rows of a walk that looks for a frequent text: some milliseconds. */
#define WALK "30000"

/*
 * $1 the viewer, $2 limit, $3 offset, $4 searched text in lower case, $5 its
 * pieces, $6 how many are counted, $7 a group's id.
 */
#define ARGS 7
#define TYPES                                                                  \
	{                                                                          \
		INT8OID, INT4OID, INT8OID, TEXTOID, INT4ARRAYOID, INT4OID, UUIDOID     \
	}
#define PLAN(text)                                                             \
	{                                                                          \
		.sql = text, .nargs = ARGS, .argtypes = TYPES,                         \
	}

/* One kind of search: each selects numbers of rows. */
typedef struct Search
{
	GaPlan count_all;
	GaPlan all;
	GaPlan count_found;
	GaPlan found_by_walk; /* NULL where there is none */
	GaPlan found;
} Search;

#define COUNT_OF(source)                                                       \
	"SELECT count(*) FROM (SELECT FROM (" source ") AS a LIMIT $6) AS s"
#define PAGE_OF(source, order)                                                 \
	"SELECT number FROM (" source ") AS s ORDER BY number " order              \
	" LIMIT $2 OFFSET $3"

static int
read_numbers(const GaOwnerScope *scope, GaPlan *plan, Datum *values,
			 const char *nulls, int64 *numbers)
{
	int count = (int) ga_plan_read(plan, values, nulls);

	for (int row = 0; row < count; row++)
		numbers[row] = ga_row_int64(row, 1, 0);
	return count;
}

static int64
read_count(GaPlan *plan, Datum *values, const char *nulls)
{
	ga_plan_read(plan, values, nulls);
	return ga_row_int64(0, 1, 0);
}

/* Sets the bounds's total; returns how many numbers its page has. */
static int
search(const GaOwnerScope *scope, Search *plans, Datum *values, char *nulls,
	   GaPageBounds *bounds, int64 *numbers)
{
	int limit = ga_settings.search_limit;
	int wanted = (int) Min(bounds->limit, limit - bounds->offset);
	bool any = bounds->search == NULL;
	int found;

	values[1] = Int32GetDatum(wanted);
	values[2] = Int64GetDatum(bounds->offset);
	values[5] = Int32GetDatum(limit);
	nulls[3] = nulls[4] = any ? 'n' : ' ';
	if (!any)
	{
		/* As the columns are made: lower() of the database's own collation. */
		char *needle = str_tolower(bounds->search, strlen(bounds->search),
								   DEFAULT_COLLATION_OID);

		values[3] = CStringGetTextDatum(needle);
		values[4] = ga_search_grams_of_needle(needle);
	}
	bounds->total = read_count(any ? &plans->count_all : &plans->count_found,
							   values, nulls);
	if (wanted <= 0 || bounds->offset >= bounds->total)
		return 0;
	if (any)
		return read_numbers(scope, &plans->all, values, nulls, numbers);
	if (bounds->total == limit)
	{
		found =
			read_numbers(scope, &plans->found_by_walk, values, nulls, numbers);
		if (found == wanted)
			return found;
	}
	return read_numbers(scope, &plans->found, values, nulls, numbers);
}

/* ---- groups ------------------------------------------------------------- */

#define LISTED "g.contract = 'B' AND g.status = 'ACTIVE'"
#define VISIBLE " AND g.visible"
#define EVERY ""

/* Hidden groups the viewer is in, invited to or asks to join: looked up once. */
#define GROUPS_OF_VIEWER                                                       \
	"SELECT m.group_id FROM group_api_private.members m"                       \
	" LEFT JOIN group_api_private.invitations i"                               \
	"  ON i.group_id = m.group_id AND i.number = m.number"                     \
	" WHERE m.user_id = $1 AND (" GA_IS_SUBSCRIBED " OR " GA_IS_INVITED ")"    \
	" UNION ALL SELECT r.group_id FROM group_api_private.requests r"           \
	"  WHERE r.user_id = $1"
#define OWN_HIDDEN                                                             \
	" UNION ALL (SELECT g.number FROM group_api_private.groups g"              \
	"  WHERE " LISTED " AND NOT g.visible"                                     \
	"   AND g.id = ANY (ARRAY(" GROUPS_OF_VIEWER ")))"
#define OWN_HIDDEN_FOUND                                                       \
	" UNION ALL (SELECT g.number FROM group_api_private.groups g"              \
	"  WHERE " LISTED " AND NOT g.visible AND strpos(g.search_name, $4) > 0"   \
	"   AND g.id = ANY (ARRAY(" GROUPS_OF_VIEWER ")))"
#define NONE ""

#define ALL_GROUPS(seen, own)                                                  \
	"(SELECT g.number FROM group_api_private.groups g"                         \
	" WHERE " LISTED seen " ORDER BY g.number DESC LIMIT $6)" own
#define FOUND_GROUPS(seen, own)                                                \
	"(SELECT g.number FROM (SELECT g.number, g.search_name"                    \
	"  FROM group_api_private.groups g WHERE " LISTED seen                     \
	"   AND group_api_private.search_grams(g.search_name) @> $5 OFFSET 0) AS"  \
	"  g WHERE strpos(g.search_name, $4) > 0)" own
#define WALKED_GROUPS(seen, own)                                               \
	"(SELECT g.number FROM (SELECT g.number, g.search_name"                    \
	"  FROM group_api_private.groups g WHERE " LISTED seen                     \
	"  ORDER BY g.number DESC LIMIT " WALK ") AS g"                            \
	" WHERE strpos(g.search_name, $4) > 0)" own

#define GROUP_SEARCH(seen, own, own_found)                                     \
	{                                                                          \
		.count_all = PLAN(COUNT_OF(ALL_GROUPS(seen, own))),                    \
		.all = PLAN(PAGE_OF(ALL_GROUPS(seen, own), "DESC")),                   \
		.count_found = PLAN(COUNT_OF(FOUND_GROUPS(seen, own_found))),          \
		.found_by_walk =                                                       \
			PLAN(PAGE_OF(WALKED_GROUPS(seen, own_found), "DESC")),             \
		.found = PLAN(PAGE_OF(FOUND_GROUPS(seen, own_found), "DESC")),         \
	}

GaGroupV2 *
ga_groups_v2_search(const GaOwnerScope *scope, GaViewer viewer,
					GaPageBounds *bounds, int *count)
{
	static Search of_viewer =
		GROUP_SEARCH(VISIBLE, OWN_HIDDEN, OWN_HIDDEN_FOUND);
	static Search of_operator = GROUP_SEARCH(EVERY, NONE, NONE);
	Datum values[ARGS] = {Int64GetDatum(viewer.user_id)};
	char nulls[ARGS] = {' ', ' ', ' ', ' ', ' ', ' ', 'n'};
	int64 *numbers = palloc(sizeof(int64) * bounds->limit);

	*count = search(scope, viewer.sees_all ? &of_operator : &of_viewer, values,
					nulls, bounds, numbers);
	return ga_groups_v2_numbered(scope, viewer, numbers, count);
}

/* ---- users -------------------------------------------------------------- */

/* Roles of the database are callers, but nobody to invite. */
#define INVITABLE                                                              \
	"u.role_oid IS NULL AND u.id <> $1 AND u.id NOT IN (SELECT m.user_id"      \
	" FROM group_api_private.members m" GA_INVITATION_OF_MEMBER                \
	" WHERE m.group_id = $7 AND m.user_id IS NOT NULL"                         \
	"  AND (" GA_IS_SUBSCRIBED " OR " GA_IS_INVITED "))"
#define ALL_USERS                                                              \
	"SELECT u.id AS number FROM group_api_private.users u WHERE " INVITABLE
#define FOUND_USERS                                                            \
	"SELECT u.id AS number FROM (SELECT u.* FROM group_api_private.users u"    \
	"  WHERE u.role_oid IS NULL"                                               \
	"   AND group_api_private.search_grams(u.search_names) @> $5 OFFSET 0)"    \
	" AS u WHERE strpos(u.search_names, $4) > 0 AND " INVITABLE
#define WALKED_USERS                                                           \
	"SELECT u.id AS number FROM (SELECT u.* FROM group_api_private.users u"    \
	"  WHERE u.role_oid IS NULL ORDER BY u.id LIMIT " WALK ") AS u"            \
	" WHERE strpos(u.search_names, $4) > 0 AND " INVITABLE

GaUser *
ga_search_users_to_invite(const GaOwnerScope *scope, GaViewer viewer,
						  const pg_uuid_t *group_id, GaPageBounds *bounds,
						  int *count)
{
	static Search plans = {
		.count_all = PLAN(COUNT_OF(ALL_USERS)),
		.all = PLAN(PAGE_OF(ALL_USERS, "")),
		.count_found = PLAN(COUNT_OF(FOUND_USERS)),
		.found_by_walk = PLAN(PAGE_OF(WALKED_USERS, "")),
		.found = PLAN(PAGE_OF(FOUND_USERS, "")),
	};
	Datum values[ARGS] = {Int64GetDatum(viewer.user_id)};
	char nulls[ARGS] = {' ', ' ', ' ', ' ', ' ', ' ', group_id ? ' ' : 'n'};
	int64 *ids = palloc(sizeof(int64) * bounds->limit);
	GaUser *users = MemoryContextAllocZero(scope->caller_context,
										   sizeof(GaUser) * bounds->limit);

	if (group_id != NULL)
		values[6] = UUIDPGetDatum(group_id);
	*count = search(scope, &plans, values, nulls, bounds, ids);
	ga_users_find(scope, ids, *count, users);
	return users;
}
