/*
 * invitees.h
 *		Users of the directory as members of contract B's groups.
 */
#ifndef GA_API_CONTRACT_B_INVITEES_H
#define GA_API_CONTRACT_B_INVITEES_H

#include "postgres.h"

#include "request/contract_body.h"
#include "store/group/group_store.h"
#include "store/group/user_store.h"

struct GaOwnerScope;

/* The member's name and picture; no invitation. */
extern void ga_invitee_be_member(GaMember *member, const GaUser *user);
/* The same with an open invitation, queued where the user has a contact. */
extern void ga_invitee_be_invited(GaMember *member, const GaUser *user,
								  TimestampTz moment);

/*
 * Inside ga_owner_enter()/leave(): the users of the list, palloc'ed; a fault of
 * `field`[place] for each that does not exist.
 */
extern GaUser *ga_invitees_named(const struct GaOwnerScope *scope,
								 const char *field, const GaNamedUsers *list,
								 GaViolations *violations);

#endif /* GA_API_CONTRACT_B_INVITEES_H */
