/*
 * json_reader.c
 *		The declarative reader behind both contracts.
 *
 * An object is walked once: each key finds its slot in the table, then the
 * slots are read in the table's order.  jsonb keeps one value for a repeated
 * key (the last), so a field can be met twice under its alias only; then both
 * spellings must say the same.  Paths are linked frames on the stack, turned
 * into text for a violation only, so ten thousand good members cost no string.
 *
 * Texts come back trimmed, line ends as LF, in the server's encoding.  An
 * unknown key is quoted back only if it is short and printable.
 */
#include "postgres.h"

#include "common/int.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "request/json_reader.h"
#include "request/nearest.h"
#include "request/soft_json.h"

#define MAX_FIELDS 32

/* ---- Telling where and what ---- */

static void
add_fault(GaJsonReader *reader, const char *where, GaViolationCode code,
		  const char *hint, const char *message)
{
	MemoryContext old = MemoryContextSwitchTo(
		reader->faults != NULL ? reader->faults : CurrentMemoryContext);

	ga_violation_add(reader->violations, where, code, hint, "%s%s%s",
					 where[0] == '\0' ? "the body" : where, " ", message);
	MemoryContextSwitchTo(old);
}

/*
 * A body of ten thousand bad members has ten thousand faults, of which some are listed.
 * For the others neither a path nor words are made.
 */
void
ga_json_fault(GaJsonReader *reader, const GaJsonPath *path,
			  GaViolationCode code, const char *hint, const char *format, ...)
{
	char message[512];
	va_list args;

	if (ga_violations_full(reader->violations))
	{
		/* only counted: no words needed */
		add_fault(reader, "", code, NULL, "");
		return;
	}
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	add_fault(reader, ga_json_path_text(path), code, hint, message);
}

static const char *
type_name(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return "null";
		case jbvString:
			return "a string";
		case jbvNumeric:
			return "a number";
		case jbvBool:
			return "a boolean";
		case jbvBinary:
			return JsonContainerIsArray(value->val.binary.data) ? "a list"
																: "an object";
		default:
			return "something else";
	}
}

void
ga_json_fault_type(GaJsonReader *reader, const GaJsonPath *path,
				   GaViolationCode code, const char *expected,
				   const JsonbValue *value)
{
	ga_json_fault(reader, path, code, NULL, "must be %s, not %s", expected,
				  type_name(value));
}

/* ---- Texts ---- */

/* The text as valid UTF-8, or NULL where the database checks no encoding. */
static const char *
to_utf8(const char *text, int length, int *utf8_length)
{
	const char *utf8 = text;

	*utf8_length = length;
	if (GetDatabaseEncoding() == PG_UTF8)
		return text;
	if (GetDatabaseEncoding() == PG_SQL_ASCII)
		return pg_verify_mbstr(PG_UTF8, text, length, true) ? text : NULL;
	utf8 = pg_server_to_any(text, length, PG_UTF8);
	if (utf8 != text)
		*utf8_length = strlen(utf8);
	return utf8;
}

static bool
is_file(const JsonbValue *value)
{
	size_t head = strlen(GA_JSON_FILE_HEAD);

	return (size_t) value->val.string.len >= head &&
		   memcmp(value->val.string.val, GA_JSON_FILE_HEAD, head) == 0;
}

/* NULL and a violation when the text breaks the field's rules. */
static const char *
read_text(GaJsonReader *reader, const GaJsonPath *path,
		  const GaJsonField *field, const JsonbValue *value)
{
	GaTextPolicy policy = field->flags & GA_JSON_MULTI_LINE ? GA_TEXT_MULTI_LINE
						  : field->flags & GA_JSON_ADDRESS
							  ? GA_TEXT_ADDRESS
							  : GA_TEXT_SINGLE_LINE;
	GaTextScan scan;
	int length;
	const char *utf8 =
		to_utf8(value->val.string.val, value->val.string.len, &length);
	char *text;

	if (utf8 == NULL)
	{
		ga_json_fault(reader, path, GA_VIOLATION_INVALID_CHARACTERS, NULL,
					  "is not valid UTF-8");
		return NULL;
	}
	if (!(field->flags & GA_JSON_FILE) && is_file(value))
	{
		ga_json_fault(reader, path, GA_VIOLATION_INVALID_TYPE, NULL,
					  "must be a text and no file");
		return NULL;
	}
	ga_text_scan(utf8, length, policy, &scan);
	if (!scan.is_visible && scan.refused == 0)
	{
		if (!(field->flags & GA_JSON_BLANK_IS_NULL))
			ga_json_fault(reader, path, GA_VIOLATION_BLANK, NULL,
						  "must not be blank");
		return NULL;
	}
	if (scan.refused != 0)
	{
		ga_json_fault(reader, path, GA_VIOLATION_INVALID_CHARACTERS,
					  "Remove the control character.",
					  "has the character U+%04X, which is not allowed here",
					  scan.refused);
		return NULL;
	}
	if (field->max_chars > 0 && scan.chars > (size_t) field->max_chars)
	{
		ga_json_fault(reader, path, GA_VIOLATION_MAX_LENGTH, NULL,
					  "has %zu characters, at most %d are allowed", scan.chars,
					  field->max_chars);
		return NULL;
	}
	text = palloc(scan.end - scan.start + 1);
	ga_text_tidy(utf8, &scan, text);
	return GetDatabaseEncoding() == PG_UTF8
			   ? text
			   : pg_any_to_server(text, strlen(text), PG_UTF8);
}

