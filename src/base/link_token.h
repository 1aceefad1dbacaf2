/*
 * link_token.h
 *		The token in an invitation's link: names the invitation and proves that
 *		we made it.  Derived when needed, never stored.
 *
 * base64url( varint group number | varint member number | varint version |
 * first 16 bytes of HMAC-SHA-256(secret, those bytes) ): 128 bits to guess,
 * 26 to 40 characters in an SMS.
 */
#ifndef GA_BASE_LINK_TOKEN_H
#define GA_BASE_LINK_TOKEN_H

#include "postgres.h"

#define GA_LINK_SECRET_LENGTH 32
#define GA_LINK_MAC_LENGTH 16
/* three varints of at most 10 bytes, the MAC, base64, the closing zero */
#define GA_LINK_TOKEN_MAX 64

typedef struct GaLinkToken
{
	int64 group_number;
	int32 member_number;
	int32 version;
} GaLinkToken;

/* `text` has room for GA_LINK_TOKEN_MAX bytes. */
extern void ga_link_token_make(const uint8 *secret, GaLinkToken token,
							   char *text);

/*
 * False when the text is no token of this secret.  Takes the same time whether
 * the first or the last byte is wrong.
 */
extern bool ga_link_token_read(const uint8 *secret, const char *text,
							   GaLinkToken *token);

#endif /* GA_BASE_LINK_TOKEN_H */
