/*
 * invitations.c
 *		What the invited person does with the link, as JSON: look, accept,
 *		decline, claim the place.
 *
 * A wrong token and a token of no invitation get the same answer.  Accepting makes
 * a user of a token the member; a role of the database answers for people, and is
 * one of them only if it claims the place.  Who has a place is told to nobody here.
 */
#include "postgres.h"

#include "access/xact.h"
#include "api/answer/answer.h"
#include "api/answer/contract_a.h"
#include "api/link/answering.h"
#include "api/caller.h"
#include "fmgr.h"

static const text *
token_argument(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0);
}

static Datum
answer_visit(const GaCaller *caller, const GaVisit *visit)
{
	ga_answer_status(caller, 200);
	return ga_answer_invitation(&visit->view,
								GetCurrentTransactionStartTimestamp());
}

static Datum
no_such_invitation(const GaCaller *caller)
{
	return ga_answer_fault(
		caller, GA_CONTRACT_A_INVITATION, "token", GA_VIOLATION_NOT_FOUND,
		"Use the link of the newest message, or ask for a new invitation.",
		"there is no invitation with this link");
}

static Datum
group_is_archived(const GaCaller *caller)
{
	return ga_answer_fault(caller, GA_CONTRACT_A_INVITATION, "token",
						   GA_VIOLATION_CONFLICT, NULL,
						   "the group is archived");
}

/* Why the caller cannot be the member. */
static Datum
refuse_place(const GaCaller *caller, GaPlace place)
{
	if (place == GA_PLACE_CLOSED)
		return group_is_archived(caller);
	if (place == GA_PLACE_TAKEN)
		return ga_answer_fault(
			caller, GA_CONTRACT_A_INVITATION, "token",
			GA_VIOLATION_ALREADY_CLAIMED,
			"Sign in as that user, or ask for an invitation of your own.",
			"the place in the group belongs to another user");
	return ga_answer_fault(
		caller, GA_CONTRACT_A_INVITATION, "token", GA_VIOLATION_ALREADY_MEMBER,
		"Leave the link to whom it was sent: a user has one place in a group.",
		"the user is a member of the group already");
}

/* Why the invitation could not be answered as asked. */
static Datum
refusal(const GaCaller *caller, const GaVisit *visit)
{
	if (visit->place != GA_PLACE_OPEN)
		return refuse_place(caller, visit->place);
	switch (visit->state)
	{
		case GA_INVITATION_ACCEPTED:
		case GA_INVITATION_DECLINED:
			return ga_answer_fault(
				caller, GA_CONTRACT_A_INVITATION, "token",
				GA_VIOLATION_ALREADY_ANSWERED, "Ask for a new invitation.",
				"the invitation was %s before",
				ga_state_response_word(visit->view.response));
		case GA_INVITATION_ARCHIVED:
			return group_is_archived(caller);
		case GA_INVITATION_REVOKED:
			return ga_answer_fault(caller, GA_CONTRACT_A_INVITATION, "token",
								   GA_VIOLATION_CONFLICT, NULL,
								   "the invitation was withdrawn");
		case GA_INVITATION_EXPIRED:
			return ga_answer_fault(
				caller, GA_CONTRACT_A_INVITATION, "token", GA_VIOLATION_EXPIRED,
				"Ask for a new invitation.", "the invitation has expired");
		case GA_INVITATION_UNKNOWN:
		case GA_INVITATION_PENDING:
			break;
	}
	return no_such_invitation(caller);
}

PG_FUNCTION_INFO_V1(group_api_invitation);

Datum
group_api_invitation(PG_FUNCTION_ARGS)
{
	GaCaller caller;
	GaVisit visit;

	ga_caller_read(&caller);
	ga_link_visit_find(token_argument(fcinfo), GA_LINK_INVITATION, &visit);
	if (visit.state == GA_INVITATION_UNKNOWN)
		return no_such_invitation(&caller);
	return answer_visit(&caller, &visit);
}

static Datum
answer_if(const GaCaller *caller, const GaVisit *visit,
		  GaInvitationState wanted)
{
	if (visit->state != wanted || visit->place != GA_PLACE_OPEN)
		return refusal(caller, visit);
	return answer_visit(caller, visit);
}

PG_FUNCTION_INFO_V1(group_api_accept_invitation);

Datum
group_api_accept_invitation(PG_FUNCTION_ARGS)
{
	GaCaller caller;
	GaVisit visit;
	bool is_person;

	ga_caller_read(&caller);
	is_person = caller.is_authenticated && !caller.is_role;
	ga_link_visit_accept(token_argument(fcinfo), is_person ? &caller : NULL,
						 &visit);
	return answer_if(&caller, &visit, GA_INVITATION_ACCEPTED);
}

PG_FUNCTION_INFO_V1(group_api_decline_invitation);

Datum
group_api_decline_invitation(PG_FUNCTION_ARGS)
{
	GaCaller caller;
	GaVisit visit;

	ga_caller_read(&caller);
	ga_link_visit_decline(token_argument(fcinfo), &visit);
	return answer_if(&caller, &visit, GA_INVITATION_DECLINED);
}

PG_FUNCTION_INFO_V1(group_api_claim_membership);

Datum
group_api_claim_membership(PG_FUNCTION_ARGS)
{
	GaCaller caller;
	GaVisit visit;

	ga_caller_read(&caller);
	if (!caller.is_authenticated)
		return ga_answer_not_authenticated(&caller, GA_CONTRACT_A_INVITATION);
	ga_link_visit_claim(token_argument(fcinfo), &caller, &visit);
	if (visit.state == GA_INVITATION_PENDING && visit.place == GA_PLACE_OPEN)
		return ga_answer_fault(&caller, GA_CONTRACT_A_INVITATION, "token",
							   GA_VIOLATION_CONFLICT,
							   "Call accept_invitation() with the same token.",
							   "the invitation was not accepted yet");
	return answer_if(&caller, &visit, GA_INVITATION_ACCEPTED);
}
