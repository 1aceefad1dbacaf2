/*
 * broken_pages.c
 *		Keeping new rows away from pages of the disk that cannot be read.
 *
 * A new row, and a new version of one, goes to a page that the free space map names,
 * or to the table's last one.  Where that cannot be read each INSERT and UPDATE of
 * everybody fails at the same page, for ever, since only vacuum corrects the map and
 * fails there, too.  So the map is told that such a page is full, and behind one that
 * is the last an empty one is added.  The map is a hint: nothing of what stands in
 * the table is changed, and a page that is restored is found again by vacuum.
 *
 * Which page it is stands in the error alone, in words that are translated.  The path
 * of the table's file and the page's number are not: both are looked for in it.
 *
 * Locks: the lock for extending a table, for a moment.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/table.h"
#include "base/extension.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "storage/freespace.h"
#include "storage/lmgr.h"
#include "store/queue/broken_pages.h"
#include "store/queue/set_aside_store.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/rel.h"

/* Messages remembered until the next transaction that looks. */
#define MESSAGES 16
#define MESSAGE_SIZE 256

static char messages[MESSAGES][MESSAGE_SIZE];
static int message_count;

void
ga_broken_pages_hear(const char *message)
{
	for (int i = 0; i < message_count; i++)
		if (strncmp(messages[i], message, MESSAGE_SIZE - 1) == 0)
			return;
	if (message_count < MESSAGES)
		strlcpy(messages[message_count++], message, MESSAGE_SIZE);
}

/* The place of the file's path in a message; NULL: it is about another one. */
static const char *
find_path(const char *message, const char *path)
{
	const char *at = strstr(message, path);

	if (at == NULL || isdigit((unsigned char) at[strlen(path)]) ||
		at[strlen(path)] == '_')
		return NULL;
	return at;
}

/* The first number in a message that is not part of the path. */
static bool
read_page(const char *message, const char *path_at, size_t length,
		  BlockNumber *page)
{
	for (const char *at = message; *at; at++)
	{
		if (at == path_at)
			at += length;
		if (!isdigit((unsigned char) *at))
			continue;
		*page = (BlockNumber) strtoul(at, NULL, 10);
		return true;
	}
	return false;
}

void
ga_broken_page_avoid(Relation table, BlockNumber page)
{
	BlockNumber added = InvalidBlockNumber;

	RecordPageWithFreeSpace(table, page, 0);
	/* Each session remembers where it wrote last. */
	CacheInvalidateRelcache(table);
	LockRelationForExtension(table, ExclusiveLock);
	if (page == RelationGetNumberOfBlocks(table) - 1)
	{
		Buffer buffer = ReadBuffer(table, P_NEW);

		added = BufferGetBlockNumber(buffer);
		ReleaseBuffer(buffer);
	}
	UnlockRelationForExtension(table, ExclusiveLock);
	if (added != InvalidBlockNumber)
		RecordPageWithFreeSpace(table, added, BLCKSZ - SizeOfPageHeaderData);
}

typedef struct OnePage
{
	Relation table;
	BlockNumber page;
} OnePage;

static void
read_it(void *arg)
{
	OnePage *page = arg;

	ReleaseBuffer(ReadBuffer(page->table, page->page));
}

static int
avoid_in(const char *name)
{
	int avoided = 0;
	OnePage page;
	const char *error;
	char *path;
	Oid oid = ga_extension_table(name);

	if (!OidIsValid(oid))
		return 0;
	page.table = table_open(oid, AccessShareLock);
	path = TextDatumGetCString(
		DirectFunctionCall1(pg_relation_filepath, ObjectIdGetDatum(oid)));
	for (int i = 0; i < message_count; i++)
	{
		const char *at = find_path(messages[i], path);

		if (at != NULL &&
			read_page(messages[i], at, strlen(path), &page.page) &&
			page.page < RelationGetNumberOfBlocks(page.table) &&
			!ga_set_aside_try(read_it, &page, &error) && error != NULL)
		{
			ga_broken_page_avoid(page.table, page.page);
			avoided++;
		}
	}
	table_close(page.table, AccessShareLock);
	return avoided;
}

int
ga_broken_pages_avoid(const char *const *tables, int count)
{
	int avoided = 0;

	for (int i = 0; i < count && message_count > 0; i++)
		avoided += avoid_in(tables[i]);
	/* What was heard meanwhile is of these pages. */
	message_count = 0;
	return avoided;
}
