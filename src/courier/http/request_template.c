/*
 * request_template.c
 *		Texts with {names} in them, and the trees of fields made of them.
 *
 * Compiled when the dispatcher sends its configuration, immutable afterwards
 * and shared by the threads of a provider.  A value is always escaped for the
 * place it lands in; there is no way to write one raw into a URL or JSON.
 */
#include "courier/http/request_template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "courier/memory.h"

static void
put_escaped(GaText *out, const char *value, GaEscape escape)
{
	switch (escape)
	{
		case GA_ESCAPE_NONE:
			ga_text_puts(out, value);
			break;
		case GA_ESCAPE_URL:
			ga_text_put_url(out, value);
			break;
		case GA_ESCAPE_JSON:
			ga_text_put_json(out, value);
			break;
	}
}

static void
append_piece(GaRequestTemplate *template, GaPiece piece)
{
	GaPiece *pieces =
		ga_memory_alloc((size_t) (template->count + 1) * sizeof(*pieces));

	if (template->count)
		memcpy(pieces, template->pieces,
			   (size_t) template->count * sizeof(*pieces));
	free(template->pieces);
	pieces[template->count] = piece;
	template->pieces = pieces;
	template->count++;
}

/* What was read since the last piece becomes one, then `piece` follows. */
static void
add_piece(GaRequestTemplate *template, GaText *literal, GaPiece piece)
{
	if (literal->length > 0)
	{
		append_piece(template,
					 (GaPiece){.kind = GA_PIECE_LITERAL,
							   .literal = ga_memory_strdup(literal->data)});
		ga_text_truncate(literal, 0);
	}
	if (piece.kind != GA_PIECE_LITERAL)
		append_piece(template, piece);
}

/* What a template is compiled from. */
typedef struct TemplateSource
{
	GaEscape escape;
	GaRequestOption lookup;
	const void *context;
	GaText literal; /* read since the last piece */
	int open;		/* conditions that have begun */
	char *complaint;
	size_t size;
} TemplateSource;

/* The name in the braces at *next, which moves behind them. */
static bool
read_name(TemplateSource *source, const char **next, GaPieceKind *kind,
		  char *name, size_t size)
{
	char sign = (*next)[1];
	bool has_sign = sign == '?' || sign == '!';
	const char *start = *next + 1 + has_sign;
	size_t length = strcspn(start, "}");

	if (start[length] == '\0' || length >= size)
	{
		snprintf(source->complaint, source->size,
				 "a brace is not closed in \"%.100s\"", *next);
		return false;
	}
	memcpy(name, start, length);
	name[length] = '\0';
	*next = start + length + 1;
	*kind = sign == '?'	  ? GA_PIECE_IF
			: sign == '!' ? GA_PIECE_UNLESS
						  : GA_PIECE_VALUE;
	return true;
}

/* The "{/}" that ends a condition. */
static bool
compile_end(GaRequestTemplate *template, TemplateSource *source)
{
	if (source->open == 0)
	{
		snprintf(source->complaint, source->size,
				 "{/} ends no condition: {?name} or {!name} must stand before "
				 "it");
		return false;
	}
	source->open--;
	add_piece(template, &source->literal, (GaPiece){.kind = GA_PIECE_END});
	return true;
}

/* Takes the {name}, {?name}, {!name} or {/} at *next. */
static bool
compile_braces(GaRequestTemplate *template, TemplateSource *source,
			   const char **next)
{
	GaPiece piece = {0};
	char name[64];
	const char *option;

	if (!read_name(source, next, &piece.kind, name, sizeof(name)))
		return false;
	if (piece.kind == GA_PIECE_VALUE && strcmp(name, "/") == 0)
		return compile_end(template, source);
	piece.variable = ga_values_find_variable(name);
	option = piece.variable < 0 && source->lookup
				 ? source->lookup(source->context, name)
				 : NULL;
	if (piece.variable < 0 && option == NULL)
	{
		snprintf(source->complaint, source->size,
				 "{%s} is neither a value nor an option", name);
		return false;
	}
	/* An option is the same for all messages: it becomes a part of the literal. */
	if (option != NULL && piece.kind == GA_PIECE_VALUE)
	{
		put_escaped(&source->literal, option, source->escape);
		return true;
	}
	piece.is_set = option != NULL && *option != '\0';
	source->open += piece.kind != GA_PIECE_VALUE;
	add_piece(template, &source->literal, piece);
	return true;
}

bool
ga_request_template_compile(GaRequestTemplate *template, const char *text,
							GaEscape escape, bool escape_literals,
							GaRequestOption lookup, const void *context,
							char *complaint, size_t size)
{
	TemplateSource source = {.escape = escape,
							 .lookup = lookup,
							 .context = context,
							 .complaint = complaint,
							 .size = size};
	bool good = true;

	memset(template, 0, sizeof(*template));
	while (good && *text)
	{
		char plain[2] = {*text, '\0'};

		if (text[0] == '{' && text[1] != '{')
		{
			good = compile_braces(template, &source, &text);
			continue;
		}
		if (text[0] == '{' || (text[0] == '}' && text[1] == '}'))
			text++;
		text++;
		put_escaped(&source.literal, plain,
					escape_literals ? escape : GA_ESCAPE_NONE);
	}
	add_piece(template, &source.literal, (GaPiece){.kind = GA_PIECE_LITERAL});
	ga_text_free(&source.literal);
	if (good && source.open > 0)
	{
		good = false;
		snprintf(complaint, size, "a condition is not ended by {/}");
	}
	if (!good)
		ga_request_template_free(template);
	return good;
}

