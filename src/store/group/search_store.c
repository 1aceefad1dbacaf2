/*
 * search_store.c
 *		Searching groups of contract B and users by a part of their names.
 *
 * Anybody may search, so no search may cost what reading all names costs, nor
 * does any lean on statistics:
 *
 * - Without a searched text a page walks an index in the page's order, and what is
 *   counted is read by the same one: the planner may read no table as a whole, which it
 *   would prefer where the rows lie in no order.
 * - With one, an index over pieces of the names (search_grams) finds the matches,
 *   and a fence (OFFSET 0) keeps the planner from walking in the page's order past
 *   all that do not match.  They are counted up to a limit.
 * - A few names, those that a page would begin with, tell beforehand what is frequent.
 *   A text that is costs the index all its matches, however few are wanted, so it is
 *   looked for by walking in the page's order.  Pieces that are cost the index more
 *   than they spare it, so it is asked for the others.  Both are guesses that change
 *   what a search costs and never what it finds.
 * - Of visible groups all that is walked for stands in one index, which is read without
 *   a plan (name_walk), as a plan costs more for each name than comparing it does.  The
 *   statements that walk are for users, for operators, who see hidden groups, and for a
 *   table that somebody has changed.
 * - Statements whose cost the planner would guess anew from each limit and text are
 *   planned once: planning took longer than most of them.
 *
 * What is found is a list of numbers; the rows are read by them.
 */
#include "postgres.h"

#include "base/guc.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "store/group/name_walk.h"
#include "store/pinned_settings.h"
#include "store/plan_cache.h"
#include "store/group/search_grams.h"
#include "store/group/search_store.h"
#include "store/group/subscription_sql.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/guc.h"

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
#define PLAN_ONCE(text)                                                        \
	{                                                                          \
		.sql = text, .nargs = ARGS, .argtypes = TYPES, .is_planned_once = true \
	}

/* One kind of search: each selects numbers of rows, but the first two. */
typedef struct Search
{
	GaPlan sample;	  /* names */
	GaPlan count_all; /* how many, at most $6 */
	/* Besides, where the viewer sees more than visible groups; no SQL: no walk. */
	GaPlan count_own;
	GaPlan found_own;
	GaPlan all;
	GaPlan walked;		/* as many as are counted, in the page's order */
	GaPlan found;		/* the same, in any order */
	GaPlan behind_walk; /* a row if any */
	GaPlan page_walked;
	GaPlan page_found;
	bool descends;
} Search;

#define COUNT_OF(source)                                                       \
	"SELECT count(*) FROM (SELECT FROM (" source ") AS a LIMIT $6) AS s"
#define UP_TO_LIMIT(source) "SELECT number FROM (" source ") AS s LIMIT $6"
#define IN_ORDER(source, order)                                                \
	"SELECT number FROM (" source ") AS s ORDER BY number " order " LIMIT $6"
#define PAGE_OF(source, order)                                                 \
	"SELECT number FROM (" source ") AS s ORDER BY number " order              \
	" LIMIT $2 OFFSET $3"

