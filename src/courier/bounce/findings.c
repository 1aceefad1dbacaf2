/*
 * findings.c
 *		Keeping what a returned mail says.
 *
 * All of it was written by strangers.  Must never keep a text that ga_text_clean()
 * has not cleaned and cut, nor an address that is not printable ASCII, nor more
 * addresses than MAX_ADDRESSES.
 */
#include "courier/bounce/findings.h"

#include <stdbool.h>
#include <string.h>

#include "courier/text.h"

/* What a hostile mail may cost. */
#define MAX_ADDRESSES 24

void
ga_bounce_copy(char *target, size_t size, const char *value)
{
	if (*target == '\0')
		ga_text_clean(value, strlen(value), target, size);
}

void
ga_bounce_set_string(json_t *object, const char *name, const char *value)
{
	char clean[GA_BOUNCE_VALUE_SIZE];

	if (ga_text_clean(value, strlen(value), clean, sizeof(clean)) > 0 &&
		json_object_get(object, name) == NULL)
		json_object_set_new(object, name, json_string(clean));
}

const char *
ga_bounce_get_string(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

/* Every word that looks like an address. */
void
ga_bounce_add_addresses(GaBounceFindings *findings, const char *value)
{
	static const char around[] = " \t<>,;()\"'";

	while (*value)
	{
		size_t length = strcspn(value, around);
		char word[255];

		if (length > 2 && length < sizeof(word) &&
			memchr(value + 1, '@', length - 2) &&
			json_array_size(findings->addresses) < MAX_ADDRESSES)
		{
			bool known = false;
			size_t index;
			json_t *other;

			memcpy(word, value, length);
			word[length] = '\0';
			json_array_foreach(findings->addresses, index, other)
			{
				known |= strcmp(json_string_value(other), word) == 0;
			}
			if (!known && ga_text_is_printable_ascii(word))
				json_array_append_new(findings->addresses, json_string(word));
		}
		value += length;
		value += strspn(value, around);
	}
}

/* Without the angle brackets of the first one. */
void
ga_bounce_copy_id(char *target, size_t size, const char *value)
{
	const char *open = strchr(value, '<');
	size_t length;
	char id[256];

	value = open ? open + 1 : value;
	length = strcspn(value, "> \t");
	if (length >= sizeof(id))
		return;
	memcpy(id, value, length);
	id[length] = '\0';
	ga_bounce_copy(target, size, id);
}