void
ga_request_template_free(GaRequestTemplate *template)
{
	/* Literals may hold a password taken from an option. */
	for (int i = 0; i < template->count; i++)
		ga_memory_wipe(template->pieces[i].literal);
	free(template->pieces);
	memset(template, 0, sizeof(*template));
}

static bool
condition_holds(const GaPiece *piece, const GaValues *values)
{
	bool is_set = piece->variable < 0 ? piece->is_set
									  : *values->of[piece->variable] != '\0';

	return is_set == (piece->kind == GA_PIECE_IF);
}

/*
 * One number is enough for conditions within conditions: from the first that does not
 * hold on, each beginning adds to it and each end takes away, until all that stands
 * inside is over.
 */
void
ga_request_template_render(const GaRequestTemplate *template,
						   const GaValues *values, GaEscape escape, GaText *out)
{
	int hidden =
		0; /* conditions around here from the first that does not hold */

	for (int i = 0; i < template->count; i++)
	{
		const GaPiece *piece = &template->pieces[i];

		switch (piece->kind)
		{
			case GA_PIECE_LITERAL:
				if (hidden == 0)
					ga_text_puts(out, piece->literal);
				break;
			case GA_PIECE_VALUE:
				if (hidden == 0)
					put_escaped(out, values->of[piece->variable], escape);
				break;
			case GA_PIECE_IF:
			case GA_PIECE_UNLESS:
				if (hidden > 0 || !condition_holds(piece, values))
					hidden++;
				break;
			case GA_PIECE_END:
				if (hidden > 0)
					hidden--;
				break;
		}
	}
}

bool
ga_request_template_is_constant(const GaRequestTemplate *template)
{
	for (int i = 0; i < template->count; i++)
	{
		const GaPiece *piece = &template->pieces[i];

		if (piece->kind != GA_PIECE_LITERAL && piece->kind != GA_PIECE_END &&
			piece->variable >= 0)
			return false;
	}
	return true;
}

/* One node; the children of an object or array are a list. */
struct GaRequestField
{
	enum
	{
		LEAF,	 /* a template in quotes, or between = and & */
		NUMBER,	 /* a template without quotes; gone unless it is a number */
		LITERAL, /* a number, true, false: as it is */
		OBJECT,
		ARRAY
	} type;
	char *name; /* escaped; "" in arrays and at the top */
	GaRequestTemplate template;
	GaRequestField *children;
	GaRequestField *next;
};

static GaEscape
escape_of(GaBodyKind kind)
{
	return kind == GA_BODY_JSON ? GA_ESCAPE_JSON : GA_ESCAPE_URL;
}

void
ga_request_field_free(GaRequestField *field)
{
	while (field)
	{
		GaRequestField *next = field->next;

		ga_request_field_free(field->children);
		ga_request_template_free(&field->template);
		free(field->name);
		free(field);
		field = next;
	}
}

typedef struct FieldCompiler
{
	GaBodyKind kind;
	GaRequestOption lookup;
	const void *context;
	char *complaint;
	size_t size;
} FieldCompiler;

static GaRequestField *compile_node(const FieldCompiler *compiler,
									const char *name, const json_t *source,
									int depth);

static bool
compile_children(const FieldCompiler *compiler, GaRequestField *field,
				 json_t *source, int depth)
{
	GaRequestField **tail = &field->children;
	const char *name;
	json_t *value;
	size_t i;

	json_object_foreach(source, name, value)
	{
		*tail = compile_node(compiler, name, value, depth + 1);
		if (*tail == NULL)
			return false;
		tail = &(*tail)->next;
	}
	json_array_foreach(source, i, value)
	{
		*tail = compile_node(compiler, "", value, depth + 1);
		if (*tail == NULL)
			return false;
		tail = &(*tail)->next;
	}
	return true;
}

/*
 * "{#name}" as a whole value is a number in JSON, as vendors want a validity.  Where the
 * value turns out to be none the field is left out, see render_leaf().
 */
static bool
compile_leaf(const FieldCompiler *compiler, GaRequestField *field,
			 const json_t *source)
{
	GaEscape escape = escape_of(compiler->kind);
	const char *text = json_string_value(source);
	GaText number = {0};
	char *dumped;
	bool good;

	if (text && strncmp(text, "{#", 2) == 0 && compiler->kind == GA_BODY_JSON)
	{
		field->type = NUMBER;
		ga_text_printf(&number, "{%s", text + 2);
		text = number.data;
	}
	if (text)
	{
		good = ga_request_template_compile(&field->template, text, escape, true,
										   compiler->lookup, compiler->context,
										   compiler->complaint, compiler->size);
		ga_text_free(&number);
		return good;
	}
	field->type = LITERAL;
	dumped = json_dumps(source, JSON_ENCODE_ANY);
	good = ga_request_template_compile(
		&field->template, dumped ? dumped : "null", GA_ESCAPE_NONE, false, NULL,
		NULL, compiler->complaint, compiler->size);
	free(dumped);
	return good;
}

