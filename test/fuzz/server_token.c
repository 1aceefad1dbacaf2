/*
 * server_token.c
 *		Tokens of links and receipts, and signatures in hexadecimal and base64: a
 *		token that is believed is the one that was made, byte for byte.
 */
#include "postgres.h"

#include "base/digest.h"
#include "base/link_token.h"
#include "base/uuid.h"
#include "fuzz.h"
#include "stand_in.h"

static const uint8 secret[GA_LINK_SECRET_LENGTH + 1] =
	"a secret that nobody knows .....";

/* Without the padding that base64 may have, and in the alphabet of URLs. */
static bool
is_same(const char *text, const char *made)
{
	size_t length = strlen(made);

	for (size_t i = 0; i < length; i++)
	{
		char c = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];

		if (i + 1 < length && c != made[i])
			return false;
	}
	return strspn(text + length, "=") == strlen(text + length);
}

/* The text of `made` without its first byte. */
static void
drop_first_byte(const char *made, char *shorter)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32 bits = 0;
	int count = 0;
	int skipped = 8;
	char *end = shorter + ((strlen(made) * 6 / 8 - 1) * 8 + 5) / 6;

	for (; *made; made++)
	{
		bits = bits << 6 | (uint32) (strchr(letters, *made) - letters);
		count += 6;
		if (skipped > 0 && count >= skipped)
		{
			count -= skipped;
			skipped = 0;
		}
		if (skipped > 0)
			continue;
		while (count >= 6)
		{
			count -= 6;
			*shorter++ = letters[bits >> count & 63];
		}
	}
	if (count > 0)
		*shorter++ = letters[bits << (6 - count) & 63];
	*end =
		'\0'; /* the bits that fill up the last character are none of a byte */
}

/*
 * A token of a shard's group whose number is that of a label is none of another purpose
 * when its first byte is taken away.
 */
static void
keep_purposes_apart(int32 member_number, int32 version)
{
	static const GaLinkPurpose labels[] = {GA_LINK_RECEIPT,
										   GA_LINK_UNSUBSCRIBE};

	for (int i = 0; i < lengthof(labels); i++)
	{
		GaLinkToken token = {.group_number =
								 ga_shard_first_number(1) + labels[i],
							 .member_number = member_number,
							 .version = version};
		GaLinkToken read;
		char made[GA_LINK_TOKEN_MAX];
		char shorter[GA_LINK_TOKEN_MAX];

		ga_link_token_make(secret, GA_LINK_INVITATION, token, made);
		PROMISE(ga_link_token_read(secret, GA_LINK_INVITATION, made, &read));
		drop_first_byte(made, shorter);
		PROMISE(ga_link_token_peek(shorter, &read) &&
				read.group_number == member_number &&
				read.member_number == version && read.version == 1);
		PROMISE(!ga_link_token_read(secret, labels[i], shorter, &read));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const GaLinkPurpose purposes[] = {
		GA_LINK_INVITATION, GA_LINK_RECEIPT, GA_LINK_UNSUBSCRIBE};
	char *text = fuzz_text(data, size);
	GaDigest digest =
		ga_digest_hmac(PG_SHA256, ga_bytes("key"), (GaBytes){text, size / 2});
	GaLinkToken token;
	char made[GA_LINK_TOKEN_MAX];

	for (int i = 0; i < lengthof(purposes); i++)
		if (ga_link_token_read(secret, purposes[i], text, &token))
		{
			ga_link_token_make(secret, purposes[i], token, made);
			PROMISE(is_same(text, made));
		}
	/* The bytes as numbers: what is made of them is read as them. */
	token = (GaLinkToken){.group_number = (int64) size * 4711,
						  .member_number = size > 0 ? data[0] : 1,
						  .version = size > 1 ? data[1] : 1};
	ga_link_token_make(secret, GA_LINK_RECEIPT, token, made);
	PROMISE(ga_link_token_read(secret, GA_LINK_RECEIPT, made, &token));
	if (size > 2)
	{
		/* One bit is another one: but in the last character, whose bits are not all used. */
		made[data[2] % (strlen(made) - 1)] ^= 1;
		PROMISE(!ga_link_token_read(secret, GA_LINK_RECEIPT, made, &token));
	}
	keep_purposes_apart(token.member_number, token.version);
	ga_link_token_hide(secret, token, text, size);
	PROMISE(!ga_digest_is_hex(&digest, (GaBytes){text, size}) || size == 64);
	(void) ga_digest_is_base64(&digest, (GaBytes){text, size});
	free(text);
	stand_in_forget();
	return 0;
}
