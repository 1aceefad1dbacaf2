/*
 * template.h
 *		Words with places to fill: {name}, {?name}...{/}, {!name}...{/}.
 *
 * A brace that does not look like one of these is only a brace, so that style
 * sheets need no escaping.  docs/templates.md describes the syntax for messages;
 * the page of a link is filled by the same engine (message/page).
 */
#ifndef GA_MESSAGE_TEMPLATE_H
#define GA_MESSAGE_TEMPLATE_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* How a template may use a field: a set of these. */
enum
{
	GA_FIELD_AS_VALUE = 1,	   /* {name} */
	GA_FIELD_AS_CONDITION = 2, /* {?name} and {!name} */
	/*
	 * Its value is a template itself, filled with the same values: a sentence
	 * with names in it, a name in its markup.  So it is not escaped, and must be
	 * a constant of ours: never what came from outside.
	 */
	GA_FIELD_IS_PART = 4
};

typedef struct GaFieldInfo
{
	const char *name;
	int uses;
} GaFieldInfo;

/* What a kind of templates can speak of; values come in the same order. */
typedef struct GaFieldSet
{
	const GaFieldInfo *fields;
	int count;
} GaFieldSet;

typedef enum GaRendering
{
	GA_RENDER_TEXT,		 /* values as they are */
	GA_RENDER_HTML,		 /* values escaped: as text, or in a quoted attribute */
	GA_RENDER_HTML_LINES /* the same, and a line end becomes <br> */
} GaRendering;

/*
 * Fills the places and appends.  A value is written as `rendering` says and
 * never read as a template, whatever is in it, unless its field is a part.
 * NULL: there is none, {?name} is left out.  What is wrong with a template is
 * left as it stands: it was checked when it was put.
 */
extern void ga_template_render(StringInfo out, const GaFieldSet *set,
							   const char *text, const char *const *values,
							   GaRendering rendering);

/* A text as the value of a field: an empty one is none. */
extern const char *ga_template_value(const char *text);

/* What is wrong with it, for a person; NULL: nothing. */
extern const char *ga_template_fault(const GaFieldSet *set, const char *text);

/*
 * Whether the value of a field is in it, whatever else there is: not only
 * inside of a condition.  Tries each case, so `set` has some ten fields.
 */
extern bool ga_template_always_has(const GaFieldSet *set, const char *text,
								   int field);
/* Whether it is in it at all. */
extern bool ga_template_has(const GaFieldSet *set, const char *text, int field);

#endif /* GA_MESSAGE_TEMPLATE_H */
