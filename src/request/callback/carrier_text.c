/*
 * carrier_text.c
 *		Tells the encoding of a short text by its bytes.
 *
 * Phones send what the GSM alphabet has not as UCS-2 (3GPP TS 23.038), and
 * gateways hand its bytes on as they are: "S T O P" with a zero in front of each
 * letter, mostly the high byte first, sometimes with a mark of the order.  Others
 * send Latin-1.  A text in UTF-8 has neither zeros nor other control characters.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "request/callback/callback.h"
#include "request/callback/carrier_text.h"

/* Only short answers matter. */
#define READ_MAX 512

typedef enum ByteOrder
{
	NOT_UTF16,
	HIGH_FIRST,
	LOW_FIRST
} ByteOrder;

static unsigned char
byte_at(GaBytes bytes, size_t at)
{
	return (unsigned char) bytes.data[at];
}

static ByteOrder
order_of(GaBytes bytes)
{
	size_t zeros[2] = {0, 0};
	bool has_control = false;

	if (bytes.length < 2 || bytes.length % 2 != 0)
		return NOT_UTF16;
	if (byte_at(bytes, 0) == 0xFE && byte_at(bytes, 1) == 0xFF)
		return HIGH_FIRST;
	if (byte_at(bytes, 0) == 0xFF && byte_at(bytes, 1) == 0xFE)
		return LOW_FIRST;
	for (size_t i = 0; i < bytes.length; i++)
	{
		zeros[i % 2] += byte_at(bytes, i) == 0;
		/* The high bytes of other alphabets. */
		has_control |= i % 2 == 0 && byte_at(bytes, i) < 0x09;
	}
	if (zeros[1] > zeros[0])
		return LOW_FIRST;
	return zeros[0] > 0 || has_control ? HIGH_FIRST : NOT_UTF16;
}

static void
put_character(StringInfo out, pg_wchar character)
{
	unsigned char utf8[8] = {0};

	unicode_to_utf8(character, utf8);
	appendBinaryStringInfo(out, (char *) utf8, pg_utf_mblen(utf8));
}

static pg_wchar
unit_at(GaBytes bytes, size_t at, ByteOrder order)
{
	unsigned char high = byte_at(bytes, order == HIGH_FIRST ? at : at + 1);
	unsigned char low = byte_at(bytes, order == HIGH_FIRST ? at + 1 : at);

	return (pg_wchar) (high << 8 | low);
}

static bool
is_surrogate(pg_wchar unit, pg_wchar first)
{
	return unit >= first && unit <= first + 0x3FF;
}

/* Half a pair and zeros are left out. */
static void
read_utf16(GaBytes bytes, ByteOrder order, StringInfo out)
{
	for (size_t at = 0; at + 1 < bytes.length; at += 2)
	{
		pg_wchar unit = unit_at(bytes, at, order);

		if (is_surrogate(unit, 0xD800) && at + 3 < bytes.length &&
			is_surrogate(unit_at(bytes, at + 2, order), 0xDC00))
		{
			unit = 0x10000 + ((unit - 0xD800) << 10) +
				   (unit_at(bytes, at + 2, order) - 0xDC00);
			at += 2;
		}
		if (unit != 0 && !is_surrogate(unit, 0xD800) &&
			!is_surrogate(unit, 0xDC00))
			put_character(out, unit);
	}
}

const char *
ga_carrier_text_read(GaBytes bytes)
{
	ByteOrder order;
	StringInfoData out;

	bytes.length = Min(bytes.length, READ_MAX);
	order = order_of(bytes);
	initStringInfo(&out);
	if (order != NOT_UTF16)
		read_utf16(bytes, order, &out);
	else if (memchr(bytes.data, 0, bytes.length) != NULL)
		return NULL;
	else if (ga_callback_bytes_are_text(bytes))
		appendBinaryStringInfo(&out, bytes.data, (int) bytes.length);
	else
		for (size_t i = 0; i < bytes.length; i++)
			put_character(&out, byte_at(bytes, i));
	return out.data;
}
