/*
 * subscription_sql.h
 *		What a user is to a group of contract B, as pieces of SQL: one meaning
 *		for every statement that asks.
 */
#ifndef GA_STORE_GROUP_SUBSCRIPTION_SQL_H
#define GA_STORE_GROUP_SUBSCRIPTION_SQL_H

#include "store/invitation_state.h"

/*
 * The invitation i of the member m, looked up for each member.  A join of both
 * tables over one group's rows would be for the planner to choose, which knows
 * nothing of a group that has just grown and compares all with all.
 */
#define GA_INVITATION_OF_MEMBER                                                \
	" LEFT JOIN LATERAL (SELECT v.* FROM group_api_private.invitations v"      \
	"  WHERE v.group_id = m.group_id AND v.number = m.number OFFSET 0) AS i"   \
	"  ON true"

/* Of a member's invitation i, all NULL where there is none. */
#define GA_IS_SUBSCRIBED                                                       \
	"(i.response IS NULL OR i.response = " GA_SQL_ACCEPTED ")"
#define GA_IS_INVITED                                                          \
	"(i.response = " GA_SQL_PENDING                                            \
	" AND (i.expires_at IS NULL OR i.expires_at > now()))"

/* Contract B's subscription_status of a user in the group g. */
#define GA_STATUS_OF(user)                                                     \
	" coalesce((SELECT CASE WHEN " GA_IS_SUBSCRIBED " THEN 'subscribed'"       \
	"  WHEN " GA_IS_INVITED " THEN 'invited' END"                              \
	"  FROM group_api_private.members m" GA_INVITATION_OF_MEMBER               \
	"  WHERE m.group_id = g.id AND m.user_id = " user "),"                     \
	" (SELECT 'requested' FROM group_api_private.requests r"                   \
	"  WHERE r.group_id = g.id AND r.user_id = " user "))"

#endif /* GA_STORE_GROUP_SUBSCRIPTION_SQL_H */
