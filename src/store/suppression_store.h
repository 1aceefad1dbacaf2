/*
 * suppression_store.h
 *		Contacts that get nothing more: dead ones, complaints, STOP, one-click
 *		unsubscribe, the operator's own.
 *
 * A contact stands there as a salted SHA-256 of its channel and itself in lower
 * case, so that the list can be kept long after the contact is forgotten.
 */
#ifndef GA_STORE_SUPPRESSION_STORE_H
#define GA_STORE_SUPPRESSION_STORE_H

#include "postgres.h"

#include "base/shared/channel.h"
#include "store/invitation_state.h"
#include "store/row.h"

struct GaGroup;

/* Why a contact gets nothing more, and what that rests on. */
typedef struct GaSuppressionCause
{
	const char *reason;	  /* a label of group_api.suppression */
	const char *server;	  /* the provider that told; NULL: none */
	const char *code;	  /* its code; NULL: none */
	const char *evidence; /* in words that hold no contact; NULL: none */
	int64 receipt;		  /* the event, in the table receipts; 0: none */
} GaSuppressionCause;

/* All run inside ga_owner_enter()/leave(). */

/* Adds a contact; one that is there keeps its first cause.  True: it is new. */
extern bool ga_suppression_add(GaChannel channel, const char *contact,
							   const GaSuppressionCause *cause);
/*
 * The same for the contact of an invitation, on the word of whoever has the token of
 * its link's `version` (0: of the newest); false also when there is none, or when it
 * had another contact then.
 */
extern bool ga_suppression_add_member(Datum group_id, int32 number,
									  int32 version,
									  const GaSuppressionCause *cause);
/* False when it was not there. */
extern bool ga_suppression_remove(GaChannel channel, const char *contact);

/* The same, if it is there for this reason. */
extern bool ga_suppression_remove_reason(GaChannel channel, const char *contact,
										 const char *reason);

/*
 * Which of the contacts are suppressed: reasons[i] is the label, or NULL.  Costs
 * one short query while the list is empty.  Returns how many are.
 */
extern int ga_suppressions_find(const struct GaOwnerScope *scope, int count,
								const GaChannel *channels,
								const char *const *contacts,
								const char **reasons);

/*
 * The same for those members of a group whose delivery is the given one: an element a
 * member, NULL where the contact is not on the list.  NULL: none of them is.
 */
extern const char **ga_suppressions_of_members(const struct GaOwnerScope *scope,
											   const struct GaGroup *group,
											   GaDelivery delivery);

/*
 * The invitations to a contact that the list kept back: fills the first `room` of
 * them and returns how many there are.  Reads all invitations.
 */
extern int64 ga_suppressions_kept_back(GaChannel channel, const char *contact,
									   GaRowKey *found, int room);

/* How all of the words begin. */
#define GA_SUPPRESSION_WORDS "not sent: "
/* The words for those who are not told why. */
#define GA_SUPPRESSION_GENERAL_WORDS                                           \
	GA_SUPPRESSION_WORDS "this contact is suppressed"
/* What a person reads for a label: "answered STOP before". */
extern const char *ga_suppression_words(const char *reason);

#endif /* GA_STORE_SUPPRESSION_STORE_H */
