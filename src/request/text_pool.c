/*
 * text_pool.c
 *		Texts that live as long as a request, packed one behind the other.
 */
#include "postgres.h"

#include "request/text_pool.h"

/* A request of two members needs no more than the first. */
#define FIRST_BLOCK 1024
#define BLOCK (32 * 1024)

void
ga_text_pool_begin(GaTextPool *pool)
{
	pool->context = CurrentMemoryContext;
	pool->at = NULL;
	pool->room = 0;
}

static void
add_block(GaTextPool *pool, size_t size)
{
	size_t block = pool->at == NULL ? FIRST_BLOCK : BLOCK;

	pool->room = Max(block, size);
	pool->at = MemoryContextAlloc(pool->context, pool->room);
}

const char *
ga_text_pool_keep(GaTextPool *pool, const char *text)
{
	size_t size;
	char *kept;

	if (text == NULL)
		return NULL;
	size = strlen(text) + 1;
	if (size > pool->room)
		add_block(pool, size);
	kept = memcpy(pool->at, text, size);
	pool->at += size;
	pool->room -= size;
	return kept;
}
