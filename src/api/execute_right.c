/*
 * execute_right.c
 *		The right to a function that has several forms.
 *
 * Which function was called says its oid: there is no calling expression where
 * libpq's PQfn calls.
 */
#include "postgres.h"

#include "api/execute_right.h"
#include "base/compat.h"
#include "base/extension.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

void
ga_execute_right_check(FunctionCallInfo fcinfo, GaForms forms)
{
	Oid called = fcinfo->flinfo->fn_oid;
	ListCell *cell;

	foreach (cell, ga_extension_namesakes(called))
	{
		Oid other = lfirst_oid(cell);

		if (forms == GA_BODY_FORMS && get_func_nargs(other) != PG_NARGS())
			continue;
		if (!ga_may_execute(other, GetUserId()))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied for function %s",
							get_func_name(called)),
					 errhint("SELECT group_api.grant_access(%s, "
							 "'caller'); gives the right to all forms "
							 "of it.",
							 quote_literal_cstr(quote_identifier(
								 GetUserNameFromId(GetUserId(), false))))));
	}
}
