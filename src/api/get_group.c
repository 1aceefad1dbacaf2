/*
 * get_group.c
 *		group_api.get_group(uuid) and send_invitations(uuid).
 */
#include "postgres.h"

#include "access/xact.h"
#include "api/answer.h"
#include "api/caller.h"
#include "base/guc.h"
#include "dispatch/wake.h"
#include "store/group_store.h"
#include "store/installation_store.h"
#include "store/invitation_store.h"
#include "store/plan_cache.h"
#include "store/provider_store.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

static const char *
waiting_reason(const GaOwnerScope *scope, GaChannel channel)
{
	if (!ga_settings.dispatch)
		return "group_api.dispatch is off";
	if (ga_installation_is_foreign())
		return "the data come from another database and were not adopted";
	return ga_provider_waiting_reason(scope, channel);
}

/* Why what is queued still waits, asked once for each channel. */
static void
explain_waiting(const GaOwnerScope *scope, GaGroupView *group)
{
	const char *reasons[GA_CHANNEL_COUNT] = {NULL};
	bool asked[GA_CHANNEL_COUNT] = {false};

	for (int i = 0; i < group->member_count; i++)
	{
		GaMemberView *member = &group->members[i];

		if (member->delivery == NULL || strcmp(member->delivery, "queued") != 0)
			continue;
		if (!asked[member->channel])
		{
			reasons[member->channel] = waiting_reason(scope, member->channel);
			asked[member->channel] = true;
		}
		if (reasons[member->channel] != NULL)
			member->reason = reasons[member->channel];
	}
}

/* A reason quotes the provider, and so other members' addresses. */
static void
hide_reasons(GaGroupView *group)
{
	for (int i = 0; i < group->member_count; i++)
		group->members[i].reason = NULL;
}

static Datum
no_such_group(const GaCaller *caller)
{
	return ga_answer_fault(caller, GA_CONTRACT_A, "id", GA_VIOLATION_NOT_FOUND,
						   NULL, "there is no such group");
}

PG_FUNCTION_INFO_V1(group_api_get_group);

Datum
group_api_get_group(PG_FUNCTION_ARGS)
{
	GaOwnerScope scope;
	GaGroupView group;
	GaCaller caller;
	bool found;

	ga_caller_read(&caller);
	if (!caller.is_authenticated)
		return ga_answer_not_authenticated(&caller, GA_CONTRACT_A);
	if (PG_ARGISNULL(0))
		return no_such_group(&caller);
	ga_owner_enter(&scope);
	ga_caller_look_up(&scope, &caller, false);
	found = ga_group_find(&scope, *PG_GETARG_UUID_P(0), &group) &&
			ga_caller_may_see(&caller, &group);
	if (found)
		explain_waiting(&scope, &group);
	if (found && !ga_caller_may_change(&caller, &group))
		hide_reasons(&group);
	ga_owner_leave(&scope);
	/* One may not learn which groups exist. */
	if (!found)
		return no_such_group(&caller);
	ga_answer_status(&caller, 200);
	return ga_answer_group(&group);
}

PG_FUNCTION_INFO_V1(group_api_send_invitations);

Datum
group_api_send_invitations(PG_FUNCTION_ARGS)
{
	GaOwnerScope scope;
	GaGroupView group;
	GaCaller caller;
	bool may_see;
	bool may_change;

	ga_caller_read(&caller);
	if (!caller.is_authenticated)
		return ga_answer_not_authenticated(&caller, GA_CONTRACT_A);
	if (PG_ARGISNULL(0))
		return no_such_group(&caller);
	ga_owner_enter(&scope);
	ga_caller_look_up(&scope, &caller, false);
	may_see = ga_group_find(&scope, *PG_GETARG_UUID_P(0), &group) &&
			  ga_caller_may_see(&caller, &group);
	may_change = may_see && ga_caller_may_change(&caller, &group);
	if (may_change && !group.is_archived)
	{
		if (ga_invitations_release(group.id) > 0)
			ga_wake_at_commit(GetCurrentTransactionStartTimestamp());
		/* Somebody may have deleted the group in the meantime. */
		may_see = ga_group_find_latest(&scope, group.id, &group);
		if (may_see)
			explain_waiting(&scope, &group);
	}
	ga_owner_leave(&scope);
	if (!may_see)
		return no_such_group(&caller);
	if (!may_change)
		return ga_answer_fault(&caller, GA_CONTRACT_A, "id",
							   GA_VIOLATION_PERMISSION_DENIED, NULL,
							   "only the group's leader may invite");
	if (group.is_archived)
		return ga_answer_fault(&caller, GA_CONTRACT_A, "id",
							   GA_VIOLATION_CONFLICT, NULL,
							   "the group is archived");
	ga_answer_status(&caller, 200);
	return ga_answer_group(&group);
}
