/*
 * shape.h
 *		What is known of a table between calls; for store/table alone.
 */
#ifndef GA_STORE_TABLE_SHAPE_H
#define GA_STORE_TABLE_SHAPE_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "store/table/table.h"

typedef struct GaTableIndex
{
	Oid oid;
	IndexInfo *info; /* its predicate and expressions are prepared */
	/* Its predicate is false of rows in which this column is null; 0: of none. */
	AttrNumber not_null;
	/* Its predicate in SQL where it covers more than its keys; NULL: none. */
	char *condition;
	/* A B-tree of plain columns in their own order, over all rows ... */
	bool finds_rows;
	/* ... which is unique: it finds one row. */
	bool finds_one;
} GaTableIndex;

typedef struct GaTableShape
{
	MemoryContext context; /* holds all of it */
	Oid table;
	bool is_valid;		/* false: look again before the next use */
	bool is_read;		/* may be read without a statement */
	bool takes_rows;	/* may be written without a statement */
	TupleDesc desc;		/* a copy, which no resource owner counts */
	AttrNumber *places; /* of GaTable's columns, from 1 */
	/* By place from 0: what a new row has unless it is told. */
	Datum *defaults;
	bool *no_default;
	ExprState **generated; /* by place from 0; NULL: is not generated */
	bool any_generated;
	List *checks; /* of ExprState */
	Oid sequence; /* of the identity column; InvalidOid: none is known */
	int index_count;
	GaTableIndex *indexes;
	EState *estate; /* the prepared expressions run in it */
} GaTableShape;

/* Looks at the table, which is locked, and replaces what was known. */
extern void ga_table_shape_read(GaTable *table, Relation relation);

#endif /* GA_STORE_TABLE_SHAPE_H */
