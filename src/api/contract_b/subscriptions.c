/*
 * subscriptions.c
 *		Contract B: joining and leaving a group, inviting and withdrawing.
 *
 * The right is asked for before anything is locked.  Every write then holds the
 * group's row and the invitations of the users it is about, so of two at once the
 * second sees what the first did.  All faults are found before the first write.
 */
#include "postgres.h"

#include "access/xact.h"
#include "api/creation.h"
#include "api/execute_right.h"
#include "api/contract_b/group_access.h"
#include "api/contract_b/invitees.h"
#include "api/contract_b/paging.h"
#include "api/contract_b/writes.h"
#include "base/guc.h"
#include "catalog/pg_type.h"
#include "dispatch/wake.h"
#include "request/contract_body.h"
#include "store/group/deadline_store.h"
#include "store/group/subscription_store.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Users a call is about; what they are to the group once it was asked. */
typedef struct Users
{
	GaNamedUsers list;
	GaUser *rows;
	GaSubscription *subscriptions;
} Users;

/* ---- users of a call ---------------------------------------------------- */

static void
read_array(ArrayType *array, Users *users, GaViolations *violations)
{
	int64 *ids;
	Datum *elements;
	bool *nulls;
	int count;

	deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &elements, &nulls, &count);
	ids = palloc(sizeof(int64) * Max(count, 1));
	for (int i = 0; i < count; i++)
		ids[i] = nulls[i] ? 0 : DatumGetInt64(elements[i]);
	users->list = ga_contract_b_users_of_array(
		ids, nulls, count, ga_settings.max_members, violations);
}

static bool
names_users(const GaWriteInput *input)
{
	JsonbValue value;

	return input->users != NULL ||
		   (getKeyJsonValueFromContainer(&input->body->root, "users", 5,
										 &value) != NULL &&
			value.type != jbvNull);
}

/* The ids; an empty list is a fault. */
static void
read_ids(const GaWriteInput *input, bool is_required, Users *users,
		 GaViolations *violations)
{
	memset(users, 0, sizeof(*users));
	if (input->users != NULL)
		read_array(input->users, users, violations);
	else if (input->body != NULL)
		users->list = ga_contract_b_read_users(
			input->body, is_required, ga_settings.max_members, violations);
	else if (is_required)
		ga_violation_add(violations, "users", GA_VIOLATION_REQUIRED, NULL,
						 "users is required");
	else
		return;
	if (!ga_violations_any(violations) && users->list.count == 0 &&
		names_users(input))
		ga_violation_add(violations, "users", GA_VIOLATION_EMPTY, NULL,
						 "users must name somebody");
}

/* Inside ga_owner_enter()/leave(). */
static void
find_subscriptions(const GaGroupV2 *group, const int64 *ids, int count,
				   GaSubscription *subscriptions)
{
	ga_subscriptions_find(group->common.id, ids, count, subscriptions);
	for (int i = 0; i < count; i++)
		if (subscriptions[i].number != 0)
		{
			ga_wake_at_end();
			return;
		}
}

static void
find_users(const GaOwnerScope *scope, const GaGroupV2 *group, Users *users,
		   GaViolations *violations)
{
	users->rows = ga_invitees_named(scope, "users", &users->list, violations);
	users->subscriptions = palloc0(sizeof(GaSubscription) * users->list.count);
	find_subscriptions(group, users->list.ids, users->list.count,
					   users->subscriptions);
}

/* ---- joining and inviting ----------------------------------------------- */

static void
begin_group(GaGroup *target, const GaGroupV2 *group, int room)
{
	memset(target, 0, sizeof(*target));
	target->id = group->common.id;
	target->created_by = group->common.created_by;
	target->contract = 'B';
	target->created_at = GetCurrentTransactionStartTimestamp();
	target->expires_at = ga_group_expiry(target->created_at);
	target->members = palloc0(sizeof(GaMember) * Max(room, 1));
}

/* The dispatcher sends what is queued now and looks at it before it expires. */
static void
announce(const GaGroup *invited)
{
	if (invited->member_count == 0)
		return;
	ga_wake_at_commit(invited->created_at);
	ga_group_advance_deadline(
		invited->id,
		ga_group_first_deadline(invited->created_at, invited->expires_at));
}

