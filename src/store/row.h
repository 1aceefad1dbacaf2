/*
 * row.h
 *		Columns of what a statement returned, and arrays for its parameters.
 */
#ifndef GA_STORE_ROW_H
#define GA_STORE_ROW_H

#include "postgres.h"

#include "store/owner.h"
#include "utils/uuid.h"

/* An invitation; as number 0 its group itself. */
typedef struct GaRowKey
{
	pg_uuid_t group_id;
	int32 number;
} GaRowKey;

/* A column of SPI_tuptable, 1-based; text is copied to the scope's caller. */
extern Datum ga_row_datum(uint64 row, int column, bool *isnull);
extern char *ga_row_text(const GaOwnerScope *scope, uint64 row, int column);
extern int64 ga_row_int64(uint64 row, int column, int64 if_null);
extern int32 ga_row_int32(uint64 row, int column, int32 if_null);
extern bool ga_row_bool(uint64 row, int column, bool if_null);

/* The key that stands in the first two columns. */
extern void ga_row_read_key(uint64 row, GaRowKey *key);

/* A text as a parameter, NULL as null; `null` is its place in what SPI takes. */
extern Datum ga_row_text_datum(const char *text, char *null);

/* Arrays as parameters; a NULL string becomes a null element. */
extern Datum ga_row_text_array(const char *const *values, int count);
extern Datum ga_row_datum_array(Datum *values, bool *nulls, int count,
								Oid type);

#endif /* GA_STORE_ROW_H */
