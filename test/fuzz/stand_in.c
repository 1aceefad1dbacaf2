/*
 * stand_in.c
 *		What stands in for the server behind its parsers: memory that is gone after
 *		each run, and errors, none of which may be met.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "request/callback/callback.h"
#include "request/json_reader.h"
#include "request/soft_json.h"
#include "stand_in.h"
#include "utils/jsonb.h"

int MyProcPid = 1;

static void **blocks;
static size_t count;
static size_t room;

static void *
keep(void *block)
{
	if (block == NULL)
		abort();
	if (count == room)
	{
		room = room ? room * 2 : 256;
		blocks = realloc(blocks, room * sizeof(*blocks));
	}
	blocks[count++] = block;
	return block;
}

void
stand_in_forget(void)
{
	while (count > 0)
		free(blocks[--count]);
}

void *
palloc(Size size)
{
	return keep(malloc(size ? size : 1));
}

void *
palloc0(Size size)
{
	return keep(calloc(1, size ? size : 1));
}

void
pfree(void *block)
{
	for (size_t i = count; i > 0; i--)
		if (blocks[i - 1] == block)
		{
			blocks[i - 1] = blocks[--count];
			free(block);
			return;
		}
	/* It was none of ours. */
	abort();
}

void *
repalloc(void *block, Size size)
{
	for (size_t i = count; i > 0; i--)
		if (blocks[i - 1] == block)
			return blocks[i - 1] = realloc(block, size ? size : 1);
	abort();
}

char *
pnstrdup(const char *text, Size length)
{
	char *copy;

	length = strnlen(text, length);
	copy = palloc(length + 1);
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *
pstrdup(const char *text)
{
	return pnstrdup(text, strlen(text));
}

/* ---- errors ------------------------------------------------------------------ */

bool
errstart(int level, const char *domain)
{
	abort();
}

bool
errstart_cold(int level, const char *domain)
{
	abort();
}

void
errfinish(const char *file, int line, const char *function)
{
	abort();
}

int
errcode(int code)
{
	abort();
}

int
errmsg(const char *format, ...)
{
	abort();
}

/* ---- jsonb: the server's own -------------------------------------------------- */

JsonbIterator *
JsonbIteratorInit(JsonbContainer *container)
{
	abort();
}

JsonbIteratorToken
JsonbIteratorNext(JsonbIterator **iterator, JsonbValue *value, bool skip)
{
	abort();
}

const char *
ga_soft_json_text(const JsonbValue *value)
{
	abort();
}

bool
JsonbExtractScalar(JsonbContainer *container, JsonbValue *value)
{
	abort();
}

/* As if no string could be read, so that escapes are looked at one by one. */
Jsonb *
ga_soft_json(const char *text, size_t length)
{
	return NULL;
}

/* ---- what else they ask for ----------------------------------------------------- */

/* The path is written out, as a caller would read it. */
void
ga_json_fault(GaJsonReader *reader, const GaJsonPath *path,
			  GaViolationCode code, const char *hint, const char *format, ...)
{
	if (path != NULL && path->parent != NULL &&
		*ga_json_path_text(path) == '\0')
		abort();
}

bool
ga_callback_bytes_are_text(GaBytes bytes)
{
	return memchr(bytes.data, 0, bytes.length) == NULL &&
		   pg_encoding_verifymbstr(PG_UTF8, bytes.data, (int) bytes.length) ==
			   (int) bytes.length;
}

int
pg_mbcliplen(const char *text, int length, int limit)
{
	int clipped = 0;

	while (clipped < length)
	{
		int next = pg_utf_mblen((const unsigned char *) text + clipped);

		if (clipped + next > limit || clipped + next > length)
			break;
		clipped += next;
	}
	return clipped;
}
