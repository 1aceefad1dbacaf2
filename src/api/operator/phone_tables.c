/*
 * phone_tables.c
 *		How old the tables are that telephone numbers are checked by, for the view
 *		group_api.phone_tables and for health().
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "request/contact/contact.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(group_api_phone_tables);

Datum
group_api_phone_tables(PG_FUNCTION_ARGS)
{
	TupleDesc descriptor;
	GaPhoneTables tables;
	Datum values[3];
	bool nulls[3] = {false};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("the caller accepts no record")));
	ga_contact_phone_tables(&tables);
	values[0] =
		CStringGetTextDatum(psprintf("%04d-%02d", tables.year, tables.month));
	values[1] = Int32GetDatum(tables.age);
	values[2] = BoolGetDatum(tables.is_old);
	PG_RETURN_DATUM(HeapTupleGetDatum(
		heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
