/*
 * receipt_reader.c
 *		Reads the events out of a callback, as the row of the provider's kind says
 *		(callback_kind.h).
 *
 * Where the body is empty (a GET) the query's fields are read; never both, since
 * a signature may cover the one and not the other.
 */
#include "postgres.h"

#include "base/callback_url.h"
#include "base/shared/receipt_table.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "request/callback/callback.h"
#include "request/callback/carrier_text.h"
#include "request/callback/receipt.h"
#include "request/soft_json.h"

/* Of one body; a batch of SendGrid's has some hundreds. */
#define EVENTS_MAX 5000

#define CODE_MAX 64
#define ID_MAX 256
#define TEXT_MAX 200

/* ---- one value ---------------------------------------------------------- */

/* What an event is read from: a JSON object, or fields. */
typedef struct Source
{
	JsonbContainer *json; /* NULL: fields */
	const GaFormFields *fields;
	bool is_lenient; /* of a value that is no text its beginning will do */
	bool is_broken;	 /* a value that was wanted is no text */
} Source;

static bool
is_number(const char *step, int length)
{
	return length > 0 && strspn(step, "0123456789") >= (size_t) length;
}

/* {"name": step, "value": ...} of a list. */
static bool
step_to_pair(JsonbContainer *list, const char *step, int length,
			 JsonbValue *value)
{
	uint32 count = JsonContainerSize(list);

	for (uint32 i = 0; i < count; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(list, i);
		JsonbValue name;

		if (element->type != jbvBinary ||
			!JsonContainerIsObject(element->val.binary.data) ||
			getKeyJsonValueFromContainer(element->val.binary.data, "name", 4,
										 &name) == NULL ||
			name.type != jbvString || name.val.string.len != length ||
			memcmp(name.val.string.val, step, length) != 0)
			continue;
		return getKeyJsonValueFromContainer(element->val.binary.data, "value",
											5, value) != NULL;
	}
	return false;
}

static bool
step_into(JsonbContainer *from, const char *step, int length, JsonbValue *value)
{
	JsonbValue *element;

	if (JsonContainerIsObject(from))
		return getKeyJsonValueFromContainer(from, step, length, value) != NULL;
	if (!JsonContainerIsArray(from) || JsonContainerIsScalar(from))
		return false;
	if (!is_number(step, length))
		return step_to_pair(from, step, length, value);
	element = getIthJsonbValueFromContainer(from, (uint32) atoi(step));
	if (element == NULL)
		return false;
	*value = *element;
	return true;
}

/* Follows one path of JSON; NULL: there is nothing of a text. */
static const char *
json_at(JsonbContainer *from, const char *path, int length)
{
	const char *end = path + length;
	JsonbValue value;

	for (;;)
	{
		const char *slash = memchr(path, '/', end - path);
		int step = (int) ((slash ? slash : end) - path);

		if (!step_into(from, path, step, &value))
			return NULL;
		if (slash == NULL)
			return ga_soft_json_text(&value);
		if (value.type != jbvBinary)
			return NULL;
		from = value.val.binary.data;
		path = slash + 1;
	}
}

static const char *
field_at(Source *source, const char *name)
{
	const GaFormField *field = ga_form_find(source->fields, name);

	if (field == NULL)
		return NULL;
	if (ga_callback_bytes_are_text(field->value))
		return field->value.data;
	if (source->is_lenient)
		return ga_callback_bytes_beginning(field->value);
	source->is_broken = true;
	return NULL;
}

/* The text of the first path there is, as it stands; NULL: there is none. */
static char *
text_at(Source *source, const char *paths, int room)
{
	while (paths != NULL && *paths)
	{
		int length = (int) strcspn(paths, "|");
		const char *found = source->json
								? json_at(source->json, paths, length)
								: field_at(source, pnstrdup(paths, length));

		if (found != NULL && *found)
			return pnstrdup(found,
							pg_mbcliplen(found, (int) strlen(found), room));
		paths += length;
		paths += *paths == '|';
	}
	return NULL;
}

/* Likewise; control characters become blanks. */
static const char *
value_at(Source *source, const char *paths, int room)
{
	char *text = text_at(source, paths, room);

	for (char *c = text; c != NULL && *c; c++)
		if ((unsigned char) *c < 0x20 || *c == 0x7F)
			*c = ' ';
	return text;
}

/* ---- events ------------------------------------------------------------- */

/* "000" and "0" say that there is no error. */
static const char *
code_or_null(const char *code)
{
	return code != NULL && strspn(code, "0") == strlen(code) ? NULL : code;
}

/* The word with what the path tells behind it, where the table knows that. */
static const char *
refine(Source *source, const GaCallbackKind *kind, const char *word,
	   const char *path)
{
	const char *detail = path ? value_at(source, path, CODE_MAX) : NULL;
	const char *both = detail ? psprintf("%s/%s", word, detail) : NULL;
	GaReceiptStatus status;

	if (both != NULL && (ga_receipt_status_find(kind->kind, both, &status) ||
						 ga_receipt_code_find(kind->kind, both) != NULL))
		return both;
	return word;
}

static const char *
refined_word(Source *source, const GaCallbackKind *kind)
{
	const char *word = value_at(source, kind->word, CODE_MAX);
	const char *refined =
		word ? refine(source, kind, word, kind->detail) : NULL;

	/* A subtype refines the type alone. */
	return refined != word ? refine(source, kind, refined, kind->subtype)
						   : word;
}

