/*
 * group_access.c
 *		Who may see and change contract B's groups.
 *
 * A hidden group does not exist for those who have nothing to do with it: they
 * get the answer of a number nobody has.
 */
#include "postgres.h"

#include "api/contract_b/group_access.h"
#include "base/guc.h"
#include "fmgr.h"
#include "utils/builtins.h"

bool
ga_access_read_caller(GaCaller *caller, GaAudience audience, Datum *answer)
{
	ga_caller_read(caller);
	if (caller->is_authenticated ||
		(audience == GA_FOR_EVERYBODY && ga_settings.content_availability))
		return true;
	*answer = ga_answer_not_authenticated(caller, GA_CONTRACT_B);
	return false;
}

/* Digits that fit; 0 for anything else. */
static int64
read_number(const char *text)
{
	int64 number = 0;

	if (text == NULL || strlen(text) > 18)
		return 0;
	for (; *text; text++)
	{
		if (*text < '0' || *text > '9')
			return 0;
		number = number * 10 + (*text - '0');
	}
	return number;
}

int64
ga_group_v2_number(const GaCaller *caller, FunctionCallInfo fcinfo, int at)
{
	if (at < 0)
		return read_number(ga_caller_header(caller, "x-group-id"));
	return PG_ARGISNULL(at) ? 0 : PG_GETARG_INT64(at);
}

GaViewer
ga_access_viewer(const GaCaller *caller)
{
	return (GaViewer){.user_id = caller->user.id,
					  .sees_all = caller->is_operator};
}

bool
ga_access_manages(const GaCaller *caller, const GaGroupV2 *group)
{
	return ga_caller_may_change(caller, &group->common);
}

static bool
is_seen(const GaCaller *caller, const GaGroupV2 *group)
{
	return group->common.visible || group->status != NULL ||
		   ga_access_manages(caller, group);
}

static bool
answer_if_missing(const GaCaller *caller, bool found, Datum *answer)
{
	if (!found)
		*answer =
			ga_answer_fault(caller, GA_CONTRACT_B, "", GA_VIOLATION_NOT_FOUND,
							NULL, "there is no such group");
	return found;
}

bool
ga_group_v2_to_see(GaCaller *caller, int64 number, GaGroupV2 *group,
				   Datum *answer)
{
	GaOwnerScope scope;
	bool found;

	ga_owner_enter(&scope);
	ga_caller_look_up(&scope, caller, false);
	found = ga_group_v2_is_seen(number, ga_access_viewer(caller)) &&
			ga_group_v2_find(&scope, number, ga_access_viewer(caller), group) &&
			is_seen(caller, group);
	ga_owner_leave(&scope);
	return answer_if_missing(caller, found, answer);
}

bool
ga_group_v2_of_call(FunctionCallInfo fcinfo, GaAudience audience,
					GaCaller *caller, GaGroupV2 *group, Datum *answer)
{
	return ga_access_read_caller(caller, audience, answer) &&
		   ga_group_v2_to_see(caller, ga_group_v2_number(caller, fcinfo, 0),
							  group, answer);
}

bool
ga_group_v2_is_managed(const GaCaller *caller, const GaGroupV2 *group,
					   const char *action, Datum *answer)
{
	if (ga_access_manages(caller, group))
		return true;
	*answer = ga_answer_fault(caller, GA_CONTRACT_B, "",
							  GA_VIOLATION_PERMISSION_DENIED, NULL,
							  "only the group's manager may %s", action);
	return false;
}

bool
ga_group_v2_is_open(const GaCaller *caller, const GaGroupV2 *group,
					Datum *answer)
{
	if (!group->common.is_archived)
		return true;
	*answer = ga_answer_fault(caller, GA_CONTRACT_B, "", GA_VIOLATION_CONFLICT,
							  NULL, "the group is archived");
	return false;
}

bool
ga_group_v2_hold(const GaCaller *caller, GaGroupV2 *group, Datum *answer)
{
	bool was_open = !group->common.is_archived;
	GaOwnerScope scope;
	bool found;

	ga_owner_enter(&scope);
	found = ga_group_v2_lock(&scope, group->common.number,
							 ga_access_viewer(caller), group) &&
			is_seen(caller, group);
	ga_owner_leave(&scope);
	return answer_if_missing(caller, found, answer) &&
		   (!was_open || ga_group_v2_is_open(caller, group, answer));
}
