/*
 * jsonb_writer.c
 *		JSON to jsonb without a tree in between.
 *
 * jsonb_in() makes a tree of all values first, with room for four members in each
 * object, and frees nothing of it: of a request of 8 MB that is 150 MB.  Here
 * PostgreSQL's parser calls for each piece of the text, and a list or an object is
 * put together as soon as it ends.  What is kept is the bytes of those that ended
 * and a JsonPiece for each value of those that are open.
 *
 * The layout is that of utils/jsonb.h (convertJsonbArray() and convertJsonbObject() in
 * PostgreSQL's jsonb_util.c write it), which pg_upgrade carries from version to
 * version: a header with the number of values, an entry for each, then their bytes.
 * An object has all keys first, in jsonb's order.  Numbers, lists and objects begin
 * at multiples of four; the gap in front counts as theirs.  Every container is begun
 * at such a place, so its bytes may be moved as a whole.
 */
#include "postgres.h"

#include "base/compat.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "request/jsonb_writer.h"
#include "utils/fmgrprotos.h"

/* A value of a container that is open, and in an object its key. */
typedef struct JsonPiece
{
	uint32 key_at; /* in the writer's data */
	uint32 key_length;
	uint32 at;
	uint32 length; /* without the gap in front */
	uint32 type;   /* JENTRY_IS... */
} JsonPiece;

/* A container that is open. */
typedef struct OpenContainer
{
	bool is_object;
	int first; /* of its pieces */
	int start; /* of its bytes */
} OpenContainer;

typedef struct Writer
{
	StringInfoData data;	/* keys and values in the order of the text */
	StringInfoData ordered; /* an object in its own order */
	JsonPiece *pieces;
	int count;
	int room;
	OpenContainer *levels;
	int depth;
	int most_levels;
	StringInfo root; /* where the whole is in the end; NULL before */
} Writer;

/* ---- bytes ---------------------------------------------------------------- */

static void
align(StringInfo out)
{
	while (out->len % sizeof(JEntry) != 0)
		appendStringInfoChar(out, '\0');
}

/* Lists and objects have a head of so many bytes, which is filled later. */
static void
reserve(StringInfo out, int bytes)
{
	enlargeStringInfo(out, bytes);
	out->len += bytes;
}

static int
head_size(int entries)
{
	return (int) (sizeof(uint32) + sizeof(JEntry) * entries);
}

/* Each 32nd entry tells where its value ends instead of how long it is. */
static JEntry
make_entry(uint32 type, uint32 length, int place, uint32 *total)
{
	*total += length;
	if (*total > JENTRY_OFFLENMASK)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a list or an object of the body is too large "
							   "for jsonb")));
	if (place % JB_OFFSET_STRIDE == 0)
		return type | *total | JENTRY_HAS_OFF;
	return type | length;
}

/* ---- pieces --------------------------------------------------------------- */

static JsonPiece *
add_piece(Writer *writer)
{
	if (writer->count == writer->room)
	{
		writer->room *= 2;
		writer->pieces = repalloc_huge(
			writer->pieces, sizeof(JsonPiece) * (size_t) writer->room);
	}
	return &writer->pieces[writer->count++];
}

static bool
is_in_object(const Writer *writer)
{
	return writer->depth > 0 && writer->levels[writer->depth - 1].is_object;
}

/* The value that was put at `at` belongs to the key that came last, or into the list. */
static void
note_value(Writer *writer, int at, uint32 type)
{
	JsonPiece *piece = is_in_object(writer) ? &writer->pieces[writer->count - 1]
											: add_piece(writer);

	piece->at = at;
	piece->length = writer->data.len - at;
	piece->type = type;
}

/* ---- containers ----------------------------------------------------------- */

/* The values stand where they belong, but for the head in front of them. */
static void
end_list(Writer *writer, const OpenContainer *container, uint32 flags)
{
	int count = writer->count - container->first;
	StringInfo data = &writer->data;
	int bytes = data->len - container->start;
	uint32 end = container->start;
	uint32 total = 0;
	char *head;

	reserve(data, head_size(count));
	head = data->data + container->start;
	memmove(head + head_size(count), head, bytes);
	*(uint32 *) head = (uint32) count | JB_FARRAY | flags;
	for (int i = 0; i < count; i++)
	{
		const JsonPiece *piece = &writer->pieces[container->first + i];

		((JEntry *) head)[1 + i] =
			make_entry(piece->type, piece->at + piece->length - end, i, &total);
		end = piece->at + piece->length;
	}
}

