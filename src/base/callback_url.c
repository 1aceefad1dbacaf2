/*
 * callback_url.c
 *		Writing callback addresses.
 *
 * The token in them is as good as a signature where a provider has none, so an
 * address must never reach a log or a view.
 */
#include "postgres.h"

#include "base/callback_url.h"
#include "base/digest.h"
#include "base/percent.h"
#include "lib/stringinfo.h"

/* "?" or "&", and before the fragment there is none. */
static void
begin_query(StringInfo out, const char *base)
{
	appendBinaryStringInfo(out, base, (int) strcspn(base, "#"));
	appendStringInfoChar(out, strchr(out->data, '?') ? '&' : '?');
}

char *
ga_callback_url_make(const char *base, const char *server, const uint8 *secret,
					 GaLinkToken message)
{
	char token[GA_LINK_TOKEN_MAX];
	StringInfoData out;

	ga_link_token_make(secret, GA_LINK_RECEIPT, message, token);
	initStringInfo(&out);
	begin_query(&out, base);
	appendStringInfoString(&out, GA_CALLBACK_SERVER "=");
	ga_percent_put(&out, ga_bytes(server), GA_PERCENT_UNRESERVED);
	appendStringInfo(&out, "&" GA_CALLBACK_RECEIPT "=%s", token);
	return out.data;
}

GaLinkToken
ga_callback_account(const char *server)
{
	GaLinkToken token = {0};
	uint8 digest[PG_SHA256_DIGEST_LENGTH];

	ga_digest_sha256(ga_bytes(server), digest);
	/* No member has the number 0, so it is the token of no message. */
	memcpy(&token.group_number, digest, sizeof(token.group_number));
	token.group_number &= PG_INT64_MAX;
	return token;
}

char *
ga_callback_url_received(const char *base, const char *query)
{
	StringInfoData out;

	initStringInfo(&out);
	appendBinaryStringInfo(&out, base, (int) strcspn(base, "?#"));
	if (*query)
		appendStringInfo(&out, "?%s", query);
	return out.data;
}
