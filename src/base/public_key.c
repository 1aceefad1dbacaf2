/*
 * public_key.c
 *		ECDSA by libcrypto, which every server built with TLS has loaded.
 *
 * The library keeps its errors in a queue of its own, which the server's TLS
 * reads too: it is left empty.
 */
#include "postgres.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/public_key.h"

/* One of P-256 has 91 bytes, a signature at most 72. */
#define KEY_MAX 512
#define SIGNATURE_MAX 160

static EVP_PKEY *
read_key(const char *text)
{
	uint8 bytes[KEY_MAX];
	const unsigned char *at = bytes;
	int length = ga_digest_decode_base64(ga_bytes(text), bytes, sizeof(bytes));
	EVP_PKEY *key = length > 0 ? d2i_PUBKEY(NULL, &at, length) : NULL;

	if (key != NULL &&
		(EVP_PKEY_base_id(key) != EVP_PKEY_EC || EVP_PKEY_bits(key) != 256))
	{
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

bool
ga_public_key_is_usable(const char *text)
{
	EVP_PKEY *key = read_key(text);

	EVP_PKEY_free(key);
	ERR_clear_error();
	return key != NULL;
}

bool
ga_public_key_verify(const char *text, GaBytes data, GaBytes signature)
{
	uint8 bytes[SIGNATURE_MAX];
	int length = ga_digest_decode_base64(signature, bytes, sizeof(bytes));
	EVP_PKEY *key = length > 0 ? read_key(text) : NULL;
	EVP_MD_CTX *context = key ? EVP_MD_CTX_new() : NULL;
	bool good =
		context != NULL &&
		EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
		EVP_DigestVerify(context, bytes, (size_t) length,
						 (const unsigned char *) data.data, data.length) == 1;

	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return good;
}
