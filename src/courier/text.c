/*
 * text.c
 *		Growing strings, and cleaning what strangers wrote.
 */
#include "courier/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/shared/hex.h"
#include "base/shared/utf8.h"
#include "courier/memory.h"

static void
reserve(GaText *text, size_t want)
{
	size_t size = text->size ? text->size : 256;

	if (text->size - text->length > want)
		return;
	while (size - text->length <= want)
		size *= 2;
	text->data = ga_memory_resize(text->data, size);
	text->size = size;
}

void
ga_text_append(GaText *text, const void *data, size_t length)
{
	reserve(text, length);
	if (length > 0)
		memcpy(text->data + text->length, data, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void
ga_text_puts(GaText *text, const char *string)
{
	ga_text_append(text, string, strlen(string));
}

void
ga_text_putc(GaText *text, char c)
{
	ga_text_append(text, &c, 1);
}

void
ga_text_printf(GaText *text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	reserve(text, (size_t) length);
	va_start(arguments, format);
	vsnprintf(text->data + text->length, (size_t) length + 1, format,
			  arguments);
	va_end(arguments);
	text->length += (size_t) length;
}

void
ga_text_truncate(GaText *text, size_t length)
{
	if (length >= text->length)
		return;
	text->length = length;
	text->data[length] = '\0';
}

void
ga_text_free(GaText *text)
{
	ga_memory_wipe_and_free(text->data);
	memset(text, 0, sizeof(*text));
}

const char *
ga_text_string(const GaText *text)
{
	return text->data ? text->data : "";
}

static bool
is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		   (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
		   c == '~';
}

void
ga_text_put_url(GaText *text, const char *string)
{
	while (*string)
	{
		size_t plain = 0;

		while (is_unreserved((unsigned char) string[plain]))
			plain++;
		ga_text_append(text, string, plain);
		string += plain;
		if (*string)
		{
			char escape[3];

			ga_hex_put_percent(escape, (unsigned char) *string++);
			ga_text_append(text, escape, sizeof(escape));
		}
	}
}

void
ga_text_put_quoted(GaText *text, const char *string)
{
	ga_text_putc(text, '"');
	for (; *string; string++)
	{
		if (*string == '"' || *string == '\\')
			ga_text_putc(text, '\\');
		ga_text_putc(text, *string);
	}
	ga_text_putc(text, '"');
}

void
ga_text_put_json(GaText *text, const char *string)
{
	while (*string)
	{
		size_t plain = 0;

		while ((unsigned char) string[plain] >= 0x20 && string[plain] != '"' &&
			   string[plain] != '\\')
			plain++;
		ga_text_append(text, string, plain);
		string += plain;
		if (*string == '\0')
			return;
		if (*string == '"' || *string == '\\')
			ga_text_printf(text, "\\%c", *string);
		else if (*string == '\n')
			ga_text_puts(text, "\\n");
		else
			ga_text_printf(text, "\\u%04x", (unsigned char) *string);
		string++;
	}
}

/* What becomes of one character: itself, a blank, or nothing at all. */
static const char *
replace(int32_t character, bool drop_bidi)
{
	if (character < 0)
		return "?";
	if (ga_utf8_is_control(character))
		return " ";
	if (drop_bidi && ga_utf8_is_bidi(character))
		return "";
	return NULL;
}

static size_t
clean(const char *in, size_t length, char *out, size_t size, bool drop_bidi)
{
	const char *end = in + length;
	size_t used = 0;

	while (in < end)
	{
		const char *start = in;
		const char *other = replace(ga_utf8_next(&in, end), drop_bidi);
		size_t piece = other ? strlen(other) : (size_t) (in - start);

		if (used == 0 && piece == 1 && *(other ? other : start) == ' ')
			continue;
		if (used + piece >= size)
			break;
		memcpy(out + used, other ? other : start, piece);
		used += piece;
	}
	while (used > 0 && out[used - 1] == ' ')
		used--;
	out[used] = '\0';
	return used;
}

size_t
ga_text_clean(const char *in, size_t length, char *out, size_t size)
{
	return clean(in, length, out, size, false);
}

size_t
ga_text_clean_name(const char *in, char *out, size_t size)
{
	return clean(in, strlen(in), out, size, true);
}

bool
ga_text_is_header_safe(const char *string)
{
	const char *end = string + strlen(string);

	while (string < end)
	{
		int32_t character = ga_utf8_next(&string, end);

		if (character < 0 || ga_utf8_is_control(character))
			return false;
	}
	return true;
}

bool
ga_text_is_utf8(const char *string)
{
	const char *end = string + strlen(string);

	while (string < end)
		if ((unsigned char) *string < 0x80)
			string++;
		else if (ga_utf8_next(&string, end) < 0)
			return false;
	return true;
}

bool
ga_text_is_printable_ascii(const char *string)
{
	for (; *string; string++)
		if (*string <= ' ' || *string > '~')
			return false;
	return true;
}