/* ---- Numbers and booleans ---- */

/* "12", "12.0"; decimal digits of 64 bits with a sign, nothing else */
static bool
parse_integer(const char *text, size_t length, int64 *result)
{
	bool negative = length > 0 && text[0] == '-';
	size_t i = negative ? 1 : 0;
	int64 value = 0;

	/* counted downwards: there is one more negative number */
	if (i >= length || text[i] < '0' || text[i] > '9')
		return false;
	for (; i < length && text[i] >= '0' && text[i] <= '9'; i++)
		if (pg_mul_s64_overflow(value, 10, &value) ||
			pg_sub_s64_overflow(value, text[i] - '0', &value))
			return false;
	/* a fraction of zeros */
	if (i < length && text[i] == '.')
		for (i++; i < length && text[i] == '0'; i++)
			;
	if (i < length)
		return false;
	if (!negative && pg_mul_s64_overflow(value, -1, &value))
		return false;
	*result = value;
	return true;
}

/*
 * By its digits, not by numeric_int8(): that would round 1.5, and throw where a
 * violation is wanted.
 */
bool
ga_json_read_integer(GaJsonReader *reader, const GaJsonPath *path,
					 const JsonbValue *value, bool is_lenient, int64 *result)
{
	const char *text;
	size_t length;

	if (value->type == jbvNumeric)
	{
		text = ga_soft_json_number(value->val.numeric);
		length = strlen(text);
	}
	else if (value->type == jbvString && is_lenient)
	{
		text = value->val.string.val;
		length = value->val.string.len;
	}
	else
	{
		ga_json_fault_type(reader, path, GA_VIOLATION_INVALID_TYPE,
						   "a whole number", value);
		return false;
	}
	if (parse_integer(text, length, result))
		return true;
	ga_json_fault(reader, path, GA_VIOLATION_INVALID_TYPE, NULL,
				  "must be a whole number of 64 bits");
	return false;
}

static bool
is_text(const JsonbValue *value, const char *text)
{
	return value->type == jbvString &&
		   (size_t) value->val.string.len == strlen(text) &&
		   pg_strncasecmp(value->val.string.val, text, value->val.string.len) ==
			   0;
}

static void
read_boolean(GaJsonReader *reader, const GaJsonPath *path,
			 const GaJsonField *field, const JsonbValue *value, bool *target)
{
	bool is_lenient = (field->flags & GA_JSON_LENIENT) != 0;

	if (value->type == jbvBool)
		*target = value->val.boolean;
	else if (is_lenient && (is_text(value, "true") || is_text(value, "1")))
		*target = true;
	else if (is_lenient && (is_text(value, "false") || is_text(value, "0")))
		*target = false;
	else
		ga_json_fault_type(reader, path, GA_VIOLATION_INVALID_TYPE,
						   "true or false", value);
}

/* ---- One field ---- */

static void
read_nested(GaJsonReader *reader, const GaJsonPath *path,
			const GaJsonField *field, const JsonbValue *value, void *target)
{
	bool wants_list = field->kind == GA_JSON_LIST;

	if (value->type == jbvBinary &&
		wants_list == (bool) JsonContainerIsArray(value->val.binary.data))
		field->read(reader, path, value->val.binary.data, target);
	else if (wants_list)
		ga_json_fault_type(reader, path, GA_VIOLATION_NOT_A_LIST, "a list",
						   value);
	else
		ga_json_fault_type(reader, path, GA_VIOLATION_INVALID_TYPE, "an object",
						   value);
}

static void
read_string(GaJsonReader *reader, const GaJsonPath *path,
			const GaJsonField *field, const JsonbValue *value, void *target)
{
	const char *text;

	if (value->type != jbvString)
	{
		ga_json_fault_type(reader, path, GA_VIOLATION_INVALID_TYPE, "a string",
						   value);
		return;
	}
	text = read_text(reader, path, field, value);
	if (text == NULL)
		return;
	if (field->check != NULL)
		field->check(reader, path, text, target);
	else
		*(const char **) target = text;
}