/* Makes those of the users members whom `is_chosen` marks. */
static void
join(const GaOwnerScope *scope, const GaGroupV2 *group, const Users *users,
	 const bool *is_chosen)
{
	int32 *numbers = palloc(sizeof(int32) * users->list.count);
	int64 *ids = palloc(sizeof(int64) * users->list.count);
	int placed = 0;
	int joined = 0;
	GaGroup added;

	begin_group(&added, group, users->list.count);
	for (int i = 0; i < users->list.count; i++)
	{
		if (!is_chosen[i])
			continue;
		ids[joined++] = users->list.ids[i];
		if (users->subscriptions[i].number != 0)
			numbers[placed++] = users->subscriptions[i].number;
		else
			ga_invitee_be_member(&added.members[added.member_count++],
								 &users->rows[i]);
	}
	if (placed > 0)
		ga_subscription_accept(group->common.id, numbers, placed);
	ga_creation_add_members(scope, &added);
	if (joined > 0)
		ga_subscription_accept_requests(group->common.id, ids, joined);
}

/* Invites who is nothing to the group yet, or was invited before. */
static void
invite(const GaOwnerScope *scope, const GaGroupV2 *group, const Users *users)
{
	GaGroup added;
	GaGroup again;

	begin_group(&added, group, users->list.count);
	begin_group(&again, group, users->list.count);
	for (int i = 0; i < users->list.count; i++)
	{
		const GaSubscription *one = &users->subscriptions[i];
		GaGroup *target = one->number == 0 ? &added : &again;
		GaMember *member = &target->members[target->member_count];

		if (one->is_subscribed || one->is_invited || one->has_requested)
			continue;
		ga_invitee_be_invited(member, &users->rows[i], target->created_at);
		member->number = one->number;
		target->member_count++;
	}
	ga_creation_add_members(scope, &added);
	announce(&added);
	if (again.member_count > 0)
	{
		ga_creation_mark_suppressed(scope, &again);
		ga_subscription_renew(&again);
		announce(&again);
	}
}

/* To invite somebody who asks to join is to say yes; invite() passes over them. */
static void
accept_and_invite(const GaOwnerScope *scope, const GaGroupV2 *group,
				  const Users *users)
{
	bool *asks = palloc(sizeof(bool) * users->list.count);

	for (int i = 0; i < users->list.count; i++)
		asks[i] = users->subscriptions[i].has_requested &&
				  !users->subscriptions[i].is_subscribed;
	join(scope, group, users, asks);
	invite(scope, group, users);
}

static void
add_users(const GaOwnerScope *scope, const GaGroupV2 *group, const Users *users)
{
	bool *is_new = palloc(sizeof(bool) * users->list.count);

	for (int i = 0; i < users->list.count; i++)
		is_new[i] = !users->subscriptions[i].is_subscribed;
	join(scope, group, users, is_new);
}

static void
withdraw(const GaOwnerScope *scope, const GaGroupV2 *group, const Users *users)
{
	int32 *numbers = palloc(sizeof(int32) * users->list.count);
	int open = 0;

	for (int i = 0; i < users->list.count; i++)
		if (users->subscriptions[i].number != 0)
			numbers[open++] = users->subscriptions[i].number;
	ga_subscription_withdraw(group->common.id, numbers, open);
}

typedef void (*UsersAction)(const GaOwnerScope *scope, const GaGroupV2 *group,
							const Users *users);

/* What the manager does with users. */
static Datum
act_on_users(const GaCaller *caller, GaGroupV2 *group, Users *users,
			 GaViolations *violations, UsersAction action)
{
	GaOwnerScope scope;
	Datum answer;

	if (!ga_violations_any(violations) &&
		!ga_group_v2_hold(caller, group, &answer))
		return answer;
	ga_owner_enter(&scope);
	MemoryContextSwitchTo(scope.caller_context);
	find_users(&scope, group, users, violations);
	if (!ga_violations_any(violations))
		action(&scope, group, users);
	ga_owner_leave(&scope);
	if (ga_violations_any(violations))
		return ga_answer_violations(caller, GA_CONTRACT_B, violations);
	ga_answer_status(caller, 204);
	return (Datum) 0;
}

