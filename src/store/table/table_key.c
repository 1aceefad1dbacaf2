/*
 * table_key.c
 *		The keys of rows and the index that has them.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "store/table/table_key.h"
#include "utils/typcache.h"

void
ga_table_key_make(const GaTableShape *shape, const GaTableKey *keys, int count,
				  ScanKeyData *made)
{
	for (int i = 0; i < count; i++)
	{
		AttrNumber place = shape->places[keys[i].column];
		Form_pg_attribute is = TupleDescAttr(shape->desc, place - 1);
		TypeCacheEntry *type =
			lookup_type_cache(is->atttypid, TYPECACHE_EQ_OPR_FINFO);

		ScanKeyEntryInitialize(&made[i], 0, place, BTEqualStrategyNumber,
							   InvalidOid, is->attcollation,
							   type->eq_opr_finfo.fn_oid, keys[i].value);
	}
}

static bool
has_keys(const IndexInfo *info, const ScanKeyData *keys, int count)
{
	if (info->ii_NumIndexKeyAttrs != count)
		return false;
	for (int i = 0; i < count; i++)
		if (info->ii_IndexAttrNumbers[i] != keys[i].sk_attno)
			return false;
	return true;
}

/* By its columns and not by its name, which an operator may have changed. */
Oid
ga_table_key_index(const GaTableShape *shape, const ScanKeyData *keys,
				   int count, bool unique)
{
	for (int i = 0; i < shape->index_count; i++)
	{
		const GaTableIndex *index = &shape->indexes[i];

		if ((unique ? index->finds_one : index->finds_rows) &&
			has_keys(index->info, keys, count))
			return index->oid;
	}
	return InvalidOid;
}
