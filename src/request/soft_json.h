/*
 * soft_json.h
 *		JSON of strangers as jsonb, without an error for what is none.
 */
#ifndef GA_REQUEST_SOFT_JSON_H
#define GA_REQUEST_SOFT_JSON_H

#include "postgres.h"

#include "utils/jsonb.h"

/*
 * NULL: no JSON, not UTF-8, or deeper or with longer numbers than anything
 * honest.  The caller bounds the length.
 */
extern Jsonb *ga_soft_json(const char *text, size_t length);

/* The same, with a sentence for the caller that says why there is none. */
extern Jsonb *ga_soft_json_or_why(const char *text, size_t length,
								  const char **complaint);

/*
 * A value of an object or list as text; NULL: absent, null, an object or a list.
 * Booleans and numbers are written as JSON writes them; palloc'ed.
 */
extern const char *ga_soft_json_text(const JsonbValue *value);

#endif /* GA_REQUEST_SOFT_JSON_H */
