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
#include "api/group_access.h"
#include "dispatch/wake.h"
#include "store/cap_store.h"
#include "store/lifecycle_store.h"
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
				const GaGroupView *group, GaOpenInvitation *invitation,
				Datum *answer)
{
	GaOwnerScope scope;
	bool found = false;

	if (!PG_ARGISNULL(1))
	{
		ga_owner_enter(&scope);
		found = ga_invitation_lock(&scope, group->id, PG_GETARG_INT32(1),
								   invitation);
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
	return strcmp(invitation->response, "accepted") == 0 ||
		   strcmp(invitation->response, "declined") == 0;
}

static bool
may_be_resent(const GaCaller *caller, const GaOpenInvitation *invitation,
			  Datum *answer)
{
	/* Who declined may have changed their mind: the page says to ask. */
	if (strcmp(invitation->response, "accepted") == 0)
		*answer = ga_answer_fault(
			caller, GA_CONTRACT_A, "number", GA_VIOLATION_ALREADY_ANSWERED,
			NULL, "the invitation was %s before", invitation->response);
	else if (invitation->contact == NULL)
		*answer = refuse(caller, GA_VIOLATION_CONFLICT, NULL,
						 "the member has no contact to send to");
	else if (strcmp(invitation->delivery, "sending") == 0)
		*answer =
			refuse(caller, GA_VIOLATION_CONFLICT, "Try again in a moment.",
				   "the invitation is being sent right now");
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

PG_FUNCTION_INFO_V1(group_api_resend_invitation);

Datum
group_api_resend_invitation(PG_FUNCTION_ARGS)
{
	GaOpenInvitation invitation;
	GaOwnerScope scope;
	GaGroupView group;
	GaCaller caller;
	const char *suppressed;
	Datum answer;
	bool taken;
	int wait_s;

	if (!ga_active_group_to_change(fcinfo, &caller, &group, "invite",
								   &answer) ||
		!take_invitation(fcinfo, &caller, &group, &invitation, &answer) ||
		!may_be_resent(&caller, &invitation, &answer))
		return answer;
	ga_owner_enter(&scope);
	/* Where nothing is sent, nothing has to cool down. */
	suppressed = suppressed_words(&scope, &invitation);
	taken = suppressed != NULL ||
			ga_resend_take(invitation.channel, invitation.contact, &wait_s);
	if (taken)
		ga_invitation_resend(&invitation, suppressed, group.created_by);
	ga_owner_leave(&scope);
	if (!taken)
		return answer_too_soon(&caller, wait_s);
	ga_wake_at_commit_for_tags();
	return ga_answer_group_amended(&caller, &group);
}

/* ---- revoke ------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(group_api_revoke_invitation);

Datum
group_api_revoke_invitation(PG_FUNCTION_ARGS)
{
	GaOpenInvitation invitation;
	GaOwnerScope scope;
	GaGroupView group;
	GaCaller caller;
	Datum answer;

	if (!ga_group_to_change(fcinfo, &caller, &group, "revoke an invitation",
							&answer) ||
		!take_invitation(fcinfo, &caller, &group, &invitation, &answer))
		return answer;
	if (is_answered(&invitation))
		return ga_answer_fault(
			&caller, GA_CONTRACT_A, "number", GA_VIOLATION_ALREADY_ANSWERED,
			NULL, "the invitation was %s before", invitation.response);
	if (strcmp(invitation.response, "revoked") != 0)
	{
		ga_owner_enter(&scope);
		ga_invitation_revoke(&invitation);
		ga_owner_leave(&scope);
	}
	return ga_answer_group_amended(&caller, &group);
}

/* ---- the whole group ---------------------------------------------------- */

PG_FUNCTION_INFO_V1(group_api_archive_group);

Datum
group_api_archive_group(PG_FUNCTION_ARGS)
{
	GaOwnerScope scope;
	GaGroupView group;
	GaCaller caller;
	Datum answer;

	if (!ga_group_to_change(fcinfo, &caller, &group, "archive the group",
							&answer))
		return answer;
	ga_wake_at_end();
	ga_owner_enter(&scope);
	ga_group_archive(group.id);
	ga_owner_leave(&scope);
	return ga_answer_group_amended(&caller, &group);
}

PG_FUNCTION_INFO_V1(group_api_delete_group);

Datum
group_api_delete_group(PG_FUNCTION_ARGS)
{
	GaOwnerScope scope;
	GaGroupView group;
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
