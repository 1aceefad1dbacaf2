/*
 * answering.c
 *		Finding an invitation by its link, answering it, and becoming its member.
 *
 * No account is needed to answer: the token is the right.  Who has one becomes
 * the member by it, once: the place is that user's from then on.  Looking never
 * changes anything, so that a mail scanner cannot use a link up.  A wrong token
 * costs the same statement as one that was answered.  Locks the row of an invitation
 * that is answered or claimed, which the dispatcher passes by until the transaction
 * ends, and after it the user's (store/group/membership_store).
 */
#include "postgres.h"

#include "access/xact.h"
#include "api/link/answering.h"
#include "base/compat.h"
#include "dispatch/wake.h"
#include "miscadmin.h"
#include "store/events/event_store.h"
#include "store/group/membership_store.h"
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
	visit->place = GA_PLACE_OPEN;
}

void
ga_link_visit_find(const text *token, GaLinkPurpose purpose, GaVisit *visit)
{
	GaOwnerScope scope;

	ga_owner_enter(&scope);
	find(&scope, read_token(token, purpose), purpose, false, visit);
	ga_owner_leave(&scope);
}

/*
 * The same with the row locked; what can no longer be answered or claimed is
 * locked by nobody.
 */
static void
find_to_change(const GaOwnerScope *scope, const text *token, bool is_claimed,
			   GaVisit *visit)
{
	GaLinkToken link = read_token(token, GA_LINK_INVITATION);

	find(scope, link, GA_LINK_INVITATION, false, visit);
	if (visit->state == GA_INVITATION_PENDING ||
		(visit->state == GA_INVITATION_ACCEPTED && is_claimed &&
		 visit->view.user_id == 0))
		find(scope, link, GA_LINK_INVITATION, true, visit);
	/* The row is locked now: the dispatcher must look again afterwards. */
	if (visit->state != GA_INVITATION_UNKNOWN && visit->view.is_waiting)
		ga_wake_at_end();
}

/* The row of a member who is nobody known yet is locked. */
static GaPlace
take_place(const GaOwnerScope *scope, GaInvitationView *view, GaCaller *user)
{
	/* Nobody joins it any more; who had a place before keeps it. */
	if (view->user_id == 0 && view->group_is_archived)
		return GA_PLACE_CLOSED;
	ga_caller_look_up(scope, user, view->user_id == 0);
	if (view->user_id != 0)
		return view->user_id == user->user.id ? GA_PLACE_OPEN : GA_PLACE_TAKEN;
	if (!ga_membership_give(view->group_id, view->number, user->user.id))
		return GA_PLACE_SECOND;
	view->user_id = user->user.id;
	return GA_PLACE_OPEN;
}

static void
answer(GaVisit *visit, bool accepted)
{
	if (visit->state != GA_INVITATION_PENDING || visit->place != GA_PLACE_OPEN)
		return;
	ga_invitation_answer(&visit->view, accepted);
	visit->state = accepted ? GA_INVITATION_ACCEPTED : GA_INVITATION_DECLINED;
	visit->view.response =
		accepted ? GA_RESPONSE_ACCEPTED : GA_RESPONSE_DECLINED;
	visit->view.text.responded_at = GetCurrentTransactionStartTimestamp();
}

void
ga_link_visit_decline(const text *token, GaVisit *visit)
{
	GaOwnerScope scope;

	/* A GET is 405, whatever its token. */
	PreventCommandIfReadOnly("decline_invitation()");
	ga_owner_enter(&scope);
	find_to_change(&scope, token, false, visit);
	answer(visit, false);
	ga_owner_leave(&scope);
}

/* A user of the app is the member from now on, who was not before. */
static void
write_joined(const GaVisit *visit)
{
	ga_event_write(GA_EVENT_MEMBER_JOINED, visit->view.group_id,
				   visit->view.number);
}

void
ga_link_visit_accept(const text *token, GaCaller *user, GaVisit *visit)
{
	GaOwnerScope scope;
	bool was_joined;

	PreventCommandIfReadOnly("accept_invitation()");
	ga_owner_enter(&scope);
	find_to_change(&scope, token, user != NULL, visit);
	was_joined =
		visit->state == GA_INVITATION_ACCEPTED && visit->view.user_id != 0;
	if (user != NULL && (visit->state == GA_INVITATION_PENDING ||
						 visit->state == GA_INVITATION_ACCEPTED))
		visit->place = take_place(&scope, &visit->view, user);
	answer(visit, true);
	if (!was_joined && visit->state == GA_INVITATION_ACCEPTED &&
		visit->view.user_id != 0)
		write_joined(visit);
	ga_owner_leave(&scope);
}

void
ga_link_visit_claim(const text *token, GaCaller *user, GaVisit *visit)
{
	GaOwnerScope scope;
	bool was_known;

	PreventCommandIfReadOnly("claim_membership()");
	ga_owner_enter(&scope);
	find_to_change(&scope, token, true, visit);
	was_known = visit->view.user_id != 0;
	if (visit->state == GA_INVITATION_ACCEPTED ||
		(visit->state == GA_INVITATION_PENDING && visit->view.user_id != 0))
		visit->place = take_place(&scope, &visit->view, user);
	if (!was_known && visit->state == GA_INVITATION_ACCEPTED &&
		visit->view.user_id != 0)
		write_joined(visit);
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
