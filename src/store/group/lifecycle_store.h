/*
 * lifecycle_store.h
 *		What a caller changes after a group was written: invitations sent again and
 *		withdrawn, groups archived and deleted.
 *
 * All run in a caller's transaction, inside ga_owner_enter()/leave().
 */
#ifndef GA_STORE_GROUP_LIFECYCLE_STORE_H
#define GA_STORE_GROUP_LIFECYCLE_STORE_H

#include "postgres.h"

#include "base/shared/channel.h"
#include "store/invitation_state.h"
#include "utils/uuid.h"

struct GaOwnerScope;

/* One invitation as its leader sees it, its row locked. */
typedef struct GaOpenInvitation
{
	pg_uuid_t group_id;
	int32 number;
	GaChannel channel; /* GA_CHANNEL_NONE: told inside the app only */
	const char *contact;
	GaDelivery delivery;
	GaResponse response;
	bool is_waiting; /* in the queue */
} GaOpenInvitation;

/* False when the member was not invited. */
extern bool ga_lifecycle_lock_invitation(const struct GaOwnerScope *scope,
										 pg_uuid_t group_id, int32 number,
										 GaOpenInvitation *invitation);

/* Before its invitations are queued; false: it is gone. */
extern bool ga_group_lock(pg_uuid_t group_id, bool *is_archived);

/*
 * Queues it anew under a new link, so that older links end; its tries and its
 * expiry count from now.  `suppressed`: the words for it, then nothing is queued.
 * `leader`: who made the group.
 */
extern void ga_lifecycle_resend(const GaOpenInvitation *invitation,
								const char *suppressed, int64 leader);
/* Withdraws it; what is not sent yet is canceled. */
extern void ga_lifecycle_revoke(const GaOpenInvitation *invitation);
/*
 * Ends the link of an accepted invitation whose member is no user yet, so that
 * nobody takes the place by it; the answer stays.  False: it is a user's.
 */
extern bool ga_lifecycle_end_link(const GaOpenInvitation *invitation);

/* Withdraws all open invitations of the group; false: it was archived before. */
extern bool ga_group_archive(pg_uuid_t group_id);
/* Removes it with all that belongs to it. */
extern void ga_group_delete(pg_uuid_t group_id);

#endif /* GA_STORE_GROUP_LIFECYCLE_STORE_H */
