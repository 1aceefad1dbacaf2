/*
 * user_row.h
 *		A user's row in the directory, found without a statement.
 *
 * Every call looks for its caller first.
 */
#ifndef GA_STORE_GROUP_USER_ROW_H
#define GA_STORE_GROUP_USER_ROW_H

#include "postgres.h"

#include "store/group/user_store.h"
#include "store/table/table_find.h"

/*
 * Both replace the values of `user` by the row's, except role and issuer, where
 * they find one; GA_FOUND_UNKNOWN: a statement has to look.  Both run inside
 * ga_owner_enter()/leave().
 */

/*
 * The user with this subject in what the caller's statement sees; *issuer: the one
 * in the row, NULL for none.
 */
extern GaFound ga_user_row_of_subject(const struct GaOwnerScope *scope,
									  const char *subject, GaUser *user,
									  const char **issuer);
/*
 * The user of a role of this cluster.  GA_FOUND_UNKNOWN also while the row does
 * not have the role's present name, the subject in `user`, or there is none.
 */
extern GaFound ga_user_row_of_role(const struct GaOwnerScope *scope,
								   GaTableMoment moment, GaUser *user);

#endif /* GA_STORE_GROUP_USER_ROW_H */
