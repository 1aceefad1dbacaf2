/*
 * invitation_events.h
 *		The state machine of an invitation: which event leads from which state to
 *		which, and what the event writes into the row.
 *
 * Every UPDATE of group_api_private.invitations that touches a state or the place
 * in the queue takes its SET from here, and so do the INSERT and the C code that
 * decides by a state.  test/lint/states.sh fails for one that does not, and when
 * the tables of docs/ARCHITECTURE.md differ from the moves below.
 *
 * MOVE(from, to, when): `when` is a condition in SQL over the row as it was, `i`,
 * and over what the statement knows besides, `o`.  Of an event's moves the first
 * that holds counts; a state without one stays.
 *
 * Pure macros, which the lint expands by the preprocessor alone.
 */
#ifndef GA_STORE_INVITATION_EVENTS_H
#define GA_STORE_INVITATION_EVENTS_H

#include "store/invitation_state.h"

/* ---- the delivery -------------------------------------------------------- */

/* The invitation is written: o.channel, o.is_held, o.suppressed. */
#define GA_DELIVERY_ON_CREATE(MOVE)                                            \
	MOVE(NEW, NONE, "o.channel = 0")                                           \
	MOVE(NEW, HELD, "o.is_held")                                               \
	MOVE(NEW, SUPPRESSED, "o.suppressed IS NOT NULL")                          \
	MOVE(NEW, QUEUED, "true")

/* send_invitations(), and the same for contacts that are on the list. */
#define GA_DELIVERY_ON_RELEASE(MOVE) MOVE(HELD, QUEUED, "true")
#define GA_DELIVERY_ON_SUPPRESS(MOVE) MOVE(HELD, SUPPRESSED, "true")

/* The dispatcher takes it, before the first byte. */
#define GA_DELIVERY_ON_CLAIM(MOVE) MOVE(QUEUED, SENDING, "true")

/* What became of it, o.delivery; its invitation may have ended meanwhile, and
 * then there is no further try (o.due). */
#define GA_DELIVERY_ON_RECORD(MOVE)                                            \
	MOVE(SENDING, FAILED,                                                      \
		 "o.due IS NOT NULL AND i.response = " GA_SQL_EXPIRED)                 \
	MOVE(SENDING, CANCELED,                                                    \
		 "o.due IS NOT NULL AND i.response <> " GA_SQL_PENDING)                \
	MOVE(SENDING, SENT, "o.delivery = 'sent'")                                 \
	MOVE(SENDING, QUEUED, "o.delivery = 'queued'")                             \
	MOVE(SENDING, FAILED, "o.delivery = 'failed'")                             \
	MOVE(SENDING, UNCERTAIN, "o.delivery = 'uncertain'")                       \
	MOVE(SENDING, SUPPRESSED, "o.delivery = 'suppressed'")                     \
	MOVE(SENDING, CANCELED, "o.delivery = 'canceled'")

/* An earlier dispatcher was stopped while it was being sent. */
#define GA_DELIVERY_ON_TAKE_BACK(MOVE)                                         \
	MOVE(SENDING, UNCERTAIN, "o.was_sent")                                     \
	MOVE(SENDING, QUEUED, "true")

/* The provider, or a returned mail, says what became of it.  Such words may
 * overtake each other and our own record: what is better known stays. */
#define GA_DELIVERY_ON_RECEIPT_SENT(MOVE)                                      \
	MOVE(QUEUED, SENT, "true")                                                 \
	MOVE(SENDING, SENT, "true")                                                \
	MOVE(UNCERTAIN, SENT, "true")
#define GA_DELIVERY_ON_RECEIPT_DELIVERED(MOVE)                                 \
	MOVE(QUEUED, DELIVERED, "true")                                            \
	MOVE(SENDING, DELIVERED, "true")                                           \
	MOVE(UNCERTAIN, DELIVERED, "true")                                         \
	MOVE(SENT, DELIVERED, "true")                                              \
	MOVE(FAILED, DELIVERED, "true")
