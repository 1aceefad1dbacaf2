/*
 * digest.c
 *		PostgreSQL's own hashes, with a failure that is no error: a library in
 *		FIPS mode refuses MD5, and then nothing signed with it is believed.
 */
#include "postgres.h"

#include "base/digest.h"
#include "base/shared/hex.h"
#include "common/hmac.h"
#include "common/md5.h"
#include "common/sha1.h"
#include "common/sha2.h"

static int
digest_length(pg_cryptohash_type type)
{
	switch (type)
	{
		case PG_MD5:
			return MD5_DIGEST_LENGTH;
		case PG_SHA1:
			return SHA1_DIGEST_LENGTH;
		case PG_SHA224:
			return PG_SHA224_DIGEST_LENGTH;
		case PG_SHA256:
			return PG_SHA256_DIGEST_LENGTH;
		case PG_SHA384:
			return PG_SHA384_DIGEST_LENGTH;
		case PG_SHA512:
			return PG_SHA512_DIGEST_LENGTH;
	}
	return 0;
}

GaDigest
ga_digest_hash(pg_cryptohash_type type, GaBytes data)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(type);
	GaDigest digest = {.length = digest_length(type)};

	if (context == NULL || pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) data.data, data.length) <
			0 ||
		pg_cryptohash_final(context, digest.bytes, digest.length) < 0)
		digest.length = 0;
	if (context != NULL)
		pg_cryptohash_free(context);
	return digest;
}

void
ga_digest_sha256(GaBytes data, uint8 *hash)
{
	GaDigest digest = ga_digest_hash(PG_SHA256, data);

	if (digest.length == 0)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not compute a SHA-256")));
	memcpy(hash, digest.bytes, PG_SHA256_DIGEST_LENGTH);
}

GaDigest
ga_digest_hmac(pg_cryptohash_type type, GaBytes key, GaBytes data)
{
	pg_hmac_ctx *context = pg_hmac_create(type);
	GaDigest digest = {.length = digest_length(type)};

	if (context == NULL ||
		pg_hmac_init(context, (const uint8 *) key.data, key.length) < 0 ||
		pg_hmac_update(context, (const uint8 *) data.data, data.length) < 0 ||
		pg_hmac_final(context, digest.bytes, digest.length) < 0)
		digest.length = 0;
	if (context != NULL)
		pg_hmac_free(context);
	return digest;
}

static bool
is_equal(const GaDigest *digest, const uint8 *bytes, int length)
{
	uint8 difference = 0;

	if (digest->length == 0 || length != digest->length)
		return false;
	for (int i = 0; i < length; i++)
		difference |= digest->bytes[i] ^ bytes[i];
	return difference == 0;
}

bool
ga_digest_is_hex(const GaDigest *digest, GaBytes text)
{
	uint8 bytes[GA_DIGEST_MAX];

	if (text.length != 2 * (size_t) digest->length)
		return false;
	for (int i = 0; i < digest->length; i++)
	{
		int high = ga_hex_value(text.data[2 * i]);
		int low = ga_hex_value(text.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8) (high << 4 | low);
	}
	return is_equal(digest, bytes, digest->length);
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

int
ga_digest_decode_base64(GaBytes text, uint8 *out, int room)
{
	uint32 bits = 0;
	int count = 0;
	int length = 0;

	while (text.length > 0 && text.data[text.length - 1] == '=')
		text.length--;
	for (size_t i = 0; i < text.length; i++)
	{
		int value = base64_value(text.data[i]);

		if (value < 0)
			return -1;
		bits = (bits << 6) | (uint32) value;
		count += 6;
		if (count >= 8)
		{
			if (length == room)
				return -1;
			count -= 8;
			out[length++] = (uint8) (bits >> count);
		}
	}
	return length;
}

bool
ga_digest_is_base64(const GaDigest *digest, GaBytes text)
{
	uint8 bytes[GA_DIGEST_MAX];
	int length = ga_digest_decode_base64(text, bytes, sizeof(bytes));

	return length >= 0 && is_equal(digest, bytes, length);
}