/* What only the manager does: `action`, as a refusal says it. */
static Datum
manage_users(GaCaller *caller, int64 number, const GaWriteInput *input,
			 const char *action, bool is_for_open, UsersAction act)
{
	GaViolations violations = input->violations;
	GaGroupV2 group;
	Datum answer;
	Users users;

	if (!ga_group_v2_to_see(caller, number, &group, &answer) ||
		!ga_group_v2_is_managed(caller, &group, action, &answer) ||
		(is_for_open && !ga_group_v2_is_open(caller, &group, &answer)))
		return answer;
	read_ids(input, true, &users, &violations);
	return act_on_users(caller, &group, &users, &violations, act);
}

Datum
ga_write_invite_users(GaCaller *caller, int64 number, const GaWriteInput *input)
{
	return manage_users(caller, number, input, "invite", true,
						accept_and_invite);
}

PG_FUNCTION_INFO_V1(group_api_v2_invite_users);

Datum
group_api_v2_invite_users(PG_FUNCTION_ARGS)
{
	return ga_write_v2(fcinfo, ga_write_invite_users);
}

Datum
ga_write_withdraw_invitations(GaCaller *caller, int64 number,
							  const GaWriteInput *input)
{
	return manage_users(caller, number, input, "withdraw invitations", false,
						withdraw);
}

PG_FUNCTION_INFO_V1(group_api_v2_withdraw_invitations);

Datum
group_api_v2_withdraw_invitations(PG_FUNCTION_ARGS)
{
	return ga_write_v2(fcinfo, ga_write_withdraw_invitations);
}

/* ---- subscribe ---------------------------------------------------------- */

/* Accepts, joins or asks, whatever is open to the caller. */
static void
subscribe_caller(GaCaller *caller, const GaGroupV2 *group)
{
	GaSubscription subscription = {0};
	Users users = {
		.list = {.count = 1, .ids = &caller->user.id},
		.rows = &caller->user,
		.subscriptions = &subscription,
	};
	bool is_chosen = true;
	GaOwnerScope scope;

	ga_owner_enter(&scope);
	MemoryContextSwitchTo(scope.caller_context);
	if (caller->user.id == 0)
		ga_caller_look_up(&scope, caller, true);
	find_subscriptions(group, users.list.ids, 1, &subscription);
	if (subscription.is_subscribed)
		;
	else if (subscription.is_invited || !group->common.is_private)
		join(&scope, group, &users, &is_chosen);
	else
		ga_subscription_add_request(group->common.id, caller->user.id);
	ga_owner_leave(&scope);
}

