/*
 * table_find.h
 *		A row by its key, and the first of a table, without a statement.
 *
 * All run inside ga_owner_enter()/leave().
 */
#ifndef GA_STORE_TABLE_TABLE_FIND_H
#define GA_STORE_TABLE_TABLE_FIND_H

#include "postgres.h"

#include "store/table/table.h"

typedef enum GaFound
{
	GA_FOUND_NONE,
	GA_FOUND_ONE,
	/* A statement has to look: somebody has changed the table. */
	GA_FOUND_UNKNOWN
} GaFound;

/* Of a column of the GaTable. */
typedef struct GaTableKey
{
	int column;
	Datum value;
} GaTableKey;

/* What is committed by now, or what the caller's statement sees. */
typedef enum GaTableMoment
{
	GA_TABLE_NOW,
	GA_TABLE_CALLERS
} GaTableMoment;

/*
 * The one row whose columns, which have a unique index, equal the keys.  Its
 * values, one for each column of the GaTable, are copied to the current memory
 * context.
 */
extern GaFound ga_table_find(GaTable *table, GaTableMoment moment,
							 const GaTableKey *keys, int key_count,
							 Datum *values, bool *nulls);
/* Any row of the table, the first that is met, as of now. */
extern GaFound ga_table_find_any(GaTable *table, Datum *values, bool *nulls);

/* A text among the values; NULL for null. */
extern char *ga_table_value_text(Datum value, bool isnull);

#endif /* GA_STORE_TABLE_TABLE_FIND_H */
