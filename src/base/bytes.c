/*
 * bytes.c
 *		Bytes of any kind, where they begin and how many they are.
 */
#include "postgres.h"

#include "base/bytes.h"

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
