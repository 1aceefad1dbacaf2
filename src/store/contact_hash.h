/*
 * contact_hash.h
 *		Contacts as they are kept on lists: a salted SHA-256 of the channel and
 *		the contact in lower case (ASCII), 32 bytes.
 */
#ifndef GA_STORE_CONTACT_HASH_H
#define GA_STORE_CONTACT_HASH_H

#include "postgres.h"

#include "base/shared/channel.h"

/* All run inside ga_owner_enter()/leave(); hashes[i] becomes a bytea. */

/* Makes the salt when there is none yet; with the first group, so that nobody
 * waits for whoever makes the first entry of a list. */
extern void ga_contact_salt_ensure(void);
extern void ga_contact_hashes_make(int count, const GaChannel *channels,
								   const char *const *contacts, Datum *hashes);
/*
 * A short key (64 bits, salted) instead, for what is only counted: a hundredth of the
 * time.  Equal to one of a leader by chance alone.
 */
extern void ga_contact_keys_make(int count, const GaChannel *channels,
								 const char *const *contacts, Datum *keys);
/* The same for a leader, by the number of the user. */
extern void ga_contact_hash_leader_keys(int count, const int64 *leaders,
										Datum *keys);

/* Says that entries are there but no salt; an error, 55000. */
extern void ga_contact_salt_is_missing(void);
/* False while there is no salt. */
extern bool ga_contact_hashes_find(int count, const GaChannel *channels,
								   const char *const *contacts, Datum *hashes);

#endif /* GA_STORE_CONTACT_HASH_H */
