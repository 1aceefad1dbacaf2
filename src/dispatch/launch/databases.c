/*
 * databases.c
 *		Which databases a dispatcher may connect to.
 *
 * Whoever connects takes RowExclusiveLock on the database.  DDL that needs it
 * empty (DROP, RENAME, SET TABLESPACE, a copy) takes a lock that conflicts, and
 * keeps it until its transaction ends, prepared ones included.  So that lock is
 * what tells whether a worker would have to wait; nobody has to remember who
 * holds a database, and nothing can be forgotten.
 *
 * Locks: AccessShareLock on pg_database for a scan, and the database's own
 * without waiting, given back at once.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "dispatch/launch/databases.h"
#include "storage/lock.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"

static bool
is_open(HeapTuple tuple)
{
	Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

	/* -2: left half dropped by an interrupted DROP DATABASE */
	return database->datallowconn && !database->datistemplate &&
		   database->datconnlimit != -2;
}

List *
ga_databases_open(void)
{
	List *databases = NIL;
	Relation relation;
	TableScanDesc scan;
	HeapTuple tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
		if (is_open(tuple))
		{
			MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

			databases = lappend_oid(databases,
									((Form_pg_database) GETSTRUCT(tuple))->oid);
			MemoryContextSwitchTo(old);
		}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	return databases;
}

/* As a worker would look it up: by index, which needs no database. */
static bool
is_open_by_oid(Oid database)
{
	Relation relation = table_open(DatabaseRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	bool found;

	ScanKeyInit(&key, Anum_pg_database_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(database));
	scan = systable_beginscan(relation, DatabaseOidIndexId,
							  criticalSharedRelcachesBuilt, NULL, 1, &key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple) && is_open(tuple);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return found;
}

static bool
try_to_lock(Oid database)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, database, 0);
	return LockAcquire(&tag, RowExclusiveLock, false, true) !=
		   LOCKACQUIRE_NOT_AVAIL;
}

GaDatabaseState
ga_database_state(Oid database)
{
	GaDatabaseState state;

	StartTransactionCommand();
	if (!try_to_lock(database))
		state = GA_DATABASE_LOCKED;
	else
		state =
			is_open_by_oid(database) ? GA_DATABASE_OPEN : GA_DATABASE_CLOSED;
	/* The lock goes with the transaction. */
	CommitTransactionCommand();
	return state;
}
