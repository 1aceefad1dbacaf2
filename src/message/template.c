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

typedef struct FieldInfo
{
	const char *name;
	bool is_optional; /* can be asked for by {?name} */
} FieldInfo;

static const FieldInfo fields[GA_FIELD_COUNT] = {
	[GA_FIELD_INVITER] = {"inviter", true},
	[GA_FIELD_GROUP] = {"group", false},
	[GA_FIELD_MEMBER] = {"member", false},
	[GA_FIELD_MESSAGE] = {"message", true},
	[GA_FIELD_DESCRIPTION] = {"description", true},
	[GA_FIELD_LINK] = {"link", false},
	[GA_FIELD_EXPIRES] = {"expires", true},
	[GA_FIELD_IMAGE] = {"image", true},
	[GA_FIELD_REMINDER] = {"reminder", true},
};

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
	GaField field;
	const char *start;
	int length;
} Piece;

static bool
find_field(const char *name, int length, GaField *field)
{
	for (int i = 0; i < GA_FIELD_COUNT; i++)
		if ((int) strlen(fields[i].name) == length &&
			memcmp(fields[i].name, name, length) == 0)
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
read_tag(const char *brace, Piece *piece)
{
	const char *sign = brace + 1;
	bool has_sign = is_sign(sign);
	const char *name = sign + has_sign + strspn(sign + has_sign, " ");
	const char *end = name;

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
		!find_field(name, (int) (end - name), &piece->field))
		return true;
	if (has_sign && fields[piece->field].is_optional)
		piece->kind = *sign == '?' ? PIECE_IF : PIECE_UNLESS;
	else if (!has_sign && piece->field != GA_FIELD_REMINDER)
		piece->kind = PIECE_VALUE;
	return true;
}

/* Reads the piece at *next and moves past it; false at the end. */
static bool
read_piece(const char **next, Piece *piece)
{
	const char *from = *next;
	const char *brace = from;

	if (*from == '\0')
		return false;
	while ((brace = strchr(brace, '{')) != NULL && !read_tag(brace, piece))
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

void
ga_template_render(StringInfo out, const char *text,
				   const GaFieldValues *values, bool is_html)
{
	Nesting nesting = {0, 0};
	Piece piece;

	while (read_piece(&text, &piece))
	{
		const char *value = NULL;

		if (piece.kind == PIECE_IF || piece.kind == PIECE_UNLESS)
			enter_condition(&nesting, (values->of[piece.field] != NULL) ==
										  (piece.kind == PIECE_IF));
		else if (piece.kind == PIECE_END && nesting.depth > 0)
			leave_condition(&nesting);
		if (nesting.skipped_from != 0)
			continue;
		if (piece.kind == PIECE_VALUE)
			value = values->of[piece.field];
		if (piece.kind == PIECE_TEXT || piece.kind == PIECE_BAD)
			appendBinaryStringInfo(out, piece.start, piece.length);
		else if (value != NULL && is_html)
			ga_html_escape_lines(out, value);
		else if (value != NULL)
			appendStringInfoString(out, value);
	}
}

const char *
ga_template_fault(const char *text)
{
	const char *open[MAX_DEPTH];
	int depth = 0;
	Piece piece;

	while (read_piece(&text, &piece))
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
has_when(const char *text, GaField field, uint32 given)
{
	Nesting nesting = {0, 0};
	Piece piece;

	while (read_piece(&text, &piece))
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
ga_template_always_has(const char *text, GaField field)
{
	for (uint32 given = 0; given < 1 << GA_FIELD_COUNT; given++)
		if (!has_when(text, field, given))
			return false;
	return true;
}

bool
ga_template_has(const char *text, GaField field)
{
	Piece piece;

	while (read_piece(&text, &piece))
		if (piece.kind == PIECE_VALUE && piece.field == field)
			return true;
	return false;
}
