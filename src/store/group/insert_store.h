/*
 * insert_store.h
 *		Writing a new group.
 *
 * All run inside ga_owner_enter()/leave().
 */
#ifndef GA_STORE_GROUP_INSERT_STORE_H
#define GA_STORE_GROUP_INSERT_STORE_H

#include "postgres.h"

#include "store/group/group_store.h"

/*
 * Writes a group (id set), its members and their invitations; sets number, and slug for
 * contract B.  False when contract B's name is taken: nothing is written then.
 */
extern bool ga_group_insert(const struct GaOwnerScope *scope, GaGroup *group);
/* The index by which no two groups of contract B have one name. */
#define GA_GROUP_NAME_INDEX "groups_v2_name_key"
/* Whether a group of contract B other than `but` has this name. */
extern bool ga_group_name_is_taken(const char *name, const pg_uuid_t *but);
/* The number of the next group, unless somebody is faster. */
extern int64 ga_group_next_number(void);

#endif /* GA_STORE_GROUP_INSERT_STORE_H */
