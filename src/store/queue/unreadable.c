/*
 * unreadable.c
 *		Rows on pages of the disk that cannot be read, and lists read around them.
 *
 * A statement that meets such a page fails as a whole, and so does each that would
 * look for the row to blame, since whatever decides on a row, be it only its
 * visibility, stands on its page.  The index has another page: it tells the keys of
 * the rows and where they stand without reading the table (index_getnext_tid).  So
 * it is read once, from end to end, and the pages that it leads to are tried, each
 * in a subtransaction.  From then on the queue is read in ranges between the rows
 * that were found so, which are the dispatcher's own knowledge and die with it.
 *
 * A page whose head is good may still hold a row that cannot be read.  Where all
 * pages could be, the rows are tried one after the other.
 *
 * An index entry lives on until vacuum takes it away, and vacuum fails at such a
 * page, too: a row that is named may have been sent long ago, or live on elsewhere.
 * So it is named under a step of its own, "read", and no other step leaves it out by
 * its name.
 *
 * Locks: the table's and its indexes' AccessShareLock, under the lock that the
 * step took at its beginning; rows of set_aside.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/itup.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "base/shared/channel.h"
#include "base/compat.h"
#include "base/extension.h"
#include "base/fair_queue.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "storage/bufmgr.h"
#include "store/queue/broken_pages.h"
#include "store/plan_cache.h"
#include "store/queue/set_aside_store.h"
#include "store/queue/unreadable.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* Entries of an index tried in one subtransaction. */
#define BATCH 4096
/* More than these are no fault of some pages: the step fails as a whole. */
#define UNREADABLE_MAX 20000
/* Pages told in the log, each by a line. */
#define PAGES_TOLD 20

typedef struct Unreadable
{
	int list;
	GaQueueCursor at;
	BlockNumber page;
} Unreadable;

/* Sorted; in a context of their own. */
static Unreadable *unreadable;
static int unreadable_count;
static MemoryContext unreadable_context;

