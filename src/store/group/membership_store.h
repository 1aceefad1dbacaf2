/*
 * membership_store.h
 *		Which user a member is, where that is not known from the beginning: the
 *		members of contract A are names with contacts until they answer.
 */
#ifndef GA_STORE_GROUP_MEMBERSHIP_STORE_H
#define GA_STORE_GROUP_MEMBERSHIP_STORE_H

#include "postgres.h"

#include "utils/uuid.h"

/*
 * Inside ga_owner_enter()/leave(), with the member's invitation locked: makes the
 * member, who is nobody known yet, the user.  False when the user is a member of
 * the group already; nothing has changed then.
 */
extern bool ga_membership_give(pg_uuid_t group_id, int32 number, int64 user_id);

#endif /* GA_STORE_GROUP_MEMBERSHIP_STORE_H */
