/*
 * message_key.c
 *		Writes and reads the key of a message.
 */
#include "base/shared/message_key.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/shared/hex.h"

#define PREFIX "inv-"

void
ga_message_key_write(const GaMessageKey *key, bool is_reminder, char *text)
{
	char group[2 * GA_MESSAGE_KEY_GROUP_LENGTH + 1];

	for (int i = 0; i < GA_MESSAGE_KEY_GROUP_LENGTH; i++)
		snprintf(group + 2 * i, 3, "%02x", key->group_id[i]);
	snprintf(text, GA_MESSAGE_KEY_MAX, PREFIX "%s.%" PRId32 ".%" PRId32 "%s",
			 group, key->member_number, key->version, is_reminder ? ".r1" : "");
}

/* A dot and a number from 1 on; NULL: there is none. */
static const char *
read_number(const char *at, int32_t *number)
{
	int64_t value = 0;

	if (*at != '.' && *at != '_')
		return NULL;
	for (at++; *at >= '0' && *at <= '9' && value <= INT32_MAX; at++)
		value = value * 10 + *at - '0';
	*number = (int32_t) value;
	return value >= 1 && value <= INT32_MAX ? at : NULL;
}

const char *
ga_message_key_read(const char *text, GaMessageKey *key)
{
	if (strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return NULL;
	text += strlen(PREFIX);
	/* As we write it: in lower case. */
	if (strspn(text, "0123456789abcdef") < 2 * GA_MESSAGE_KEY_GROUP_LENGTH)
		return NULL;
	for (int i = 0; i < GA_MESSAGE_KEY_GROUP_LENGTH; i++, text += 2)
		key->group_id[i] =
			(uint8_t) (ga_hex_value(text[0]) << 4 | ga_hex_value(text[1]));
	text = read_number(text, &key->member_number);
	return text ? read_number(text, &key->version) : NULL;
}
