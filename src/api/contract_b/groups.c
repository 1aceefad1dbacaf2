/*
 * groups.c
 *		Contract B: looking at groups, changing and deleting them.
 *
 * A change reads the group under the lock of its row and writes it whole, so two
 * changes at once follow each other and none is lost.
 */
#include "postgres.h"

#include "access/xact.h"
#include "api/answer/contract_b.h"
#include "api/arguments.h"
#include "api/contract_b/group_access.h"
#include "api/contract_b/paging.h"
#include "api/link/picture.h"
#include "api/quota.h"
#include "api/contract_b/writes.h"
#include "dispatch/wake.h"
#include "request/contract_body.h"
#include "store/group/contract_b_store.h"
#include "store/group/insert_store.h"
#include "store/group/lifecycle_store.h"
#include "store/group/search_store.h"
#include "utils/builtins.h"
#include "utils/resowner.h"

/* ---- looking ------------------------------------------------------------ */

PG_FUNCTION_INFO_V1(group_api_v2_get_group);

Datum
group_api_v2_get_group(PG_FUNCTION_ARGS)
{
	GaGroupV2 group;
	GaCaller caller;
	Datum answer;

	if (!ga_group_v2_of_call(fcinfo, GA_FOR_EVERYBODY, &caller, &group,
							 &answer))
		return answer;
	ga_answer_status(&caller, 200);
	return ga_answer_group_v2(&group);
}

PG_FUNCTION_INFO_V1(group_api_v2_get_status);

Datum
group_api_v2_get_status(PG_FUNCTION_ARGS)
{
	GaGroupV2 group;
	GaCaller caller;
	Datum answer;

	if (!ga_group_v2_of_call(fcinfo, GA_FOR_USERS, &caller, &group, &answer))
		return answer;
	ga_answer_status(&caller, 200);
	return ga_answer_status_v2(group.status);
}

typedef GaGroupV2 *(*GroupsRead)(const GaOwnerScope *scope, GaViewer viewer,
								 GaPageBounds *bounds, int *count);

/* A page of groups: its bounds are the arguments `at` and the next. */
static Datum
list_groups(FunctionCallInfo fcinfo, int at, const char *search,
			GaCaller *caller, GroupsRead read)
{
	GaOwnerScope scope;
	GaGroupV2 *groups;
	GaPaging paging;
	Datum answer;
	int count;

	if (ga_paging_is_refused(caller, GA_CONTRACT_B,
							 GA_QUERY_PAGE | GA_QUERY_SEARCH, &answer))
		return answer;
	ga_paging_read(caller, fcinfo, at, search, &paging);
	ga_owner_enter(&scope);
	ga_caller_look_up(&scope, caller, false);
	groups = read(&scope, ga_access_viewer(caller), &paging.bounds, &count);
	ga_owner_leave(&scope);
	ga_answer_status(caller, 200);
	return ga_answer_groups_v2(&paging, groups, count);
}

PG_FUNCTION_INFO_V1(group_api_v2_list_groups);

Datum
group_api_v2_list_groups(PG_FUNCTION_ARGS)
{
	GaCaller caller;
	Datum answer;

	if (!ga_access_read_caller(&caller, GA_FOR_USERS, &answer))
		return answer;
	return list_groups(fcinfo, 0, ga_argument_text(fcinfo, 2), &caller,
					   ga_groups_v2_own);
}

PG_FUNCTION_INFO_V1(group_api_v2_list_invitations);

Datum
group_api_v2_list_invitations(PG_FUNCTION_ARGS)
{
	GaCaller caller;
	Datum answer;

	if (!ga_access_read_caller(&caller, GA_FOR_USERS, &answer))
		return answer;
	return list_groups(fcinfo, 0, ga_argument_text(fcinfo, 2), &caller,
					   ga_groups_v2_inviting);
}

PG_FUNCTION_INFO_V1(group_api_v2_search_groups);

Datum
group_api_v2_search_groups(PG_FUNCTION_ARGS)
{
	GaCaller caller;
	Datum answer;

	if (!ga_access_read_caller(&caller, GA_FOR_EVERYBODY, &answer))
		return answer;
	return list_groups(fcinfo, 1, ga_argument_text(fcinfo, 0), &caller,
					   ga_groups_v2_search);
}

PG_FUNCTION_INFO_V1(group_api_v2_user_groups);

