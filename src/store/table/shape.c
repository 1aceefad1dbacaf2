/*
 * shape.c
 *		What is known of a table between calls.
 *
 * The shape of a table is read when it is used first and kept until PostgreSQL
 * tells that the table, one of its indexes or any function changed.  It says
 * where the columns are, and holds what an executor would prepare for each
 * statement: constant defaults, generated columns, CHECK constraints, and the
 * predicates and expressions of indexes.
 *
 * It also says whether rows may go in without a statement.  They may not where a
 * statement would do more than to form, check and index them: a trigger that is
 * not the extension's, a rule, a default that is no constant, a deferrable or
 * exclusion constraint, a partition's bounds, an expression with a function that
 * is not written in C (whose state may not outlive a call).
 *
 * Locks: the table's is held by the caller; indexes are locked while they are
 * looked at.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "base/compat.h"
#include "base/extension.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/defrem.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "store/table/shape.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

/* All of this session that have a shape. */
static GaTable *known = NULL;
/* How often something changed, whatever it was. */
static uint64 changes = 0;

/* ---- forgetting ---------------------------------------------------------- */

static bool
concerns(const GaTableShape *shape, Oid relation)
{
	if (!OidIsValid(relation) || relation == shape->table)
		return true;
	for (int i = 0; i < shape->index_count; i++)
		if (shape->indexes[i].oid == relation)
			return true;
	return false;
}

/* It may be in use: it is freed when it is read anew. */
static void
forget_relation(Datum arg, Oid relation)
{
	changes++;
	for (GaTable *table = known; table != NULL; table = table->next)
		if (table->shape != NULL && concerns(table->shape, relation))
			table->shape->is_valid = false;
}

static void
forget_all(Datum arg, int cache, uint32 hash)
{
	forget_relation(arg, InvalidOid);
}

static void
watch(GaTable *table)
{
	static bool is_watching = false;

	if (!is_watching)
	{
		CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
		CacheRegisterSyscacheCallback(PROCOID, forget_all, (Datum) 0);
		is_watching = true;
	}
	for (GaTable *other = known; other != NULL; other = other->next)
		if (other == table)
			return;
	table->next = known;
	known = table;
}

/* ---- expressions --------------------------------------------------------- */

static bool
is_foreign_function(Oid function, void *context)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid language = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		language = ((Form_pg_proc) GETSTRUCT(tuple))->prolang;
		ReleaseSysCache(tuple);
	}
	return language != INTERNALlanguageId && language != ClanguageId;
}

/* Whether its prepared state must not outlive a call. */
static bool
is_fleeting(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, NextValueExpr) || IsA(node, CoerceToDomain) ||
		IsA(node, SubLink) || IsA(node, Param) ||
		check_functions_in_node(node, is_foreign_function, context))
		return true;
	return expression_tree_walker(node, is_fleeting, context);
}

/* NULL: a statement has to do it. */
static ExprState *
prepare(Node *node)
{
	Expr *planned = expression_planner((Expr *) node);

	return is_fleeting((Node *) planned, NULL) ? NULL
											   : ExecInitExpr(planned, NULL);
}

/* ---- columns ------------------------------------------------------------- */

static bool
is_of_type(Oid actual, Oid wanted)
{
	return wanted == ANYENUMOID ? type_is_enum(actual) : actual == wanted;
}

/* Where the table's columns are; false when one is not there or another. */
static bool
place_columns(const GaTable *table, GaTableShape *shape)
{
	shape->places = palloc0(sizeof(AttrNumber) * table->column_count);
	for (int i = 0; i < table->column_count; i++)
	{
		const GaColumn *column = &table->columns[i];

		for (int at = 0; at < shape->desc->natts; at++)
		{
			Form_pg_attribute is = TupleDescAttr(shape->desc, at);

			if (!is->attisdropped &&
				namestrcmp(&is->attname, column->name) == 0 &&
				is_of_type(is->atttypid, column->type) &&
				(is->attgenerated != '\0') == column->is_generated &&
				(is->attidentity != '\0') == column->is_identity)
				shape->places[i] = at + 1;
		}
		if (shape->places[i] == 0)
			return false;
	}
	return true;
}

