/*
 * text_pool.h
 *		Texts that live as long as a request, packed one behind the other.
 *
 * A palloc of its own gives each short text a header and rounds it up to a power of
 * two: twice what it takes, and a request has two or three texts a member.
 */
#ifndef GA_REQUEST_TEXT_POOL_H
#define GA_REQUEST_TEXT_POOL_H

#include "postgres.h"

typedef struct GaTextPool
{
	MemoryContext context; /* the texts live as long as this */
	char *at;			   /* where the next text goes */
	size_t room;		   /* bytes that are left there */
} GaTextPool;

/* Texts go to the current memory context. */
extern void ga_text_pool_begin(GaTextPool *pool);
/* A copy; of NULL it is NULL.  It cannot be freed alone. */
extern const char *ga_text_pool_keep(GaTextPool *pool, const char *text);

#endif /* GA_REQUEST_TEXT_POOL_H */
