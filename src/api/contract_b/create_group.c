/*
 * create_group.c
 *		group_api_v2.create_group(jsonb), (text) and (bytea): contract B.
 *
 * Invited users are members from the start, with a pending invitation; those
 * whose e-mail address or mobile number stands in the directory get a message
 * too, the others learn of it inside the app.  A dry run writes nothing; its
 * answer has the id 0 and the messages that would be sent.
 */
#include "postgres.h"

#include "api/answer/answer.h"
#include "api/answer/contract_b.h"
#include "api/caller.h"
#include "api/creation.h"
#include "api/group_creators.h"
#include "api/idempotency.h"
#include "api/contract_b/invitees.h"
#include "api/link/picture.h"
#include "api/quota.h"
#include "base/guc.h"
#include "request/contract_body.h"
#include "store/group/insert_store.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"

static void
add_invited(GaGroup *group, const GaUser *users, int count)
{
	for (int i = 0; i < count; i++)
	{
		GaMember *member = &group->members[group->member_count];

		/* Whoever creates the group is in it already. */
		if (users[i].id == group->created_by)
			continue;
		ga_invitee_be_invited(member, &users[i], group->created_at);
		member->number = ++group->member_count;
	}
}

/* What only the database knows: unknown users, a name that is taken. */
static GaUser *
check_against_store(const GaOwnerScope *scope, const GaGroupRequestV2 *request,
					GaViolations *violations)
{
	static const pg_uuid_t none = {{0}};

	if (request->name != NULL && ga_group_name_is_taken(request->name, &none))
		ga_violation_add(
			violations, "name", GA_VIOLATION_UNIQUE, "Choose another name.",
			"name \"%s\" is taken by another group", request->name);
	return ga_invitees_named(scope, "invite_users", &request->invite_users,
							 violations);
}

/*
 * What is wrong so far is told with what the database knows of the fields that are
 * good: who mends a request wants all of it.
 */
static Datum
refuse(const GaCaller *caller, const GaGroupRequestV2 *request,
	   GaViolations *violations)
{
	GaOwnerScope scope;

	ga_owner_enter(&scope);
	MemoryContextSwitchTo(scope.caller_context);
	(void) check_against_store(&scope, request, violations);
	ga_owner_leave(&scope);
	return ga_answer_violations(caller, GA_CONTRACT_B, violations);
}

static void
fill_group(GaGroup *group, const GaGroupRequestV2 *request, GaUploads *uploads)
{
	ga_creation_begin(group, 'B');
	if (request->dry_run)
		memset(&group->id, 0, sizeof(group->id));
	group->name = request->name;
	group->description = request->description;
	group->color = request->color;
	group->is_private = request->is_private;
	group->visible = request->is_visible;
	ga_pictures_take(group, request, request->given, uploads);
	group->emotional_image_position =
		request->has_image_position ? request->image_position : 0;
	group->member_count = 1;
	group->members =
		palloc0(sizeof(GaMember) * (request->invite_users.count + 1));
}

static void
check_and_write(const GaOwnerScope *scope, GaCaller *caller,
				const GaGroupRequestV2 *request, GaGroup *group,
				const GaUploads *uploads, GaViolations *violations)
{
	GaUser *users = check_against_store(scope, request, violations);
	const GaUsage added = {1, ga_picture_uploads_bytes(uploads)};

	if (ga_violations_any(violations))
		return;
	ga_caller_look_up(scope, caller, !request->dry_run);
	if (!ga_quota_allows(scope, caller, added, violations))
		return;
	ga_creation_add_leader(scope, group, caller);
	add_invited(group, users, request->invite_users.count);
	if (request->dry_run)
		return;
	/* Somebody else may have taken the name since the check. */
	if (ga_creation_write(scope, group))
	{
		ga_pictures_keep(group, uploads);
		ga_quota_count(caller, added);
	}
	else
		ga_violation_add(
			violations, "name", GA_VIOLATION_UNIQUE, "Choose another name.",
			"name \"%s\" is taken by another group", request->name);
}

/*
 * Who is not in the directory yet has made no group and has no key.  A request of
 * theirs that is refused must not enter them, so what refuses it is asked before.
 */
static bool
may_be_entered(const GaOwnerScope *scope, GaCaller *caller,
			   const GaGroupRequestV2 *request, const GaUploads *uploads,
			   GaViolations *violations)
{
	const GaUsage added = {1, ga_picture_uploads_bytes(uploads)};

	ga_caller_look_up(scope, caller, false);
	if (caller->user.id != 0)
		return true;
	(void) check_against_store(scope, request, violations);
	if (!ga_violations_any(violations))
		(void) ga_quota_allows(scope, caller, added, violations);
	return !ga_violations_any(violations);
}

/* A group that was made before may have grown since. */
static int
count_subscribers(const GaGroup *group)
{
	int count = 0;

	for (int i = 0; i < group->member_count; i++)
		count += group->members[i].response == GA_RESPONSE_NONE ||
				 group->members[i].response == GA_RESPONSE_ACCEPTED;
	return count;
}

/* False with violations when nothing was written. */
static bool
create(GaCaller *caller, const GaGroupRequestV2 *request, const char *key,
	   Jsonb *body, GaGroup *group, GaPreview *preview,
	   GaViolations *violations)
{
	GaOwnerScope scope;
	GaUploads uploads;

	fill_group(group, request, &uploads);
	ga_owner_enter(&scope);
	MemoryContextSwitchTo(scope.caller_context);
	/* What is not written needs no key. */
	if (request->dry_run)
		key = NULL;
	else
		ga_creation_mark_shard(group);
	if (may_be_entered(&scope, caller, request, &uploads, violations) &&
		ga_idempotency_begin(&scope, caller, key, body, NULL, group,
							 violations))
	{
		check_and_write(&scope, caller, request, group, &uploads, violations);
		if (ga_violations_any(violations))
			ga_idempotency_cancel(caller, key, group);
	}
	ga_creation_end(&scope, caller, group, preview, violations);
	return !ga_violations_any(violations);
}

static Datum
create_group(GaCaller *caller, GaGivenBody *given)
{
	Jsonb *body = given->json;
	GaViolations violations = given->violations;
	GaGroupRequestV2 request;
	GaGroup group;
	GaPreview preview;
	const char *key;
	bool shows;

	if (!ga_group_creators_have(caller))
		return ga_answer_fault(caller, GA_CONTRACT_B, "",
							   GA_VIOLATION_PERMISSION_DENIED, NULL,
							   "the caller may not create groups");
	ga_contract_b_read(body, ga_settings.max_members, &request, &violations);
	key = ga_idempotency_key(caller, request.idempotency_key, &violations);
	shows = request.dry_run || ga_creation_is_rehearsal(caller);
	if (ga_violations_any(&violations))
		return refuse(caller, &request, &violations);
	if (!create(caller, &request, key, body, &group, shows ? &preview : NULL,
				&violations))
		return ga_answer_violations(caller, GA_CONTRACT_B, &violations);
	ga_answer_status(caller, request.dry_run ? 200 : 201);
	return ga_answer_group_v2_preview(&group, &caller->user,
									  count_subscribers(&group),
									  shows ? &preview : NULL);
}

PG_FUNCTION_INFO_V1(group_api_v2_create_group);

/* (jsonb), (text) and (bytea) */
Datum
group_api_v2_create_group(PG_FUNCTION_ARGS)
{
	return ga_creation_run(fcinfo, GA_CONTRACT_B, create_group);
}
