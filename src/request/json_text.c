/*
 * json_text.c
 *		One walk over the text of a body, keeping the path and the keys of the
 *		objects that are open.
 *
 * Pieces of the text are compared as they stand, which is what nearly all keys
 * are; one with an escape is read first.  The keys of an object are sorted at its
 * end, so an object of a hundred thousand costs no more than its share.
 */
#include "postgres.h"

#include "base/shared/hex.h"
#include "request/json_reader.h"
#include "request/json_text.h"
#include "request/soft_json.h"

/* As soft_json allows. */
#define MAX_DEPTH 32

/* ---- escapes ------------------------------------------------------------ */

#define ESCAPE_LENGTH 6 /* \uXXXX */
#define NO_ESCAPE (-1)

/* The number of the escape \uXXXX at `at`; NO_ESCAPE: there is none. */
static int
unicode_escape(const char *at, const char *end)
{
	int number = 0;

	if (end - at < ESCAPE_LENGTH || at[0] != '\\' || at[1] != 'u')
		return NO_ESCAPE;
	for (int i = 2; i < ESCAPE_LENGTH; i++)
	{
		int digit = ga_hex_value(at[i]);

		if (digit < 0)
			return NO_ESCAPE;
		number = number * 16 + digit;
	}
	return number;
}

static bool
is_high_surrogate(int number)
{
	return number >= 0xD800 && number <= 0xDBFF;
}

static bool
is_low_surrogate(int number)
{
	return number >= 0xDC00 && number <= 0xDFFF;
}

/*
 * The first escape from `at` on that means no character; NULL: there is none.
 * `number` is what it says.
 */
static const char *
find_bad_escape(const char *at, const char *end, int *number)
{
	while (at < end && (at = memchr(at, '\\', end - at)) != NULL)
	{
		*number = unicode_escape(at, end);
		if (is_high_surrogate(*number) &&
			is_low_surrogate(unicode_escape(at + ESCAPE_LENGTH, end)))
			at += 2 * ESCAPE_LENGTH;
		else if (*number == 0 || is_high_surrogate(*number) ||
				 is_low_surrogate(*number))
			return at;
		else
			at += 2;
	}
	return NULL;
}

char *
ga_json_text_mend(const char *text, size_t length)
{
	const char *end = text + length;
	char *mended = NULL;
	int number;

	for (const char *at = find_bad_escape(text, end, &number); at != NULL;
		 at = find_bad_escape(at + ESCAPE_LENGTH, end, &number))
	{
		/* All of it: there may be a zero byte before the escape. */
		if (mended == NULL)
		{
			mended = palloc(length + 1);
			memcpy(mended, text, length);
			mended[length] = '\0';
		}
		memcpy(mended + (at - text), "\\u0020", ESCAPE_LENGTH);
	}
	return mended;
}

/* ---- the walk ----------------------------------------------------------- */

typedef struct Key
{
	const char *data;
	int length;
} Key;

/* An object or a list that is open. */
typedef struct Level
{
	GaJsonPath path; /* of what is read in it */
	bool is_object;
	bool expects_key;
	int first_key; /* where its keys begin */
} Level;

typedef struct Walk
{
	const char *at;
	const char *end;
	Level levels[MAX_DEPTH];
	int depth;
	Key *keys;
	int key_count;
	int key_room;
	GaViolations *violations;
} Walk;

static const GaJsonPath *
current_path(const Walk *walk)
{
	return walk->depth > 0 ? &walk->levels[walk->depth - 1].path : NULL;
}

static void
fault(Walk *walk, GaViolationCode code, const char *hint, const char *message)
{
	GaJsonReader reader = {.violations = walk->violations};

	ga_json_fault(&reader, current_path(walk), code, hint, "%s", message);
}

/* As it is meant where it is written with escapes. */
static Key
key_of(const char *data, int length)
{
	JsonbValue text;
	Jsonb *json;

	if (memchr(data, '\\', length) == NULL)
		return (Key){data, length};
	/* With its quotes, which stand around it. */
	json = ga_soft_json(data - 1, length + 2);
	if (json == NULL || !JsonbExtractScalar(&json->root, &text) ||
		text.type != jbvString)
		return (Key){data, length};
	return (Key){text.val.string.val, text.val.string.len};
}

