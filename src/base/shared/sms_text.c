/*
 * sms_text.c
 *		Counting the parts of an SMS (3GPP TS 23.038, 23.040).
 *
 * A part never ends between an escape and its character, nor between two
 * surrogates, so parts are filled one by one instead of dividing the length.
 */
#include "base/shared/sms_text.h"

#include "base/shared/utf8.h"

/* The default alphabet beyond ASCII, TS 23.038 table 6.2.1. */
static const uint16_t gsm7_beyond_ascii[] = {
	0x00A1, 0x00A3, 0x00A4, 0x00A5, 0x00A7, 0x00BF, 0x00C4, 0x00C5,
	0x00C6, 0x00C7, 0x00C9, 0x00D1, 0x00D6, 0x00D8, 0x00DC, 0x00DF,
	0x00E0, 0x00E4, 0x00E5, 0x00E6, 0x00E8, 0x00E9, 0x00EC, 0x00F1,
	0x00F2, 0x00F6, 0x00F8, 0x00F9, 0x00FC, 0x0393, 0x0394, 0x0398,
	0x039B, 0x039E, 0x03A0, 0x03A3, 0x03A6, 0x03A8, 0x03A9};

/* Septets one character takes; 0 = not in the alphabet. */
static uint32_t
count_septets(int32_t character)
{
	switch (character)
	{
		case '\f':
		case '^':
		case '{':
		case '}':
		case '\\':
		case '[':
		case '~':
		case ']':
		case '|':
		case 0x20AC: /* the euro sign */
			return 2;
		case '\n':
		case '\r':
			return 1;
		case '`':
			return 0;
	}
	if (character >= 0x20 && character < 0x7F)
		return 1;
	for (size_t i = 0;
		 i < sizeof(gsm7_beyond_ascii) / sizeof(gsm7_beyond_ascii[0]); i++)
		if (gsm7_beyond_ascii[i] == character)
			return 1;
	return 0;
}

/* Fills parts of `size` units; a character is never cut in two. */
static uint32_t
count_parts(const char *text, const char *end, GaSmsEncoding encoding,
			uint32_t size)
{
	uint32_t parts = 1;
	uint32_t used = 0;

	while (text < end)
	{
		int32_t character = ga_utf8_next(&text, end);
		uint32_t units = encoding == GA_SMS_GSM7 ? count_septets(character)
												 : 1 + (character > 0xFFFF);

		if (used + units > size)
		{
			parts++;
			used = 0;
		}
		used += units;
	}
	return parts;
}

bool
ga_sms_count(const char *text, size_t length, GaSmsCount *count)
{
	const char *end = text + length;
	uint32_t septets = 0;
	uint32_t utf16 = 0;
	bool gsm7 = true;

	for (const char *next = text; next < end;)
	{
		int32_t character = ga_utf8_next(&next, end);
		uint32_t units;

		if (character < 0)
			return false;
		units = count_septets(character);
		gsm7 = gsm7 && units > 0;
		septets += units;
		utf16 += 1 + (character > 0xFFFF);
	}
	count->encoding = gsm7 ? GA_SMS_GSM7 : GA_SMS_UCS2;
	count->units = gsm7 ? septets : utf16;
	if (count->units <= (gsm7 ? GA_SMS_GSM7_SINGLE : GA_SMS_UCS2_SINGLE))
		count->segments = count->units > 0;
	else
		count->segments =
			count_parts(text, end, count->encoding,
						gsm7 ? GA_SMS_GSM7_PART : GA_SMS_UCS2_PART);
	return true;
}