#define GA_DELIVERY_ON_RECEIPT_FAILED(MOVE)                                    \
	MOVE(QUEUED, FAILED, "true")                                               \
	MOVE(SENDING, FAILED, "true")                                              \
	MOVE(UNCERTAIN, FAILED, "true")                                            \
	MOVE(SENT, FAILED, "true")

/* Whoever answers an open invitation has got its message. */
#define GA_DELIVERY_ON_ANSWER(MOVE)                                            \
	MOVE(HELD, DELIVERED, GA_IS_OPEN)                                          \
	MOVE(QUEUED, DELIVERED, GA_IS_OPEN)                                        \
	MOVE(SENDING, DELIVERED, GA_IS_OPEN)                                       \
	MOVE(SENT, DELIVERED, GA_IS_OPEN)                                          \
	MOVE(FAILED, DELIVERED, GA_IS_OPEN)                                        \
	MOVE(SUPPRESSED, DELIVERED, GA_IS_OPEN)                                    \
	MOVE(CANCELED, DELIVERED, GA_IS_OPEN)                                      \
	MOVE(UNCERTAIN, DELIVERED, GA_IS_OPEN)

/* The leader withdraws it.  What is with the courier cannot be called back: its
 * outcome is recorded. */
#define GA_DELIVERY_ON_WITHDRAW(MOVE)                                          \
	MOVE(HELD, CANCELED, "true")                                               \
	MOVE(QUEUED, CANCELED, "true")

/* Its time is over; of a reminder, the invitation itself was sent before. */
#define GA_DELIVERY_ON_EXPIRE(MOVE)                                            \
	MOVE(QUEUED, SENT, "i.reminders > 0")                                      \
	MOVE(QUEUED, FAILED, "true")

/* There is no answer yet, and the contact is not on the list. */
#define GA_DELIVERY_ON_REMIND(MOVE)                                            \
	MOVE(SENT, QUEUED, "o.wanted")                                             \
	MOVE(DELIVERED, QUEUED, "o.wanted")

/* The leader sends it again: o.suppressed.  It is refused while it is being
 * sent. */
#define GA_DELIVERY_ON_RESEND(MOVE)                                            \
	GA_EACH_BUT_SENDING(MOVE, SUPPRESSED, "o.suppressed IS NOT NULL")          \
	GA_EACH_BUT_SENDING(MOVE, QUEUED, "true")

/* A user is invited again, whose contact may be another one by now or none:
 * o.channel, o.suppressed. */
#define GA_DELIVERY_ON_RENEW(MOVE)                                             \
	GA_EACH_BUT_SENDING(MOVE, NONE, "o.channel = 0")                           \
	GA_EACH_BUT_SENDING(MOVE, SUPPRESSED, "o.suppressed IS NOT NULL")          \
	GA_EACH_BUT_SENDING(MOVE, QUEUED, "true")                                  \
	MOVE(NONE, SUPPRESSED, "o.channel > 0 AND o.suppressed IS NOT NULL")       \
	MOVE(NONE, QUEUED, "o.channel > 0")

/* retry_failed() */
#define GA_DELIVERY_ON_RETRY(MOVE)                                             \
	MOVE(FAILED, QUEUED, "true")                                               \
	MOVE(UNCERTAIN, QUEUED, "true")

#define GA_EACH_BUT_SENDING(MOVE, to, when)                                    \
	MOVE(HELD, to, when)                                                       \
	MOVE(QUEUED, to, when)                                                     \
	MOVE(SENT, to, when)                                                       \
	MOVE(DELIVERED, to, when)                                                  \
	MOVE(FAILED, to, when)                                                     \
	MOVE(SUPPRESSED, to, when)                                                 \
	MOVE(CANCELED, to, when)                                                   \
	MOVE(UNCERTAIN, to, when)

/* ---- the response -------------------------------------------------------- */

#define GA_RESPONSE_ON_CREATE(MOVE) MOVE(NEW, PENDING, "true")

