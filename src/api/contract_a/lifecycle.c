/*
 * lifecycle.c
 *		What a leader does with invitations and groups that exist: resend,
 *		revoke, archive, delete.
 *
 * The row of the invitation is locked before it is judged, so of two at once
 * one sees what the other did.
 */
#include "postgres.h"

#include "access/xact.h"
#include "api/answer/contract_a.h"
#include "api/creation.h"
#include "api/group_access.h"
#include "base/guc.h"
#include "dispatch/wake.h"
#include "request/contact/contact.h"
#include "store/caps/cap_store.h"
#include "store/group/lifecycle_store.h"
#include "store/group/deadline_store.h"
#include "store/group/subscription_store.h"
#include "store/suppression_store.h"
#include "utils/timestamp.h"

static Datum
refuse(const GaCaller *caller, GaViolationCode code, const char *hint,
	   const char *message)
{
	return ga_answer_fault(caller, GA_CONTRACT_A, "number", code, hint, "%s",
						   message);
}

/* Locks the invitation the second argument names: the member's place. */
static bool
take_invitation(FunctionCallInfo fcinfo, const GaCaller *caller,
				const GaGroup *group, GaOpenInvitation *invitation,
				Datum *answer)
{
	GaOwnerScope scope;
	bool found = false;

	if (!PG_ARGISNULL(1))
	{
		ga_owner_enter(&scope);
		found = ga_lifecycle_lock_invitation(&scope, group->id,
											 PG_GETARG_INT32(1), invitation);
		ga_owner_leave(&scope);
	}
	if (found)
	{
		/* Whatever comes of it, the dispatcher passed the row by. */
		if (invitation->is_waiting)
			ga_wake_at_end();
		return true;
	}
	*answer = refuse(
		caller, GA_VIOLATION_NOT_FOUND,
		"The number is the member's place in the group: the leader is 1.",
		"no member with this number was invited");
	return false;
}

/* ---- resend ------------------------------------------------------------- */

static bool
is_answered(const GaOpenInvitation *invitation)
{
	return invitation->response == GA_RESPONSE_ACCEPTED ||
		   invitation->response == GA_RESPONSE_DECLINED;
}

/* The setting may have changed since it was sent first. */
static bool
may_go_to(const GaOpenInvitation *invitation, GaContactFault *fault)
{
	GaContact contact = {.channel = invitation->channel,
						 .value = invitation->contact};

	return ga_contact_is_allowed(&contact, ga_settings.mobile_countries, fault);
}

static bool
may_be_resent(const GaCaller *caller, const GaOpenInvitation *invitation,
			  bool is_withheld, Datum *answer)
{
	GaContactFault fault;

	/* Who declined may have changed their mind: the page says to ask. */
	if (invitation->response == GA_RESPONSE_ACCEPTED)
		*answer = ga_answer_fault(caller, GA_CONTRACT_A, "number",
								  GA_VIOLATION_ALREADY_ANSWERED,
								  "They are a member already: there is nothing "
								  "to send.",
								  "the invitation was %s before",
								  ga_state_response_word(invitation->response));
	else if (is_withheld)
		return true;
	else if (invitation->contact == NULL)
		*answer = refuse(caller, GA_VIOLATION_CONFLICT, NULL,
						 "the member has no contact to send to");
	else if (invitation->delivery == GA_DELIVERY_SENDING)
		*answer =
			refuse(caller, GA_VIOLATION_CONFLICT, "Try again in a moment.",
				   "the invitation is being sent right now");
	else if (!may_go_to(invitation, &fault))
		*answer = ga_answer_fault(caller, GA_CONTRACT_A, "number", fault.code,
								  fault.hint, "the member's contact %s",
								  fault.message);
	else
		return true;
	return false;
}

static Datum
answer_too_soon(const GaCaller *caller, int wait_s)
{
	Datum answer = ga_answer_fault(
		caller, GA_CONTRACT_A, "number", GA_VIOLATION_THROTTLED,
		psprintf("Try again in %d s; group_api.resend_cooldown sets the time "
				 "between two.",
				 wait_s),
		"an invitation was resent to this contact a moment ago");

	ga_answer_retry_after(caller, wait_s);
	return answer;
}

/* The words for a suppressed contact; NULL for any other. */
static const char *
suppressed_words(const GaOwnerScope *scope, const GaOpenInvitation *invitation)
{
	const char *reason;

	if (ga_suppressions_find(scope, 1, &invitation->channel,
							 &invitation->contact, &reason) == 0)
		return NULL;
	return ga_suppression_words(reason);
}

/* Whom the group's leader knows by name alone: they must not learn the rest. */
static const GaMember *
find_user(const GaCaller *caller, const GaGroup *group, int32 number)
{
	for (int i = 0; i < group->member_count && !caller->is_operator; i++)
		if (group->members[i].number == number &&
			group->members[i].is_from_directory)
			return &group->members[i];
	return NULL;
}

/*
 * As contract B's invite does it: a message that comes too soon waits for the
 * cool-down, where there is no contact there is none, and whatever it is the
 * answer is the same.
 */