static void
read_value(GaJsonReader *reader, const GaJsonPath *path,
		   const GaJsonField *field, const JsonbValue *value, void *target)
{
	if (value->type == jbvNull)
	{
		if (field->flags & GA_JSON_REQUIRED)
			ga_json_fault(reader, path, GA_VIOLATION_NULL, NULL,
						  "must not be null");
		return;
	}
	if (field->kind == GA_JSON_INTEGER &&
		(field->flags & GA_JSON_BLANK_IS_NULL) && is_text(value, ""))
		return;
	switch (field->kind)
	{
		case GA_JSON_TEXT:
			read_string(reader, path, field, value, target);
			break;
		case GA_JSON_BOOLEAN:
			read_boolean(reader, path, field, value, target);
			break;
		case GA_JSON_INTEGER:
			ga_json_read_integer(reader, path, value,
								 (field->flags & GA_JSON_LENIENT) != 0, target);
			break;
		case GA_JSON_OBJECT:
		case GA_JSON_LIST:
			read_nested(reader, path, field, value, target);
			break;
		case GA_JSON_IGNORED:
			if (field->inspect != NULL)
				field->inspect(reader, path, value, target);
			break;
	}
}

/* ---- One object ---- */

/* What was found for a field: under its name, under its alias. */
typedef struct Slot
{
	JsonbValue value;
	JsonbValue other;
	bool has_value;
	bool has_other;
} Slot;

/* jsonb's keys have a length and no end; the table's names have an end. */
static bool
is_key(const JsonbValue *key, const char *name)
{
	const char *said = key->val.string.val;
	int length = key->val.string.len;

	if (name == NULL)
		return false;
	for (int i = 0; i < length; i++)
		if (name[i] != said[i] || name[i] == '\0')
			return false;
	return name[length] == '\0';
}

/*
 * A table has at most 32 fields, and the first letter decides nearly always: a hash
 * would cost more than it spares.  False: no field has the name.
 */
static bool
fill_slot(const GaJsonTable *table, Slot *slots, const JsonbValue *key,
		  const JsonbValue *value)
{
	for (int i = 0; i < table->count; i++)
	{
		const GaJsonField *field = &table->fields[i];

		if (key->val.string.len > 0 && is_key(key, field->name))
		{
			slots[i].value = *value;
			slots[i].has_value = true;
			return true;
		}
		if (key->val.string.len > 0 && is_key(key, field->alias))
		{
			slots[i].other = *value;
			slots[i].has_other = true;
			return true;
		}
	}
	return false;
}

/* The name nearest to an unknown key, or NULL when none is near. */
static const char *
find_nearest(const GaJsonTable *table, const char *key, int length)
{
	GaNearest nearest;

	ga_nearest_begin(&nearest, key, length);
	for (int i = 0; i < table->count; i++)
		if (table->fields[i].kind != GA_JSON_IGNORED)
			ga_nearest_try(&nearest, table->fields[i].name);
	return nearest.name;
}

static void
fault_unknown(GaJsonReader *reader, const GaJsonPath *parent,
			  const GaJsonTable *table, const JsonbValue *key)
{
	GaJsonPath path = {parent, key->val.string.val, key->val.string.len, 0};
	const char *nearest;
	StringInfoData hint;

	if (ga_violations_full(reader->violations))
	{
		ga_json_fault(reader, &path, GA_VIOLATION_UNKNOWN_FIELD, NULL, "%s",
					  "");
		return;
	}
	initStringInfo(&hint);
	nearest = find_nearest(table, path.name, path.name_length);
	if (nearest != NULL)
		appendStringInfo(&hint, "Did you mean \"%s\"?", nearest);
	else
	{
		appendStringInfoString(&hint, "Known fields: ");
		for (int i = 0; i < table->count; i++)
			if (table->fields[i].kind != GA_JSON_IGNORED)
				appendStringInfo(&hint, "%s, ", table->fields[i].name);
		hint.data[hint.len - 2] = '.';
		hint.data[hint.len - 1] = '\0';
	}
	ga_json_fault(reader, &path, GA_VIOLATION_UNKNOWN_FIELD, hint.data,
				  "is not a known field");
	pfree(hint.data);
}

static bool
is_same_text(const JsonbValue *a, const JsonbValue *b)
{
	return a->type == jbvString && b->type == jbvString &&
		   a->val.string.len == b->val.string.len &&
		   memcmp(a->val.string.val, b->val.string.val, a->val.string.len) == 0;
}

