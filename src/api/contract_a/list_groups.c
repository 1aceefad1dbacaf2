/*
 * list_groups.c
 *		group_api.list_groups(integer, integer): the groups of contract A that the
 *		caller leads or has joined.
 */
#include "postgres.h"

#include "api/answer/answer.h"
#include "api/answer/contract_a.h"
#include "api/caller.h"
#include "api/contract_b/paging.h"
#include "store/group/contract_a_store.h"
#include "store/plan_cache.h"

PG_FUNCTION_INFO_V1(group_api_list_groups);

Datum
group_api_list_groups(PG_FUNCTION_ARGS)
{
	GaGroupOutline *groups;
	GaOwnerScope scope;
	GaPaging paging;
	GaCaller caller;
	Datum answer;
	int count;

	ga_caller_read(&caller);
	if (!caller.is_authenticated)
		return ga_answer_not_authenticated(&caller, GA_CONTRACT_A);
	if (ga_paging_is_refused(&caller, GA_CONTRACT_A, GA_QUERY_PAGE, &answer))
		return answer;
	ga_paging_read(&caller, fcinfo, 0, NULL, &paging);
	ga_owner_enter(&scope);
	ga_caller_look_up(&scope, &caller, false);
	groups =
		ga_groups_v1_of_user(&scope, caller.user.id, &paging.bounds, &count);
	ga_owner_leave(&scope);
	ga_answer_status(&caller, 200);
	return ga_answer_groups(&caller, &paging, groups, count);
}
