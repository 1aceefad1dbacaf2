/*
 * users.c
 *		Contract B's users: one by id, and the caller, with what they may do.
 *
 * An app that has just logged somebody in asks who that is, before anything was
 * written.  So get_me() enters the caller into the directory, as any write does:
 * the gateway calls it by POST.
 */
#include "postgres.h"

#include "api/answer/answer.h"
#include "api/answer/contract_b.h"
#include "api/caller.h"
#include "api/contract_b/group_access.h"
#include "api/group_creators.h"
#include "fmgr.h"
#include "store/plan_cache.h"

static Datum
answer_unknown(const GaCaller *caller, const char *hint)
{
	return ga_answer_fault(caller, GA_CONTRACT_B, "", GA_VIOLATION_NOT_FOUND,
						   hint, "there is no such user");
}

PG_FUNCTION_INFO_V1(group_api_v2_get_user);

Datum
group_api_v2_get_user(PG_FUNCTION_ARGS)
{
	int64 id = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);
	GaOwnerScope scope;
	GaCaller caller;
	GaUser user;
	Datum answer;

	if (!ga_access_read_caller(&caller, GA_FOR_USERS, &answer))
		return answer;
	ga_owner_enter(&scope);
	ga_users_find(&scope, &id, 1, &user);
	ga_owner_leave(&scope);
	if (user.id == 0)
		return answer_unknown(&caller, NULL);
	ga_answer_status(&caller, 200);
	return ga_answer_user_v2(&user);
}

/* Reads who calls and looks them up; false with an answer for nobody. */
static bool
read_own(GaCaller *caller, bool add, Datum *answer)
{
	GaOwnerScope scope;

	if (!ga_access_read_caller(caller, GA_FOR_USERS, answer))
		return false;
	ga_owner_enter(&scope);
	ga_caller_look_up(&scope, caller, add && !ga_caller_only_reads(caller));
	ga_owner_leave(&scope);
	return true;
}

PG_FUNCTION_INFO_V1(group_api_v2_get_me);

Datum
group_api_v2_get_me(PG_FUNCTION_ARGS)
{
	GaCaller caller;
	Datum answer;

	if (!read_own(&caller, true, &answer))
		return answer;
	if (caller.user.id == 0)
		return answer_unknown(&caller, "Call it by POST, which enters the "
									   "caller into the directory.");
	ga_answer_status(&caller, 200);
	return ga_answer_own_user_v2(&caller.user, ga_group_creators_have(&caller));
}

PG_FUNCTION_INFO_V1(group_api_v2_get_permission);

Datum
group_api_v2_get_permission(PG_FUNCTION_ARGS)
{
	GaCaller caller;
	Datum answer;

	if (!ga_access_read_caller(&caller, GA_FOR_USERS, &answer))
		return answer;
	ga_answer_status(&caller, 200);
	return ga_answer_permission_v2(ga_group_creators_have(&caller));
}

PG_FUNCTION_INFO_V1(group_api_v2_get_avatar);

Datum
group_api_v2_get_avatar(PG_FUNCTION_ARGS)
{
	GaCaller caller;
	Datum answer;

	if (!read_own(&caller, false, &answer))
		return answer;
	ga_answer_status(&caller, 200);
	return ga_answer_avatar_v2(&caller.user);
}