/* Under its name, unless that is null and the alias says more. */
static const JsonbValue *
said_by(const Slot *slot)
{
	if (!slot->has_value || (slot->value.type == jbvNull && slot->has_other))
		return &slot->other;
	return &slot->value;
}

static void
read_slot(GaJsonReader *reader, const GaJsonPath *parent,
		  const GaJsonField *field, const Slot *slot, char *target)
{
	GaJsonPath path = {parent, field->name, 0, 0};

	if (!slot->has_value && slot->has_other)
		path.name = field->alias;
	path.name_length = strlen(path.name);
	if (!slot->has_value && !slot->has_other)
	{
		if ((field->flags & GA_JSON_REQUIRED) && !reader->is_partial)
			ga_json_fault(reader, &path, GA_VIOLATION_REQUIRED, NULL,
						  "is required");
		return;
	}
	if (slot->has_value && slot->has_other && slot->value.type != jbvNull &&
		slot->other.type != jbvNull &&
		!is_same_text(&slot->value, &slot->other))
	{
		path.name = field->alias;
		path.name_length = strlen(path.name);
		ga_json_fault(reader, &path, GA_VIOLATION_DUPLICATE,
					  psprintf("Give \"%s\" alone.", field->name),
					  "is another spelling of %s and says something else",
					  field->name);
		return;
	}
	read_value(reader, &path, field, said_by(slot), target + field->offset);
}

/* C#, Java and Swift write null where nothing was said. */
static bool
says_something(const GaJsonField *field, const Slot *slot)
{
	bool takes_null = (field->flags & GA_JSON_NULLABLE) != 0;

	return (slot->has_value && (takes_null || slot->value.type != jbvNull)) ||
		   (slot->has_other && (takes_null || slot->other.type != jbvNull));
}

/*
 * The slots are read in the order of the table, not in the body's: jsonb orders its keys
 * by their length, and the table has the order of the contract's documents, in which the
 * list of faults is easiest to follow.  What is unknown comes last.
 */
uint32
ga_json_read_object(GaJsonReader *reader, const GaJsonPath *path,
					JsonbContainer *object, const GaJsonTable *table,
					void *target)
{
	Slot slots[MAX_FIELDS];
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue key;
	JsonbValue value;
	JsonbIteratorToken token;
	List *unknown = NIL;
	int unlisted = 0;
	ListCell *cell;
	uint32 given = 0;

	Assert(table->count <= MAX_FIELDS);
	for (int i = 0; i < table->count; i++)
		slots[i].has_value = slots[i].has_other = false;

	/* the first token is the object itself */
	(void) JsonbIteratorNext(&iterator, &key, false);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) == WJB_KEY)
	{
		CHECK_FOR_INTERRUPTS();
		(void) JsonbIteratorNext(&iterator, &value, true);
		if (fill_slot(table, slots, &key, &value))
			continue;
		/* what is not listed is only counted: a body may have a million */
		if (list_length(unknown) == GA_VIOLATIONS_LISTED)
			unlisted++;
		else
			unknown = lappend(unknown,
							  memcpy(palloc(sizeof(key)), &key, sizeof(key)));
	}
	if (token == WJB_END_OBJECT)
		(void) JsonbIteratorNext(&iterator, &key, true);

	for (int i = 0; i < table->count; i++)
	{
		if (says_something(&table->fields[i], &slots[i]))
			given |= UINT32_C(1) << i;
		read_slot(reader, path, &table->fields[i], &slots[i], target);
	}
	foreach (cell, unknown)
		fault_unknown(reader, path, table, lfirst(cell));
	for (int i = 0; i < unlisted; i++)
		add_fault(reader, "", GA_VIOLATION_UNKNOWN_FIELD, NULL, "");
	return given;
}

static const char *
root_type(Jsonb *body)
{
	JsonbValue scalar;

	if (!JB_ROOT_IS_SCALAR(body))
		return "a list";
	if (!JsonbExtractScalar(&body->root, &scalar))
		return "something else";
	return type_name(&scalar);
}

uint32
ga_json_read_body(GaJsonReader *reader, Jsonb *body, const GaJsonTable *table,
				  void *target)
{
	if (body == NULL)
		ga_json_fault(reader, NULL, GA_VIOLATION_INVALID_BODY, NULL,
					  "must be an object, but there is none");
	else if (!JB_ROOT_IS_OBJECT(body))
		ga_json_fault(reader, NULL, GA_VIOLATION_INVALID_BODY, NULL,
					  "must be an object, not %s", root_type(body));
	else
		return ga_json_read_object(reader, NULL, &body->root, table, target);
	return 0;
}
