/*
 * row_access.h
 *		Rows of the extension's tables found by an index and changed without a plan.
 *
 * For the few statements that run for every message, event or group.  A table that
 * is not as this extension made it is refused, and plans have to do it.
 */
#ifndef GA_STORE_ROW_ACCESS_H
#define GA_STORE_ROW_ACCESS_H

#include "postgres.h"

#include "access/genam.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"
#include "utils/uuid.h"

/* Reads a table in the order of one of its indexes, in the active snapshot. */
typedef struct GaRowReader
{
	Relation table;
	Relation index;
	IndexScanDesc scan;
	TupleTableSlot *slot; /* the row that was read, all columns of it */
} GaRowReader;

/* Changes rows of a table. */
typedef struct GaRowWriter
{
	Relation table;
	ResultRelInfo *info;
	EState *estate;
	TupleTableSlot *fresh;
} GaRowWriter;

/*
 * Opens a table of the schema group_api_private, whose first columns have to be
 * `columns`, ended by NULL; false: they are not, and nothing is open.  The step
 * has locked the table.
 */
extern bool ga_row_reader_open(GaRowReader *reader, const char *table,
							   const char *index, const char *const *columns,
							   int nkeys);
extern void ga_row_reader_close(GaRowReader *reader);
/* Begins anew; the keys have to live until the last row was read. */
extern void ga_row_reader_seek(GaRowReader *reader, ScanKey keys, int nkeys);
extern bool ga_row_reader_next(GaRowReader *reader);
/* The same, but of the row's columns only the first ones are there ... */
extern bool ga_row_reader_next_part(GaRowReader *reader, int columns);
/* ... until all of them are asked for. */
extern void ga_row_reader_read_all(GaRowReader *reader);
/* The row with the key (group_id [, number]) of the index; false: none. */
extern bool ga_row_reader_find(GaRowReader *reader, const pg_uuid_t *group_id,
							   int32 number);

/* A key of the index for text: its order is that of the index's collation. */
extern void ga_row_reader_text_key(const GaRowReader *reader, int column,
								   Datum value, ScanKey key);

/* A column of the row that was read, text as palloc'ed string, NULL for null. */
extern char *ga_row_reader_text(const GaRowReader *reader, int column);

/* The value of an enum by its label, of the type of a column. */
extern Datum ga_row_reader_enum(const GaRowReader *reader, int column,
								const char *label);

static inline Datum
ga_row_reader_value(const GaRowReader *reader, int column)
{
	return reader->slot->tts_values[column - 1];
}

static inline bool
ga_row_reader_is_null(const GaRowReader *reader, int column)
{
	return reader->slot->tts_isnull[column - 1];
}

/* False: rules or triggers of somebody's need a plan to delete a row of this table. */
extern bool ga_row_reader_may_delete(const GaRowReader *reader);
/*
 * Deletes the row that was read; false, and nothing is done, where somebody else has
 * locked or changed it.  Waits for nobody.  What follows in this transaction sees it
 * after a CommandCounterIncrement().
 */
extern bool ga_row_reader_delete(GaRowReader *reader);

/* False: triggers, rules or generated columns of somebody's need a plan. */
extern bool ga_row_writer_open(GaRowWriter *writer, Relation table);
extern void ga_row_writer_close(GaRowWriter *writer);
/* Begins a new version of a row; its columns may then be set. */
extern void ga_row_writer_copy(GaRowWriter *writer, const TupleTableSlot *row);
extern void ga_row_writer_set(GaRowWriter *writer, int column, Datum value);
extern void ga_row_writer_set_null(GaRowWriter *writer, int column);
/*
 * Puts the new version in the place of the row; false, and nothing is done, where
 * somebody else has locked or changed it.  Waits for nobody.
 */
extern bool ga_row_writer_update(GaRowWriter *writer, TupleTableSlot *row);

#endif /* GA_STORE_ROW_ACCESS_H */
