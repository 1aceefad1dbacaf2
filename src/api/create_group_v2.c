/*
 * create_group_v2.c
 *		group_api_v2.create_group(jsonb) and (text): contract B.
 *
 * Invited users are members from the start, with a pending invitation; those
 * whose e-mail address or mobile number stands in the directory get a message
 * too, the others learn of it inside the app.  A dry run writes nothing; its
 * answer has the id 0 and the messages that would be sent.
 */
#include "postgres.h"

#include "api/answer.h"
#include "api/caller.h"
#include "api/creation.h"
#include "base/guc.h"
#include "request/group_request.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"

/* An address of the directory counts only if it would pass as a contact. */
static GaContact
contact_of(const GaUser *user)
{
	GaContact contact = {GA_CHANNEL_NONE, NULL, NULL};
	GaViolations ignored = {NIL};

	if (user->email != NULL &&
		ga_contact_read_email(user->email, "", &ignored, &contact))
		return contact;
	if (user->mobile != NULL &&
		ga_contact_read_mobile(user->mobile, "", &ignored, &contact))
		return contact;
	contact.channel = GA_CHANNEL_NONE;
	contact.value = NULL;
	return contact;
}

static void
add_invited(GaGroupView *group, const GaUser *users, int count)
{
	for (int i = 0; i < count; i++)
	{
		GaMemberView *member = &group->members[group->member_count];
		GaContact contact = contact_of(&users[i]);
		const char *name = ga_user_display_name(&users[i]);

		/* Whoever creates the group is in it already. */
		if (users[i].id == group->created_by)
			continue;
		member->number = ++group->member_count;
		member->user_id = users[i].id;
		member->name =
			name ? name : psprintf("user " INT64_FORMAT, users[i].id);
		member->picture = users[i].avatar;
		member->channel = contact.channel;
		member->contact = contact.value;
		member->delivery = contact.channel == GA_CHANNEL_NONE ? NULL : "queued";
		member->delivery_at = group->created_at;
		member->response = "pending";
		member->locale = ga_caller_locale(users[i].locale);
	}
}

/* What only the database knows: unknown users, a name that is taken. */
static void
check_against_store(const GaOwnerScope *scope, const GaGroupRequestV2 *request,
					GaUser *users, GaViolations *violations)
{
	if (ga_group_name_is_taken(request->name))
		ga_violation_add(
			violations, "name", GA_VIOLATION_UNIQUE, "Choose another name.",
			"name \"%s\" is taken by another group", request->name);
	ga_users_find(scope, request->invite_users, request->user_count, users);
	for (int i = 0; i < request->user_count; i++)
		if (users[i].id == 0)
			ga_violation_add(violations, psprintf("invite_users[%d]", i),
							 GA_VIOLATION_DOES_NOT_EXIST, NULL,
							 "invite_users[%d] names no user: " INT64_FORMAT, i,
							 request->invite_users[i]);
}

static void
fill_group(GaGroupView *group, const GaGroupRequestV2 *request)
{
	ga_creation_begin(group, 'B');
	if (request->dry_run)
		memset(&group->id, 0, sizeof(group->id));
	group->name = request->name;
	group->description = request->description;
	group->image = request->image;
	group->color = request->color;
	group->is_private = request->is_private;
	group->visible = request->is_visible;
	group->emotional_image = request->emotional_image;
	group->emotional_image_position =
		request->has_image_position ? request->image_position : 0;
	group->member_count = 1;
	group->members = palloc0(sizeof(GaMemberView) * (request->user_count + 1));
}

static void
check_and_write(const GaOwnerScope *scope, GaCaller *caller,
				const GaGroupRequestV2 *request, GaGroupView *group,
				GaViolations *violations)
{
	GaUser *users = palloc0(sizeof(GaUser) * Max(request->user_count, 1));

	check_against_store(scope, request, users, violations);
	if (ga_violations_any(violations))
		return;
	ga_caller_look_up(scope, caller, !request->dry_run);
	ga_creation_add_leader(group, caller);
	add_invited(group, users, request->user_count);
	if (request->dry_run)
		return;
	/* Somebody else may have taken the name since the check. */
	if (!ga_creation_write(scope, group))
		ga_violation_add(
			violations, "name", GA_VIOLATION_UNIQUE, "Choose another name.",
			"name \"%s\" is taken by another group", request->name);
}

/* False with violations when nothing was written. */
static bool
create(GaCaller *caller, const GaGroupRequestV2 *request, const char *key,
	   Jsonb *body, GaGroupView *group, GaPreview *preview,
	   GaViolations *violations)
{
	GaOwnerScope scope;

	fill_group(group, request);
	ga_owner_enter(&scope);
	MemoryContextSwitchTo(scope.caller_context);
	/* What is not written needs no key. */
	if (request->dry_run)
		key = NULL;
	switch (ga_creation_take_key(&scope, caller, key, body, group, violations))
	{
		case GA_IDEMPOTENCY_FIRST:
			check_and_write(&scope, caller, request, group, violations);
			if (ga_violations_any(violations))
				ga_creation_leave_key(caller, key, group);
			break;
		case GA_IDEMPOTENCY_AGAIN:
			(void) ga_group_find_latest(&scope, group->id, group);
			break;
		case GA_IDEMPOTENCY_REUSED:
			break;
	}
	if (preview != NULL && !ga_violations_any(violations))
		ga_preview_make(&scope, group, ga_preview_queued, GA_PREVIEW_EVERY,
						NULL, preview);
	ga_owner_leave(&scope);
	return !ga_violations_any(violations);
}

static Datum
answer_body(GaCaller *caller, Jsonb *body)
{
	GaViolations violations = {NIL};
	GaGroupRequestV2 request;
	GaGroupView group;
	GaPreview preview;
	const char *key;
	bool shows;

	ga_group_request_v2_read(body, ga_settings.max_members, &request,
							 &violations);
	key = ga_creation_key(caller, NULL, &violations);
	shows = request.dry_run || ga_creation_is_rehearsal(caller);
	if (ga_violations_any(&violations) ||
		!create(caller, &request, key, body, &group, shows ? &preview : NULL,
				&violations))
		return ga_answer_violations(caller, GA_CONTRACT_B, &violations);
	ga_answer_status(caller, request.dry_run ? 200 : 201);
	return ga_answer_group_v2_preview(&group, &caller->user, 1,
									  shows ? &preview : NULL);
}

PG_FUNCTION_INFO_V1(group_api_v2_create_group);
PG_FUNCTION_INFO_V1(group_api_v2_create_group_body);

Datum
group_api_v2_create_group(PG_FUNCTION_ARGS)
{
	GaCaller caller;
	Datum answer;

	if (ga_creation_is_refused(fcinfo, GA_CONTRACT_B, &caller, &answer))
		return answer;
	return answer_body(&caller, PG_GETARG_JSONB_P(0));
}

Datum
group_api_v2_create_group_body(PG_FUNCTION_ARGS)
{
	GaCaller caller;
	Datum answer;
	Jsonb *body;

	if (ga_creation_is_refused(fcinfo, GA_CONTRACT_B, &caller, &answer))
		return answer;
	body = ga_creation_body(fcinfo, GA_CONTRACT_B, &caller, &answer);
	return body == NULL ? answer : answer_body(&caller, body);
}
