/*
 * utf8.c
 *		Reads UTF-8 one character at a time.
 */
#include "base/shared/utf8.h"

int32_t
ga_utf8_next(const char **next, const char *end)
{
	const unsigned char *s = (const unsigned char *) *next;
	size_t left = (size_t) (end - *next);
	int32_t character;
	int32_t least;
	size_t length;

	*next += 1;
	if (s[0] < 0x80)
		return s[0];
	if ((s[0] & 0xE0) == 0xC0)
		character = s[0] & 0x1F, length = 2, least = 0x80;
	else if ((s[0] & 0xF0) == 0xE0)
		character = s[0] & 0x0F, length = 3, least = 0x800;
	else if ((s[0] & 0xF8) == 0xF0)
		character = s[0] & 0x07, length = 4, least = 0x10000;
	else
		return -1;
	if (left < length)
		return -1;
	for (size_t i = 1; i < length; i++)
	{
		if ((s[i] & 0xC0) != 0x80)
			return -1;
		character = (character << 6) | (s[i] & 0x3F);
	}
	if (character < least || character > 0x10FFFF ||
		(character >= 0xD800 && character <= 0xDFFF))
		return -1;
	*next += length - 1;
	return character;
}

bool
ga_utf8_is_control(int32_t character)
{
	return (character >= 0 && character < 0x20) ||
		   (character >= 0x7F && character <= 0x9F) || character == 0x2028 ||
		   character == 0x2029;
}

bool
ga_utf8_is_bidi(int32_t character)
{
	return character == 0x061C || character == 0x200E || character == 0x200F ||
		   (character >= 0x202A && character <= 0x202E) ||
		   (character >= 0x2066 && character <= 0x2069);
}

bool
ga_utf8_is_ignorable(int32_t character)
{
	static const struct
	{
		int32_t first;
		int32_t last;
	} ranges[] = {
		{0x00AD, 0x00AD},	{0x034F, 0x034F},	{0x061C, 0x061C},
		{0x115F, 0x1160},	{0x17B4, 0x17B5},	{0x180B, 0x180F},
		{0x200B, 0x200F},	{0x202A, 0x202E},	{0x2060, 0x206F},
		{0x3164, 0x3164},	{0xFE00, 0xFE0F},	{0xFEFF, 0xFEFF},
		{0xFFA0, 0xFFA0},	{0xFFF0, 0xFFF8},	{0x1BCA0, 0x1BCA3},
		{0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
	};

	for (size_t i = 0;
		 i < sizeof(ranges) / sizeof(ranges[0]) && character >= ranges[i].first;
		 i++)
		if (character <= ranges[i].last)
			return true;
	return false;
}

bool
ga_utf8_is_right_to_left(int32_t character)
{
	return (character >= 0x0590 && character <= 0x08FF) ||
		   (character >= 0xFB1D && character <= 0xFDFF) ||
		   (character >= 0xFE70 && character <= 0xFEFF) ||
		   (character >= 0x10800 && character <= 0x10FFF) ||
		   (character >= 0x1E800 && character <= 0x1EFFF);
}