/* By the link, or by the user an invitation is for. */
#define GA_RESPONSE_ON_ACCEPT(MOVE) MOVE(PENDING, ACCEPTED, "true")
#define GA_RESPONSE_ON_DECLINE(MOVE) MOVE(PENDING, DECLINED, "true")

/* A user enters the group, whatever became of an invitation. */
#define GA_RESPONSE_ON_JOIN(MOVE)                                              \
	MOVE(PENDING, ACCEPTED, "true")                                            \
	MOVE(DECLINED, ACCEPTED, "true")                                           \
	MOVE(REVOKED, ACCEPTED, "true")                                            \
	MOVE(EXPIRED, ACCEPTED, "true")

/* Of one that is answered it is refused. */
#define GA_RESPONSE_ON_WITHDRAW(MOVE)                                          \
	MOVE(PENDING, REVOKED, "true")                                             \
	MOVE(EXPIRED, REVOKED, "true")

/* A user leaves the group, or is put out of it. */
#define GA_RESPONSE_ON_EXPEL(MOVE)                                             \
	MOVE(PENDING, REVOKED, "true")                                             \
	MOVE(ACCEPTED, REVOKED, "true")                                            \
	MOVE(DECLINED, REVOKED, "true")                                            \
	MOVE(EXPIRED, REVOKED, "true")

#define GA_RESPONSE_ON_EXPIRE(MOVE) MOVE(PENDING, EXPIRED, "true")
/* It ended before the message could leave. */
#define GA_RESPONSE_ON_RECORD(MOVE) MOVE(PENDING, EXPIRED, "o.expired")

/* Who declined may have changed their mind.  What was accepted is refused. */
#define GA_RESPONSE_ON_RESEND(MOVE) GA_EACH_ENDED(MOVE, PENDING, "true")
#define GA_RESPONSE_ON_RENEW(MOVE) GA_EACH_ENDED(MOVE, PENDING, "true")

#define GA_RESPONSE_ON_RETRY(MOVE) MOVE(EXPIRED, PENDING, "true")

#define GA_EACH_ENDED(MOVE, to, when)                                          \
	MOVE(DECLINED, to, when)                                                   \
	MOVE(REVOKED, to, when)                                                    \
	MOVE(EXPIRED, to, when)

/* ---- the moves as SQL ---------------------------------------------------- */

#define GA_FROM_NEW "true"
#define GA_FROM_NONE "i.delivery IS NULL"
#define GA_FROM_HELD "i.delivery = " GA_SQL_HELD
#define GA_FROM_QUEUED "i.delivery = " GA_SQL_QUEUED
#define GA_FROM_SENDING "i.delivery = " GA_SQL_SENDING
#define GA_FROM_SENT "i.delivery = " GA_SQL_SENT
#define GA_FROM_DELIVERED "i.delivery = " GA_SQL_DELIVERED
#define GA_FROM_FAILED "i.delivery = " GA_SQL_FAILED
#define GA_FROM_SUPPRESSED "i.delivery = " GA_SQL_SUPPRESSED
#define GA_FROM_CANCELED "i.delivery = " GA_SQL_CANCELED
#define GA_FROM_UNCERTAIN "i.delivery = " GA_SQL_UNCERTAIN
#define GA_FROM_PENDING "i.response = " GA_SQL_PENDING
#define GA_FROM_ACCEPTED "i.response = " GA_SQL_ACCEPTED
#define GA_FROM_DECLINED "i.response = " GA_SQL_DECLINED
#define GA_FROM_REVOKED "i.response = " GA_SQL_REVOKED
#define GA_FROM_EXPIRED "i.response = " GA_SQL_EXPIRED

#define GA_IS_OPEN GA_FROM_PENDING

#define GA_WHEN(from, to, when)                                                \
	" WHEN " GA_FROM_##from " AND " when " THEN " GA_SQL_##to
#define GA_OR_FROM(from, to, when) " OR " GA_FROM_##from

