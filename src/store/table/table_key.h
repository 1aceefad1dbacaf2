/*
 * table_key.h
 *		The keys of rows and the index that has them; for store/table alone.
 */
#ifndef GA_STORE_TABLE_TABLE_KEY_H
#define GA_STORE_TABLE_TABLE_KEY_H

#include "postgres.h"

#include "access/skey.h"
#include "store/table/shape.h"
#include "store/table/table_find.h"

#define GA_TABLE_MOST_KEYS 2

/* What the heap is asked for. */
extern void ga_table_key_make(const GaTableShape *shape, const GaTableKey *keys,
							  int count, ScanKeyData *made);
/*
 * An index over just these columns in this order; `unique`: it finds one row at most.
 * InvalidOid: there is none.
 */
extern Oid ga_table_key_index(const GaTableShape *shape,
							  const ScanKeyData *keys, int count, bool unique);

#endif /* GA_STORE_TABLE_TABLE_KEY_H */
