/*
 * link_token.c
 *		Making and checking the tokens of invitation links.
 *
 * Must never log a token: whoever holds it can answer for the person.
 */
#include "postgres.h"

#include "base/digest.h"
#include "base/link_token.h"
#include "base/uuid.h"
#include "common/cryptohash.h"
#include "common/hmac.h"
#include "common/sha2.h"

/* Three varints, and of a shard's group a fourth one. */
#define NUMBERS_MAX 30

/*
 * Before the four numbers of an invitation, in what is authenticated.  Without it they would be a
 * label and three numbers where the group's is that of a label: a token of another purpose.
 * No number of a group is zero, so no three numbers begin so.
 */
#define LABEL_OF_FOUR 0x00
#define NO_LABEL (-1)

static const char base64url[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int
put_varint(uint8 *out, uint64 value)
{
	int length = 0;

	while (value >= 0x80)
	{
		out[length++] = (uint8) (value | 0x80);
		value >>= 7;
	}
	out[length++] = (uint8) value;
	return length;
}

/* Bytes used, 0 when the text ends inside the number or it is too large. */
static int
get_varint(const uint8 *in, int length, uint64 *value)
{
	*value = 0;
	for (int i = 0; i < length && i < 9; i++)
	{
		*value |= (uint64) (in[i] & 0x7F) << (7 * i);
		if ((in[i] & 0x80) == 0)
			return i + 1;
	}
	return 0;
}

static void
compute_mac(const uint8 *secret, int label, const uint8 *data, int length,
			uint8 *mac)
{
	uint8 first = (uint8) label;
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);

	if (context == NULL ||
		pg_hmac_init(context, secret, GA_LINK_SECRET_LENGTH) < 0 ||
		(label != NO_LABEL && pg_hmac_update(context, &first, 1) < 0) ||
		pg_hmac_update(context, data, length) < 0 ||
		pg_hmac_final(context, digest, sizeof(digest)) < 0)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not compute the token of a link")));
	pg_hmac_free(context);
	memcpy(mac, digest, GA_LINK_MAC_LENGTH);
}

static void
encode(const uint8 *in, int length, char *out)
{
	uint32 bits = 0;
	int count = 0;

	for (int i = 0; i < length; i++)
	{
		bits = (bits << 8) | in[i];
		for (count += 8; count >= 6; count -= 6)
			*out++ = base64url[(bits >> (count - 6)) & 0x3F];
	}
	if (count > 0)
		*out++ = base64url[(bits << (6 - count)) & 0x3F];
	*out = '\0';
}

/* Bytes decoded, -1 for anything that encode() would not have written: one token
 * has one spelling. */
static int
decode(const char *in, uint8 *out, int room)
{
	char again[GA_LINK_TOKEN_MAX];
	int length = ga_digest_decode_base64(ga_bytes(in), out, room);

	if (length < 0)
		return -1;
	encode(out, length, again);
	return strcmp(again, in) == 0 ? length : -1;
}

/* The shard that is told beside the rest of the number; 0: all of it is told as one. */
static int
shard_apart(int64 number)
{
	int64 shard = number >> GA_SHARD_NUMBER_BITS;

	return shard > 0 && shard <= GA_SHARD_MAX ? (int) shard : 0;
}

static int
label_of(GaLinkPurpose purpose, int shard)
{
	if (purpose != GA_LINK_INVITATION)
		return purpose;
	return shard > 0 ? LABEL_OF_FOUR : NO_LABEL;
}

void
ga_link_token_make(const uint8 *secret, GaLinkPurpose purpose,
				   GaLinkToken token, char *text)
{
	uint8 bytes[NUMBERS_MAX + GA_LINK_MAC_LENGTH];
	int shard = shard_apart(token.group_number);
	int length = 0;

	length +=
		put_varint(bytes + length, (uint64) (token.group_number -
											 ga_shard_first_number(shard)));
	length += put_varint(bytes + length, (uint64) token.member_number);
	length += put_varint(bytes + length, (uint64) token.version);
	if (shard > 0)
		length += put_varint(bytes + length, (uint64) shard);
	compute_mac(secret, label_of(purpose, shard), bytes, length,
				bytes + length);
	encode(bytes, length + GA_LINK_MAC_LENGTH, text);
}

