/*
 * role_store.h
 *		Roles of the database in the user directory.
 */
#ifndef GA_STORE_ROLE_STORE_H
#define GA_STORE_ROLE_STORE_H

#include "postgres.h"

#include "store/group/user_store.h"

/*
 * All run inside ga_owner_enter()/leave().  `user` has role and the subject
 * role:NAME.
 */

/* On true the row's values replace those of `user`. */
extern bool ga_role_find(const struct GaOwnerScope *scope, GaUser *user);
/* Adds the role if it is new, ties a restored row to it, notes a new name. */
extern void ga_role_ensure(const struct GaOwnerScope *scope, GaUser *user);
/* Notes that pg_upgrade moved the roles of that cluster here, whatever their names. */
extern void ga_roles_follow_upgrade(int64 former_cluster);
/* Ties what was restored from another cluster to the roles of this one. */
extern void ga_roles_adopt(void);

#endif /* GA_STORE_ROLE_STORE_H */
