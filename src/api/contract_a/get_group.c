/*
 * get_group.c
 *		group_api.get_group(uuid) and send_invitations(uuid).
 */
#include "postgres.h"

#include "access/xact.h"
#include "api/answer/answer.h"
#include "api/answer/contract_a.h"
#include "api/caller.h"
#include "api/group_access.h"
#include "dispatch/wake.h"
#include "store/group/group_store.h"
#include "store/invitation_store.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

PG_FUNCTION_INFO_V1(group_api_get_group);

Datum
group_api_get_group(PG_FUNCTION_ARGS)
{
	GaOwnerScope scope;
	GaGroup group;
	GaCaller caller;
	bool found;

	ga_caller_read(&caller);
	if (!caller.is_authenticated)
		return ga_answer_not_authenticated(&caller, GA_CONTRACT_A);
	if (PG_ARGISNULL(0))
		return ga_group_answer_missing(&caller);
	ga_owner_enter(&scope);
	ga_caller_look_up(&scope, &caller, false);
	found = ga_caller_finds(&scope, &caller, *PG_GETARG_UUID_P(0), &group);
	if (found)
		ga_group_explain_waiting(&scope, &caller, &group);
	ga_owner_leave(&scope);
	/* One may not learn which groups exist. */
	if (!found)
		return ga_group_answer_missing(&caller);
	ga_answer_status(&caller, 200);
	return ga_answer_group(&caller, &group);
}

PG_FUNCTION_INFO_V1(group_api_send_invitations);

Datum
group_api_send_invitations(PG_FUNCTION_ARGS)
{
	GaOwnerScope scope;
	GaGroup group;
	GaCaller caller;
	Datum answer;

	if (!ga_group_active_to_change(fcinfo, &caller, &group, "invite", &answer))
		return answer;
	ga_owner_enter(&scope);
	if (ga_invitations_release(&scope, group.id, group.created_by) > 0)
		ga_wake_at_commit_for_tags();
	ga_owner_leave(&scope);
	return ga_group_answer_amended(&caller, &group);
}
