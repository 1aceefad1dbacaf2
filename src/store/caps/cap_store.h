/*
 * cap_store.h
 *		How many invitations a contact or a leader's groups get a day, and how soon
 *		after each other.
 *
 * A day is one of UTC.  What is over a cap is not lost: it waits for the next
 * day; what comes too soon waits for its cool-down.  The same invitation counts
 * once a day however often it is tried.
 */
#ifndef GA_STORE_CAPS_CAP_STORE_H
#define GA_STORE_CAPS_CAP_STORE_H

#include "postgres.h"

#include "base/shared/channel.h"
#include "store/queue/queue_store.h"

/*
 * Inside ga_owner_enter()/leave(): counts what was claimed against
 * group_api.recipient_daily_cap, inviter_recipient_daily_cap and inviter_daily_cap,
 * and sets `later` of what is over them, or within group_api.invitation_cooldown of
 * the last one; rows that are suppressed do not count.  Nothing happens while all
 * are 0.
 */
extern void ga_caps_take(GaChannel channel, GaClaim *claims, int count,
						 TimestampTz now);

/* Why what is over recipient_daily_cap waits: it tells of all leaders' messages. */
extern const char ga_cap_recipient_words[];

/*
 * Whether a contact may be resent to now; if so, that is remembered.  Otherwise
 * `wait_s` is the number of seconds until then.
 */
extern bool ga_cap_take_resend(GaChannel channel, const char *contact,
							   int *wait_s);

/* Forgets what counts no longer; true: there is more of it. */
extern bool ga_caps_trim(void);

#endif /* GA_STORE_CAPS_CAP_STORE_H */
