/*
 * arguments.c
 *		Arguments of SQL functions as C has them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "api/arguments.h"
#include "catalog/pg_proc.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/syscache.h"

Oid
ga_argument_type(FunctionCallInfo fcinfo, int at)
{
	Oid function = fcinfo->flinfo->fn_oid;
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	Oid type;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("function %u does not exist", function)));
	form = (Form_pg_proc) GETSTRUCT(tuple);
	type =
		at < form->proargtypes.dim1 ? form->proargtypes.values[at] : InvalidOid;
	ReleaseSysCache(tuple);
	return type;
}

char *
ga_argument_text(FunctionCallInfo fcinfo, int at)
{
	return PG_ARGISNULL(at) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(at));
}

GaChannel
ga_argument_channel(FunctionCallInfo fcinfo, int at)
{
	const char *label;

	if (PG_ARGISNULL(at))
		return GA_CHANNEL_NONE;
	/* A label's own oid is all that it takes. */
	label = DatumGetCString(DirectFunctionCall1(enum_out, PG_GETARG_DATUM(at)));
	return strcmp(label, "MOBILE") == 0 ? GA_CHANNEL_MOBILE : GA_CHANNEL_EMAIL;
}
