/*
 * deadline_store.h
 *		When the dispatcher looks at groups, and what it does then: open invitations
 *		past their end expire, others are reminded of.
 *
 * All that read or write rows run inside ga_owner_enter()/leave().
 */
#ifndef GA_STORE_GROUP_DEADLINE_STORE_H
#define GA_STORE_GROUP_DEADLINE_STORE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

struct GaOwnerScope;

/* When invitations end that are written, or sent again, at `from`. */
extern TimestampTz ga_group_expiry(TimestampTz from);

/*
 * When open invitations that end at `expires_at` are looked at first: in time for
 * a reminder, and not before `from`, when they are written.
 */
extern TimestampTz ga_group_first_look(TimestampTz from,
									   TimestampTz expires_at);

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

#endif /* GA_STORE_GROUP_DEADLINE_STORE_H */
