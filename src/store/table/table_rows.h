/*
 * table_rows.h
 *		The rows that have a key, one after the other, without a statement; the one at
 *		hand may be changed.
 *
 *	if (!ga_table_rows_begin(&rows, &table, GA_TABLE_CHANGED, keys, count))
 *		... run the statement ...
 *	while (ga_table_rows_next(&rows))
 *		... ga_table_rows_value(&rows, ...), ga_table_rows_change(&rows, ...)
 *	ga_table_rows_end(&rows);
 *
 * Runs inside ga_owner_enter()/leave().  An error in between needs no clean-up.
 */
#ifndef GA_STORE_TABLE_TABLE_ROWS_H
#define GA_STORE_TABLE_TABLE_ROWS_H

#include "postgres.h"

#include "access/genam.h"
#include "executor/tuptable.h"
#include "store/row_access.h"
#include "store/table/table.h"
#include "store/table/table_find.h"

typedef enum GaTableUse
{
	GA_TABLE_READ,
	GA_TABLE_CHANGED
} GaTableUse;

typedef struct GaTableRows
{
	const GaTable *table;
	GaTableUse use;
	Relation relation;
	Oid index_oid;
	Relation index; /* NULL: nothing was looked for in it yet */
	IndexScanDesc scan;
	TupleTableSlot *slot;
	ScanKeyData keys[2];
	int key_count;
	GaRowWriter writer; /* of rows that are changed */
} GaTableRows;

/*
 * Of the rows that are committed by now, or of this transaction, those whose columns,
 * which have an index, equal the keys; in no order.  False: a statement has to do it,
 * since somebody has changed the table.  Error: 25006 where rows are to be changed in
 * a read-only transaction.
 */
extern bool ga_table_rows_begin(GaTableRows *rows, GaTable *table,
								GaTableUse use, const GaTableKey *keys,
								int key_count);
extern bool ga_table_rows_next(GaTableRows *rows);
/* Where the row at hand stands. */
extern ItemPointerData ga_table_rows_place(const GaTableRows *rows);
/*
 * Goes to the row at a place where one of these rows stood once.  False: there is none
 * of them any more.  Before ga_table_rows_next(), which begins with the first one.
 */
extern bool ga_table_rows_go_to(GaTableRows *rows, ItemPointerData place);
/* A column of the GaTable, from 0, which is not null; until the next row. */
extern Datum ga_table_rows_value(const GaTableRows *rows, int column);
/*
 * Gives the columns of the row at hand, from 0, the values.  False, and nothing is
 * done: somebody else has locked, changed or deleted it; nobody is waited for.
 * Errors: those of the UPDATE.
 */
extern bool ga_table_rows_change(GaTableRows *rows, const int *columns,
								 const Datum *values, int count);
/* What follows in this transaction sees what was changed. */
extern void ga_table_rows_end(GaTableRows *rows);

#endif /* GA_STORE_TABLE_TABLE_ROWS_H */
