/*
 * percent.c
 *		The one writer of percent-encoding on PostgreSQL's side.
 */
#include "postgres.h"

#include "base/percent.h"

static bool
is_letter_or_digit(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		   (c >= 'A' && c <= 'Z');
}

void
ga_percent_put(StringInfo out, GaBytes bytes, const char *kept)
{
	for (size_t i = 0; i < bytes.length; i++)
	{
		unsigned char c = (unsigned char) bytes.data[i];

		if (is_letter_or_digit(c) || (c != 0 && strchr(kept, c) != NULL))
			appendStringInfoChar(out, (char) c);
		else
			appendStringInfo(out, "%%%02X", c);
	}
}
