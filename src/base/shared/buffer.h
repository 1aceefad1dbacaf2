/*
 * buffer.h
 *		A growing queue of bytes: append at the end, consume from the front.
 *
 * Pure C: no PostgreSQL header; allocates with malloc(), never throws.
 */
#ifndef GA_BASE_SHARED_BUFFER_H
#define GA_BASE_SHARED_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/* {0} is an empty one. */
typedef struct GaBuffer
{
	char *data;
	size_t start;
	size_t end;
	size_t size;
} GaBuffer;

extern void ga_buffer_free(GaBuffer *buffer);
/* false: out of memory; the buffer is unchanged */
extern bool ga_buffer_append(GaBuffer *buffer, const void *data, size_t length);
extern void ga_buffer_consume(GaBuffer *buffer, size_t length);
/* room for at least `want` bytes at the end; NULL: out of memory */
extern char *ga_buffer_reserve(GaBuffer *buffer, size_t want);

static inline size_t
ga_buffer_length(const GaBuffer *buffer)
{
	return buffer->end - buffer->start;
}

static inline const char *
ga_buffer_start(const GaBuffer *buffer)
{
	return buffer->data + buffer->start;
}

#endif /* GA_BASE_SHARED_BUFFER_H */