/* ---- ranges -------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	const Unreadable *left = a;
	const Unreadable *right = b;

	if (left->list != right->list)
		return left->list < right->list ? -1 : 1;
	return ga_queue_cursor_compare(&left->at, &right->at);
}

/* The first one behind a place of a list; NULL: there is none. */
static const Unreadable *
find_next(int list, const GaQueueCursor *after)
{
	int from = 0;
	int to = unreadable_count;
	Unreadable place = {.list = list, .at = *after};

	while (from < to)
	{
		int middle = from + (to - from) / 2;

		if (compare(&unreadable[middle], &place) <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from < unreadable_count && unreadable[from].list == list
			   ? &unreadable[from]
			   : NULL;
}

static void
set_last(GaQueueRange *range)
{
	const Unreadable *next = find_next(range->list, &range->after);

	range->is_last = next == NULL || next->at.start_tag > range->end;
	if (range->is_last)
	{
		range->last.start_tag = range->end;
		memset(&range->last.group_id, 0xFF, sizeof(range->last.group_id));
		range->last.number = PG_INT32_MAX;
	}
	else
	{
		range->last = next->at;
		range->last.number--;
	}
}

void
ga_queue_range_begin(GaQueueRange *range, int list, const GaQueueCursor *after,
					 int64 end)
{
	range->list = list;
	range->end = end;
	range->after = *after;
	set_last(range);
}

bool
ga_queue_range_next(GaQueueRange *range)
{
	if (range->is_last)
		return false;
	range->after = range->last;
	range->after.number++;
	set_last(range);
	return true;
}

/* ---- finding them -------------------------------------------------------- */

typedef struct Entry
{
	int list;
	GaQueueCursor at;
	ItemPointerData tid;
} Entry;

/* An index that is read in its order. */
typedef struct ListIndex
{
	const char *table;
	const char *index;
	int list;
	bool by_channel; /* the list is that of the first column */
} ListIndex;

static const ListIndex list_indexes[] = {
	{"invitations", "invitations_start_tag", 0, true},
	{"invitations", "invitations_due", GA_LIST_DUE, false},
	{"polls", "polls_next_at", GA_LIST_POLLS, false},
	{"groups", "groups_next_deadline", GA_LIST_DEADLINES, false},
};

/* To which the dispatcher adds rows. */
static const char *const written_tables[] = {
	"invitations", "polls",	   "groups",   "attempts",
	"sends",	   "captured", "receipts",
};

typedef struct PageError
{
	BlockNumber page;
	const char *error;
} PageError;

typedef struct Finding
{
	const ListIndex *what;
	Relation table;
	bool by_rows; /* else by pages */
	Entry *entries;
	int count;
	int next;
	bool page_is_tried; /* the error is about the page, not the row */
	Bitmapset *good;	/* pages */
	Bitmapset *bad;
	List *errors; /* PageError, of those */
	int pages_told;
	Unreadable *found;
	int found_count;
} Finding;

static bool
is_in(const Bitmapset *pages, BlockNumber page)
{
	return page <= PG_INT32_MAX && bms_is_member((int) page, pages);
}

static BlockNumber
page_of(const Finding *finding)
{
	return ItemPointerGetBlockNumber(&finding->entries[finding->next].tid);
}

/* Part of a subtransaction: goes on until one cannot be read. */
static void
try_entries(void *arg)
{
	Finding *finding = arg;

	for (; finding->next < finding->count; finding->next++)
	{
		BlockNumber page = page_of(finding);
		ItemPointerData tid = finding->entries[finding->next].tid;

		if (is_in(finding->bad, page))
			return;
		finding->page_is_tried = true;
		if (!is_in(finding->good, page))
			ReleaseBuffer(ReadBuffer(finding->table, page));
		finding->page_is_tried = false;
		if (finding->by_rows)
			(void) table_index_fetch_tuple_check(finding->table, &tid,
												 GetActiveSnapshot(), NULL);
		/* Allocated where the subtransaction leaves it alone. */
		if (!is_in(finding->good, page))
			finding->good = bms_add_member(finding->good, (int) page);
	}
}

static void
note_page(Finding *finding, const char *error)
{
	PageError *entry = palloc(sizeof(PageError));

	*entry = (PageError){page_of(finding), error};
	finding->bad = bms_add_member(finding->bad, (int) entry->page);
	finding->errors = lappend(finding->errors, entry);
	ga_broken_page_avoid(finding->table, entry->page);
}

static const char *
error_of(const Finding *finding, BlockNumber page)
{
	ListCell *cell;

	foreach (cell, finding->errors)
		if (((PageError *) lfirst(cell))->page == page)
			return ((PageError *) lfirst(cell))->error;
	return "it is broken";
}

static void
note_unreadable(Finding *finding, const char *error)
{
	const Entry *entry = &finding->entries[finding->next];
	BlockNumber page = page_of(finding);
	GaRowKey key = {entry->at.group_id, entry->at.number};
	char *reason = psprintf("page %u of the table cannot be read: %s", page,
							error ? error : error_of(finding, page));

	if (finding->found_count == UNREADABLE_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("more than %d invitations cannot be read",
							   UNREADABLE_MAX)));
	if (finding->found == NULL)
		finding->found = palloc(sizeof(Unreadable) * UNREADABLE_MAX);
	finding->found[finding->found_count++] =
		(Unreadable){entry->list, entry->at, page};
	ga_set_aside_put_silently("read", key, reason);
	pfree(reason);
}

static void
tell(Finding *finding, const char *error)
{
	BlockNumber page = page_of(finding);

	if (finding->pages_told++ < PAGES_TOLD)
		ereport(WARNING,
				(errmsg("group_api sets aside what stands on page %u of \"%s\"",
						page, RelationGetRelationName(finding->table)),
				 errdetail_internal("%s", error),
				 errhint("SELECT * FROM group_api.set_aside;")));
}

static void
try_batch(Finding *finding)
{
	MemoryContext context = CurrentMemoryContext;

	finding->next = 0;
	while (finding->next < finding->count)
	{
		const char *error = NULL;

		CHECK_FOR_INTERRUPTS();
		if (!ga_set_aside_try(try_entries, finding, &error))
		{
			if (error == NULL)
				error = "a lock is in the way";
			tell(finding, error);
			if (finding->page_is_tried)
				note_page(finding, error);
		}
		MemoryContextSwitchTo(context);
		if (finding->next < finding->count)
		{
			note_unreadable(finding, error);
			finding->next++;
		}
	}
	finding->count = 0;
}

/* The channel that an enum's value stands for. */
static int
channel_of(Oid value)
{
	HeapTuple tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(value));
	int channel = GA_CHANNEL_NONE;

	if (!HeapTupleIsValid(tuple))
		return channel;
	channel = strcmp(NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel),
					 "MOBILE") == 0
				  ? GA_CHANNEL_MOBILE
				  : GA_CHANNEL_EMAIL;
	ReleaseSysCache(tuple);
	return channel;
}

/*
 * Reads ([channel,] tag, group_id [, number]); false: a row that stands in another
 * index.
 */
static bool
read_entry(IndexScanDesc scan, const ListIndex *what, Entry *entry)
{
	static Oid last_value;
	static int last_channel;
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];
	int at = what->by_channel ? 1 : 0;

	index_deform_tuple(scan->xs_itup, scan->xs_itupdesc, values, nulls);
	if (nulls[0] || nulls[at])
		return false;
	if (what->by_channel && DatumGetObjectId(values[0]) != last_value)
	{
		last_channel = channel_of(DatumGetObjectId(values[0]));
		last_value = DatumGetObjectId(values[0]);
	}
	entry->list = what->by_channel ? last_channel : what->list;
	entry->at.start_tag = DatumGetInt64(values[at]);
	entry->at.group_id = *DatumGetUUIDP(values[at + 1]);
	entry->at.number =
		what->list == GA_LIST_DEADLINES ? 0 : DatumGetInt32(values[at + 2]);
	return true;
}