static void
take_key(Walk *walk, Level *level, const char *data, int length)
{
	Key key = key_of(data, length);

	if (walk->key_count == walk->key_room)
	{
		walk->key_room = Max(walk->key_room * 2, 64);
		walk->keys = walk->keys == NULL
						 ? palloc(sizeof(Key) * walk->key_room)
						 : repalloc(walk->keys, sizeof(Key) * walk->key_room);
	}
	walk->keys[walk->key_count++] = key;
	level->path.name = key.data;
	level->path.name_length = key.length;
	level->expects_key = false;
}

static void
take_text(Walk *walk)
{
	const char *data = walk->at + 1;
	const char *text_end = data;
	Level *level = walk->depth > 0 ? &walk->levels[walk->depth - 1] : NULL;
	int number;

	while (text_end < walk->end && *text_end != '"')
		text_end += *text_end == '\\' ? 2 : 1;
	text_end = Min(text_end, walk->end);
	walk->at = Min(text_end + 1, walk->end);
	if (level != NULL && level->is_object && level->expects_key)
		take_key(walk, level, data, (int) (text_end - data));
	if (find_bad_escape(data, text_end, &number) == NULL)
		return;
	fault(walk, GA_VIOLATION_INVALID_CHARACTERS,
		  number == 0 ? "Remove the control character."
					  : "Write a character beyond U+FFFF as itself, or as two "
						"escapes that belong together.",
		  psprintf(number == 0
					   ? "has the character U+%04X, which is not allowed here"
					   : "has one half of a pair of escapes, \\u%04x",
				   number));
}

static int
compare_keys(const void *a, const void *b)
{
	const Key *left = a;
	const Key *right = b;

	if (left->length != right->length)
		return left->length < right->length ? -1 : 1;
	return memcmp(left->data, right->data, left->length);
}

static void
check_keys(Walk *walk, Level *level)
{
	Key *keys = walk->keys + level->first_key;
	int count = walk->key_count - level->first_key;

	qsort(keys, count, sizeof(Key), compare_keys);
	for (int i = 1; i < count; i++)
		if (compare_keys(&keys[i - 1], &keys[i]) == 0 &&
			(i == 1 || compare_keys(&keys[i - 2], &keys[i]) != 0))
		{
			level->path.name = keys[i].data;
			level->path.name_length = keys[i].length;
			fault(walk, GA_VIOLATION_DUPLICATE, "Give each field once.",
				  "is given more than once");
		}
}

static void
open_level(Walk *walk, bool is_object)
{
	const GaJsonPath *parent = current_path(walk);
	Level *level = &walk->levels[walk->depth++];

	*level = (Level){.path = {parent, NULL, 0, 0},
					 .is_object = is_object,
					 .expects_key = is_object,
					 .first_key = walk->key_count};
}

static void
close_level(Walk *walk)
{
	Level *level = &walk->levels[walk->depth - 1];

	if (level->is_object && walk->key_count - level->first_key > 1)
		check_keys(walk, level);
	walk->key_count = level->first_key;
	walk->depth--;
}

static void
take_comma(Walk *walk)
{
	Level *level = &walk->levels[walk->depth - 1];

	level->expects_key = level->is_object;
	level->path.index++;
}

void
ga_json_text_check(const char *text, size_t length, GaViolations *violations)
{
	Walk walk = {.at = text, .end = text + length, .violations = violations};

	while (walk.at < walk.end && walk.depth < MAX_DEPTH)
		switch (*walk.at)
		{
			case '"':
				take_text(&walk);
				break;
			case '{':
			case '[':
				open_level(&walk, *walk.at++ == '{');
				break;
			case '}':
			case ']':
				walk.at++;
				if (walk.depth > 0)
					close_level(&walk);
				break;
			case ',':
				walk.at++;
				if (walk.depth > 0)
					take_comma(&walk);
				break;
			default:
				walk.at++;
		}
	if (walk.keys != NULL)
		pfree(walk.keys);
}
