/*
 * bytes.h
 *		Bytes of any kind, where they begin and how many they are.
 */
#ifndef GA_BASE_BYTES_H
#define GA_BASE_BYTES_H

#include "postgres.h"

/* Not zero-terminated, may hold anything. */
typedef struct GaBytes
{
	const char *data;
	size_t length;
} GaBytes;

/* Those of a text, without its end. */
extern GaBytes ga_bytes(const char *text);
extern bool ga_bytes_are(GaBytes bytes, const char *text);
/* As memcmp() does; of two that begin alike the shorter comes first. */
extern int ga_bytes_compare(GaBytes a, GaBytes b);

/* As strlcpy() does, but without a part of a letter at the end (database encoding). */
extern void ga_bytes_copy_text(char *to, const char *from, size_t size);

#endif /* GA_BASE_BYTES_H */
