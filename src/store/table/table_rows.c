/*
 * table_rows.c
 *		The rows that have a key, one after the other, without a statement.
 *
 * Rows are changed by store/row_access, which refuses a table whose triggers want to
 * know of it; the right and row security are asked for when the table is opened.
 *
 * A row that was seen at a place before may be gone, and another one may stand there by
 * now.  So a place is worth what its row says; the index is for where it says nothing.
 *
 * Locks: AccessShareLock on the table and the index while it looks; to change rows
 * RowExclusiveLock on the table until the end of the transaction, on its indexes
 * until the end of the change, and the rows that are changed.  Those that others hold
 * are passed by.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "storage/bufmgr.h"
#include "store/table/shape.h"
#include "store/table/table_key.h"
#include "store/table/table_rows.h"
#include "tcop/utility.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

static void
close_table(GaTableRows *rows)
{
	table_close(rows->relation,
				rows->use == GA_TABLE_READ ? AccessShareLock : NoLock);
}

static bool
open_table(GaTableRows *rows, GaTable *table)
{
	if (rows->use == GA_TABLE_CHANGED)
	{
		PreventCommandIfReadOnly("UPDATE");
		PreventCommandIfParallelMode("UPDATE");
		rows->relation = ga_table_open(table, RowExclusiveLock, ACL_UPDATE);
	}
	else
		rows->relation = ga_table_open(table, AccessShareLock, ACL_SELECT);
	return rows->relation != NULL;
}

/* As a statement that may write does: what this transaction did counts, too. */
static bool
begin_writing(GaTableRows *rows)
{
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (rows->use == GA_TABLE_READ ||
		ga_row_writer_open(&rows->writer, rows->relation))
		return true;
	PopActiveSnapshot();
	return false;
}

bool
ga_table_rows_begin(GaTableRows *rows, GaTable *table, GaTableUse use,
					const GaTableKey *keys, int key_count)
{
	Assert(key_count <= GA_TABLE_MOST_KEYS);
	rows->table = table;
	rows->use = use;
	if (!open_table(rows, table))
		return false;
	ga_table_key_make(table->shape, keys, key_count, rows->keys);
	rows->key_count = key_count;
	rows->index_oid =
		ga_table_key_index(table->shape, rows->keys, key_count, false);
	if (!OidIsValid(rows->index_oid) || !begin_writing(rows))
	{
		close_table(rows);
		return false;
	}
	rows->index = NULL;
	rows->slot = table_slot_create(rows->relation, NULL);
	return true;
}

static void
begin_scan(GaTableRows *rows)
{
	/* The index counts its own columns. */
	for (int i = 0; i < rows->key_count; i++)
		rows->keys[i].sk_attno = i + 1;
	rows->index = index_open(rows->index_oid, AccessShareLock);
	rows->scan =
		ga_index_beginscan(rows->relation, rows->index, rows->key_count);
	index_rescan(rows->scan, rows->keys, rows->key_count, NULL, 0);
}

static bool
has_keys(const GaTableRows *rows)
{
	for (int i = 0; i < rows->key_count; i++)
	{
		const ScanKeyData *key = &rows->keys[i];
		bool isnull;
		Datum value = slot_getattr(rows->slot, key->sk_attno, &isnull);

		if (isnull || !DatumGetBool(FunctionCall2Coll(
						  (FmgrInfo *) &key->sk_func, key->sk_collation, value,
						  key->sk_argument)))
			return false;
	}
	return true;
}

bool
ga_table_rows_go_to(GaTableRows *rows, ItemPointerData place)
{
	Assert(rows->index == NULL);
	/* What was behind the end of the table was never one of these rows. */
	return ItemPointerIsValid(&place) &&
		   ItemPointerGetBlockNumber(&place) <
			   RelationGetNumberOfBlocks(rows->relation) &&
		   table_tuple_fetch_row_version(rows->relation, &place,
										 GetActiveSnapshot(), rows->slot) &&
		   has_keys(rows);
}

ItemPointerData
ga_table_rows_place(const GaTableRows *rows)
{
	return rows->slot->tts_tid;
}

bool
ga_table_rows_next(GaTableRows *rows)
{
	CHECK_FOR_INTERRUPTS();
	if (rows->index == NULL)
		begin_scan(rows);
	return index_getnext_slot(rows->scan, ForwardScanDirection, rows->slot);
}

Datum
ga_table_rows_value(const GaTableRows *rows, int column)
{
	bool isnull;

	return slot_getattr(rows->slot, rows->table->shape->places[column],
						&isnull);
}

bool
ga_table_rows_change(GaTableRows *rows, const int *columns, const Datum *values,
					 int count)
{
	slot_getallattrs(rows->slot);
	ga_row_writer_copy(&rows->writer, rows->slot);
	for (int i = 0; i < count; i++)
		ga_row_writer_set(&rows->writer, rows->table->shape->places[columns[i]],
						  values[i]);
	return ga_row_writer_update(&rows->writer, rows->slot);
}

void
ga_table_rows_end(GaTableRows *rows)
{
	if (rows->index != NULL)
	{
		index_endscan(rows->scan);
		index_close(rows->index, AccessShareLock);
	}
	ExecDropSingleTupleTableSlot(rows->slot);
	if (rows->use == GA_TABLE_CHANGED)
		ga_row_writer_close(&rows->writer);
	PopActiveSnapshot();
	close_table(rows);
}
