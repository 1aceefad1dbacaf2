/*
 * multipart.h
 *		multipart/form-data (RFC 7578): the fields of a form with files.
 */
#ifndef GA_REQUEST_MULTIPART_H
#define GA_REQUEST_MULTIPART_H

#include "postgres.h"

#include "request/digest.h"

/* Its parts point into the body; may hold anything. */
typedef struct GaMultipartField
{
	GaBytes name;
	GaBytes value;
	bool is_file;
} GaMultipartField;

typedef struct GaMultipart
{
	int count;
	GaMultipartField *list;
} GaMultipart;

/* By its first line, which is the boundary, and what follows that. */
extern bool ga_multipart_is_one(GaBytes body);

/* False: not readable as one, or of more than `most` parts. */
extern bool ga_multipart_read(GaBytes body, int most, GaMultipart *fields);

#endif /* GA_REQUEST_MULTIPART_H */
