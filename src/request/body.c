/*
 * body.c
 *		JSON or a form of either kind, told apart by the first characters.
 *
 * The documents of contract B declare a form and send JSON, its clients send
 * JSON or multipart, so the declared type says nothing.  A form becomes the
 * jsonb that the same fields would be in JSON, with strings for values: all are
 * read by the same tables afterwards.  Never throws for what a caller can cause: depth,
 * number of fields and encoding are looked at first.  Knows no contract.
 */
#include "postgres.h"

#include "request/body.h"
#include "request/callback/callback.h"
#include "request/form_fields.h"
#include "request/multipart.h"
#include "request/picture.h"
#include "request/json_text.h"
#include "request/soft_json.h"

/* Two pictures of 5 MB as data URLs, and what else there is. */
#define BODY_MAX ((size_t) 16 * 1024 * 1024)
#define BODY_MAX_A_MEMBER 1024
/* No string and no object of jsonb is longer. */
#define BODY_MAX_EVER ((size_t) 255 * 1024 * 1024)
#define VALUES_MAX 1000
#define VALUES_MAX_A_MEMBER 10
#define FIELDS_MAX 1000
#define STEPS_MAX 16
#define NAME_SHOWN_MAX 64

/* ---- the tree of a form ------------------------------------------------- */

typedef enum NodeKind
{
	NODE_EMPTY,
	NODE_TEXT,
	NODE_BOOLEAN,
	NODE_LIST,
	NODE_OBJECT
} NodeKind;

typedef struct FormNode
{
	NodeKind kind;
	GaBytes name; /* in an object */
	int index;	  /* in a list; lists are closed up */
	GaBytes text;
	struct FormNode *first; /* children; a list's by index */
	struct FormNode *next;
} FormNode;

/* One part of a name: a, [b], [3] or []. */
typedef struct Step
{
	NodeKind parent; /* what it makes of where it stands in */
	GaBytes name;
	int index; /* -1: behind the last */
} Step;

static Step
read_step(GaBytes part)
{
	Step step = {.parent = NODE_OBJECT, .name = part};

	if (part.length == 0)
		step.index = -1;
	else if (part.length <= 6 && strspn(part.data, "0123456789") >= part.length)
		step.index = atoi(part.data);
	else
		return step;
	step.parent = NODE_LIST;
	return step;
}

/* How many steps; 0: more than STEPS_MAX.  Unpaired brackets are one name. */
static int
read_steps(GaBytes name, Step *steps)
{
	const char *end = name.data + name.length;
	const char *at = memchr(name.data, '[', name.length);
	int count = 1;

	steps[0] = (Step){.parent = NODE_OBJECT, .name = name};
	if (at == NULL || at == name.data)
		return 1;
	steps[0].name.length = at - name.data;
	while (at < end)
	{
		const char *close = *at == '[' ? memchr(at, ']', end - at) : NULL;

		if (close == NULL)
		{
			steps[0].name = name;
			return 1;
		}
		if (count == STEPS_MAX)
			return 0;
		steps[count++] =
			read_step((GaBytes){at + 1, (size_t) (close - at - 1)});
		at = close + 1;
	}
	return count;
}

static bool
is_the_child(const FormNode *child, const Step *step)
{
	if (step->parent == NODE_LIST)
		return child->index == step->index;
	return ga_bytes_compare(child->name, step->name) == 0;
}

/* The child a step leads to, made if need be; NULL: it is something else. */
static FormNode *
take_step(FormNode *node, const Step *step)
{
	FormNode **at = &node->first;
	FormNode *child;
	int index = 0;

	if (node->kind == NODE_EMPTY)
		node->kind = step->parent;
	if (node->kind != step->parent)
		return NULL;
	for (; *at != NULL; at = &(*at)->next)
	{
		if (is_the_child(*at, step))
			return *at;
		if (step->parent == NODE_LIST && step->index >= 0 &&
			(*at)->index > step->index)
			break;
		index = (*at)->index + 1;
	}
	child = palloc0(sizeof(FormNode));
	child->name = step->name;
	child->index = step->index < 0 ? index : step->index;
	child->next = *at;
	*at = child;
	return child;
}

/* As contract B's fields read them. */
static bool
is_true(GaBytes text)
{
	return ga_bytes_are(text, "1") ||
		   (text.length == 4 && pg_strncasecmp(text.data, "true", 4) == 0);
}

static bool
is_false(GaBytes text)
{
	return ga_bytes_are(text, "0") ||
		   (text.length == 5 && pg_strncasecmp(text.data, "false", 5) == 0);
}

