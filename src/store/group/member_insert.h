/*
 * member_insert.h
 *		Writing members and their invitations, those of a new group or further
 *		ones.
 */
#ifndef GA_STORE_GROUP_MEMBER_INSERT_H
#define GA_STORE_GROUP_MEMBER_INSERT_H

#include "postgres.h"

#include "store/group/group_store.h"

/*
 * Writes members, the group's first ones or further ones, and an invitation for
 * each that has a response, due at once when its delivery is queued.  Their
 * numbers follow each other from the first one's.  Runs inside
 * ga_owner_enter()/leave().
 */
extern void ga_members_insert(const GaGroup *group);

#endif /* GA_STORE_GROUP_MEMBER_INSERT_H */