static bool
is_placed(const GaTable *table, const GaTableShape *shape, AttrNumber place)
{
	for (int i = 0; i < table->column_count; i++)
		if (shape->places[i] == place)
			return true;
	return false;
}

/* A column that nobody tells has its default, which must be a constant. */
static bool
note_default(GaTableShape *shape, Relation relation, int at)
{
	Form_pg_attribute is = TupleDescAttr(shape->desc, at);
	Node *value;
	Const *constant;

	if (is->attisdropped)
		return true;
	if (is->attidentity != '\0')
		return false;
	value = build_column_default(relation, at + 1);
	if (value == NULL)
		return !is->attnotnull;
	constant = (Const *) expression_planner((Expr *) value);
	if (!IsA(constant, Const))
		return false;
	shape->no_default[at] = constant->constisnull;
	if (!constant->constisnull)
		shape->defaults[at] =
			datumCopy(constant->constvalue, is->attbyval, is->attlen);
	return true;
}

static bool
note_generated(GaTableShape *shape, Relation relation, int at)
{
	if (TupleDescAttr(shape->desc, at)->attgenerated !=
		ATTRIBUTE_GENERATED_STORED)
		return false;
	shape->generated[at] = prepare(build_column_default(relation, at + 1));
	shape->any_generated = true;
	return shape->generated[at] != NULL;
}

static bool
note_columns(const GaTable *table, GaTableShape *shape, Relation relation)
{
	int count = shape->desc->natts;
	bool takes_rows = true;

	shape->defaults = palloc0(sizeof(Datum) * count);
	shape->no_default = palloc(sizeof(bool) * count);
	memset(shape->no_default, true, sizeof(bool) * count);
	shape->generated = palloc0(sizeof(ExprState *) * count);
	for (int at = 0; at < count; at++)
	{
		if (is_placed(table, shape, at + 1))
			continue;
		takes_rows &= TupleDescAttr(shape->desc, at)->attgenerated != '\0'
						  ? note_generated(shape, relation, at)
						  : note_default(shape, relation, at);
	}
	for (int i = 0; i < table->column_count; i++)
		if (table->columns[i].is_identity)
			shape->sequence = ga_identity_sequence(relation, shape->places[i]);
	return takes_rows;
}

static bool
note_checks(GaTableShape *shape)
{
	const TupleConstr *constr = shape->desc->constr;

	for (int i = 0; constr != NULL && i < constr->num_check; i++)
	{
		ExprState *check;

		if (!ga_check_is_enforced(&constr->check[i]))
			continue;
		check = prepare(stringToNode(constr->check[i].ccbin));
		if (check == NULL)
			return false;
		shape->checks = lappend(shape->checks, check);
	}
	return true;
}

/* ---- triggers ------------------------------------------------------------ */

/* Our own trigger wakes the dispatcher, which who writes rows here does itself. */
static bool
has_foreign_trigger(Relation relation)
{
	const TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (TRIGGER_FOR_INSERT(trigger->tgtype) &&
			(TRIGGER_FOR_ROW(trigger->tgtype) ||
			 ga_extension_namesakes(trigger->tgfoid) == NIL))
			return true;
	}
	return false;
}

/* ---- indexes ------------------------------------------------------------- */

/* A column that a predicate wants to be not null; 0: there is none. */
static AttrNumber
find_not_null(List *predicate)
{
	ListCell *cell;

	foreach (cell, predicate)
	{
		const NullTest *test = lfirst(cell);

		if (IsA(test, NullTest) && test->nulltesttype == IS_NOT_NULL &&
			!test->argisrow && IsA(test->arg, Var) &&
			((Var *) test->arg)->varattno > 0)
			return ((Var *) test->arg)->varattno;
	}
	return 0;
}

static bool
prepare_index(IndexInfo *info)
{
	ListCell *cell;

	foreach (cell, info->ii_Expressions)
	{
		ExprState *state = prepare(lfirst(cell));

		if (state == NULL)
			return false;
		info->ii_ExpressionsState = lappend(info->ii_ExpressionsState, state);
	}
	if (info->ii_Predicate != NIL)
	{
		List *planned =
			(List *) expression_planner((Expr *) info->ii_Predicate);

		if (is_fleeting((Node *) planned, NULL))
			return false;
		info->ii_PredicateState = ExecInitQual(planned, NULL);
	}
	return true;
}

