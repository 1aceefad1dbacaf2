/*
 * soft_json.h
 *		JSON of strangers as jsonb, without an error for what is none.
 */
#ifndef GA_REQUEST_SOFT_JSON_H
#define GA_REQUEST_SOFT_JSON_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/*
 * NULL: no JSON, not UTF-8, or deeper, with more values or with longer numbers
 * than anything honest.  The caller bounds the length; of what is read here
 * (claims, headers, callbacks) that is a megabyte at most.
 */
extern Jsonb *ga_soft_json(const char *text, size_t length);

/* A member of an object whose value is a text. */
typedef struct GaJsonText
{
	const char *name;
	const char *value;
} GaJsonText;

/*
 * The texts of an object, GaJsonText, in the order in which they stand; the last
 * one of a name counts.  NIL where ga_soft_json() has NULL, too, and for what is no
 * object.  Costs a third of jsonb, which is parsed twice and then sorted.
 */
extern List *ga_soft_json_texts(const char *text);

typedef enum GaJsonFault
{
	GA_JSON_GOOD,
	GA_JSON_UNREADABLE,
	GA_JSON_TOO_MANY_VALUES
} GaJsonFault;

/*
 * The same with at most `max_values` values (objects, lists and what is in them)
 * and with the fault and a sentence for the caller that says why there is none.
 * As jsonb is made, each value takes up to a hundred bytes, though "1," has two:
 * so they are counted before.
 */
extern Jsonb *ga_soft_json_or_why(const char *text, size_t length,
								  int max_values, GaJsonFault *fault,
								  const char **complaint);

/*
 * A number's digits; of one that has more than 64 the words that say so, which are no
 * number: jsonb holds numbers of 131072 digits in nine bytes.
 */
extern const char *ga_soft_json_number(Numeric number);

/*
 * A value of an object or list as text; NULL: absent, null, an object or a list.
 * Booleans and numbers are written as JSON writes them; palloc'ed.
 */
extern const char *ga_soft_json_text(const JsonbValue *value);

#endif /* GA_REQUEST_SOFT_JSON_H */
