/*
 * extension.c
 *		What of this database belongs to the extension.
 *
 * Membership stands in pg_depend, which no syscache covers, and every call of
 * create_group() asks for it.  So what was found is kept in each backend: the
 * schemas until any schema changes, the tables until any table's row in pg_class does, the
 * functions until any function does.
 * Dropping the extension drops both.  That nothing was found is not kept.
 * ALTER EXTENSION DROP alone is not noticed by sessions that have looked before;
 * only the extension's owner can say it.
 *
 * After a package was upgraded the library is newer than the SQL of each database until
 * ALTER EXTENSION UPDATE, and older where only the SQL was.  Then nothing is done but to
 * say so, since a statement could fail anywhere, or half succeed.
 *
 * Takes no locks but those of catalog scans.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "base/compat.h"
#include "base/extension.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#define EXTENSION "group_api"

/* Our schemas that C looks into. */
typedef struct Schemas
{
	bool is_valid;
	Oid public;	 /* group_api */
	Oid private; /* group_api_private */
	Oid invitations;
	bool fits; /* the SQL was seen to be of the library's version */
} Schemas;

typedef struct Named
{
	NameData name;
	Oid oid;
} Named;

typedef struct Routine
{
	char *signature;
	Oid function;
} Routine;

typedef struct Namesakes
{
	Oid function;
	List *oids;
} Namesakes;

static Schemas schemas;
static bool functions_are_valid;
static MemoryContext functions_context;
static List *namesakes_known; /* of Namesakes */
static List *named_known;	  /* of Named */
static bool tables_are_valid;
static MemoryContext tables_context;
static List *tables_known;	 /* of Named */
static List *routines_known; /* of Routine */
static bool is_watching;

static void
forget_schemas(Datum arg, int cache, uint32 hash)
{
	schemas.is_valid = false;
}

/* What is kept may be in use: it is freed when it is asked for next. */
static void
forget_functions(Datum arg, int cache, uint32 hash)
{
	functions_are_valid = false;
}

static void
forget_tables(Datum arg, int cache, uint32 hash)
{
	tables_are_valid = false;
}

static void
watch(void)
{
	if (is_watching)
		return;
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_schemas, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_tables, (Datum) 0);
	CacheRegisterSyscacheCallback(RELOID, forget_tables, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, forget_functions, (Datum) 0);
	/* A schema that is ours no longer takes its functions along. */
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_functions, (Datum) 0);
	is_watching = true;
}

Oid
ga_extension_oid(void)
{
	return get_extension_oid(EXTENSION, true);
}

char *
ga_extension_version(void)
{
	Relation extensions = table_open(ExtensionRelationId, AccessShareLock);
	char *version = NULL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(EXTENSION));
	scan = systable_beginscan(extensions, ExtensionNameIndexId, true, NULL, 1,
							  &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool is_null;
		Datum value = heap_getattr(tuple, Anum_pg_extension_extversion,
								   RelationGetDescr(extensions), &is_null);

		version = is_null ? NULL : TextDatumGetCString(value);
	}
	systable_endscan(scan);
	table_close(extensions, AccessShareLock);
	return version;
}

/* Numbers between dots are compared one by one: 1.10 is newer than 1.9. */
bool
ga_extension_is_newer(const char *sql_version)
{
	const char *ours = GA_VERSION;

	while (*sql_version != '\0' || *ours != '\0')
	{
		char *sql_end;
		char *our_end;
		unsigned long sql_number = strtoul(sql_version, &sql_end, 10);
		unsigned long our_number = strtoul(ours, &our_end, 10);

		if (sql_number != our_number)
			return sql_number > our_number;
		sql_version = sql_end + (*sql_end != '\0');
		ours = our_end + (*our_end != '\0');
	}
	return false;
}

char *
ga_extension_remedy(const char *sql_version)
{
	return ga_extension_is_newer(sql_version)
			   ? psprintf("Install the library of version %s and restart the "
						  "server.",
						  sql_version)
			   : pstrdup("ALTER EXTENSION group_api UPDATE;");
}

static bool
is_member(Oid class, Oid object, Oid extension)
{
	return OidIsValid(object) && OidIsValid(extension) &&
		   getExtensionOfObject(class, object) == extension;
}

