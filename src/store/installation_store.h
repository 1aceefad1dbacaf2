/*
 * installation_store.h
 *		Whose data these are, and the secret of the links.
 *
 * A restored or cloned database carries the identity of its origin: while that
 * does not match, nothing is sent until adopt().
 */
#ifndef GA_STORE_INSTALLATION_STORE_H
#define GA_STORE_INSTALLATION_STORE_H

#include "postgres.h"

/* All run inside ga_owner_enter()/leave(). */

/* Writes this cluster's and database's identity where there is none yet. */
extern void ga_installation_claim(void);
/* Whether the identity is ours; false also where there is none. */
extern bool ga_installation_is_ours(void);
/* Whether the identity is that of another cluster or database. */
extern bool ga_installation_is_foreign(void);
/* Makes the identity ours whatever it was. */
extern void ga_installation_adopt(void);

/* Makes the secret if there is none. */
extern void ga_link_secret_ensure(void);
/* Copies the secret; false when there is none, as after a restore. */
extern bool ga_link_secret_find(uint8 *secret);
/* Copies GA_LINK_SECRET_LENGTH bytes; makes the secret if need be and allowed. */
extern void ga_link_secret_read(uint8 *secret);

#endif /* GA_STORE_INSTALLATION_STORE_H */