static void
push_node(JsonbParseState **state, const FormNode *node,
		  JsonbIteratorToken token, JsonbValue **result)
{
	bool is_list = node->kind == NODE_LIST;
	JsonbValue value = {.type = jbvString};

	if (node->kind == NODE_TEXT)
	{
		value.val.string.val = unconstify(char *, node->text.data);
		value.val.string.len = (int) node->text.length;
		*result = pushJsonbValue(state, token, &value);
		return;
	}
	if (node->kind == NODE_BOOLEAN)
	{
		value.type = jbvBool;
		value.val.boolean = is_true(node->text);
		*result = pushJsonbValue(state, token, &value);
		return;
	}
	(void) pushJsonbValue(state, is_list ? WJB_BEGIN_ARRAY : WJB_BEGIN_OBJECT,
						  NULL);
	for (const FormNode *child = node->first; child; child = child->next)
	{
		if (!is_list)
		{
			value.val.string.val = unconstify(char *, child->name.data);
			value.val.string.len = (int) child->name.length;
			(void) pushJsonbValue(state, WJB_KEY, &value);
		}
		push_node(state, child, is_list ? WJB_ELEM : WJB_VALUE, result);
	}
	*result =
		pushJsonbValue(state, is_list ? WJB_END_ARRAY : WJB_END_OBJECT, NULL);
}

/* ---- a form ------------------------------------------------------------- */

/* A name as violations show it; what is no name is the whole body. */
static const char *
shown(GaBytes name)
{
	if (name.length == 0 || name.length > NAME_SHOWN_MAX ||
		!ga_callback_bytes_are_text(name))
		return "";
	for (size_t i = 0; i < name.length; i++)
		if ((unsigned char) name.data[i] < 0x20 || name.data[i] == 0x7F)
			return "";
	return pnstrdup(name.data, name.length);
}

static void
fault(GaViolations *violations, const char *path, GaViolationCode code,
	  const char *hint, const char *words)
{
	ga_violation_add(violations, path, code, hint, "%s %s",
					 path[0] ? path : "the body", words);
}

static bool
has_broken_percent(GaBytes text)
{
	for (size_t i = 0; i < text.length; i++)
		if (text.data[i] == '%' &&
			(i + 2 >= text.length ||
			 !isxdigit((unsigned char) text.data[i + 1]) ||
			 !isxdigit((unsigned char) text.data[i + 2])))
			return true;
	return false;
}

static bool
has_too_many_fields(GaBytes text)
{
	int count = 1;

	for (size_t i = 0; i < text.length && count <= FIELDS_MAX; i++)
		count += text.data[i] == '&';
	return count > FIELDS_MAX;
}

static bool
is_one_of(GaBytes name, const char *const *lists)
{
	for (; *lists != NULL; lists++)
		if (ga_bytes_are(name, *lists))
			return true;
	return false;
}

/* One more element; an empty value is a list without any. */
static FormNode *
take_list_step(FormNode *node, GaBytes value)
{
	Step step = {.parent = NODE_LIST, .index = -1};

	if (node == NULL || value.length > 0)
		return node == NULL ? NULL : take_step(node, &step);
	if (node->kind == NODE_EMPTY)
		node->kind = NODE_LIST;
	return node;
}

/* What is being read. */
typedef struct Form
{
	FormNode root;
	const GaFormTypes *types;
	bool is_unreadable; /* there are no fields */
	GaViolations *violations;
} Form;

/* Stands for a value that is none, so that its field is not missing as well. */
#define REPLACEMENT_CHARACTER "\xEF\xBF\xBD"

static void
plant_field(Form *form, GaBytes name, GaBytes value)
{
	const char *path = shown(name);
	GaViolations *violations = form->violations;
	bool is_list = is_one_of(name, form->types->lists);
	Step steps[STEPS_MAX];
	int count = 0;
	FormNode *node = &form->root;

	if (!ga_callback_bytes_are_text(name) || !ga_callback_bytes_are_text(value))
	{
		fault(violations, path, GA_VIOLATION_INVALID_CHARACTERS, NULL,
			  "is not valid UTF-8");
		if (!ga_callback_bytes_are_text(name))
			return;
		value = ga_bytes(REPLACEMENT_CHARACTER);
	}
	count = read_steps(name, steps);
	if (count == 0)
	{
		fault(violations, path, GA_VIOLATION_INVALID_BODY, NULL,
			  "is nested too deep");
		return;
	}
	for (int i = 0; i < count && node != NULL; i++)
		node = take_step(node, &steps[i]);
	if (is_list)
	{
		node = take_list_step(node, value);
		if (node != NULL && value.length == 0)
			return;
	}
	if (node == NULL || node->kind != NODE_EMPTY)
	{
		fault(violations, path, GA_VIOLATION_DUPLICATE,
			  "Send each field once; of a list, each element under its own "
			  "number.",
			  "is given twice");
		return;
	}
	node->kind = is_one_of(name, form->types->booleans) &&
						 (is_true(value) || is_false(value))
					 ? NODE_BOOLEAN
					 : NODE_TEXT;
	node->text = value;
}

static void
fault_too_many(GaViolations *violations)
{
	fault(violations, "", GA_VIOLATION_TOO_MANY, "Send JSON.",
		  "has more than 1000 fields");
}

static void
plant_urlencoded(Form *form, GaBytes body)
{
	GaFormFields fields;

	if (has_too_many_fields(body))
	{
		fault_too_many(form->violations);
		form->is_unreadable = true;
		return;
	}
	if (has_broken_percent(body))
	{
		form->is_unreadable = true;
		fault(form->violations, "", GA_VIOLATION_INVALID_CHARACTERS,
			  "Write a percent sign as %25.",
			  "has a percent sign without two hexadecimal digits");
		return;
	}
	fields = ga_form_read(body);
	for (int i = 0; i < fields.count; i++)
		plant_field(form, fields.list[i].name, fields.list[i].value);
}