static bool
macs_are_equal(const uint8 *a, const uint8 *b)
{
	uint8 difference = 0;

	for (int i = 0; i < GA_LINK_MAC_LENGTH; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

/* What stands before the MAC; false when it is not as ga_link_token_make() writes it. */
static bool
read_numbers(const uint8 *bytes, int length, GaLinkToken *token)
{
	uint64 numbers[4] = {0};
	int count = 0;

	for (int at = 0; at < length; count++)
	{
		int used = count < lengthof(numbers)
					   ? get_varint(bytes + at, length - at, &numbers[count])
					   : 0;

		if (used == 0)
			return false;
		at += used;
	}
	if (count < 3 || numbers[1] > PG_INT32_MAX || numbers[2] > PG_INT32_MAX)
		return false;
	if (count == 4 && (numbers[3] == 0 || numbers[3] > GA_SHARD_MAX ||
					   numbers[0] >> GA_SHARD_NUMBER_BITS != 0))
		return false;
	token->group_number =
		(int64) numbers[0] + ga_shard_first_number((int) numbers[3]);
	token->member_number = (int32) numbers[1];
	token->version = (int32) numbers[2];
	return true;
}

/* `data` and the MAC behind it. */
static bool
is_proved(const uint8 *secret, int label, const uint8 *data, int length)
{
	uint8 mac[GA_LINK_MAC_LENGTH];

	compute_mac(secret, label, data, length, mac);
	return macs_are_equal(mac, data + length);
}

/* What 1.0 made for a shard's group, and could be of no other purpose. */
static bool
is_proved_by_first_version(const uint8 *secret, GaLinkPurpose purpose,
						   const GaLinkToken *token, const uint8 *data,
						   int length)
{
	int shard = shard_apart(token->group_number);
	int64 number = token->group_number - ga_shard_first_number(shard);

	return purpose == GA_LINK_INVITATION && shard > 0 &&
		   number != GA_LINK_RECEIPT && number != GA_LINK_UNSUBSCRIBE &&
		   is_proved(secret, NO_LABEL, data, length);
}

bool
ga_link_token_read(const uint8 *secret, GaLinkPurpose purpose, const char *text,
				   GaLinkToken *token)
{
	uint8 bytes[NUMBERS_MAX + GA_LINK_MAC_LENGTH];
	int length = decode(text, bytes, sizeof(bytes)) - GA_LINK_MAC_LENGTH;
	GaLinkToken read;
	int label;

	if (length < 3 || !read_numbers(bytes, length, &read))
		return false;
	label = label_of(purpose, shard_apart(read.group_number));
	if (!is_proved(secret, label, bytes, length) &&
		!is_proved_by_first_version(secret, purpose, &read, bytes, length))
		return false;
	*token = read;
	return true;
}

bool
ga_link_token_peek(const char *text, GaLinkToken *token)
{
	uint8 bytes[NUMBERS_MAX + GA_LINK_MAC_LENGTH];
	int length = decode(text, bytes, sizeof(bytes)) - GA_LINK_MAC_LENGTH;

	return length >= 3 && read_numbers(bytes, length, token);
}

void
ga_link_token_hide(const uint8 *secret, GaLinkToken token, char *text,
				   size_t length)
{
	static const GaLinkPurpose purposes[] = {
		GA_LINK_INVITATION, GA_LINK_RECEIPT, GA_LINK_UNSUBSCRIBE};

	for (int i = 0; i < lengthof(purposes); i++)
	{
		char found[GA_LINK_TOKEN_MAX];
		size_t size;
		char *at = text;

		ga_link_token_make(secret, purposes[i], token, found);
		size = strlen(found);
		while ((at = memmem(at, text + length - at, found, size)) != NULL)
			memset(at, '*', size);
	}
}

bool
ga_link_version_is_first(int32 version)
{
	return version % GA_LINK_VERSIONS_PER_TIMELINE == 1;
}