static bool
finds_rows(Relation index, const IndexInfo *info, TupleDesc desc)
{
	if (index->rd_rel->relam != BTREE_AM_OID || info->ii_Expressions != NIL ||
		info->ii_Predicate != NIL || !index->rd_index->indisvalid ||
		index->rd_index->indcheckxmin)
		return false;
	for (int i = 0; i < info->ii_NumIndexKeyAttrs; i++)
	{
		Form_pg_attribute is =
			TupleDescAttr(desc, info->ii_IndexAttrNumbers[i] - 1);
		Oid usual = GetDefaultOpClass(is->atttypid, BTREE_AM_OID);

		if (index->rd_indcollation[i] != is->attcollation ||
			!OidIsValid(usual) ||
			index->rd_opfamily[i] != get_opclass_family(usual))
			return false;
	}
	return true;
}

/* Asked of indexes that are walked alone, which cover what is wanted. */
static char *
condition_of(Relation relation, const IndexInfo *info)
{
	if (info->ii_Predicate == NIL ||
		info->ii_NumIndexAttrs == info->ii_NumIndexKeyAttrs)
		return NULL;
	return deparse_expression(
		(Node *) make_ands_explicit(info->ii_Predicate),
		deparse_context_for(RelationGetRelationName(relation),
							RelationGetRelid(relation)),
		false, false);
}

static bool
note_indexes(GaTableShape *shape, Relation relation)
{
	List *oids = RelationGetIndexList(relation);
	bool takes_rows = true;
	ListCell *cell;

	shape->indexes = palloc0(sizeof(GaTableIndex) * list_length(oids));
	foreach (cell, oids)
	{
		GaTableIndex *index = &shape->indexes[shape->index_count++];
		Relation opened = index_open(lfirst_oid(cell), AccessShareLock);

		index->oid = lfirst_oid(cell);
		index->info = BuildIndexInfo(opened);
		index->not_null = find_not_null(index->info->ii_Predicate);
		index->finds_rows = finds_rows(opened, index->info, shape->desc);
		index->finds_one = index->finds_rows && index->info->ii_Unique;
		index->condition = condition_of(relation, index->info);
		takes_rows &= opened->rd_index->indimmediate &&
					  !opened->rd_index->indisexclusion &&
					  prepare_index(index->info);
		index_close(opened, AccessShareLock);
	}
	return takes_rows;
}

/* ---- all of it ----------------------------------------------------------- */

static void
read_shape(const GaTable *table, GaTableShape *shape, Relation relation)
{
	bool is_plain = relation->rd_rel->relkind == RELKIND_RELATION &&
					!relation->rd_rel->relispartition &&
					!relation->rd_rel->relhasrules;

	shape->desc = CreateTupleDescCopyConstr(RelationGetDescr(relation));
	shape->estate = CreateExecutorState();
	if (!is_plain || !place_columns(table, shape))
		return;
	shape->takes_rows = note_columns(table, shape, relation);
	shape->takes_rows &= note_checks(shape);
	shape->takes_rows &= note_indexes(shape, relation);
	shape->takes_rows &= !has_foreign_trigger(relation);
	/* What inherits from it is read along by a statement. */
	shape->is_read = !relation->rd_rel->relhassubclass;
}

void
ga_table_shape_read(GaTable *table, Relation relation)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "group_api table", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	GaTableShape *shape = palloc0(sizeof(GaTableShape));
	uint64 before;

	watch(table);
	before = changes;
	if (table->shape != NULL)
		MemoryContextDelete(table->shape->context);
	table->shape = NULL;
	shape->context = context;
	shape->table = RelationGetRelid(relation);
	read_shape(table, shape, relation);
	MemoryContextSetParent(context, TopMemoryContext);
	table->shape = shape;
	/*
	 * Whoever builds an index with CONCURRENTLY waits for this transaction, not
	 * for the next one, which has to see what changed meanwhile.
	 */
	shape->is_valid = changes == before;
	MemoryContextSwitchTo(old);
}