Datum
ga_write_subscribe(GaCaller *caller, int64 number, const GaWriteInput *input)
{
	GaViolations violations = input->violations;
	GaGroupV2 group;
	Datum answer;
	Users users;

	if (!ga_group_v2_to_see(caller, number, &group, &answer))
		return answer;
	read_ids(input, false, &users, &violations);
	if (users.list.count > 0 &&
		!ga_group_v2_is_managed(caller, &group, "add users", &answer))
		return answer;
	if (!ga_group_v2_is_open(caller, &group, &answer))
		return answer;
	if (users.list.count > 0 || ga_violations_any(&violations))
		return act_on_users(caller, &group, &users, &violations, add_users);
	if (!ga_group_v2_hold(caller, &group, &answer))
		return answer;
	subscribe_caller(caller, &group);
	ga_answer_status(caller, 204);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(group_api_v2_subscribe);

Datum
group_api_v2_subscribe(PG_FUNCTION_ARGS)
{
	return ga_write_v2(fcinfo, ga_write_subscribe);
}

/* ---- unsubscribe -------------------------------------------------------- */

/* Whom: the path, the query or the body, or two of them alike; 0: the caller. */
static int64
read_user(const GaCaller *caller, Jsonb *body, GaViolations *violations)
{
	const char *text = ga_caller_header(caller, "x-user-id");
	int64 in_body = body ? ga_contract_b_read_user(body, violations) : 0;
	int64 in_address;

	if (text == NULL || text[0] == '\0')
		text = ga_paging_query_field(caller, "user");
	/* Left empty by mistake, it must not mean the caller. */
	if (text == NULL && ga_paging_query_has(caller, "user"))
		text = "";
	if (text == NULL)
		return in_body;
	in_address = ga_contract_b_user_of_text(text, violations);
	if (in_body != 0 && in_address != 0 && in_body != in_address)
		ga_violation_add(violations, "user", GA_VIOLATION_DUPLICATE,
						 "Leave it out: the address says it.",
						 "user is another one than the address says");
	return in_address;
}

/* Ends whatever the user is to the group. */
static void
unsubscribe(const GaGroupV2 *group, int64 user_id, bool by_manager)
{
	GaSubscription one = {0};
	GaOwnerScope scope;

	ga_owner_enter(&scope);
	find_subscriptions(group, &user_id, 1, &one);
	if (one.is_subscribed &&
		!(by_manager && ga_subscription_expel(group->common.id, one.number)))
		ga_subscription_remove_member(group->common.id, one.number, by_manager);
	else if (one.is_invited && by_manager)
		ga_subscription_withdraw(group->common.id, &one.number, 1);
	else if (one.is_invited)
		ga_subscription_decline(group->common.id, one.number);
	if (one.has_requested)
		ga_subscription_remove_requests(group->common.id, &user_id, 1);
	ga_owner_leave(&scope);
}

static void
check_user(const GaGroupV2 *group, int64 user_id, GaViolations *violations)
{
	GaOwnerScope scope;
	GaUser user;

	if (ga_violations_any(violations) || user_id == 0)
		return;
	ga_owner_enter(&scope);
	ga_users_find(&scope, &user_id, 1, &user);
	ga_owner_leave(&scope);
	if (user.id == 0)
		ga_violation_add(violations, "user", GA_VIOLATION_DOES_NOT_EXIST, NULL,
						 "user names no user: " INT64_FORMAT, user_id);
	else if (user_id == group->common.created_by)
		ga_violation_add(violations, "user", GA_VIOLATION_CONFLICT,
						 "Delete the group instead.",
						 "the group's manager cannot leave it");
}

/* `user_id`: 0 for the caller. */
static Datum
unsubscribe_user(const GaCaller *caller, GaGroupV2 *group, int64 user_id,
				 GaViolations *violations)
{
	bool by_manager = ga_violations_any(violations) ||
					  (user_id != 0 && user_id != caller->user.id);
	Datum answer;

	if (by_manager &&
		!ga_group_v2_is_managed(caller, group, "remove users", &answer))
		return answer;
	if (user_id == 0)
		user_id = caller->user.id;
	check_user(group, user_id, violations);
	if (ga_violations_any(violations))
		return ga_answer_violations(caller, GA_CONTRACT_B, violations);
	/* Who is nothing to the group holds nobody up. */
	if (user_id == 0 || (user_id == caller->user.id && group->status == NULL))
		;
	else if (!ga_group_v2_hold(caller, group, &answer))
		return answer;
	else
		unsubscribe(group, user_id, by_manager);
	ga_answer_status(caller, 204);
	return (Datum) 0;
}

Datum
ga_write_unsubscribe(GaCaller *caller, int64 number, const GaWriteInput *input)
{
	GaViolations violations = input->violations;
	GaGroupV2 group;
	int64 user_id;
	Datum answer;

	if (!ga_group_v2_to_see(caller, number, &group, &answer))
		return answer;
	ga_paging_check_query(caller, GA_QUERY_USER, &violations);
	user_id = read_user(caller, input->body, &violations);
	return unsubscribe_user(caller, &group, user_id, &violations);
}

/* (bigint, bigint), where the path and the query name nobody. */
static Datum
unsubscribe_by_ids(FunctionCallInfo fcinfo)
{
	int64 user_id = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT64(1);
	GaViolations violations = {NIL};
	GaGroupV2 group;
	GaCaller caller;
	Datum answer;

	ga_execute_right_check(fcinfo, GA_ALL_FORMS);
	if (!ga_group_v2_of_call(fcinfo, GA_FOR_USERS, &caller, &group, &answer))
		return answer;
	return ga_write_v2_result(
		fcinfo, unsubscribe_user(&caller, &group, user_id, &violations));
}

PG_FUNCTION_INFO_V1(group_api_v2_unsubscribe);

Datum
group_api_v2_unsubscribe(PG_FUNCTION_ARGS)
{
	return PG_NARGS() == 2 ? unsubscribe_by_ids(fcinfo)
						   : ga_write_v2(fcinfo, ga_write_unsubscribe);
}
