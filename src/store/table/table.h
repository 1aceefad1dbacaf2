/*
 * table.h
 *		Tables that are read and written without statements.
 *
 * A statement that puts three rows into three tables spends most of its time on
 * being started.  So the rows of a group go in as COPY's do (store/table/
 * table_insert), a row with a known key is fetched by its index (store/table/
 * table_find), and an index that covers what is asked is walked (store/table/
 * table_walk).  All do so only where a statement would do the same; where
 * somebody has changed a table, they refuse, and the statement is run.
 */
#ifndef GA_STORE_TABLE_TABLE_H
#define GA_STORE_TABLE_TABLE_H

#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/parsenodes.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

/* A column that is read or written. */
typedef struct GaColumn
{
	const char *name;
	Oid type;		   /* ANYENUMOID: whatever enum it is */
	bool is_identity;  /* its values come from the table's own sequence */
	bool is_generated; /* from other columns: the table is only read */
} GaColumn;

/* A table of group_api_private; a static variable of whoever uses it. */
typedef struct GaTable
{
	const char *name;
	int column_count;
	const GaColumn *columns;
	struct GaTableShape *shape; /* NULL until first used in this session */
	struct GaTable *next;		/* of those used in this session */
} GaTable;

/*
 * Opens the table for reading (ACL_SELECT, AccessShareLock) or for new rows
 * (ACL_INSERT, RowExclusiveLock); then table->shape is known.  NULL: it is to
 * be done by a statement.  Runs inside ga_owner_enter()/leave().
 */
extern Relation ga_table_open(GaTable *table, LOCKMODE lock, AclMode right);

#endif /* GA_STORE_TABLE_TABLE_H */