/* By length, then by bytes; of equal keys the last one comes first. */
static int
compare_keys(const void *a, const void *b, void *data)
{
	const JsonPiece *left = a;
	const JsonPiece *right = b;
	int order;

	if (left->key_length != right->key_length)
		return left->key_length > right->key_length ? 1 : -1;
	order = memcmp((char *) data + left->key_at, (char *) data + right->key_at,
				   left->key_length);
	if (order != 0)
		return order;
	return left->key_at > right->key_at ? -1 : 1;
}

static bool
is_same_key(const JsonPiece *a, const JsonPiece *b, const char *data)
{
	return a->key_length == b->key_length &&
		   memcmp(data + a->key_at, data + b->key_at, a->key_length) == 0;
}

/* Sorts the pieces of an object; how many are left with the last one of each key. */
static int
sort_pieces(JsonPiece *pieces, int count, char *data)
{
	int kept = 0;

	if (count > 1)
		qsort_arg(pieces, count, sizeof(JsonPiece), compare_keys, data);
	for (int i = 0; i < count; i++)
		if (kept == 0 || !is_same_key(&pieces[kept - 1], &pieces[i], data))
			pieces[kept++] = pieces[i];
	return kept;
}

static void
put_object(Writer *writer, const JsonPiece *pieces, int count, StringInfo out)
{
	const char *data = writer->data.data;
	int head = out->len;
	uint32 total = 0;
	JEntry entry;

	reserve(out, head_size(2 * count));
	*(uint32 *) (out->data + head) = (uint32) count | JB_FOBJECT;
	for (int i = 0; i < count; i++)
	{
		entry = make_entry(JENTRY_ISSTRING, pieces[i].key_length, i, &total);
		((JEntry *) (out->data + head))[1 + i] = entry;
		appendBinaryStringInfo(out, data + pieces[i].key_at,
							   pieces[i].key_length);
	}
	for (int i = 0; i < count; i++)
	{
		int before = out->len;

		if (pieces[i].type == JENTRY_ISNUMERIC ||
			pieces[i].type == JENTRY_ISCONTAINER)
			align(out);
		appendBinaryStringInfo(out, data + pieces[i].at, pieces[i].length);
		entry =
			make_entry(pieces[i].type, out->len - before, count + i, &total);
		((JEntry *) (out->data + head))[1 + count + i] = entry;
	}
}

static void
end_object(Writer *writer, const OpenContainer *container)
{
	JsonPiece *pieces = &writer->pieces[container->first];
	int count = sort_pieces(pieces, writer->count - container->first,
							writer->data.data);
	StringInfo ordered = &writer->ordered;

	resetStringInfo(ordered);
	/* It has less than the text's order, but for gaps. */
	if (writer->depth == 0)
		enlargeStringInfo(ordered, writer->data.len);
	/* As in the data, where the head of the whole value is left free, too. */
	reserve(ordered, VARHDRSZ);
	put_object(writer, pieces, count, ordered);
	if (writer->depth == 0)
		return;
	writer->data.len = container->start;
	appendBinaryStringInfo(&writer->data, ordered->data + VARHDRSZ,
						   ordered->len - VARHDRSZ);
}

static void
begin_container(Writer *writer, bool is_object)
{
	OpenContainer *container;

	align(&writer->data);
	if (writer->depth == writer->most_levels)
	{
		writer->most_levels *= 2;
		writer->levels = repalloc(writer->levels,
								  sizeof(OpenContainer) * writer->most_levels);
	}
	container = &writer->levels[writer->depth++];
	container->is_object = is_object;
	container->first = writer->count;
	container->start = writer->data.len;
}

static void
end_container(Writer *writer, uint32 flags)
{
	OpenContainer container = writer->levels[--writer->depth];

	CHECK_FOR_INTERRUPTS();
	if (container.is_object)
		end_object(writer, &container);
	else
		end_list(writer, &container, flags);
	writer->count = container.first;
	if (writer->depth > 0)
		note_value(writer, container.start, JENTRY_ISCONTAINER);
	else
		writer->root = container.is_object ? &writer->ordered : &writer->data;
}

/* ---- what the parser calls ------------------------------------------------- */

static GA_JSON_ACTION
begin_object(void *state)
{
	begin_container(state, true);
	GA_JSON_GO_ON;
}

static GA_JSON_ACTION
begin_list(void *state)
{
	begin_container(state, false);
	GA_JSON_GO_ON;
}

