/*
 * table_insert.c
 *		Rows go in as COPY's do.
 *
 * A batch of rows is formed in slots, written page by page and put into the
 * indexes, which are opened once.  An index is opened, and with it locked, when
 * the first row belongs into it: most of those of groups are contract B's alone.
 * What is checked is what the table says; where a check fails, the executor's
 * own is asked, which raises the error of the INSERT.
 *
 * Locks: RowExclusiveLock on the table until the end of the transaction, on its
 * indexes until the end of the insert, as an INSERT takes them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "commands/sequence.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "store/table/shape.h"
#include "store/table/table_insert.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"

static ResultRelInfo *
make_target(Relation relation, int index_count)
{
	ResultRelInfo *target = makeNode(ResultRelInfo);

	target->ri_RelationDesc = relation;
	target->ri_IndexRelationDescs = palloc(sizeof(Relation) * index_count);
	target->ri_IndexRelationInfo = palloc(sizeof(IndexInfo *) * index_count);
	return target;
}

bool
ga_table_insert_begin(GaTableInsert *insert, GaTable *table)
{
	PreventCommandIfReadOnly("INSERT");
	PreventCommandIfParallelMode("INSERT");
	insert->relation = ga_table_open(table, RowExclusiveLock, ACL_INSERT);
	if (insert->relation == NULL)
		return false;
	insert->table = table;
	insert->shape = table->shape;
	insert->context = CurrentMemoryContext;
	insert->batch = AllocSetContextCreate(
		CurrentMemoryContext, "group_api rows", ALLOCSET_DEFAULT_SIZES);
	insert->target = make_target(insert->relation, insert->shape->index_count);
	insert->count = 0;
	memset(insert->slots, 0, sizeof(insert->slots));
	return true;
}

Datum
ga_table_insert_text(const GaTableInsert *insert, const char *text,
					 bool *isnull)
{
	MemoryContext old;
	Datum value;

	*isnull = text == NULL;
	if (text == NULL)
		return (Datum) 0;
	old = MemoryContextSwitchTo(insert->batch);
	value = CStringGetTextDatum(text);
	MemoryContextSwitchTo(old);
	return value;
}

Datum
ga_table_insert_enum(const GaTableInsert *insert, int column, const char *label)
{
	AttrNumber place = insert->shape->places[column];
	Oid type = TupleDescAttr(insert->shape->desc, place - 1)->atttypid;

	return DirectFunctionCall2(enum_in, CStringGetDatum(label),
							   ObjectIdGetDatum(type));
}

int64
ga_table_insert_identity(const GaTableInsert *insert)
{
	return nextval_internal(insert->shape->sequence, false);
}

/* ---- one row -------------------------------------------------------------- */

static TupleTableSlot *
next_slot(GaTableInsert *insert)
{
	TupleTableSlot **slot = &insert->slots[insert->count];

	if (*slot == NULL)
		*slot = MakeSingleTupleTableSlot(
			insert->shape->desc, table_slot_callbacks(insert->relation));
	return *slot;
}

static void
fill(const GaTableInsert *insert, TupleTableSlot *slot, const Datum *values,
	 const bool *nulls)
{
	const GaTableShape *shape = insert->shape;
	int natts = shape->desc->natts;

	memcpy(slot->tts_values, shape->defaults, sizeof(Datum) * natts);
	memcpy(slot->tts_isnull, shape->no_default, sizeof(bool) * natts);
	for (int i = 0; i < insert->table->column_count; i++)
	{
		slot->tts_values[shape->places[i] - 1] = values[i];
		slot->tts_isnull[shape->places[i] - 1] = nulls[i];
	}
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = shape->table;
}

static void
generate(const GaTableInsert *insert, TupleTableSlot *slot)
{
	const GaTableShape *shape = insert->shape;
	ExprContext *econtext = GetPerTupleExprContext(shape->estate);
	MemoryContext old = MemoryContextSwitchTo(insert->batch);

	econtext->ecxt_scantuple = slot;
	for (int at = 0; at < shape->desc->natts; at++)
	{
		Form_pg_attribute is = TupleDescAttr(shape->desc, at);
		Datum value;
		bool isnull;

		if (shape->generated[at] == NULL)
			continue;
		value =
			ExecEvalExprSwitchContext(shape->generated[at], econtext, &isnull);
		slot->tts_isnull[at] = isnull;
		if (!isnull)
			slot->tts_values[at] = datumCopy(value, is->attbyval, is->attlen);
	}
	MemoryContextSwitchTo(old);
}

static bool
is_allowed(const GaTableShape *shape, TupleTableSlot *slot)
{
	ExprContext *econtext = GetPerTupleExprContext(shape->estate);
	ListCell *cell;

	for (int at = 0; at < shape->desc->natts; at++)
		if (slot->tts_isnull[at] && TupleDescAttr(shape->desc, at)->attnotnull)
			return false;
	econtext->ecxt_scantuple = slot;
	foreach (cell, shape->checks)
		if (!ExecCheck(lfirst(cell), econtext))
			return false;
	return true;
}

