/*
 * name_walk.c
 *		The names of visible groups of contract B, from the newest on.
 *
 * A text that many names have is looked for by comparing them: an index of pieces
 * would collect all that match, however few are wanted.  What is compared stands in
 * the index that has the page's order, so neither the table nor a plan is needed.
 * The first names tell whether it is worth going on.
 */
#include "postgres.h"

#include "base/compat.h"
#include "mb/pg_wchar.h"
#include "store/group/name_walk.h"
#include "store/table/table_walk.h"

enum
{
	NUMBER,
	SEARCH_NAME
};

static const GaColumn columns[] = {
	[NUMBER] = {.name = "number", .type = INT8OID, .is_identity = true},
	[SEARCH_NAME] = {.name = "search_name",
					 .type = TEXTOID,
					 .is_generated = true},
};
static GaTable groups = {
	.name = "groups", .column_count = lengthof(columns), .columns = columns};

/* The predicate of groups_v2_visible. */
#define VISIBLE                                                                \
	"((contract = 'B'::\"char\") AND (status = "                               \
	"'ACTIVE'::group_api.group_status) AND visible)"

/* Else bytes that are equal need not be characters that are. */
static bool
bytes_tell(void)
{
	return GetDatabaseEncoding() == PG_UTF8 ||
		   pg_database_encoding_max_length() == 1;
}

/* Notes the row where its name matches. */
static void
compare(GaNameWalk *walk, const GaTableWalk *row, size_t length)
{
	Datum given = ga_table_walk_value(row, SEARCH_NAME);
	text *name = DatumGetTextPP(given);

	if (walk->sampled < GA_NAME_SAMPLE)
		walk->sample[walk->sampled++] =
			pnstrdup(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	if (memmem(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), walk->needle,
			   length) != NULL)
		walk->numbers[walk->count++] =
			DatumGetInt64(ga_table_walk_value(row, NUMBER));
	if (PointerGetDatum(name) != given)
		pfree(name);
}

static GaNameWalkEnd
compare_all(GaNameWalk *walk, GaTableWalk *rows)
{
	size_t length = strlen(walk->needle);

	for (int seen = 0; walk->count < walk->wanted; seen++)
	{
		if (!ga_table_walk_next(rows))
			break;
		if (seen == GA_NAME_WALK ||
			(seen == GA_NAME_SAMPLE && walk->count < GA_NAME_FREQUENT))
			return GA_NAME_WALK_GAVE_UP;
		compare(walk, rows, length);
	}
	return GA_NAME_WALK_COMPLETE;
}

static GaNameWalkEnd
count_all(GaNameWalk *walk, GaTableWalk *rows)
{
	while (walk->count < walk->wanted && ga_table_walk_next(rows))
		walk->count++;
	return GA_NAME_WALK_COMPLETE;
}

GaNameWalkEnd
ga_names_walk(GaNameWalk *walk)
{
	GaTableWalk rows;
	GaNameWalkEnd end;

	walk->count = walk->sampled = 0;
	if (!bytes_tell() || !ga_table_walk_begin(&rows, &groups, VISIBLE))
		return GA_NAME_WALK_REFUSED;
	end = walk->needle == NULL ? count_all(walk, &rows)
							   : compare_all(walk, &rows);
	ga_table_walk_end(&rows);
	return end;
}
