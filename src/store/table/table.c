/*
 * table.c
 *		May this table be read and written without a statement now?
 *
 * What the catalogs say of a table is kept as its shape until one of them changes,
 * which PostgreSQL tells every session (store/table/shape).  What may differ from
 * one call to the next is asked here each time: the owner's right, row security,
 * and an extension that wants to see every access.
 */
#include "postgres.h"

#include "access/table.h"
#include "base/extension.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "store/table/shape.h"
#include "store/table/table.h"
#include "utils/acl.h"
#include "utils/rel.h"
#include "utils/rls.h"

static Oid
find_table(const GaTable *table)
{
	if (table->shape != NULL && table->shape->is_valid)
		return table->shape->table;
	return ga_extension_table(table->name);
}

/* The lock is held: what was told of before it is known. */
static bool
is_known(GaTable *table, Relation relation)
{
	if (table->shape != NULL && table->shape->is_valid)
		return true;
	/* It may have been renamed while the lock was waited for. */
	if (ga_extension_table(table->name) != RelationGetRelid(relation))
		return false;
	ga_table_shape_read(table, relation);
	return true;
}

static bool
is_allowed(const GaTable *table, AclMode right)
{
	const GaTableShape *shape = table->shape;

	if (right == ACL_INSERT ? !shape->takes_rows : !shape->is_read)
		return false;
	return pg_class_aclcheck(shape->table, GetUserId(), right) == ACLCHECK_OK &&
		   check_enable_rls(shape->table, InvalidOid, true) != RLS_ENABLED;
}

Relation
ga_table_open(GaTable *table, LOCKMODE lock, AclMode right)
{
	Oid oid;
	Relation relation;

	/* An auditor or a label provider sees statements alone. */
	if (ExecutorCheckPerms_hook != NULL)
		return NULL;
	oid = find_table(table);
	relation = OidIsValid(oid) ? try_table_open(oid, lock) : NULL;
	if (relation == NULL)
		return NULL;
	if (is_known(table, relation) && is_allowed(table, right))
		return relation;
	table_close(relation, lock);
	return NULL;
}