static GA_JSON_ACTION
end_any(void *state)
{
	end_container(state, 0);
	GA_JSON_GO_ON;
}

/* Names and tokens are ours, and there are as many as there are values. */
static GA_JSON_ACTION
take_key(void *state, char *name, bool is_null)
{
	Writer *writer = state;
	JsonPiece *piece = add_piece(writer);

	piece->key_at = writer->data.len;
	piece->key_length = strlen(name);
	/* With its end, so that no two keys stand at one place: the later one counts. */
	appendBinaryStringInfo(&writer->data, name, piece->key_length + 1);
	pfree(name);
	GA_JSON_GO_ON;
}

static void
put_number(Writer *writer, char *token)
{
	Datum number =
		DirectFunctionCall3(numeric_in, CStringGetDatum(token),
							ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	int at;

	align(&writer->data);
	at = writer->data.len;
	appendBinaryStringInfo(&writer->data, DatumGetPointer(number),
						   VARSIZE_ANY(DatumGetPointer(number)));
	note_value(writer, at, JENTRY_ISNUMERIC);
	pfree(DatumGetPointer(number));
}

static void
put_scalar(Writer *writer, char *token, JsonTokenType type)
{
	int at = writer->data.len;

	switch (type)
	{
		case JSON_TOKEN_STRING:
			appendBinaryStringInfo(&writer->data, token, strlen(token));
			note_value(writer, at, JENTRY_ISSTRING);
			break;
		case JSON_TOKEN_NUMBER:
			put_number(writer, token);
			break;
		case JSON_TOKEN_TRUE:
			note_value(writer, at, JENTRY_ISBOOL_TRUE);
			break;
		case JSON_TOKEN_FALSE:
			note_value(writer, at, JENTRY_ISBOOL_FALSE);
			break;
		default:
			note_value(writer, at, JENTRY_ISNULL);
			break;
	}
}

/* What stands alone is a list of one value, with a mark. */
static GA_JSON_ACTION
take_scalar(void *state, char *token, JsonTokenType type)
{
	Writer *writer = state;
	bool is_alone = writer->depth == 0;

	if (is_alone)
		begin_container(writer, false);
	put_scalar(writer, token, type);
	if (is_alone)
		end_container(writer, JB_FSCALAR);
	pfree(token);
	GA_JSON_GO_ON;
}

/* ---- the whole -------------------------------------------------------------- */

#define FIRST_PIECES 64
#define FIRST_LEVELS 8

/*
 * jsonb is about a quarter larger than its text.  Room that nothing is written to takes
 * no memory, but growing step by step leaves gaps behind.
 */
static void
begin(Writer *writer, size_t length)
{
	memset(writer, 0, sizeof(*writer));
	initStringInfo(&writer->data);
	initStringInfo(&writer->ordered);
	enlargeStringInfo(&writer->data, (int) (length + length / 2));
	reserve(&writer->data, VARHDRSZ);
	writer->room = FIRST_PIECES;
	writer->pieces = palloc(sizeof(JsonPiece) * writer->room);
	writer->most_levels = FIRST_LEVELS;
	writer->levels = palloc(sizeof(OpenContainer) * writer->most_levels);
}

/* Frees all but the value; NULL where parsing has stopped. */
static Jsonb *
finish(Writer *writer)
{
	StringInfo root = writer->root;
	Jsonb *json = root != NULL ? (Jsonb *) root->data : NULL;

	if (json != NULL)
		SET_VARSIZE(json, root->len);
	if (root != &writer->data)
		pfree(writer->data.data);
	if (root != &writer->ordered)
		pfree(writer->ordered.data);
	pfree(writer->pieces);
	pfree(writer->levels);
	return json;
}

Jsonb *
ga_jsonb_write(const char *text, size_t length, const char **complaint)
{
	Writer writer;
	JsonSemAction actions = {.semstate = &writer,
							 .object_start = begin_object,
							 .object_end = end_any,
							 .array_start = begin_list,
							 .array_end = end_any,
							 .object_field_start = take_key,
							 .scalar = take_scalar};
	JsonLexContext *lex = ga_json_lexer(text, (int) length);
	JsonParseErrorType error;

	begin(&writer, length);
	error = pg_parse_json(lex, &actions);
	*complaint = error == JSON_SUCCESS ? NULL : json_errdetail(error, lex);
	if (error != JSON_SUCCESS)
		writer.root = NULL;
	return finish(&writer);
}