/* The state after an event. */
#define GA_DELIVERY_AFTER(event)                                               \
	"CASE" GA_DELIVERY_ON_##event(GA_WHEN) " ELSE i.delivery END"
#define GA_RESPONSE_AFTER(event)                                               \
	"CASE" GA_RESPONSE_ON_##event(GA_WHEN) " ELSE i.response END"
/* Whether the event would move the row. */
#define GA_DELIVERY_BEFORE(event)                                              \
	"(false" GA_DELIVERY_ON_##event(GA_OR_FROM) ")"

/* ---- what each event writes ---------------------------------------------- */

/* clang-format off */

/* Of a new row: the columns' values; `at`: the moment. */
#define GA_DELIVERY_CREATED "CASE" GA_DELIVERY_ON_CREATE(GA_WHEN) " END"
#define GA_RESPONSE_CREATED "CASE" GA_RESPONSE_ON_CREATE(GA_WHEN) " END"
#define GA_DUE_CREATED(at)                                                     \
	"CASE WHEN o.channel > 0 AND NOT o.is_held AND o.suppressed IS NULL"       \
	"  THEN " at " END"

#define GA_SET_RELEASED(tag, expires)                                          \
	" SET delivery = " GA_DELIVERY_AFTER(RELEASE) ", due = now(),"             \
	"  start_tag = " tag ", changed_at = now(), expires_at = " expires

#define GA_SET_SUPPRESSED(words, expires)                                      \
	" SET delivery = " GA_DELIVERY_AFTER(SUPPRESS) ", reason = " words ","     \
	"  changed_at = now(), expires_at = " expires

/* A row that waits for a time has its turn. */
#define GA_SET_PLACED " SET start_tag = o.start_tag"

/* The clock was set back: it waits as long as it was to wait. */
#define GA_SET_SHORTENED                                                       \
	" SET due = now() + (i.due - i.changed_at), changed_at = now()"

/* The try that was accepted before moves into the history (queue/accepted_try).
 * queue/claim_rows and queue/record_rows write the same without a statement. */
#define GA_SET_CLAIMED(number, name)                                           \
	" SET delivery = " GA_DELIVERY_AFTER(CLAIM) ","                            \
	"  attempts = least(i.attempts + 1, 32767),"                               \
	"  incarnation = " number ", server = " name ", changed_at = now(),"        \
	"  accepted_at = NULL, accepted_us = NULL, segments = NULL,"               \
	"  accepted_code = NULL, accepted_detail = NULL"

/* o: a GaRecord's columns. */
#define GA_SET_RECORDED                                                        \
	" SET delivery = " GA_DELIVERY_AFTER(RECORD) ","                           \
	"  response = " GA_RESPONSE_AFTER(RECORD) ","                              \
	"  due = CASE WHEN " GA_IS_OPEN " THEN o.due END,"                         \
	"  start_tag = CASE WHEN o.due > now() THEN NULL ELSE i.start_tag END,"    \
	"  attempts = i.attempts - o.given_back, reason = o.reason,"               \
	"  refusals = coalesce(o.refusals, i.refusals),"                           \
	"  pauses = coalesce(o.pauses, i.pauses),"                                 \
	"  crashes = coalesce(o.crashes, i.crashes),"                              \
	"  message_id = coalesce(o.message_id, i.message_id),"                     \
	"  changed_at = now()"

/* It has its turn by its tag.  As `due` stays, no index is written, which might fail
 * beside a page of the disk that cannot be read. */
#define GA_SET_TAKEN_BACK(words)                                               \
	" SET delivery = " GA_DELIVERY_AFTER(TAKE_BACK) ","                        \
	"  due = CASE WHEN NOT o.was_sent THEN i.due END,"                         \
	"  reason = " words ", changed_at = now()"

/* `after`: what ga_state_after_receipt() says. */
#define GA_SET_BY_RECEIPT(after, words, id)                                     \
	" SET delivery = " after "::group_api.delivery, due = NULL,"               \
	"  reason = " words ", message_id = coalesce(" id ", i.message_id),"       \
	"  changed_at = now()"

