/*
 * user_fields.h
 *		What the directory keeps of a user, checked: the same for put_user() and for
 *		a token's claims.
 */
#ifndef GA_API_USER_FIELDS_H
#define GA_API_USER_FIELDS_H

#include "postgres.h"

#include "request/violation.h"
#include "store/group/user_store.h"

/* Characters of one field, as many as a claim may have. */
#define GA_USER_FIELD_MAX_CHARS 2048

/*
 * Adds a violation for each field that is wrong: names, the avatar's URL, e-mail
 * address, mobile number, language.  What is right becomes what is kept: the
 * addresses as they are sent to, the language as BCP 47 writes it.
 */
extern void ga_user_fields_check(GaUser *user, GaViolations *violations);

/* The same for claims, which nobody can correct: what is wrong becomes NULL. */
extern void ga_user_fields_keep_right(GaUser *user);

#endif /* GA_API_USER_FIELDS_H */
