/*
 * deadline_store.h
 *		Deadlines of groups: open invitations past their end expire, others are
 *		reminded of.  Says when the dispatcher has to do that, and does it.
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
 * The first deadline of open invitations that end at `expires_at`: in time for a
 * reminder, and not before `from`, when they are written.
 */
extern TimestampTz ga_group_first_deadline(TimestampTz from,
										   TimestampTz expires_at);
/* The same of invitations that are queued in this transaction. */
extern TimestampTz ga_group_deadline_of_queued(void);

/* Something is due for the group's open invitations by then at the latest. */
extern void ga_group_advance_deadline(pg_uuid_t group_id, TimestampTz moment);

/* What was done for the groups that were due. */
typedef struct GaDeadlinesDone
{
	int groups;		/* that were due */
	uint64 expired; /* invitations */
	uint64 reminded;
} GaDeadlinesDone;

/*
 * The dispatcher's: ends what is past its expiry and queues the reminders of
 * some groups whose time has come, some of their invitations at a time.  Rows
 * somebody holds locked are left for the next time, a few seconds later.
 */
extern void ga_groups_apply_deadlines(const struct GaOwnerScope *scope,
									  TimestampTz now, GaDeadlinesDone *done);
/*
 * The same after an error: of one group, row by row, setting aside those that
 * fail (store/queue/set_aside_store).
 */
extern void
ga_groups_apply_deadlines_one_by_one(const struct GaOwnerScope *scope,
									 TimestampTz now, GaDeadlinesDone *done);
/* The earliest deadline of all groups; 0: there is none. */
extern TimestampTz ga_groups_next_deadline(void);
/*
 * In case group_api.reminder_before grew: who is due earlier now, some groups at
 * a time.  False: there are more, behind `after`, which begins as zeros.  Who is
 * moved twice because of a crash comes up for nothing once.  `taken_over`
 * is false when somebody held the row that notes the setting: call it again.
 */
extern bool ga_groups_move_deadlines(TimestampTz now, pg_uuid_t *after,
									 bool *taken_over);

#endif /* GA_STORE_GROUP_DEADLINE_STORE_H */
