/*
 * bytes.c
 *		Bytes of any kind, where they begin and how many they are.
 */
#include "postgres.h"

#include "base/bytes.h"
#include "mb/pg_wchar.h"

GaBytes
ga_bytes(const char *text)
{
	return (GaBytes){text, strlen(text)};
}

bool
ga_bytes_are(GaBytes bytes, const char *text)
{
	return bytes.length == strlen(text) &&
		   memcmp(bytes.data, text, bytes.length) == 0;
}

int
ga_bytes_compare(GaBytes a, GaBytes b)
{
	int order = memcmp(a.data, b.data, Min(a.length, b.length));

	if (order != 0)
		return order;
	return a.length < b.length ? -1 : a.length > b.length;
}

void
ga_bytes_copy_text(char *to, const char *from, size_t size)
{
	int length = (int) strnlen(from, size);

	if ((size_t) length == size)
		length = pg_mbcliplen(from, length, (int) size - 1);
	memcpy(to, from, length);
	to[length] = '\0';
}