static void
renew(const GaOwnerScope *scope, const GaGroup *group, const GaMember *user,
	  const GaOpenInvitation *invitation)
{
	GaMember member = *user;
	GaContactFault fault;
	GaGroup again = {.id = group->id,
					 .created_at = GetCurrentTransactionStartTimestamp(),
					 .member_count = 1,
					 .members = &member};

	again.expires_at = ga_group_expiry(again.created_at);
	if (invitation->contact != NULL && may_go_to(invitation, &fault))
	{
		member.channel = invitation->channel;
		member.contact = invitation->contact;
		member.delivery = GA_DELIVERY_QUEUED;
	}
	else
	{
		member.channel = GA_CHANNEL_NONE;
		member.contact = NULL;
		member.delivery = GA_DELIVERY_NONE;
	}
	ga_creation_mark_suppressed(scope, &again);
	ga_subscription_renew(&again);
	ga_subscription_remove_requests(group->id, &user->user_id, 1);
	ga_group_advance_deadline(
		group->id, ga_group_first_deadline(again.created_at, again.expires_at));
}

/* Whether anything may be sent again at all; else the answer is the fault. */
static bool
resend(const GaCaller *caller, const GaGroup *group,
	   const GaOpenInvitation *invitation, Datum *answer)
{
	const GaMember *user = find_user(caller, group, invitation->number);
	const char *suppressed;
	GaOwnerScope scope;
	bool taken = true;
	int wait_s;

	if (!may_be_resent(caller, invitation, user != NULL, answer))
		return false;
	ga_owner_enter(&scope);
	if (user != NULL)
		renew(&scope, group, user, invitation);
	else
	{
		/* Where nothing is sent, nothing has to cool down. */
		suppressed = suppressed_words(&scope, invitation);
		taken = suppressed != NULL ||
				ga_cap_take_resend(invitation->channel, invitation->contact,
								   &wait_s);
		if (taken)
			ga_lifecycle_resend(invitation, suppressed, group->created_by);
	}
	ga_owner_leave(&scope);
	if (!taken)
		*answer = answer_too_soon(caller, wait_s);
	return taken;
}

PG_FUNCTION_INFO_V1(group_api_resend_invitation);

Datum
group_api_resend_invitation(PG_FUNCTION_ARGS)
{
	GaOpenInvitation invitation;
	GaGroup group;
	GaCaller caller;
	Datum answer;

	if (!ga_group_active_to_change(fcinfo, &caller, &group, "invite",
								   &answer) ||
		!take_invitation(fcinfo, &caller, &group, &invitation, &answer) ||
		!resend(&caller, &group, &invitation, &answer))
		return answer;
	ga_wake_at_commit_for_tags();
	return ga_group_answer_amended(&caller, &group);
}

/* ---- revoke ------------------------------------------------------------- */

/* False: it was answered, and there is nothing left to end. */
static bool
withdraw(const GaOpenInvitation *invitation)
{
	GaOwnerScope scope;
	bool ended = !is_answered(invitation);

	ga_owner_enter(&scope);
	if (invitation->response == GA_RESPONSE_ACCEPTED)
		ended = ga_lifecycle_end_link(invitation);
	else if (ended && invitation->response != GA_RESPONSE_REVOKED)
		ga_lifecycle_revoke(invitation);
	ga_owner_leave(&scope);
	return ended;
}

PG_FUNCTION_INFO_V1(group_api_revoke_invitation);

Datum
group_api_revoke_invitation(PG_FUNCTION_ARGS)
{
	GaOpenInvitation invitation;
	GaGroup group;
	GaCaller caller;
	Datum answer;

	if (!ga_group_to_change(fcinfo, &caller, &group, "revoke an invitation",
							&answer) ||
		!take_invitation(fcinfo, &caller, &group, &invitation, &answer))
		return answer;
	if (!withdraw(&invitation))
		return ga_answer_fault(&caller, GA_CONTRACT_A, "number",
							   GA_VIOLATION_ALREADY_ANSWERED, NULL,
							   "the invitation was %s before",
							   ga_state_response_word(invitation.response));
	return ga_group_answer_amended(&caller, &group);
}

/* ---- the whole group ---------------------------------------------------- */

PG_FUNCTION_INFO_V1(group_api_archive_group);

Datum
group_api_archive_group(PG_FUNCTION_ARGS)
{
	GaOwnerScope scope;
	GaGroup group;
	GaCaller caller;
	Datum answer;

	if (!ga_group_to_change(fcinfo, &caller, &group, "archive the group",
							&answer))
		return answer;
	ga_wake_at_end();
	ga_owner_enter(&scope);
	ga_group_archive(group.id);
	ga_owner_leave(&scope);
	return ga_group_answer_amended(&caller, &group);
}

PG_FUNCTION_INFO_V1(group_api_delete_group);

Datum
group_api_delete_group(PG_FUNCTION_ARGS)
{
	GaOwnerScope scope;
	GaGroup group;
	GaCaller caller;
	Datum answer;

	if (!ga_group_to_change(fcinfo, &caller, &group, "delete the group",
							&answer))
		return answer;
	ga_wake_at_end();
	ga_owner_enter(&scope);
	ga_group_delete(group.id);
	ga_owner_leave(&scope);
	ga_answer_status(&caller, 200);
	return ga_answer_done();
}
