/*
 * row.c
 *		Columns of what a statement returned, and arrays for its parameters.
 *
 * SPI's rows live until the next statement, so whatever is not a value is copied
 * to the scope's caller.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "store/row.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

Datum
ga_row_datum(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column,
						 isnull);
}

char *
ga_row_text(const GaOwnerScope *scope, uint64 row, int column)
{
	MemoryContext old = MemoryContextSwitchTo(scope->caller_context);
	char *text =
		SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);

	MemoryContextSwitchTo(old);
	return text;
}

int64
ga_row_int64(uint64 row, int column, int64 if_null)
{
	bool isnull;
	Datum value = ga_row_datum(row, column, &isnull);

	return isnull ? if_null : DatumGetInt64(value);
}

int32
ga_row_int32(uint64 row, int column, int32 if_null)
{
	bool isnull;
	Datum value = ga_row_datum(row, column, &isnull);

	return isnull ? if_null : DatumGetInt32(value);
}

bool
ga_row_bool(uint64 row, int column, bool if_null)
{
	bool isnull;
	Datum value = ga_row_datum(row, column, &isnull);

	return isnull ? if_null : DatumGetBool(value);
}

void
ga_row_read_key(uint64 row, GaRowKey *key)
{
	bool isnull;

	key->group_id = *DatumGetUUIDP(ga_row_datum(row, 1, &isnull));
	key->number = ga_row_int32(row, 2, 0);
}

Datum
ga_row_text_datum(const char *text, char *null)
{
	*null = text == NULL ? 'n' : ' ';
	return text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

Datum
ga_row_datum_array(Datum *values, bool *nulls, int count, Oid type)
{
	int16 length;
	bool byval;
	char align;
	int dims[1] = {count};
	int lbs[1] = {1};

	get_typlenbyvalalign(type, &length, &byval, &align);
	return PointerGetDatum(construct_md_array(values, nulls, 1, dims, lbs, type,
											  length, byval, align));
}

Datum
ga_row_text_array(const char *const *values, int count)
{
	Datum *datums = palloc(sizeof(Datum) * Max(count, 1));
	bool *nulls = palloc(sizeof(bool) * Max(count, 1));
	int dims[1] = {count};
	int lbs[1] = {1};

	for (int i = 0; i < count; i++)
	{
		nulls[i] = values[i] == NULL;
		datums[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(values[i]);
	}
	/* The type by heart: this one is also called outside transactions. */
	return PointerGetDatum(construct_md_array(
		datums, nulls, 1, dims, lbs, TEXTOID, -1, false, TYPALIGN_INT));
}