/* Of an invitation that ended before, the message stays what it was. */
#define GA_SET_ACCEPTED GA_SET_ANSWERED(ACCEPT)
#define GA_SET_DECLINED GA_SET_ANSWERED(DECLINE)
#define GA_SET_JOINED GA_SET_ANSWERED(JOIN)
#define GA_SET_ANSWERED(event)                                                 \
	" SET response = " GA_RESPONSE_AFTER(event) ", responded_at = now(),"      \
	"  delivery = " GA_DELIVERY_AFTER(ANSWER) ","                              \
	"  due = CASE WHEN NOT " GA_IS_OPEN " THEN i.due END,"                     \
	"  reason = CASE WHEN NOT " GA_IS_OPEN " THEN i.reason END,"               \
	"  changed_at = CASE WHEN NOT " GA_IS_OPEN " OR " GA_FROM_DELIVERED        \
	"   THEN i.changed_at ELSE now() END"

#define GA_SET_WITHDRAWN GA_SET_ENDED(WITHDRAW)
#define GA_SET_EXPELLED GA_SET_ENDED(EXPEL)
#define GA_SET_ENDED(event)                                                    \
	" SET response = " GA_RESPONSE_AFTER(event) ", responded_at = now(),"      \
	"  delivery = " GA_DELIVERY_AFTER(WITHDRAW) ","                            \
	"  due = CASE WHEN " GA_FROM_SENDING " THEN i.due END,"                    \
	"  reason = CASE WHEN " GA_DELIVERY_BEFORE(WITHDRAW)                       \
	"   THEN NULL ELSE i.reason END,"                                          \
	"  changed_at = CASE WHEN " GA_DELIVERY_BEFORE(WITHDRAW)                   \
	"   THEN now() ELSE i.changed_at END"

#define GA_SET_EXPIRED                                                         \
	" SET response = " GA_RESPONSE_AFTER(EXPIRE) ","                           \
	"  responded_at = i.expires_at,"                                           \
	"  delivery = " GA_DELIVERY_AFTER(EXPIRE) ","                              \
	"  due = CASE WHEN " GA_FROM_SENDING " THEN i.due END,"                    \
	"  reason = CASE"                                                          \
	"   WHEN " GA_DELIVERY_BEFORE(EXPIRE) " AND i.reminders > 0"               \
	"   THEN 'the reminder could not be sent before the expiry'"               \
	"   WHEN " GA_DELIVERY_BEFORE(EXPIRE)                                      \
	"   THEN 'expired before it could be sent'"                                \
	"    || coalesce(': ' || i.reason, '')"                                    \
	"   ELSE i.reason END,"                                                    \
	"  changed_at = CASE WHEN " GA_DELIVERY_BEFORE(EXPIRE)                     \
	"   THEN now() ELSE i.changed_at END"

/* Whose contact is on the list by now: only that there is nothing more to do. */
#define GA_SET_REMINDED                                                        \
	" SET reminders = 1, delivery = " GA_DELIVERY_AFTER(REMIND) ","            \
	"  due = CASE WHEN o.wanted THEN now() END, start_tag = NULL,"             \
	"  attempts = CASE WHEN o.wanted THEN 0 ELSE i.attempts END,"              \
	"  message_id = CASE WHEN NOT o.wanted THEN i.message_id END,"             \
	"  reason = CASE WHEN NOT o.wanted THEN i.reason END,"                     \
	"  changed_at = CASE WHEN o.wanted THEN now() ELSE i.changed_at END"

/* A new link, so that older ones end, and those that a lost primary sent. */
#define GA_NEXT_LINK                                                           \
	"CASE i.link_version WHEN 32767 THEN 1"                                    \
	" ELSE greatest(i.link_version,"                                           \
	"  group_api_private.first_link_version()) + 1 END"