static void
read_index(Finding *finding, Relation index)
{
	IndexScanDesc scan = ga_index_beginscan(finding->table, index, 0);
	ItemPointer tid;

	scan->xs_want_itup = true;
	index_rescan(scan, NULL, 0, NULL, 0);
	while ((tid = index_getnext_tid(scan, ForwardScanDirection)) != NULL)
	{
		Entry *entry = &finding->entries[finding->count];

		if (!read_entry(scan, finding->what, entry))
			continue;
		entry->tid = *tid;
		if (++finding->count == BATCH)
			try_batch(finding);
	}
	try_batch(finding);
	index_endscan(scan);
}

/* Reads the index of this name, of the table that is open. */
static void
read_index_named(Finding *finding, const char *name)
{
	List *indexes = RelationGetIndexList(finding->table);
	ListCell *cell;

	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);

		if (strcmp(RelationGetRelationName(index), name) == 0)
			read_index(finding, index);
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
}

static void
read_lists(Finding *finding)
{
	for (int i = 0; i < lengthof(list_indexes); i++)
	{
		finding->what = &list_indexes[i];
		finding->good = finding->bad = NULL;
		finding->errors = NIL;
		finding->table = table_open(ga_extension_table(finding->what->table),
									AccessShareLock);
		read_index_named(finding, finding->what->index);
		table_close(finding->table, AccessShareLock);
	}
}

static void
keep(const Finding *finding)
{
	if (unreadable_context == NULL)
		unreadable_context =
			AllocSetContextCreate(TopMemoryContext, "group_api unreadable rows",
								  ALLOCSET_SMALL_SIZES);
	ga_unreadable_forget();
	if (finding->found_count == 0)
		return;
	unreadable = MemoryContextAlloc(unreadable_context,
									sizeof(Unreadable) * finding->found_count);
	memcpy(unreadable, finding->found,
		   sizeof(Unreadable) * finding->found_count);
	unreadable_count = finding->found_count;
	qsort(unreadable, unreadable_count, sizeof(Unreadable), compare);
}

bool
ga_unreadable_find(void)
{
	Finding finding = {0};
	int before = unreadable_count;
	int avoided;

	finding.entries = palloc(sizeof(Entry) * BATCH);
	read_lists(&finding);
	if (finding.found_count == 0)
	{
		finding.by_rows = true;
		read_lists(&finding);
	}
	avoided = ga_broken_pages_avoid(written_tables, lengthof(written_tables));
	keep(&finding);
	return avoided > 0 || finding.found_count != before;
}

/* ---- one row ------------------------------------------------------------- */

static void
read_group(void *arg)
{
	static GaPlan plan = {
		.sql = "SELECT g.* FROM group_api_private.groups g WHERE id = $1",
		.nargs = 1,
		.argtypes = {UUIDOID},
	};
	Datum values[1] = {UUIDPGetDatum(&((GaRowKey *) arg)->group_id)};

	ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
}

static void
read_member(void *arg)
{
	static GaPlan invitation = {
		.sql = "SELECT i.* FROM group_api_private.invitations i"
			   " WHERE group_id = $1 AND number = $2",
		.nargs = 2,
		.argtypes = {UUIDOID, INT4OID},
	};
	static GaPlan member = {
		.sql = "SELECT m.* FROM group_api_private.members m"
			   " WHERE group_id = $1 AND number = $2",
		.nargs = 2,
		.argtypes = {UUIDOID, INT4OID},
	};
	GaRowKey *key = arg;
	Datum values[2] = {UUIDPGetDatum(&key->group_id),
					   Int32GetDatum(key->number)};

	ga_plan_run(&invitation, values, NULL, SPI_OK_SELECT);
	ga_plan_run(&member, values, NULL, SPI_OK_SELECT);
}

bool
ga_unreadable_has_row(GaRowKey *key, bool with_group)
{
	const char *error;

	if (with_group && !ga_set_aside_try(read_group, key, &error) &&
		error != NULL)
	{
		key->number = 0;
		return true;
	}
	return !ga_set_aside_try(read_member, key, &error) && error != NULL;
}

int
ga_unreadable_count(void)
{
	return unreadable_count;
}

void
ga_unreadable_forget(void)
{
	if (unreadable_context != NULL)
		MemoryContextReset(unreadable_context);
	unreadable = NULL;
	unreadable_count = 0;
}
