/*
 * search_grams.h
 *		The pieces of a text by which an index finds what it contains.
 */
#ifndef GA_STORE_GROUP_SEARCH_GRAMS_H
#define GA_STORE_GROUP_SEARCH_GRAMS_H

#include "postgres.h"

/* As many pieces of a searched text are asked for; the rest is compared. */
#define GA_SEARCH_GRAMS_MAX 32

/*
 * Pieces that every text with `needle` in it has, as int4[]: of four characters,
 * or the needle itself where it is shorter.  These are the rarest, by what the `count`
 * sampled texts have of them and of their characters, and no more than make few texts
 * likely: each piece costs the index a look at all that has it.
 */
extern Datum ga_search_grams_of_needle(const char *needle,
									   const char *const *sample, int count);

#endif /* GA_STORE_GROUP_SEARCH_GRAMS_H */
