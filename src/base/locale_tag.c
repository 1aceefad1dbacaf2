/*
 * locale_tag.c
 *		Names of languages: form and case, not whether they are registered.
 */
#include "base/locale_tag.h"

#include <stddef.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static char
upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char) (c - 'a' + 'A') : c;
}

/* RFC 5646 2.1.1: en-US, zh-Hant; after a singleton all is lower case. */
static void
set_case(char *subtag, size_t length, bool is_first, bool after_singleton)
{
	for (size_t i = 0; i < length; i++)
		subtag[i] = lower(subtag[i]);
	if (is_first || after_singleton)
		return;
	if (length == 2)
		subtag[1] = upper(subtag[1]);
	if (length == 2 || length == 4)
		subtag[0] = upper(subtag[0]);
}

bool
ga_locale_read(const char *text, char *tag)
{
	size_t length = strcspn(text, ".@");
	bool after_singleton = false;
	size_t at = 0;

	if (length >= GA_LOCALE_MAX)
		return false;
	memcpy(tag, text, length);
	tag[length] = '\0';
	for (size_t i = 0; i < length; i++)
		if (tag[i] == '_')
			tag[i] = '-';
	for (;;)
	{
		size_t subtag = strspn(tag + at, at == 0 ? LETTERS : LETTERS DIGITS);

		if (subtag < (at == 0 ? 2 : 1) || subtag > (at == 0 ? 3 : 8) ||
			(tag[at + subtag] != '\0' && tag[at + subtag] != '-'))
			return false;
		set_case(tag + at, subtag, at == 0, after_singleton);
		/* A singleton announces something. */
		if (tag[at + subtag] == '\0')
			return subtag > 1 || after_singleton;
		after_singleton = after_singleton || subtag == 1;
		at += subtag + 1;
	}
}

bool
ga_locale_shorten(char *tag)
{
	char *hyphen = strrchr(tag, '-');

	if (hyphen == NULL)
		return false;
	*hyphen = '\0';
	hyphen = strrchr(tag, '-');
	if (hyphen != NULL && hyphen[2] == '\0')
		*hyphen = '\0';
	return true;
}
