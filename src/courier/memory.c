/*
 * memory.c
 *		Memory of the courier.
 */
#include "courier/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
ga_memory_exhausted(void)
{
	static const char message[] = "group_api_courier: out of memory\n";

	if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
		_exit(4);
	_exit(3);
}

void *
ga_memory_alloc(size_t size)
{
	void *memory = calloc(1, size ? size : 1);

	if (memory == NULL)
		ga_memory_exhausted();
	return memory;
}

char *
ga_memory_strdup(const char *string)
{
	char *copy;

	if (string == NULL)
		return NULL;
	copy = strdup(string);
	if (copy == NULL)
		ga_memory_exhausted();
	return copy;
}

void
ga_memory_wipe(char *secret)
{
	if (secret == NULL)
		return;
	explicit_bzero(secret, strlen(secret));
	free(secret);
}
