/*
 * table_insert.h
 *		Rows go in as COPY's do.
 *
 *	if (!ga_table_insert_begin(&insert, &table))
 *		... run the statement ...
 *	for each row: ga_table_insert_row(&insert, values, nulls);
 *	ga_table_insert_end(&insert);
 *
 * Runs inside ga_owner_enter()/leave().  An error in between needs no clean-up.
 */
#ifndef GA_STORE_TABLE_TABLE_INSERT_H
#define GA_STORE_TABLE_TABLE_INSERT_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "store/table/table.h"

/* So many rows are formed, written and indexed at a time. */
#define GA_TABLE_INSERT_BATCH 256

typedef struct GaTableInsert
{
	const GaTable *table;
	const struct GaTableShape *shape;
	Relation relation;
	ResultRelInfo *target;
	MemoryContext context; /* lives until the end */
	MemoryContext batch;   /* the values of rows that are not written yet */
	int count;			   /* of these rows */
	TupleTableSlot *slots[GA_TABLE_INSERT_BATCH];
} GaTableInsert;

/*
 * False: a statement has to do it, since somebody has changed the table.
 * Error: 25006 in a read-only transaction.
 */
extern bool ga_table_insert_begin(GaTableInsert *insert, GaTable *table);

/* A text of a row to be put; NULL makes *isnull true. */
extern Datum ga_table_insert_text(const GaTableInsert *insert, const char *text,
								  bool *isnull);
/* A label of an enum column's type, as a value. */
extern Datum ga_table_insert_enum(const GaTableInsert *insert, int column,
								  const char *label);
/* The next value of the identity column. */
extern int64 ga_table_insert_identity(const GaTableInsert *insert);

/*
 * One row: a value for each column of the GaTable, good until it is written.
 * Errors: those of the INSERT, 23505 and so on; of a row once its batch is full.
 */
extern void ga_table_insert_row(GaTableInsert *insert, const Datum *values,
								const bool *nulls);
/* Writes what is left; what follows in this transaction sees the rows. */
extern void ga_table_insert_end(GaTableInsert *insert);

#endif /* GA_STORE_TABLE_TABLE_INSERT_H */
