/*
 * message_key.h
 *		The key of a message: what a provider tells duplicates by, gives back as
 *		our reference, and what the Message-ID of a mail begins with.
 *
 * inv-<group's id, 32 hexadecimal digits>.<member>.<version>[.r1]
 *
 * It is the same on every try.  It names a message and proves nothing, since the
 * id of a group is no secret.
 *
 * Pure C: no PostgreSQL header, no allocation.
 */
#ifndef GA_BASE_SHARED_MESSAGE_KEY_H
#define GA_BASE_SHARED_MESSAGE_KEY_H

#include <stdbool.h>
#include <stdint.h>

#define GA_MESSAGE_KEY_GROUP_LENGTH 16
/* "inv-", 32 digits, two numbers of at most 10 digits, ".r1", the closing zero */
#define GA_MESSAGE_KEY_MAX 64

typedef struct GaMessageKey
{
	uint8_t group_id[GA_MESSAGE_KEY_GROUP_LENGTH];
	int32_t member_number;
	int32_t version; /* of the link in the message */
} GaMessageKey;

/* `text` has room for GA_MESSAGE_KEY_MAX bytes; a reminder has a key of its own. */
extern void ga_message_key_write(const GaMessageKey *key, bool is_reminder,
								 char *text);

/*
 * Reads the key that `text` begins with, and returns what follows its version;
 * NULL: it begins with none.  Where a provider takes no dots, underscores stand
 * for them.
 */
extern const char *ga_message_key_read(const char *text, GaMessageKey *key);

#endif /* GA_BASE_SHARED_MESSAGE_KEY_H */