/* o: suppressed, start_tag, expires_at. */
#define GA_SET_RESENT                                                          \
	" SET response = " GA_RESPONSE_AFTER(RESEND) ", responded_at = NULL,"      \
	"  link_version = " GA_NEXT_LINK ","                                       \
	"  delivery = " GA_DELIVERY_AFTER(RESEND) ","                              \
	"  due = CASE WHEN o.suppressed IS NULL THEN now() END,"                   \
	"  start_tag = o.start_tag, reason = o.suppressed,"                        \
	"  attempts = 0, refusals = 0, pauses = 0, reminders = 0,"                 \
	"  message_id = NULL, changed_at = now(), expires_at = o.expires_at"

/* What is being sent stays as it is, and its link with it.  `cooldown`: so long
 * after the message before.  What was canceled says nothing of that. */
#define GA_SET_RENEWED(expires, cooldown)                                      \
	" SET response = " GA_RESPONSE_AFTER(RENEW) ", responded_at = NULL,"       \
	"  reminders = 0, locale = o.locale, reason = o.suppressed,"               \
	"  expires_at = " expires ","                                              \
	"  delivery = " GA_DELIVERY_AFTER(RENEW) ","                               \
	"  due = CASE WHEN " GA_FROM_SENDING " THEN i.due"                         \
	"   WHEN o.channel = 0 OR o.suppressed IS NOT NULL THEN NULL"              \
	"   ELSE greatest(now(), CASE WHEN " GA_FROM_SENT                          \
	"     OR " GA_FROM_DELIVERED " OR " GA_FROM_UNCERTAIN                      \
	"     THEN i.changed_at + " cooldown " END,"                               \
	"    i.accepted_at + " cooldown ","                                        \
	"    (SELECT max(a.started_at) + " cooldown                                \
	"     FROM group_api_private.attempts a"                                   \
	"     WHERE a.group_id = i.group_id AND a.member = i.number"               \
	"      AND a.outcome IN ('accepted', 'uncertain'))) END,"                  \
	"  start_tag = CASE WHEN " GA_FROM_SENDING " THEN i.start_tag END,"        \
	"  link_version = CASE WHEN " GA_FROM_SENDING                              \
	"   THEN i.link_version ELSE " GA_NEXT_LINK " END,"                        \
	"  attempts = CASE WHEN " GA_FROM_SENDING                                  \
	"   THEN i.attempts ELSE 0 END,"                                           \
	"  message_id = CASE WHEN " GA_FROM_SENDING " THEN i.message_id END,"      \
	"  changed_at = CASE WHEN " GA_FROM_SENDING                                \
	"   THEN i.changed_at ELSE now() END,"                                     \
	"  channel = CASE WHEN " GA_FROM_SENDING " THEN i.channel"                 \
	"   WHEN o.channel = 1 THEN 'MOBILE'::group_api.channel"                   \
	"   WHEN o.channel = 2 THEN 'EMAIL'::group_api.channel END,"               \
	"  contact = CASE WHEN " GA_FROM_SENDING                                   \
	"   THEN i.contact ELSE o.contact END,"                                    \
	"  contact_since = CASE WHEN " GA_FROM_SENDING                             \
	"   OR i.contact IS NOT DISTINCT FROM o.contact"                           \
	"   THEN i.contact_since ELSE " GA_NEXT_LINK " END"

/* What waits for its next try need not wait any longer. */
#define GA_SET_DUE_NOW " SET due = now()"

#define GA_SET_RETRIED(expires)                                                \
	" SET response = " GA_RESPONSE_AFTER(RETRY) ", responded_at = NULL,"       \
	"  delivery = " GA_DELIVERY_AFTER(RETRY) ", due = now(),"                  \
	"  start_tag = NULL, reason = NULL, message_id = NULL,"                    \
	"  attempts = 0, refusals = 0, pauses = 0,"                                \
	"  changed_at = now(), expires_at = " expires

/* clang-format on */

#endif /* GA_STORE_INVITATION_EVENTS_H */
