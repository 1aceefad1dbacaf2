/*
 * nearest.c
 *		The name that somebody who mistyped one may have meant.
 *
 * Near is what differs in a third of its characters and one more, but in three at the
 * most; other capital letters alone are no difference at all.
 */
#include "postgres.h"

#include "request/nearest.h"

#include "utils/varlena.h"

#define MOST_CHANGES 3

void
ga_nearest_begin(GaNearest *nearest, const char *word, int length)
{
	nearest->word = word;
	nearest->length = length;
	nearest->best = Min(length / 3 + 1, MOST_CHANGES) + 1;
	nearest->name = NULL;
	if (length == 0 || length > GA_NEAREST_MAX)
		nearest->best = 0;
}

void
ga_nearest_try(GaNearest *nearest, const char *name)
{
	int length = strlen(name);
	int distance;

	if (nearest->best == 0)
		return;
	if (length == nearest->length &&
		pg_strncasecmp(name, nearest->word, length) == 0)
		distance = 0;
	else
		distance =
			varstr_levenshtein_less_equal(nearest->word, nearest->length, name,
										  length, 1, 1, 1, nearest->best, true);
	if (distance < nearest->best)
	{
		nearest->best = distance;
		nearest->name = name;
	}
}
