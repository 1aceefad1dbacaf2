/*
 * user_lists.c
 *		Contract B: the lists of who is in a group, asks to be, is or may be invited.
 *
 * Each is a page of users (api/contract_b/paging), and takes no lock.  Whether the
 * caller may see the group is asked before whether the list is theirs to see, so
 * that a hidden group answers as if there were none.
 */
#include "postgres.h"

#include "api/answer/answer.h"
#include "api/answer/contract_b.h"
#include "api/arguments.h"
#include "api/contract_b/group_access.h"
#include "api/contract_b/paging.h"
#include "fmgr.h"
#include "store/group/search_store.h"
#include "store/group/subscription_store.h"
#include "utils/builtins.h"

static Datum
answer_users(FunctionCallInfo fcinfo, const GaCaller *caller,
			 const GaGroupV2 *group, GaUserList list)
{
	GaOwnerScope scope;
	GaPaging paging;
	GaUser *users;
	Datum answer;
	int count;

	if (ga_paging_is_refused(caller, GA_CONTRACT_B, GA_QUERY_PAGE, &answer))
		return answer;
	ga_paging_read(caller, fcinfo, 1, NULL, &paging);
	ga_owner_enter(&scope);
	users = ga_group_v2_users(&scope, group->common.id, list, &paging.bounds,
							  &count);
	ga_owner_leave(&scope);
	ga_answer_status(caller, 200);
	return ga_answer_users_v2(&paging, users, count);
}

static bool
is_for_members(const GaCaller *caller, const GaGroupV2 *group,
			   const char *action, Datum *answer)
{
	if (ga_access_manages(caller, group) ||
		(group->status != NULL && strcmp(group->status, "subscribed") == 0))
		return true;
	if (!caller->is_authenticated)
		*answer = ga_answer_not_authenticated(caller, GA_CONTRACT_B);
	else
		*answer = ga_answer_fault(caller, GA_CONTRACT_B, "",
								  GA_VIOLATION_PERMISSION_DENIED, NULL,
								  "only members may %s", action);
	return false;
}

PG_FUNCTION_INFO_V1(group_api_v2_list_members);

Datum
group_api_v2_list_members(PG_FUNCTION_ARGS)
{
	GaGroupV2 group;
	GaCaller caller;
	Datum answer;

	if (!ga_group_v2_of_call(fcinfo, GA_FOR_EVERYBODY, &caller, &group,
							 &answer) ||
		/* Who is in a private group is for its members to know. */
		(group.common.is_private &&
		 !is_for_members(&caller, &group, "see who is in a private group",
						 &answer)))
		return answer;
	return answer_users(fcinfo, &caller, &group, GA_USERS_SUBSCRIBED);
}

PG_FUNCTION_INFO_V1(group_api_v2_list_feed);

/* Groups have no posts here, which their pages ask for all the same. */
Datum
group_api_v2_list_feed(PG_FUNCTION_ARGS)
{
	GaPaging paging;
	GaGroupV2 group;
	GaCaller caller;
	Datum answer;

	if (!ga_group_v2_of_call(fcinfo, GA_FOR_USERS, &caller, &group, &answer) ||
		!is_for_members(&caller, &group, "see the feed", &answer) ||
		ga_paging_is_refused(&caller, GA_CONTRACT_B,
							 GA_QUERY_PAGE | GA_QUERY_ORDERING, &answer))
		return answer;
	ga_paging_read(&caller, fcinfo, 1, NULL, &paging);
	ga_answer_status(&caller, 200);
	return ga_answer_users_v2(&paging, NULL, 0);
}

static Datum
list_for_manager(FunctionCallInfo fcinfo, GaUserList list, const char *action)
{
	GaGroupV2 group;
	GaCaller caller;
	Datum answer;

	if (!ga_group_v2_of_call(fcinfo, GA_FOR_USERS, &caller, &group, &answer) ||
		!ga_group_v2_is_managed(&caller, &group, action, &answer))
		return answer;
	return answer_users(fcinfo, &caller, &group, list);
}

PG_FUNCTION_INFO_V1(group_api_v2_list_invited_users);

Datum
group_api_v2_list_invited_users(PG_FUNCTION_ARGS)
{
	return list_for_manager(fcinfo, GA_USERS_INVITED, "see who is invited");
}

PG_FUNCTION_INFO_V1(group_api_v2_list_requests);

Datum
group_api_v2_list_requests(PG_FUNCTION_ARGS)
{
	return list_for_manager(fcinfo, GA_USERS_REQUESTING,
							"see who asks to join");
}

PG_FUNCTION_INFO_V1(group_api_v2_suggest_users);

Datum
group_api_v2_suggest_users(PG_FUNCTION_ARGS)
{
	bool has_group = !PG_ARGISNULL(0);
	GaOwnerScope scope;
	GaGroupV2 group;
	GaPaging paging;
	GaCaller caller;
	GaUser *users;
	Datum answer;
	int count;

	if (!ga_access_read_caller(&caller, GA_FOR_USERS, &answer) ||
		ga_paging_is_refused(&caller, GA_CONTRACT_B,
							 GA_QUERY_PAGE | GA_QUERY_SEARCH, &answer) ||
		(has_group &&
		 (!ga_group_v2_to_see(&caller, PG_GETARG_INT64(0), &group, &answer) ||
		  !ga_group_v2_is_managed(&caller, &group, "see whom to invite",
								  &answer))))
		return answer;
	ga_paging_read(&caller, fcinfo, 2, ga_argument_text(fcinfo, 1), &paging);
	ga_owner_enter(&scope);
	ga_caller_look_up(&scope, &caller, false);
	users = ga_search_users_to_invite(&scope, ga_access_viewer(&caller),
									  has_group ? &group.common.id : NULL,
									  &paging.bounds, &count);
	ga_owner_leave(&scope);
	ga_answer_status(&caller, 200);
	return ga_answer_users_v2(&paging, users, count);
}