Datum
group_api_v2_user_groups(PG_FUNCTION_ARGS)
{
	int64 user_id = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);
	GaGroupV2 *groups = NULL;
	GaOwnerScope scope;
	GaPaging paging;
	GaCaller caller;
	GaUser user;
	Datum answer;
	int count = 0;

	if (!ga_access_read_caller(&caller, GA_FOR_EVERYBODY, &answer) ||
		ga_paging_is_refused(&caller, GA_CONTRACT_B,
							 GA_QUERY_PAGE | GA_QUERY_SEARCH, &answer))
		return answer;
	ga_paging_read(&caller, fcinfo, 1, ga_argument_text(fcinfo, 3), &paging);
	ga_owner_enter(&scope);
	ga_caller_look_up(&scope, &caller, false);
	ga_users_find(&scope, &user_id, 1, &user);
	if (user.id != 0)
		groups = ga_groups_v2_of_user(&scope, ga_access_viewer(&caller),
									  user_id, &paging.bounds, &count);
	ga_owner_leave(&scope);
	if (user.id == 0)
		return ga_answer_fault(&caller, GA_CONTRACT_B, "",
							   GA_VIOLATION_NOT_FOUND, NULL,
							   "there is no such user");
	ga_answer_status(&caller, 200);
	return ga_answer_groups_v2(&paging, groups, count);
}

/* ---- PUT and PATCH ------------------------------------------------------ */

/* What the group's answers say in a field that an update cannot change. */
static const char *
shown_as(const GaGroup *group, const char *name)
{
	if (strcmp(name, "id") == 0)
		return psprintf(INT64_FORMAT, group->number);
	if (strcmp(name, "slug") == 0)
		return group->slug;
	if (strcmp(name, "active") == 0)
		return group->active ? "true" : "false";
	if (strcmp(name, "emotional_image") == 0)
		return ga_answer_emotional_image(group);
	for (int i = 0; i < GA_IMAGE_SIZES; i++)
		if (strcmp(name, ga_answer_image_sizes[i].name) == 0)
			return ga_answer_image(group, ga_answer_image_sizes[i].pixels);
	/* created_by, managed_by */
	return psprintf(INT64_FORMAT, group->created_by);
}

/* An empty cover takes it away, as an empty emotional_image_original does. */
static bool
empties_cover(const GaSaidField *said)
{
	return strcmp(said->name, "emotional_image") == 0 && said->text[0] == '\0';
}

/* A client may send back all that it was told, and nothing else. */
static void
check_said(const GaGroup *group, const GaGroupRequestV2 *request,
		   GaViolations *violations)
{
	ListCell *cell;

	foreach (cell, request->said)
	{
		const GaSaidField *said = lfirst(cell);

		if (!empties_cover(said) &&
			strcmp(said->text, shown_as(group, said->name)) != 0)
			ga_violation_add(violations, said->name, GA_VIOLATION_CONFLICT,
							 "Leave it out, or send it as it is.",
							 "%s cannot be changed", said->name);
	}
}

static void
fault_name(const char *name, GaViolations *violations)
{
	ga_violation_add(violations, "name", GA_VIOLATION_UNIQUE,
					 "Choose another name.",
					 "name \"%s\" is taken by another group", name);
}

static void
check_name(const GaGroup *group, const char *name, GaViolations *violations)
{
	GaOwnerScope scope;
	bool is_taken;

	ga_owner_enter(&scope);
	is_taken = ga_group_name_is_taken(name, &group->id);
	ga_owner_leave(&scope);
	if (is_taken)
		fault_name(name, violations);
}

/* What is wrong with the change, given what the group is. */
static void
check_change(const GaGroup *group, const GaGroupRequestV2 *request,
			 GaViolations *violations)
{
	check_said(group, request, violations);
	if (request->name != NULL && strcmp(request->name, group->name) != 0)
		check_name(group, request->name, violations);
	if ((request->given & GA_GROUP_V2_PRIVACY) && group->is_private &&
		!request->is_private)
		ga_violation_add(violations, "privacy", GA_VIOLATION_CONFLICT,
						 "Create another group.",
						 "a private group cannot become public");
}

static bool
takes_cover_away(const GaGroupRequestV2 *request)
{
	ListCell *cell;

	if (request->given & GA_GROUP_V2_EMOTIONAL_IMAGE)
		return false;
	foreach (cell, request->said)
		if (empties_cover(lfirst(cell)))
			return true;
	return false;
}

static void
apply_change(GaGroup *group, const GaGroupRequestV2 *request,
			 GaUploads *uploads)
{
	if (takes_cover_away(request))
		group->emotional_image = NULL;
	if (request->given & GA_GROUP_V2_NAME)
		group->name = request->name;
	if (request->given & GA_GROUP_V2_DESCRIPTION)
		group->description = request->description;
	if (request->given & GA_GROUP_V2_COLOR)
		group->color = request->color;
	if (request->given & GA_GROUP_V2_PRIVACY)
		group->is_private = request->is_private;
	if (request->given & GA_GROUP_V2_VISIBLE)
		group->visible = request->is_visible;
	ga_pictures_take(group, request, request->given, uploads);
	if (request->given & GA_GROUP_V2_IMAGE_POSITION)
		group->emotional_image_position =
			request->has_image_position ? request->image_position : 0;
}

static void
update(const GaGroup *group, const GaUploads *uploads)
{
	GaOwnerScope scope;

	ga_owner_enter(&scope);
	ga_group_v2_update(group);
	ga_pictures_tidy(group->id);
	ga_pictures_keep(group, uploads);
	ga_owner_leave(&scope);
}

