/*
 * bodies_v2.c
 *		Contract B's writes with the body as it came: JSON or a form.
 *
 * Each reads the body and calls the function that takes jsonb.  Who nobody is
 * hears that first, before what is wrong with the body.
 *
 * SQL takes an untyped literal for a text: delete_group('5') means the group 5,
 * not a body that says 5.
 */
#include "postgres.h"

#include "api/creation.h"
#include "api/group_access_v2.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

extern Datum group_api_v2_put_group(PG_FUNCTION_ARGS);
extern Datum group_api_v2_patch_group(PG_FUNCTION_ARGS);
extern Datum group_api_v2_delete_group(PG_FUNCTION_ARGS);
extern Datum group_api_v2_invite_users(PG_FUNCTION_ARGS);
extern Datum group_api_v2_withdraw_invitations(PG_FUNCTION_ARGS);
extern Datum group_api_v2_subscribe(PG_FUNCTION_ARGS);
extern Datum group_api_v2_unsubscribe(PG_FUNCTION_ARGS);

/* In SQL, a text that is a whole number. */
static bool
is_group_id(FunctionCallInfo fcinfo)
{
	GaCaller caller;
	text *given;
	size_t length;

	if (PG_ARGISNULL(0) || get_fn_expr_argtype(fcinfo->flinfo, 0) == BYTEAOID)
		return false;
	given = PG_GETARG_TEXT_PP(0);
	length = VARSIZE_ANY_EXHDR(given);
	if (length == 0 || length > 19 ||
		strspn(text_to_cstring(given), "0123456789") != length)
		return false;
	ga_caller_read(&caller);
	return !caller.is_http;
}

/* (id, NULL) */
static Datum
call_with_id(FunctionCallInfo fcinfo, PGFunction write, int nargs)
{
	LOCAL_FCINFO(call, 2);
	const char *id = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Datum answer;

	InitFunctionCallInfoData(*call, fcinfo->flinfo, nargs, fcinfo->fncollation,
							 NULL, NULL);
	call->args[0].value = DirectFunctionCall1(int8in, CStringGetDatum(id));
	call->args[0].isnull = false;
	call->args[1].value = (Datum) 0;
	call->args[1].isnull = true;
	answer = write(call);
	fcinfo->isnull = call->isnull;
	return answer;
}

static Datum
with_body(FunctionCallInfo fcinfo, PGFunction write)
{
	GaCaller caller;
	Datum answer;
	Jsonb *body;

	ga_creation_check_right(fcinfo);
	if (!ga_caller_v2_read(&caller, GA_FOR_USERS, &answer))
		return answer;
	/* No body at all is for the function to judge. */
	if (!PG_ARGISNULL(0) && VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(0)) == 0)
		fcinfo->args[0].isnull = true;
	if (!PG_ARGISNULL(0))
	{
		body = ga_creation_body(fcinfo, GA_CONTRACT_B, &caller, &answer);
		if (body == NULL)
			return answer;
		fcinfo->args[0].value = JsonbPGetDatum(body);
	}
	return write(fcinfo);
}

PG_FUNCTION_INFO_V1(group_api_v2_put_group_body);
PG_FUNCTION_INFO_V1(group_api_v2_patch_group_body);
PG_FUNCTION_INFO_V1(group_api_v2_delete_group_body);
PG_FUNCTION_INFO_V1(group_api_v2_invite_users_body);
PG_FUNCTION_INFO_V1(group_api_v2_withdraw_invitations_body);
PG_FUNCTION_INFO_V1(group_api_v2_subscribe_body);
PG_FUNCTION_INFO_V1(group_api_v2_unsubscribe_body);

Datum
group_api_v2_put_group_body(PG_FUNCTION_ARGS)
{
	return with_body(fcinfo, group_api_v2_put_group);
}

Datum
group_api_v2_patch_group_body(PG_FUNCTION_ARGS)
{
	return with_body(fcinfo, group_api_v2_patch_group);
}

/* There is nothing to read in it. */
Datum
group_api_v2_delete_group_body(PG_FUNCTION_ARGS)
{
	if (is_group_id(fcinfo))
		return call_with_id(fcinfo, group_api_v2_delete_group, 1);
	ga_creation_check_right(fcinfo);
	fcinfo->nargs = 0;
	return group_api_v2_delete_group(fcinfo);
}

Datum
group_api_v2_invite_users_body(PG_FUNCTION_ARGS)
{
	return with_body(fcinfo, group_api_v2_invite_users);
}

Datum
group_api_v2_withdraw_invitations_body(PG_FUNCTION_ARGS)
{
	return with_body(fcinfo, group_api_v2_withdraw_invitations);
}

Datum
group_api_v2_subscribe_body(PG_FUNCTION_ARGS)
{
	if (is_group_id(fcinfo))
		return call_with_id(fcinfo, group_api_v2_subscribe, 2);
	return with_body(fcinfo, group_api_v2_subscribe);
}

Datum
group_api_v2_unsubscribe_body(PG_FUNCTION_ARGS)
{
	if (is_group_id(fcinfo))
		return call_with_id(fcinfo, group_api_v2_unsubscribe, 2);
	return with_body(fcinfo, group_api_v2_unsubscribe);
}
