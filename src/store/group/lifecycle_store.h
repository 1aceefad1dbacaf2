/*
 * lifecycle_store.h
 *		What happens to invitations after they were written: sent again,
 *		withdrawn, reminded of, expired; groups archived and deleted.
 *
 * All but ga_groups_look() run in a caller's transaction, all of them inside
 * ga_owner_enter()/leave().
 */
#ifndef GA_STORE_GROUP_LIFECYCLE_STORE_H
#define GA_STORE_GROUP_LIFECYCLE_STORE_H

#include "postgres.h"

#include "base/channel.h"
#include "datatype/timestamp.h"
#include "utils/uuid.h"

struct GaOwnerScope;

/* The SET of what withdraws open invitations.  What is with the courier cannot
 * be called back: its outcome is recorded. */
#define GA_SET_WITHDRAWN                                                       \
	" SET response = 'revoked', responded_at = now(),"                         \
	"  changed_at = CASE WHEN delivery IN ('queued', 'held')"                  \
	"   THEN now() ELSE changed_at END,"                                       \
	"  reason = CASE WHEN delivery IN ('queued', 'held')"                      \
	"   THEN NULL ELSE reason END,"                                            \
	"  due = CASE delivery WHEN 'sending' THEN due END,"                       \
	"  delivery = CASE WHEN delivery IN ('queued', 'held')"                    \
	"   THEN 'canceled' ELSE delivery END"

/* One invitation as its leader sees it, its row locked. */
typedef struct GaOpenInvitation
{
	pg_uuid_t group_id;
	int32 number;
	GaChannel channel; /* GA_CHANNEL_NONE: told inside the app only */
	const char *contact;
	const char *delivery; /* NULL: no message is sent */
	const char *response;
	bool is_waiting; /* in the queue */
} GaOpenInvitation;

/* False when the member was not invited. */
extern bool ga_invitation_lock(const struct GaOwnerScope *scope,
							   pg_uuid_t group_id, int32 number,
							   GaOpenInvitation *invitation);

/* Before its invitations are queued; false: it is gone. */
extern bool ga_group_lock(pg_uuid_t group_id, bool *is_archived);

/*
 * Queues it anew under a new link, so that older links end; its tries and its
 * expiry count from now.  `suppressed`: the words for it, then nothing is queued.
 * `leader`: who made the group.
 */
extern void ga_invitation_resend(const GaOpenInvitation *invitation,
								 const char *suppressed, int64 leader);
/* Withdraws it; what is not sent yet is canceled. */
extern void ga_invitation_revoke(const GaOpenInvitation *invitation);

/* Withdraws all open invitations of the group; false: it was archived before. */
extern bool ga_group_archive(pg_uuid_t group_id);
/* Removes it with all that belongs to it. */
extern void ga_group_delete(pg_uuid_t group_id);

/* The group's open invitations are looked at by then at the latest. */
extern void ga_group_look_by(pg_uuid_t group_id, TimestampTz moment);

/* What one look did. */
typedef struct GaLook
{
	int groups;		/* looked at */
	uint64 expired; /* invitations */
	uint64 reminded;
} GaLook;

/*
 * The dispatcher's: ends what is past its expiry and queues the reminders of
 * some groups whose time has come, some of their invitations at a time.  Rows
 * somebody holds locked are left for the next look, a few seconds later.
 */
extern void ga_groups_look(const struct GaOwnerScope *scope, TimestampTz now,
						   GaLook *look);
/*
 * The same after an error: of one group, row by row, setting aside those that
 * fail (store/queue/set_aside_store).
 */
extern void ga_groups_look_one_by_one(const struct GaOwnerScope *scope,
									  TimestampTz now, GaLook *look);
/* When the next group is to be looked at; 0: never. */
extern TimestampTz ga_groups_next_look(void);
/*
 * In case group_api.reminder_before grew: who is due earlier now, some groups at
 * a time.  False: there are more, behind `after`, which begins as zeros.  Who is
 * moved twice because of a crash is looked at for nothing once.  `taken_over`
 * is false when somebody held the row that notes the setting: call it again.
 */
extern bool ga_groups_look_again(TimestampTz now, pg_uuid_t *after,
								 bool *taken_over);

#endif /* GA_STORE_GROUP_LIFECYCLE_STORE_H */
