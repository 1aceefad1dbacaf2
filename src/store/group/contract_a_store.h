/*
 * contract_a_store.h
 *		Groups of contract A without all their members: the outline of one, pages of
 *		a user's own.
 *
 * All run inside ga_owner_enter()/leave().
 */
#ifndef GA_STORE_GROUP_CONTRACT_A_STORE_H
#define GA_STORE_GROUP_CONTRACT_A_STORE_H

#include "postgres.h"

#include "store/group/contract_b_store.h"
#include "store/group/group_store.h"

struct GaOwnerScope;

/* A group of which only some members are read. */
typedef struct GaGroupOutline
{
	GaGroup view;  /* its members: the leader, and the user it was read for */
	int64 members; /* how many the group has */
} GaGroupOutline;

/* The group with its leader alone; false where no group of contract A has the id. */
extern bool ga_group_find_outline(const struct GaOwnerScope *scope,
								  pg_uuid_t id, GaGroup *group);

/* Those the user leads or has joined, newest first; palloc'ed, `count` long. */
extern GaGroupOutline *ga_groups_v1_of_user(const struct GaOwnerScope *scope,
											int64 user_id, GaPageBounds *bounds,
											int *count);

#endif /* GA_STORE_GROUP_CONTRACT_A_STORE_H */
