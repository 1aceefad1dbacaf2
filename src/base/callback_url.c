/*
 * callback_url.c
 *		Writing callback addresses.
 *
 * The token in them is as good as a signature where a provider has none, so an
 * address must never reach a log or a view.
 */
#include "postgres.h"

#include "base/callback_url.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"

static void
append_encoded(StringInfo out, const char *text)
{
	for (; *text; text++)
	{
		unsigned char c = (unsigned char) *text;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			(c >= 'A' && c <= 'Z') || strchr("-_.~", c))
			appendStringInfoChar(out, (char) c);
		else
			appendStringInfo(out, "%%%02X", c);
	}
}

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
	append_encoded(&out, server);
	appendStringInfo(&out, "&" GA_CALLBACK_RECEIPT "=%s", token);
	return out.data;
}

GaLinkToken
ga_callback_account(const char *server)
{
	GaLinkToken token = {0};
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);

	if (context == NULL || pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) server, strlen(server)) <
			0 ||
		pg_cryptohash_final(context, digest, sizeof(digest)) < 0)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not compute the token of a server")));
	pg_cryptohash_free(context);
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
