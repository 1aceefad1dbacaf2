/*
 * user_store.h
 *		The user directory.
 */
#ifndef GA_STORE_GROUP_USER_STORE_H
#define GA_STORE_GROUP_USER_STORE_H

#include "postgres.h"

#include "datatype/timestamp.h"

/*
 * How subjects begin that are no claim "sub"; no token may have one of them.
 * Callers in SQL are role:NAME, and former-role:CLUSTER:OID:NAME once another
 * role has the name.  iss:ISSUER#SUB is a token's user where another issuer's
 * has the bare "sub".
 */
#define GA_ROLE_SUBJECT "role:"
#define GA_FORMER_ROLE_SUBJECT "former-role:"
#define GA_ISSUER_SUBJECT "iss:"

typedef struct GaUser
{
	int64 id; /* 0: not in the directory */
	const char *subject;
	const char *username;
	const char *real_name;
	const char *ext_id;
	const char *avatar;
	const char *email;
	const char *mobile;
	const char *locale;
	TimestampTz joined_at; /* the directory; 0: not in it */
	Oid role;			   /* the role of a caller in SQL; else InvalidOid */
	const char *issuer;	   /* of the token, "" for none; NULL: no token */
} GaUser;

struct GaOwnerScope;

/* All run inside ga_owner_enter()/leave(). */

/*
 * Looks up by role, or by subject and issuer; on true the row's values replace
 * those of `user`.
 */
extern bool ga_user_find(const struct GaOwnerScope *scope, GaUser *user);
/*
 * The same for a caller who is to be in the directory afterwards: added if it is
 * new, and tied to its role or issuer.  The row's values replace those of
 * `user`.
 */
extern void ga_user_ensure(const struct GaOwnerScope *scope, GaUser *user);
/* Adds the user or changes the one with this subject; NULLs change nothing. */
extern int64 ga_user_put(const GaUser *user);
/* Fills users[i] for ids[i]; id stays 0 for those that do not exist. */
extern void ga_users_find(const struct GaOwnerScope *scope, const int64 *ids,
						  int count, GaUser *users);

/* The name a person is shown by: real name, else username, else NULL. */
extern const char *ga_user_display_name(const GaUser *user);

/* The columns of the directory in the order ga_user_read_row() takes them. */
#define GA_USER_COLUMNS                                                        \
	"id, subject, username, real_name, ext_id, avatar, email, mobile, locale," \
	" created_at"
#define GA_USER_COLUMN_COUNT 10
extern void ga_user_read_row(const struct GaOwnerScope *scope, uint64 row,
							 GaUser *user);

#endif /* GA_STORE_GROUP_USER_STORE_H */
