/*
 * soft_json.c
 *		Looks at the text before jsonb's input function may throw: at its
 *		encoding, its depth, its numbers, its grammar.
 */
#include "postgres.h"

#include "base/compat.h"
#include "mb/pg_wchar.h"
#include "request/jsonb_writer.h"
#include "request/soft_json.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* Nothing honest is this deep, nor has a number this long or as many values. */
#define MAX_DEPTH 32
#define MAX_NUMBER 64
#define MAX_EXPONENT 3
#define MAX_VALUES 50000

#define COMPLAINT_MAX 200

static bool
is_of_number(char c)
{
	return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.';
}

/*
 * The end of the number at `text`; NULL when it is too long for jsonb.  Looks no
 * further than the number: a megabyte has half a million of them.
 */
static const char *
skip_number(const char *text, const char *end)
{
	const char *at = text;
	const char *exponent;

	while (at < end && is_of_number(*at))
		at++;
	if (at < end && (*at == 'e' || *at == 'E'))
		at++;
	if (at < end && (*at == '-' || *at == '+'))
		at++;
	exponent = at;
	while (at < end && (is_of_number(*at) || *at == 'e' || *at == 'E'))
		at++;
	if (at - text > MAX_NUMBER || at - exponent > MAX_EXPONENT)
		return NULL;
	return at;
}

/* The end of the string that begins at `text`. */
static const char *
skip_string(const char *text, const char *end)
{
	for (text++; text < end && *text != '"'; text++)
		if (*text == '\\' && text + 1 < end)
			text++;
	return text < end ? text + 1 : text;
}

/*
 * Whether parsing cannot throw, neither the stack nor a number overflows, and
 * takes no more memory than so many values do.  Behind each comma and each
 * opening bracket stands a value, or none in an empty list.
 */
static GaJsonFault
count_values(const char *text, size_t length, int max_values)
{
	const char *end = text + length;
	int depth = 0;
	int values = 1;

	while (text != NULL && text < end && depth <= MAX_DEPTH &&
		   values <= max_values)
	{
		if (*text == '"')
			text = skip_string(text, end);
		else if (*text == '-' || (*text >= '0' && *text <= '9'))
			text = skip_number(text, end);
		else
		{
			depth += *text == '[' || *text == '{';
			depth -= *text == ']' || *text == '}';
			values += *text == '[' || *text == '{' || *text == ',';
			text++;
		}
	}
	if (text == NULL || depth > MAX_DEPTH)
		return GA_JSON_UNREADABLE;
	return values > max_values ? GA_JSON_TOO_MANY_VALUES : GA_JSON_GOOD;
}

/* A parser's complaint quotes the text, which may be long. */
static const char *
shortened(const char *complaint)
{
	return pnstrdup(complaint, pg_mbcliplen(complaint, (int) strlen(complaint),
											COMPLAINT_MAX));
}

Jsonb *
ga_soft_json_or_why(const char *text, size_t length, int max_values,
					GaJsonFault *fault, const char **complaint)
{
	const char *said;
	Jsonb *json;

	*complaint = NULL;
	*fault = GA_JSON_UNREADABLE;
	/* This refuses zero bytes, too. */
	if (!pg_verify_mbstr(PG_UTF8, text, (int) length, true))
	{
		*complaint = "It must be UTF-8 without zero bytes.";
		return NULL;
	}
	*fault = count_values(text, length, max_values);
	if (*fault == GA_JSON_UNREADABLE)
		*complaint = "It may be 32 levels deep, and its numbers 64 digits long "
					 "with an exponent of 3 digits.";
	if (*fault != GA_JSON_GOOD)
		return NULL;
	json = ga_jsonb_write(text, length, &said);
	if (json == NULL)
	{
		*fault = GA_JSON_UNREADABLE;
		*complaint = shortened(said);
	}
	return json;
}

Jsonb *
ga_soft_json(const char *text, size_t length)
{
	const char *ignored;
	GaJsonFault fault;

	return ga_soft_json_or_why(text, length, MAX_VALUES, &fault, &ignored);
}

/* ---- the texts of an object --------------------------------------------- */

typedef struct TextsReader
{
	JsonLexContext *lex;
	const char *name; /* of the member that is being read */
	List *texts;
} TextsReader;

/* Level 1 is the whole text's, and an object's alone has members. */
static GA_JSON_ACTION
begin_member(void *state, char *name, bool is_null)
{
	TextsReader *reader = state;

	if (reader->lex->lex_level == 1)
		reader->name = name;
	GA_JSON_GO_ON;
}

static GA_JSON_ACTION
take_value(void *state, char *token, JsonTokenType type)
{
	TextsReader *reader = state;
	GaJsonText *text;

	if (reader->lex->lex_level == 1 && reader->name != NULL &&
		type == JSON_TOKEN_STRING)
	{
		text = palloc(sizeof(*text));
		text->name = reader->name;
		text->value = token;
		reader->texts = lappend(reader->texts, text);
	}
	GA_JSON_GO_ON;
}

List *
ga_soft_json_texts(const char *text)
{
	size_t length = strlen(text);
	TextsReader reader = {NULL};
	JsonSemAction actions = {.semstate = &reader,
							 .object_field_start = begin_member,
							 .scalar = take_value};

	if (!pg_verify_mbstr(PG_UTF8, text, (int) length, true) ||
		count_values(text, length, MAX_VALUES) != GA_JSON_GOOD)
		return NIL;
	reader.lex = ga_json_lexer(text, (int) length);
	if (pg_parse_json(reader.lex, &actions) != JSON_SUCCESS)
		return NIL;
	return reader.texts;
}

/* By its value: 1e131071 is stored in nine bytes, and has 131072 digits. */
static bool
has_too_many_digits(Numeric number)
{
	Datum least = DirectFunctionCall1(numeric_abs, NumericGetDatum(number));
	Datum scale = DirectFunctionCall1(numeric_scale, NumericGetDatum(number));
	Datum bound = DirectFunctionCall3(
		numeric_in, CStringGetDatum("1e" CppAsString2(MAX_NUMBER)),
		ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));

	return DatumGetInt32(scale) > MAX_NUMBER ||
		   DatumGetBool(DirectFunctionCall2(numeric_ge, least, bound));
}

const char *
ga_soft_json_number(Numeric number)
{
	if (has_too_many_digits(number))
		return "(a number of more than " CppAsString2(MAX_NUMBER) " digits)";
	return DatumGetCString(
		DirectFunctionCall1(numeric_out, NumericGetDatum(number)));
}

const char *
ga_soft_json_text(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return ga_soft_json_number(value->val.numeric);
		case jbvBool:
			return value->val.boolean ? "true" : "false";
		default:
			return NULL;
	}
}
