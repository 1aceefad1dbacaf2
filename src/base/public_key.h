/*
 * public_key.h
 *		Signatures that are checked with a public key: ECDSA on P-256.
 */
#ifndef GA_BASE_PUBLIC_KEY_H
#define GA_BASE_PUBLIC_KEY_H

#include "base/digest.h"

/* Whether this is such a key: SubjectPublicKeyInfo in base64, on one line. */
extern bool ga_public_key_is_usable(const char *key);

/* Whether the base64 of `signature` signs the SHA-256 of `data`. */
extern bool ga_public_key_verify(const char *key, GaBytes data,
								 GaBytes signature);

#endif /* GA_BASE_PUBLIC_KEY_H */
