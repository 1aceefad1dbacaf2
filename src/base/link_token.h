/*
 * link_token.h
 *		The token in an invitation's link: names the invitation and proves that
 *		we made it.  Derived when needed, never stored.
 *
 * base64url( varint group number | varint member number | varint version |
 * [varint shard] | first 16 bytes of HMAC-SHA-256(secret, [label] those bytes) ): 128 bits to guess,
 * 26 to 40 characters in an SMS.  The label is the purpose; an invitation has none, or a zero where the
 * shard is told.  The shard is told apart from the rest of the group's
 * number (base/uuid) and left out where it is 0: together they would take five
 * bytes more of each SMS.
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

/*
 * Versions of links that one timeline of the server may use up before they reach those
 * of the next one; a message is rarely sent again more than a few times.
 */
#define GA_LINK_VERSIONS_PER_TIMELINE 128
#define GA_LINK_VERSION_MAX 32767

/* A token made for one purpose is none for another. */
typedef enum GaLinkPurpose
{
	GA_LINK_INVITATION = 0,	  /* look at it, answer it */
	GA_LINK_RECEIPT = 'r',	  /* a provider's word on its message */
	GA_LINK_UNSUBSCRIBE = 'u' /* no more mail to its contact */
} GaLinkPurpose;

/* `text` has room for GA_LINK_TOKEN_MAX bytes. */
extern void ga_link_token_make(const uint8 *secret, GaLinkPurpose purpose,
							   GaLinkToken token, char *text);

/*
 * False when the text is no token of this secret and purpose.  Takes the same time whether
 * the first or the last byte is wrong.
 */
extern bool ga_link_token_read(const uint8 *secret, GaLinkPurpose purpose,
							   const char *text, GaLinkToken *token);

/*
 * What a token says, proved by nothing: which shard is to be asked, and no more.
 * False when the text is none of any secret.
 */
extern bool ga_link_token_peek(const char *text, GaLinkToken *token);

/*
 * Overwrites the tokens of every purpose in what a stranger wrote, whose length
 * stays.  A token is spelt alike in a URL, in JSON and in a mail.
 */
extern void ga_link_token_hide(const uint8 *secret, GaLinkToken token,
							   char *text, size_t length);
/* Whether it is that of a first link, on whichever timeline. */
extern bool ga_link_version_is_first(int32 version);

#endif /* GA_BASE_LINK_TOKEN_H */
