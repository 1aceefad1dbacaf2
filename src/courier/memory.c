/*
 * memory.c
 *		Memory of the courier.
 */
#include "courier/memory.h"

#include <curl/curl.h>
#include <jansson.h>
#include <malloc.h>
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

void *
ga_memory_alloc_raw(size_t size)
{
	void *memory = malloc(size ? size : 1);

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

void
ga_memory_wipe_and_free(void *memory)
{
	if (memory == NULL)
		return;
	explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

/* ---- memory of the libraries ------------------------------------------------- */

/* NULL when there is no memory: that is for the library to tell. */
static void *
resize(void *memory, size_t size)
{
	size_t before = memory ? malloc_usable_size(memory) : 0;
	void *moved;

	if (memory != NULL && size <= before && size > before / 2)
		return memory;
	moved = malloc(size ? size : 1);
	if (moved == NULL)
		return NULL;
	if (memory != NULL)
		memcpy(moved, memory, before < size ? before : size);
	ga_memory_wipe_and_free(memory);
	return moved;
}

void *
ga_memory_resize(void *memory, size_t size)
{
	void *moved = resize(memory, size);

	if (moved == NULL)
		ga_memory_exhausted();
	return moved;
}

void
ga_memory_init_libraries(void)
{
	json_set_alloc_funcs(malloc, ga_memory_wipe_and_free);
	curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, ga_memory_wipe_and_free,
						 resize, strdup, calloc);
}
