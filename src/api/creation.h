/*
 * creation.h
 *		What the two contracts' create functions share.
 */
#ifndef GA_API_CREATION_H
#define GA_API_CREATION_H

#include "postgres.h"

#include "api/caller.h"
#include "store/group_store.h"
#include "store/plan_cache.h"

/* Empties the view and sets what every new group has. */
extern void ga_creation_begin(GaGroupView *group, char contract);
/* Makes members[0] the caller, who has an id by now. */
extern void ga_creation_add_leader(GaGroupView *group, const GaCaller *caller);
/*
 * Writes the group and wakes the dispatcher at commit; false when contract B's
 * name is taken.  Inside ga_owner_enter()/leave().
 */
extern bool ga_creation_write(const GaOwnerScope *scope, GaGroupView *group);

#endif /* GA_API_CREATION_H */