static void
plant_multipart(Form *form, GaBytes body)
{
	GaMultipart parts = ga_multipart_read(body);

	form->is_unreadable = parts.complaint != NULL || parts.has_too_many_parts;
	if (parts.complaint != NULL)
		fault(form->violations, "", GA_VIOLATION_INVALID_BODY, NULL,
			  parts.complaint);
	else if (parts.has_too_many_parts)
		fault_too_many(form->violations);
	else
		for (int i = 0; i < parts.count; i++)
		{
			const GaPart *part = &parts.list[i];

			plant_field(form, part->name,
						part->is_file ? ga_picture_to_text(part->value)
									  : part->value);
		}
}

static Jsonb *
read_form(GaBytes body, const GaFormTypes *types, GaViolations *violations)
{
	JsonbParseState *state = NULL;
	JsonbValue *value = NULL;
	Form form = {.root = {.kind = NODE_OBJECT},
				 .types = types,
				 .violations = violations};

	if (ga_multipart_is(body))
		plant_multipart(&form, body);
	else
		plant_urlencoded(&form, body);
	if (form.is_unreadable)
		return NULL;
	push_node(&state, &form.root, WJB_VALUE, &value);
	return JsonbValueToJsonb(value);
}

/* ---- the body ----------------------------------------------------------- */

static GaBytes
trimmed(GaBytes body)
{
	/* Some programs begin UTF-8 with a byte order mark. */
	if (body.length >= 3 && memcmp(body.data, "\xEF\xBB\xBF", 3) == 0)
		body = (GaBytes){body.data + 3, body.length - 3};
	while (body.length > 0 && strchr(" \t\r\n", body.data[0]) && body.data[0])
		body = (GaBytes){body.data + 1, body.length - 1};
	while (body.length > 0 && strchr(" \t\r\n", body.data[body.length - 1]) &&
		   body.data[body.length - 1])
		body.length--;
	return body;
}

static bool
looks_like_form(GaBytes body)
{
	return ga_multipart_is(body) ||
		   (!strchr("{[\"", body.data[0]) &&
			memchr(body.data, '=', body.length) != NULL);
}

size_t
ga_body_max_bytes(int max_members)
{
	return Min(Max(BODY_MAX, (size_t) max_members * BODY_MAX_A_MEMBER),
			   BODY_MAX_EVER);
}

bool
ga_body_check_size(size_t bytes, int max_members, GaViolations *violations)
{
	size_t most = ga_body_max_bytes(max_members);

	if (bytes <= most)
		return true;
	fault(violations, "", GA_VIOLATION_TOO_LARGE, NULL,
		  psprintf("has %zu bytes, at most %zu are read", bytes, most));
	return false;
}

/* What is readable but for escapes that mean no character; NULL: it is no JSON. */
static Jsonb *
read_mended(GaBytes body, int most)
{
	char *mended = ga_json_text_mend(body.data, body.length);
	const char *complaint;
	GaJsonFault what;

	return mended == NULL ? NULL
						  : ga_soft_json_or_why(mended, body.length, most,
												&what, &complaint);
}

static Jsonb *
read_json(GaBytes body, int max_members, GaViolations *violations)
{
	int64 most = VALUES_MAX + (int64) max_members * VALUES_MAX_A_MEMBER;
	const char *complaint;
	GaJsonFault what;
	Jsonb *json = ga_soft_json_or_why(body.data, body.length, (int) most, &what,
									  &complaint);

	if (json == NULL && what != GA_JSON_TOO_MANY_VALUES)
		json = read_mended(body, (int) most);
	if (json != NULL)
		ga_json_text_check(body.data, body.length, violations);
	else if (what == GA_JSON_TOO_MANY_VALUES)
		fault(violations, "", GA_VIOLATION_TOO_MANY, NULL,
			  psprintf("has more than %d values", (int) most));
	else
		fault(violations, "", GA_VIOLATION_INVALID_BODY, complaint,
			  "is no JSON that can be read");
	return json;
}

static Jsonb *
read_body(GaBytes body, const GaFormTypes *types, int max_members,
		  GaViolations *violations)
{
	if (!ga_body_check_size(body.length, max_members, violations))
		return NULL;
	body = trimmed(body);
	if (body.length == 0)
	{
		fault(violations, "", GA_VIOLATION_INVALID_BODY, NULL,
			  "must be an object, but is empty");
		return NULL;
	}
	if (looks_like_form(body))
		return read_form(body, types, violations);
	return read_json(body, max_members, violations);
}

Jsonb *
ga_body_read(GaBytes body, const GaFormTypes *types, int max_members,
			 GaViolations *violations)
{
	Jsonb *json = read_body(body, types, max_members, violations);

	violations->of_texts =
		Min(list_length(violations->list), GA_VIOLATIONS_LISTED);
	return json;
}
