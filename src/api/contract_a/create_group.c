/*
 * create_group.c
 *		group_api.create_group(jsonb), (text) and (bytea): contract A.
 *
 * Everything that can be wrong is looked at before the first write.  A dry run
 * ends there: its answer has the nil GUID, the status 200 and the messages that
 * would be sent.  So does that of a call the gateway will roll back, which is a
 * real one otherwise.
 */
#include "postgres.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

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
#include "utils/memutils.h"

static void
fill_group(GaGroup *group, GaGroupRequest *request)
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
	pfree(request->members);
	request->members = NULL;
}

/* A group with violations was not written. */
static void
create(GaCaller *caller, GaGroupRequest *request, const char *key,
	   GaGivenBody *body, GaGroup *group, GaPreview *preview,
	   GaViolations *violations)
{
	const GaUsage one_group = {.groups = 1};
	GaOwnerScope scope;

	/* Its hash is taken where there is a key. */
	if (key == NULL)
		ga_creation_forget_body(body);
	fill_group(group, request);
	ga_owner_enter(&scope);
	ga_creation_mark_shard(group);
	if (ga_idempotency_begin(&scope, caller, key, body->json, NULL, group,
							 violations))
	{
		ga_caller_look_up(&scope, caller, true);
		if (ga_quota_allows(&scope, caller, one_group, violations))
		{
			ga_creation_add_leader(&scope, group, caller);
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
rehearse(GaCaller *caller, GaGroupRequest *request, GaGroup *group,
		 GaPreview *preview)
{
	GaOwnerScope scope;

	fill_group(group, request);
	memset(&group->id, 0, sizeof(group->id));
	ga_owner_enter(&scope);
	ga_caller_look_up(&scope, caller, false);
	ga_creation_add_leader(&scope, group, caller);
	ga_creation_mark_suppressed(&scope, group);
	ga_preview_make(&scope, caller, group, ga_preview_queued, GA_PREVIEW_EVERY,
					NULL, preview);
	ga_owner_leave(&scope);
}

/* What was asked for, and what became of it. */
typedef struct Creation
{
	GaGroupRequest request;
	GaGroup group;
	GaPreview preview;
	bool shows; /* the preview is told */
	GaViolations violations;
} Creation;

static void
carry_out(GaCaller *caller, GaGivenBody *body, Creation *creation)
{
	GaGroupRequest *request = &creation->request;
	GaViolations *violations = &creation->violations;
	const char *key;

	ga_contract_a_read(body->json, ga_settings.max_members,
					   ga_settings.mobile_countries, request, violations);
	key = ga_idempotency_key(caller, request->idempotency_key, violations);
	if (ga_violations_any(violations))
		return;
	creation->shows = request->dry_run || ga_creation_is_rehearsal(caller);
	if (request->dry_run)
		rehearse(caller, request, &creation->group, &creation->preview);
	else
		create(caller, request, key, body, &creation->group,
			   creation->shows ? &creation->preview : NULL, violations);
}

static Datum
answer(GaCaller *caller, Creation *creation)
{
	if (ga_violations_any(&creation->violations))
		return ga_answer_violations(caller, GA_CONTRACT_A,
									&creation->violations);
	ga_answer_status(caller, creation->request.dry_run ? 200 : 201);
	return ga_answer_group_preview(caller, &creation->group,
								   creation->shows ? &creation->preview : NULL);
}

/* Below this, what malloc() keeps is of use to the next call. */
#define MANY_MEMBERS 10000

/*
 * What a creation takes is freed when its answer is put together, since whoever sends
 * that makes copies of it.  Of a large one the C library keeps 15 MB in pieces between
 * what is in use, unless it is asked to give them back.
 */
static void
free_creation(MemoryContext context, int member_count)
{
	MemoryContextDelete(context);
#ifdef __GLIBC__
	if (member_count >= MANY_MEMBERS)
		(void) malloc_trim(0);
#endif
}

static Datum
create_group(GaCaller *caller, GaGivenBody *body)
{
	Creation creation = {.violations = body->violations};
	MemoryContext context;
	MemoryContext old;
	Datum result;

	if (!ga_group_creators_have(caller))
		return ga_answer_fault(caller, GA_CONTRACT_A, "",
							   GA_VIOLATION_PERMISSION_DENIED, NULL,
							   "the caller may not create groups");
	context = AllocSetContextCreate(CurrentMemoryContext, "group_api creation",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	carry_out(caller, body, &creation);
	MemoryContextSwitchTo(old);
	result = answer(caller, &creation);
	free_creation(context, creation.request.member_count);
	return result;
}

PG_FUNCTION_INFO_V1(group_api_create_group);

/* (jsonb), (text) and (bytea) */
Datum
group_api_create_group(PG_FUNCTION_ARGS)
{
	return ga_creation_run(fcinfo, GA_CONTRACT_A, create_group);
}
