/*
 * multipart.h
 *		The parts of a multipart/form-data body (RFC 7578).
 */
#ifndef GA_REQUEST_MULTIPART_H
#define GA_REQUEST_MULTIPART_H

#include "postgres.h"

#include "base/digest.h"

typedef struct GaPart
{
	GaBytes name;
	GaBytes value;
	bool is_file;
} GaPart;

typedef struct GaMultipart
{
	int count;
	GaPart *list;
	/* Why it could not be read, behind "the body"; NULL: it could. */
	const char *complaint;
	bool has_too_many_parts;
} GaMultipart;

/* More than any form has; bounds the work. */
#define GA_PARTS_MAX 1000

/* Neither JSON nor an urlencoded form begins so. */
extern bool ga_multipart_is(GaBytes body);

/*
 * Names and values point into the body and may hold anything.  A file that
 * nobody chose, which browsers send with neither name nor content, is left out.
 */
extern GaMultipart ga_multipart_read(GaBytes body);

#endif /* GA_REQUEST_MULTIPART_H */
