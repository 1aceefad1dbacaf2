/*
 * extension_owner.c
 *		Whose the extension is, and which of its tables are somebody else's.
 *
 * ALTER TABLE ... OWNER TO, or an event trigger that gives every new table away, parts
 * a table from the extension.  Statements run as the owner of our tables, and foreign
 * keys as the owner of each, so a role that may not do all must own none of them.
 *
 * Takes no locks but those of catalog scans.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "base/extension.h"
#include "store/table/extension_owner.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"

Oid
ga_extension_owner(void)
{
	Oid owner = InvalidOid;
	Relation extensions = table_open(ExtensionRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(ga_extension_oid()));
	scan = systable_beginscan(extensions, ExtensionOidIndexId, true, NULL, 1,
							  &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(extensions, AccessShareLock);
	return owner;
}

static bool
is_table_of_other(Oid relation, Oid owner)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	bool answer;
	Form_pg_class class;

	if (!HeapTupleIsValid(tuple))
		return false;
	class = (Form_pg_class) GETSTRUCT(tuple);
	answer = class->relkind == RELKIND_RELATION && class->relowner != owner &&
			 !superuser_arg(class->relowner);
	ReleaseSysCache(tuple);
	return answer;
}

List *
ga_extension_tables_of_others(void)
{
	Oid owner = ga_extension_owner();
	Relation depend = table_open(DependRelationId, AccessShareLock);
	List *tables = NIL;
	SysScanDesc scan;
	ScanKeyData keys[2];
	HeapTuple tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(ExtensionRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(ga_extension_oid()));
	scan =
		systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend member = (Form_pg_depend) GETSTRUCT(tuple);

		if (member->classid == RelationRelationId &&
			member->deptype == DEPENDENCY_EXTENSION &&
			is_table_of_other(member->objid, owner))
			tables = lappend_oid(tables, member->objid);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return tables;
}
