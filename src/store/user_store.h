/*
 * user_store.h
 *		The user directory.
 */
#ifndef GA_STORE_USER_STORE_H
#define GA_STORE_USER_STORE_H

#include "postgres.h"

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
} GaUser;

struct GaOwnerScope;

/* All run inside ga_owner_enter()/leave(). */

/* Looks up by subject; on true the row's values replace those of `user`. */
extern bool ga_user_find(const struct GaOwnerScope *scope, GaUser *user);
/* Adds the user if the subject is new; the row's values replace those of
 * `user`, which are another's when somebody else was faster. */
extern void ga_user_add(const struct GaOwnerScope *scope, GaUser *user);
/* Adds the user or changes the one with this subject; NULLs change nothing. */
extern int64 ga_user_put(const GaUser *user);
/* Fills users[i] for ids[i]; id stays 0 for those that do not exist. */
extern void ga_users_find(const struct GaOwnerScope *scope, const int64 *ids,
						  int count, GaUser *users);

/* The name a person is shown by: real name, else username, else NULL. */
extern const char *ga_user_display_name(const GaUser *user);

#endif /* GA_STORE_USER_STORE_H */
