/*
 * databases.h
 *		What the catalog says of databases, for a process that is in none.
 */
#ifndef GA_DISPATCH_LAUNCH_DATABASES_H
#define GA_DISPATCH_LAUNCH_DATABASES_H

#include "postgres.h"

#include "nodes/pg_list.h"

typedef enum GaDatabaseState
{
	GA_DATABASE_OPEN,
	GA_DATABASE_CLOSED, /* gone, a template, or not to be connected to */
	GA_DATABASE_LOCKED	/* DDL on it is under way: who connects would wait */
} GaDatabaseState;

/* Every open database: a list of Oid in TopMemoryContext. */
extern List *ga_databases_open(void);

/* Waits for no lock and keeps none. */
extern GaDatabaseState ga_database_state(Oid database);

#endif /* GA_DISPATCH_LAUNCH_DATABASES_H */
