/*
 * table_find.c
 *		A row by its key, and the first of a table, without a statement.
 *
 * Locks: AccessShareLock on the table and the index while it looks.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "store/table/shape.h"
#include "store/table/table_find.h"
#include "store/table/table_key.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Copies, since the row's page may be reused as soon as the scan has ended. */
static void
take_values(const GaTable *table, HeapTuple tuple, Datum *values, bool *nulls)
{
	const GaTableShape *shape = table->shape;

	for (int i = 0; i < table->column_count; i++)
	{
		AttrNumber place = shape->places[i];
		Form_pg_attribute is = TupleDescAttr(shape->desc, place - 1);
		Datum value = heap_getattr(tuple, place, shape->desc, &nulls[i]);

		if (nulls[i])
			values[i] = (Datum) 0;
		else if (is->attlen == -1)
			values[i] = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
		else
			values[i] = datumCopy(value, is->attbyval, is->attlen);
	}
}

/* InvalidOid: no index, no keys. */
static GaFound
scan_for(const GaTable *table, Relation relation, Oid index, ScanKeyData *keys,
		 int count, Datum *values, bool *nulls)
{
	SysScanDesc scan = systable_beginscan(relation, index, OidIsValid(index),
										  GetActiveSnapshot(), count, keys);
	HeapTuple tuple = systable_getnext(scan);
	GaFound found = HeapTupleIsValid(tuple) ? GA_FOUND_ONE : GA_FOUND_NONE;

	if (found == GA_FOUND_ONE)
		take_values(table, tuple, values, nulls);
	systable_endscan(scan);
	return found;
}

/* As a statement that may write does: what this transaction did counts, too. */
static void
begin_now(void)
{
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
}

GaFound
ga_table_find(GaTable *table, GaTableMoment moment, const GaTableKey *keys,
			  int key_count, Datum *values, bool *nulls)
{
	GaFound found = GA_FOUND_UNKNOWN;
	ScanKeyData made[GA_TABLE_MOST_KEYS];
	Relation relation;
	Oid index;

	Assert(key_count <= GA_TABLE_MOST_KEYS);
	relation = ga_table_open(table, AccessShareLock, ACL_SELECT);
	if (relation == NULL)
		return GA_FOUND_UNKNOWN;
	ga_table_key_make(table->shape, keys, key_count, made);
	/* Of rows alike only the first would be taken. */
	index = ga_table_key_index(table->shape, made, key_count, true);
	if (OidIsValid(index))
	{
		if (moment == GA_TABLE_NOW)
			begin_now();
		found =
			scan_for(table, relation, index, made, key_count, values, nulls);
		if (moment == GA_TABLE_NOW)
			PopActiveSnapshot();
	}
	table_close(relation, AccessShareLock);
	return found;
}

GaFound
ga_table_find_any(GaTable *table, Datum *values, bool *nulls)
{
	Relation relation = ga_table_open(table, AccessShareLock, ACL_SELECT);
	GaFound found;

	if (relation == NULL)
		return GA_FOUND_UNKNOWN;
	begin_now();
	found = scan_for(table, relation, InvalidOid, NULL, 0, values, nulls);
	PopActiveSnapshot();
	table_close(relation, AccessShareLock);
	return found;
}

char *
ga_table_value_text(Datum value, bool isnull)
{
	return isnull ? NULL : TextDatumGetCString(value);
}