/*
 * The operator's own fields come here, too, so depth is bounded: rendering recurses.
 * A form has names and values alone, and nothing can be nested in it.
 */
static GaRequestField *
compile_node(const FieldCompiler *compiler, const char *name,
			 const json_t *source, int depth)
{
	GaRequestField *field = ga_memory_alloc(sizeof(*field));
	GaText escaped = {0};
	bool good;

	put_escaped(&escaped, name, escape_of(compiler->kind));
	field->name = ga_memory_strdup(ga_text_string(&escaped));
	ga_text_free(&escaped);
	if (json_is_object(source) || json_is_array(source))
	{
		field->type = json_is_object(source) ? OBJECT : ARRAY;
		good = depth == 0 || (compiler->kind == GA_BODY_JSON && depth < 16);
		if (!good)
			snprintf(compiler->complaint, compiler->size,
					 "field \"%.100s\" cannot be nested in this kind of body",
					 name);
		good =
			good && compile_children(compiler, field, (json_t *) source, depth);
	}
	else
	{
		field->type = LEAF;
		good = compile_leaf(compiler, field, source);
	}
	if (!good)
	{
		ga_request_field_free(field);
		return NULL;
	}
	return field;
}

GaRequestField *
ga_request_field_compile(const json_t *source, GaBodyKind kind,
						 GaRequestOption lookup, const void *context,
						 char *complaint, size_t size)
{
	FieldCompiler compiler = {kind, lookup, context, complaint, size};

	if (!json_is_object(source))
	{
		snprintf(complaint, size, "the fields are not a JSON object");
		return NULL;
	}
	return compile_node(&compiler, "", source, 0);
}

/* A field without a value is left out with its name: an empty sender is no sender. */
static void
render_pairs(const GaRequestField *field, const GaValues *values, GaText *out)
{
	size_t first = out->length;

	for (; field; field = field->next)
	{
		size_t start = out->length;
		size_t value;

		if (start > first)
			ga_text_putc(out, '&');
		ga_text_puts(out, field->name);
		ga_text_putc(out, '=');
		value = out->length;
		ga_request_template_render(&field->template, values, GA_ESCAPE_URL,
								   out);
		if (out->length == value)
			ga_text_truncate(out, start);
	}
}

/* More digits do not fit into the 64 bits that most readers of JSON have for them. */
#define NUMBER_MAX 18

/* As JSON writes whole numbers: no zero stands before another digit (RFC 8259, 6). */
static bool
is_number(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && length <= NUMBER_MAX &&
		   strspn(text, "0123456789") == length &&
		   (text[0] != '0' || length == 1);
}

/*
 * A text that comes out empty is left out, and so is a number that is none: in a
 * document of JSON it would make the whole request unreadable.
 */
static bool
render_leaf(const GaRequestField *field, const GaValues *values, GaText *out)
{
	bool quoted = field->type == LEAF;
	size_t start = out->length;
	size_t inside;

	if (quoted)
		ga_text_putc(out, '"');
	inside = out->length;
	ga_request_template_render(&field->template, values, GA_ESCAPE_JSON, out);
	if (out->length == inside || (!quoted && !is_number(out->data + inside)))
		ga_text_truncate(out, start);
	else if (quoted)
		ga_text_putc(out, '"');
	return out->length > start;
}

/* false: nothing came out, and nothing was appended. */
static bool
render_json(const GaRequestField *field, const GaValues *values, GaText *out)
{
	size_t start = out->length;
	size_t inside;

	if (field->type == LITERAL)
	{
		ga_request_template_render(&field->template, values, GA_ESCAPE_NONE,
								   out);
		return true;
	}
	if (field->type == LEAF || field->type == NUMBER)
		return render_leaf(field, values, out);
	ga_text_putc(out, field->type == OBJECT ? '{' : '[');
	inside = out->length;
	for (const GaRequestField *child = field->children; child;
		 child = child->next)
	{
		size_t before = out->length;

		if (before > inside)
			ga_text_putc(out, ',');
		if (field->type == OBJECT)
			ga_text_printf(out, "\"%s\":", child->name);
		if (!render_json(child, values, out))
			ga_text_truncate(out, before);
	}
	if (out->length == inside)
	{
		ga_text_truncate(out, start);
		return false;
	}
	ga_text_putc(out, field->type == OBJECT ? '}' : ']');
	return true;
}

void
ga_request_field_render(const GaRequestField *field, GaBodyKind kind,
						const GaValues *values, GaText *out)
{
	if (kind == GA_BODY_RAW)
		ga_text_puts(out, values->of[GA_VARIABLE_TEXT]);
	else if (kind != GA_BODY_JSON)
		render_pairs(field->children, values, out);
	else if (!render_json(field, values, out))
		ga_text_puts(out, "{}");
}
