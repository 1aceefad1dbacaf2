/*
 * name_key.c
 *		What makes two names of groups of contract B one:
 *		group_api_private.name_key(text).
 *
 * A name can be written in several forms that look the same: a letter with its accent
 * as one character or as two, in full width or as a symbol, with letters in between that
 * nobody sees.  The key is the name in Normalization Form KC (UAX 15), by which RFC 8266
 * compares nicknames, without what is not seen.  The name itself
 * is kept as it was given: some invisible letters shape those beside them.
 *
 * The unique index is made of these keys: whoever changes them has to build it anew.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/shared/utf8.h"
#include "common/unicode_norm.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

/* RFC 3629, 3 */
#define UTF8_BYTES_MAX 4

static bool
is_ascii(const char *text, int length)
{
	for (int i = 0; i < length; i++)
		if (IS_HIGHBIT_SET(text[i]))
			return false;
	return true;
}

/* The characters that are seen, with a zero behind them. */
static pg_wchar *
seen_characters(const char *text, int length)
{
	pg_wchar *characters = palloc(sizeof(pg_wchar) * (length + 1));
	const unsigned char *at = (const unsigned char *) text;
	const unsigned char *end = at + length;
	int count = 0;

	for (; at < end; at += pg_utf_mblen(at))
	{
		characters[count] = utf8_to_unicode(at);
		count += !ga_utf8_is_ignorable((int32_t) characters[count]);
	}
	characters[count] = 0;
	return characters;
}

static text *
encoded(const pg_wchar *characters)
{
	text *result;
	unsigned char *out;
	int count = 0;

	while (characters[count] != 0)
		count++;
	result = palloc(VARHDRSZ + (Size) count * UTF8_BYTES_MAX);
	out = (unsigned char *) VARDATA(result);
	for (int i = 0; i < count; i++)
	{
		unicode_to_utf8(characters[i], out);
		out += pg_utf_mblen(out);
	}
	SET_VARSIZE(result, (char *) out - (char *) result);
	return result;
}

PG_FUNCTION_INFO_V1(group_api_name_key);

Datum
group_api_name_key(PG_FUNCTION_ARGS)
{
	text *name = PG_GETARG_TEXT_PP(0);
	const char *data = VARDATA_ANY(name);
	int length = VARSIZE_ANY_EXHDR(name);

	/* Other encodings have one form of a letter. */
	if (GetDatabaseEncoding() != PG_UTF8 || is_ascii(data, length))
		PG_RETURN_TEXT_P(name);
	PG_RETURN_TEXT_P(encoded(
		unicode_normalize(UNICODE_NFKC, seen_characters(data, length))));
}
