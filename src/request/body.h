/*
 * body.h
 *		The body of a request as it came: JSON, an urlencoded form or
 *		multipart/form-data, whatever it was declared to be.
 */
#ifndef GA_REQUEST_BODY_H
#define GA_REQUEST_BODY_H

#include "postgres.h"

#include "base/digest.h"
#include "request/violation.h"
#include "utils/jsonb.h"

/*
 * What a body may have, by how many members it may name: bytes, and values in
 * JSON (objects, lists and what is in them).  The bytes of two pictures always
 * fit.  A member of contract A has five values and, with what people call
 * themselves, far less than a kilobyte.
 */
extern size_t ga_body_max_bytes(int max_members);

/* False and a violation for jsonb, given in SQL, that is larger than that. */
extern bool ga_body_check_size(size_t bytes, int max_members,
							   GaViolations *violations);

/*
 * NULL and violations when it cannot be read, or is larger than `max_members`
 * allow.  Of a form every value is a
 * string; names like a[0], a[] and a[b] make lists and objects.  So do names in
 * `lists` (NULL behind the last), as a form without brackets gives them: once
 * for each element, and empty for none.  A file becomes a data URL, which only
 * fields of pictures take.
 */
extern Jsonb *ga_body_read(GaBytes body, const char *const *lists,
						   int max_members, GaViolations *violations);

#endif /* GA_REQUEST_BODY_H */
