/*
 * invitations.c
 *		What the invited person does with the link: look, accept, decline.
 *
 * No account is needed: the token is the right.  Looking never changes
 * anything, so that a mail scanner cannot use a link up.  A wrong token and a
 * token of no invitation get the same answer.
 */
#include "postgres.h"

#include "access/xact.h"
#include "api/answer.h"
#include "api/caller.h"
#include "base/link_token.h"
#include "dispatch/wake.h"
#include "store/installation_store.h"
#include "store/invitation_store.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Longer than any token: not even looked at. */
#define TOKEN_MAX 256

static bool
find_by_text(const GaOwnerScope *scope, const text *given, bool for_update,
			 GaInvitationView *view)
{
	uint8 secret[GA_LINK_SECRET_LENGTH];
	GaLinkToken token;
	bool valid;

	if (VARSIZE_ANY_EXHDR(given) > TOKEN_MAX)
		return false;
	ga_link_secret_read(secret);
	valid = ga_link_token_read(secret, GA_LINK_INVITATION,
							   text_to_cstring(given), &token);
	explicit_bzero(secret, sizeof(secret));
	return valid && ga_invitation_find(scope, token, for_update, view);
}

static Datum
no_such_invitation(const GaCaller *caller)
{
	return ga_answer_fault(
		caller, GA_CONTRACT_A_INVITATION, "token", GA_VIOLATION_NOT_FOUND,
		"Use the link of the newest message, or ask for a new invitation.",
		"there is no invitation with this link");
}

PG_FUNCTION_INFO_V1(group_api_invitation);

Datum
group_api_invitation(PG_FUNCTION_ARGS)
{
	GaInvitationView view;
	GaOwnerScope scope;
	GaCaller caller;
	bool found;

	ga_caller_read(&caller);
	if (PG_ARGISNULL(0))
		return no_such_invitation(&caller);
	ga_owner_enter(&scope);
	found = find_by_text(&scope, PG_GETARG_TEXT_PP(0), false, &view);
	ga_owner_leave(&scope);
	if (!found)
		return no_such_invitation(&caller);
	ga_answer_status(&caller, 200);
	return ga_answer_invitation(&view, GetCurrentTransactionStartTimestamp());
}

/* Why the invitation cannot be answered so; 0 when it can. */
static bool
is_refused(const GaCaller *caller, const GaInvitationView *view, bool accepted,
		   Datum *answer)
{
	const char *wish = accepted ? "accepted" : "declined";
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	if (strcmp(view->response, wish) == 0)
		return false;
	if (strcmp(view->response, "accepted") == 0 ||
		strcmp(view->response, "declined") == 0)
		*answer = ga_answer_fault(
			caller, GA_CONTRACT_A_INVITATION, "token",
			GA_VIOLATION_ALREADY_ANSWERED, "Ask for a new invitation.",
			"the invitation was %s before", view->response);
	else if (strcmp(view->response, "revoked") == 0 || view->group_is_archived)
		*answer = ga_answer_fault(caller, GA_CONTRACT_A_INVITATION, "token",
								  GA_VIOLATION_CONFLICT, NULL, "%s",
								  view->group_is_archived
									  ? "the group is archived"
									  : "the invitation was withdrawn");
	else if (strcmp(view->response, "expired") == 0 ||
			 (view->expires_at != 0 && view->expires_at <= now))
		*answer = ga_answer_fault(
			caller, GA_CONTRACT_A_INVITATION, "token", GA_VIOLATION_EXPIRED,
			"Ask for a new invitation.", "the invitation has expired");
	else
		return false;
	return true;
}

static Datum
answer_invitation(FunctionCallInfo fcinfo, bool accepted)
{
	GaInvitationView view;
	GaOwnerScope scope;
	GaCaller caller;
	Datum answer;
	bool found;

	ga_caller_read(&caller);
	if (PG_ARGISNULL(0))
		return no_such_invitation(&caller);
	ga_owner_enter(&scope);
	found = find_by_text(&scope, PG_GETARG_TEXT_PP(0), true, &view);
	ga_owner_leave(&scope);
	if (!found)
		return no_such_invitation(&caller);
	/* The row is locked now; the dispatcher passes it by until the end. */
	if (view.is_waiting)
		ga_wake_at_end();
	if (is_refused(&caller, &view, accepted, &answer))
		return answer;
	if (strcmp(view.response, "pending") == 0)
	{
		ga_owner_enter(&scope);
		ga_invitation_answer(&view, accepted);
		ga_owner_leave(&scope);
		view.response = accepted ? "accepted" : "declined";
		view.responded_at = GetCurrentTransactionStartTimestamp();
	}
	ga_answer_status(&caller, 200);
	return ga_answer_invitation(&view, GetCurrentTransactionStartTimestamp());
}

PG_FUNCTION_INFO_V1(group_api_accept_invitation);

Datum
group_api_accept_invitation(PG_FUNCTION_ARGS)
{
	return answer_invitation(fcinfo, true);
}

PG_FUNCTION_INFO_V1(group_api_decline_invitation);

Datum
group_api_decline_invitation(PG_FUNCTION_ARGS)
{
	return answer_invitation(fcinfo, false);
}
