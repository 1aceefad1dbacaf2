/*
 * fuzz.h
 *		What the targets share.
 */
#ifndef GA_TEST_FUZZ_H
#define GA_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A promise of the code that no sanitizer knows. */
#define PROMISE(condition)                                                     \
	do                                                                         \
	{                                                                          \
		if (!(condition))                                                      \
		{                                                                      \
			fprintf(stderr, "broken promise: %s\n", #condition);               \
			abort();                                                           \
		}                                                                      \
	} while (0)

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An exact copy, zero-terminated behind its end: one byte too far is seen. */
static inline char *
fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

#endif /* GA_TEST_FUZZ_H */
