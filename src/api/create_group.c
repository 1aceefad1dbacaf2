/*
 * create_group.c
 *		group_api.create_group(jsonb): contract A.
 *
 * Everything that can be wrong is looked at before the first write.  A dry run
 * ends there: its answer has the nil GUID and the status 200.
 */
#include "postgres.h"

#include "access/xact.h"
#include "api/answer.h"
#include "api/caller.h"
#include "api/creation.h"
#include "base/guc.h"
#include "dispatch/wake.h"
#include "request/group_request.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

void
ga_creation_begin(GaGroupView *group, char contract)
{
	memset(group, 0, sizeof(*group));
	group->contract = contract;
	group->created_at = GetCurrentTransactionStartTimestamp();
	group->expires_at =
		group->created_at +
		(int64) ga_settings.invitation_expiry * USECS_PER_MINUTE;
	group->visible = true;
	group->active = true;
}

void
ga_creation_add_leader(GaGroupView *group, const GaCaller *caller)
{
	GaMemberView *leader = &group->members[0];

	group->created_by = caller->user.id;
	/* A role's name tells the invited person nothing. */
	group->inviter =
		caller->is_role ? NULL : ga_user_display_name(&caller->user);
	leader->number = 1;
	leader->is_leader = true;
	leader->user_id = caller->user.id;
	leader->name = ga_caller_name(caller);
	leader->picture = caller->user.avatar;
}

bool
ga_creation_write(const GaOwnerScope *scope, GaGroupView *group)
{
	bool done;

	ga_wake_trigger_is_silent = true;
	done = ga_group_insert(scope, group);
	ga_wake_trigger_is_silent = false;
	if (done)
		ga_wake_at_commit(group->created_at);
	return done;
}

static void
add_members(GaGroupView *group, const GaGroupRequest *request)
{
	for (int i = 0; i < request->member_count; i++)
	{
		const GaMemberRequest *asked = &request->members[i];
		GaMemberView *member = &group->members[i + 1];

		member->number = i + 2;
		member->name = asked->nick_name;
		member->channel = asked->contact.channel;
		member->contact = asked->contact.value;
		member->delivery = request->send_invitations ? "queued" : "held";
		member->delivery_at = group->created_at;
		member->response = "pending";
	}
}

static void
create(GaCaller *caller, const GaGroupRequest *request, GaGroupView *group)
{
	GaOwnerScope scope;

	ga_creation_begin(group, 'A');
	group->has_product = true;
	group->product_id = request->product_id;
	group->name = request->name;
	group->description = request->description;
	group->image = request->image;
	group->message = request->message;
	group->member_count = request->member_count + 1;
	group->members = palloc0(sizeof(GaMemberView) * group->member_count);
	add_members(group, request);

	ga_owner_enter(&scope);
	ga_caller_look_up(&scope, caller, !request->dry_run);
	ga_creation_add_leader(group, caller);
	if (!request->dry_run)
		(void) ga_creation_write(&scope, group);
	ga_owner_leave(&scope);
}

PG_FUNCTION_INFO_V1(group_api_create_group);

Datum
group_api_create_group(PG_FUNCTION_ARGS)
{
	GaViolations violations = {NIL};
	GaGroupRequest request;
	GaGroupView group;
	GaCaller caller;

	ga_caller_read(&caller);
	if (!caller.is_authenticated)
		return ga_answer_not_authenticated(&caller, GA_CONTRACT_A);
	if (PG_ARGISNULL(0))
		return ga_answer_fault(&caller, GA_CONTRACT_A, "",
							   GA_VIOLATION_INVALID_BODY, NULL,
							   "the body must be an object, not null");
	ga_group_request_read(PG_GETARG_JSONB_P(0), ga_settings.max_members,
						  &request, &violations);
	if (ga_violations_any(&violations))
		return ga_answer_violations(&caller, GA_CONTRACT_A, &violations);
	create(&caller, &request, &group);
	ga_answer_status(&caller, request.dry_run ? 200 : 201);
	return ga_answer_group(&group);
}
