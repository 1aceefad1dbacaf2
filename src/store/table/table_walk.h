/*
 * table_walk.h
 *		What a B-tree index covers, in its order, without a statement.
 */
#ifndef GA_STORE_TABLE_TABLE_WALK_H
#define GA_STORE_TABLE_TABLE_WALK_H

#include "postgres.h"

#include "access/genam.h"
#include "executor/tuptable.h"
#include "storage/buf.h"
#include "store/table/table.h"

typedef struct GaTableWalk
{
	Relation table;
	Relation index;
	IndexScanDesc scan;
	TupleTableSlot *slot; /* rows of pages that not everybody sees whole */
	Buffer map;			  /* of the visibility map */
} GaTableWalk;

/*
 * Opens the index whose one key is the first column of the GaTable, in ascending
 * order, which covers the others, and whose predicate is `condition`, as
 * PostgreSQL writes it.  False: there is none, or a statement has to look;
 * nothing is open.  Runs inside ga_owner_enter()/leave().
 */
extern bool ga_table_walk_begin(GaTableWalk *walk, GaTable *table,
								const char *condition);
/*
 * Goes on to the next row that the caller's statement sees, from the highest key
 * on; false: that was the last.
 */
extern bool ga_table_walk_next(GaTableWalk *walk);
/*
 * A column of the GaTable, from 0, which is not null.  What it points to lives
 * until the next row.
 */
extern Datum ga_table_walk_value(const GaTableWalk *walk, int column);
extern void ga_table_walk_end(GaTableWalk *walk);

#endif /* GA_STORE_TABLE_TABLE_WALK_H */
