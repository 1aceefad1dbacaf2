/*
 * search_store.h
 *		Searching groups of contract B and users by a part of their names.
 *
 * All run inside ga_owner_enter()/leave().  At most group_api.search_limit matches
 * are counted, and can be paged through.
 */
#ifndef GA_STORE_GROUP_SEARCH_STORE_H
#define GA_STORE_GROUP_SEARCH_STORE_H

#include "postgres.h"

#include "store/group/contract_b_store.h"

struct GaOwnerScope;

/* Visible groups, and hidden ones the viewer has to do with; newest first. */
extern GaGroupV2 *ga_groups_v2_search(const struct GaOwnerScope *scope,
									  GaViewer viewer, GaPageBounds *bounds,
									  int *count);
/*
 * Users one may invite, in the order they came: not the viewer, and nobody who is
 * in the group or invited to it.  NULL: into a group that is not made yet.
 */
extern GaUser *ga_search_users_to_invite(const struct GaOwnerScope *scope,
										 GaViewer viewer,
										 const pg_uuid_t *group_id,
										 GaPageBounds *bounds, int *count);

#endif /* GA_STORE_GROUP_SEARCH_STORE_H */
