/*
 * arguments.c
 *		Arguments of SQL functions as C has them.
 */
#include "postgres.h"

#include "api/arguments.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

char *
ga_text_argument(FunctionCallInfo fcinfo, int at)
{
	return PG_ARGISNULL(at) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(at));
}

GaChannel
ga_channel_argument(FunctionCallInfo fcinfo, int at)
{
	Oid output;
	bool is_varlena;
	char *label;

	if (PG_ARGISNULL(at))
		return GA_CHANNEL_NONE;
	getTypeOutputInfo(get_fn_expr_argtype(fcinfo->flinfo, at), &output,
					  &is_varlena);
	label = OidOutputFunctionCall(output, PG_GETARG_DATUM(at));
	return strcmp(label, "MOBILE") == 0 ? GA_CHANNEL_MOBILE : GA_CHANNEL_EMAIL;
}
