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

/* What a form cannot say of its fields: names, NULL behind the last. */
typedef struct GaFormTypes
{
	const char *const *lists;
	const char *const *booleans;
} GaFormTypes;

/*
 * NULL and violations when it cannot be read, or is larger than `max_members`
 * allow.  Violations besides a body are of fields whose text is none, or that are
 * given twice: what else is wrong is to be told with them.  Of a form every value
 * is a string, but for true and false of the booleans; names like a[0], a[] and a[b]
 * make lists and objects.  So do names of lists, as a form without brackets gives
 * them: once for each element, and empty for none.  A file becomes a data URL, which
 * only fields of pictures take.
 */
extern Jsonb *ga_body_read(GaBytes body, const GaFormTypes *types,
						   int max_members, GaViolations *violations);

#endif /* GA_REQUEST_BODY_H */
