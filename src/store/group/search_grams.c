/*
 * search_grams.c
 *		The pieces of a text by which an index finds what it contains:
 *		group_api_private.search_grams(text).
 *
 * A GIN index over all pieces of one to four characters answers "contains" for
 * searched texts of any length.  The extension pg_trgm does that too, but not below
 * three characters, and it need not be installed where this is.  Pieces of four are
 * half as many again as those of three, and had by a tenth of the names where names
 * are alike but for a number, which is what an index is asked for most often.
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

#define LONGEST 4

/* Seven bits a character of ASCII, and two for how many there are. */
static int32
gram(const char *text, int bytes, int characters)
{
	uint32 packed = 0;

	if (bytes > characters)
		return (int32) hash_bytes((const unsigned char *) text, bytes);
	for (int i = 0; i < bytes; i++)
		packed = packed << 7 | (unsigned char) text[i];
	return (int32) ((uint32) (characters - 1) << 28 | packed);
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
/* Once so few of all names are expected, no more pieces are asked for. */
#define FEW_ENOUGH 0.01

/* A piece of the needle. */
typedef struct NeedlePiece
{
	int32 gram;
	int place;		 /* of its first character */
	bool is_rare;	 /* few of the sample have it */
	double expected; /* the part of all names that have it, by its characters */
} NeedlePiece;

/* Characters of the needle, and what part of the sample has each. */
typedef struct Needle
{
	const char *places[GA_SEARCH_GRAMS_MAX + LONGEST];
	double parts[GA_SEARCH_GRAMS_MAX + LONGEST];
} Needle;

static void
read_needle(const char *text, int characters, const char *const *sample,
			int sampled, Needle *needle)
{
	const char *end = text + strlen(text);

	for (int i = 0; i < characters; i++)
	{
		needle->places[i] = text;
		(void) ga_utf8_next(&text, end);
		needle->parts[i] = (1.0 + texts_with(needle->places[i],
											 (int) (text - needle->places[i]),
											 sample, sampled)) /
						   (1.0 + sampled);
	}
	needle->places[characters] = text;
}

static void
weigh(const Needle *needle, int characters, const char *const *sample,
	  int sampled, NeedlePiece *piece)
{
	const char *begin = needle->places[piece->place];
	const char *end = needle->places[piece->place + characters];

	piece->is_rare = texts_with(begin, (int) (end - begin), sample, sampled) <=
					 sampled / RARE_PART;
	piece->expected = 1;
	for (int i = 0; i < characters; i++)
		piece->expected *= needle->parts[piece->place + i];
}

static int
compare_pieces(const void *a, const void *b)
{
	const NeedlePiece *left = a;
	const NeedlePiece *right = b;

	if (left->is_rare != right->is_rare)
		return left->is_rare ? -1 : 1;
	if (left->expected != right->expected)
		return left->expected < right->expected ? -1 : 1;
	return left->place - right->place;
}

/* Pieces that share most of their characters tell the same. */
static bool
is_covered(const NeedlePiece *piece, const NeedlePiece *chosen, int count)
{
	for (int i = 0; i < count; i++)
		if (abs(chosen[i].place - piece->place) < LONGEST / 2)
			return true;
	return false;
}

/* Moves the pieces to ask for to the front; returns how many these are. */
static int
choose(NeedlePiece *pieces, int count)
{
	double expected = 1;
	int chosen = 0;

	qsort(pieces, count, sizeof(NeedlePiece), compare_pieces);
	for (int i = 0; i < count && expected > FEW_ENOUGH; i++)
	{
		if (is_covered(&pieces[i], pieces, chosen))
			continue;
		/* What most names have is asked for where there is nothing else. */
		if (chosen > 0 && !pieces[i].is_rare)
			break;
		expected *= pieces[i].expected;
		pieces[chosen++] = pieces[i];
	}
	return chosen;
}

Datum
ga_search_grams_of_needle(const char *needle, const char *const *sample,
						  int sampled)
{
	int32 grams[GA_SEARCH_GRAMS_MAX];
	NeedlePiece pieces[GA_SEARCH_GRAMS_MAX];
	Needle read;
	int length = LONGEST + 1;
	int count = 0;

	while (count == 0 && length > 1)
		count = add_grams(needle, needle + strlen(needle), --length,
						  GA_SEARCH_GRAMS_MAX, grams);
	if (count > 0)
		read_needle(needle, count + length - 1, sample, sampled, &read);
	for (int i = 0; i < count; i++)
	{
		pieces[i] = (NeedlePiece){.gram = grams[i], .place = i};
		weigh(&read, length, sample, sampled, &pieces[i]);
	}
	count = choose(pieces, count);
	for (int i = 0; i < count; i++)
		grams[i] = pieces[i].gram;
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
