/*
 * row_access.c
 *		Rows of the extension's tables found by an index and changed without a plan.
 *
 * A plan costs a message more than its row does: starting the executor, a join for
 * each table and arrays as parameters.  Here the same index is read and the same row
 * is written by the functions that the executor calls, so that constraints and indexes,
 * whosever they are, hold as they do in a statement.  What only a statement knows
 * (triggers, rules, generated columns, children of a table) makes the opening fail.
 *
 * Locks: those of a statement on the table and its indexes, and the rows that are
 * changed, skipping those that others hold.
 *
 * Must never: be used in a transaction of a caller's but for a table that store/table
 * has opened, which asks for the right and row security as a plan does.
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/extension.h"
#include "catalog/pg_enum.h"
#include "executor/executor.h"
#include "store/row_access.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* ---- reading -------------------------------------------------------------- */

static bool
has_columns(Relation table, const char *const *columns)
{
	TupleDesc descriptor = RelationGetDescr(table);

	for (int i = 0; columns[i] != NULL; i++)
		if (i >= descriptor->natts ||
			strcmp(NameStr(TupleDescAttr(descriptor, i)->attname),
				   columns[i]) != 0)
			return false;
	return table->rd_rel->relkind == RELKIND_RELATION &&
		   !table->rd_rel->relhassubclass;
}

/* NULL: the table has none of this name that is complete. */
static Relation
open_index(Relation table, const char *name)
{
	Relation found = NULL;
	List *indexes = RelationGetIndexList(table);
	ListCell *cell;

	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);

		if (index->rd_index->indisvalid &&
			strcmp(RelationGetRelationName(index), name) == 0)
		{
			found = index;
			break;
		}
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	return found;
}

bool
ga_row_reader_open(GaRowReader *reader, const char *table, const char *index,
				   const char *const *columns, int nkeys)
{
	Oid oid = ga_extension_table(table);

	if (!OidIsValid(oid))
		return false;
	reader->table = table_open(oid, RowExclusiveLock);
	reader->index = has_columns(reader->table, columns)
						? open_index(reader->table, index)
						: NULL;
	if (reader->index == NULL)
	{
		table_close(reader->table, NoLock);
		return false;
	}
	reader->slot = table_slot_create(reader->table, NULL);
	reader->scan = ga_index_beginscan(reader->table, reader->index, nkeys);
	return true;
}

void
ga_row_reader_close(GaRowReader *reader)
{
	index_endscan(reader->scan);
	ExecDropSingleTupleTableSlot(reader->slot);
	index_close(reader->index, NoLock);
	table_close(reader->table, NoLock);
}

void
ga_row_reader_seek(GaRowReader *reader, ScanKey keys, int nkeys)
{
	index_rescan(reader->scan, keys, nkeys, NULL, 0);
}

bool
ga_row_reader_next_part(GaRowReader *reader, int columns)
{
	if (!index_getnext_slot(reader->scan, ForwardScanDirection, reader->slot))
		return false;
	slot_getsomeattrs(reader->slot, columns);
	return true;
}

void
ga_row_reader_read_all(GaRowReader *reader)
{
	slot_getallattrs(reader->slot);
}

bool
ga_row_reader_next(GaRowReader *reader)
{
	if (!ga_row_reader_next_part(reader, 1))
		return false;
	ga_row_reader_read_all(reader);
	return true;
}

bool
ga_row_reader_find(GaRowReader *reader, const pg_uuid_t *group_id, int32 number)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_UUID_EQ,
				UUIDPGetDatum(group_id));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(number));
	ga_row_reader_seek(reader, keys, reader->scan->numberOfKeys);
	return ga_row_reader_next(reader);
}

void
ga_row_reader_text_key(const GaRowReader *reader, int column, Datum value,
					   ScanKey key)
{
	ScanKeyEntryInitialize(key, 0, column, BTEqualStrategyNumber, InvalidOid,
						   reader->index->rd_indcollation[column - 1], F_TEXTEQ,
						   value);
}

