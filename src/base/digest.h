/*
 * digest.h
 *		Hashes, HMACs and the alphabets signatures are written in.
 */
#ifndef GA_BASE_DIGEST_H
#define GA_BASE_DIGEST_H

#include "postgres.h"

#include "base/bytes.h"
#include "common/cryptohash.h"
#include "common/sha2.h"

/* SHA-512's */
#define GA_DIGEST_MAX 64

typedef struct GaDigest
{
	uint8 bytes[GA_DIGEST_MAX];
	int length; /* 0: it could not be computed */
} GaDigest;

extern GaDigest ga_digest_hash(pg_cryptohash_type type, GaBytes data);
/* Of PG_SHA256_DIGEST_LENGTH bytes; throws (XX000) when it cannot be computed. */
extern void ga_digest_sha256(GaBytes data, uint8 *hash);
extern GaDigest ga_digest_hmac(pg_cryptohash_type type, GaBytes key,
							   GaBytes data);

/*
 * Whether `text` writes the digest in hexadecimal or base64 (either alphabet,
 * padding optional).  Takes the same time whichever byte is wrong.
 */
extern bool ga_digest_is_hex(const GaDigest *digest, GaBytes text);
extern bool ga_digest_is_base64(const GaDigest *digest, GaBytes text);

/* Bytes decoded, -1: it is no base64 or too long. */
extern int ga_digest_decode_base64(GaBytes text, uint8 *out, int room);

#endif /* GA_BASE_DIGEST_H */
