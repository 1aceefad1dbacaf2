/*
 * answering.c
 *		Finding an invitation by its link, and answering it.
 *
 * No account is needed: the token is the right.  Looking never changes
 * anything, so that a mail scanner cannot use a link up.  A wrong token costs
 * the same statement as one that was answered.  Locks the row of an invitation that is
 * answered; the dispatcher passes it by until the transaction ends.
 */
#include "postgres.h"

#include "access/xact.h"
#include "api/link/answering.h"
#include "dispatch/wake.h"
#include "miscadmin.h"
#include "store/installation_store.h"
#include "store/plan_cache.h"
#include "store/suppression_store.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Longer than any token: not even decoded. */
#define TOKEN_MAX 256

/* The numbers of a token; those of no invitation when it is not one of ours. */
static GaLinkToken
read_token(const text *given, GaLinkPurpose purpose)
{
	static const GaLinkToken nowhere = {-1, -1, -1};
	uint8 secret[GA_LINK_SECRET_LENGTH];
	GaLinkToken token;
	bool valid;

	ga_installation_read_link_secret(secret);
	valid = given != NULL && VARSIZE_ANY_EXHDR(given) <= TOKEN_MAX &&
			ga_link_token_read(secret, purpose, text_to_cstring(given), &token);
	explicit_bzero(secret, sizeof(secret));
	return valid ? token : nowhere;
}

static GaInvitationState
state_of(const GaInvitationView *view)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	if (view->response == GA_RESPONSE_ACCEPTED)
		return GA_INVITATION_ACCEPTED;
	if (view->response == GA_RESPONSE_DECLINED)
		return GA_INVITATION_DECLINED;
	if (view->group_is_archived)
		return GA_INVITATION_ARCHIVED;
	if (view->response == GA_RESPONSE_REVOKED)
		return GA_INVITATION_REVOKED;
	/* The dispatcher may not have written it down yet. */
	if (view->response == GA_RESPONSE_EXPIRED ||
		(view->text.expires_at != 0 && view->text.expires_at <= now))
		return GA_INVITATION_EXPIRED;
	return GA_INVITATION_PENDING;
}

/* Inside ga_owner_enter()/leave(). */
static void
find(const GaOwnerScope *scope, GaLinkToken token, GaLinkPurpose purpose,
	 bool for_update, GaVisit *visit)
{
	bool found =
		purpose == GA_LINK_UNSUBSCRIBE
			? ga_invitation_find_any(scope, token, &visit->view)
			: ga_invitation_find(scope, token, for_update, &visit->view);

	visit->state = found ? state_of(&visit->view) : GA_INVITATION_UNKNOWN;
}

void
ga_link_visit_find(const text *token, GaLinkPurpose purpose, GaVisit *visit)
{
	GaOwnerScope scope;

	ga_owner_enter(&scope);
	find(&scope, read_token(token, purpose), purpose, false, visit);
	ga_owner_leave(&scope);
}

void
ga_link_visit_answer(const text *token, bool accepted, GaVisit *visit)
{
	GaOwnerScope scope;
	GaLinkToken link;

	/* A GET is 405, whatever its token. */
	PreventCommandIfReadOnly(accepted ? "accept_invitation()"
									  : "decline_invitation()");
	ga_owner_enter(&scope);
	link = read_token(token, GA_LINK_INVITATION);
	/* What can no longer be answered is locked by nobody. */
	find(&scope, link, GA_LINK_INVITATION, false, visit);
	if (visit->state == GA_INVITATION_PENDING)
		find(&scope, link, GA_LINK_INVITATION, true, visit);
	/* The row is locked now: the dispatcher must look again afterwards. */
	if (visit->state != GA_INVITATION_UNKNOWN && visit->view.is_waiting)
		ga_wake_at_end();
	if (visit->state == GA_INVITATION_PENDING)
	{
		ga_invitation_answer(&visit->view, accepted);
		visit->state =
			accepted ? GA_INVITATION_ACCEPTED : GA_INVITATION_DECLINED;
		visit->view.response =
			accepted ? GA_RESPONSE_ACCEPTED : GA_RESPONSE_DECLINED;
		visit->view.text.responded_at = GetCurrentTransactionStartTimestamp();
	}
	ga_owner_leave(&scope);
}

void
ga_link_visit_unsubscribe(const text *token, GaVisit *visit)
{
	GaOwnerScope scope;
	GaLinkToken link;

	ga_owner_enter(&scope);
	link = read_token(token, GA_LINK_UNSUBSCRIBE);
	find(&scope, link, GA_LINK_UNSUBSCRIBE, false, visit);
	if (visit->state != GA_INVITATION_UNKNOWN)
		(void) ga_suppression_add_member(UUIDPGetDatum(&visit->view.group_id),
										 visit->view.number, link.version,
										 &(GaSuppressionCause){
											 .reason = "unsubscribed",
											 .evidence = "the link of a mail",
										 });
	ga_owner_leave(&scope);
}