char *
ga_row_reader_text(const GaRowReader *reader, int column)
{
	return ga_row_reader_is_null(reader, column)
			   ? NULL
			   : TextDatumGetCString(ga_row_reader_value(reader, column));
}

Datum
ga_row_reader_enum(const GaRowReader *reader, int column, const char *label)
{
	TupleDesc descriptor = RelationGetDescr(reader->table);
	Oid type = TupleDescAttr(descriptor, column - 1)->atttypid;

	return ObjectIdGetDatum(GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid,
											ObjectIdGetDatum(type),
											CStringGetDatum(label)));
}

/* ---- deleting ------------------------------------------------------------- */

bool
ga_row_reader_may_delete(const GaRowReader *reader)
{
	const TriggerDesc *triggers = reader->table->trigdesc;

	return reader->table->rd_rules == NULL &&
		   (triggers == NULL || !(triggers->trig_delete_before_row ||
								  triggers->trig_delete_after_row ||
								  triggers->trig_delete_before_statement ||
								  triggers->trig_delete_after_statement));
}

bool
ga_row_reader_delete(GaRowReader *reader)
{
	TM_FailureData failure;

	return table_tuple_delete(reader->table, &reader->slot->tts_tid,
							  GetCurrentCommandId(true), GetActiveSnapshot(),
							  InvalidSnapshot, false, &failure, false) == TM_Ok;
}

/* ---- writing -------------------------------------------------------------- */

static bool
needs_statement(Relation table)
{
	TupleConstr *constraints = RelationGetDescr(table)->constr;
	TriggerDesc *triggers = table->trigdesc;

	if (table->rd_rules != NULL ||
		(constraints != NULL && constraints->has_generated_stored))
		return true;
	return triggers != NULL && (triggers->trig_update_before_row ||
								triggers->trig_update_after_row ||
								triggers->trig_update_before_statement ||
								triggers->trig_update_after_statement);
}

bool
ga_row_writer_open(GaRowWriter *writer, Relation table)
{
	if (needs_statement(table))
		return false;
	writer->table = table;
	writer->estate = CreateExecutorState();
	writer->estate->es_snapshot = GetActiveSnapshot();
	writer->estate->es_output_cid = GetCurrentCommandId(true);
	writer->info = makeNode(ResultRelInfo);
	InitResultRelInfo(writer->info, table, 0, NULL, 0);
	writer->fresh =
		MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsVirtual);
	return true;
}

void
ga_row_writer_close(GaRowWriter *writer)
{
	ExecDropSingleTupleTableSlot(writer->fresh);
	ExecCloseIndices(writer->info);
	FreeExecutorState(writer->estate);
	/* What follows in this transaction sees the rows. */
	CommandCounterIncrement();
}

void
ga_row_writer_copy(GaRowWriter *writer, const TupleTableSlot *row)
{
	int count = RelationGetDescr(writer->table)->natts;

	ExecClearTuple(writer->fresh);
	memcpy(writer->fresh->tts_values, row->tts_values, sizeof(Datum) * count);
	memcpy(writer->fresh->tts_isnull, row->tts_isnull, sizeof(bool) * count);
}

void
ga_row_writer_set(GaRowWriter *writer, int column, Datum value)
{
	writer->fresh->tts_values[column - 1] = value;
	writer->fresh->tts_isnull[column - 1] = false;
}

void
ga_row_writer_set_null(GaRowWriter *writer, int column)
{
	writer->fresh->tts_isnull[column - 1] = true;
}

bool
ga_row_writer_update(GaRowWriter *writer, TupleTableSlot *row)
{
	bool done;

	ExecStoreVirtualTuple(writer->fresh);
	if (RelationGetDescr(writer->table)->constr != NULL)
		ExecConstraints(writer->info, writer->fresh, writer->estate);
	done = ga_table_update_row(writer->info, writer->estate, &row->tts_tid,
							   writer->fresh);
	ResetPerTupleExprContext(writer->estate);
	return done;
}
