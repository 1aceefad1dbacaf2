/*
 * invitation_store.h
 *		Invitations as their people and operators change them; the dispatcher's
 *		side is queue_store.h.
 */
#ifndef GA_STORE_INVITATION_STORE_H
#define GA_STORE_INVITATION_STORE_H

#include "postgres.h"

#include "base/invitation_text.h"
#include "base/link_token.h"
#include "datatype/timestamp.h"
#include "store/group/group_store.h"
#include "store/invitation_state.h"
#include "utils/uuid.h"

/* One invitation as its link shows it. */
typedef struct GaInvitationView
{
	pg_uuid_t group_id;
	int32 number;
	bool group_is_archived;
	GaInvitationText text;
	int64 user_id; /* who the member is; 0: not known */
	GaResponse response;
	bool is_waiting;	/* in the queue, or being sent */
	const char *locale; /* the member's own; may be NULL */
	const char *group_locale;
} GaInvitationView;

/* All run inside ga_owner_enter()/leave(). */

/* False when the link names nothing, or an older version of the link. */
extern bool ga_invitation_find(const struct GaOwnerScope *scope,
							   GaLinkToken token, bool for_update,
							   GaInvitationView *view);
/* The same for a link of whatever version, only to look. */
extern bool ga_invitation_find_any(const struct GaOwnerScope *scope,
								   GaLinkToken token, GaInvitationView *view);

/* Whom a member's messages go to; NULL: there is none. */
extern const char *ga_invitation_contact(const struct GaOwnerScope *scope,
										 const pg_uuid_t *group_id,
										 int32 number);

/*
 * Records the answer of a pending invitation.  Whoever answers has got the
 * message, so the delivery becomes delivered and nothing more is sent.
 */
extern void ga_invitation_answer(const GaInvitationView *view, bool accepted);

/*
 * Queues what was held back, but for suppressed contacts, which are told so;
 * returns how many it queued.  `leader`: who made the group.
 */
extern uint64 ga_invitations_release(const struct GaOwnerScope *scope,
									 pg_uuid_t group_id, int64 leader);

/* Invitations that wait to be sent or are being sent. */
extern int64 ga_invitations_waiting(void);
/* Whether one is due by now or being sent. */
extern bool ga_invitations_are_busy(void);
/* These in words, "3 to MOBILE are in the queue, 1 to EMAIL is being sent"; NULL: none. */
extern char *ga_invitations_busy_words(const struct GaOwnerScope *scope);

#endif /* GA_STORE_INVITATION_STORE_H */
