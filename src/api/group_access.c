/*
 * group_access.c
 *		Who may change a group, and the answer after the change.
 */
#include "postgres.h"

#include "access/xact.h"
#include "api/answer/contract_a.h"
#include "api/disclosure.h"
#include "api/group_access.h"
#include "base/guc.h"
#include "store/installation_store.h"
#include "store/group/lifecycle_store.h"
#include "store/provider_store.h"
#include "store/suppression_store.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

Datum
ga_group_answer_missing(const GaCaller *caller)
{
	return ga_answer_fault(caller, GA_CONTRACT_A, "id", GA_VIOLATION_NOT_FOUND,
						   NULL, "there is no such group");
}

/* As of now: another row of the same statement may have changed it. */
static bool
finds_latest(const GaOwnerScope *scope, const GaCaller *caller, pg_uuid_t id,
			 GaGroup *group)
{
	bool found;

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	found = ga_caller_finds(scope, caller, id, group);
	PopActiveSnapshot();
	return found;
}

/* The id is NULL where none was given. */
static bool
may_change(GaCaller *caller, const pg_uuid_t *id, GaGroup *group,
		   const char *action, Datum *answer)
{
	GaOwnerScope scope;
	bool may_see = id != NULL;
	bool may_change = false;

	if (may_see)
	{
		ga_owner_enter(&scope);
		ga_caller_look_up(&scope, caller, false);
		may_see = finds_latest(&scope, caller, *id, group);
		may_change = may_see && ga_caller_may_change(caller, group);
		ga_owner_leave(&scope);
	}
	/* One may not learn which groups exist. */
	if (!may_see)
		*answer = ga_group_answer_missing(caller);
	else if (!may_change)
		*answer = ga_answer_fault(caller, GA_CONTRACT_A, "id",
								  GA_VIOLATION_PERMISSION_DENIED, NULL,
								  "only the group's leader may %s", action);
	return may_change;
}

bool
ga_group_named_to_change(GaCaller *caller, pg_uuid_t id, GaGroup *group,
						 const char *action, Datum *answer)
{
	return may_change(caller, &id, group, action, answer);
}

bool
ga_group_to_change(FunctionCallInfo fcinfo, GaCaller *caller, GaGroup *group,
				   const char *action, Datum *answer)
{
	ga_caller_read(caller);
	if (!caller->is_authenticated)
	{
		*answer = ga_answer_not_authenticated(caller, GA_CONTRACT_A);
		return false;
	}
	return may_change(caller, PG_ARGISNULL(0) ? NULL : PG_GETARG_UUID_P(0),
					  group, action, answer);
}

bool
ga_group_active_to_change(FunctionCallInfo fcinfo, GaCaller *caller,
						  GaGroup *group, const char *action, Datum *answer)
{
	GaOwnerScope scope;
	bool is_found = true;

	if (!ga_group_to_change(fcinfo, caller, group, action, answer))
		return false;
	if (!group->is_archived)
	{
		ga_owner_enter(&scope);
		is_found = ga_group_lock(group->id, &group->is_archived);
		ga_owner_leave(&scope);
	}
	if (!is_found)
		*answer = ga_group_answer_missing(caller);
	else if (group->is_archived)
		*answer =
			ga_answer_fault(caller, GA_CONTRACT_A, "id", GA_VIOLATION_CONFLICT,
							NULL, "the group is archived");
	return is_found && !group->is_archived;
}

static const char *
waiting_reason(const GaOwnerScope *scope, GaChannel channel)
{
	if (!ga_settings.dispatch)
		return "group_api.dispatch is off";
	if (ga_installation_is_foreign())
		return "the data come from another database and were not adopted";
	return ga_provider_waiting_reason(scope, channel);
}

/* The provider may have said first what is on the list now. */
static void
mark_suppressed(const GaOwnerScope *scope, GaGroup *group)
{
	const char **reasons =
		ga_suppressions_of_members(scope, group, GA_DELIVERY_FAILED);

	/* That a mailbox is gone is news about the message, not about a person. */
	for (int i = 0; reasons != NULL && i < group->member_count; i++)
		if (reasons[i] != NULL)
			group->members[i].is_suppressed =
				strcmp(reasons[i], "bounced") != 0;
}

void
ga_group_explain_waiting(const GaOwnerScope *scope, const GaCaller *caller,
						 GaGroup *group)
{
	const char *reasons[GA_CHANNEL_COUNT] = {NULL};
	bool asked[GA_CHANNEL_COUNT] = {false};

	for (int i = 0; i < group->member_count; i++)
	{
		GaMember *member = &group->members[i];

		if (member->delivery != GA_DELIVERY_QUEUED)
			continue;
		if (!asked[member->channel])
		{
			reasons[member->channel] = ga_disclosure_waiting_reason(
				caller, waiting_reason(scope, member->channel));
			asked[member->channel] = true;
		}
		if (reasons[member->channel] != NULL)
			member->reason = reasons[member->channel];
	}
	if (!caller->is_operator)
		mark_suppressed(scope, group);
}

Datum
ga_group_answer_amended(const GaCaller *caller, GaGroup *group)
{
	GaOwnerScope scope;
	bool found;

	ga_owner_enter(&scope);
	/* Somebody may have deleted the group in the meantime. */
	found = ga_group_find_latest(&scope, group->id, group);
	if (found)
		ga_group_explain_waiting(&scope, caller, group);
	ga_owner_leave(&scope);
	if (!found)
		return ga_group_answer_missing(caller);
	ga_answer_status(caller, 200);
	return ga_answer_group(caller, group);
}
