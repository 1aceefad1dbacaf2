/*
 * search_grams.c
 *		The pieces of a text by which an index finds what it contains:
 *		group_api_private.search_grams(text).
 *
 * A GIN index over all pieces of one, two and three characters answers "contains"
 * for searched texts of any length.  The extension pg_trgm does that too, but not
 * below three characters, and it need not be installed where this is.
 *
 * A piece is a number: short ones of ASCII are packed, others hashed.  Two may
 * have the same, so what the index finds is compared with the text again.  The
 * index depends on these numbers: whoever changes them has to build it anew.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/shared/utf8.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "lib/qunique.h"
#include "store/group/search_grams.h"
#include "store/plan_cache.h"

#define LONGEST 3

static int32
gram(const char *text, int bytes, int characters)
{
	uint32 packed = 0;

	if (bytes > characters)
		return (int32) hash_bytes((const unsigned char *) text, bytes);
	for (int i = 0; i < bytes; i++)
		packed = packed << 8 | (unsigned char) text[i];
	return (int32) ((uint32) characters << 24 | packed);
}

/* Adds the pieces of `characters` characters; returns how many there are. */
static int
add_grams(const char *text, const char *end, int characters, int room,
		  int32 *grams)
{
	const char *last = text;
	int count = 0;

	for (int i = 0; i < characters; i++)
	{
		if (last >= end)
			return 0;
		(void) ga_utf8_next(&last, end);
	}
	while (count < room)
	{
		grams[count++] = gram(text, (int) (last - text), characters);
		if (last >= end)
			break;
		(void) ga_utf8_next(&text, end);
		(void) ga_utf8_next(&last, end);
	}
	return count;
}

static int
compare(const void *a, const void *b)
{
	int32 left = *(const int32 *) a;
	int32 right = *(const int32 *) b;

	return left < right ? -1 : left > right;
}

static Datum
array_of(int32 *grams, int count)
{
	Datum *datums = palloc(sizeof(Datum) * Max(count, 1));

	qsort(grams, count, sizeof(int32), compare);
	count = (int) qunique(grams, count, sizeof(int32), compare);
	for (int i = 0; i < count; i++)
		datums[i] = Int32GetDatum(grams[i]);
	return ga_row_datum_array(datums, NULL, count, INT4OID);
}

/* How many of the texts have the piece that is the first `bytes` of `text`. */
static int
texts_with(const char *text, int bytes, const char *const *texts, int count)
{
	int have = 0;

	for (int i = 0; i < count; i++)
		have += memmem(texts[i], strlen(texts[i]), text, bytes) != NULL;
	return have;
}

/* One in so many makes a piece frequent. */
#define RARE_PART 16

/* Keeps the grams of pieces that few of the sample have, if there are any. */
static int
keep_rare(const char *needle, int characters, const char *const *sample,
		  int sampled, int32 *grams, int count)
{
	const char *end = needle + strlen(needle);
	const char *last = needle;
	int rare = 0;

	for (int i = 0; i < characters; i++)
		(void) ga_utf8_next(&last, end);
	for (int i = 0; i < count; i++)
	{
		if (texts_with(needle, (int) (last - needle), sample, sampled) <=
			sampled / RARE_PART)
			grams[rare++] = grams[i];
		if (i + 1 < count)
		{
			(void) ga_utf8_next(&needle, end);
			(void) ga_utf8_next(&last, end);
		}
	}
	/* Where none is rare, nothing was moved. */
	return rare > 0 ? rare : count;
}

Datum
ga_search_grams_of_needle(const char *needle, const char *const *sample,
						  int sampled)
{
	int32 grams[GA_SEARCH_GRAMS_MAX];
	int length = LONGEST;
	int count = 0;

	for (; length > 0 && count == 0; length--)
		count = add_grams(needle, needle + strlen(needle), length,
						  GA_SEARCH_GRAMS_MAX, grams);
	if (count > 0)
		count = keep_rare(needle, length + 1, sample, sampled, grams, count);
	return array_of(grams, count);
}

PG_FUNCTION_INFO_V1(group_api_search_grams);

Datum
group_api_search_grams(PG_FUNCTION_ARGS)
{
	text *given = PG_GETARG_TEXT_PP(0);
	const char *begin = VARDATA_ANY(given);
	int bytes = (int) VARSIZE_ANY_EXHDR(given);
	int32 *grams = palloc(sizeof(int32) * (LONGEST * bytes + 1));
	int count = 0;

	for (int length = 1; length <= LONGEST; length++)
		count += add_grams(begin, begin + bytes, length, bytes, &grams[count]);
	return array_of(grams, count);
}