/* An index that an operator made says nothing of names. */
static bool
is_of_names(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_UNIQUE_VIOLATION &&
		   error->constraint_name != NULL &&
		   strcmp(error->constraint_name, GA_GROUP_NAME_INDEX) == 0;
}

/*
 * False when the name is taken.  Only the index knows for certain: somebody may
 * take the name at the same time, or have taken it since a snapshot that does not change
 * (REPEATABLE READ).
 */
static bool
rename_group(const GaGroup *group, const GaUploads *uploads)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool taken = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		update(group, uploads);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		taken = is_of_names(error);
		if (!taken)
			ReThrowError(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return !taken;
}

/* The caller's cap of pictures. */
static bool
may_upload(const GaCaller *caller, GaUsage added, GaViolations *violations)
{
	GaOwnerScope scope;
	bool allowed;

	if (added.picture_bytes == 0)
		return true;
	ga_owner_enter(&scope);
	allowed = ga_quota_allows(&scope, caller, added, violations);
	ga_owner_leave(&scope);
	return allowed;
}

static void
count_upload(const GaCaller *caller, GaUsage added)
{
	GaOwnerScope scope;

	if (added.picture_bytes == 0)
		return;
	ga_owner_enter(&scope);
	ga_quota_count(caller, added);
	ga_owner_leave(&scope);
}

static void
change(const GaCaller *caller, GaGroupV2 *group,
	   const GaGroupRequestV2 *request, GaViolations *violations)
{
	const char *old_name = group->common.name;
	GaUsage added = {0};
	GaUploads uploads;

	check_change(&group->common, request, violations);
	if (ga_violations_any(violations))
		return;
	apply_change(&group->common, request, &uploads);
	added.picture_bytes = ga_picture_uploads_bytes(&uploads);
	if (!may_upload(caller, added, violations))
		return;
	if (strcmp(group->common.name, old_name) == 0)
		update(&group->common, &uploads);
	else if (!rename_group(&group->common, &uploads))
	{
		fault_name(group->common.name, violations);
		return;
	}
	count_upload(caller, added);
}

static Datum
answer_missing_body(const GaCaller *caller)
{
	return ga_answer_fault(caller, GA_CONTRACT_B, "", GA_VIOLATION_INVALID_BODY,
						   NULL, "the body must be an object, not null");
}

static Datum
change_group(GaCaller *caller, int64 number, const GaWriteInput *input,
			 bool is_partial)
{
	GaViolations violations = input->violations;
	GaGroupRequestV2 request;
	GaGroupV2 group;
	Datum answer;

	if (!ga_group_v2_to_see(caller, number, &group, &answer) ||
		!ga_group_v2_is_managed(caller, &group, "change the group", &answer) ||
		!ga_group_v2_is_open(caller, &group, &answer))
		return answer;
	if (input->body == NULL)
		return answer_missing_body(caller);
	ga_contract_b_read_update(input->body, is_partial, &request, &violations);
	/* What cannot be done is told whole: with what the group does not allow. */
	if (ga_violations_any(&violations))
		check_change(&group.common, &request, &violations);
	else if (!ga_group_v2_hold(caller, &group, &answer))
		return answer;
	else
		change(caller, &group, &request, &violations);
	if (ga_violations_any(&violations))
		return ga_answer_violations(caller, GA_CONTRACT_B, &violations);
	ga_answer_status(caller, 200);
	return ga_answer_group_v2(&group);
}

Datum
ga_write_put_group(GaCaller *caller, int64 number, const GaWriteInput *input)
{
	return change_group(caller, number, input, false);
}

Datum
ga_write_patch_group(GaCaller *caller, int64 number, const GaWriteInput *input)
{
	return change_group(caller, number, input, true);
}

PG_FUNCTION_INFO_V1(group_api_v2_put_group);

Datum
group_api_v2_put_group(PG_FUNCTION_ARGS)
{
	return ga_write_v2(fcinfo, ga_write_put_group);
}

PG_FUNCTION_INFO_V1(group_api_v2_patch_group);

Datum
group_api_v2_patch_group(PG_FUNCTION_ARGS)
{
	return ga_write_v2(fcinfo, ga_write_patch_group);
}

/* ---- DELETE ------------------------------------------------------------- */

Datum
ga_write_delete_group(GaCaller *caller, int64 number, const GaWriteInput *input)
{
	GaOwnerScope scope;
	GaGroupV2 group;
	Datum answer;

	if (!ga_group_v2_to_see(caller, number, &group, &answer) ||
		!ga_group_v2_is_managed(caller, &group, "delete the group", &answer) ||
		!ga_group_v2_hold(caller, &group, &answer))
		return answer;
	ga_wake_at_end();
	ga_owner_enter(&scope);
	ga_group_delete(group.common.id);
	ga_owner_leave(&scope);
	ga_answer_status(caller, 204);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(group_api_v2_delete_group);

Datum
group_api_v2_delete_group(PG_FUNCTION_ARGS)
{
	return ga_write_v2(fcinfo, ga_write_delete_group);
}
