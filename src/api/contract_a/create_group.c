/*
 * create_group.c
 *		group_api.create_group(jsonb) and (text): contract A.
 *
 * Everything that can be wrong is looked at before the first write.  A dry run
 * ends there: its answer has the nil GUID, the status 200 and the messages that
 * would be sent.  So does that of a call the gateway will roll back, which is a
 * real one otherwise.
 */
#include "postgres.h"

#include "api/answer/answer.h"
#include "api/answer/contract_a.h"
#include "api/caller.h"
#include "api/contract_a/asked_members.h"
#include "api/creation.h"
#include "api/group_creators.h"
#include "api/idempotency.h"
#include "api/quota.h"
#include "base/guc.h"
#include "request/contract_body.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"

static void
fill_group(GaGroup *group, const GaGroupRequest *request)
{
	ga_creation_begin(group, 'A');
	group->has_product = true;
	group->product_id = request->product_id;
	group->name = request->name;
	group->description = request->description;
	group->image = request->image;
	group->message = request->message;
	group->member_count = request->member_count + 1;
	group->members = palloc0(sizeof(GaMember) * group->member_count);
	ga_asked_members_fill(request, 2, group->created_at, &group->members[1]);
}

/* A group with violations was not written. */
static void
create(GaCaller *caller, const GaGroupRequest *request, const char *key,
	   Jsonb *body, GaGroup *group, GaPreview *preview,
	   GaViolations *violations)
{
	const GaUsage one_group = {.groups = 1};
	GaOwnerScope scope;

	fill_group(group, request);
	ga_owner_enter(&scope);
	ga_creation_mark_shard(group);
	if (ga_idempotency_begin(&scope, caller, key, body, NULL, group,
							 violations))
	{
		ga_caller_look_up(&scope, caller, true);
		if (ga_quota_allows(&scope, caller, one_group, violations))
		{
			ga_creation_add_leader(group, caller);
			(void) ga_creation_write(&scope, group);
			ga_quota_count(caller, one_group);
		}
		else
			ga_idempotency_cancel(caller, key, group);
	}
	ga_creation_end(&scope, caller, group, preview, violations);
}

/* Everything but the writing: the answer has the nil GUID. */
static void
rehearse(GaCaller *caller, const GaGroupRequest *request, GaGroup *group,
		 GaPreview *preview)
{
	GaOwnerScope scope;

	fill_group(group, request);
	memset(&group->id, 0, sizeof(group->id));
	ga_owner_enter(&scope);
	ga_caller_look_up(&scope, caller, false);
	ga_creation_add_leader(group, caller);
	ga_creation_mark_suppressed(&scope, group);
	ga_preview_make(&scope, caller, group, ga_preview_queued, GA_PREVIEW_EVERY,
					NULL, preview);
	ga_owner_leave(&scope);
}

static Datum
create_group(GaCaller *caller, Jsonb *body)
{
	GaViolations violations = {NIL};
	GaGroupRequest request;
	GaPreview preview;
	GaGroup group;
	const char *key;
	bool shows;

	if (!ga_group_creators_have(caller))
		return ga_answer_fault(caller, GA_CONTRACT_A, "",
							   GA_VIOLATION_PERMISSION_DENIED, NULL,
							   "the caller may not create groups");
	ga_contract_a_read(body, ga_settings.max_members,
					   ga_settings.mobile_countries, &request, &violations);
	key = ga_idempotency_key(caller, request.idempotency_key, &violations);
	if (ga_violations_any(&violations))
		return ga_answer_violations(caller, GA_CONTRACT_A, &violations);
	shows = request.dry_run || ga_creation_is_rehearsal(caller);
	if (request.dry_run)
		rehearse(caller, &request, &group, &preview);
	else
		create(caller, &request, key, body, &group, shows ? &preview : NULL,
			   &violations);
	if (ga_violations_any(&violations))
		return ga_answer_violations(caller, GA_CONTRACT_A, &violations);
	ga_answer_status(caller, request.dry_run ? 200 : 201);
	return ga_answer_group_preview(caller, &group, shows ? &preview : NULL);
}

PG_FUNCTION_INFO_V1(group_api_create_group);

/* (jsonb), (text) and (bytea) */
Datum
group_api_create_group(PG_FUNCTION_ARGS)
{
	return ga_creation_run(fcinfo, GA_CONTRACT_A, create_group);
}
