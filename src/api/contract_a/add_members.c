/*
 * add_members.c
 *		group_api.add_members(jsonb), (text) and (bytea): further members of a group
 *		of contract A.
 *
 * The same checks, keys and answers as creation.  The right is asked for before
 * the group's row is locked; what must hold between the new members and those who
 * are there is looked at under the lock, so of two calls at once the second sees
 * whom the first added.  The idempotency key is taken after the lock, as whoever
 * locks a group does so before anything else.
 */
#include "postgres.h"

#include "access/xact.h"
#include "api/answer/answer.h"
#include "api/answer/contract_a.h"
#include "api/caller.h"
#include "api/contract_a/asked_members.h"
#include "api/creation.h"
#include "api/group_access.h"
#include "api/idempotency.h"
#include "base/guc.h"
#include "dispatch/wake.h"
#include "request/contract_body.h"
#include "store/group/lifecycle_store.h"
#include "store/group/deadline_store.h"
#include "store/group/subscription_store.h"
#include "store/plan_cache.h"
#include "utils/timestamp.h"

/* ---- what must hold between old and new members ------------------------- */

static void
check_room(const GaGroup *group, const GaGroupRequest *request,
		   GaViolations *violations)
{
	/* The leader takes nobody's place, as at creation. */
	int present = group->member_count - 1;

	if (present + request->member_count > ga_settings.max_members)
		ga_violation_add(violations, "members", GA_VIOLATION_TOO_MANY,
						 "Begin another group, or raise group_api.max_members.",
						 "members has %d, and with the %d who are there the "
						 "group would have more than %d",
						 request->member_count, present,
						 ga_settings.max_members);
}

static void
check_known(const GaGroup *group, const GaGroupRequest *request,
			GaViolations *violations)
{
	GaContact *known = palloc(sizeof(GaContact) * group->member_count);
	int32 *numbers = palloc(sizeof(int32) * group->member_count);
	int count = 0;

	for (int i = 0; i < group->member_count; i++)
	{
		const GaMember *member = &group->members[i];

		if (member->contact == NULL)
			continue;
		numbers[count] = member->number;
		ga_contact_take_checked(member->channel, member->contact,
								&known[count++]);
	}
	ga_contract_a_check_known(request, known, numbers, count, violations);
}

static void
check_group(const GaGroup *group, const GaGroupRequest *request,
			GaViolations *violations)
{
	if (group->contract != 'A')
		ga_violation_add(violations, "groupId", GA_VIOLATION_CONFLICT,
						 "Invite users of the directory into it.",
						 "the group's members are users");
	else if (group->is_archived)
		ga_violation_add(violations, "groupId", GA_VIOLATION_CONFLICT, NULL,
						 "the group is archived");
	else
	{
		check_room(group, request, violations);
		check_known(group, request, violations);
	}
}

/* ---- adding ------------------------------------------------------------- */

/* The group as far as the new members are concerned. */
static void
begin_added(const GaGroup *group, const GaGroupRequest *request, GaGroup *added)
{
	*added = *group;
	added->created_at = GetCurrentTransactionStartTimestamp();
	added->expires_at = ga_group_expiry(added->created_at);
	added->member_count = request->member_count;
	added->members = palloc0(sizeof(GaMember) * request->member_count);
	ga_asked_members_fill(request, 0, added->created_at, added->members);
}

static void
write_added(const GaOwnerScope *scope, const GaGroupRequest *request,
			GaGroup *added)
{
	ga_creation_add_members(scope, added);
	ga_wake_at_commit_for_tags();
	/* What is held back has no end yet. */
	if (request->send_invitations)
		ga_group_advance_deadline(
			added->id,
			ga_group_first_deadline(added->created_at, added->expires_at));
}

/*
 * Adds, unless the key did so before; the view becomes the group as it is then,
 * and `added` whom this call is about.  With violations nothing was written.
 * False: the group is gone.
 */