/*
 * Words for people only.  Carriers put the first bytes of the message there, in
 * the message's own encoding; that must not cost the event.
 */
static const char *
words_at(Source *source, const char *paths)
{
	const char *words;

	source->is_lenient = true;
	words = value_at(source, paths, TEXT_MAX);
	source->is_lenient = false;
	return words;
}

/*
 * What a person said, in the encoding their phone and the gateway made of it.  Line
 * ends stay, since behind an empty line a signature begins.
 */
static const char *
said_at(Source *source, const char *paths)
{
	while (source->json == NULL && *paths)
	{
		int length = (int) strcspn(paths, "|");
		const GaFormField *field =
			ga_form_find(source->fields, pnstrdup(paths, length));

		if (field != NULL && field->value.length > 0)
			return ga_carrier_text_read(field->value);
		paths += length;
		paths += *paths == '|';
	}
	return source->json ? text_at(source, paths, TEXT_MAX) : NULL;
}

/* "27701231234" and "+27 70 123 1234"; false: it is no number of a person. */
static bool
read_sender(const char *sender, GaContact *contact)
{
	GaContactFault fault;
	StringInfoData number;

	initStringInfo(&number);
	appendStringInfoChar(&number, '+');
	for (; *sender; sender++)
		if (*sender >= '0' && *sender <= '9')
			appendStringInfoChar(&number, *sender);
	return ga_contact_check(GA_CHANNEL_MOBILE, number.data, contact, &fault);
}

/* What is said need not be a text: only a few words in it matter. */
static void
read_incoming(Source *source, const GaCallbackKind *kind, GaReceiptEvent *event)
{
	const char *said = kind->said ? said_at(source, kind->said) : NULL;
	const char *sender = said ? value_at(source, kind->sender, CODE_MAX) : NULL;

	if (sender == NULL)
		return;
	event->is_incoming = true;
	event->word = "received";
	event->keyword = ga_keyword_read(said);
	if (event->keyword != GA_KEYWORD_NONE &&
		!read_sender(sender, &event->sender))
		event->keyword = GA_KEYWORD_NONE;
}

/* false: it has no word, or a value in it is no text. */
static bool
read_event(Source *source, const GaCallbackKind *kind, GaReceiptEvent *event)
{
	memset(event, 0, sizeof(*event));
	event->reference = value_at(source, kind->reference, ID_MAX);
	event->message_id = value_at(source, kind->message_id, ID_MAX);
	event->word = refined_word(source, kind);
	event->code = code_or_null(value_at(source, kind->code, CODE_MAX));
	event->text = words_at(source, kind->text);
	if (kind->read_text != NULL)
		kind->read_text(&event->text, &event->code);
	event->time = value_at(source, kind->time, CODE_MAX);
	event->nonce = value_at(source, kind->nonce, ID_MAX);
	if (event->word == NULL || pg_strcasecmp(event->word, "received") == 0)
		read_incoming(source, kind, event);
	if (event->word == NULL || source->is_broken)
		return false;
	if (!event->is_incoming)
		ga_receipt_interpret(kind, event);
	return true;
}

static int
read_list(Jsonb *list, const GaCallbackKind *kind, GaReceiptEvent **events)
{
	int size = (int) Min(JB_ROOT_COUNT(list), EVENTS_MAX);
	int count = 0;

	*events = palloc0(sizeof(GaReceiptEvent) * Max(size, 1));
	for (int i = 0; i < size; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(&list->root, i);
		GaReceiptEvent *event = &(*events)[count];
		Source source = {0};

		if (element->type != jbvBinary ||
			!JsonContainerIsObject(element->val.binary.data))
			continue;
		source.json = element->val.binary.data;
		if (!read_event(&source, kind, event))
			continue;
		event->raw = ga_bytes(JsonbToCString(NULL, element->val.binary.data,
											 element->val.binary.len));
		count++;
	}
	return count;
}

/* The query as it came, without what is ours: the token opens doors. */
static GaBytes
foreign_part(const char *query)
{
	StringInfoData out;

	initStringInfo(&out);
	while (*query)
	{
		int length = (int) strcspn(query, "&");

		if (strncmp(query, GA_CALLBACK_RECEIPT "=",
					strlen(GA_CALLBACK_RECEIPT "=")) != 0)
			appendStringInfo(&out, "%s%.*s", out.len ? "&" : "", length, query);
		query += length;
		query += *query == '&';
	}
	return (GaBytes){out.data, out.len};
}

int
ga_receipt_read(const GaCallback *callback, GaReceiptEvent **events)
{
	const GaCallbackKind *kind = callback->kind;
	Jsonb *json = callback->json;
	bool is_empty = callback->body.length == 0;
	Source source = {.fields =
						 is_empty ? &callback->query_fields : &callback->form};

	if (json != NULL && JB_ROOT_IS_ARRAY(json))
		return read_list(json, kind, events);
	if (json != NULL && kind->unwrap != NULL)
		json = kind->unwrap(json);
	if (json != NULL)
		source.json = &json->root;
	*events = palloc(sizeof(GaReceiptEvent));
	if (!read_event(&source, kind, *events))
		return 0;
	(*events)->raw = is_empty ? foreign_part(callback->query) : callback->body;
	return 1;
}
