/*
 * event_document.h
 *		An event as listeners see it: an expression of SQL that makes its JSON.
 *
 * The shape is that of Standard Webhooks (type, timestamp, data); docs/events.md
 * describes it.  A contact stands in it only for a listener that asked for contacts.
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

#define GA_EVENT_MEMBER(e)                                                     \
	"'number', " e ".member, 'name', " e ".member_name,"                       \
	" 'delivery', " e ".delivery, 'reason', " e ".reason,"                     \
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
	GA_EVENT_MEMBER(e) ", " GA_EVENT_CONTACT(e) "))"                           \
	" WHEN " e ".member IS NOT NULL THEN json_build_object("                   \
	GA_EVENT_GROUP(e) ", 'member', json_build_object("                         \
	GA_EVENT_MEMBER(e) "))"                                                    \
	" WHEN " e ".user_id IS NOT NULL THEN json_build_object("                  \
	GA_EVENT_GROUP(e) ", " GA_EVENT_USER(e) ")"                                \
	" ELSE json_build_object(" GA_EVENT_GROUP(e) ") END"

/* `e` is a row of group_api_private.events, `contacts` a boolean expression. */
#define GA_EVENT_DOCUMENT(e, contacts)                                         \
	"json_build_object('type', " e ".type,"                                    \
	" 'timestamp', " GA_EVENT_DATE(e ".at") ","                                \
	" 'data', " GA_EVENT_DATA(e, contacts) ")"

/* clang-format on */

#endif /* GA_STORE_EVENTS_EVENT_DOCUMENT_H */
