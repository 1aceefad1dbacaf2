/*
 * compat.h
 *		The only file that knows PostgreSQL's versions (15 to 18).
 *
 * Everything else is written against PostgreSQL 15's names or against the
 * wrappers here.
 */
#ifndef GA_BASE_COMPAT_H
#define GA_BASE_COMPAT_H

#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "access/tupdesc.h"
#include "catalog/dependency.h"
#include "catalog/pg_database.h"
#include "catalog/pg_proc.h"
#include "common/jsonapi.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"
/* What is in a varlena; until 15 postgres.h itself told. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* As the names of packages have it. */
#define GA_SERVER_MAJOR (PG_VERSION_NUM / 10000)

#if PG_VERSION_NUM < 150000
#error "group_api needs PostgreSQL 15 or later"
#endif

/* GA_VERSION comes from group_api.control by way of the Makefile. */
#if PG_VERSION_NUM >= 180000
#define GA_MODULE_MAGIC                                                        \
	PG_MODULE_MAGIC_EXT(.name = "group_api", .version = GA_VERSION)
#else
#define GA_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* In front of a declaration, as from PostgreSQL 18 on. */
#ifndef pg_noreturn
#define pg_noreturn __attribute__((noreturn))
#endif

/* Owner or superuser of a database. */
static inline bool
ga_database_is_owned_by(Oid database, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(DatabaseRelationId, database, role);
#else
	return pg_database_ownercheck(database, role);
#endif
}

static inline bool
ga_may_execute(Oid function, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE) ==
		   ACLCHECK_OK;
#else
	return pg_proc_aclcheck(function, role, ACL_EXECUTE) == ACLCHECK_OK;
#endif
}

/*
 * What a JSON parser calls for each piece of a text is a function of this type,
 * and ends in GA_JSON_GO_ON: from 16 on it says whether parsing goes on.
 */
#if PG_VERSION_NUM >= 160000
#define GA_JSON_ACTION JsonParseErrorType
#define GA_JSON_GO_ON return JSON_SUCCESS
#else
#define GA_JSON_ACTION void
#define GA_JSON_GO_ON return
#endif

/* Of a text in the server's encoding; its strings are read, too. */
static inline JsonLexContext *
ga_json_lexer(const char *text, int length)
{
#if PG_VERSION_NUM >= 170000
	return makeJsonLexContextCstringLen(NULL, unconstify(char *, text), length,
										GetDatabaseEncoding(), true);
#else
	return makeJsonLexContextCstringLen(unconstify(char *, text), length,
										GetDatabaseEncoding(), true);
#endif
}

/* Why `text` is no JSON in the server's encoding; NULL: it is.  Never throws. */
static inline const char *
ga_json_complaint(const char *text, int length)
{
	JsonLexContext *lex = ga_json_lexer(text, length);
	JsonParseErrorType error = pg_parse_json(lex, &nullSemAction);

	return error == JSON_SUCCESS ? NULL : json_errdetail(error, lex);
}

static inline bool
ga_json_is_valid(const char *text, int length)
{
	return ga_json_complaint(text, length) == NULL;
}

/*
 * One wait event per kind of wait, registered at first use in each process;
 * before 17 there is only "Extension".
 */
static inline uint32
ga_wait_event(const char *name)
{
#if PG_VERSION_NUM >= 170000
	return WaitEventExtensionNew(name);
#else
	(void) name;
	return PG_WAIT_EXTENSION;
#endif
}

/* What waits at once for a latch and several sockets; to be freed by the caller. */
static inline WaitEventSet *
ga_wait_event_set(int events)
{
#if PG_VERSION_NUM >= 170000
	return CreateWaitEventSet(CurrentResourceOwner, events);
#else
	return CreateWaitEventSet(CurrentMemoryContext, events);
#endif
}

/* A scan of an index in the active snapshot; index_rescan() begins it. */
static inline IndexScanDesc
ga_index_beginscan(Relation table, Relation index, int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(table, index, GetActiveSnapshot(), NULL, nkeys, 0);
#else
	return index_beginscan(table, index, GetActiveSnapshot(), nkeys, 0);
#endif
}

/* They stay open, and so live as long as the executor's state. */
static inline void
ga_open_indexes(ResultRelInfo *info, EState *estate)
{
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);

	if (info->ri_NumIndices == 0)
		ExecOpenIndices(info, false);
	MemoryContextSwitchTo(old);
}

/*
 * Told not to wait, the heap says at once that somebody else has locked a row.  No caller
 * of PostgreSQL's own tells it so, and one that is built with assertions insists on that;
 * there the row is locked first, which would cost a record of WAL for every row.
 */
#ifdef USE_ASSERT_CHECKING
#define GA_UPDATE_WAITS true
static inline bool
ga_table_lock_row(Relation table, EState *estate, ItemPointer at)
{
	TupleTableSlot *locked = table_slot_create(table, NULL);
	TM_FailureData failure;
	bool done = table_tuple_lock(table, at, estate->es_snapshot, locked,
								 estate->es_output_cid, LockTupleExclusive,
								 LockWaitSkip, 0, &failure) == TM_Ok;

	ExecDropSingleTupleTableSlot(locked);
	return done;
}
#else
#define GA_UPDATE_WAITS false
#define ga_table_lock_row(table, estate, at) true
#endif

/*
 * A new version of a row, and its entries in the indexes, which are opened when the
 * first version belongs into them; false, and nothing is done, where somebody else has
 * locked, changed or deleted it.
 */
static inline bool
ga_table_update_row(ResultRelInfo *info, EState *estate, ItemPointer at,
					TupleTableSlot *slot)
{
	TM_FailureData failure;
	LockTupleMode mode;
#if PG_VERSION_NUM >= 160000
	TU_UpdateIndexes indexes;
#else
	bool indexes;
#endif

	if (!ga_table_lock_row(info->ri_RelationDesc, estate, at) ||
		table_tuple_update(info->ri_RelationDesc, at, slot,
						   estate->es_output_cid, estate->es_snapshot,
						   InvalidSnapshot, GA_UPDATE_WAITS, &failure, &mode,
						   &indexes) != TM_Ok)
		return false;
#if PG_VERSION_NUM >= 160000
	if (indexes == TU_None)
		return true;
	ga_open_indexes(info, estate);
	(void) ExecInsertIndexTuples(info, slot, estate, true, false, NULL, NIL,
								 indexes == TU_Summarizing);
#else
	if (!indexes)
		return true;
	ga_open_indexes(info, estate);
	(void) ExecInsertIndexTuples(info, slot, estate, true, false, NULL, NIL);
#endif
	return true;
}

/* The sequence of an identity column; InvalidOid: none is known. */
static inline Oid
ga_identity_sequence(Relation table, AttrNumber column)
{
#if PG_VERSION_NUM >= 170000
	return getIdentitySequence(table, column, true);
#else
	return getIdentitySequence(RelationGetRelid(table), column, true);
#endif
}

/* From 18 on a constraint may be declared and not enforced. */
static inline bool
ga_check_is_enforced(const ConstrCheck *check)
{
#if PG_VERSION_NUM >= 180000
	return check->ccenforced;
#else
	(void) check;
	return true;
#endif
}

#endif /* GA_BASE_COMPAT_H */
