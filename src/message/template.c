/*
 * template.c
 *		Reading and filling templates.
 *
 * One reader cuts a text into pieces for the check and for the filling, so the
 * two cannot disagree.  No table is built: a template is some hundred bytes and
 * is read as fast as it is copied.
 */
#include "postgres.h"

#include "message/html.h"
#include "message/template.h"

#define MAX_DEPTH 8
/* A sentence of a page, a name in it, and one to spare. */
#define MAX_PARTS 3

typedef enum PieceKind
{
	PIECE_TEXT,
	PIECE_VALUE,  /* {name} */
	PIECE_IF,	  /* {?name} */
	PIECE_UNLESS, /* {!name} */
	PIECE_END,	  /* {/} */
	PIECE_BAD	  /* looks like one of these and is none */
} PieceKind;

typedef struct Piece
{
	PieceKind kind;
	int field;
	const char *start;
	int length;
} Piece;

static bool
find_field(const GaFieldSet *set, const char *name, int length, int *field)
{
	for (int i = 0; i < set->count; i++)
		if ((int) strlen(set->fields[i].name) == length &&
			memcmp(set->fields[i].name, name, length) == 0)
		{
			*field = i;
			return true;
		}
	return false;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* A comment at the beginning of a style's block is no end of a condition. */
static bool
is_sign(const char *text)
{
	return *text == '?' || *text == '!' || (*text == '/' && text[1] != '*');
}

/* The piece that begins with the brace at `brace`; false: only a brace. */
static bool
read_tag(const GaFieldSet *set, const char *brace, Piece *piece)
{
	const char *sign = brace + 1;
	bool has_sign = is_sign(sign);
	const char *name = sign + has_sign + strspn(sign + has_sign, " ");
	const char *end = name;
	int uses;

	while (is_letter(*end))
		end++;
	piece->start = brace;
	piece->kind = PIECE_BAD;
	piece->length = (int) (end + strspn(end, " ") - brace);
	if (brace[piece->length] != '}' || (name == end && !has_sign))
		return has_sign;
	piece->length++;
	if (*sign == '/')
	{
		if (piece->length == 3)
			piece->kind = PIECE_END;
		return true;
	}
	/* Nothing but the bare name between the signs. */
	if (piece->length != (int) (end - name) + 2 + has_sign ||
		!find_field(set, name, (int) (end - name), &piece->field))
		return true;
	uses = set->fields[piece->field].uses;
	if (has_sign && (uses & GA_FIELD_AS_CONDITION))
		piece->kind = *sign == '?' ? PIECE_IF : PIECE_UNLESS;
	else if (!has_sign && (uses & GA_FIELD_AS_VALUE))
		piece->kind = PIECE_VALUE;
	return true;
}

/* Reads the piece at *next and moves past it; false at the end. */
static bool
read_piece(const GaFieldSet *set, const char **next, Piece *piece)
{
	const char *from = *next;
	const char *brace = from;

	if (*from == '\0')
		return false;
	while ((brace = strchr(brace, '{')) != NULL && !read_tag(set, brace, piece))
		brace++;
	if (brace != from)
	{
		piece->kind = PIECE_TEXT;
		piece->start = from;
		piece->length = brace ? (int) (brace - from) : (int) strlen(from);
	}
	*next = piece->start + piece->length;
	return true;
}

/* Which of the nested conditions leave out what stands in them. */
typedef struct Nesting
{
	int depth;
	int skipped_from; /* depth of the outermost one that does; 0: none */
} Nesting;

static void
enter_condition(Nesting *nesting, bool holds)
{
	nesting->depth++;
	if (!holds && nesting->skipped_from == 0)
		nesting->skipped_from = nesting->depth;
}

static void
leave_condition(Nesting *nesting)
{
	if (nesting->skipped_from == nesting->depth)
		nesting->skipped_from = 0;
	nesting->depth--;
}

/* What is the same for a template and for the parts in it. */
typedef struct Renderer
{
	StringInfo out;
	const GaFieldSet *set;
	const char *const *values;
	GaRendering rendering;
	int part_depth;
} Renderer;

static void render(Renderer *renderer, const char *text);

static void
put_value(Renderer *renderer, int field)
{
	const char *value = renderer->values[field];

	if (value == NULL)
		return;
	if (renderer->set->fields[field].uses & GA_FIELD_IS_PART)
	{
		/* One that holds itself would never end. */
		if (renderer->part_depth == MAX_PARTS)
			return;
		renderer->part_depth++;
		render(renderer, value);
		renderer->part_depth--;
	}
	else if (renderer->rendering == GA_RENDER_TEXT)
		appendStringInfoString(renderer->out, value);
	else if (renderer->rendering == GA_RENDER_HTML)
		ga_html_escape(renderer->out, value);
	else
		ga_html_escape_lines(renderer->out, value);
}

static void
render(Renderer *renderer, const char *text)
{
	const GaFieldSet *set = renderer->set;
	Nesting nesting = {0, 0};
	Piece piece;

	while (read_piece(set, &text, &piece))
	{
		if (piece.kind == PIECE_IF || piece.kind == PIECE_UNLESS)
			enter_condition(&nesting, (renderer->values[piece.field] != NULL) ==
										  (piece.kind == PIECE_IF));
		else if (piece.kind == PIECE_END && nesting.depth > 0)
		{
			leave_condition(&nesting);
			continue;
		}
		if (nesting.skipped_from != 0)
			continue;
		if (piece.kind == PIECE_VALUE)
			put_value(renderer, piece.field);
		else if (piece.kind == PIECE_TEXT || piece.kind == PIECE_BAD ||
				 piece.kind == PIECE_END)
			appendBinaryStringInfo(renderer->out, piece.start, piece.length);
	}
}

const char *
ga_template_value(const char *text)
{
	return text == NULL || text[0] == '\0' ? NULL : text;
}

void
ga_template_render(StringInfo out, const GaFieldSet *set, const char *text,
				   const char *const *values, GaRendering rendering)
{
	Renderer renderer = {out, set, values, rendering, 0};

	render(&renderer, text);
}

const char *
ga_template_fault(const GaFieldSet *set, const char *text)
{
	const char *open[MAX_DEPTH];
	int depth = 0;
	Piece piece;

	while (read_piece(set, &text, &piece))
	{
		if (piece.kind == PIECE_BAD)
			return psprintf("%.*s is no placeholder", Min(piece.length, 40),
							piece.start);
		if (piece.kind == PIECE_END && depth-- == 0)
			return "{/} ends no condition";
		if (piece.kind != PIECE_IF && piece.kind != PIECE_UNLESS)
			continue;
		if (depth == MAX_DEPTH)
			return psprintf("more than %d conditions inside of each other",
							MAX_DEPTH);
		open[depth++] = pnstrdup(piece.start, piece.length);
	}
	return depth == 0 ? NULL
					  : psprintf("%s is not ended by {/}", open[depth - 1]);
}

/* Whether it is there when the optional fields of `given` are. */
static bool
has_when(const GaFieldSet *set, const char *text, int field, uint32 given)
{
	Nesting nesting = {0, 0};
	Piece piece;

	while (read_piece(set, &text, &piece))
	{
		if (piece.kind == PIECE_IF || piece.kind == PIECE_UNLESS)
			enter_condition(&nesting, ((given >> piece.field) & 1) ==
										  (piece.kind == PIECE_IF));
		else if (piece.kind == PIECE_END && nesting.depth > 0)
			leave_condition(&nesting);
		else if (piece.kind == PIECE_VALUE && piece.field == field &&
				 nesting.skipped_from == 0)
			return true;
	}
	return false;
}

bool
ga_template_always_has(const GaFieldSet *set, const char *text, int field)
{
	Assert(set->count < 16);
	for (uint32 given = 0; given < (uint32) 1 << set->count; given++)
		if (!has_when(set, text, field, given))
			return false;
	return true;
}

bool
ga_template_has(const GaFieldSet *set, const char *text, int field)
{
	Piece piece;

	while (read_piece(set, &text, &piece))
		if (piece.kind == PIECE_VALUE && piece.field == field)
			return true;
	return false;
}
