/*
 * name_walk.h
 *		The names of visible groups of contract B, from the newest on.
 */
#ifndef GA_STORE_GROUP_NAME_WALK_H
#define GA_STORE_GROUP_NAME_WALK_H

#include "postgres.h"

/* So many names tell what is frequent, a fifth of them that a text is. */
#define GA_NAME_SAMPLE 50
#define GA_NAME_SAMPLE_SQL "50"
#define GA_NAME_FREQUENT (GA_NAME_SAMPLE / 5)
/* So many are compared at most. */
#define GA_NAME_WALK 50000
#define GA_NAME_WALK_SQL "50000"

typedef enum GaNameWalkEnd
{
	GA_NAME_WALK_REFUSED,  /* a statement has to look */
	GA_NAME_WALK_COMPLETE, /* all that match were found, or as many as wanted */
	GA_NAME_WALK_GAVE_UP   /* few match, an index finds them sooner */
} GaNameWalkEnd;

typedef struct GaNameWalk
{
	const char
		*needle; /* in lower case; NULL: all match, and are counted alone */
	int wanted;
	int64 *numbers; /* of those that match, with room for `wanted` */
	int count;
	const char *sample[GA_NAME_SAMPLE]; /* the first names */
	int sampled;
} GaNameWalk;

/* In the caller's snapshot, inside ga_owner_enter()/leave(). */
extern GaNameWalkEnd ga_names_walk(GaNameWalk *walk);

#endif /* GA_STORE_GROUP_NAME_WALK_H */
