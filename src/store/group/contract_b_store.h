/*
 * contract_b_store.h
 *		Contract B's groups as one user sees them: one, pages of them, pages of
 *		their people; changing a group.
 */
#ifndef GA_STORE_GROUP_CONTRACT_B_STORE_H
#define GA_STORE_GROUP_CONTRACT_B_STORE_H

#include "postgres.h"

#include "store/group/group_store.h"
#include "store/group/user_store.h"

struct GaOwnerScope;

/* What a user is to a group; the words are contract B's. */
typedef struct GaGroupV2
{
	GaGroup common; /* what both contracts have; without members */
	GaUser creator;
	int64 subscribers;
	const char *status; /* subscribed, invited or requested; NULL: nothing */
} GaGroupV2;

/* Which rows of a list; `total` is set by reading it. */
typedef struct GaPageBounds
{
	int32 limit;
	int64 offset;
	const char *search; /* part of a name; NULL: any */
	int64 total;
} GaPageBounds;

/* Whose eyes: 0 for nobody known. */
typedef struct GaViewer
{
	int64 user_id;
	bool sees_all; /* hidden groups too */
} GaViewer;

/* All run inside ga_owner_enter()/leave(). */

/*
 * Whether the viewer may see the group: the same statements whether there is none
 * or it is hidden, and nothing of it is read.
 */
extern bool ga_group_v2_is_seen(int64 number, GaViewer viewer);
/* False when there is no group of contract B with this number. */
extern bool ga_group_v2_find(const struct GaOwnerScope *scope, int64 number,
							 GaViewer viewer, GaGroupV2 *group);
/* The same, with the group's row locked until the transaction ends. */
extern bool ga_group_v2_lock(const struct GaOwnerScope *scope, int64 number,
							 GaViewer viewer, GaGroupV2 *group);

/* Pages of groups, newest first; palloc'ed, `count` is how many. */
extern GaGroupV2 *ga_groups_v2_own(const struct GaOwnerScope *scope,
								   GaViewer viewer, GaPageBounds *bounds,
								   int *count);
/* Those with an open invitation for the viewer, who may still join them. */
extern GaGroupV2 *ga_groups_v2_inviting(const struct GaOwnerScope *scope,
										GaViewer viewer, GaPageBounds *bounds,
										int *count);
/* Those with these numbers, newest first; `count` becomes how many there are. */
extern GaGroupV2 *ga_groups_v2_numbered(const struct GaOwnerScope *scope,
										GaViewer viewer, const int64 *numbers,
										int *count);
/* What the viewer may know of another user's groups. */
extern GaGroupV2 *ga_groups_v2_of_user(const struct GaOwnerScope *scope,
									   GaViewer viewer, int64 user_id,
									   GaPageBounds *bounds, int *count);

typedef enum GaUserList
{
	GA_USERS_SUBSCRIBED,
	GA_USERS_INVITED,
	GA_USERS_REQUESTING,
	GA_USERS_LIST_COUNT
} GaUserList;

/* Pages of a group's people, in the order they came. */
extern GaUser *ga_group_v2_users(const struct GaOwnerScope *scope,
								 pg_uuid_t group_id, GaUserList list,
								 GaPageBounds *bounds, int *count);
/* Writes what may change; the slug stays.  Throws 23505 for a taken name. */
extern void ga_group_v2_update(const GaGroup *group);

#endif /* GA_STORE_GROUP_CONTRACT_B_STORE_H */