static Oid
find_schema(const char *name, Oid extension)
{
	Oid schema = get_namespace_oid(name, true);

	return is_member(NamespaceRelationId, schema, extension) ? schema
															 : InvalidOid;
}

static Oid
find_table(const char *name, Oid schema, Oid extension)
{
	Oid table =
		OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;

	return is_member(RelationRelationId, table, extension) ? table : InvalidOid;
}

static const Schemas *
our_schemas(void)
{
	Oid extension;

	watch();
	if (schemas.is_valid)
		return &schemas;
	/* What changes while we look is looked at anew by the next call. */
	schemas.is_valid = true;
	schemas.fits = false;
	extension = ga_extension_oid();
	schemas.public = find_schema("group_api", extension);
	schemas.private = find_schema("group_api_private", extension);
	schemas.invitations = find_table("invitations", schemas.private, extension);
	if (!OidIsValid(schemas.public) || !OidIsValid(schemas.invitations))
		schemas.is_valid = false;
	return &schemas;
}

/*
 * What fits goes on to: the script of a newer version refuses to run with this
 * library (group_api_check_library).  What does not may be put right by ALTER
 * EXTENSION, of which nobody tells us, so that is never kept.
 */
static bool
look_whether_fits(char **version)
{
	const Schemas *ours = our_schemas();

	*version = NULL;
	if (ours->is_valid && ours->fits)
		return true;
	*version = ga_extension_version();
	if (*version != NULL && strcmp(*version, GA_VERSION) != 0)
		return false;
	schemas.fits = *version != NULL;
	return true;
}

bool
ga_extension_fits(void)
{
	char *version;

	return look_whether_fits(&version);
}

void
ga_extension_require(void)
{
	char *version;

	if (!look_whether_fits(&version))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the library of group_api is of version %s, the "
							   "extension in this database of version %s",
							   GA_VERSION, version),
						errhint("%s", ga_extension_remedy(version))));
}

/* ---- tables --------------------------------------------------------------- */

static Oid
find_named(const List *known, const char *name)
{
	ListCell *cell;

	foreach (cell, known)
		if (namestrcmp(&((Named *) lfirst(cell))->name, name) == 0)
			return ((Named *) lfirst(cell))->oid;
	return InvalidOid;
}

static void
keep_named(List **known, MemoryContext context, const char *name, Oid oid)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Named *named = palloc(sizeof(Named));

	namestrcpy(&named->name, name);
	named->oid = oid;
	*known = lappend(*known, named);
	MemoryContextSwitchTo(old);
}

/* What changes while we look is looked at anew by the next call. */
static void
begin_tables(void)
{
	watch();
	if (tables_are_valid)
		return;
	if (tables_context == NULL)
		tables_context = AllocSetContextCreate(
			TopMemoryContext, "group_api tables", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(tables_context);
	tables_known = NIL;
	tables_are_valid = true;
}

Oid
ga_extension_table(const char *name)
{
	Oid table;

	begin_tables();
	table = find_named(tables_known, name);
	if (OidIsValid(table))
		return table;
	table = find_table(name, our_schemas()->private, ga_extension_oid());
	if (OidIsValid(table))
		keep_named(&tables_known, tables_context, name, table);
	return table;
}

/* ---- whose it is ---------------------------------------------------------- */

Oid
ga_extension_table_owner(void)
{
	Oid table = our_schemas()->invitations;
	Oid owner = InvalidOid;
	HeapTuple tuple;

	if (!OidIsValid(table))
		return InvalidOid;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

static void
begin_functions(void)
{
	watch();
	if (functions_are_valid)
		return;
	if (functions_context == NULL)
		functions_context = AllocSetContextCreate(
			TopMemoryContext, "group_api functions", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(functions_context);
	namesakes_known = NIL;
	named_known = NIL;
	routines_known = NIL;
	functions_are_valid = true;
}

/* The one of that name, which has no second form. */
static Oid
find_function(const char *name, Oid schema)
{
	Oid extension = ga_extension_oid();
	Oid function = InvalidOid;
	CatCList *list =
		SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_proc other = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

		if (other->pronamespace == schema &&
			is_member(ProcedureRelationId, other->oid, extension))
			function = other->oid;
	}
	ReleaseSysCacheList(list);
	return function;
}

Oid
ga_extension_function(const char *name)
{
	Oid schema = our_schemas()->public;
	Oid function;

	if (!OidIsValid(schema))
		return InvalidOid;
	begin_functions();
	function = find_named(named_known, name);
	if (OidIsValid(function))
		return function;
	function = find_function(name, schema);
	if (OidIsValid(function))
		keep_named(&named_known, functions_context, name, function);
	return function;
}

/* As in a signature: types of PostgreSQL's own bear no schema, whatever the search_path. */
static char *
type_in_signature(Oid type)
{
	static const char system[] = "pg_catalog.";
	char *name = format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY);

	return strncmp(name, system, strlen(system)) == 0 ? name + strlen(system)
													  : name;
}

static bool
takes(const FormData_pg_proc *function, const char *types)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < function->pronargs; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? "," : "",
						 type_in_signature(function->proargtypes.values[i]));
	appendStringInfoChar(&list, ')');
	return strcmp(list.data, types) == 0;
}

