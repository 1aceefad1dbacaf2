/*
 * nearest.h
 *		The name that somebody who mistyped one may have meant.
 *
 *		GaNearest nearest;
 *		ga_nearest_begin(&nearest, word, strlen(word));
 *		... ga_nearest_try(&nearest, name); for each name there is ...
 *		if (nearest.name != NULL) errhint("Did you mean \"%s\"?", nearest.name)
 */
#ifndef GA_REQUEST_NEAREST_H
#define GA_REQUEST_NEAREST_H

#include "postgres.h"

typedef struct GaNearest
{
	const char *word; /* not terminated */
	int length;
	int best;		  /* the distance from which on a name is too far away */
	const char *name; /* the nearest so far; NULL: none is near */
} GaNearest;

/* A word of 0 characters or more than GA_NEAREST_MAX is near to none. */
#define GA_NEAREST_MAX 64

extern void ga_nearest_begin(GaNearest *nearest, const char *word, int length);
extern void ga_nearest_try(GaNearest *nearest, const char *name);

#endif /* GA_REQUEST_NEAREST_H */
