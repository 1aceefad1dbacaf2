/*
 * body.h
 *		The body of a request as it came: JSON, an urlencoded form or
 *		multipart/form-data, whatever it was declared to be.
 */
#ifndef GA_REQUEST_BODY_H
#define GA_REQUEST_BODY_H

#include "postgres.h"

#include "request/digest.h"
#include "request/violation.h"
#include "utils/jsonb.h"

/*
 * NULL and violations when it cannot be read.  Of a form every value is a
 * string; names like a[0], a[] and a[b] make lists and objects.  So do names in
 * `lists` (NULL behind the last), as a form without brackets gives them: once
 * for each element, and empty for none.  A file becomes a data URL, which only
 * fields of pictures take.
 */
extern Jsonb *ga_body_read(GaBytes body, const char *const *lists,
						   GaViolations *violations);

#endif /* GA_REQUEST_BODY_H */
