/*
 * subscription_store.h
 *		Users joining and leaving contract B's groups, asking to, being invited.
 *
 * All run inside ga_owner_enter()/leave(), with the group's row locked
 * (ga_group_v2_lock): numbers of members are given out under that lock.
 */
#ifndef GA_STORE_GROUP_SUBSCRIPTION_STORE_H
#define GA_STORE_GROUP_SUBSCRIPTION_STORE_H

#include "postgres.h"

#include "store/group/group_store.h"
#include "utils/uuid.h"

struct GaOwnerScope;

/* What a user is to a group, and where. */
typedef struct GaSubscription
{
	int32 number; /* as a member, also an invited one; 0: none */
	bool is_subscribed;
	bool is_invited;
	bool has_requested;
} GaSubscription;

/*
 * Fills subscriptions[i] for ids[i] and locks their invitations, which the
 * dispatcher passes by until the transaction ends.
 */
extern void ga_subscriptions_find(pg_uuid_t group_id, const int64 *ids,
								  int count, GaSubscription *subscriptions);

/* Sets the numbers of members that are to be added, in their order. */
extern void ga_subscription_number_members(GaGroup *added);

/*
 * Those of the ids who have a place in the group, as invited, are subscribed
 * now; the message of an open invitation counts as delivered.
 */
extern void ga_subscription_accept(pg_uuid_t group_id, const int32 *numbers,
								   int count);
/*
 * Invites members again whose invitation has ended: a new link ends the old
 * ones, unless a message is just being sent, whose link counts then.  A message
 * follows the one before after group_api.resend_cooldown.
 */
extern void ga_subscription_renew(const GaGroup *again);
/* Withdraws those that are open. */
extern void ga_subscription_withdraw(pg_uuid_t group_id, const int32 *numbers,
									 int count);
/* The user declines an open invitation. */
extern void ga_subscription_decline(pg_uuid_t group_id, int32 number);

/*
 * Takes away a member who came by a message: the invitation stays, withdrawn, so
 * that inviting again knows when the last message was.  False: there is none.
 */
extern bool ga_subscription_expel(pg_uuid_t group_id, int32 number);
/*
 * Takes a member away, who leaves or whom the manager puts out; the number is never
 * given out again.
 */
extern void ga_subscription_remove_member(pg_uuid_t group_id, int32 number,
										  bool by_manager);

/* Asking twice is asking once. */
extern void ga_subscription_add_request(pg_uuid_t group_id, int64 user_id);
extern void ga_subscription_remove_requests(pg_uuid_t group_id,
											const int64 *ids, int count);
/* The same of users who are members now: whoever had asked was accepted. */
extern void ga_subscription_accept_requests(pg_uuid_t group_id,
											const int64 *ids, int count);

#endif /* GA_STORE_GROUP_SUBSCRIPTION_STORE_H */
