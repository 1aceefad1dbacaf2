/*
 * template.h
 *		Words with places to fill: {name}, {?name}...{/}, {!name}...{/}.
 *
 * A brace that does not look like one of these is only a brace, so that style
 * sheets need no escaping.  docs/templates.md describes the syntax.
 */
#ifndef GA_MESSAGE_TEMPLATE_H
#define GA_MESSAGE_TEMPLATE_H

#include "postgres.h"

#include "lib/stringinfo.h"

typedef enum GaField
{
	GA_FIELD_INVITER,
	GA_FIELD_GROUP,
	GA_FIELD_MEMBER,
	GA_FIELD_MESSAGE,
	GA_FIELD_DESCRIPTION,
	GA_FIELD_LINK,
	GA_FIELD_EXPIRES,
	GA_FIELD_IMAGE,
	GA_FIELD_REMINDER, /* only as a condition */
	GA_FIELD_COUNT
} GaField;

/* NULL: there is none, {?name} is left out. */
typedef struct GaFieldValues
{
	const char *of[GA_FIELD_COUNT];
} GaFieldValues;

/*
 * Fills the places and appends; with `is_html` the values are escaped.  What is
 * wrong with a template is left as it stands: it was checked when it was put.
 */
extern void ga_template_render(StringInfo out, const char *text,
							   const GaFieldValues *values, bool is_html);

/* What is wrong with it, for a person; NULL: nothing. */
extern const char *ga_template_fault(const char *text);

/*
 * Whether the value of a field is in it, whatever else there is: not only
 * inside of a condition.
 */
extern bool ga_template_always_has(const char *text, GaField field);
/* Whether it is in it at all. */
extern bool ga_template_has(const char *text, GaField field);

#endif /* GA_MESSAGE_TEMPLATE_H */