/* schema.name(types), where `types` ends in the parenthesis. */
static Oid
find_routine(const char *schema_name, const char *name, const char *types)
{
	Oid extension = ga_extension_oid();
	Oid schema = find_schema(schema_name, extension);
	Oid found = InvalidOid;
	CatCList *list;

	if (!OidIsValid(schema))
		return InvalidOid;
	list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_proc other = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

		if (other->pronamespace == schema && takes(other, types) &&
			is_member(ProcedureRelationId, other->oid, extension))
			found = other->oid;
	}
	ReleaseSysCacheList(list);
	return found;
}

static void
keep_routine(const char *signature, Oid function)
{
	MemoryContext old = MemoryContextSwitchTo(functions_context);
	Routine *routine = palloc(sizeof(Routine));

	routine->signature = pstrdup(signature);
	routine->function = function;
	routines_known = lappend(routines_known, routine);
	MemoryContextSwitchTo(old);
}

Oid
ga_extension_routine(const char *signature)
{
	char *copy = pstrdup(signature);
	char *dot = strchr(copy, '.');
	char *open = dot ? strchr(dot, '(') : NULL;
	Oid function;
	ListCell *cell;

	begin_functions();
	foreach (cell, routines_known)
		if (strcmp(((Routine *) lfirst(cell))->signature, signature) == 0)
			return ((Routine *) lfirst(cell))->function;
	if (open == NULL || open - copy >= NAMEDATALEN)
		return InvalidOid;
	*dot = *open = '\0';
	function = find_routine(copy, dot + 1, open + 1);
	if (OidIsValid(function))
		keep_routine(signature, function);
	return function;
}

Oid
ga_extension_view(const char *name)
{
	static const char schema[] = "group_api.";
	Oid view;

	if (strncmp(name, schema, strlen(schema)) != 0)
		return InvalidOid;
	view = find_table(name + strlen(schema), our_schemas()->public,
					  ga_extension_oid());
	return OidIsValid(view) && get_rel_relkind(view) == RELKIND_VIEW
			   ? view
			   : InvalidOid;
}

static List *
find_namesakes(Oid function)
{
	Oid extension = ga_extension_oid();
	char *name = get_func_name(function);
	Oid schema = get_func_namespace(function);
	List *oids = NIL;
	CatCList *list;

	if (name == NULL || !is_member(ProcedureRelationId, function, extension))
		return NIL;
	list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_proc other = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

		if (other->pronamespace == schema &&
			is_member(ProcedureRelationId, other->oid, extension))
			oids = lappend_oid(oids, other->oid);
	}
	ReleaseSysCacheList(list);
	return oids;
}

List *
ga_extension_namesakes(Oid function)
{
	List *oids;
	MemoryContext old;
	ListCell *cell;
	Namesakes *found;

	begin_functions();
	foreach (cell, namesakes_known)
		if (((Namesakes *) lfirst(cell))->function == function)
			return ((Namesakes *) lfirst(cell))->oids;
	oids = find_namesakes(function);
	if (oids == NIL)
		return NIL;
	old = MemoryContextSwitchTo(functions_context);
	found = palloc(sizeof(Namesakes));
	found->function = function;
	found->oids = list_copy(oids);
	namesakes_known = lappend(namesakes_known, found);
	MemoryContextSwitchTo(old);
	return found->oids;
}