/* In the executor's words. */
static void
refuse(Relation relation, TupleTableSlot *slot)
{
	EState *estate = CreateExecutorState();
	ResultRelInfo *target = makeNode(ResultRelInfo);

	InitResultRelInfo(target, relation, 0, NULL, 0);
	ExecConstraints(target, slot, estate);
	ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
					errmsg("a new row of \"%s\" violates a constraint",
						   RelationGetRelationName(relation))));
}

/* ---- a batch -------------------------------------------------------------- */

static bool
is_open(const ResultRelInfo *target, const IndexInfo *info)
{
	for (int i = 0; i < target->ri_NumIndices; i++)
		if (target->ri_IndexRelationInfo[i] == info)
			return true;
	return false;
}

/* Most indexes with a predicate want a column that is null in every new row. */
static bool
is_wanted(const GaTableInsert *insert, const GaTableIndex *index)
{
	ExprContext *econtext = GetPerTupleExprContext(insert->shape->estate);
	const IndexInfo *info = index->info;

	if (info->ii_PredicateState == NULL)
		return true;
	for (int i = 0; i < insert->count; i++)
	{
		TupleTableSlot *slot = insert->slots[i];

		if (index->not_null > 0 && slot->tts_isnull[index->not_null - 1])
			continue;
		econtext->ecxt_scantuple = slot;
		if (ExecQual(info->ii_PredicateState, econtext))
			return true;
	}
	return false;
}

/* Before the rows are written: until then all their columns stand in the slots. */
static void
open_indexes(GaTableInsert *insert)
{
	ResultRelInfo *target = insert->target;

	for (int i = 0; i < insert->shape->index_count; i++)
	{
		const GaTableIndex *index = &insert->shape->indexes[i];

		if (is_open(target, index->info) || !is_wanted(insert, index))
			continue;
		/* What an access method keeps is of this call. */
		index->info->ii_AmCache = NULL;
		index->info->ii_Context = insert->context;
		target->ri_IndexRelationDescs[target->ri_NumIndices] =
			index_open(index->oid, RowExclusiveLock);
		target->ri_IndexRelationInfo[target->ri_NumIndices++] = index->info;
	}
}

/*
 * As ExecInsertIndexTuples() does, but index by index, since the pages of one that
 * are written again and again stay in the processor's cache.  The shape has neither
 * exclusion nor deferrable constraints.
 */
static void
fill_index(const GaTableInsert *insert, Relation index, IndexInfo *info)
{
	EState *estate = insert->shape->estate;
	ExprContext *econtext = GetPerTupleExprContext(estate);
	IndexUniqueCheck check =
		index->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO;
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];

	if (!info->ii_ReadyForInserts)
		return;
	for (int i = 0; i < insert->count; i++)
	{
		TupleTableSlot *slot = insert->slots[i];

		econtext->ecxt_scantuple = slot;
		if (info->ii_PredicateState == NULL ||
			ExecQual(info->ii_PredicateState, econtext))
		{
			FormIndexDatum(info, slot, estate, values, nulls);
			(void) index_insert(index, values, nulls, &slot->tts_tid,
								insert->relation, check, false, info);
		}
		ResetPerTupleExprContext(estate);
	}
}

static void
write_batch(GaTableInsert *insert)
{
	ResultRelInfo *target = insert->target;
	MemoryContext old = MemoryContextSwitchTo(insert->context);

	CHECK_FOR_INTERRUPTS();
	open_indexes(insert);
	MemoryContextSwitchTo(insert->batch);
	table_multi_insert(insert->relation, insert->slots, insert->count,
					   GetCurrentCommandId(true), 0, NULL);
	for (int i = 0; i < target->ri_NumIndices; i++)
		fill_index(insert, target->ri_IndexRelationDescs[i],
				   target->ri_IndexRelationInfo[i]);
	for (int i = 0; i < insert->count; i++)
		ExecClearTuple(insert->slots[i]);
	MemoryContextSwitchTo(old);
	MemoryContextReset(insert->batch);
	insert->count = 0;
}

void
ga_table_insert_row(GaTableInsert *insert, const Datum *values,
					const bool *nulls)
{
	TupleTableSlot *slot = next_slot(insert);

	fill(insert, slot, values, nulls);
	if (insert->shape->any_generated)
		generate(insert, slot);
	if (!is_allowed(insert->shape, slot))
		refuse(insert->relation, slot);
	ResetPerTupleExprContext(insert->shape->estate);
	if (++insert->count == GA_TABLE_INSERT_BATCH)
		write_batch(insert);
}

void
ga_table_insert_end(GaTableInsert *insert)
{
	if (insert->count > 0)
		write_batch(insert);
	ExecCloseIndices(insert->target);
	table_close(insert->relation, NoLock);
	MemoryContextDelete(insert->batch);
	CommandCounterIncrement();
}
