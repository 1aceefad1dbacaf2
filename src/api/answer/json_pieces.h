/*
 * json_pieces.h
 *		The pieces of which answers in JSON are made.
 *
 * The order of an object's keys is the documented one: answers are of type json,
 * whose text is kept, and built as text.
 */
#ifndef GA_API_ANSWER_JSON_PIECES_H
#define GA_API_ANSWER_JSON_PIECES_H

#include "postgres.h"

#include "base/json/json_values.h"
#include "datatype/timestamp.h"

/* "name":"text"; the name is a constant of ours. */
extern void ga_json_put_member(StringInfo out, const char *name,
							   const char *text);
/* ISO 8601 in UTC with milliseconds, as a JavaScript Date prints; 0: null. */
extern void ga_json_put_moment(StringInfo out, TimestampTz moment);
/* The beginning of contract A's envelopes, as far as its next member. */
extern void ga_json_put_no_error(StringInfo out);

/* Begins an answer; whatever is put follows, then ga_json_finish(). */
extern void ga_json_begin(StringInfo out);
/* What was put, as the json that a function returns; not to be added to any more. */
extern Datum ga_json_finish(StringInfo out);

#endif /* GA_API_ANSWER_JSON_PIECES_H */
