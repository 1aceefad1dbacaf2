/*
 * event_document.h
 *		An event as listeners see it: an expression of SQL that makes its JSON.
 *
 * The shape is that of Standard Webhooks (type, timestamp, data); docs/events.md
 * describes it.  A contact stands in it only for a listener that asked for contacts
 * before the event happened: later ones must not learn it by replay_events().  The
 * reason of an outcome is the provider's own words, which often repeat the contact
 * (550 5.1.1 <ann@example.com>: user unknown), so it is hidden there, too.
 */
#ifndef GA_STORE_EVENTS_EVENT_DOCUMENT_H
#define GA_STORE_EVENTS_EVENT_DOCUMENT_H

/* clang-format off */

#define GA_EVENT_DATE(date)                                                    \
	"to_char(" date " AT TIME ZONE 'UTC',"                                     \
	" 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

#define GA_EVENT_GROUP(e)                                                      \
	"'group', json_build_object('id', " e ".about_group,"                      \
	" 'number', " e ".group_number, 'name', " e ".group_name,"                 \
	" 'product', " e ".product_id)"

#define GA_EVENT_USER(e)                                                       \
	"'user', CASE WHEN " e ".user_id IS NOT NULL THEN"                         \
	" json_build_object('id', " e ".user_id,"                                  \
	"  'subject', " e ".user_subject) END"

/*
 * `reason` without `contact`, in capitals or not, and of a number also where it is
 * written without "+".  "***=" says that the rest of the pattern is taken literally.
 */
#define GA_EVENT_HIDDEN(reason, contact)                                       \
	"CASE WHEN ltrim(" contact ", '+') <> ''"                                  \
	" THEN regexp_replace(" reason ", '***=' || ltrim(" contact ", '+'),"      \
	"  '***', 'gi') ELSE " reason " END"

#define GA_EVENT_MEMBER(e, reason)                                             \
	"'number', " e ".member, 'name', " e ".member_name,"                       \
	" 'delivery', " e ".delivery, 'reason', " reason ","                       \
	" 'response', " e ".response, " GA_EVENT_USER(e)

#define GA_EVENT_CONTACT(e)                                                    \
	"'contact', CASE WHEN " e ".contact IS NOT NULL THEN"                      \
	" json_build_object('type', " e ".channel, 'value', " e ".contact) END"

/* About a provider; a member; a request of a user, who is no member; a group. */
#define GA_EVENT_DATA(e, contacts)                                             \
	"CASE WHEN " e ".server IS NOT NULL THEN json_build_object("               \
	"  'provider', json_build_object('name', " e ".server,"                    \
	"   'reason', " e ".reason))"                                              \
	" WHEN " e ".member IS NOT NULL AND " contacts " THEN json_build_object("  \
	GA_EVENT_GROUP(e) ", 'member', json_build_object("                         \
	GA_EVENT_MEMBER(e, e ".reason") ", " GA_EVENT_CONTACT(e) "))"              \
	" WHEN " e ".member IS NOT NULL THEN json_build_object("                   \
	GA_EVENT_GROUP(e) ", 'member', json_build_object("                         \
	GA_EVENT_MEMBER(e, GA_EVENT_HIDDEN(e ".reason", e ".contact")) "))"        \
	" WHEN " e ".user_id IS NOT NULL THEN json_build_object("                  \
	GA_EVENT_GROUP(e) ", " GA_EVENT_USER(e) ")"                                \
	" ELSE json_build_object(" GA_EVENT_GROUP(e) ") END"

/* Whether `listener`, which now has `contacts`, had them when it happened. */
#define GA_EVENT_SHOWS(e, contacts, listener)                                  \
	"(" contacts " AND " listener " = ANY (" e ".contact_for))"

/*
 * `e` is a row of group_api_private.events, `contacts` a boolean expression and
 * `listener` the name of who is told.
 */
#define GA_EVENT_DOCUMENT(e, contacts, listener)                               \
	"json_build_object('type', " e ".type,"                                    \
	" 'timestamp', " GA_EVENT_DATE(e ".at") ","                                \
	" 'data', "                                                                \
	GA_EVENT_DATA(e, GA_EVENT_SHOWS(e, contacts, listener)) ")"

/* clang-format on */

#endif /* GA_STORE_EVENTS_EVENT_DOCUMENT_H */
