/*
 * answering.h
 *		What a link's holder can do, whatever the answer looks like: JSON
 *		(invitations.c) and pages (page.c) share it.
 */
#ifndef GA_API_LINK_ANSWERING_H
#define GA_API_LINK_ANSWERING_H

#include "postgres.h"

#include "api/caller.h"
#include "base/link_token.h"
#include "store/invitation_store.h"

typedef enum GaInvitationState
{
	GA_INVITATION_UNKNOWN, /* no such link, or a newer one replaced it */
	GA_INVITATION_PENDING,
	GA_INVITATION_ACCEPTED,
	GA_INVITATION_DECLINED,
	GA_INVITATION_ARCHIVED, /* unanswered, its group is archived */
	GA_INVITATION_REVOKED,
	GA_INVITATION_EXPIRED
} GaInvitationState;

/* Whether the member may be the caller. */
typedef enum GaPlace
{
	GA_PLACE_OPEN,	 /* nobody is to be the member, or the caller is */
	GA_PLACE_TAKEN,	 /* the member is another user */
	GA_PLACE_SECOND, /* the caller is another member of the group */
	GA_PLACE_CLOSED	 /* nobody's, and the group is archived */
} GaPlace;

typedef struct GaVisit
{
	GaInvitationState state;
	GaPlace place;
	GaInvitationView view; /* unset while the state is unknown */
} GaVisit;

/*
 * Finds the invitation of a link; `token` may be NULL.  Links to answer by
 * count in their newest version, links to unsubscribe in every version.
 */
extern void ga_link_visit_find(const text *token, GaLinkPurpose purpose,
							   GaVisit *visit);

/*
 * Declines a pending invitation; afterwards `state` is what was asked for, or
 * tells why the answer was not taken.
 */
extern void ga_link_visit_decline(const text *token, GaVisit *visit);

/*
 * The same to accept it.  `user`: who becomes the member, also of an invitation
 * that was accepted without an account; NULL: nobody does.  Unless `place` is
 * open nothing has changed.
 */
extern void ga_link_visit_accept(const text *token, GaCaller *user,
								 GaVisit *visit);

/*
 * Makes the user the member whose invitation was accepted, which `state` tells
 * then; unless `place` is open nothing has changed.
 */
extern void ga_link_visit_claim(const text *token, GaCaller *user,
								GaVisit *visit);

/* Nothing more is to be sent to whom a link to unsubscribe was sent. */
extern void ga_link_visit_unsubscribe(const text *token, GaVisit *visit);

#endif /* GA_API_LINK_ANSWERING_H */
