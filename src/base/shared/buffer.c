/*
 * buffer.c
 *		A growing queue of bytes.
 */
#include "base/shared/buffer.h"

#include <stdlib.h>
#include <string.h>

void
ga_buffer_free(GaBuffer *buffer)
{
	free(buffer->data);
	memset(buffer, 0, sizeof(*buffer));
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
		buffer->start = 0;
		buffer->end = used;
	}
	if (buffer->size - used < want)
	{
		size_t size = buffer->size ? buffer->size : 4096;
		char *data;

		while (size - used < want)
			size *= 2;
		data = realloc(buffer->data, size);
		if (data == NULL)
			return NULL;
		buffer->data = data;
		buffer->size = size;
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
