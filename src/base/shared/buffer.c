/*
 * buffer.c
 *		A growing queue of bytes.
 *
 * The settings of providers pass through it, with their passwords: what it moves or
 * frees leaves no copy behind.
 */
#include "base/shared/buffer.h"

#include <stdlib.h>
#include <string.h>

void
ga_buffer_free(GaBuffer *buffer)
{
	if (buffer->data != NULL)
		explicit_bzero(buffer->data, buffer->size);
	free(buffer->data);
	memset(buffer, 0, sizeof(*buffer));
}

/* False: there is no memory. */
static bool
grow(GaBuffer *buffer, size_t size)
{
	size_t used = ga_buffer_length(buffer);
	char *data = malloc(size);

	if (data == NULL)
		return false;
	if (used > 0)
		memcpy(data, buffer->data + buffer->start, used);
	ga_buffer_free(buffer);
	*buffer = (GaBuffer){.data = data, .size = size, .end = used};
	return true;
}

char *
ga_buffer_reserve(GaBuffer *buffer, size_t want)
{
	size_t used = ga_buffer_length(buffer);

	if (buffer->size - buffer->end >= want)
		return buffer->data + buffer->end;

	/* Moving what is left to the front is often enough. */
	if (buffer->start > 0)
	{
		memmove(buffer->data, buffer->data + buffer->start, used);
		explicit_bzero(buffer->data + used, buffer->end - used);
		buffer->start = 0;
		buffer->end = used;
	}
	if (buffer->size - used < want)
	{
		size_t size = buffer->size ? buffer->size : 4096;

		while (size - used < want)
			size *= 2;
		if (!grow(buffer, size))
			return NULL;
	}
	return buffer->data + buffer->end;
}

bool
ga_buffer_append(GaBuffer *buffer, const void *data, size_t length)
{
	char *room = ga_buffer_reserve(buffer, length);

	if (room == NULL)
		return length == 0;
	if (length > 0)
		memcpy(room, data, length);
	buffer->end += length;
	return true;
}

void
ga_buffer_consume(GaBuffer *buffer, size_t length)
{
	buffer->start += length;
	if (buffer->start == buffer->end)
		buffer->start = buffer->end = 0;
}
