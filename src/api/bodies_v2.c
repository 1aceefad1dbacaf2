/*
 * bodies_v2.c
 *		Contract B's writes with the body as it came: JSON or a form.
 *
 * Each reads the body and calls the function that takes jsonb.  Who nobody is
 * hears that first, before what is wrong with the body.
 */
#include "postgres.h"

#include "api/creation.h"
#include "api/group_access_v2.h"
#include "fmgr.h"

extern Datum group_api_v2_put_group(PG_FUNCTION_ARGS);
extern Datum group_api_v2_patch_group(PG_FUNCTION_ARGS);
extern Datum group_api_v2_delete_group(PG_FUNCTION_ARGS);
extern Datum group_api_v2_invite_users(PG_FUNCTION_ARGS);
extern Datum group_api_v2_withdraw_invitations(PG_FUNCTION_ARGS);
extern Datum group_api_v2_subscribe(PG_FUNCTION_ARGS);
extern Datum group_api_v2_unsubscribe(PG_FUNCTION_ARGS);

static Datum
with_body(FunctionCallInfo fcinfo, PGFunction write)
{
	GaCaller caller;
	Datum answer;
	Jsonb *body;

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
	return with_body(fcinfo, group_api_v2_subscribe);
}

Datum
group_api_v2_unsubscribe_body(PG_FUNCTION_ARGS)
{
	return with_body(fcinfo, group_api_v2_unsubscribe);
}
