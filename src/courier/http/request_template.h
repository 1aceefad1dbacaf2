/*
 * request_template.h
 *		Texts with {names} in them, compiled once and filled in per message.
 *
 * "{to}" is a value of the message, "{account_sid}" an option of the provider
 * (filled in when compiled), "{{" a brace.  Conditions are those of the words of
 * messages (docs/templates.md): what stands between "{?name}" and "{/}" is there
 * only if the value or option is not empty, what follows "{!name}" only if it is.
 */
#ifndef GA_COURIER_HTTP_REQUEST_TEMPLATE_H
#define GA_COURIER_HTTP_REQUEST_TEMPLATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "courier/text.h"
#include "courier/values.h"

typedef enum GaEscape
{
	GA_ESCAPE_NONE,
	GA_ESCAPE_URL,
	GA_ESCAPE_JSON
} GaEscape;

typedef enum GaPieceKind
{
	GA_PIECE_LITERAL, /* escaped already */
	GA_PIECE_VALUE,
	GA_PIECE_IF,	 /* up to its END: if the value is not empty */
	GA_PIECE_UNLESS, /* likewise: if it is */
	GA_PIECE_END
} GaPieceKind;

typedef struct GaPiece
{
	GaPieceKind kind;
	int variable;  /* GaVariable; of a condition also -1: an option's */
	bool is_set;   /* whether that option is not empty */
	char *literal; /* NULL but for a literal */
} GaPiece;

typedef struct GaRequestTemplate
{
	GaPiece *pieces;
	int count;
} GaRequestTemplate;

/* Answers an option of the provider, or NULL when there is no such option. */
typedef const char *(*GaRequestOption)(const void *context, const char *name);

/*
 * Compiles `source`; what stands outside braces is taken as it is, or escaped
 * too with `escape_literals`.  false: `complaint` names the fault.
 */
extern bool ga_request_template_compile(GaRequestTemplate *template,
										const char *source, GaEscape escape,
										bool escape_literals,
										GaRequestOption lookup,
										const void *context, char *complaint,
										size_t size);
extern void ga_request_template_free(GaRequestTemplate *template);
extern void ga_request_template_render(const GaRequestTemplate *template,
									   const GaValues *values, GaEscape escape,
									   GaText *out);
/* Whether it reads the same for every message. */
extern bool ga_request_template_is_constant(const GaRequestTemplate *template);

/* How the fields of a request travel. */
typedef enum GaBodyKind
{
	GA_BODY_FORM,
	GA_BODY_JSON,
	GA_BODY_QUERY,
	GA_BODY_RAW /* the message's text as it is; there are no fields */
} GaBodyKind;

/* A tree of named templates, the shape of a request's body. */
typedef struct GaRequestField GaRequestField;

/*
 * Compiles a JSON object whose strings are templates.  Objects and arrays may
 * be nested for GA_BODY_JSON only; there "{#name}" makes a number.  NULL:
 * `complaint` names the fault.
 */
extern GaRequestField *ga_request_field_compile(const json_t *source,
												GaBodyKind kind,
												GaRequestOption lookup,
												const void *context,
												char *complaint, size_t size);
extern void ga_request_field_free(GaRequestField *field);
/* Appends the body; what comes out empty is left out, with its name. */
extern void ga_request_field_render(const GaRequestField *field,
									GaBodyKind kind, const GaValues *values,
									GaText *out);

#endif /* GA_COURIER_HTTP_REQUEST_TEMPLATE_H */