/* Reads at most `room` numbers. */
static int
read_numbers(GaPlan *plan, Datum *values, const char *nulls, int64 *numbers,
			 int room)
{
	int count = Min((int) ga_plan_read(plan, values, nulls), room);

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

static bool
is_walked(const Search *plans)
{
	return plans->found_own.sql != NULL;
}

static int
count_all(Search *plans, Datum *values, const char *nulls)
{
	GaNameWalk walk = {.wanted = ga_settings.search_limit};

	if (is_walked(plans) && ga_names_walk(&walk) == GA_NAME_WALK_COMPLETE)
		return walk.count;
	return (int) read_count(&plans->count_all, values, nulls);
}

static int
search_all(Search *plans, Datum *values, const char *nulls,
		   GaPageBounds *bounds, int wanted, int64 *numbers)
{
	int64 limit = ga_settings.search_limit;

	bounds->total = count_all(plans, values, nulls);
	if (bounds->total < limit && plans->count_own.sql != NULL)
		bounds->total = Min(limit, bounds->total + read_count(&plans->count_own,
															  values, nulls));
	if (wanted <= 0 || bounds->offset >= bounds->total)
		return 0;
	return read_numbers(&plans->all, values, nulls, numbers, wanted);
}

static int
compare_ascending(const void *a, const void *b)
{
	int64 left = *(const int64 *) a;
	int64 right = *(const int64 *) b;

	return left < right ? -1 : left > right;
}

static int
compare_descending(const void *a, const void *b)
{
	return compare_ascending(b, a);
}

/* Of the numbers of all that was found, in the page's order, those of the page. */
static int
take_page(const GaPageBounds *bounds, const int64 *found, int wanted,
		  int64 *numbers)
{
	int count = (int) Min(wanted, bounds->total - bounds->offset);

	if (count <= 0)
		return 0;
	memcpy(numbers, found + bounds->offset, sizeof(int64) * count);
	return count;
}

/* Of what is found more often than is counted: it cannot be far to walk. */
static int
read_page(Search *plans, Datum *values, const char *nulls, int wanted,
		  int64 *numbers)
{
	if (wanted <= 0)
		return 0;
	if (read_numbers(&plans->page_walked, values, nulls, numbers, wanted) ==
		wanted)
		return wanted;
	return read_numbers(&plans->page_found, values, nulls, numbers, wanted);
}

/* Sets the pieces that the index is asked for; whether the text is frequent. */
static bool
take_sample(const GaOwnerScope *scope, Search *plans, const char *needle,
			Datum *values, const char *nulls)
{
	const char *names[GA_NAME_SAMPLE];
	int count =
		Min((int) ga_plan_read(&plans->sample, values, nulls), GA_NAME_SAMPLE);
	int have = 0;

	for (int row = 0; row < count; row++)
	{
		names[row] = ga_row_text(scope, row, 1);
		have += strstr(names[row], needle) != NULL;
	}
	values[4] = ga_search_grams_of_needle(needle, names, count);
	return have >= GA_NAME_FREQUENT;
}

/* Those that match among all that were found in the page's order. */
static bool
find_by_statement(const GaOwnerScope *scope, Search *plans, const char *needle,
				  Datum *values, const char *nulls, GaPageBounds *bounds,
				  int64 *found)
{
	int limit = ga_settings.search_limit;

	if (!take_sample(scope, plans, needle, values, nulls))
		return false;
	bounds->total = read_numbers(&plans->walked, values, nulls, found, limit);
	return bounds->total == limit ||
		   ga_plan_read(&plans->behind_walk, values, nulls) == 0;
}

/* Puts the viewer's hidden groups among the `count` visible ones; how many they are. */
static int
add_own(Search *plans, Datum *values, const char *nulls, int64 *found,
		int count)
{
	int limit = ga_settings.search_limit;
	int own =
		read_numbers(&plans->found_own, values, nulls, found + count, limit);

	if (own > 0)
		qsort(found, count + own, sizeof(int64), compare_descending);
	return Min(count + own, limit);
}

/*
 * Finds the text by walking, when that is sooner done than by the index of pieces;
 * false: it is not, and the pieces that the index is asked for are set.  There is room
 * for twice the limit.
 */
static bool
find_by_walk(const GaOwnerScope *scope, Search *plans, const char *needle,
			 Datum *values, const char *nulls, GaPageBounds *bounds,
			 int64 *found)
{
	GaNameWalk walk = {
		.needle = needle, .wanted = ga_settings.search_limit, .numbers = found};

	switch (is_walked(plans) ? ga_names_walk(&walk) : GA_NAME_WALK_REFUSED)
	{
		case GA_NAME_WALK_COMPLETE:
			bounds->total = add_own(plans, values, nulls, found, walk.count);
			return true;
		case GA_NAME_WALK_GAVE_UP:
			values[4] =
				ga_search_grams_of_needle(needle, walk.sample, walk.sampled);
			return false;
		case GA_NAME_WALK_REFUSED:
			break;
	}
	return find_by_statement(scope, plans, needle, values, nulls, bounds,
							 found);
}

static int
search_text(const GaOwnerScope *scope, Search *plans, Datum *values,
			char *nulls, GaPageBounds *bounds, int wanted, int64 *numbers)
{
	/* As the columns are made: lower() of the database's own collation. */
	const char *needle = str_tolower(bounds->search, strlen(bounds->search),
									 DEFAULT_COLLATION_OID);
	int limit = ga_settings.search_limit;
	int64 *found = palloc(sizeof(int64) * limit * 2);

	values[3] = CStringGetTextDatum(needle);
	nulls[3] = ' ';
	if (find_by_walk(scope, plans, needle, values, nulls, bounds, found))
		return take_page(bounds, found, wanted, numbers);
	nulls[4] = ' ';
	bounds->total = read_numbers(&plans->found, values, nulls, found, limit);
	if (bounds->total == limit)
		return read_page(plans, values, nulls, wanted, numbers);
	qsort(found, bounds->total, sizeof(int64),
		  plans->descends ? compare_descending : compare_ascending);
	return take_page(bounds, found, wanted, numbers);
}

/* Planning happens within; bitmaps are what a searched text is found by. */
static int
search_by_index(const GaOwnerScope *scope, Search *plans, Datum *values,
				char *nulls, GaPageBounds *bounds, int wanted, int64 *numbers)
{
	int guc_level = NewGUCNestLevel();
	int count;

	ga_settings_set("enable_seqscan", "off");
	/* A table without our indexes would seem dear enough to compile for. */
	ga_settings_set("jit", "off");
	if (bounds->search == NULL)
	{
		ga_settings_set("enable_bitmapscan", "off");
		count = search_all(plans, values, nulls, bounds, wanted, numbers);
	}
	else
		count =
			search_text(scope, plans, values, nulls, bounds, wanted, numbers);
	AtEOXact_GUC(false, guc_level);
	return count;
}

/* Sets the bounds's total; returns how many numbers its page has. */
static int
search(const GaOwnerScope *scope, Search *plans, Datum *values, char *nulls,
	   GaPageBounds *bounds, int64 *numbers)
{
	int limit = ga_settings.search_limit;
	int wanted = (int) Min(bounds->limit, limit - bounds->offset);

	values[1] = Int32GetDatum(Max(wanted, 0));
	values[2] = Int64GetDatum(bounds->offset);
	values[5] = Int32GetDatum(limit);
	nulls[3] = nulls[4] = 'n';
	return search_by_index(scope, plans, values, nulls, bounds, wanted,
						   numbers);
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
#define OWN_HIDDEN_GROUPS(columns)                                             \
	"SELECT " columns " FROM group_api_private.groups g"                       \
	" WHERE " LISTED " AND NOT g.visible"                                      \
	"  AND g.id = ANY (ARRAY(" GROUPS_OF_VIEWER "))"
#define OWN_HIDDEN " UNION ALL (" OWN_HIDDEN_GROUPS("g.number") ")"
#define OWN_HIDDEN_NAMED                                                       \
	OWN_HIDDEN_GROUPS("g.number") " AND strpos(g.search_name, $4) > 0"
#define OWN_HIDDEN_FOUND " UNION ALL (" OWN_HIDDEN_NAMED ")"
#define NONE ""

#define SEEN_GROUPS(columns, seen)                                             \
	"SELECT " columns " FROM group_api_private.groups g WHERE " LISTED seen
#define PAGE_GROUPS(seen, own)                                                 \
	"(" SEEN_GROUPS("g.number",                                                \
					seen) " ORDER BY g.number DESC LIMIT $2 + $3)" own
#define FOUND_GROUPS(seen, own)                                                \
	"(SELECT g.number FROM (SELECT g.number, g.search_name"                    \
	"  FROM group_api_private.groups g WHERE " LISTED seen                     \
	"   AND group_api_private.search_grams(g.search_name) @> $5 OFFSET 0) AS"  \
	"  g WHERE strpos(g.search_name, $4) > 0)" own
#define WALKED_GROUPS(seen, own, count)                                        \
	"(SELECT g.number FROM (" SEEN_GROUPS(                                     \
		"g.number, g.search_name",                                             \
		seen) "  ORDER BY g.number DESC LIMIT " GA_NAME_WALK_SQL ") AS g"      \
			  " WHERE strpos(g.search_name, $4) > 0"                           \
			  " ORDER BY g.number DESC LIMIT " count ")" own

#define GROUP_SEARCH(seen, own, own_found, own_count, own_named)               \
	{                                                                          \
		.sample = PLAN(SEEN_GROUPS(                                            \
			"g.search_name",                                                   \
			seen) " ORDER BY g.number DESC LIMIT " GA_NAME_SAMPLE_SQL),        \
		.count_all = PLAN(COUNT_OF(SEEN_GROUPS("", seen))),                    \
		.count_own = PLAN(own_count), .found_own = PLAN(own_named),            \
		.all = PLAN_ONCE(PAGE_OF(PAGE_GROUPS(seen, own), "DESC")),             \
		.walked =                                                              \
			PLAN(IN_ORDER(WALKED_GROUPS(seen, own_found, "$6"), "DESC")),      \
		.found = PLAN_ONCE(UP_TO_LIMIT(FOUND_GROUPS(seen, own_found))),        \
		.behind_walk = PLAN(SEEN_GROUPS(                                       \
			"",                                                                \
			seen) " ORDER BY g.number DESC LIMIT 1 OFFSET " GA_NAME_WALK_SQL), \
		.page_walked =                                                         \
			PLAN(PAGE_OF(WALKED_GROUPS(seen, own_found, "$2 + $3"), "DESC")),  \
		.page_found = PLAN(PAGE_OF(FOUND_GROUPS(seen, own_found), "DESC")),    \
		.descends = true,                                                      \
	}

GaGroupV2 *
ga_groups_v2_search(const GaOwnerScope *scope, GaViewer viewer,
					GaPageBounds *bounds, int *count)
{
	static Search of_viewer =
		GROUP_SEARCH(VISIBLE, OWN_HIDDEN, OWN_HIDDEN_FOUND,
					 COUNT_OF(OWN_HIDDEN_GROUPS("")), OWN_HIDDEN_NAMED);
	static Search of_operator = GROUP_SEARCH(EVERY, NONE, NONE, NULL, NULL);
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
	"  WHERE u.role_oid IS NULL ORDER BY u.id LIMIT " GA_NAME_WALK_SQL         \
	") AS u"                                                                   \
	" WHERE strpos(u.search_names, $4) > 0 AND " INVITABLE

GaUser *
ga_search_users_to_invite(const GaOwnerScope *scope, GaViewer viewer,
						  const pg_uuid_t *group_id, GaPageBounds *bounds,
						  int *count)
{
	static Search plans = {
		.sample = PLAN("SELECT u.search_names FROM group_api_private.users u"
					   " WHERE u.role_oid IS NULL ORDER BY u.id"
					   " LIMIT " GA_NAME_SAMPLE_SQL),
		.count_all = PLAN(COUNT_OF(ALL_USERS)),
		.all = PLAN(PAGE_OF(ALL_USERS, "")),
		.walked = PLAN(IN_ORDER(WALKED_USERS, "")),
		.found = PLAN_ONCE(UP_TO_LIMIT(FOUND_USERS)),
		.behind_walk = PLAN("SELECT FROM group_api_private.users u"
							" WHERE u.role_oid IS NULL ORDER BY u.id"
							" LIMIT 1 OFFSET " GA_NAME_WALK_SQL),
		.page_walked = PLAN(PAGE_OF(WALKED_USERS, "")),
		.page_found = PLAN(PAGE_OF(FOUND_USERS, "")),
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
