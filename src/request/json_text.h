/*
 * json_text.h
 *		What a body in JSON says that jsonb does not keep: a key that an object has
 *		twice, and escapes that mean no character.
 *
 * jsonb keeps the last of equal keys, and its parser stops at such an escape
 * without saying where.  Here both are faults of their fields.
 */
#ifndef GA_REQUEST_JSON_TEXT_H
#define GA_REQUEST_JSON_TEXT_H

#include "postgres.h"

#include "request/violation.h"

/*
 * The text with blanks in place of \u0000 and of halves of surrogate pairs, as long
 * as it was; palloc'ed.  NULL: it has none of them.
 */
extern char *ga_json_text_mend(const char *text, size_t length);

/*
 * Adds a violation for each key that an object has more than once, and for each
 * text with such an escape.  Once mended the text must be JSON; it is not read
 * deeper than 32 levels.
 */
extern void ga_json_text_check(const char *text, size_t length,
							   GaViolations *violations);

#endif /* GA_REQUEST_JSON_TEXT_H */
