/*
 * table_walk.c
 *		What a B-tree index covers, in its order, without a statement.
 *
 * Ten thousand names are compared in the time in which a statement would hand on
 * three thousand.  As in an index-only scan the table itself is read only where the
 * visibility map does not say that everybody sees its page.
 *
 * Locks: AccessShareLock on the table and the index from begin to end; those of a
 * serializable transaction are taken as the executor takes them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/itup.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/visibilitymap.h"
#include "base/compat.h"
#include "catalog/pg_am.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"
#include "store/table/shape.h"
#include "store/table/table_walk.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

static bool
covers(const GaTable *table, const GaTableIndex *index, const char *condition)
{
	const IndexInfo *info = index->info;

	if (index->condition == NULL || strcmp(index->condition, condition) != 0 ||
		info->ii_NumIndexKeyAttrs != 1 ||
		info->ii_NumIndexAttrs != table->column_count)
		return false;
	for (int i = 0; i < table->column_count; i++)
		if (info->ii_IndexAttrNumbers[i] != table->shape->places[i])
			return false;
	return true;
}

static bool
is_usable(Relation index)
{
	return index->rd_rel->relam == BTREE_AM_OID &&
		   index->rd_index->indisvalid && !index->rd_index->indcheckxmin &&
		   index->rd_indoption[0] == 0;
}

static Relation
open_index(const GaTable *table, const char *condition)
{
	const GaTableShape *shape = table->shape;

	for (int i = 0; i < shape->index_count; i++)
	{
		Relation index;

		if (!covers(table, &shape->indexes[i], condition))
			continue;
		index = index_open(shape->indexes[i].oid, AccessShareLock);
		if (is_usable(index))
			return index;
		index_close(index, AccessShareLock);
	}
	return NULL;
}

bool
ga_table_walk_begin(GaTableWalk *walk, GaTable *table, const char *condition)
{
	walk->table = ga_table_open(table, AccessShareLock, ACL_SELECT);
	if (walk->table == NULL)
		return false;
	walk->index = open_index(table, condition);
	if (walk->index == NULL)
	{
		table_close(walk->table, AccessShareLock);
		return false;
	}
	walk->scan = ga_index_beginscan(walk->table, walk->index, 0);
	walk->scan->xs_want_itup = true;
	index_rescan(walk->scan, NULL, 0, NULL, 0);
	walk->slot = table_slot_create(walk->table, NULL);
	walk->map = InvalidBuffer;
	return true;
}

/* Of a row on a page that not everybody sees whole. */
static bool
is_seen(GaTableWalk *walk)
{
	bool seen = index_fetch_heap(walk->scan, walk->slot);

	ExecClearTuple(walk->slot);
	return seen;
}

bool
ga_table_walk_next(GaTableWalk *walk)
{
	ItemPointer at;

	while ((at = index_getnext_tid(walk->scan, BackwardScanDirection)) != NULL)
	{
		BlockNumber page = ItemPointerGetBlockNumber(at);

		CHECK_FOR_INTERRUPTS();
		if (VM_ALL_VISIBLE(walk->table, page, &walk->map))
		{
			PredicateLockPage(walk->table, page, GetActiveSnapshot());
			return true;
		}
		if (is_seen(walk))
			return true;
	}
	return false;
}

Datum
ga_table_walk_value(const GaTableWalk *walk, int column)
{
	bool isnull;

	return index_getattr(walk->scan->xs_itup, column + 1,
						 walk->scan->xs_itupdesc, &isnull);
}

void
ga_table_walk_end(GaTableWalk *walk)
{
	if (BufferIsValid(walk->map))
		ReleaseBuffer(walk->map);
	index_endscan(walk->scan);
	ExecDropSingleTupleTableSlot(walk->slot);
	index_close(walk->index, AccessShareLock);
	table_close(walk->table, AccessShareLock);
}