static bool
add(GaOwnerScope *scope, GaCaller *caller, const GaGroupRequest *request,
	const char *key, Jsonb *body, GaGroup *group, GaGroup *added,
	GaViolations *violations)
{
	bool is_archived;

	if (!ga_group_lock(request->group_id, &is_archived))
		return false;
	if (!ga_idempotency_begin(scope, caller, key, body, &request->group_id,
							  group, violations))
	{
		*added = *group;
		return true;
	}
	MemoryContextSwitchTo(scope->caller_context);
	(void) ga_group_find_latest(scope, request->group_id, group);
	check_group(group, request, violations);
	if (ga_violations_any(violations))
	{
		ga_idempotency_cancel(caller, key, group);
		return true;
	}
	begin_added(group, request, added);
	write_added(scope, request, added);
	return ga_group_find_latest(scope, request->group_id, group);
}

/* Everything but the writing: those who would be added stand behind the others. */
static void
rehearse(const GaOwnerScope *scope, const GaGroupRequest *request,
		 GaGroup *group, GaGroup *added, GaViolations *violations)
{
	GaMember *all;

	MemoryContextSwitchTo(scope->caller_context);
	check_group(group, request, violations);
	if (ga_violations_any(violations))
		return;
	begin_added(group, request, added);
	ga_creation_mark_suppressed(scope, added);
	ga_subscription_number_members(added);
	MemoryContextSwitchTo(scope->caller_context);
	all =
		palloc(sizeof(GaMember) * (group->member_count + added->member_count));
	memcpy(all, group->members, sizeof(GaMember) * group->member_count);
	memcpy(all + group->member_count, added->members,
		   sizeof(GaMember) * added->member_count);
	group->members = all;
	group->member_count += added->member_count;
}

static Datum
answer_added(GaCaller *caller, const GaGroupRequest *request, const char *key,
			 Jsonb *body, GaGroup *group)
{
	bool shows = request->dry_run || ga_creation_is_rehearsal(caller);
	GaViolations violations = {NIL};
	bool is_found = true;
	GaGroup added;
	GaOwnerScope scope;
	GaPreview preview;

	ga_owner_enter(&scope);
	if (request->dry_run)
		rehearse(&scope, request, group, &added, &violations);
	else
		is_found =
			add(&scope, caller, request, key, body, group, &added, &violations);
	if (is_found && !ga_violations_any(&violations))
	{
		ga_group_explain_waiting(&scope, caller, group);
		if (shows)
			ga_preview_make(&scope, caller, &added, ga_preview_queued,
							GA_PREVIEW_EVERY, NULL, &preview);
	}
	ga_owner_leave(&scope);
	if (!is_found)
		return ga_group_answer_missing(caller);
	if (ga_violations_any(&violations))
		return ga_answer_violations(caller, GA_CONTRACT_A, &violations);
	ga_answer_status(caller, request->dry_run ? 200 : 201);
	return ga_answer_group_preview(caller, group, shows ? &preview : NULL);
}

static Datum
add_members(GaCaller *caller, GaGivenBody *given)
{
	Jsonb *body = given->json;
	GaViolations violations = given->violations;
	GaGroupRequest request;
	GaGroup group;
	const char *key;
	Datum answer;

	ga_contract_a_read_members(
		body, ga_caller_header(caller, "x-group-id"), ga_settings.max_members,
		ga_settings.mobile_countries, &request, &violations);
	key = ga_idempotency_key(caller, request.idempotency_key, &violations);
	/* Who may not see the group hears that, whatever else is wrong. */
	if (request.has_group_id &&
		!ga_group_named_to_change(caller, request.group_id, &group,
								  "add members", &answer))
		return answer;
	if (ga_violations_any(&violations))
		return ga_answer_violations(caller, GA_CONTRACT_A, &violations);
	if (!request.has_group_id)
		return ga_group_answer_missing(caller);
	return answer_added(caller, &request, key, body, &group);
}

PG_FUNCTION_INFO_V1(group_api_add_members);

/* (jsonb), (text) and (bytea) */
Datum
group_api_add_members(PG_FUNCTION_ARGS)
{
	return ga_creation_run(fcinfo, GA_CONTRACT_A, add_members);
}
